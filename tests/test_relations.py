"""Correlations and the expected best of fewer trials, against SciPy and all orders."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from random import Random
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
OBJECTIVES = [0.5, 0.9, 0.8, 0.9, 0.1, 0.7]
MORE_RATES = [*RATES, 0.2, 0.5, 0.002, 0.03]
MORE_OBJECTIVES = [*OBJECTIVES, 0.3, 0.2, 0.85, 0.75]
KINDS = ["a", "b", "a", "c", "b", "a", "b", "b", "c", "a"]


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
    values = [{"rate": rate, "kind": kind} for rate, kind in zip(MORE_RATES, KINDS, strict=True)]
    found = {each.name: each for each in find_relations(search_of(values, MORE_OBJECTIVES))}
    rho = spearmanr(MORE_RATES, MORE_OBJECTIVES).statistic
    assert found["rate"].spearman == pytest.approx(rho, abs=1e-12)
    assert found["rate"].share == pytest.approx(1 - (1 - rho**2) * 9 / 8, abs=1e-12)
    groups = [
        [objective for kind, objective in zip(KINDS, MORE_OBJECTIVES, strict=True) if kind == name]
        for name in "abc"
    ]
    # Kruskal and Wallis's H is the explained share of the ranks' variance times n - 1.
    eta2 = kruskal(*groups).statistic / 9
    assert found["kind"].share == pytest.approx(1 - (1 - eta2) * 9 / 7, abs=1e-12)
    assert found["kind"].spearman is None


def test_by_chance_categories_explain_no_more_than_numbers() -> None:
    draw = Random(1)
    shares: dict[str, list[float]] = {"number": [], "kind": []}
    for _ in range(200):
        values = [{"number": draw.random(), "kind": "abcdef"[i % 6]} for i in range(12)]
        for each in find_relations(search_of(values, [draw.random() for _ in values])):
            assert each.share is not None
            shares[each.name].append(each.share)
    # Without the correction these would be 0.09 and 0.45; the floor at 0 leaves some of it.
    assert fmean(shares["number"]) < 0.08
    assert fmean(shares["kind"]) < 0.2


def test_fewer_than_ten_trials_relate_nothing() -> None:
    values = [{"rate": rate} for rate in MORE_RATES]
    assert find_relations(search_of(values, MORE_OBJECTIVES))[0].share is not None
    few = find_relations(search_of(values[:9], MORE_OBJECTIVES[:9]))[0]
    assert (few.n, few.spearman, few.share) == (9, None, None)


def test_the_strongest_comes_first_and_what_says_nothing_last() -> None:
    values = [{"one": 1, "rate": i / 10, "unique": str(i), "flat": i > 20} for i in range(10)] + [
        {"one": 1, "rate": 0.2}
    ]
    found = find_relations(search_of(values, [i / 100 for i in range(11)]))
    assert [(each.name, each.n, each.share is None) for each in found] == [
        ("rate", 11, False), ("one", 11, True), ("unique", 10, True), ("flat", 10, True),
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
