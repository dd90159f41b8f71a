"""Where a search stands and how fast it goes, at moments that the tests choose."""

from __future__ import annotations

import pytest
from told_trials import failed_trial, trial_record, trial_start

from lenetml.progress import Best, Progress


def search(trials=10, n_slots=2, direction="max", n_done=0):
    return Progress("net", trials, n_slots, direction, n_done)


def names(progress):
    return [(each.start.number, each.execution, each.epoch) for each in progress.trainings]


def test_trials_begin_run_and_end():
    progress = search().trial_started(trial_start(1), 0).trial_started(trial_start(2), 0)
    assert names(progress) == [(1, 1, 0), (2, 1, 0)]
    progress = progress.epoch_ended(2, 1, 1, {"val_accuracy": 0.5}, 1)
    assert names(progress) == [(1, 1, 0), (2, 1, 1)]
    assert progress.trainings[1].objective == ("val_accuracy", 0.5)
    assert progress.completed == pytest.approx(1 / 3)
    progress = progress.trial_ended(trial_record(2), 2)
    assert names(progress) == [(1, 1, 0)]
    assert (progress.n_done, progress.completed) == (1, 1)


def test_a_value_stays_as_it_is():
    before = search().trial_started(trial_start(1), 0)
    before.epoch_ended(1, 1, 1, {"val_accuracy": 0.5}, 1)
    assert names(before) == [(1, 1, 0)]


@pytest.mark.parametrize(
    ("direction", "metrics", "found"),
    [
        ("max", {"loss": 1.0, "val_loss": 2.0, "val_accuracy": 0.5}, ("val_accuracy", 0.5)),
        ("min", {"loss": 1.0, "val_loss": 2.0, "val_accuracy": 0.5}, ("val_loss", 2.0)),
        ("max", {"val_loss": 2.0, "val_accuracy": 0.5, "val_f1": 0.4}, ("val_f1", 0.4)),
        ("max", {"loss": 1.0}, None),
    ],
)
def test_the_objective_is_found_among_the_metrics(direction, metrics, found):
    progress = search(direction=direction).trial_started(trial_start(1), 0)
    (training,) = progress.epoch_ended(1, 1, 1, metrics, 1).trainings
    assert training.objective == found


@pytest.mark.parametrize(
    ("direction", "best"), [("max", Best(3, 0.75)), ("min", Best(2, 0.0))]
)  # fmt: skip
def test_the_best_so_far(direction, best):
    progress = search(direction=direction)
    for number, objective in enumerate((0.25, 0.0, 0.75, 0.75, 0.5), start=1):
        progress = progress.trial_ended(trial_record(number, objective=objective), number)
    assert progress.trial_ended(failed_trial(6), 6).best == best


def test_the_clock_starts_at_the_first_epoch():
    """Workers that load TensorFlow for a minute say nothing about the trials."""
    progress = search(trials=4, n_slots=1).trial_started(trial_start(1, epochs=4), 0)
    progress = progress.epoch_ended(1, 1, 1, {}, 60)
    assert progress.trials_per_minute is None
    assert progress.seconds_left(60) is None
    progress = progress.epoch_ended(1, 1, 2, {}, 65)
    assert progress.trials_per_minute == pytest.approx(3)  # a quarter of a trial in 5 s
    assert progress.seconds_left(65) == pytest.approx(70)  # 3.5 trials
    assert progress.seconds_left(75) == pytest.approx(60)
    assert progress.seconds_left(1000) == 0


def test_epochs_in_one_burst_say_nothing_of_the_speed():
    progress = search().trial_started(trial_start(1), 0)
    progress = progress.epoch_ended(1, 1, 1, {}, 10).epoch_ended(1, 1, 2, {}, 10.01)
    assert progress.trials_per_minute is None


def test_trials_of_earlier_lives_count_for_the_bar_and_not_for_the_speed():
    progress = search(trials=20, n_slots=1, n_done=12).trial_ended(trial_record(13), 10)
    progress = progress.trial_ended(trial_record(14), 20)
    assert progress.n_done == 14
    assert progress.trials_per_minute == pytest.approx(6)
    assert progress.seconds_left(20) == pytest.approx(60)


def test_without_a_number_of_trials_nobody_knows_the_end():
    progress = search(trials=None).trial_ended(trial_record(1), 10)
    progress = progress.trial_ended(trial_record(2), 20)
    assert progress.trials_per_minute == pytest.approx(6)
    assert progress.seconds_left(20) is None


def test_a_trial_that_goes_on_is_one_trial():
    """As of screening: what follows the first part cannot be foreseen."""
    progress = search(trials=2, n_slots=1)
    for number in (1, 2):
        progress = progress.trial_started(trial_start(number, epochs=2), number)
        progress = progress.trial_ended(trial_record(number, status="stopped"), 10 * number)
    assert (progress.n_done, progress.goes_on) == (2, True)
    assert progress.seconds_left(20) is None
    again = trial_start(1, epochs=6, history={"loss": [2.0, 1.0]})
    progress = progress.trial_started(again, 20)
    assert names(progress) == [(1, 1, 2)]
    progress = progress.epoch_ended(1, 1, 4, {}, 25)
    assert progress.trainings[0].share == pytest.approx(0.5)
    assert progress.completed == 2
    assert progress.trial_ended(trial_record(1), 30).n_done == 2


def test_a_trial_of_an_earlier_life_goes_on():
    progress = search(trials=4, n_done=4)
    progress = progress.trial_started(trial_start(1, epochs=6, history={"loss": [2.0]}), 0)
    assert progress.goes_on
    assert progress.trial_ended(trial_record(1), 9).n_done == 4


def test_trainings_of_one_trial_are_shown_each():
    progress = search(n_slots=2).trial_started(trial_start(1, executions=3), 0)
    assert names(progress) == [(1, 0, 0)]
    progress = progress.epoch_ended(1, 2, 1, {}, 1)
    assert names(progress) == [(1, 2, 1)]
    progress = progress.epoch_ended(1, 1, 1, {}, 2).epoch_ended(1, 1, 2, {}, 3)
    assert names(progress) == [(1, 1, 2), (1, 2, 1)]
    assert progress.completed == pytest.approx(3 / 9)
    # With two slots, the one that was heard of least has made room.
    progress = progress.epoch_ended(1, 3, 1, {}, 4)
    assert names(progress) == [(1, 1, 2), (1, 3, 1)]
    assert names(progress.trial_ended(trial_record(1), 5)) == []


def test_a_training_that_begins_again():
    """Its worker died."""
    progress = search(n_slots=1).trial_started(trial_start(1), 0)
    progress = progress.epoch_ended(1, 1, 2, {}, 1).epoch_ended(1, 1, 1, {}, 9)
    assert names(progress) == [(1, 1, 1)]
    assert progress.trials_per_minute is None
