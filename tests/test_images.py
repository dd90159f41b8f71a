"""One image: what is read of each kind of file, and how colour mode and size change it."""

from __future__ import annotations

import random

import numpy as np
import pytest
from drawings import noise, png, save, told
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lenetml.errors import DataError
from lenetml.trial import images
from lenetml.trial.images import change_images, look, read_image, without_warnings

REMEDY = "    replace it, or move it out of the folder"
ALLOWED = f"    allowed: PNG, JPEG, BMP, GIF, WebP and TIFF\n{REMEDY}"


def read(path, size=None, fit="stretch", color_mode="rgb"):
    with without_warnings():
        return read_image(path, size, fit, color_mode)


def looked_at(path):
    with without_warnings():
        return look(path)


def refusal(path):
    with pytest.raises(DataError) as caught:
        read(path)
    return told(caught.value, path.parent)


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif", "a.webp"])
def test_files_that_keep_every_pixel(tmp_path, name):
    pixels = noise(3, 5, 3)
    path = save(tmp_path / name, pixels, **({"lossless": True} if name == "a.webp" else {}))
    assert np.array_equal(read(path), pixels)
    assert looked_at(path) == (3, 5, "rgb")


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif"])
def test_grayscale_files(tmp_path, name):
    pixels = noise(3, 5)
    path = save(tmp_path / name, pixels)
    assert np.array_equal(read(path, color_mode="grayscale")[..., 0], pixels)
    assert np.array_equal(read(path), np.repeat(pixels[..., None], 3, axis=2))
    assert looked_at(path) == (3, 5, "grayscale")


def test_jpeg_is_near_what_was_drawn(tmp_path):
    pixels = np.full((8, 8, 3), (200, 100, 50), dtype=np.uint8)
    path = save(tmp_path / "a.jpg", pixels, quality=95)
    assert np.abs(read(path).astype(int) - pixels).max() <= 3
    assert looked_at(path) == (8, 8, "rgb")


def test_palettes_and_single_bits(tmp_path):
    pixels = np.zeros((2, 2, 3), dtype=np.uint8)
    pixels[0, 1] = (255, 0, 0)
    path = save(tmp_path / "a.png", pixels, "P")
    assert np.array_equal(read(path), pixels)
    assert looked_at(path) == (2, 2, "rgb")
    bits = save(tmp_path / "b.png", np.array([[0, 255]], dtype=np.uint8), "1")
    assert read(bits, color_mode="grayscale").tolist() == [[[0], [255]]]


def test_the_first_frame_is_taken(tmp_path):
    first, second = noise(4, 4), noise(4, 4, seed=1)
    path = save(tmp_path / "a.gif", first, save_all=True, append_images=[Image.fromarray(second)])
    assert np.array_equal(read(path, color_mode="grayscale")[..., 0], first)
    path = save(tmp_path / "a.tif", first, save_all=True, append_images=[Image.fromarray(second)])
    assert np.array_equal(read(path, color_mode="grayscale")[..., 0], first)


def test_what_is_transparent_shows_white(tmp_path):
    pixels = np.array([[[10, 20, 30, 0], [10, 20, 30, 255], [0, 0, 0, 51]]], dtype=np.uint8)
    path = save(tmp_path / "a.png", pixels)
    assert read(path).tolist() == [[[255, 255, 255], [10, 20, 30], [204, 204, 204]]]
    gray = np.array([[[10, 0], [10, 255]]], dtype=np.uint8)
    path = save(tmp_path / "b.png", gray)
    assert looked_at(path) == (1, 2, "grayscale")
    assert read(path, color_mode="grayscale").tolist() == [[[255], [10]]]
    keyed = save(tmp_path / "c.png", np.array([[7, 8]], dtype=np.uint8), transparency=7)
    assert read(keyed, color_mode="grayscale").tolist() == [[[255], [8]]]


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.webp"])
def test_an_image_stands_upright(tmp_path, name):
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = np.zeros((8, 16), dtype=np.uint8)
    pixels[:, 8:] = 255
    path = save(tmp_path / name, pixels, exif=exif)
    assert looked_at(path)[:2] == (16, 8)
    upright = read(path, color_mode="grayscale")[..., 0]
    assert np.abs(upright.astype(int) - np.rot90(pixels, -1)).max() <= 3


