"""Which trial wins: orders and rules, checked by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lenetml.record import read_record
from lenetml.search.selection import (
    best_confirmed,
    candidates,
    ranked,
    smallest_within_one_standard_error,
)

TRIAL = read_record(Path(__file__).parent / "cases").trials[0]


def trial(number, objective, parameters=100, status="completed"):
    changes = {"number": number, "objective": objective, "parameters": parameters}
    return TRIAL.model_copy(update={**changes, "status": status})


def numbers(trials):
    return [trial.number for trial in trials]


def test_ranks():
    trials = [trial(1, 0.7), trial(2, 0.9), trial(3, None, status="failed"), trial(4, 0.8)]
    assert numbers(ranked(trials, "max")) == [2, 4, 1]
    assert numbers(ranked(trials, "min")) == [1, 4, 2]


@pytest.mark.parametrize("direction", ["max", "min"])
def test_ties_go_to_the_smaller_then_to_the_earlier(direction):
    trials = [trial(1, 0.9, 300), trial(3, 0.9, 200), trial(2, 0.9, 200)]
    assert numbers(ranked(trials, direction)) == [2, 3, 1]


def test_a_stopped_trial_can_win_only_where_none_was_completed():
    stopped, completed, failed = (
        trial(1, 0.9, status="stopped"), trial(2, 0.5), trial(3, None, status="failed"),
    )  # fmt: skip
    assert candidates([stopped, completed, failed], "max") == [completed]
    assert candidates([failed, stopped], "max") == [stopped]
    assert candidates([failed], "max") == []


def right(n, *wrong):
    """Whether each of so many images was classified right."""
    return np.array([image not in wrong for image in range(n)])


def chosen(predictions, parameters):
    trials = [trial(number, 0.9, parameters[number]) for number in predictions]
    rule = smallest_within_one_standard_error
    return rule(trials, lambda trial: predictions[trial.number]).number


# Of 100 images the other misses k that the best has right, and has m right that the best misses:
# the mean of the differences is (k - m) / 100, their variance (k + m) / 100 - mean ** 2.
@pytest.mark.parametrize(
    ("k", "m", "is_within"),
    [
        (0, 0, True),  # equal: 0 <= 0
        (1, 0, False),  # 0.01 > sqrt(0.01 - 0.0001) / 10 = 0.00995
        (2, 1, True),  # 0.01 <= sqrt(0.03 - 0.0001) / 10 = 0.0173
        (3, 1, False),  # 0.02 > sqrt(0.04 - 0.0004) / 10 = 0.0199
        (3, 2, True),  # 0.01 <= sqrt(0.05 - 0.0001) / 10 = 0.0223
        (10, 6, False),  # 0.04 > sqrt(0.16 - 0.0016) / 10 = 0.0398
        (10, 7, True),  # 0.03 <= sqrt(0.17 - 0.0009) / 10 = 0.0411
        (0, 3, True),  # it is better
    ],
)
def test_one_standard_error_of_the_paired_difference(k, m, is_within):
    best = right(100, *range(50, 50 + m))
    other = right(100, *range(k))
    assert chosen({1: best, 2: other}, {1: 200, 2: 100}) == (2 if is_within else 1)


def test_of_those_within_the_smallest_wins_and_ties_go_to_the_better():
    predictions = {1: right(100), 2: right(100), 3: right(100), 4: right(100, *range(30))}
    assert chosen(predictions, {1: 300, 2: 200, 3: 200, 4: 100}) == 2


def test_the_best_itself_may_be_the_smallest():
    assert chosen({1: right(10), 2: right(10)}, {1: 100, 2: 200}) == 1


@pytest.mark.parametrize(("direction", "winner"), [("max", 2), ("min", 1)])
def test_the_best_mean_under_further_seeds(direction, winner):
    trials = [trial(1, 0.99), trial(2, 0.9), trial(3, 0.8)]
    objectives = {1: [0.5, 0.6], 2: [0.9, 0.7], 3: [0.95, 0.6]}
    assert best_confirmed(trials, objectives, direction).number == winner


@pytest.mark.parametrize("direction", ["max", "min"])
def test_who_failed_least_is_confirmed_first(direction):
    trials = [trial(1, 0.99), trial(2, 0.9), trial(3, 0.8)]
    objectives = {1: [None, None], 2: [0.9, None], 3: [0.5, 0.5]}
    assert best_confirmed(trials, objectives, direction).number == 3
    assert best_confirmed(trials[:2], objectives, direction).number == 2
    assert best_confirmed(trials[:1], objectives, direction) is None


def test_equal_means_go_to_the_smaller_then_to_the_earlier():
    objectives = {1: [0.5], 2: [0.5], 3: [0.5]}
    trials = [trial(1, 0.9, 300), trial(3, 0.8, 200), trial(2, 0.7, 200)]
    assert best_confirmed(trials, objectives, "max").number == 2
