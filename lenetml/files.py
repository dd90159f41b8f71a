"""Writing a file whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from lenetml.errors import FolderError


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