def test_cmyk_becomes_rgb(tmp_path):
    path = save(tmp_path / "a.tif", noise(3, 5, 3), "CMYK")
    assert looked_at(path) == (3, 5, "rgb")
    assert read(path).shape == (3, 5, 3)


DEEP = (
    " has more than 8 bits per channel\n"
    "    allowed: 8 bits\n"
    "    save it with 8 bits a channel; which 8 of its bits count is yours to decide"
)


@pytest.mark.parametrize("colours", [0, 2, 4, 6])
def test_png_of_sixteen_bits(tmp_path, colours):
    path = tmp_path / "a.png"
    path.write_bytes(png(5, 3, 16, colours))
    assert refusal(path) == f"a.png{DEEP}"
    path.write_bytes(png(5, 3, 8, colours))
    assert read(path).shape == (3, 5, 3)


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32])
def test_tiff_of_more_bits(tmp_path, dtype):
    assert refusal(save(tmp_path / "a.tif", noise(3, 5).astype(dtype))) == f"a.tif{DEEP}"


def test_rgb_tiff_of_sixteen_bits(tmp_path):
    path = save(tmp_path / "a.tif", noise(1, 1, 3))
    # Of its three values of 8 bits, written as short numbers, each is made one of 16.
    content = path.read_bytes().replace(b"\x08\x00\x08\x00\x08\x00", b"\x10\x00\x10\x00\x10\x00")
    path.write_bytes(content + bytes(6))
    assert refusal(path) == f"a.tif{DEEP}"


def test_colours_that_are_not_read(tmp_path):
    assert refusal(save(tmp_path / "a.tif", noise(3, 5, 3), "LAB")) == (
        "a.tif has colours that are not read\n"
        "    found: LAB\n"
        "    allowed: grayscale, RGB, a palette, CMYK\n"
        "    save it with one of these"
    )


def test_what_is_no_image(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"no image at all")
    assert refusal(path) == f"a.png is no image that can be read\n{ALLOWED}"
    assert (
        refusal(tmp_path / "gone.png") == "gone.png cannot be read\n    No such file or directory"
    )


def test_an_image_of_another_kind_than_its_name_is_read(tmp_path):
    save(tmp_path / "a.png", noise(3, 5)).rename(tmp_path / "a.jpg")
    assert np.array_equal(read(tmp_path / "a.jpg", color_mode="grayscale")[..., 0], noise(3, 5))


def test_other_formats_are_not_opened(tmp_path):
    Image.fromarray(noise(3, 5)).save(tmp_path / "a.ppm")
    (tmp_path / "a.ppm").rename(tmp_path / "a.png")
    assert refusal(tmp_path / "a.png") == f"a.png is no image that can be read\n{ALLOWED}"


def test_too_many_pixels(tmp_path, monkeypatch):
    path = save(tmp_path / "a.png", noise(3, 5))
    monkeypatch.setattr(images, "MAX_PIXELS", 14)
    assert refusal(path) == "a.png is too large\n    allowed: 14 pixels; save it smaller"


@pytest.mark.parametrize("side", [9_000, 60_000])
def test_a_small_file_of_many_pixels(tmp_path, side):
    (tmp_path / "a.png").write_bytes(png(side, side, 8, 0, content=b""))
    assert refusal(tmp_path / "a.png") == (
        "a.png is too large\n    allowed: 80,000,000 pixels; save it smaller"
    )


def test_a_cut_image_names_itself(tmp_path):
    path = save(tmp_path / "a.jpg", noise(32, 32, 3))
    path.write_bytes(path.read_bytes()[:-200])
    said = refusal(path)
    assert said.startswith("a.jpg is damaged\n    found: image file is truncated")
    assert said.endswith(f"\n{REMEDY}")


def test_every_cut_png_is_refused(tmp_path):
    path = save(tmp_path / "a.png", noise(4, 4))
    whole = path.read_bytes()
    # What stands behind the mark of the last chunk is its checksum.
    for length in range(len(whole) - 4):
        path.write_bytes(whole[:length])
        assert refusal(path).startswith("a.png")


