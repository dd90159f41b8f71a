"""A folder of images of the user's, read into memory, with its progress told and its pixels kept.

Every file is hashed first: what was read before from the same bytes in the same way comes from
the cache. Names, sizes and dates of files would be quicker to compare, and could deceive.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from lenetml.errors import DataError
from lenetml.spec.datasets import DatasetFacts, ImageShape, check_amount
from lenetml.spec.imagefiles import ImageFile, list_images, listed, shown
from lenetml.spec.sections import Data
from lenetml.trial import imagecache
from lenetml.trial.images import (
    PILLOW_VERSION,
    REMEDY,
    ColorMode,
    Pixels,
    look,
    read_bytes,
    read_image,
    without_warnings,
)
from lenetml.trial.parts import Part, Progress, Source

SECONDS_BETWEEN_REPORTS = 0.5
MAX_THREADS = 8

T = TypeVar("T")


def read_folder(root: Path, data: Data, on_progress: Progress) -> Source:
    """Read all images of a folder.

    Args:
        root: The folder.
        data: The section of the spec: `image_size`, `fit` and `color_mode`.
        on_progress: Is told how far the reading is.

    Raises:
        DataError: The folder is not laid out as it must be, files cannot be read, the images
            differ in size or colour mode and the spec does not say which it shall be, or they
            take too much memory.
    """
    folder = list_images(root)
    files = [*folder.pool, *(folder.own_test or ())]
    digests = _hash(files, on_progress)
    key = _key(digests, data)
    images = imagecache.find(key)
    if images is None:
        with without_warnings():
            images = _read(root, files, data, on_progress)
        imagecache.keep(key, images)
    labels = np.array([file.label for file in files], dtype=np.int64)
    pool, rest = (
        Part(images[part], labels[part])
        for part in (slice(len(folder.pool)), slice(len(folder.pool), None))
    )
    return Source(
        name=shown(root.name),
        pool=pool,
        own_test=None if folder.own_test is None else rest,
        classes=folder.classes,
        name_of=lambda index: files[index].name,
        digests=digests,
    )


def _hash(files: Sequence[ImageFile], on_progress: Progress) -> NDArray[np.uint8]:
    def digest(file: ImageFile) -> bytes:
        return hashlib.sha256(read_bytes(file.path)).digest()

    digests = _for_each(files, digest, "comparing images with the cache", on_progress)
    return np.frombuffer(b"".join(digests), dtype=np.uint8).reshape(len(files), 32)


def _key(digests: NDArray[np.uint8], data: Data) -> str:
    """A hash of all that decides the pixels."""
    settings = {
        "image_size": data.image_size,
        "fit": data.fit,
        "color_mode": data.color_mode,
        "pillow": PILLOW_VERSION,
    }
    return hashlib.sha256(json.dumps(settings).encode() + digests.tobytes()).hexdigest()


def _read(root: Path, files: Sequence[ImageFile], data: Data, on_progress: Progress) -> Pixels:
    height, width, channels = _common_shape(root, files, data, on_progress)
    check_amount(DatasetFacts(shown(root), (height, width, channels), (), len(files), None))
    images = np.empty((len(files), height, width, channels), dtype=np.uint8)
    color_mode: ColorMode = "rgb" if channels == 3 else "grayscale"
    place_of = {file.path: place for place, file in enumerate(files)}

    def read(file: ImageFile) -> None:
        pixels = read_image(file.path, data.image_size, data.fit, color_mode)
        if pixels.shape != images.shape[1:]:
            found = " x ".join(map(str, pixels.shape[:2]))
            raise DataError(f"{shown(file.path)} is damaged", f"found: {found} pixels", REMEDY)
        images[place_of[file.path]] = pixels

    _for_each(files, read, "reading images", on_progress)
    return images


def _common_shape(
    root: Path, files: Sequence[ImageFile], data: Data, on_progress: Progress
) -> ImageShape:
    """The shape that all images have, or that the spec gives them."""
    if data.image_size is not None and data.color_mode is not None:
        return (*data.image_size, 1 if data.color_mode == "grayscale" else 3)
    seen = _for_each(files, lambda file: look(file.path), "measuring images", on_progress)
    # Backwards, so that the first image of each kind is the one that is named.
    backwards = list(zip(seen, files, strict=True))[::-1]
    sizes = {(height, width): file for (height, width, _), file in backwards}
    modes = {mode: file for (_, _, mode), file in backwards}
    refusals = []
    if data.image_size is None and len(sizes) > 1:
        small, *_, large = sorted(sizes, key=lambda size: (size[0] * size[1], size))
        refusals.append(
            f"{shown(root)}: {len(sizes)} sizes, from {small[0]} x {small[1]} "
            f"({sizes[small].name}) to {large[0]} x {large[1]} ({sizes[large].name}); "
            "write image_size: [height, width]"
        )
    if data.color_mode is None and len(modes) > 1:
        refusals.append(
            f"{shown(root)}: images in grayscale ({modes['grayscale'].name}) and in rgb "
            f"({modes['rgb'].name}); write color_mode: grayscale, or rgb"
        )
    if refusals:
        raise DataError(*refusals)
    height, width, mode = seen[0]
    height, width = data.image_size or (height, width)
    return height, width, 1 if (data.color_mode or mode) == "grayscale" else 3


def _for_each(
    files: Sequence[ImageFile], work: Callable[[ImageFile], T], doing: str, on_progress: Progress
) -> list[T]:
    """Do the work on all files, some at a time, and refuse all that cannot be used together."""

    def attempt(file: ImageFile) -> T | DataError:
        try:
            return work(file)
        except DataError as error:
            return error

    done: list[T] = []
    refused: list[tuple[ImageFile, DataError]] = []
    with ThreadPoolExecutor(min(MAX_THREADS, os.cpu_count() or 1)) as threads:
        results = _counted(threads.map(attempt, files), len(files), doing, on_progress)
        for file, result in zip(files, results, strict=True):
            if isinstance(result, DataError):
                refused.append((file, result))
            else:
                done.append(result)
    if refused:
        raise _together(refused)
    return done


def _counted(items: Iterable[T], n: int, doing: str, on_progress: Progress) -> Iterator[T]:
    reported = time.monotonic()
    for count, item in enumerate(items, start=1):
        now = time.monotonic()
        if now - reported >= SECONDS_BETWEEN_REPORTS:
            on_progress(f"{doing}: {count:,} of {n:,}")
            reported = now
        yield item


def _together(refused: Sequence[tuple[ImageFile, DataError]]) -> DataError:
    (_, first), *others = refused
    if not others:
        return first
    names = listed([file.name for file, _ in others])
    return DataError(first.message, *first.notes, f"these cannot be used either: {names}")
