"""Learning curves: how loss and accuracy went from epoch to epoch."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lenetml.record import TrialRecord
from lenetml.report.figures.style import (
    BLUE,
    VERMILION,
    few_ticks,
    new_figure,
    number_ticks,
    own_style,
)
from lenetml.report.language import Gettext
from lenetml.report.words import write_count
from lenetml.spec.types import Language


@own_style()
def draw_learning_curves(trial: TrialRecord, language: Language, gettext: Gettext) -> Figure:
    """Draw loss and accuracy of a trial, on training and validation, with the chosen epoch."""
    _ = gettext
    figure = new_figure(209, layout="constrained")
    loss, accuracy = figure.subplots(1, 2)
    for axes, metric, title in ((loss, "loss", _("Loss")), (accuracy, "accuracy", _("Accuracy"))):
        _draw_curve(axes, trial.history[metric], BLUE, "--", "o", _("training"))
        _draw_curve(axes, trial.history[f"val_{metric}"], VERMILION, "-", "s", _("validation"))
        if trial.best_epoch is not None:
            chosen = _("chosen epoch: %(epoch)s") % {
                "epoch": write_count(trial.best_epoch, language)
            }
            axes.axvline(trial.best_epoch, color="0.3", linestyle=":", label=chosen)
        axes.set_title(title)
        axes.set_xlabel(_("Epoch"))
        axes.xaxis.set_major_locator(few_ticks(6, integer=True))
        axes.yaxis.set_major_formatter(number_ticks(language))
        axes.grid(alpha=0.3)
    lines, labels = accuracy.get_legend_handles_labels()
    figure.legend(lines, labels, loc="outside lower center", ncols=len(lines), frameon=False)
    return figure


def _draw_curve(
    axes: Axes, values: Sequence[float], color: str, dashes: str, marker: str, label: str
) -> None:
    epochs = range(1, len(values) + 1)
    # Among many epochs markers would run into each other.
    every = max(1, len(values) // 20)
    axes.plot(
        epochs, values, color=color, linestyle=dashes, marker=marker, markersize=2.5,
        markevery=every, label=label,
    )  # fmt: skip
