"""The image files of a folder of the user's: which there are, of which class, in which part.

Names alone are looked at; `glance.py` looks into a file. Order is by name in Unicode's composed
form, so that it is the same on every machine.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from lenetml.errors import DataError

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
MAX_NAMED = 5
_PARTS = {"train", "test"}
# What file managers and archives leave behind where a dot does not hide it.
_LEFT_BEHIND = {"__macosx", "@eadir", "desktop.ini", "ehthumbs.db", "icon\r", "thumbs.db"}
_LAYOUT = "allowed: one folder of images per class, or train and test with one per class in each"


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
    entries = _entries(root, root)
    if not {entry.path.name for entry in entries if entry.is_folder} >= _PARTS:
        classes, pool = _list_classes(root, root)
        return ImageFolder(classes, pool, None)
    for entry in entries:
        if entry.path.name not in _PARTS:
            raise DataError(
                f"{shown(entry.path)} stands beside train and test",
                _LAYOUT,
                "move it away, or its images into train: the split takes the validation part there",
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
                f"found: {listed(there)}",
                "needed: the same classes in train and test",
            )
    return ImageFolder(classes, pool, own_test)


def _list_classes(root: Path, folder: Path) -> tuple[tuple[str, ...], tuple[ImageFile, ...]]:
    path_of: dict[str, Path] = {}
    files: list[ImageFile] = []
    for path, is_folder in _entries(root, folder):
        if not is_folder:
            raise DataError(
                f"{shown(path)} is a file where only folders belong",
                _LAYOUT,
                "move it away, or into the folder of its class",
            )
        name = composed(path.name)
        if not name.isprintable():
            raise DataError(
                f"{shown(path)} cannot be the name of a class",
                "some of its characters cannot be seen; name the folder anew",
            )
        if name in path_of:
            raise DataError(
                f"{shown(folder)} has two folders for the class {name}",
                "their names differ only in how an accent is stored; make them one folder",
            )
        files += [
            ImageFile(shown(image.relative_to(root)), image, label=len(path_of))
            for image in _list_one_class(root, path)
        ]
        path_of[name] = path
    if len(path_of) < 2:
        found = f"found: {', '.join(path_of) or 'none'}"
        raise DataError(f"{shown(folder)} needs at least two classes", found, _LAYOUT)
    return tuple(path_of), tuple(files)


def _list_one_class(root: Path, folder: Path) -> list[Path]:
    entries = _entries(root, folder)
    for path, is_folder in entries:
        if is_folder:
            advice = f"if the folders in {shown(folder)} are the classes, let path lead there"
            if folder.name.lower() in _PARTS - {folder.name}:
                advice = "name the folders train and test, in small letters"
            raise DataError(f"{shown(path)} is a folder where only images belong", _LAYOUT, advice)
    others = [path for path, _ in entries if path.suffix.lower() not in SUFFIXES]
    if others:
        these = f"it and {len(others) - 1} more" if len(others) > 1 else "it"
        raise DataError(
            f"{shown(others[0])} is no image that can be read",
            f"allowed: {', '.join(SUFFIXES)}",
            f"move {these} out of {shown(folder)}, or save images as one of these kinds",
        )
    if not entries:
        raise DataError(
            f"{shown(folder)} holds no image",
            f"allowed: {', '.join(SUFFIXES)}",
            "put images of the class there, or remove the folder",
        )
    return [path for path, _ in entries]


class _Entry(NamedTuple):
    path: Path
    is_folder: bool


def _entries(root: Path, folder: Path) -> list[_Entry]:
    """The files and folders in a folder, hidden ones left out, sorted by name."""
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: (composed(entry.name), entry.name))
    except OSError as error:
        raise DataError(f"{shown(folder)} cannot be read", str(error.strerror)) from None
    seen = [it for it in entries if not it.name.startswith(".")]
    return [_entry(root, it) for it in seen if it.name.lower() not in _LEFT_BEHIND]


def _entry(root: Path, entry: os.DirEntry[str]) -> _Entry:
    """A file or a folder; what a link leads to must be there, and inside of the root."""
    path = Path(entry.path)
    if not entry.is_symlink():
        if not entry.is_dir() and not entry.is_file():
            raise DataError(f"{shown(path)} is neither a file nor a folder", "remove it")
        return _Entry(path, entry.is_dir())
    # Not `Path.resolve`, which raises a RuntimeError for a link to itself before Python 3.13.
    target = Path(os.path.realpath(path))
    if not target.is_relative_to(os.path.realpath(root)):
        raise DataError(
            f"{shown(path)} is a link that leads out of {shown(root)}",
            "put the images themselves there",
        )
    if not os.path.isdir(target) and not os.path.isfile(target):
        raise DataError(f"{shown(path)} is a link to nothing", "remove it")
    return _Entry(path, os.path.isdir(target))


def composed(name: str) -> str:
    """A name in Unicode's composed form: some systems store an accent apart from its letter."""
    return unicodedata.normalize("NFC", name)


def shown(path: Path | str) -> str:
    """A way as messages show it, with `/`; what cannot be seen in it becomes visible."""
    text = path if isinstance(path, str) else path.as_posix()
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def listed(names: Sequence[str]) -> str:
    """Names as messages show them: the first few, and how many more there are."""
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return shown(", ".join(names[:MAX_NAMED])) + more


def too_many_bits(path: Path) -> DataError:
    """What to say of an image whose pixels would lose half of their bits."""
    return DataError(
        f"{shown(path)} has more than 8 bits per channel",
        "allowed: 8 bits",
        "save it with 8 bits a channel; which 8 of its bits count is yours to decide",
    )
