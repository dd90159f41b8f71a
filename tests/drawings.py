"""Tiny images and data that tests write: folders, `.npz` files, PNG files byte by byte."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from lenetml.errors import DataError

PNG_CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def save(path: Path, pixels, mode=None, **options):
    """Write pixels as the kind of image that the suffix names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


def folder_of(root: Path, names, height=4, width=4, **options):
    """Write a different image under each name."""
    for seed, name in enumerate(names):
        save(root / name, noise(height, width, seed=seed), **options)
    return root


def png(width, height, bits, colours, before=b"", content=None):
    """A PNG file of zeros, made without an image library."""

    def chunk(kind, content):
        checksum = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)

    row = bytes(1 + width * PNG_CHANNELS[colours] * bits // 8)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colours, 0, 0, 0)),
            before and chunk(before, b"MM\0*\0\0\0\x08\0\0"),
            chunk(b"IDAT", zlib.compress(row * height) if content is None else content),
            chunk(b"IEND", b""),
        ]
    )


def small_arrays(**changes):
    arrays = {
        "x_train": noise(6, 4, 4),
        "y_train": np.array([0, 1, 0, 1, 0, 1]),
        "x_test": noise(4, 4, 4, seed=1),
        "y_test": np.array([1, 0, 1, 0]),
    }
    return {key: array for key, array in (arrays | changes).items() if array is not None}


def npz(**changes) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **small_arrays(**changes))
    return file.getvalue()


def told(error: DataError, folder: Path) -> str:
    """What an error says, without the place of the test's folder."""
    return str(error).replace(f"{folder.as_posix()}/", "")
