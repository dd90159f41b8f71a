"""What the script of a report works with: axes, trials, their curves and their words, as JSON.

Everything that is drawn is placed and written here; the script shows, sorts and selects it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lenetml.record import Record, TrialRecord
from lenetml.report.axes import Axis, make_axes, place_trials
from lenetml.report.figures.pareto import accuracy_of, pareto_front, priced_trials
from lenetml.report.language import Gettext, load_translations
from lenetml.report.markdown import literal, plain
from lenetml.report.phrases import explain, name_status
from lenetml.report.trials import tell_failed_trainings, write_epochs, write_objective
from lenetml.report.words import LOCALES, MISSING, write_count, write_duration
from lenetml.spec.types import Language

MAX_POINTS = 300_000
COSTS = ("parameters", "macs", "seconds")
CURVES = ("loss", "accuracy", "f1")


@dataclass(frozen=True)
class Curves:
    """The curves of all trials, as far as a page has room for them.

    Args:
        trials: Of each trial in turn, the epochs that are shown and the values there.
        stride: Of how many epochs one is shown.
        is_whole: Whether every trial with curves has them here.
    """

    trials: Sequence[dict[str, Any]]
    stride: int
    is_whole: bool = True


def page_data(record: Record, languages: Sequence[Language]) -> dict[str, Any]:
    """Gather what the script of a report shows, without the curves of the trials.

    Args:
        record: Everything known of the experiment.
        languages: Of the page.
    """
    axes = make_axes(record)
    places = place_trials(axes, record)
    return {
        "languages": {name: LOCALES[name].replace("_", "-") for name in languages},
        "words": {name: _words(load_translations(name).gettext) for name in languages},
        "best": record.best.number,
        "direction": record.search.direction,
        "axes": [asdict(axis) for axis in axes],
        "columns": _columns(axes),
        "fronts": {
            cost: [each.number for each in pareto_front(priced_trials(record, cost))]
            for cost in COSTS
        },
        "trials": [
            {
                "number": trial.number,
                "status": trial.status,
                "at": at,
                "accuracy": accuracy_of(trial),
                "bestEpoch": trial.best_epoch,
                "objective": trial.objective,
                "epochs": trial.epochs,
                "costs": {cost: _shorten(getattr(trial, cost)) for cost in COSTS},
                "cells": {name: _cells(trial, axes, record, name) for name in languages},
            }
            for trial, at in zip(record.trials, places, strict=True)
        ],
    }


def fit_curves(record: Record, room: int) -> Curves:
    """Choose the epochs that are shown, so that long searches do not swell the page.

    Of each curve the first, the last and the chosen epoch are shown in any case; where even they
    do not fit, the best trials alone have curves.

    Args:
        record: Everything known of the experiment.
        room: How many bytes there are for them.
    """
    n_epochs = max(
        (len(each) for trial in record.trials for each in trial.history.values()), default=0
    )
    n_points = sum(len(values) for trial in record.trials for values in trial.history.values())
    stride = -(-n_points // MAX_POINTS) or 1
    while sum(map(size_of, curves := [_thin(trial, stride) for trial in record.trials])) > room:
        if stride >= n_epochs:
            return _keep_best(record, curves, stride, room)
        stride *= 2
    return Curves(curves, stride)


def size_of(value: Any) -> int:
    """Give the bytes of a value as JSON, with a comma behind it."""
    return len(write_json(value).encode()) + 1


def write_json(value: Any) -> str:
    """Write JSON that no `</script>` or `<!--` inside it can end."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _keep_best(record: Record, curves: Sequence[dict[str, Any]], stride: int, room: int) -> Curves:
    sign = -1 if record.search.direction == "max" else 1
    kept: list[dict[str, Any]] = [{"epochs": []} for _ in curves]
    room -= sum(map(size_of, kept))
    places = (place for place, trial in enumerate(record.trials) if trial.objective is not None)
    for place in sorted(places, key=lambda it: sign * (record.trials[it].objective or 0.0)):
        room -= size_of(curves[place])
        if room < 0:
            break
        kept[place] = curves[place]
    return Curves(kept, stride, is_whole=False)


def _columns(axes: Sequence[Axis]) -> list[str]:
    """The kinds of the table's columns in turn: how each is sorted and set."""
    return ["number", "text", *("code" for _ in axes[:-1]), *("number",) * 5, "text"]


def _cells(
    trial: TrialRecord, axes: Sequence[Axis], record: Record, language: Language
) -> list[str]:
    _ = load_translations(language).gettext
    values = (trial.values.get(axis.name) for axis in axes[:-1])
    return [
        write_count(trial.number, language),
        name_status(trial.status, _),
        *(MISSING if value is None else plain(literal(value)) for value in values),
        write_objective(trial, language),
        write_count(trial.best_epoch, language),
        write_epochs(trial, language, _),
        write_count(trial.parameters, language),
        write_duration(trial.seconds or None, language),
        _note(trial, record, language, _),
    ]


def _note(trial: TrialRecord, record: Record, language: Language, _: Gettext) -> str:
    notes = [
        _("chosen") if trial.number == record.best.number else None,
        _("not distinguishable from guessing") if trial.guessing else None,
        explain(trial.reason, _, write=plain) if trial.reason else None,
        tell_failed_trainings(trial, language, _),
    ]
    return "; ".join(note for note in notes if note)


def _thin(trial: TrialRecord, stride: int) -> dict[str, Any]:
    """The curves of a trial on training and validation, at the epochs that are shown."""
    n_epochs = max(map(len, trial.history.values()), default=0)
    shown = {*range(1, n_epochs + 1, stride), n_epochs, trial.best_epoch or n_epochs}
    epochs = sorted(epoch for epoch in shown if 1 <= epoch <= n_epochs)
    names = [name for each in CURVES for name in (each, f"val_{each}") if name in trial.history]
    return {"epochs": epochs} | {name: _pick(trial.history[name], epochs) for name in names}


def _pick(values: Sequence[float], epochs: Sequence[int]) -> list[float]:
    return [float(f"{values[epoch - 1]:.4g}") for epoch in epochs if epoch <= len(values)]


def _shorten(number: float) -> float:
    return float(f"{number:.4g}") if isinstance(number, float) else number


def _words(_: Gettext) -> Mapping[str, str]:
    """The words that the script itself writes."""
    return {
        "absent": _("does not exist"),
        "noResult": _("no result"),
        "lower": _("%(name)s: lower end of the selection"),
        "upper": _("%(name)s: upper end of the selection"),
        "selected": _("Selected trials: %(n)s of %(all)s"),
        "showCurves": _("Curves of trial %(n)s"),
        "trial": _("Trial %(n)s"),
        "epoch": _("Epoch"),
        "loss": _("Loss"),
        "accuracy": _("Accuracy"),
        "f1": _("F1 score"),
        "training": _("training"),
        "validation": _("validation"),
        "chosenEpoch": _("chosen epoch: %(epoch)s"),
        "noCurves": _("No trial with curves is ticked in the table."),
        "valAccuracy": _("Validation accuracy"),
        "parameters": _("Parameters"),
        "macs": _("Multiply-accumulates"),
        "seconds": _("Time in seconds"),
        "front": _("Pareto front (trials): %(numbers)s."),
        "chosen": _("chosen"),
    }
