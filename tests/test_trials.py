"""From what jobs leave behind to the records of executions and trials."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from scripted import outcome_of, state_of
from searches import data_of, spec_of

from lenetml.search.asks import Ask
from lenetml.search.jobs import Failed
from lenetml.search.strategy import planner
from lenetml.search.trials import (
    best_execution,
    execution_of,
    execution_record,
    failed_execution,
    job_of,
    trial_record,
)
from lenetml.spec.domains import all_points
from lenetml.values import derive_seed

DIED = Failed("worker_died", "its worker process died", 2.0, None)


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    search = {"strategy": "random", "trials": 3, "executions_per_trial": 2}
    return spec_of(tmp_path_factory.mktemp("spec"), search)


@pytest.fixture(scope="module")
def ask(spec):
    return Ask(3, next(all_points(spec.space)))


@pytest.fixture(scope="module")
def plan(spec, ask):
    return planner(spec, data_of(spec))(ask)


@pytest.fixture(scope="module")
def train(plan, ask):
    """Train a part of an execution by the script: its record."""

    def train(seed=1, until=None, before=None, state=None):
        part = Ask(ask.number, ask.point, before.epochs if before else 0, until)
        job = job_of(plan, part, seed, "val_accuracy", before, state)
        return execution_record(seed, outcome_of(job), before)

    return train


def test_each_execution_has_a_seed_of_its_own(plan):
    assert plan.seeds == (
        derive_seed(11, "trial", 3), derive_seed(11, "trial", 3, "execution", 2),
    )  # fmt: skip


@pytest.mark.parametrize(("until", "expected"), [(None, 9), (4, 4), (9, 9), (20, 9)])
def test_a_job_ends_where_the_ask_or_the_spec_says(plan, ask, until, expected):
    job = job_of(plan, Ask(3, ask.point, 0, until), 7, "val_accuracy", None, None)
    assert (job.until, job.seed, job.beginning) == (expected, 7, None)


def test_a_job_goes_on_from_what_was_before(plan, ask, train):
    before = train(until=4)
    job = job_of(plan, Ask(3, ask.point, 4, 6), 1, "val_accuracy", before, b"state")
    assert job.until == 6
    assert (job.beginning.history, job.beginning.state) == (before.history, b"state")
    assert (job.beginning.objective, job.beginning.best_epoch) == (before.objective, 4)


def test_parts_of_an_execution_add_up(train):
    first = train(until=4)
    second = train(before=first, state=state_of(SimpleNamespace(seed=1), 4))
    assert (first.status, first.epochs, first.images_trained) == ("stopped", 4, 400)
    assert (second.status, second.epochs, second.images_trained) == ("completed", 9, 900)
    assert (second.seconds, second.core_seconds) == (1.0, 1.0)
    assert second.history["loss"][:4] == first.history["loss"]


def test_an_execution_that_failed_keeps_what_it_had_run(train):
    rows = [{"loss": 0.2, "val_accuracy": 0.5}, {"loss": 0.1, "val_accuracy": 0.6}]
    new = failed_execution(5, DIED, None, rows, 100)
    assert (new.status, new.reason, new.message) == ("failed", DIED.reason, DIED.message)
    assert new.history == {"loss": [0.2, 0.1], "val_accuracy": [0.5, 0.6]}
    assert (new.epochs, new.images_trained, new.seconds) == (2, 200, 2.0)
    assert (new.objective, new.best_epoch, new.val, new.core_seconds) == (None,) * 4
    before = train(until=4)
    later = failed_execution(1, DIED, before, rows, 100)
    assert (later.epochs, later.images_trained, later.seconds) == (6, 600, 2.5)
    assert later.history["loss"] == [*before.history["loss"], 0.2, 0.1]
    assert before.epochs == 4


def test_what_failed_at_once_has_run_nothing():
    found = failed_execution(5, DIED, None, [], 100)
    assert (found.epochs, found.history, found.images_trained) == (0, {}, 0)


@pytest.mark.parametrize(
    ("objectives", "direction", "best"),
    [
        ((0.5, 0.7, 0.6), "max", 2), ((0.5, 0.7, 0.4), "min", 3), ((0.5, 0.5), "max", 1),
        ((0.9, None, None), "max", 2), ((0.1, None), "min", 2),
    ],
)  # fmt: skip
def test_the_execution_that_stands_for_a_trial(train, objectives, direction, best):
    """The best, or the first that failed."""
    executions = [train().model_copy(update={"objective": each}) for each in objectives]
    assert best_execution(executions, direction) == best


def test_a_trial_of_one_execution_is_that_execution(plan, ask, train):
    execution = train(seed=8)
    trial = trial_record(ask, plan, [execution], "max")
    assert (trial.number, trial.values, trial.epochs_limit) == (3, ask.point, 9)
    assert (trial.parameters, trial.macs) == (plan.parameters, plan.macs)
    assert trial.executions == []
    assert execution_of(trial, 1) == execution


def test_a_trial_of_several_is_their_mean_and_shows_the_best(plan, ask, train):
    executions = [train(seed=seed) for seed in (1, 2, 3)]
    trial = trial_record(ask, plan, executions, "max")
    objectives = [each.objective for each in executions]
    shown = executions[objectives.index(max(objectives))]
    assert trial.objective == pytest.approx(sum(objectives) / 3, abs=1e-12)
    assert (trial.seed, trial.history) == (shown.seed, shown.history)
    assert (trial.images_trained, trial.seconds, trial.core_seconds) == (2700, 1.5, 1.5)
    assert [execution_of(trial, number) for number in (1, 2, 3)] == executions


def test_a_trial_that_can_go_on_is_stopped(plan, ask, train):
    executions = [train(seed=1), train(seed=2, until=4)]
    for direction in ("max", "min"):
        trial = trial_record(ask, plan, executions, direction)
        assert trial.status == "stopped"


def test_one_execution_that_failed_fails_its_trial(plan, ask, train):
    executions = [train(), failed_execution(2, DIED, None, [{"loss": 0.2}], 100)]
    trial = trial_record(ask, plan, executions, "max")
    assert (trial.status, trial.reason, trial.objective) == ("failed", "worker_died", None)
    assert (trial.images_trained, trial.seconds, trial.core_seconds) == (1000, 2.5, None)
    assert trial.executions == executions