def test_a_damaged_png_is_refused_or_without_effect(tmp_path):
    """Wrong bytes, holes and insertions in 300 ways, repeatable by their seed."""
    chance = random.Random(6)
    path = save(tmp_path / "a.png", noise(6, 7, 3))
    whole, refused = path.read_bytes(), 0
    for _ in range(300):
        content = bytearray(whole)
        place, length = chance.randrange(len(content)), chance.randrange(1, 12)
        gone = chance.choice([0, length])
        content[place : place + gone] = chance.randbytes(chance.choice([0, length]))
        path.write_bytes(content)
        try:
            pixels = read(path)
        except DataError:
            refused += 1
            continue
        assert np.array_equal(pixels, noise(6, 7, 3))
    assert refused > 150


def test_stretch_changes_each_side():
    pixels = np.array([[0, 100], [100, 200]], dtype=np.uint8)[None, ..., None]
    doubled = change_images(pixels, (4, 4), "stretch", None)[0, ..., 0]
    assert doubled[0].tolist() == [0, 25, 75, 100]
    assert doubled[:, 0].tolist() == [0, 25, 75, 100]
    assert change_images(pixels, (1, 1), "stretch", None).ravel().tolist() == [100]


def test_crop_keeps_the_middle():
    pixels = np.zeros((1, 4, 12, 1), dtype=np.uint8)
    pixels[:, :, 4:8] = 255
    assert np.array_equal(change_images(pixels, (4, 4), "crop", None)[0], np.full((4, 4, 1), 255))


def test_pad_gives_the_border_of_lenet():
    pixels = noise(3, 28, 28, 1)
    padded = change_images(pixels, (32, 32), "pad", None)
    assert np.array_equal(padded[:, 2:30, 2:30], pixels)
    assert padded.sum(dtype=int) == pixels.sum(dtype=int)


def test_pad_shrinks_what_is_too_large():
    pixels = np.full((1, 10, 20, 1), 255, dtype=np.uint8)
    padded = change_images(pixels, (10, 10), "pad", None)[0, ..., 0]
    assert (padded[:2] == 0).all() and (padded[7:] == 0).all()
    assert (padded[2:7] == 255).all()


def test_colour_modes():
    gray, rgb = noise(2, 3, 5, 1), noise(2, 3, 5, 3)
    assert np.array_equal(change_images(gray, None, "pad", "rgb"), np.repeat(gray, 3, axis=3))
    assert change_images(gray, None, "pad", "grayscale") is gray
    assert change_images(rgb, (3, 5), "pad", "rgb") is rgb
    # ITU-R BT.601, as Pillow counts it with whole numbers.
    expected = (rgb.astype(int) @ [19595, 38470, 7471] + 2**15) >> 16
    assert np.array_equal(change_images(rgb, None, "pad", "grayscale")[..., 0], expected)


SIDE = st.integers(min_value=1, max_value=12)


@given(SIDE, SIDE, SIDE, SIDE, st.sampled_from(["stretch", "crop", "pad"]), st.sampled_from([1, 3]))
def test_any_size_becomes_any_other(height, width, new_height, new_width, fit, channels):
    pixels = noise(2, height, width, channels)
    changed = change_images(pixels, (new_height, new_width), fit, None)
    assert changed.shape == (2, new_height, new_width, channels)
    assert changed.dtype == np.uint8
    flat = np.full_like(pixels, 90)
    filled = change_images(flat, (new_height, new_width), fit, None)
    assert set(np.unique(filled)) <= ({0, 90} if fit == "pad" else {90})
    if fit == "pad" and height <= new_height and width <= new_width:
        assert np.count_nonzero(filled) == flat.size


@given(SIDE, SIDE)
def test_files_and_arrays_change_alike(tmp_path_factory, height, width):
    pixels = noise(9, 7, 3)
    path = save(tmp_path_factory.mktemp("alike") / "a.png", pixels)
    for fit in ("stretch", "crop", "pad"):
        changed = change_images(pixels[None], (height, width), fit, "grayscale")[0]
        assert np.array_equal(read(path, (height, width), fit, "grayscale"), changed)
