"""What all figures share: size, colours, fonts, and how a figure becomes the bytes of a PNG.

Colours are told apart without colour vision and in print, and never carry a meaning alone. The
font is matplotlib's own, so that the same record gives the same bytes on every machine.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from io import BytesIO
from typing import Any

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle
from matplotlib.textpath import text_to_path
from matplotlib.ticker import FuncFormatter, MaxNLocator

from lenetml.report.markdown import plain
from lenetml.report.words import write_count, write_number
from lenetml.spec.types import Language

WIDTH_INCHES = 6.0
WIDTH_POINTS = 72 * WIDTH_INCHES
DOTS_PER_INCH = 200
# Okabe and Ito's colours, https://jfly.uni-koeln.de/color/.
BLUE, VERMILION, GREEN, ORANGE = "#0072B2", "#D55E00", "#009E73", "#E69F00"
SKY, PURPLE = "#56B4E9", "#CC79A7"
ELLIPSIS = "…"
LONGEST_NAME = 100


@contextmanager
def own_style() -> Iterator[None]:
    """Draw in matplotlib's default style, whatever the user's own settings say."""
    with matplotlib.style.context(["default", {"font.size": 8}]), warnings.catch_warnings():
        # Names of classes may be in a script that matplotlib's own font lacks: boxes, no noise.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", append=False)
        yield


@own_style()
def to_png(figure: Figure) -> bytes:
    """Write a figure as a PNG of 1200 pixels in width."""
    FigureCanvasAgg(figure)
    png = BytesIO()
    figure.savefig(png, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return png.getvalue()


def new_figure(height_points: float, **settings: Any) -> Figure:
    """Begin a figure of the common width."""
    return Figure(figsize=(WIDTH_INCHES, height_points / 72), **settings)


def add_axes(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Place axes in a figure, in points from its lower left corner."""
    wide, high = (72 * side for side in figure.get_size_inches())
    return figure.add_axes((left / wide, bottom / high, width / wide, height / high))


def new_canvas(height_points: float) -> tuple[Figure, Axes]:
    """Begin a figure that is drawn in points, from its upper left corner, without any axis."""
    figure = new_figure(height_points)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set(xlim=(0, WIDTH_POINTS), ylim=(height_points, 0))
    return figure, axes


def show_image(
    axes: Axes, image: Any, left: float, top: float, width: float, height: float
) -> None:
    """Show an image on a canvas.

    Args:
        axes: Of a canvas.
        image: Array of shape `(height, width, 1 or 3)`, uint8.
        left: In points.
        top: In points.
        width: In points.
        height: In points.
    """
    place = (left, left + width, top + height, top)
    pixels = image[..., 0] if image.shape[2] == 1 else image
    shown = axes.imshow(pixels, cmap="gray", vmin=0, vmax=255, extent=place, aspect="auto")
    shown.set_clip_on(False)
    frame = Rectangle((left, top), width, height, fill=False, edgecolor="0.6", linewidth=0.4)
    axes.add_patch(frame)


def few_ticks(n: int, *, integer: bool = False) -> MaxNLocator:
    """Choose at most so many round numbers for an axis."""
    return MaxNLocator(n, integer=integer, steps=[1, 2, 5, 10])


def number_ticks(language: Language) -> FuncFormatter:
    """Write the numbers of an axis in a language."""
    write = partial(write_number, language=language)
    return FuncFormatter(lambda value, position: write(round(value, 6)))


def count_ticks(language: Language) -> FuncFormatter:
    """Write the whole numbers of an axis in a language."""
    return FuncFormatter(lambda value, position: write_count(round(value), language))


@cache
def text_width(text: str, size: float, family: str = "sans-serif") -> float:
    """Measure a text on one line, in points."""
    with own_style():
        font = FontProperties(size=size, family=family)
        width: float = text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]
    return width


def fit_text(text: str, width: float, size: float, family: str = "sans-serif") -> str:
    """Bring a foreign text onto one line, and leave out of its middle what is too wide.

    Names that differ mostly differ at their ends.

    Args:
        text: Any.
        width: In points.
        size: Of the font, in points.
        family: Of the font.
    """
    line = plain(text)
    shown = line
    n_kept = min(len(line), LONGEST_NAME)
    while n_kept > 1 and (len(shown) > LONGEST_NAME or text_width(shown, size, family) > width):
        n_kept -= 1
        shown = line[: (n_kept + 1) // 2] + ELLIPSIS + line[len(line) - n_kept // 2 :]
    return shown


def widest(texts: Sequence[str], size: float) -> float:
    """Measure the widest of some texts, in points."""
    return max((text_width(text, size) for text in texts), default=0.0)
