"""Importance of hyperparameters: what a forest finds again of what was put in."""

from __future__ import annotations

import math
import random
from types import SimpleNamespace
from typing import Any

import pytest

from lenetml.search.importance import find_importance

NAMES = ["rate", "kind", "width", "noise", "one"]


def trials_of(n: int, seed: int = 3) -> list[Any]:
    """Trials by a rule: the rate decides most, the kind less, width and noise nothing."""
    chance = random.Random(seed)
    trials = []
    for _ in range(n):
        rate, kind = 10 ** chance.uniform(-4, -1), chance.choice(["relu", "tanh"])
        values = {"rate": rate, "kind": kind, "noise": chance.random(), "one": [1, 2]}
        if chance.random() < 0.5:
            values["width"] = chance.choice([96, 120])
        bonus = 0.05 if kind == "relu" else 0
        objective = 0.9 - 0.1 * (math.log10(rate) + 2.5) ** 2 + bonus + chance.gauss(0, 0.01)
        trials.append(SimpleNamespace(status="completed", values=values, objective=objective))
    return trials


def test_what_decides_the_objective_is_found_again() -> None:
    found = find_importance(NAMES, trials_of(60), seed=5)
    assert found is not None
    assert (found.trials, found.repeats) == (60, 5)
    drops = {each.name: each.drop for each in found.hyperparameters}
    assert found.r2 > 0.6
    assert drops["rate"] > 0.5 > drops["kind"] > 0.1
    assert abs(drops["noise"]) < 0.05
    assert abs(drops["width"]) < 0.05
    assert drops["one"] == 0
    for each in found.hyperparameters:
        assert each.low <= each.drop <= each.high


def test_the_same_seed_gives_the_same_and_failed_trials_do_not_count() -> None:
    failed = SimpleNamespace(status="failed", values={"rate": 0.1}, objective=None)
    first = find_importance(NAMES[:2], trials_of(30), seed=9)
    assert first == find_importance(NAMES[:2], [failed, *trials_of(30)], seed=9)
    assert first is not None and first.trials == 30


def test_of_thousands_of_trials_a_part_is_enough() -> None:
    found = find_importance(NAMES[:2], trials_of(3000), seed=9)
    assert found is not None and found.trials == 500


def test_noise_alone_predicts_nothing() -> None:
    chance = random.Random(1)
    trials = [
        SimpleNamespace(status="completed", values={"x": i}, objective=chance.random())
        for i in range(40)
    ]
    found = find_importance(["x"], trials, seed=1)
    assert found is not None and found.r2 < 0


@pytest.mark.parametrize("trials", [trials_of(29), [trials_of(1)[0]] * 40])
def test_too_few_trials_or_all_alike_have_none(trials: list[Any]) -> None:
    assert find_importance(NAMES, trials, seed=1) is None
