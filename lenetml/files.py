"""Files of a run's folder: written whole or not at all, and read back as they were written."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from lenetml.errors import FolderError

T = TypeVar("T")
PUT_BACK = "put it back, or start over with --fresh"


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file so that readers, or a crash, see the old or the new one and never half.

    Raises:
        FolderError: It cannot be written; the disk may be full.
    """
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with scratch.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    except OSError as error:
        raise FolderError(f"{path} cannot be written: {error.strerror}") from None
    finally:
        scratch.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_kept(path: Path) -> bytes:
    """Read a file that a run has kept.

    Raises:
        FolderError: It is gone, or cannot be read.
    """
    refuse_if_gone(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise FolderError(f"{path} cannot be read: {error.strerror}") from None


def read_unchanged(path: Path, sha256: str) -> bytes:
    """Read a file that a run has kept and recorded.

    Raises:
        FolderError: It is gone, or another one.
    """
    content = read_kept(path)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise FolderError(f"{path} is not the one that the record tells of", PUT_BACK)
    return content


def sha256_of(path: Path) -> str:
    """Give the SHA-256 of a file as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_arrays(path: Path, unpack: Callable[[bytes], T]) -> T:
    """Read an `.npz` that a run has kept.

    Args:
        path: The file.
        unpack: Makes of its bytes what is wanted.

    Raises:
        FolderError: It is gone, damaged, or holds something else.
    """
    content = read_kept(path)
    try:
        # NumPy compares no checksum where a damaged header says that an array is shorter.
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                archive.read(name)
        return unpack(content)
    except (
        EOFError, KeyError, OSError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error,
    ):  # fmt: skip
        raise FolderError(f"{path} is damaged", PUT_BACK) from None


def refuse_if_gone(path: Path) -> None:
    """Refuse to go on without a file that a run has kept.

    Raises:
        FolderError: It is gone.
    """
    if not path.exists():
        raise FolderError(f"{path} is gone", PUT_BACK)
