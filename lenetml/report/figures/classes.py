"""How many examples of each class every part of the data has."""

from __future__ import annotations

import math

from matplotlib.figure import Figure

from lenetml.record import DataRecord
from lenetml.report.figures.style import (
    BLUE,
    WIDTH_POINTS,
    add_axes,
    count_ticks,
    few_ticks,
    fit_text,
    new_figure,
    own_style,
    widest,
)
from lenetml.report.language import Gettext
from lenetml.report.words import write_count
from lenetml.spec.types import Language

NAME_POINTS = 100.0
TALLEST = 500.0
ABOVE, BELOW, GAP = 18.0, 16.0, 12.0


@own_style()
def draw_class_counts(data: DataRecord, language: Language, gettext: Gettext) -> Figure:
    """Draw the examples of each class as bars: training, validation and test side by side."""
    _, n = gettext, len(data.classes)
    pitch = min(14.0, TALLEST / n)
    size = 8 if pitch > 10 else 6.5 if pitch > 8 else 5
    every = math.ceil(1.2 * size / pitch)
    names = [fit_text(name, NAME_POINTS, size) for name in data.classes]
    left = widest(names, size) + 10
    width = (WIDTH_POINTS - left) / 3
    figure = new_figure(n * pitch + ABOVE + BELOW)
    parts = (
        (_("Training"), data.class_counts.train),
        (_("Validation"), data.class_counts.val),
        (_("Test"), data.class_counts.test),
    )
    for place, (title, counts) in enumerate(parts):
        axes = add_axes(figure, left + place * width, BELOW, width - GAP, n * pitch)
        axes.barh(range(n), counts, color=BLUE, height=0.8)
        axes.set_title(f"{title} ({write_count(sum(counts), language)})", fontsize=8)
        shown = names[::every] if place == 0 else []
        axes.set_yticks(range(0, n, every)[: len(shown)], shown, parse_math=False, fontsize=size)
        axes.set_ylim(n - 0.5, -0.5)
        axes.spines[["top", "right", "bottom"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
        if every == 1:
            axes.set_xticks([])
            axes.set_xlim(0, 1.35 * max(counts))
            for row, count in enumerate(counts):
                text = f" {write_count(count, language)}"
                axes.text(count, row, text, ha="left", va="center", fontsize=min(size, 7))
        else:
            axes.set_xlim(0, 1.1 * max(counts))
            axes.xaxis.set_major_locator(few_ticks(2, integer=True))
            axes.xaxis.set_major_formatter(count_ticks(language))
            axes.grid(axis="x", alpha=0.3)
    return figure
