"""The errors of which the network was most sure, as a grid of images.

The figure has no words: one file serves the cards of all languages. It is drawn while the images
are at hand, and kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from lenetml.report.figures.listing import misclassified_grid
from lenetml.report.figures.style import (
    BLUE,
    VERMILION,
    WIDTH_POINTS,
    fit_text,
    new_canvas,
    own_style,
    show_image,
    text_width,
)

SIZE, LINE, GAP = 6.5, 9.0, 6.0
TRUE, PREDICTED = "✓", "✗"


@dataclass(frozen=True)
class Misclassified:
    """An image that was classified as another class.

    Args:
        image: Array of shape `(height, width, 1 or 3)`, uint8.
        true: Name of its class.
        predicted: Name of the class that it was taken for.
        confidence: Probability of that, from 0 to 1.
    """

    image: Any
    true: str
    predicted: str
    confidence: float


@own_style()
def draw_misclassified(classes: Sequence[str], errors: Sequence[Misclassified]) -> Figure:
    """Draw errors with their true class, the class they were taken for, and its probability.

    Args:
        classes: Names of all classes.
        errors: Of one image shape, at least one, most confident first; as many as the
            grid holds.
    """
    columns, _ = misclassified_grid(classes)
    pitch = WIDTH_POINTS / columns
    side = pitch - GAP
    height, width, _ = errors[0].image.shape
    tall = side * min(1.0, height / width)
    n_rows = -(-len(errors) // columns)
    figure, axes = new_canvas(n_rows * (tall + 2 * LINE + 2 * GAP))
    for number, error in enumerate(errors):
        row, column = divmod(number, columns)
        left = column * pitch + GAP / 2
        top = row * (tall + 2 * LINE + 2 * GAP) + GAP / 2
        shown = min(side, tall * width / height)
        show_image(axes, error.image, left + (side - shown) / 2, top, shown, tall)
        percent = write_confidence(error.confidence)
        room = side - text_width(f"{PREDICTED} ", SIZE)
        left_over = room - text_width(f" {percent}", SIZE)
        first, second = (top + tall + LINE * place for place in (0.7, 1.7))
        for x, y, text, color, align in (
            (left, first, f"{TRUE} {fit_text(error.true, room, SIZE)}", BLUE, "left"),
            (
                left,
                second,
                f"{PREDICTED} {fit_text(error.predicted, left_over, SIZE)}",
                VERMILION,
                "left",
            ),
            (left + side, second, percent, "0.25", "right"),
        ):
            axes.text(
                x, y, text, color=color, fontsize=SIZE, ha=align, va="center", parse_math=False
            )
    return figure


def write_confidence(probability: float) -> str:
    """Write a probability as all languages do: a whole percentage, never rounded up to all."""
    return ">99%" if probability > 0.99 else f"{probability:.0%}"
