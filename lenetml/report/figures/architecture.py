"""The chosen network as blocks: what each layer gives, and how many parameters it has."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from lenetml.record import LayerRecord, Record
from lenetml.report.figures.style import (
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    WIDTH_POINTS,
    fit_text,
    new_canvas,
    own_style,
    text_width,
)
from lenetml.report.language import Gettext
from lenetml.report.words import write_count, write_shape
from lenetml.spec.types import Language

MOST_ROWS = 60
ONE_COLUMN = 24
PITCH, HEAD = 17.0, 22.0
COLORS = {"conv": SKY, "pool": ORANGE, "dense": GREEN, "output": GREEN, "residual": PURPLE}
PLAIN = "0.85"


@dataclass(frozen=True)
class _Row:
    """A block.

    Args:
        name: Of the layer; a text in place of many layers.
        shape: That it gives; None inside a residual, of which the whole alone is counted.
        parameters: None where nothing can have any.
        depth: How many residuals it is inside of.
    """

    name: str
    shape: Sequence[int] | None = None
    parameters: int | None = None
    depth: int = 0


@dataclass(frozen=True)
class _Column:
    """Where a column of blocks stands, in points: its left side and its width."""

    left: float
    width: float

    @property
    def is_wide(self) -> bool:
        """Whether it is the only one."""
        return self.width > WIDTH_POINTS / 2

    @property
    def size(self) -> float:
        """Of its font, in points."""
        return 7.0 if self.is_wide else 6.0

    @property
    def blocks(self) -> float:
        """The room for blocks."""
        return (0.55 if self.is_wide else 0.43) * self.width

    @property
    def middle(self) -> float:
        return self.left + self.blocks / 2

    @property
    def shapes(self) -> float:
        """Where shapes end."""
        return self.left + (0.8 if self.is_wide else 0.75) * self.width

    @property
    def parameters(self) -> float:
        """Where numbers of parameters end."""
        return self.left + self.width


@own_style()
def draw_architecture(record: Record, language: Language, gettext: Gettext) -> Figure:
    """Draw the layers of the chosen network, from the input down to the output."""
    _ = gettext
    rows = [_Row(_("input"), record.data.input_shape), *_rows(record.best.architecture)]
    if len(rows) > MOST_ROWS:
        n_hidden = len(rows) - MOST_ROWS + 1
        hidden = _Row(f"⋮ (+{write_count(n_hidden, language)})")
        rows = [*rows[: MOST_ROWS // 2], hidden, *rows[MOST_ROWS // 2 + n_hidden :]]
    n_columns = 1 if len(rows) <= ONE_COLUMN else 2
    per_column = math.ceil(len(rows) / n_columns)
    figure, axes = new_canvas(HEAD + PITCH * per_column + 4)
    width = (WIDTH_POINTS - 20 * n_columns) / n_columns
    sizes = [math.log(math.prod(row.shape)) for row in rows if row.shape]
    for number in range(n_columns):
        column = _Column(10 + number * (width + 20), width)
        for place, head in (
            (column.shapes, _("Output shape")), (column.parameters, _("Parameters")),
        ):  # fmt: skip
            axes.text(place, 12, head, ha="right", va="center", fontsize=column.size, weight="bold")
        for line, row in enumerate(rows[number * per_column : (number + 1) * per_column]):
            share = _share(row, min(sizes), max(sizes))
            is_last = number * per_column + line == len(rows) - 1
            _draw_row(axes, column, HEAD + PITCH * line, row, share, language, is_last=is_last)
    return figure


def _rows(layers: Sequence[LayerRecord]) -> Iterator[_Row]:
    for layer in layers:
        yield _Row(layer.layer, layer.output_shape, layer.parameters)
        yield from _inner_rows(layer.arguments, 1)


def _inner_rows(outer: Mapping[str, Any], depth: int) -> Iterator[_Row]:
    for item in outer.get("layers", []):
        for name, arguments in item.items():
            yield _Row(name, depth=depth)
            yield from _inner_rows(arguments, depth + 1)


def _share(row: _Row, least: float, most: float) -> float:
    """How wide a block is, from 0 to 1, by the logarithm of what it gives."""
    if row.shape is None or most == least:
        return 0.5
    return (math.log(math.prod(row.shape)) - least) / (most - least)


def _draw_row(
    axes: Axes, column: _Column, top: float, row: _Row, share: float, language: Language,
    *, is_last: bool,
) -> None:  # fmt: skip
    middle, size = top + PITCH / 2, column.size
    label = "↳ " * row.depth + row.name
    width = column.blocks * (0.55 + 0.45 * share - 0.05 * min(row.depth, 4))
    width = min(max(width, text_width(label, size) + 8), column.blocks)
    block = FancyBboxPatch(
        (column.middle - width / 2, middle - 5.5), width, 11,
        boxstyle="round,pad=0,rounding_size=2.5", facecolor=_color(row.name),
        edgecolor="0.2", linewidth=0.6, linestyle=":" if row.depth else "-",
    )  # fmt: skip
    axes.add_patch(block)
    if not is_last:
        axes.plot([column.middle] * 2, [middle + 5.5, middle + 11.5], color="0.2", linewidth=0.8)
    name = fit_text(label, width - 6, size)
    numbers = (
        (column.shapes, row.shape and write_shape(row.shape, language)),
        (column.parameters, row.parameters is not None and write_count(row.parameters, language)),
    )
    axes.text(
        column.middle, middle, name, ha="center", va="center", fontsize=size, parse_math=False
    )
    for place, text in numbers:
        axes.text(place, middle, text or "", ha="right", va="center", fontsize=size)


def _color(name: str) -> str:
    return next((color for part, color in COLORS.items() if part in name), PLAIN)
