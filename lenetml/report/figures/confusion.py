"""The confusion matrix twice: all examples, and the errors alone on a scale of their own."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import Normalize, PowerNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from lenetml.record import TestRecord
from lenetml.report.figures.style import (
    WIDTH_POINTS,
    add_axes,
    few_ticks,
    fit_text,
    new_figure,
    number_ticks,
    own_style,
    widest,
)
from lenetml.report.language import Gettext
from lenetml.report.words import write_count
from lenetml.spec.types import Language

NAME_POINTS = 72.0
# What stands beside the matrix: the label and ticks at its left, the scale at its right.
LEFT, SCALE, BELOW, ABOVE = 24.0, 66.0, 26.0, 6.0
LEAST_COUNT_SIZE = 4.5
BLANK = math.nan


@own_style()
def draw_confusion(test: TestRecord, language: Language, gettext: Gettext) -> Figure:
    """Draw the confusion matrix: counts, coloured by their share of the true class."""
    # The diagonal dwarfs every confusion: a root makes the small shares visible.
    norm = PowerNorm(0.4, vmin=0, vmax=1)
    shares = [[n / max(1, sum(row)) for n in row] for row in test.confusion]
    ticks = [0, 0.01, 0.1, 0.5, 1]
    return _draw_matrix(test, shares, norm, "Blues", ticks, language, gettext)


@own_style()
def draw_errors(test: TestRecord, language: Language, gettext: Gettext) -> Figure:
    """Draw the confusion matrix without its diagonal, so that the errors fill the scale.

    Args:
        test: With at least one error.
        language: Of the labels.
        gettext: Translates them.
    """
    shares = [
        [BLANK if true == predicted else n / max(1, sum(row)) for predicted, n in enumerate(row)]
        for true, row in enumerate(test.confusion)
    ]
    largest = max(share for row in shares for share in row if not math.isnan(share))
    norm = Normalize(vmin=0, vmax=largest)
    return _draw_matrix(test, shares, norm, "Oranges", None, language, gettext)


def _draw_matrix(
    test: TestRecord,
    shares: Sequence[Sequence[float]],
    norm: Normalize,
    colors: str,
    ticks: Sequence[float] | None,
    language: Language,
    _: Gettext,
) -> Figure:
    n = len(shares)
    size = 8 if n <= 12 else 6.5 if n <= 26 else 5
    names = [fit_text(each.name, NAME_POINTS, size) for each in test.per_class]
    width = widest(names, size)
    left = LEFT + width
    side = WIDTH_POINTS - left - SCALE
    cell = side / n
    is_upright = width > cell - 4
    below = BELOW + (width if is_upright else size)
    figure = new_figure(below + side + ABOVE)
    axes = add_axes(figure, left, below, side, side)
    axes.set_facecolor("0.9")
    image = axes.imshow(shares, cmap=colors, norm=norm)
    scale = add_axes(figure, left + side + 10, below + 0.1 * side, 10, 0.8 * side)
    bar = figure.colorbar(image, cax=scale, ticks=ticks or few_ticks(5))
    bar.set_label(_("Share of the true class"))
    bar.ax.yaxis.set_major_formatter(number_ticks(language))
    every = math.ceil(1.3 * size / cell)
    places, shown = range(0, n, every), names[::every]
    axes.set_xticks(
        places, shown, parse_math=False, fontsize=size, rotation=90 if is_upright else 0
    )
    axes.set_yticks(places, shown, parse_math=False, fontsize=size)
    _write_counts(axes, test.confusion, shares, image, cell, lambda n: write_count(n, language))
    axes.set_xlabel(_("Predicted class"))
    axes.set_ylabel(_("True class"))
    return figure


def _write_counts(
    axes: Axes,
    confusion: Sequence[Sequence[int]],
    shares: Sequence[Sequence[float]],
    image: AxesImage,
    cell: float,
    write: Callable[[int], str],
) -> None:
    """Write the counts that are coloured, where there is room for the widest."""
    wanted = [
        (true, predicted, write(n))
        for true, row in enumerate(confusion)
        for predicted, n in enumerate(row)
        if n and not math.isnan(shares[true][predicted])
    ]
    size = min(8.0, 0.6 * cell, 8 * 0.85 * cell / widest([text for *_, text in wanted], 8))
    if size < LEAST_COUNT_SIZE:
        return
    for true, predicted, text in wanted:
        color = "white" if _is_dark(image, shares[true][predicted]) else "black"
        axes.text(predicted, true, text, ha="center", va="center", color=color, fontsize=size)


def _is_dark(image: AxesImage, share: float) -> bool:
    """Whether white is read better than black where a share is shown (WCAG 2.2, contrast)."""
    norm: Any = image.norm  # matplotlib 3.11's types know arrays alone
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in image.cmap(norm(share))[:3]
    ]
    red, green, blue = linear
    return bool(0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.179)
