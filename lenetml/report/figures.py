"""The figures of a card, drawn from its record: the door of matplotlib.

Each is a PNG of 1200 pixels in width, with labels in one language and the same bytes for the same
record. Colours are told apart without colour vision, and lines also by their dashes.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from io import BytesIO

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from lenetml.record import TestRecord, TrialRecord
from lenetml.report.language import Gettext
from lenetml.report.markdown import plain
from lenetml.report.words import write_count, write_number
from lenetml.spec.types import Language

WIDTH_INCHES = 6.0
DOTS_PER_INCH = 200
# Okabe and Ito's blue and vermilion, https://jfly.uni-koeln.de/color/.
BLUE, VERMILION = "#0072B2", "#D55E00"
MAX_NUMBERED_CLASSES = 20
MAX_NAME_LENGTH = 20


def draw_learning_curves(trial: TrialRecord, language: Language, gettext: Gettext) -> bytes:
    """Draw loss and accuracy of a trial, on training and validation, with the chosen epoch.

    Returns:
        A PNG.
    """
    _ = gettext
    with _own_style():
        figure = Figure(figsize=(WIDTH_INCHES, 2.9), layout="constrained")
        loss, accuracy = figure.subplots(1, 2)
        for axes, metric, title in (
            (loss, "loss", _("Loss")),
            (accuracy, "accuracy", _("Accuracy")),
        ):
            _draw_curve(axes, trial.history[metric], BLUE, "--", _("training"))
            _draw_curve(axes, trial.history[f"val_{metric}"], VERMILION, "-", _("validation"))
            if trial.best_epoch is not None:
                chosen = _("chosen epoch: %(epoch)s") % {
                    "epoch": write_count(trial.best_epoch, language)
                }
                axes.axvline(trial.best_epoch, color="0.4", linestyle=":", label=chosen)
            axes.set_title(title)
            axes.set_xlabel(_("Epoch"))
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.yaxis.set_major_formatter(_ticks(language))
            axes.grid(alpha=0.3)
        lines, labels = accuracy.get_legend_handles_labels()
        figure.legend(lines, labels, loc="outside lower center", ncols=len(lines), frameon=False)
        return _to_png(figure)


def draw_confusion(test: TestRecord, language: Language, gettext: Gettext) -> bytes:
    """Draw the confusion matrix: counts, coloured by their share of the true class.

    Returns:
        A PNG.
    """
    _ = gettext
    names = [_shorten(each.name) for each in test.per_class]
    shares = [[n / max(1, sum(row)) for n in row] for row in test.confusion]
    with _own_style():
        figure = Figure(figsize=(WIDTH_INCHES, 5.2), layout="constrained")
        axes = figure.subplots()
        # The diagonal dwarfs every confusion: a root makes the small shares visible.
        image = axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.4, vmin=0, vmax=1))
        bar = figure.colorbar(image, ax=axes, ticks=[0, 0.01, 0.1, 0.5, 1], shrink=0.85)
        bar.set_label(_("Share of the true class"))
        bar.ax.yaxis.set_major_formatter(_ticks(language))
        if len(names) <= MAX_NUMBERED_CLASSES:
            _write_counts(axes, test.confusion, shares, language)
            axes.set_xticks(range(len(names)), names, parse_math=False)
            axes.set_yticks(range(len(names)), names, parse_math=False)
            if max(map(len, names)) > 3:
                for label in axes.get_xticklabels():
                    label.set(rotation=45, ha="right", rotation_mode="anchor")
        axes.set_xlabel(_("Predicted class"))
        axes.set_ylabel(_("True class"))
        return _to_png(figure)


def _draw_curve(axes: Axes, values: Sequence[float], color: str, dashes: str, label: str) -> None:
    epochs = range(1, len(values) + 1)
    axes.plot(epochs, values, color=color, linestyle=dashes, marker="o", markersize=2, label=label)


def _write_counts(
    axes: Axes,
    confusion: Sequence[Sequence[int]],
    shares: Sequence[Sequence[float]],
    language: Language,
) -> None:
    size = 8 if len(confusion) <= 12 else 5
    for true, row in enumerate(confusion):
        for predicted, n in enumerate(row):
            color = "white" if shares[true][predicted] > 0.3 else "black"
            text = write_count(n, language)
            axes.text(predicted, true, text, ha="center", va="center", color=color, fontsize=size)


def _ticks(language: Language) -> FuncFormatter:
    write = partial(write_number, language=language)
    return FuncFormatter(lambda value, position: write(round(value, 6)))


def _shorten(name: str) -> str:
    line = plain(name)
    return line if len(line) <= MAX_NAME_LENGTH else f"{line[: MAX_NAME_LENGTH - 1]}…"


@contextmanager
def _own_style() -> Iterator[None]:
    """Draw in matplotlib's default style, whatever the user's own settings say."""
    with matplotlib.style.context(["default", {"font.size": 8}]), warnings.catch_warnings():
        # Names of classes may be in a script that matplotlib's own font lacks: boxes, no noise.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", append=False)
        yield


def _to_png(figure: Figure) -> bytes:
    png = BytesIO()
    figure.savefig(png, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return png.getvalue()
