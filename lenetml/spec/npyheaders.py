"""The headers of the arrays in an `.npz`, read without numpy and believed only where they hold.

An `.npz` is a zip of `.npy` files, each a magic word, a header and the raw values. A header may
lie, so its claim is compared with the bytes that are there before any memory is asked for;
nothing pickled is read. Format: numpy.lib.format, versions 1.0 and 2.0.
"""

from __future__ import annotations

import ast
import contextlib
import math
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lenetml.errors import DataError
from lenetml.spec.imagefiles import listed

MAX_HEADER_BYTES = 10_000
# What `numpy.savez` writes; other methods could fail in ways of their own.
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, RuntimeError)
_END_RECORD = struct.Struct("<10sH10x")
KINDS = {"b": "bool", "i": "int", "u": "uint", "f": "float", "c": "complex"}


@dataclass(frozen=True)
class ArrayHeader:
    """What an array of an `.npz` is, known before it is read.

    Args:
        key: Its name, without `.npy`.
        shape: The length of each axis.
        descr: Byte order, kind and width of an item as numpy writes them: `<i8`, `|u1`.
        is_fortran: The first axis varies fastest.
        offset: Bytes before the values.
    """

    key: str
    shape: tuple[int, ...]
    descr: str
    is_fortran: bool
    offset: int

    @property
    def kind(self) -> str:
        """The letter of numpy for the kind of the items."""
        return self.descr[1]

    @property
    def item_bytes(self) -> int:
        """The width of an item."""
        # Text is counted in characters, which take four bytes each.
        return int(self.descr[2:] or 0) * (4 if self.kind == "U" else 1)

    @property
    def size_bytes(self) -> int:
        """What the values take."""
        return math.prod(self.shape) * self.item_bytes

    @property
    def is_pixels(self) -> bool:
        """Whether the items are bytes from 0 to 255."""
        return self.descr[1:] == "u1"

    @property
    def is_whole(self) -> bool:
        """Whether the items are whole numbers."""
        return self.kind in "iu" and self.item_bytes in (1, 2, 4, 8)

    def __str__(self) -> str:
        bits = "" if self.kind == "b" else 8 * self.item_bytes
        name = f"{KINDS[self.kind]}{bits}" if self.kind in KINDS else self.descr
        return f"{name} {self.shape}"


@contextlib.contextmanager
def open_npz(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open an `.npz`; what shows its damage on the way becomes a DataError.

    Raises:
        DataError: It cannot be read, or is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _count_entries(archive, path)
            yield archive
    except OSError as error:
        raise DataError(f"{path} cannot be read", str(error)) from None
    except DAMAGE as error:
        raise DataError(
            f"{path} is damaged, or is no .npz file",
            str(error) or "it ends too early",
            "get the file again",
        ) from None


def _count_entries(archive: zipfile.ZipFile, path: Path) -> None:
    """Compare the list of the arrays with its length, which Python 3.11 passes over.

    The length is in the end record: PKWARE's APPNOTE.TXT, 4.3.16.
    """
    with path.open("rb") as file:
        file.seek(-_END_RECORD.size - len(archive.comment), os.SEEK_END)
        _, count = _END_RECORD.unpack(file.read(_END_RECORD.size))
    if count != len(archive.infolist()):
        raise zipfile.BadZipFile(f"its list of {count} ends after {len(archive.infolist())}")


def array_names(archive: zipfile.ZipFile) -> list[str]:
    """The names of the arrays in an `.npz`."""
    return [name.removesuffix(".npy") for name in archive.namelist()]


def read_headers(
    archive: zipfile.ZipFile, path: Path, keys: Sequence[str], optional: Sequence[str] = ()
) -> dict[str, ArrayHeader]:
    """Read the headers of these arrays, each of them honest about its size.

    Args:
        archive: As `open_npz` gives it, which catches the rest.
        path: The file, for messages.
        keys: What must be there.
        optional: What may be there: all of it or nothing.

    Raises:
        DataError: An array is missing or pickled, or its header claims what is not there.
    """
    found = array_names(archive)
    wanted = [*keys, *optional] if set(optional) & set(found) else list(keys)
    missing = [key for key in wanted if key not in found]
    if missing:
        needed = ", ".join(keys)
        if optional:
            needed += f" and, or not, {', '.join(optional)}"
        raise DataError(
            f"{path} lacks {', '.join(missing)}",
            f"found: {listed(found) or 'nothing'}",
            f"needed: {needed}",
        )
    return {key: _read_header(archive, path, key) for key in wanted}


def _read_header(archive: zipfile.ZipFile, path: Path, key: str) -> ArrayHeader:
    if f"{key}.npy" not in archive.namelist():
        raise ValueError(f"{key} is no .npy file")
    info = archive.getinfo(f"{key}.npy")
    if info.compress_type not in METHODS:
        raise ValueError(f"{key} is compressed in an unknown way")
    with archive.open(info) as file:
        header = _parse(file, key)
    if header.kind == "O":
        raise DataError(
            f"{path}: {key} holds pickled objects, which are never read",
            "needed: whole numbers; save it with an integer type",
        )
    claimed = header.offset + header.size_bytes
    if claimed != info.file_size:
        raise DataError(
            f"{path}: {key} does not hold what its header claims",
            f"found: {info.file_size} bytes for {header}, which takes {claimed}",
            "get the file again",
        )
    return header


def _parse(file: IO[bytes], key: str) -> ArrayHeader:
    start = file.read(8)
    version = tuple(start[6:])
    if start[:6] != b"\x93NUMPY" or len(version) != 2:
        raise ValueError(f"{key} is no array")
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"an array of the unknown format {version}")
    width = 2 if version == (1, 0) else 4
    length = int.from_bytes(file.read(width), "little")
    text = file.read(min(length, MAX_HEADER_BYTES)).decode("latin1")
    try:
        entries = ast.literal_eval(text)
        descr, shape = str(entries["descr"]), entries["shape"]
        is_right = all(type(side) is int and side >= 0 for side in shape)
    except (SyntaxError, TypeError, KeyError, ValueError, MemoryError, RecursionError):
        raise ValueError("an array has no readable header") from None
    if len(text) < length or not (is_right and isinstance(shape, tuple)):
        raise ValueError("an array has no readable header")
    if not re.fullmatch(r"[<>|=][a-zA-Z][0-9]{0,9}", descr):
        raise ValueError(f"{key} has items of an unknown kind: {descr[:100]}")
    is_fortran = entries.get("fortran_order") is True
    return ArrayHeader(key, shape, descr, is_fortran, offset=8 + width + length)
