"""Accuracy against size: which networks are beaten by none that is as small."""

from __future__ import annotations

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from lenetml.record import Record
from lenetml.report.figures.pareto import pareto_front, priced_trials
from lenetml.report.figures.style import (
    BLUE,
    VERMILION,
    count_ticks,
    few_ticks,
    new_figure,
    number_ticks,
    own_style,
)
from lenetml.report.language import Gettext
from lenetml.spec.types import Language


@own_style()
def draw_tradeoff(record: Record, language: Language, gettext: Gettext) -> Figure:
    """Draw validation accuracy against parameters, with the Pareto front and the chosen trial."""
    _ = gettext
    trials = priced_trials(record)
    front = pareto_front(trials)
    chosen = next(trial for trial in trials if trial.number == record.best.number)
    figure = new_figure(230, layout="constrained")
    axes = figure.subplots()
    sizes, accuracies = [it.cost for it in trials], [it.accuracy for it in trials]
    axes.scatter(
        sizes, accuracies, s=22, color=BLUE, alpha=0.8, linewidths=0, label=_("completed trial")
    )
    axes.step(
        [it.cost for it in front], [it.accuracy for it in front], where="post",
        color=VERMILION, linestyle="--", marker="s", markersize=4, label=_("Pareto front"),
    )  # fmt: skip
    axes.scatter(
        [chosen.cost], [chosen.accuracy], s=110, marker="o", facecolors="none",
        edgecolors="black", linewidths=1.4, label=_("chosen trial"), zorder=3,
    )  # fmt: skip
    axes.margins(0.07)
    _scale(axes, min(sizes), max(sizes))
    axes.xaxis.set_major_formatter(count_ticks(language))
    axes.yaxis.set_major_formatter(number_ticks(language))
    axes.set_xlabel(_("Parameters"))
    lines = [_("Validation accuracy")]
    if any(trial.executions for trial in record.trials):
        lines.append(_("(mean of the trainings)"))
    axes.set_ylabel("\n".join(lines))
    axes.grid(alpha=0.3)
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    return figure


def _scale(axes: Axes, least: float, most: float) -> None:
    """Scale sizes that lie far apart logarithmically, with as many numbers as there is room for."""
    decades = math.log10(most / least) if least else 0
    if decades < 1:
        axes.xaxis.set_major_locator(few_ticks(5, integer=True))
        return
    axes.set_xscale("log")
    subs = (1, 2, 5) if decades < 2 else (1, 3) if decades < 3 else (1,)
    axes.xaxis.set_major_locator(LogLocator(10, subs=subs, numticks=8 if decades < 4 else 5))
    axes.xaxis.set_minor_formatter(NullFormatter())
