"""Figures by their names: those that a record alone is enough for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lenetml.record import Record
from lenetml.report.figures import listing
from lenetml.report.figures.architecture import draw_architecture
from lenetml.report.figures.classes import draw_class_counts
from lenetml.report.figures.confusion import draw_confusion, draw_errors
from lenetml.report.figures.curves import draw_learning_curves
from lenetml.report.figures.style import to_png
from lenetml.report.figures.tradeoff import draw_tradeoff
from lenetml.report.language import Gettext
from lenetml.spec.types import Language

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_figure(name: str, record: Record, language: Language, gettext: Gettext) -> bytes:
    """Draw a figure that is not kept.

    Args:
        name: One that `list_figures` has for this record.
        record: Everything known of the experiment.
        language: Of the labels.
        gettext: Translates them.

    Returns:
        A PNG.
    """
    test = record.test
    chosen = next(trial for trial in record.trials if trial.number == record.best.number)
    draw: dict[str, Callable[[], Figure]] = {
        listing.ARCHITECTURE: lambda: draw_architecture(record, language, gettext),
        listing.CLASS_COUNTS: lambda: draw_class_counts(record.data, language, gettext),
        listing.LEARNING_CURVES: lambda: draw_learning_curves(chosen, language, gettext),
        listing.TRADEOFF: lambda: draw_tradeoff(record, language, gettext),
    }
    if test is not None:
        draw[listing.CONFUSION] = lambda: draw_confusion(test, language, gettext)
        draw[listing.ERRORS] = lambda: draw_errors(test, language, gettext)
    return to_png(draw[name]())
