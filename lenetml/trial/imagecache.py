"""Images that were read before, kept in the user's cache folder.

An entry is found by a key that says all that decides its pixels, and believed only where its
checksum agrees: a wrong entry would be worse than none. Nothing here fails where the folder
cannot be read or written; the images are then read again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MAX_CACHE_BYTES = 4 * 2**30
_SUFFIX = ".images"


def cache_folder() -> Path | None:
    """The folder of the cache; None: the user has no folder of their own."""
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if given.is_absolute():
        return given / "lenetml"
    try:
        home = Path.home()
    except RuntimeError:
        return None
    return home / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "lenetml"


def find(key: str) -> NDArray[np.uint8] | None:
    """Give the images that were kept under a key, or None."""
    folder = cache_folder()
    if folder is None:
        return None
    path = folder / f"{key}{_SUFFIX}"
    try:
        with path.open("rb") as file:
            head = json.loads(file.readline(1000))
            shape, checksum = tuple(head["shape"]), head["checksum"]
            if path.stat().st_size - file.tell() != math.prod(shape):
                return None
            images = np.fromfile(file, dtype=np.uint8).reshape(shape)
        if _checksum(key, images) != checksum:
            return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    with contextlib.suppress(OSError):
        # The time of its last use, by which the oldest entries are known.
        os.utime(path)
    return images


def keep(key: str, images: NDArray[np.uint8]) -> None:
    """Keep images under a key, and drop the entries longest unused beyond `MAX_CACHE_BYTES`."""
    folder = cache_folder()
    if folder is None:
        return
    head = {"shape": images.shape, "checksum": _checksum(key, images)}
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, scratch = tempfile.mkstemp(suffix=_SUFFIX, dir=folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(json.dumps(head).encode() + b"\n")
                file.write(images.data)
            os.replace(scratch, folder / f"{key}{_SUFFIX}")
        finally:
            Path(scratch).unlink(missing_ok=True)
        _drop_oldest(folder)


def _checksum(key: str, images: NDArray[np.uint8]) -> str:
    digest = hashlib.sha256(f"{key} {images.shape}\n".encode())
    digest.update(images.data)
    return digest.hexdigest()


def _drop_oldest(folder: Path) -> None:
    entries = [(path.stat(), path) for path in folder.glob(f"*{_SUFFIX}")]
    entries.sort(key=lambda entry: entry[0].st_mtime_ns, reverse=True)
    size_bytes = 0
    for stat, path in entries:
        size_bytes += stat.st_size
        if size_bytes > MAX_CACHE_BYTES:
            path.unlink(missing_ok=True)
