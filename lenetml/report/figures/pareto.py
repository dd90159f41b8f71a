"""Cost against accuracy: which trials are beaten by none that is as cheap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lenetml.record import Record, TrialRecord


@dataclass(frozen=True)
class Priced:
    """A completed trial: its number, what it costs and its accuracy on validation."""

    number: int
    cost: float
    accuracy: float


def priced_trials(record: Record, cost: str = "parameters") -> list[Priced]:
    """Give the completed trials, and the chosen one; the mean of several trainings.

    Args:
        record: Everything known of the experiment.
        cost: `parameters`, `macs` or `seconds`.
    """
    return [
        Priced(trial.number, getattr(trial, cost), accuracy)
        for trial in record.trials
        if trial.status == "completed" or trial.number == record.best.number
        if (accuracy := accuracy_of(trial)) is not None
    ]


def pareto_front(trials: Sequence[Priced]) -> list[Priced]:
    """Give the trials that no other one beats: at most as costly and at least as accurate.

    Returns:
        From the cheapest to the dearest. Of trials that are alike, the earliest.
    """
    front: list[Priced] = []
    in_order = sorted(trials, key=lambda it: (it.cost, -it.accuracy, it.number))
    for trial in in_order:
        if not front or trial.accuracy > front[-1].accuracy:
            front.append(trial)
    return front


def accuracy_of(trial: TrialRecord) -> float | None:
    """The accuracy that the search knows a trial by: the mean where it has several trainings."""
    if not trial.executions:
        return trial.val.accuracy if trial.val else None
    known = [each.val.accuracy for each in trial.executions if each.val]
    return sum(known) / len(known) if known else None
