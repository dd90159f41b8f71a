"""The chosen trial beside the others, on the same validation images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

from lenetml.errors import FolderError
from lenetml.record import Record, TrialRecord
from lenetml.search.rivals import compare_rivals
from lenetml.trial.evaluate import pack_predictions

RECORD = Record.model_validate_json((Path(__file__).parent / "cases" / "record.json").read_bytes())
LABELS = np.zeros(100, np.int64)


def trial(number: int, objective: float, status: str = "completed") -> TrialRecord:
    changes = {"number": number, "objective": objective, "status": status}
    return RECORD.trials[0].model_copy(update=changes)


@pytest.fixture
def keep(tmp_path):
    """Keeps predictions of a trial that gets all images right but these."""

    def file_of(kind: str, number: int) -> Path:
        return tmp_path / f"{kind}-{number}.npz"

    def keep_trial(number: int, wrong: range) -> None:
        probabilities = np.tile(np.array([0.9, 0.1], np.float32), (100, 1))
        probabilities[list(wrong)] = [0.2, 0.8]
        file_of("predictions", number).write_bytes(pack_predictions(LABELS, probabilities))

    keep_trial.file_of = file_of
    return keep_trial


def test_the_next_in_rank_is_the_runner_up_and_every_other_is_tested(keep) -> None:
    for number, wrong in ((1, range(40)), (2, range(5, 9)), (3, range(3)), (4, range(8))):
        keep(number, wrong)
    trials = [trial(1, 0.6), trial(2, 0.96), trial(3, 0.97), trial(4, 0.92)]
    found = compare_rivals(trials[2], trials, "max", LABELS, keep.file_of)
    assert found is not None
    # Trial 2 fails on four others than the three of the winner.
    assert found.runner_up == 2
    assert found.mcnemar.model_dump() == {
        "only_this_correct": 4,
        "only_other_correct": 3,
        "p_value": pytest.approx(binomtest(3, 7).pvalue, abs=1e-12),
    }
    # Of the winner's 97, trial 4 misses 5 more (p = 0.0625) and trial 1 misses 37 more.
    assert (found.compared, found.indistinguishable) == (3, 2)


def test_less_is_better_where_it_is_asked_for(keep) -> None:
    for number in (1, 2, 3):
        keep(number, range(number))
    trials = [trial(1, 0.1), trial(2, 0.3), trial(3, 0.2)]
    found = compare_rivals(trials[0], trials, "min", LABELS, keep.file_of)
    assert found is not None and found.runner_up == 3


def test_a_winner_by_another_rule_has_the_best_of_the_search_beside_it(keep) -> None:
    keep(1, range(2))
    keep(2, range(1))
    found = compare_rivals(
        trial(1, 0.98), [trial(1, 0.98), trial(2, 0.99)], "max", LABELS, keep.file_of
    )
    assert found is not None
    assert (found.runner_up, found.mcnemar.only_other_correct) == (2, 1)


@pytest.mark.parametrize("status", ["failed", "stopped", "interrupted"])
def test_what_was_not_completed_is_no_rival(keep, status: str) -> None:
    trials = [trial(1, 0.9), trial(2, 0.8, status)]
    assert compare_rivals(trials[0], trials, "max", LABELS, keep.file_of) is None
    assert compare_rivals(trials[1], trials, "max", LABELS, keep.file_of) is None


def test_predictions_that_are_gone_are_named(keep) -> None:
    keep(1, range(1))
    with pytest.raises(FolderError, match=r"predictions-2\.npz is gone"):
        compare_rivals(trial(1, 0.9), [trial(1, 0.9), trial(2, 0.8)], "max", LABELS, keep.file_of)
