"""Facts of the user's own data, an `.npz` or a folder of images, without numpy or Pillow.

What can be seen in names, headers and labels is refused here, by `validate` and before any pixel
is read; what only the pixels show is refused where they are read.
"""

from __future__ import annotations

import os
import sys
import zipfile
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lenetml.errors import DataError
from lenetml.spec.datasets import (
    MAX_DATA_BYTES,
    DatasetFacts,
    ImageShape,
    changed_facts,
    check_amount,
)
from lenetml.spec.glance import glance
from lenetml.spec.imagefiles import (
    ImageFolder,
    composed,
    list_images,
    listed,
    shown,
    too_many_bits,
)
from lenetml.spec.npyheaders import ArrayHeader, array_names, open_npz, read_headers
from lenetml.spec.sections import Data

MAX_CLASSES = 10_000
TRAIN_KEYS = ("x_train", "y_train")
TEST_KEYS = ("x_test", "y_test")
_TYPE_CODES = dict(zip(("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"), "bBhHiIqQ", strict=True))


@dataclass(frozen=True)
class NpzFacts:
    """What an `.npz` holds: its headers, all of them right, and how many classes there are."""

    headers: dict[str, ArrayHeader]
    n_classes: int


def read_facts(path: Path, data: Data) -> DatasetFacts | None:
    """Read the facts of the user's data from names, headers and labels.

    Args:
        path: The `.npz` or the folder.
        data: The section of the spec.

    Returns:
        The facts, `image_size` and `color_mode` worked in; None where nothing is there, or
        where only the pixels tell the shape and `input_shape` does not either.

    Raises:
        DataError: The data are not as they must be.
    """
    if not is_there(path):
        return None
    name = str(data.path)
    if path.is_dir():
        images = list_images(path)
        shape = _shape_at_a_glance(images, data)
        if shape is None:
            return None
        n_test = None if images.own_test is None else len(images.own_test)
        facts = DatasetFacts(name, shape, images.classes, len(images.pool), n_test)
    else:
        npz = read_npz(path, data)
        pool, own_test = npz.headers["x_train"].shape, npz.headers.get("x_test")
        shape, classes = image_shape(pool), class_names(npz.n_classes, data)
        n_test = None if own_test is None else own_test.shape[0]
        facts = changed_facts(DatasetFacts(name, shape, classes, pool[0], n_test), data)
    check_amount(facts)
    return facts


def is_there(path: Path) -> bool:
    """Whether there is a file or a folder.

    Raises:
        DataError: The system does not tell.
    """
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise DataError(f"{shown(path)} cannot be read", str(error.strerror)) from None
    return True


def where_looked(path: Path, data: Data) -> str:
    """Where data that are not there were looked for, and why there."""
    why = "a path in a spec begins in the folder of the spec"
    if str(data.path).startswith("~"):
        why = "~ does not stand for the home folder in a spec"
    return f"looked for: {shown(path)}; {why}"


def tell_unknown(path: Path, data: Data) -> tuple[str, tuple[str, ...]]:
    """Say why `read_facts` found no facts, and what a check leaves open without them.

    Args:
        path: The `.npz` or the folder.
        data: The section of the spec.

    Returns:
        A message and its notes.

    Raises:
        DataError: The system does not tell whether anything is there.
    """
    if is_there(path):
        return f"shapes are not checked: only the pixels of {data.path} tell them", (
            "write image_size and color_mode, or input_shape: [height, width, channels]",
        )
    notes = [where_looked(path, data), "validate does without the data, run does not"]
    if data.input_shape is None or data.classes is None:
        keys = "input_shape: [height, width, channels] and classes: [...]"
        notes.insert(1, f"shapes are not checked: write {keys}")
    return f"{data.path} is not there", tuple(notes)


def check_range(place: str, labels: Sequence[int], n_classes: int) -> None:
    """Refuse labels that are no place in the names of the classes.

    Args:
        place: The file and the array, for messages.
        labels: The class of each example.
        n_classes: Labels are from 0 to one less.

    Raises:
        DataError: A label is out of range; the first one is named.
    """
    wrong = [index for index, label in enumerate(labels) if not 0 <= label < n_classes]
    if wrong:
        raise DataError(
            f"{place} has labels out of range",
            f"found: {labels[wrong[0]]} at {wrong[0]}, {len(wrong)} in all",
            f"allowed: 0 .. {n_classes - 1}",
        )


def class_names(n_classes: int, data: Data) -> tuple[str, ...]:
    """The names of the classes of an `.npz`: those of the spec where there are as many."""
    if data.classes is not None and len(data.classes) == n_classes:
        return tuple(map(composed, data.classes))
    return tuple(map(str, range(n_classes)))


def image_shape(shape: tuple[int, ...]) -> ImageShape:
    """Height, width and channels of images of shape `(n, h, w)` or `(n, h, w, c)`."""
    height, width, channels = (*shape[1:], 1)[:3]
    return height, width, channels


