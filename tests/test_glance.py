"""What the first bytes of an image tell."""

from __future__ import annotations

import pytest
from drawings import folder_of, noise, png, save, told
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lenetml.errors import DataError
from lenetml.spec.glance import Glance, glance

NO_IMAGE = "a.png is no image that can be read"
ALLOWED = (
    "    allowed: PNG, JPEG, BMP, GIF, WebP and TIFF\n    replace it, or move it out of the folder"
)
CUT = (
    "a.png is damaged\n    found: the file ends before its pixels begin\n"
    "    replace it, or move it out of the folder"
)


@pytest.mark.parametrize(
    ("name", "mode", "expected"),
    [
        ("a.png", "L", Glance((3, 5), 1, 8)),
        ("a.png", "1", Glance((3, 5), 1, 1)),
        ("a.png", "RGB", Glance((3, 5), 3, 8)),
        ("a.png", "RGBA", Glance((3, 5), 3, 8)),
        ("a.png", "P", Glance((3, 5), 3, 8)),
        ("a.jpg", "L", Glance((3, 5), 1, 8)),
        ("a.jpg", "RGB", Glance((3, 5), 3, 8)),
        ("a.jpg", "CMYK", Glance((3, 5), 3, 8)),
        ("a.gif", "L", None),
        ("a.bmp", "RGB", None),
    ],
)
def test_a_glance(tmp_path, name, mode, expected):
    assert glance(save(tmp_path / name, noise(3, 5), mode)) == expected


def test_what_may_be_turned_has_no_known_size(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in ("a.jpg", "a.png"):
        assert glance(save(tmp_path / name, noise(3, 5), exif=exif)) == Glance(None, 1, 8)
        square = save(tmp_path / name, noise(4, 4), exif=exif)
        assert glance(square) == Glance((4, 4), 1, 8)


def test_sixteen_bits_are_seen(tmp_path):
    (tmp_path / "a.png").write_bytes(png(5, 3, 16, 2))
    assert glance(tmp_path / "a.png") == Glance((3, 5), 3, 16)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "a.png cannot be read\n    No such file or directory"),
        (b"", f"{NO_IMAGE}\n    found: a file without content\n{ALLOWED}"),
        (b"<html>", f"{NO_IMAGE}\n    found: a file of another kind\n{ALLOWED}"),
        (png(5, 3, 8, 0)[:30], CUT),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", CUT),
    ],
)
def test_a_file_that_is_no_image_is_refused(tmp_path, content, message):
    path = tmp_path / "a.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        glance(path)
    assert told(caught.value, tmp_path) == message


@pytest.mark.parametrize("suffix", ["bmp", "gif", "webp", "tiff"])
def test_the_other_kinds_are_known_by_their_beginning(tmp_path, suffix):
    path = save(tmp_path / f"a.{suffix}", noise(3, 5), "RGB")
    assert glance(path) is None
    path.write_bytes(path.read_bytes()[1:])
    with pytest.raises(DataError, match="is no image that can be read"):
        glance(path)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("glance") / "a.bin"


@given(
    start=st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", png(5, 3, 8, 0)[:40]]),
    rest=st.binary(max_size=80),
)
def test_a_glance_at_anything_is_an_answer(scratch, start, rest):
    scratch.write_bytes(start + rest)
    try:
        seen = glance(scratch)
    except DataError:
        return
    assert seen is None or seen.channels in (1, 3)


def test_a_cut_file_is_not_guessed_at(tmp_path):
    folder_of(tmp_path, ["a.jpg"])
    whole = (tmp_path / "a.jpg").read_bytes()
    for length in range(90):
        (tmp_path / "b.jpg").write_bytes(whole[:length])
        with pytest.raises(DataError):
            glance(tmp_path / "b.jpg")
