"""Attempts, retries and ends of jobs; nothing is trained."""

from __future__ import annotations

import threading
from concurrent.futures import Future

import pytest
from scripted import CutsShort, ScriptedWorkers
from searches import data_of, search, shown, spec_of

from lenetml.search.asks import Ask
from lenetml.search.crew import Crew, Key
from lenetml.search.jobs import Failed, Job
from lenetml.search.journal import JOURNAL_NAME, Journal, encode, read_journal
from lenetml.search.strategy import planner
from lenetml.spec.domains import all_points

RANDOM = {"strategy": "random", "trials": 3}


class Deadly(ScriptedWorkers):
    """A worker dies with the job of a trial, so many times."""

    def __init__(self, seed_index, deaths, n_slots=1, reason="worker_died"):
        super().__init__(n_slots)
        self._index, self._deaths, self._reason = seed_index, deaths, reason
        self._seeds = []

    def submit(self, job, on_epoch):
        if job.seed not in self._seeds:
            self._seeds.append(job.seed)
        done = super().submit(job, on_epoch)
        if self._seeds.index(job.seed) == self._index and self._deaths:
            self._deaths -= 1
            self.doomed = done
        return done

    def wait(self, running, seconds):
        doomed = getattr(self, "doomed", None)
        if doomed in self._running:
            del self._running[doomed]
            doomed.set_result(Failed(self._reason, "its worker process was killed", 0.2, None))
            return {doomed}
        return super().wait(running, seconds)


def events(folder, *names):
    return [event for event in read_journal(folder / JOURNAL_NAME) if event["event"] in names]


def test_a_dead_worker_is_tried_once_more(tmp_path):
    spec = spec_of(tmp_path, RANDOM)
    result = search(spec, tmp_path / "run", Deadly(1, deaths=1))
    assert shown(result) == shown(search(spec, tmp_path / "whole"))
    told = events(tmp_path / "run", "training_started", "worker_died")
    assert [(it["event"], it["number"], it.get("attempt")) for it in told] == [
        ("training_started", 1, 1),
        ("training_started", 2, 1),
        ("worker_died", 2, None),
        ("training_started", 2, 2),
        ("training_started", 3, 1),
    ]


def test_a_second_death_fails_the_trial_and_no_other(tmp_path):
    spec = spec_of(tmp_path, RANDOM)
    result = search(spec, tmp_path / "run", Deadly(1, deaths=9))
    whole = search(spec, tmp_path / "whole")
    assert [trial.status for trial in result.trials] == ["completed", "failed", "completed"]
    assert (result.trials[1].reason, result.trials[1].core_seconds) == ("worker_died", None)
    assert [shown(result)[index] == shown(whole)[index] for index in range(3)] == [
        True, False, True,
    ]  # fmt: skip


class DeadlyLater(Deadly):
    """A worker dies behind two epochs."""

    def wait(self, running, seconds):
        doomed = getattr(self, "doomed", None)
        if doomed in self._running:
            for epoch in (1, 2):
                self._running[doomed][1](epoch, {"loss": 0.5, "val_accuracy": 0.6})
        return super().wait(running, seconds)


@pytest.mark.parametrize(
    ("deaths", "lost", "images"), [(1, [(200, None)], 900), (2, [(200, None), (None, None)], 200)]
)
def test_what_a_death_cost_is_told_once(tmp_path, deaths, lost, images):
    result = search(spec_of(tmp_path, RANDOM), tmp_path / "run", DeadlyLater(1, deaths))
    told = events(tmp_path / "run", "worker_died")
    assert [(it.get("images_trained"), it.get("core_seconds")) for it in told] == lost
    assert result.trials[1].images_trained == images


def test_what_a_training_cost_that_was_cut_short_is_told(tmp_path):
    stop, path = threading.Event(), tmp_path / JOURNAL_NAME
    spec = spec_of(tmp_path, RANDOM)
    plan = planner(spec, data_of(spec))(Ask(1, next(all_points(spec.space))))
    job = Job(plan.concrete, 7, "val_accuracy", 9)
    with Journal(path) as journal:
        crew = Crew(CutsShort(1, stop), journal, stop, {}, None, print)
        crew.begin(Key("seed", 1, 1), job, 100, lambda *_: None)
        assert list(crew.ended()) == []
    (told,) = events(tmp_path, "training_interrupted")
    assert (told["images_trained"], told["core_seconds"], crew.core_seconds) == (900, 0.5, 0.5)


def test_out_of_memory_fails_at_once_and_fewer_run_from_then_on(tmp_path):
    spec, warnings = spec_of(tmp_path, RANDOM), []
    workers = Deadly(0, deaths=1, n_slots=3, reason="out_of_memory")
    result = search(spec, tmp_path / "run", workers, warn=warnings.append)
    assert [trial.status for trial in result.trials] == ["failed", "completed", "completed"]
    assert result.trials[0].reason == "out_of_memory"
    assert workers.n_slots == 2
    assert warnings == [
        "trial 1: its worker process was killed; from now on 2 run at once",
    ]


