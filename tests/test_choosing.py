"""The choice of the winner: which network it is, among all that a run trains."""

from __future__ import annotations

from pathlib import Path

import pytest

from lenetml.trial.threads import use_one_thread

use_one_thread()

from lenetml.choosing import chosen_trial, is_same_network  # noqa: E402
from lenetml.record import read_record  # noqa: E402

RECORD = read_record(Path(__file__).parent / "cases")
WINNER = chosen_trial(RECORD)


def test_the_chosen_trial_of_a_record():
    assert (WINNER.number, WINNER.values) == (RECORD.best.number, RECORD.best.values)


@pytest.mark.parametrize(
    ("changes", "is_same"),
    [
        ({}, True),
        # It went on, and found no better epoch.
        ({"epochs": WINNER.epochs + 4, "status": "completed"}, True),
        ({"epochs": WINNER.epochs + 4, "best_epoch": WINNER.epochs + 3}, False),
        ({"number": WINNER.number + 1}, False),
        # Trained more than once, another training may be its best now.
        ({"seed": WINNER.seed + 1}, False),
    ],
)
def test_a_winner_is_the_same_network_as_long_as_its_weights_are(changes, is_same):
    assert is_same_network(RECORD, WINNER.model_copy(update=changes)) is is_same


def test_without_a_record_there_is_no_other_network():
    assert not is_same_network(None, WINNER)
