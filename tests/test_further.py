"""Trainings after a search, with scripted workers: nothing is trained."""

from __future__ import annotations

import threading

import pytest
from scripted import ScriptedWorkers
from searches import data_of, spec_of

from lenetml.search.asks import Ask
from lenetml.search.crew import Crew, Key
from lenetml.search.further import Further, further_executions, train_further
from lenetml.search.journal import Journal, read_journal
from lenetml.search.strategy import planner
from lenetml.spec.domains import all_points


@pytest.fixture
def plan(tmp_path):
    spec = spec_of(tmp_path / "spec", {"strategy": "random", "trials": 1})
    return planner(spec, data_of(spec))(Ask(4, next(all_points(spec.space))))


def wanted_of(plan, seeds=(10, 11, 12)):
    keys = [Key("seed", 4, number) for number in range(1, len(seeds) + 1)]
    return [Further(key, plan, seed) for key, seed in zip(keys, seeds, strict=True)]


class Life:
    """One life of a run that trains further, and what it was seen to do."""

    def __init__(self, folder, workers):
        self.path = folder / "journal.jsonl"
        self.workers, self.stop = workers, threading.Event()
        self.kept, self.told, self.epochs = [], [], []

    def events(self, kind):
        return [event for event in read_journal(self.path) if event["event"] == kind]

    def keep(self, key, outcome):
        # The files come before the event that counts on them.
        n_ended = sum(
            event["execution"] == key.execution for event in self.events("execution_ended")
        )
        self.kept.append((key, outcome.weights, n_ended))

    def train(self, wanted, done=()):
        with Journal(self.path) as journal:
            crew = Crew(self.workers, journal, self.stop, {}, None, print)
            return train_further(
                wanted, "val_accuracy", crew, journal, dict(done), self.keep, self.told.append,
                lambda epoch, row: self.epochs.append(epoch),
            )  # fmt: skip


@pytest.mark.parametrize("n_slots", [1, 2, 5])
def test_each_is_trained_kept_and_told(tmp_path, plan, n_slots):
    life = Life(tmp_path, ScriptedWorkers(n_slots))
    records = life.train(wanted_of(plan))
    assert set(records) == {Key("seed", 4, number) for number in (1, 2, 3)}
    assert [records[Key("seed", 4, number)].seed for number in (1, 2, 3)] == [10, 11, 12]
    assert {each.status for each in records.values()} == {"completed"}
    assert sorted(life.workers.submitted) == [(10, 9), (11, 9), (12, 9)]
    assert sorted(life.kept, key=str) == [
        (Key("seed", 4, number), b"weights %d 9" % (9 + number), 0) for number in (1, 2, 3)
    ]
    assert life.told == [1, 2, 3]
    assert life.epochs == 3 * list(range(1, 10))
    assert further_executions(read_journal(life.path)) == records
    # They do not belong to the time of the search.
    assert not any("search_seconds" in event for event in read_journal(life.path))


def test_those_of_earlier_lives_are_not_trained_again(tmp_path, plan):
    wanted = wanted_of(plan)
    done = Life(tmp_path, ScriptedWorkers()).train(wanted[:2])
    life = Life(tmp_path, ScriptedWorkers())
    records = life.train(wanted, done)
    assert life.workers.submitted == [(12, 9)]
    assert {key: records[key] for key in done} == done
    assert life.told == [3]
    assert further_executions(read_journal(life.path)) == records


def test_one_that_fails_has_a_reason_and_its_cost(tmp_path, plan):
    # The scripted workers fail where a seed is divided by three.
    life = Life(tmp_path, ScriptedWorkers(fails=True))
    records = life.train(wanted_of(plan))
    found = [(each.status, each.reason, each.seconds) for each in records.values()]
    assert sorted(found, key=str) == [
        ("completed", None, 0.5), ("completed", None, 0.5), ("failed", "non_finite", 0.1),
    ]  # fmt: skip
    failed = records[Key("seed", 4, 3)]
    assert (failed.seed, failed.objective, failed.val, failed.core_seconds) == (12, None, None, 0.1)
    assert [key.execution for key, *_ in life.kept] == [1, 2]


def test_nothing_wanted_is_nothing_done(tmp_path):
    life = Life(tmp_path, ScriptedWorkers())
    assert life.train([]) == {}
    assert (life.workers.submitted, life.told, read_journal(life.path)) == ([], [], [])


def test_a_stop_leaves_what_was_done(tmp_path, plan):
    class Stopping(ScriptedWorkers):
        def wait(self, running, seconds):
            life.stop.set()
            return super().wait(running, seconds)

    life = Life(tmp_path, Stopping())
    assert life.train(wanted_of(plan)) is None
    done = further_executions(read_journal(life.path))
    assert set(done) == {Key("seed", 4, 1)}
    later = Life(tmp_path, ScriptedWorkers())
    assert set(later.train(wanted_of(plan), done)) == {Key("seed", 4, n) for n in (1, 2, 3)}
    assert later.workers.submitted == [(11, 9), (12, 9)]


def test_executions_of_trials_are_no_further_ones(tmp_path, plan):
    life = Life(tmp_path, ScriptedWorkers())
    life.train(wanted_of(plan, seeds=(10,)))
    (ended,) = life.events("execution_ended")
    events = [{**ended, "kind": kind} for kind in ("trial", "confirm", "seed")]
    assert set(further_executions(events)) == {Key("confirm", 4, 1), Key("seed", 4, 1)}