@pytest.mark.parametrize(
    ("attempts", "deaths", "fails"), [(1, 1, False), (2, 2, True), (9, 0, False), (10, 0, True)]
)
def test_what_killed_earlier_lives_comes_to_an_end(tmp_path, attempts, deaths, fails):
    spec, folder = spec_of(tmp_path, RANDOM), tmp_path / "run"
    search(spec, folder)
    lines = read_journal(folder / JOURNAL_NAME)
    assert [line["event"] for line in lines[3:5]] == ["asked", "training_started"]
    again = {"kind": "trial", "number": 2, "execution": 1, "message": "died"}
    kept = [
        *lines[:4],
        *[{**lines[4], "attempt": number + 1} for number in range(attempts)],
        *[{"event": "worker_died", **again}] * deaths,
    ]
    (folder / JOURNAL_NAME).write_bytes(b"".join(map(encode, kept)))
    result = search(spec, folder)
    assert result.trials[1].status == ("failed" if fails else "completed")
    assert result.trials[1].reason == ("worker_died" if fails else None)
    assert result.trials[2].status == "completed"


def test_attempts_that_the_user_ended_do_not_count(tmp_path):
    spec, folder = spec_of(tmp_path, RANDOM), tmp_path / "run"
    search(spec, folder)
    lines = read_journal(folder / JOURNAL_NAME)
    ended = {"event": "training_interrupted", "kind": "trial", "number": 2, "execution": 1}
    kept = [*lines[:4], *[lines[4], ended] * 20]
    (folder / JOURNAL_NAME).write_bytes(b"".join(map(encode, kept)))
    assert [trial.status for trial in search(spec, folder).trials] == ["completed"] * 3


def test_a_worker_that_died_when_all_ends_did_not_fail(tmp_path):
    """What ends a machine ends the workers, too; that says nothing of the training."""
    spec, stop, warnings = spec_of(tmp_path, RANDOM), threading.Event(), []

    class Ended(Deadly):
        def wait(self, running, seconds):
            stop.set()
            return super().wait(running, seconds)

    for _ in range(3):
        workers = Ended(0, deaths=1, n_slots=2)
        result = search(spec, tmp_path / "run", workers, stop=stop, warn=warnings.append)
        assert (result.ended, workers.n_slots, warnings) == ("interrupted", 2, [])
        stop.clear()
    assert not events(tmp_path / "run", "worker_died")
    assert len(events(tmp_path / "run", "training_interrupted")) == 3
    assert shown(search(spec, tmp_path / "run")) == shown(search(spec, tmp_path / "whole"))


class Slow(ScriptedWorkers):
    """The first job never ends, and has run for an hour after so many looks."""

    def __init__(self, n_slots, n_looks=0):
        super().__init__(n_slots)
        self._n_looks = n_looks

    def seconds_of(self, running):
        if running is not self.hangs or self._n_looks:
            self._n_looks -= running is self.hangs
            return 0.0
        return 3600.0

    def submit(self, job, on_epoch):
        if self.submitted:
            return super().submit(job, on_epoch)
        self.submitted.append((job.seed, job.until))
        on_epoch(1, {"loss": 0.5, "val_accuracy": 0.6})
        self.hangs, self.abandoned = Future(), []
        return self.hangs

    def wait(self, running, seconds):
        if running == {self.hangs}:
            return set()
        return super().wait(set(running) - {self.hangs}, seconds)

    def abandon(self, running):
        self.abandoned.append(running)


def test_a_training_that_takes_too_long_fails_its_trial(tmp_path):
    workers = Slow(2)
    result = search(spec_of(tmp_path, RANDOM), tmp_path / "run", workers, trial_time_limit=1800)
    slow, *others = result.trials
    assert (slow.status, slow.reason, slow.epochs, slow.images_trained, slow.seconds) == (
        "failed", "time_limit", 1, 100, 3600,
    )  # fmt: skip
    assert slow.message == "it took longer than 1800 s"
    assert workers.abandoned == [workers.hangs]
    assert {trial.status for trial in others} == {"completed"}


def test_the_time_of_a_training_begins_with_its_turn(tmp_path):
    """The others end while the slow one waits."""
    result = search(
        spec_of(tmp_path, RANDOM), tmp_path / "run", Slow(2, n_looks=9), trial_time_limit=1800
    )
    ended = events(tmp_path / "run", "trial_ended")
    assert [event["record"]["number"] for event in ended] == [2, 3, 1]
    assert [trial.status for trial in result.trials] == ["failed", "completed", "completed"]


class Buggy(ScriptedWorkers):
    """The second job ends in an exception."""

    def wait(self, running, seconds):
        done = super().wait(running, seconds)
        if len(self.submitted) == 2:
            broken = Future()
            broken.set_exception(ZeroDivisionError("a bug"))
            [it] = done
            it._exception, it._result = ZeroDivisionError("a bug"), None
        return done


def test_a_bug_ends_the_search_and_the_journal_goes_on_from_there(tmp_path):
    spec = spec_of(tmp_path, RANDOM)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        search(spec, tmp_path / "run", Buggy())
    assert len(events(tmp_path / "run", "trial_ended")) == 1
    result = search(spec, tmp_path / "run")
    assert shown(result) == shown(search(spec, tmp_path / "whole"))
