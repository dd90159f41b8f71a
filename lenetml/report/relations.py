"""What the trials of a search say together: correlations, and the best of fewer trials."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from lenetml.record import Record, TrialRecord

LEAST_TRIALS = 10


@dataclass(frozen=True)
class Relation:
    """How a hyperparameter goes together with the objective, over the trials that have it.

    Args:
        name: Of the hyperparameter.
        n: How many trials those are.
        spearman: Rank correlation, from -1 to 1; None for categories.
        share: Of the variance of the objective's ranks, less what chance explains, from 0 to 1;
            None: too few trials, or one of the two never varies.
    """

    name: str
    n: int
    spearman: float | None = None
    share: float | None = None


@dataclass(frozen=True)
class ExpectedBest:
    """The best objective that so many trials, drawn from those that ran, have on average."""

    n: int
    objective: float


def find_relations(record: Record) -> list[Relation]:
    """Relate every hyperparameter with the objective over completed trials, strongest first."""
    done = completed(record)
    relations = []
    for each in record.search.space:
        having = [trial for trial in done if trial.values.get(each.name) is not None]
        values = [trial.values[each.name] for trial in having]
        relations.append(_relate(each.name, values, [_objective(trial) for trial in having]))
    return sorted(relations, key=lambda relation: -(relation.share or 0))


def expect_best(record: Record) -> list[ExpectedBest]:
    """Expect the best of fewer trials; empty where the trials were not drawn at random.

    It is the exact mean over all orders of the completed trials (after Dodge and others, Show
    Your Work, 2019, who draw with replacement; so it ends at the best trial that was found).
    """
    is_screened = (record.spec.get("search") or {}).get("screening") is not None
    results = sorted(
        (_objective(trial) for trial in completed(record)),
        reverse=record.search.direction == "min",
    )
    if record.search.strategy != "random" or is_screened or len(results) < 2:
        return []
    n = len(results)
    steps = [2**power for power in range(n.bit_length()) if 2**power < n]
    return [ExpectedBest(k, _mean_best(results, k)) for k in (*steps, n)]


def completed(record: Record) -> list[TrialRecord]:
    """The trials that ran to their end."""
    return [trial for trial in record.trials if trial.status == "completed"]


def _mean_best(results: Sequence[float], k: int) -> float:
    """The mean best of k results; `results` from the worst to the best."""
    # The i-th (from 0) is the best of k where the others are among the i before it: a share of
    # comb(i, k - 1) / comb(n, k) of all draws, here from one i to the next.
    mean, weight = 0.0, k / len(results)
    for i in range(len(results) - 1, k - 2, -1):
        mean += weight * results[i]
        weight *= (i - k + 1) / max(i, 1)
    return mean


def _relate(name: str, values: Sequence[Any], objectives: Sequence[float]) -> Relation:
    n = len(values)
    if n < LEAST_TRIALS or len(set(objectives)) == 1:
        return Relation(name, n)
    written = [json.dumps(value) for value in values]
    if len(set(written)) == 1:
        return Relation(name, n)
    ranks = _rank(objectives)
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        correlation = statistics.correlation(_rank(values), ranks)
        return Relation(name, n, correlation, _less_chance(correlation**2, n, 2))
    n_kinds = len(set(written))
    # Where every trial has a category of its own, categories explain everything and say nothing.
    if n_kinds == n:
        return Relation(name, n)
    return Relation(name, n, share=_less_chance(_explained(written, ranks), n, n_kinds))


def _less_chance(share: float, n: int, n_means: int) -> float:
    """What is left of an explained share: more categories explain more by chance alone."""
    return max(0.0, 1 - (1 - share) * (n - 1) / (n - n_means))


def _explained(kinds: Sequence[str], ranks: Sequence[float]) -> float:
    """The share of the ranks' variance between the kinds: eta squared."""
    middle = statistics.fmean(ranks)
    pairs = sorted(zip(kinds, ranks, strict=True))
    groups = [[rank for _, rank in group] for _, group in groupby(pairs, key=lambda pair: pair[0])]
    between = sum(len(group) * (statistics.fmean(group) - middle) ** 2 for group in groups)
    return between / sum((rank - middle) ** 2 for rank in ranks)


def _rank(values: Sequence[float]) -> list[float]:
    """Ranks from 1; equal values share the mean of theirs."""
    ordered = sorted(values)
    first = {value: place for place, value in reversed(list(enumerate(ordered, start=1)))}
    last = {value: place for place, value in enumerate(ordered, start=1)}
    return [(first[value] + last[value]) / 2 for value in values]


def _objective(trial: TrialRecord) -> float:
    assert trial.objective is not None
    return trial.objective
