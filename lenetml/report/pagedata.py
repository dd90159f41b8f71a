"""What the script of a report works with: axes, trials, their curves and their words, as JSON.

Everything that is drawn is placed and written here; the script shows, sorts and selects it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from lenetml.record import Record, TrialRecord
from lenetml.report.axes import Axis, make_axes, place_trials
from lenetml.report.figures.pareto import accuracy_of
from lenetml.report.language import Gettext, load_translations
from lenetml.report.markdown import literal, plain
from lenetml.report.phrases import explain, name_status
from lenetml.report.trials import tell_failed_trainings, write_epochs, write_objective
from lenetml.report.words import LOCALES, MISSING, write_count, write_duration
from lenetml.spec.types import Language

MAX_POINTS = 300_000
COSTS = ("parameters", "macs", "seconds")
CURVES = ("loss", "accuracy", "f1")


def page_data(record: Record, languages: Sequence[Language]) -> dict[str, Any]:
    """Gather what the script of a report shows.

    Args:
        record: Everything known of the experiment.
        languages: Of the page.
    """
    axes = make_axes(record)
    places = place_trials(axes, record)
    stride = curve_stride(record.trials)
    return {
        "languages": {name: LOCALES[name].replace("_", "-") for name in languages},
        "words": {name: _words(load_translations(name).gettext) for name in languages},
        "best": record.best.number,
        "direction": record.search.direction,
        "axes": [asdict(axis) for axis in axes],
        "columns": _columns(axes),
        "fronts": {cost: find_front(record, cost) for cost in COSTS},
        "trials": [
            {
                "number": trial.number,
                "status": trial.status,
                "at": at,
                "accuracy": accuracy_of(trial),
                "bestEpoch": trial.best_epoch,
                "costs": {cost: getattr(trial, cost) for cost in COSTS},
                "curves": _thin(trial, stride),
                "cells": {name: _cells(trial, axes, record, name) for name in languages},
                "keys": _keys(trial, at),
            }
            for trial, at in zip(record.trials, places, strict=True)
        ],
    }


def curve_stride(trials: Sequence[TrialRecord]) -> int:
    """Say of how many epochs one is shown, so that long searches do not swell the page: 1 or more.

    The first, the last and the chosen epoch are shown in any case.
    """
    n_points = sum(len(values) for trial in trials for values in trial.history.values())
    return -(-n_points // MAX_POINTS) or 1


def find_front(record: Record, cost: str) -> list[int]:
    """Find the trials that no other one beats in both accuracy and a cost, the cheapest first.

    Completed trials count, and the chosen one; those with several trainings by their mean.

    Args:
        record: Everything known of the experiment.
        cost: `parameters`, `macs` or `seconds`.
    """
    rivals = [
        (getattr(trial, cost), -accuracy, trial.number)
        for trial in record.trials
        if trial.status == "completed" or trial.number == record.best.number
        if (accuracy := accuracy_of(trial)) is not None
    ]
    front: list[tuple[float, float, int]] = []
    for rival in sorted(rivals):
        if not front or rival[1] < front[-1][1]:
            front.append(rival)
    return [number for *_, number in front]


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


def _keys(trial: TrialRecord, at: Sequence[float | None]) -> list[float | None]:
    """What each column is sorted by; texts are sorted as they are shown."""
    seconds = trial.seconds or None
    numbers = [trial.objective, trial.best_epoch, trial.epochs, trial.parameters, seconds]
    return [trial.number, None, *at[:-1], *numbers, None]


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
