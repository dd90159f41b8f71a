"""Several runs side by side: what their records allow to say, and what they do not.

Accuracies are compared image by image where the images are the same, specs by the means over at
least five seeds of each, and energies only where nothing but the spec can have made a difference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

from lenetml.record import McNemar, MeanDifference, Record
from lenetml.report.differences import (
    Differences,
    energy_differences,
    host_differences,
    spec_differences,
)
from lenetml.report.spread import Spread, spread_of

LEAST_SEEDS = 5  # of each spec, to compare their means


@dataclass(frozen=True)
class ComparedRun:
    """A finished run: its folder, as given, and its record."""

    folder: Path
    record: Record

    @property
    def seed_accuracies(self) -> list[float]:
        """The test accuracies under other seeds."""
        return [seed.test.accuracy for seed in self.record.seeds if seed.test]

    @property
    def spread(self) -> Spread:
        """What the test accuracies under other seeds have in common."""
        return spread_of(self.seed_accuracies)


@dataclass(frozen=True)
class Paired:
    """What two runs that were evaluated on the same images say together.

    Args:
        mcnemar: `this` is the first run, `other` the second; None: it cannot be said.
        n_undecided: Images whose kept predictions do not tell whether they are right.
        means: Over the seeds of both; None: there are too few.
    """

    mcnemar: McNemar | None
    n_undecided: int = 0
    means: MeanDifference | None = None


@dataclass(frozen=True)
class Pair:
    """What can be said of two runs.

    Args:
        first: Its place among the runs.
        second: Likewise; later than the first.
        same_images: Whether both were evaluated on the same test set; None: not both were.
        difference_pp: The first test accuracy less the second, in percentage points.
        paired: Where the images are the same.
        p_holm: The p-value, corrected by Holm for all pairs tested; None: it is the only one.
    """

    first: int
    second: int
    same_images: bool | None
    difference_pp: float | None = None
    paired: Paired | None = None
    p_holm: float | None = None

    @property
    def mcnemar(self) -> McNemar | None:
        """The test of the two networks, where there is one."""
        return self.paired.mcnemar if self.paired else None

    @property
    def means(self) -> MeanDifference | None:
        """The comparison of the two specs, where there is one."""
        return self.paired.means if self.paired else None


@dataclass(frozen=True)
class Comparison:
    """Several runs side by side.

    Args:
        runs: In the order given.
        pairs: Every two of them.
        selected: By hyperparameter, the winners' values; None where one does not have it.
        spec_differences: By dotted path, the values in the canonical specs.
        host_differences: What forbids to compare times, likewise.
        energy_differences: What forbids to compare energies, likewise.
    """

    runs: Sequence[ComparedRun]
    pairs: Sequence[Pair]
    selected: Differences
    spec_differences: Differences
    host_differences: Differences
    energy_differences: Differences

    @property
    def compares_energy(self) -> bool:
        """Whether there are energies that may stand side by side."""
        n_known = sum(run.record.energy is not None for run in self.runs)
        return n_known > 1 and not self.energy_differences


def compare_runs(runs: Sequence[ComparedRun], pair: Callable[[int, int], Paired]) -> Comparison:
    """Compare runs.

    Args:
        runs: At least two.
        pair: Compares two runs, given by their places, that were evaluated on the same images.
    """
    records = [run.record for run in runs]
    names = dict.fromkeys(name for record in records for name in record.best.values)
    pairs = [_pair(runs, *places, pair) for places in combinations(range(len(runs)), 2)]
    return Comparison(
        runs=runs,
        pairs=_with_holm(pairs),
        selected={name: [record.best.values.get(name) for record in records] for name in names},
        spec_differences=spec_differences(records),
        host_differences=host_differences(records),
        energy_differences=energy_differences(records),
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p-values for their number, by Holm's step-down; in the same order."""
    corrected, highest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        corrected[place] = highest
    return corrected


def comparison_document(comparison: Comparison) -> dict[str, Any]:
    """A comparison as JSON has it; energies that cannot be compared are left out."""
    return {
        "runs": [_run_document(run, comparison.compares_energy) for run in comparison.runs],
        "pairs": [_pair_document(pair, comparison.runs) for pair in comparison.pairs],
        "selected": comparison.selected,
        "spec_differences": comparison.spec_differences,
        "host_differences": comparison.host_differences,
        "energy_differences": comparison.energy_differences,
    }


def _pair(
    runs: Sequence[ComparedRun], first: int, second: int, pair: Callable[[int, int], Paired]
) -> Pair:
    this, other = runs[first], runs[second]
    tests = this.record.test, other.record.test
    if tests[0] is None or tests[1] is None:
        return Pair(first, second, same_images=None)
    if this.record.data.test_fingerprint != other.record.data.test_fingerprint:
        return Pair(first, second, same_images=False)
    return Pair(
        first,
        second,
        same_images=True,
        difference_pp=100 * (tests[0].accuracy - tests[1].accuracy),
        paired=pair(first, second),
    )


def _with_holm(pairs: Sequence[Pair]) -> list[Pair]:
    tested = [(pair, pair.mcnemar.p_value) for pair in pairs if pair.mcnemar]
    if len(tested) < 2:
        return list(pairs)
    corrected = iter(holm([p_value for _, p_value in tested]))
    return [replace(pair, p_holm=next(corrected)) if pair.mcnemar else pair for pair in pairs]


def _run_document(run: ComparedRun, compares_energy: bool) -> dict[str, Any]:
    record, spread = run.record, run.spread
    energy = record.energy.model_dump() if record.energy and compares_energy else None
    return {
        "folder": str(run.folder),
        "name": record.name,
        "spec_sha256": record.spec_sha256,
        "data_fingerprint": record.data.fingerprint,
        "test_fingerprint": record.data.test_fingerprint,
        "test": record.test and record.test.model_dump(exclude={"per_class", "confusion"}),
        "test_reason": record.test_reason,
        "val": record.best.val.model_dump(),
        "selected_from": record.best.selected_from.model_dump(),
        "seeds": vars(spread),
        "parameters": record.best.parameters,
        "macs": record.best.macs,
        "model_bytes": record.best.model_bytes,
        "trials": len(record.trials),
        "cost": record.cost.model_dump(),
        "energy": energy,
        "energy_reason": record.energy_reason,
    }


def _pair_document(pair: Pair, runs: Sequence[ComparedRun]) -> dict[str, Any]:
    mcnemar, means = pair.mcnemar, pair.means
    return {
        "first": str(runs[pair.first].folder),
        "second": str(runs[pair.second].folder),
        "same_images": pair.same_images,
        "difference_pp": pair.difference_pp,
        "mcnemar": mcnemar
        and {
            "only_first_correct": mcnemar.only_this_correct,
            "only_second_correct": mcnemar.only_other_correct,
            "p_value": mcnemar.p_value,
            "p_value_holm": pair.p_holm,
        },
        "undecided_images": pair.paired.n_undecided if pair.paired else None,
        "means": means
        and {
            "n_first": means.n_this,
            "n_second": means.n_other,
            "difference_pp": means.difference_pp,
            "interval_pp": means.interval_pp,
        },
    }
