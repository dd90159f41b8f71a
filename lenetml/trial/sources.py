"""Where the images of a named data set come from, read and checked before anything trusts them.

A source is an `.npz` in the folder `LENETML_DATA_DIR` or in Keras's cache, Keras's own loader
with its downloads, or scikit-learn. An `.npz` is judged by its headers before its arrays are
read, so that a small file cannot claim much memory; nothing pickled is read from it.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import math
import os
import pickle
import tarfile
import tokenize
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from lenetml.errors import DataError, MissingError
from lenetml.spec.datasets import DatasetFacts

DATA_FOLDER_VARIABLE = "LENETML_DATA_DIR"
DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError)
CACHE_DAMAGE = (
    *DAMAGE,
    gzip.BadGzipFile,
    FileNotFoundError,
    KeyError,
    pickle.UnpicklingError,
    tarfile.TarError,
)

Progress: TypeAlias = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Part:
    """Images and their classes, in one order.

    Args:
        images: uint8, shape `(n, height, width, channels)`.
        labels: int64, shape `(n,)`, values in `0 .. n_classes - 1`.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: NDArray[np.intp]) -> Part:
        """Copy the examples at these places."""
        return Part(self.images[indices], self.labels[indices])


@dataclass(frozen=True, eq=False)
class Source:
    """All images of a data set.

    Args:
        name: The file or package that they came from.
        pool: What training and validation come from; everything where `own_test` is None.
        own_test: The test part that the data set comes with.
    """

    name: str
    pool: Part
    own_test: Part | None


def read_named(facts: DatasetFacts, on_progress: Progress) -> Source:
    """Read a named data set from the first place that has it.

    Raises:
        DataError: What was found is damaged, or is another data set.
        MissingError: It is nowhere, and cannot be downloaded.
    """
    if facts.name == "digits":
        return _read_digits()
    cache = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "datasets"
    given = os.environ.get(DATA_FOLDER_VARIABLE)
    folders = [Path(given).expanduser(), cache] if given else [cache]
    for folder in folders:
        path = folder / f"{facts.name}.npz"
        if path.is_file():
            on_progress(f"reading {path}")
            return _read_npz(path, facts)
    on_progress(f"asking Keras for {facts.name}, which may download it")
    return _load_with_keras(facts, folders)


def _read_digits() -> Source:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.rint(bunch.images * (255 / 16)).astype(np.uint8)
    return Source("scikit-learn", Part(images[..., None], bunch.target.astype(np.int64)), None)


def _read_npz(path: Path, facts: DatasetFacts) -> Source:
    keys = ("x_train", "y_train", "x_test", "y_test")
    try:
        with zipfile.ZipFile(path) as archive:
            missing = [key for key in keys if f"{key}.npy" not in archive.namelist()]
            if missing:
                raise DataError(
                    f"{path} lacks {', '.join(missing)}",
                    f"found: {', '.join(name.removesuffix('.npy') for name in archive.namelist())}",
                    f"needed: {', '.join(keys)}",
                )
            arrays = [_read_array(archive, path, key, facts) for key in keys]
    except OSError as error:
        raise DataError(f"{path} cannot be read", str(error)) from None
    except DAMAGE as error:
        raise DataError(
            f"{path} is damaged, or is no .npz file",
            str(error) or "it ends too early",
            "get the file again",
        ) from None
    return _check(arrays, facts, path.name, str(path))


def _read_array(
    archive: zipfile.ZipFile, path: Path, key: str, facts: DatasetFacts
) -> NDArray[Any]:
    """Read one array, whose header must be honest and of the known size."""
    place = f"{path}: {key}"
    info = archive.getinfo(f"{key}.npy")
    with archive.open(info) as file:
        shape, dtype = _read_header(file)
        claimed = file.tell() + math.prod(shape) * dtype.itemsize
    if dtype.hasobject:
        raise DataError(
            f"{place} holds pickled objects, which are never read", "needed: whole numbers"
        )
    if claimed != info.file_size:
        raise DataError(
            f"{place} does not hold what its header claims",
            f"found: {info.file_size} bytes for {dtype} {shape}, which takes {claimed}",
            "get the file again",
        )
    _check_kind(place, key, shape, dtype, facts)
    with archive.open(info) as file:
        array: NDArray[Any] = npy.read_array(file, allow_pickle=False)
    return array


