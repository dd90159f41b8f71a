"""The image files of a folder of the user's: which there are, of which class, in which part.

Names alone are looked at, and the first bytes of one PNG or JPEG; no image library is asked.
Order is by name in Unicode's composed form, so that it is the same on every machine.
"""

from __future__ import annotations

import os
import struct
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lenetml.errors import DataError

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
_PARTS = {"train", "test"}
# What file managers leave behind where a dot does not hide a file.
_LEFT_BEHIND = {"desktop.ini", "thumbs.db"}
_LAYOUT = "allowed: one folder of images per class, or train and test with one per class in each"
_CHANNELS_OF_PNG = {0: 1, 2: 3, 3: 3, 4: 1, 6: 3}
_CHANNELS_OF_JPEG = {1: 1, 3: 3, 4: 3}


@dataclass(frozen=True)
class ImageFile:
    """An image file.

    Args:
        name: The way to it from the folder of the data, with `/`.
        path: The file.
        label: Its class, a place in the names of the classes.
    """

    name: str
    path: Path
    label: int


@dataclass(frozen=True)
class ImageFolder:
    """The images of a folder, sorted by class and name.

    Args:
        classes: The names of the folders, sorted.
        pool: The images of `train`, or all of them.
        own_test: The images of `test`; None: there is no such folder.
    """

    classes: tuple[str, ...]
    pool: tuple[ImageFile, ...]
    own_test: tuple[ImageFile, ...] | None


def list_images(root: Path) -> ImageFolder:
    """List the images of a folder.

    Raises:
        DataError: Something else is in it, a class has no image, there are fewer than two
            classes, `train` and `test` differ in their classes, or a link leads out of it.
    """
    folders = {path.name for path in _entries(root, root) if path.is_dir()}
    if not folders >= _PARTS:
        classes, pool = _list_classes(root, root)
        return ImageFolder(classes, pool, None)
    for path in _entries(root, root):
        if path.name not in _PARTS:
            raise DataError(
                f"{shown(path)} stands beside train and test",
                "the validation part is taken out of train by the split",
                _LAYOUT,
            )
    classes, pool = _list_classes(root, root / "train")
    test_classes, own_test = _list_classes(root, root / "test")
    for folder, there, wanted in (
        ("test", test_classes, classes),
        ("train", classes, test_classes),
    ):
        lacking = [name for name in wanted if name not in there]
        if lacking:
            raise DataError(
                f"{shown(root / folder)} lacks the class {lacking[0]}",
                f"found: {', '.join(there)}",
                "needed: the same classes in train and test",
            )
    return ImageFolder(classes, pool, own_test)


def _list_classes(root: Path, folder: Path) -> tuple[tuple[str, ...], tuple[ImageFile, ...]]:
    classes: list[str] = []
    files: list[ImageFile] = []
    for path in _entries(root, folder):
        if not path.is_dir():
            raise DataError(f"{shown(path)} is a file where only folders belong", _LAYOUT)
        name = composed(path.name)
        if not name.isprintable():
            raise DataError(f"{shown(path)} cannot be the name of a class", "needed: a plain text")
        before = len(files)
        files += [
            ImageFile(shown(image.relative_to(root)), image, len(classes))
            for image in _list_one_class(root, path)
        ]
        if len(files) == before:
            raise DataError(f"{shown(path)} holds no image", f"allowed: {', '.join(SUFFIXES)}")
        classes.append(name)
    if len(classes) < 2:
        found = f"found: {', '.join(classes)}" if classes else "found: none"
        raise DataError(f"{shown(folder)} needs at least two classes", found, _LAYOUT)
    return tuple(classes), tuple(files)


def _list_one_class(root: Path, folder: Path) -> Iterator[Path]:
    for path in _entries(root, folder):
        if path.is_dir():
            raise DataError(f"{shown(path)} is a folder where only images belong", _LAYOUT)
        if path.suffix.lower() not in SUFFIXES:
            raise DataError(f"{shown(path)} is no image", f"allowed: {', '.join(SUFFIXES)}")
        yield path


def _entries(root: Path, folder: Path) -> list[Path]:
    """The files and folders in a folder, hidden ones left out, sorted by name."""
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: (composed(entry.name), entry.name))
    except OSError as error:
        raise DataError(f"{shown(folder)} cannot be read", str(error.strerror)) from None
    paths = []
    for entry in entries:
        if entry.name.startswith(".") or entry.name.lower() in _LEFT_BEHIND:
            continue
        path = folder / entry.name
        if entry.is_symlink() and not path.resolve().is_relative_to(root.resolve()):
            raise DataError(
                f"{shown(path)} is a link that leads out of {shown(root)}",
                "put the images themselves there",
            )
        if not entry.is_dir() and not entry.is_file():
            raise DataError(f"{shown(path)} is neither a file nor a folder")
        paths.append(path)
    return paths


def composed(name: str) -> str:
    """A name in Unicode's composed form: some systems store an accent apart from its letter."""
    return unicodedata.normalize("NFC", name)


def shown(path: Path | str) -> str:
    """A way as messages show it, with `/`; what cannot be seen in it becomes visible."""
    text = path if isinstance(path, str) else path.as_posix()
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def too_many_bits(path: Path) -> DataError:
    """What to say of an image whose pixels would lose half of their bits."""
    return DataError(
        f"{shown(path)} has more than 8 bits per channel",
        "allowed: 8 bits; which 8 of them count is yours to decide",
    )


@dataclass(frozen=True)
class Glance:
    """What the first bytes of an image tell.

    Args:
        size: Height and width; None: a note in the file may turn the image.
        channels: 1 is grayscale, 3 is colour.
        bits: Of one value of a pixel.
    """

    size: tuple[int, int] | None
    channels: int
    bits: int


def glance(path: Path) -> Glance | None:
    """Look at the first bytes of a PNG or JPEG; None: it is another kind, or not as usual."""
    try:
        with path.open("rb") as file:
            start = file.read(8)
            if start == b"\x89PNG\r\n\x1a\n":
                return _glance_at_png(file)
            if start[:3] == b"\xff\xd8\xff":
                file.seek(2)
                return _glance_at_jpeg(file)
    except (OSError, struct.error, KeyError):
        pass
    return None


def _glance_at_png(file: IO[bytes]) -> Glance:
    _, width, height, bits, colours = struct.unpack(">8sIIBB", file.read(18))
    file.seek(33)
    may_turn = False
    while True:
        length, kind = struct.unpack(">I4s", file.read(8))
        if kind == b"IDAT":
            break
        may_turn = may_turn or kind in (b"eXIf", b"iTXt")
        file.seek(length + 4, os.SEEK_CUR)
    return _glance((height, width), may_turn, _CHANNELS_OF_PNG[colours], bits)


def _glance_at_jpeg(file: IO[bytes]) -> Glance:
    """Go from segment to segment to the frame header (ITU T.81, B.2.2)."""
    may_turn = False
    while True:
        mark, kind, length = struct.unpack(">BBH", file.read(4))
        if mark != 0xFF:
            raise KeyError(mark)
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            bits, height, width, channels = struct.unpack(">BHHB", file.read(6))
            return _glance((height, width), may_turn, _CHANNELS_OF_JPEG[channels], bits)
        # A camera writes how it was held into the first application segment.
        may_turn = may_turn or kind == 0xE1
        file.seek(length - 2, os.SEEK_CUR)


def _glance(size: tuple[int, int], may_turn: bool, channels: int, bits: int) -> Glance:
    is_known = not may_turn or size[0] == size[1]
    return Glance(size if is_known else None, channels, bits)
