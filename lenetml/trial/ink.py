"""Whether augmentation moves what an image shows out of its frame, by the images themselves.

Ink is what differs from the background, and there is a background where most pixels at the
borders of all images are alike: digits and drawings have one, photographs do not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lenetml.record import CutOff
from lenetml.spec.sections import Augmentation

MAX_IMAGES = 10_000
LEAST_ALIKE = 0.7
# In steps of 255: what a scan leaves is no ink.
LEAST_DIFFERENCE = 64
LEAST_LOST = 0.05


def find_cut_off(images: NDArray[np.uint8], augmentation: Augmentation) -> CutOff | None:
    """Find the share of images that lose ink at an end of the shift or zoom range.

    Each range is looked at alone and at each of its ends: an image counts where one of them moves
    more than a twentieth of its ink out of the frame.

    Args:
        images: Of training, shape `(n, height, width, channels)`; the first 10,000 are looked at.
        augmentation: The section of a concrete spec.

    Returns:
        None where nothing is shifted or enlarged, or where the images have no background.
    """
    across, down = augmentation.width_shift_range, augmentation.height_shift_range
    zoom = augmentation.zoom_range
    if not (across or down or zoom):
        return None
    looked_at = images[:MAX_IMAGES]
    ink = _find_ink(looked_at)
    if ink is None:
        return None
    by_column, by_row = ink.sum(axis=1), ink.sum(axis=2)
    total = np.maximum(by_column.sum(axis=1), 1)
    is_cut = np.zeros(len(ink), dtype=bool)
    for counts, shift in ((by_column, across), (by_row, down)):
        side = counts.shape[1]
        places = np.arange(side) + 0.5
        middle = side / 2
        for moved in (
            places + shift * side,
            places - shift * side,
            (places - middle) / max(1 - zoom, 1e-6) + middle,
        ):
            outside = (moved < 0) | (moved > side)
            is_cut |= counts[:, outside].sum(axis=1) > LEAST_LOST * total
    return CutOff(share=float(is_cut.mean()), images=len(looked_at))


def _find_ink(images: NDArray[np.uint8]) -> NDArray[np.bool_] | None:
    """Where the ink is, shape `(n, height, width)`; None without a background."""
    edges = np.concatenate(
        [
            images[:, 0], images[:, -1], images[:, 1:-1, 0], images[:, 1:-1, -1],
        ],
        axis=1,
    ).reshape(-1, images.shape[3])  # fmt: skip
    background = np.median(edges, axis=0)
    alike = (np.abs(edges - background) < LEAST_DIFFERENCE).all(axis=1)
    if alike.mean() < LEAST_ALIKE:
        return None
    return np.asarray((np.abs(images - background) >= LEAST_DIFFERENCE).any(axis=3))
