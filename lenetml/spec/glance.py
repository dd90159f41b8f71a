"""What the first bytes of an image tell: its size and channels, or that it is none.

PNG and JPEG are looked into; of other kinds only the beginning is known. No image library is asked.
"""

from __future__ import annotations

import os
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lenetml.errors import DataError
from lenetml.spec.imagefiles import shown

REMEDY = "replace it, or move it out of the folder"
_CHANNELS_OF_PNG = {0: 1, 2: 3, 3: 3, 4: 1, 6: 3}
_CHANNELS_OF_JPEG = {1: 1, 3: 3, 4: 3}
_OTHER_KINDS = re.compile(rb"BM|GIF8|RIFF....WEBP|II[*+]\0|II\0\*|MM\0[*+]|MM\*\0", re.DOTALL)


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
    """Look at the first bytes of an image; None: it is no PNG or JPEG, or not as usual.

    Raises:
        DataError: The file cannot be read, is no image, or ends before its pixels begin.
    """
    try:
        with path.open("rb") as file:
            start = file.read(12)
            if start.startswith(b"\x89PNG\r\n\x1a\n"):
                file.seek(8)
                return _glance_at_png(file)
            if start.startswith(b"\xff\xd8\xff"):
                file.seek(2)
                return _glance_at_jpeg(file)
    except OSError as error:
        raise DataError(f"{shown(path)} cannot be read", str(error.strerror)) from None
    except struct.error:
        note = "found: the file ends before its pixels begin"
        raise DataError(f"{shown(path)} is damaged", note, REMEDY) from None
    except KeyError:
        return None
    if not _OTHER_KINDS.match(start):
        found = f"found: {'a file without content' if not start else 'a file of another kind'}"
        allowed = "allowed: PNG, JPEG, BMP, GIF, WebP and TIFF"
        raise DataError(f"{shown(path)} is no image that can be read", found, allowed, REMEDY)
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
        # Filling, and marks without a length, are legal here, but not as usual.
        if mark != 0xFF or kind in (0x01, 0xFF) or 0xD0 <= kind <= 0xD9:
            raise KeyError(kind)
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            bits, height, width, channels = struct.unpack(">BHHB", file.read(6))
            return _glance((height, width), may_turn, _CHANNELS_OF_JPEG[channels], bits)
        # A camera writes how it was held into the first application segment.
        may_turn = may_turn or kind == 0xE1
        file.seek(length - 2, os.SEEK_CUR)


def _glance(size: tuple[int, int], may_turn: bool, channels: int, bits: int) -> Glance:
    is_known = not may_turn or size[0] == size[1]
    return Glance(size if is_known else None, channels, bits)
