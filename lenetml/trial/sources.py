"""Where the images of a named data set come from, read and checked before anything trusts them.

A source is an `.npz` in the folder `LENETML_DATA_DIR` or in Keras's cache, Keras's own loader
with its downloads, or scikit-learn.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import pickle
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lenetml.errors import DataError, MissingError
from lenetml.spec.datasets import DatasetFacts
from lenetml.spec.npyheaders import DAMAGE, ArrayHeader, open_npz, read_headers
from lenetml.spec.userdata import check_range
from lenetml.trial.npz import read_array
from lenetml.trial.parts import Part, Progress, Source

__all__ = ["Part", "Progress", "Source", "read_named"]

DATA_FOLDER_VARIABLE = "LENETML_DATA_DIR"
KEYS = ("x_train", "y_train", "x_test", "y_test")
CACHE_DAMAGE = (
    *DAMAGE,
    gzip.BadGzipFile,
    FileNotFoundError,
    KeyError,
    pickle.UnpicklingError,
    tarfile.TarError,
)


def read_named(facts: DatasetFacts, on_progress: Progress) -> Source:
    """Read a named data set from the first place that has it.

    Raises:
        DataError: What was found is damaged, or is another data set.
        MissingError: It is nowhere, and cannot be downloaded.
    """
    if facts.name == "digits":
        return _read_digits(facts)
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


def _read_digits(facts: DatasetFacts) -> Source:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.rint(bunch.images * (255 / 16)).astype(np.uint8)
    pool = Part(images[..., None], bunch.target.astype(np.int64))
    return Source("scikit-learn", pool, None, facts.classes)


def _read_npz(path: Path, facts: DatasetFacts) -> Source:
    with open_npz(path) as archive:
        headers = read_headers(archive, path, KEYS)
        for header in headers.values():
            _check_kind(f"{path}: {header.key}", header, facts)
        arrays = [read_array(archive, header) for header in headers.values()]
    return _check(arrays, facts, path.name, str(path))


def _check_kind(place: str, header: ArrayHeader, facts: DatasetFacts) -> None:
    """Refuse images and labels of another type or shape than this data set has."""
    n = facts.pool if header.key.endswith("train") else facts.own_test
    height, width, channels = facts.input_shape
    allowed: list[tuple[int | None, ...]] = [(n,), (n, 1)]
    kind, is_kind = "whole numbers", header.is_whole
    if header.key.startswith("x"):
        allowed = [(n, height, width, channels), (n, height, width)][: 2 if channels == 1 else 1]
        kind, is_kind = "uint8", header.is_pixels
    if not is_kind or header.shape not in allowed:
        raise DataError(
            f"{place} is not that of {facts.name}",
            f"found: {header}",
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
        check_range(f"{place}: {key}", flat.tolist(), n_classes)
        counts = np.bincount(flat.astype(np.int64), minlength=n_classes)
        if not counts.all():
            empty = int(np.flatnonzero(counts == 0)[0])
            raise DataError(
                f"{place}: {key} has no example of class {empty} ({facts.classes[empty]})"
            )
        shape = (len(flat), *facts.input_shape)
        parts.append(Part(images.reshape(shape).astype(np.uint8, copy=False), flat.astype("<i8")))
    pool, own_test = parts
    return Source(name, pool, own_test, facts.classes)
