"""The choice of the winner: which network it is, among all that a run trains."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from scripted import ScriptedWorkers
from searches import data_of, search, spec_of

from lenetml.trial.threads import use_one_thread

use_one_thread()

from lenetml.choosing import Training, choose, chosen_trial, is_same_network  # noqa: E402
from lenetml.record import read_record  # noqa: E402
from lenetml.search.crew import Crew  # noqa: E402
from lenetml.search.jobs import Failed  # noqa: E402
from lenetml.search.journal import JOURNAL_NAME, Journal  # noqa: E402
from lenetml.search.selection import ranked  # noqa: E402
from lenetml.search.strategy import task_of  # noqa: E402

RECORD = read_record(Path(__file__).parent / "cases")
WINNER = chosen_trial(RECORD)
CONFIRM = {"strategy": "random", "trials": 4, "confirm": {"top": 2, "seeds": 2}}


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


class Failing(ScriptedWorkers):
    """The first so many jobs fail."""

    def __init__(self, n_failing):
        super().__init__()
        self._n_failing = n_failing

    def wait(self, running, seconds):
        (done,) = super().wait(running, seconds)
        if len(self.submitted) <= self._n_failing:
            done._result = Failed("non_finite", "the loss is no longer finite", 0.1, 0.1)
        return {done}


@pytest.mark.parametrize(
    ("n_failing", "rank", "rule", "said"),
    [
        (2, 1, "confirm", []),
        (4, 0, "best", [
            "scripted: all trainings that were to confirm the best trials failed; the best of the "
            "search wins",
        ]),
    ],
)  # fmt: skip
def test_where_no_training_confirms_the_best_of_the_search_wins(
    tmp_path, n_failing, rank, rule, said
):
    spec, warnings = spec_of(tmp_path, CONFIRM), []
    data, folder = data_of(spec), SimpleNamespace(record=None)
    result = search(spec, tmp_path / "run")
    with Journal(tmp_path / "run" / JOURNAL_NAME) as journal:
        crew = Crew(Failing(n_failing), journal, threading.Event(), {}, None, print)
        training = Training(
            spec, data, folder, journal, task_of(spec, data), crew, {}, lambda text: None,
            warn=warnings.append,
        )  # fmt: skip
        chosen = choose(training, result)
    top = ranked(result.trials, "max")[:2]
    assert (chosen.winner.number, chosen.selected_by) == (top[rank].number, rule)
    assert warnings == said
    assert {trial.number for trial in chosen.trials if trial.confirmed} == {
        trial.number for trial in top
    }