def read_npz(path: Path, data: Data) -> NpzFacts:
    """Read headers and labels of an `.npz`.

    Args:
        path: The file.
        data: The section of the spec; `image_size` allows train and test to differ in size.

    Raises:
        DataError: It is damaged or too large, its arrays are not those of images and labels, a
            label is out of range, or a class has no example.
    """
    if path.suffix.lower() != ".npz" or not path.is_file():
        raise DataError(
            f"{path} is neither an .npz file nor a folder",
            f"needed: {', '.join(TRAIN_KEYS)} in an .npz, or a folder of images per class",
        )
    with open_npz(path) as archive:
        headers = read_headers(archive, path, TRAIN_KEYS, TEST_KEYS)
        _check_names(path, headers, array_names(archive))
        _check_size(path, headers)
        _check_part(path, headers["x_train"], headers["y_train"])
        if "x_test" in headers:
            _check_part(path, headers["x_test"], headers["y_test"])
            _check_alike(path, headers, data)
        train = _read_labels(archive, headers["y_train"])
        test = _read_labels(archive, headers["y_test"]) if "y_test" in headers else None
    check_range(f"{path}: y_train", train, MAX_CLASSES)
    n_classes = max(train) + 1
    if n_classes < 2:
        note = "number the classes from 0; one alone cannot be told from another"
        raise DataError(f"{path}: y_train needs at least two classes", "found: 0 everywhere", note)
    _check_no_class_is_empty(f"{path}: y_train", train, n_classes)
    if test is not None:
        check_range(f"{path}: y_test", test, n_classes)
        _check_no_class_is_empty(f"{path}: y_test", test, n_classes)
    return NpzFacts(headers, n_classes)


def _check_names(path: Path, headers: dict[str, ArrayHeader], found: Sequence[str]) -> None:
    others = [key for key in found if key not in headers]
    if others:
        raise DataError(
            f"{path} holds arrays that would not be read: {listed(others)}",
            f"allowed: {', '.join((*TRAIN_KEYS, *TEST_KEYS))}",
            "save the file without the others",
        )


def _check_size(path: Path, headers: dict[str, ArrayHeader]) -> None:
    size_bytes = sum(header.size_bytes for header in headers.values())
    if size_bytes > MAX_DATA_BYTES:
        raise DataError(
            f"{path} is too large: all of it is kept in memory",
            f"found: {size_bytes / 2**30:,.1f} GiB",
            f"allowed: {MAX_DATA_BYTES / 2**30:g} GiB; save smaller or fewer images",
        )


def _check_part(path: Path, images: ArrayHeader, labels: ArrayHeader) -> None:
    is_shaped = len(images.shape) == 3 or (len(images.shape) == 4 and images.shape[3] in (1, 3))
    if not images.is_pixels or not is_shaped or 0 in images.shape:
        raise DataError(
            f"{path}: {images.key} does not hold images",
            f"found: {images}",
            "needed: uint8 (n, height, width) or (n, height, width, 1 or 3)",
            *(() if images.is_pixels else ("save pixels as whole numbers from 0 to 255, uint8",)),
        )
    n = images.shape[0]
    if not labels.is_whole or labels.shape not in ((n,), (n, 1)):
        raise DataError(
            f"{path}: {labels.key} does not hold the labels of {images.key}",
            f"found: {labels}",
            f"needed: whole numbers {(n,)} or {(n, 1)}",
            "number the classes from 0; their names belong to data.classes",
        )


def _check_alike(path: Path, headers: dict[str, ArrayHeader], data: Data) -> None:
    """Refuse a test part whose images would have another shape than those of training."""
    train, test = headers["x_train"], headers["x_test"]
    shapes = {
        changed_facts(DatasetFacts("", image_shape(x.shape), (), 0, None), data).input_shape
        for x in (train, test)
    }
    if len(shapes) > 1:
        raise DataError(
            f"{path}: x_test has other images than x_train",
            f"found: {test} beside {train}",
            "needed: the same height, width and channels, or image_size and color_mode",
        )


def _read_labels(archive: zipfile.ZipFile, header: ArrayHeader) -> array[int]:
    labels = array(_TYPE_CODES[header.descr[1:]])
    labels.frombytes(archive.read(f"{header.key}.npy")[header.offset :])
    if len(labels) != header.shape[0]:
        raise EOFError
    if header.descr[0] == {"little": ">", "big": "<"}[sys.byteorder]:
        labels.byteswap()
    return labels


def _check_no_class_is_empty(place: str, labels: array[int], n_classes: int) -> None:
    empty = set(range(n_classes)) - set(labels)
    if empty:
        raise DataError(
            f"{place} has no example of class {min(empty)}",
            f"found: {len(empty)} of the classes 0 .. {n_classes - 1} without an example",
            "needed: examples of every class; the first class is 0",
        )


def _shape_at_a_glance(images: ImageFolder, data: Data) -> ImageShape | None:
    """The input shape as far as the spec and the first image tell it."""
    seen = glance(images.pool[0].path)
    if seen is not None and seen.bits == 16:
        raise too_many_bits(images.pool[0].path)
    written = data.input_shape or (None, None, None)
    size = data.image_size or (seen and seen.size) or written[:2]
    channels = {None: (seen and seen.channels) or written[2], "grayscale": 1, "rgb": 3}
    shape = (*size, channels[data.color_mode])
    return None if None in shape else shape
