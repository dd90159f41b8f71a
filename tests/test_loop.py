"""The search loop: order of events, ends, failures, continuing trials; nothing is trained."""

from __future__ import annotations

import threading

import pytest
from scripted import CutsShort, ScriptedWorkers
from searches import search, shown, spec_of

from lenetml.search.journal import JOURNAL_NAME, Journal, encode, read_journal

RANDOM = {"strategy": "random", "trials": 4}


class Listener:
    """Keeps what it hears, with how many events the journal held by then."""

    def __init__(self, path):
        self.path, self.heard = path, []

    def note(self, *what):
        self.heard.append((*what, len(read_journal(self.path))))

    def trial_started(self, start):
        self.note("started", start.number, start.epochs, len(start.history.get("loss", ())))

    def epoch_ended(self, number, execution, epoch, metrics):
        self.note("epoch", number, execution, epoch)

    def trial_ended(self, trial):
        self.note("ended", trial.number, trial.status)


def names(folder):
    return [event["event"] for event in read_journal(folder / JOURNAL_NAME)]


def later(folder, *kinds):
    """Have the search taken two hours more, as these kinds of events tell."""
    lines = [
        {**event, "search_seconds": event["search_seconds"] + 7200}
        if event["event"] in kinds
        else event
        for event in read_journal(folder / JOURNAL_NAME)
    ]
    (folder / JOURNAL_NAME).write_bytes(b"".join(map(encode, lines)))


def test_events_in_order(tmp_path):
    search(spec_of(tmp_path, {"strategy": "random", "trials": 2}), tmp_path)
    trial = ["asked", "training_started", "trial_ended"]
    assert names(tmp_path) == [*trial, *trial, "search_ended"]


def test_as_many_run_side_by_side_as_there_are_slots(tmp_path):
    search(spec_of(tmp_path, RANDOM), tmp_path, ScriptedWorkers(3))
    first = ["asked", "training_started"] * 3
    assert names(tmp_path)[:7] == [*first, "trial_ended"]


def test_listeners_hear_of_epochs_and_ends_after_the_journal(tmp_path):
    listener = Listener(tmp_path / JOURNAL_NAME)
    search(spec_of(tmp_path, {"strategy": "random", "trials": 1}), tmp_path, listeners=[listener])
    epochs = [("epoch", 1, 1, epoch, 2) for epoch in range(1, 10)]
    assert listener.heard == [
        ("started", 1, 9, 0, 0), *epochs, ("ended", 1, "completed", 3),
    ]  # fmt: skip


def test_a_trial_that_goes_on_says_what_it_has_run(tmp_path):
    settings = {**RANDOM, "screening": {"epochs": 2, "keep": 1}}
    listener = Listener(tmp_path / JOURNAL_NAME)
    result = search(spec_of(tmp_path, settings), tmp_path, listeners=[listener])
    started = [heard[1:4] for heard in listener.heard if heard[0] == "started"]
    best = max(result.trials, key=lambda trial: trial.objective)
    assert started == [(1, 2, 0), (2, 2, 0), (3, 2, 0), (4, 2, 0), (best.number, 9, 2)]
    assert [trial.status for trial in result.trials].count("stopped") == 3
    assert (best.status, best.epochs, best.images_trained) == ("completed", 9, 900)


def test_a_failed_trial_has_a_reason_and_its_cost_and_the_search_goes_on(tmp_path):
    result = search(spec_of(tmp_path, RANDOM), tmp_path, ScriptedWorkers(fails=True))
    failed = [trial for trial in result.trials if trial.status == "failed"]
    assert result.ended == "trials"
    assert 0 < len(failed) < 4
    assert {(it.reason, it.objective, it.seconds, it.val) for it in failed} == {
        ("non_finite", None, 0.1, None)
    }


def test_the_objective_of_several_executions_is_their_mean(tmp_path):
    spec = spec_of(tmp_path, {"strategy": "random", "trials": 2, "executions_per_trial": 3})
    workers = ScriptedWorkers(2)
    result = search(spec, tmp_path, workers)
    for trial in result.trials:
        objectives = [each.objective for each in trial.executions]
        assert len({each.seed for each in trial.executions}) == 3
        assert trial.objective == pytest.approx(sum(objectives) / 3)
        assert max(objectives) == trial.history["val_accuracy"][-1]
        [best] = [each for each in trial.executions if each.objective == max(objectives)]
        assert (trial.seed, trial.images_trained) == (best.seed, 2700)
    # Of the losers, and of single executions, nothing is kept.
    winner = max(result.trials, key=lambda trial: trial.objective)
    [left] = (tmp_path / "weights").iterdir()
    assert left.name == f"trial-{winner.number:03d}.npz"
    assert left.read_bytes() == b"weights %d 9" % winner.seed


