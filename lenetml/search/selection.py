"""Which trial wins, on validation alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from lenetml.record import TrialRecord
from lenetml.search.asks import Direction, cost_of


def ranked(trials: Sequence[TrialRecord], direction: Direction) -> list[TrialRecord]:
    """The trials with a result, best first; ties go to fewer parameters, then to the earlier."""

    def rank(trial: TrialRecord) -> tuple[float, int, int]:
        assert trial.objective is not None
        return cost_of(trial.objective, direction), trial.parameters, trial.number

    return sorted((trial for trial in trials if trial.objective is not None), key=rank)


def candidates(trials: Sequence[TrialRecord], direction: Direction) -> list[TrialRecord]:
    """The trials that can win, best first: completed ones, or where there is none, stopped ones."""
    in_order = ranked(trials, direction)
    return [trial for trial in in_order if trial.status == "completed"] or in_order


def smallest_within_one_standard_error(
    trials: Sequence[TrialRecord], is_right: Callable[[TrialRecord], NDArray[np.bool_]]
) -> TrialRecord:
    """The smallest network that cannot be told from the best by more than one standard error.

    The error is that of the mean difference between the best trial's and the other's share of
    images classified right, image by image. (Breiman and others, Classification and Regression
    Trees, 1984, section 3.4.3, give the rule for cross-validation.)

    Args:
        trials: Candidates, best first.
        is_right: Whether a trial classified each image of validation right, bool, shape `(n,)`.
    """
    best = is_right(trials[0]).astype(float)

    def is_within(trial: TrialRecord) -> bool:
        difference = best - is_right(trial)
        return float(difference.mean()) <= float(difference.std()) / math.sqrt(len(difference))

    within = [trial for trial in trials if trial is trials[0] or is_within(trial)]
    return min(within, key=lambda trial: trial.parameters)


def best_confirmed(
    trials: Sequence[TrialRecord],
    objectives: Mapping[int, Sequence[float | None]],
    direction: Direction,
) -> TrialRecord | None:
    """The trial with the best mean under seeds that it was not chosen by.

    One with fewer failed trainings comes first; ties go to fewer parameters, then to the earlier.

    Args:
        trials: The top ones.
        objectives: Of each trial's number, those under its further seeds; None: it failed.
        direction: Whether more or less is better.

    Returns:
        None where every training failed.
    """

    def rank(trial: TrialRecord) -> tuple[int, float, int, int]:
        found = [value for value in objectives[trial.number] if value is not None]
        n_failed = len(objectives[trial.number]) - len(found)
        cost = cost_of(sum(found) / len(found), direction) if found else math.inf
        return n_failed, cost, trial.parameters, trial.number

    best = min(trials, key=rank)
    return None if set(objectives[best.number]) == {None} else best
