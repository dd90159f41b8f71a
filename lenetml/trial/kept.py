"""What is kept of networks: the weights of each trial until the winner is known, and its model."""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from lenetml.errors import FolderError
from lenetml.files import read_unchanged, write_atomically


def pack_weights(weights: list[NDArray[Any]]) -> bytes:
    """Write weights, in the order of `model.get_weights()`, as an `.npz`."""
    content = io.BytesIO()
    np.savez(content, *weights)
    return content.getvalue()


def unpack_weights(content: bytes) -> list[NDArray[Any]]:
    """Read what `pack_weights` wrote."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return [arrays[f"arr_{index}"] for index in range(len(arrays.files))]


def write_model(model: keras.Model, path: Path) -> tuple[int, str]:
    """Write a model whole or not at all.

    Args:
        model: Not compiled: it is kept for predicting.
        path: Ends in `.keras`.

    Returns:
        Its size in bytes, and its SHA-256.

    Raises:
        FolderError: It cannot be written; the disk may be full.
    """
    # Keras 3.15 writes straight to the path that it is given, which must end in .keras.
    scratch = path.with_name(f".{path.name}.{os.getpid()}.keras")
    try:
        model.save(scratch)
        content = scratch.read_bytes()
    except OSError as error:
        raise FolderError(f"{path} cannot be written: {error.strerror}") from None
    finally:
        scratch.unlink(missing_ok=True)
    write_atomically(path, content)
    return len(content), hashlib.sha256(content).hexdigest()


def read_model(path: Path, sha256: str) -> tuple[keras.Model, int]:
    """Read a model that `write_model` wrote.

    Args:
        path: Of the model.
        sha256: What its content must have.

    Returns:
        The model, and its size in bytes.

    Raises:
        FolderError: It is gone, or another one.
    """
    content = read_unchanged(path, sha256)
    return keras.models.load_model(path, compile=False), len(content)
