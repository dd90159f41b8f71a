"""Correlations and the expected best of fewer trials, against SciPy and all orders."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from scipy.stats import kruskal, spearmanr

from lenetml.record import Hyperparameter, Record
from lenetml.report.relations import expect_best, find_relations

RECORD = Record.model_validate_json(
    (Path(__file__).parent / "cases" / "record-more.json").read_bytes()
)
RATES = [0.1, 0.01, 0.001, 0.01, 0.3, 0.0001]
KINDS = ["a", "b", "a", "c", "b", "a"]
OBJECTIVES = [0.5, 0.9, 0.8, 0.9, 0.1, 0.7]


def search_of(
    values: list[dict[str, Any]], objectives: list[float | None], **search: Any
) -> Record:
    """A record whose trials have these values and objectives; None: the trial failed."""
    trials = [
        RECORD.trials[0].model_copy(
            update={
                "number": number,
                "values": each,
                "objective": objective,
                "status": "failed" if objective is None else "completed",
            }
        )
        for number, (each, objective) in enumerate(zip(values, objectives, strict=True), start=1)
    ]
    names = dict.fromkeys(name for each in values for name in each)
    space = [Hyperparameter(name=name, values=[1, 2]) for name in names]
    changes = {"search": RECORD.search.model_copy(update={"space": space, **search})}
    return RECORD.model_copy(update=changes | {"trials": trials})


def test_numbers_have_spearmans_correlation_and_categories_a_share() -> None:
    values = [{"rate": rate, "kind": kind} for rate, kind in zip(RATES, KINDS, strict=True)]
    found = {each.name: each for each in find_relations(search_of(values, OBJECTIVES))}
    rho = spearmanr(RATES, OBJECTIVES).statistic
    assert found["rate"].spearman == pytest.approx(rho, abs=1e-12)
    assert found["rate"].share == pytest.approx(rho**2, abs=1e-12)
    groups = [
        [objective for kind, objective in zip(KINDS, OBJECTIVES, strict=True) if kind == name]
        for name in "abc"
    ]
    # Kruskal and Wallis's H is the explained share of the ranks' variance times n - 1.
    assert found["kind"].share == pytest.approx(kruskal(*groups).statistic / 5, abs=1e-12)
    assert found["kind"].spearman is None


def test_the_strongest_comes_first_and_what_says_nothing_last() -> None:
    values = [
        {"one": 1, "rate": rate, "unique": str(rate), "flat": rate > 1} for rate in RATES[:3]
    ] + [{"one": 1, "rate": 0.2}]
    found = find_relations(search_of(values, [0.1, 0.2, 0.3, 0.15]))
    assert [(each.name, each.n, each.share is None) for each in found] == [
        ("rate", 4, False), ("one", 4, True), ("unique", 3, True), ("flat", 3, True),
    ]  # fmt: skip


def test_failed_trials_are_not_correlated() -> None:
    values = [{"rate": rate} for rate in RATES]
    found = find_relations(search_of(values, [None, *OBJECTIVES[1:]]))
    assert found[0].n == 5


@pytest.mark.parametrize(("direction", "best"), [("max", max), ("min", min)])
def test_the_expected_best_is_the_mean_over_all_orders(direction: str, best: Any) -> None:
    record = search_of([{"rate": rate} for rate in RATES], OBJECTIVES, direction=direction)
    orders = list(permutations(OBJECTIVES))
    found = expect_best(record)
    assert [each.n for each in found] == [1, 2, 4, 6]
    for each in found:
        wanted = fmean(best(order[: each.n]) for order in orders)
        assert each.objective == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("n", [2, 3, 64, 300])
def test_the_last_step_is_the_best_that_was_found(n: int) -> None:
    objectives = [(7 * i % n) / n for i in range(n)]
    found = expect_best(search_of([{"rate": 0.1}] * n, list(objectives)))
    assert (found[-1].n, found[-1].objective) == (n, max(objectives))
    assert found[0].objective == pytest.approx(fmean(objectives), rel=1e-12)
    assert [each.objective for each in found] == sorted(each.objective for each in found)


def test_nothing_is_expected_where_trials_were_not_drawn_at_random() -> None:
    values, objectives = [{"rate": rate} for rate in RATES], list(OBJECTIVES)
    assert expect_best(search_of(values, objectives, strategy="bayesian")) == []
    assert expect_best(search_of(values[:1], objectives[:1])) == []
    record = search_of(values, objectives)
    screened = {"search": {"strategy": "random", "screening": {"epochs": 1, "keep": 2}}}
    assert expect_best(record.model_copy(update={"spec": record.spec | screened})) == []
