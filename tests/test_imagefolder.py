"""Folders of images, read whole: pixels, order, refusals, progress and what is kept."""

from __future__ import annotations

import hashlib
import os

import numpy as np
import pytest
from drawings import folder_of, noise, png, save, told

from lenetml.errors import DataError
from lenetml.spec import userdata
from lenetml.spec.sections import Data
from lenetml.trial import imagefolder
from lenetml.trial.imagefolder import read_folder

PHOTOS = Data(path="photos")
NAMES = ["a/1.png", "a/2.png", "b/1.png"]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "lenetml"


def read(root, seen=None, **changes):
    heard = seen.append if seen is not None else lambda text: None
    return read_folder(root, PHOTOS.model_copy(update=changes), heard)


def refusal(root, **changes):
    with pytest.raises(DataError) as caught:
        read(root, **changes)
    return told(caught.value, root.parent)


def test_a_folder_is_read_in_order(tmp_path):
    root = folder_of(tmp_path / "photos", NAMES)
    source = read(root)
    assert np.array_equal(source.pool.images[..., 0], [noise(4, 4, seed=i) for i in range(3)])
    assert source.pool.labels.tolist() == [0, 0, 1]
    assert (source.name, source.classes, source.own_test) == ("photos", ("a", "b"), None)
    assert [source.name_of(i) for i in range(3)] == NAMES
    assert [bytes(digest) for digest in source.digests] == [
        hashlib.sha256((root / name).read_bytes()).digest() for name in NAMES
    ]


def test_train_and_test(tmp_path):
    names = ["train/a/1.png", "train/b/1.png", "train/b/2.png", "test/a/1.png", "test/b/1.png"]
    source = read(folder_of(tmp_path / "photos", names))
    assert (len(source.pool), len(source.own_test)) == (3, 2)
    assert source.own_test.labels.tolist() == [0, 1]
    assert np.array_equal(source.own_test.images[1, ..., 0], noise(4, 4, seed=4))
    assert source.name_of(4) == "test/b/1.png"


def test_size_and_colour_mode_of_the_spec(tmp_path):
    root = folder_of(tmp_path / "photos", NAMES)
    save(root / "b" / "2.jpg", noise(9, 5, 3))
    source = read(root, image_size=(6, 6), fit="pad", color_mode="rgb")
    assert source.pool.images.shape == (4, 6, 6, 3)
    assert np.array_equal(source.pool.images[0, 1:5, 1:5, 2], noise(4, 4, seed=0))


def test_several_sizes(tmp_path):
    root = folder_of(tmp_path / "photos", NAMES)
    save(root / "b" / "2.jpg", noise(3, 5))
    save(root / "a" / "3.png", noise(30, 20))
    save(root / "a" / "4.png", noise(30, 20, seed=1))
    assert refusal(root) == (
        "photos: 3 sizes, from 3 x 5 (b/2.jpg) to 30 x 20 (a/3.png); "
        "write image_size: [height, width]"
    )
    assert read(root, image_size=(4, 4)).pool.images.shape == (6, 4, 4, 1)


def test_several_colour_modes(tmp_path):
    root = folder_of(tmp_path / "photos", NAMES)
    save(root / "b" / "2.png", noise(4, 4, 3))
    assert refusal(root) == (
        "photos: images in grayscale (a/1.png) and in rgb (b/2.png); "
        "write color_mode: grayscale, or rgb"
    )
    assert read(root, color_mode="grayscale").pool.images.shape == (4, 4, 4, 1)


def test_sizes_and_colour_modes_are_told_together(tmp_path):
    root = folder_of(tmp_path / "photos", NAMES)
    save(root / "b" / "2.png", noise(5, 5, 3))
    assert refusal(root) == (
        "photos: 2 sizes, from 4 x 4 (a/1.png) to 5 x 5 (b/2.png); "
        "write image_size: [height, width]\n"
        "    photos: images in grayscale (a/1.png) and in rgb (b/2.png); "
        "write color_mode: grayscale, or rgb"
    )


