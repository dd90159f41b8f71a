"""What augmentation makes of training images: each transform at both ends, and all together.

The figure has no words but the keys and values of the spec: one file serves the cards of all
languages. It is drawn while the images are at hand, and kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from lenetml.report.figures.style import (
    WIDTH_POINTS,
    fit_text,
    new_canvas,
    own_style,
    show_image,
)

LABEL, GAP, HEAD, SIZE = 84.0, 3.0, 14.0, 6.5
BETWEEN = 12.0
LEAST, MOST = "−", "+"


@dataclass(frozen=True)
class Varied:
    """One row of the preview.

    Args:
        key: Of the spec.
        value: As the spec writes it; nothing for images that are not varied.
        least: Images at the lower end, arrays of shape `(height, width, 1 or 3)`, uint8.
        most: The same images at the upper end, as many.
    """

    key: str
    value: str
    least: Sequence[Any]
    most: Sequence[Any]


@own_style()
def draw_augmentation(rows: Sequence[Varied]) -> Figure:
    """Draw rows of varied images, a column for each image; the first and the last stand apart.

    Args:
        rows: The images as they are, each transform, all transforms as they are drawn.
    """
    n_columns = len(rows[0].least)
    side = (WIDTH_POINTS - LABEL - BETWEEN - GAP) / (2 * n_columns)
    height, width, _ = rows[0].least[0].shape
    tall = (side - GAP) * min(2.0, max(0.5, height / width)) + GAP
    figure, axes = new_canvas(HEAD + len(rows) * tall + 2 * BETWEEN)
    starts = (LABEL, LABEL + n_columns * side + BETWEEN)
    for start, sign in zip(starts, (LEAST, MOST), strict=True):
        place = start + n_columns * side / 2
        axes.text(place, HEAD + tall + 1, sign, ha="center", va="center", fontsize=9)
    top = HEAD / 3
    for number, row in enumerate(rows):
        # The signs stand above the transforms, and apply to neither the first nor the last row.
        top += (HEAD if number == 1 else 0) + (BETWEEN if number == len(rows) - 1 else 0)
        for text, offset in ((row.key, -4.5 if row.value else 0), (row.value, 4.5)):
            axes.text(
                4, top + tall / 2 + offset, fit_text(text, LABEL - 8, SIZE, "monospace"),
                va="center", fontsize=SIZE, family="monospace", parse_math=False,
            )  # fmt: skip
        for start, images in zip(starts, (row.least, row.most), strict=True):
            for column, image in enumerate(images):
                left = start + column * side
                shown = min(side - GAP, (tall - GAP) * width / height)
                high = min(tall - GAP, shown * height / width)
                show_image(
                    axes, image, left + (side - GAP - shown) / 2, top + (tall - GAP - high) / 2,
                    shown, high,
                )  # fmt: skip
        top += tall
    return figure