def _read_header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = npy.read_magic(file)
    read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}.get(version)
    if read is None:
        raise ValueError(f"an array of the unknown format {version}")
    try:
        shape, _, dtype = read(file)
    except (SyntaxError, TypeError, tokenize.TokenError):
        # NumPy 2.4 lets these through where it reads a header as one of Python 2.
        raise ValueError("an array has no readable header") from None
    return shape, dtype


def _check_kind(
    place: str, key: str, shape: tuple[int, ...], dtype: np.dtype[Any], facts: DatasetFacts
) -> None:
    """Refuse images and labels of another type or shape than this data set has."""
    n = facts.pool if key.endswith("train") else facts.own_test
    height, width, channels = facts.input_shape
    if key.startswith("x"):
        allowed = [(n, height, width, channels), (n, height, width)][: 2 if channels == 1 else 1]
        kind, is_kind = "uint8", dtype == np.uint8
    else:
        allowed = [(n,), (n, 1)]
        kind, is_kind = "whole numbers", dtype.kind in "iu"
    if not is_kind or shape not in allowed:
        raise DataError(
            f"{place} is not that of {facts.name}",
            f"found: {dtype} {shape}",
            f"needed: {kind} {' or '.join(map(str, allowed))}",
        )


def _load_with_keras(facts: DatasetFacts, folders: list[Path]) -> Source:
    # Late, because TensorFlow comes with it and a file at hand does not need it.
    import keras

    cache = folders[-1]
    module = getattr(keras.datasets, facts.name)
    try:
        # Keras 3.15 shows its downloads on stdout, which belongs to the answer of a command.
        with contextlib.redirect_stdout(io.StringIO()):
            (x_train, y_train), (x_test, y_test) = module.load_data()
    except Exception as error:
        # Everything is caught, because a failed download is a bare Exception in Keras 3.15.
        if isinstance(error, CACHE_DAMAGE):
            raise DataError(
                f"{facts.name} in Keras's cache is damaged: {cache}",
                f"{type(error).__name__}: {error}",
                "delete it there, so that it is downloaded again",
            ) from None
        raise MissingError(
            f"{facts.name} is not here and cannot be downloaded",
            f"looked in: {', '.join(map(str, folders))}; then: {error}",
            f"put {facts.name}.npz into a folder and set {DATA_FOLDER_VARIABLE} to that folder,",
            f"or put it into Keras's cache, {cache},",
            "or connect to the internet, so that Keras's loader downloads it",
        ) from None
    arrays = [x_train, y_train, x_test, y_test]
    return _check(arrays, facts, "keras.datasets", f"{facts.name} from Keras")


def _check(arrays: list[NDArray[Any]], facts: DatasetFacts, name: str, place: str) -> Source:
    """Check the labels, and bring images and labels to one type and shape."""
    x_train, y_train, x_test, y_test = arrays
    n_classes = len(facts.classes)
    parts = []
    for key, images, labels in (("y_train", x_train, y_train), ("y_test", x_test, y_test)):
        flat = labels.reshape(-1)
        wrong = np.flatnonzero((flat < 0) | (flat >= n_classes))
        if len(wrong):
            raise DataError(
                f"{place}: {key} has labels out of range",
                f"found: {flat[wrong[0]]} at {wrong[0]}, {len(wrong)} in all",
                f"allowed: 0 .. {n_classes - 1}",
            )
        counts = np.bincount(flat.astype(np.int64), minlength=n_classes)
        if not counts.all():
            empty = int(np.flatnonzero(counts == 0)[0])
            raise DataError(
                f"{place}: {key} has no example of class {empty} ({facts.classes[empty]})"
            )
        shape = (len(flat), *facts.input_shape)
        parts.append(Part(images.reshape(shape).astype(np.uint8, copy=False), flat.astype("<i8")))
    return Source(name, *parts)