def test_all_damaged_files_are_named_at_once(tmp_path):
    root = folder_of(tmp_path / "photos", [*NAMES, *(f"b/{n}.png" for n in "23456789")])
    for name in ("a/2.png", *(f"b/{n}.png" for n in "2345678")):
        (root / name).write_bytes(b"")
    expected = (
        "photos/a/2.png is no image that can be read\n"
        "    allowed: PNG, JPEG, BMP, GIF, WebP and TIFF\n"
        "    replace it, or move it out of the folder\n"
        "    these cannot be used either: b/2.png, b/3.png, b/4.png, b/5.png, b/6.png and 2 more"
    )
    assert refusal(root) == expected
    assert refusal(root, image_size=(4, 4), color_mode="rgb") == expected


def test_a_cut_file_and_one_of_sixteen_bits(tmp_path):
    root = folder_of(tmp_path / "photos", NAMES, 32, 32)
    content = (root / "b" / "1.png").read_bytes()
    (root / "b" / "1.png").write_bytes(content[:-60])
    assert refusal(root).startswith("photos/b/1.png is damaged\n    found: ")
    (root / "b" / "1.png").write_bytes(png(32, 32, 16, 0))
    assert refusal(root) == (
        "photos/b/1.png has more than 8 bits per channel\n"
        "    allowed: 8 bits\n"
        "    save it with 8 bits a channel; which 8 of its bits count is yours to decide"
    )


def test_a_file_that_cannot_be_opened(tmp_path):
    root = folder_of(tmp_path / "photos", NAMES)
    files = userdata.list_images(root).pool
    files[1].path.unlink()
    with pytest.raises(DataError) as caught:
        imagefolder._hash(files, lambda text: None)
    assert told(caught.value, tmp_path) == (
        "photos/a/2.png cannot be read\n    No such file or directory"
    )


def test_more_than_memory_is_refused_before_any_pixel(tmp_path):
    root = folder_of(tmp_path / "photos", NAMES)
    assert refusal(root, image_size=(50_000, 50_000), color_mode="rgb") == (
        "photos is too large: all images are kept in memory\n"
        "    found: 3 images of 50000 x 50000 x 3, 21.0 GiB\n"
        "    allowed: 2 GiB; image_size makes images smaller"
    )


def test_progress_is_told(tmp_path, monkeypatch):
    root = folder_of(tmp_path / "photos", NAMES)
    quiet, loud = [], []
    read(root, quiet)
    assert quiet == []
    monkeypatch.setattr(imagefolder, "SECONDS_BETWEEN_REPORTS", 0)
    read(root, loud, fit="crop")
    assert loud == [
        f"{doing}: {count} of 3"
        for doing in ("comparing images with the cache", "measuring images", "reading images")
        for count in (1, 2, 3)
    ]


def test_what_was_read_is_not_read_again(tmp_path, cache, monkeypatch):
    root = folder_of(tmp_path / "photos", NAMES)
    first, heard = read(root), []
    monkeypatch.setattr(imagefolder, "SECONDS_BETWEEN_REPORTS", 0)
    again = read(root.rename(tmp_path / "elsewhere"), heard)
    assert np.array_equal(first.pool.images, again.pool.images)
    assert heard[-1] == "comparing images with the cache: 3 of 3"
    assert len(list(cache.iterdir())) == 1


@pytest.mark.parametrize(
    "changes", [{"image_size": (4, 4)}, {"fit": "pad"}, {"color_mode": "grayscale"}]
)
def test_another_reading_is_another_entry(tmp_path, cache, changes):
    root = folder_of(tmp_path / "photos", NAMES)
    read(root)
    read(root, **changes)
    assert len(list(cache.iterdir())) == 2


def test_a_changed_pixel_is_seen_whatever_the_file_system_says(tmp_path):
    root = folder_of(tmp_path / "photos", NAMES)
    path = save(root / "b" / "2.bmp", noise(4, 4))
    before, stat = read(root), path.stat()
    content = bytearray(path.read_bytes())
    content[-1] ^= 0xFF
    path.write_bytes(content)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert not np.array_equal(read(root).pool.images, before.pool.images)


def test_a_damaged_entry_of_the_cache_is_read_anew(tmp_path, cache):
    root = folder_of(tmp_path / "photos", NAMES)
    before = read(root)
    (entry,) = cache.iterdir()
    entry.write_bytes(entry.read_bytes()[:-1] + b"?")
    assert np.array_equal(read(root).pool.images, before.pool.images)


def test_a_cache_that_cannot_be_written_does_no_harm(tmp_path, cache):
    cache.parent.write_text("no folder")
    assert len(read(folder_of(tmp_path / "photos", NAMES)).pool) == 3