def test_an_execution_that_fails_fails_its_trial(tmp_path):
    spec = spec_of(tmp_path, {"strategy": "random", "trials": 9, "executions_per_trial": 2})
    result = search(spec, tmp_path, ScriptedWorkers(2, fails=True))
    for trial in result.trials:
        has_failed = any(each.status == "failed" for each in trial.executions)
        assert (trial.status == "failed") == has_failed == (trial.objective is None)
    assert {"failed", "completed"} == {trial.status for trial in result.trials}


def test_time_that_earlier_lives_took_counts(tmp_path):
    folder = tmp_path / "run"
    search(spec_of(tmp_path / "few", RANDOM), folder)
    later(folder, "training_started", "trial_ended", "search_ended")
    more = spec_of(tmp_path / "more", {**RANDOM, "trials": 9, "time_limit": "1h"})
    result = search(more, folder)
    assert (result.ended, len(result.trials)) == ("time_limit", 4)
    assert result.seconds > 7200


def test_the_journal_knows_the_time_behind_the_last_trial(tmp_path):
    stop = threading.Event()
    search(spec_of(tmp_path, RANDOM), tmp_path, CutsShort(1, stop), stop=stop)
    told = [
        (event["event"], event["search_seconds"])
        for event in read_journal(tmp_path / JOURNAL_NAME)
        if event["event"] != "asked"
    ]
    seconds = [each for _, each in told]
    assert [name for name, _ in told] == [
        "training_started", "training_interrupted", "search_ended",
    ]  # fmt: skip
    assert 0 < seconds[0] < seconds[1] < seconds[2]


@pytest.mark.parametrize("executions", [1, 2])
def test_a_trial_that_was_cut_short_waits_for_more_time(tmp_path, executions):
    settings, folder = {**RANDOM, "executions_per_trial": executions}, tmp_path / "run"
    # The second trial is under way; of two executions, the first ended.
    stop = threading.Event()
    whole = spec_of(tmp_path / "whole", settings)
    search(whole, folder, CutsShort(2 * executions, stop), stop=stop)
    before = names(folder)
    later(folder, "search_ended")
    short = search(spec_of(tmp_path / "short", {**settings, "time_limit": "1h"}), folder)
    assert (short.ended, [trial.number for trial in short.trials]) == ("time_limit", [1])
    assert names(folder) == [*before, "search_ended"]
    long = search(spec_of(tmp_path / "long", {**settings, "time_limit": "9h"}), folder)
    assert long.ended == "trials"
    assert shown(long) == shown(search(whole, tmp_path / "again"))


def test_what_others_note_tells_the_time_of_the_search(tmp_path):
    """Behind a kill in the middle of a training it is the last that is known."""

    class Notes(Listener):
        def epoch_ended(self, number, execution, epoch, metrics):
            self.journal.append("spent")

    def open_journal(path):
        notes.journal = Journal(path)
        return notes.journal

    notes, folder = Notes(tmp_path / "run" / JOURNAL_NAME), tmp_path / "run"
    settings = {**RANDOM, "time_limit": "1h"}
    spec = spec_of(tmp_path / "spec", settings)
    search(spec, folder, listeners=[notes], open_journal=open_journal)
    lines = read_journal(folder / JOURNAL_NAME)
    assert [line["event"] for line in lines[:4]] == ["asked", "training_started", "spent", "spent"]
    assert 0 < lines[1]["search_seconds"] < lines[2]["search_seconds"]
    (folder / JOURNAL_NAME).write_bytes(b"".join(map(encode, lines[:4])))
    later(folder, "spent")
    result = search(spec, folder)
    assert (result.ended, result.trials) == ("time_limit", ())
    assert result.seconds > 7200


class StopsAfter(ScriptedWorkers):
    """Sets the stop after so many jobs; what runs then ends after its epoch, cut short."""

    def __init__(self, n_slots, stop, after):
        super().__init__(n_slots)
        self._stop, self._after, self.ends = stop, after, False

    def wait(self, running, seconds):
        done = super().wait(running, seconds)
        self._after -= 1
        if self._after == 0:
            self._stop.set()
        return done


def test_a_stop_begins_no_more_and_ends_in_order(tmp_path):
    spec, stop = spec_of(tmp_path, {"strategy": "random", "trials": 9}), threading.Event()
    workers = StopsAfter(3, stop, after=2)
    result = search(spec, tmp_path / "run", workers, stop=stop)
    assert workers.ends
    # Two had ended; of the three others, those under way were let end.
    assert (result.ended, len(workers.submitted)) == ("interrupted", 4)
    assert names(tmp_path / "run")[-1] == "search_ended"
    again = search(spec, tmp_path / "run", ScriptedWorkers(3))
    assert shown(again) == shown(search(spec, tmp_path / "whole", ScriptedWorkers(3)))
