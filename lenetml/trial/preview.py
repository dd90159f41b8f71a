"""Augmentation made visible: a few training images at the ends of each range, and drawn at random.

It is the augmentation of the training itself, with parameters that are set instead of drawn.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lenetml.spec.sections import Augmentation
from lenetml.trial.augment import PARAMETERS, augment, vary
from lenetml.trial.parts import Part

Images = NDArray[np.uint8]
# Where each key of a spec acts among the parameters; both zooms go together.
PLACES = {
    "rotation_range": ("theta",),
    "width_shift_range": ("tx",),
    "height_shift_range": ("ty",),
    "shear_range": ("shear",),
    "zoom_range": ("zx", "zy"),
    "horizontal_flip": ("flip_horizontal",),
    "vertical_flip": ("flip_vertical",),
    "brightness_range": ("brightness",),
}
NEUTRAL = {"zx": 1.0, "zy": 1.0, "brightness": 1.0}


def choose_examples(part: Part, n: int) -> Images:
    """Take the first image of each class in turn, then the second, until there are n.

    Args:
        part: With at least n images.
        n: At least 1.
    """
    order = np.argsort(part.labels, kind="stable")
    starts = np.searchsorted(part.labels[order], part.labels[order])
    rounds = np.arange(len(order)) - starts
    chosen = order[np.lexsort((part.labels[order], rounds))][:n]
    return part.images[chosen]


def vary_to_end(images: Images, augmentation: Augmentation, key: str, *, upper: bool) -> Images:
    """Vary images by one key alone, as far as it goes.

    Args:
        images: Shape `(n, height, width, channels)`.
        augmentation: Without references.
        key: Of its fields, one that varies images.
        upper: To the upper end of its range, or to the lower; a flip: whether it is done.
    """
    value = _end(augmentation, key, images.shape[1:3], upper=upper)
    row = [value if name in PLACES[key] else NEUTRAL.get(name, 0.0) for name in PARAMETERS]
    parameters = np.tile(np.array(row), (len(images), 1))
    return _as_bytes(vary(_scale(images), parameters, augmentation))


def vary_at_random(images: Images, augmentation: Augmentation, seed: int) -> Images:
    """Vary images as in a training.

    Args:
        images: Shape `(n, height, width, channels)`.
        augmentation: Without references.
        seed: From 1 to 2**32 - 1.
    """
    numbers = np.array([seed - 2**31, 0], dtype=np.int32)
    return _as_bytes(augment(_scale(images), augmentation, numbers))


def _end(augmentation: Augmentation, key: str, sides: tuple[int, int], *, upper: bool) -> float:
    value: Any = getattr(augmentation, key)
    if isinstance(value, bool):
        return float(upper)
    if key == "brightness_range":
        return float(value[upper])
    scale = {"width_shift_range": sides[1], "height_shift_range": sides[0]}.get(key, 1)
    middle = 1.0 if key == "zoom_range" else 0.0
    return middle + float(value if upper else -value) * scale


def _scale(images: Images) -> NDArray[np.float32]:
    return images.astype(np.float32) / np.float32(255)


def _as_bytes(images: object) -> Images:
    pixels = np.rint(np.clip(np.asarray(images), 0, 1) * 255)
    return np.asarray(pixels, dtype=np.uint8)
