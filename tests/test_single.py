"""One trial, told as a whole: the same as a search would make of these values, and nothing else."""

from __future__ import annotations

import json
import threading

import pytest
from experiments import Follower, Place, apart_from, contents

from lenetml.errors import DataError, Interrupted
from lenetml.single import run_trial

NET = """\
name: net
seed: 5
data: {path: digits.npz, split: {train: 90, val: 60, test: 60}}
search_space:
  kernel: {values: [3, 9]}
  norm: {values: [true, false]}
  units: {min: 4, max: 40, q: 4, when: {norm: true}}
  rate: {values: [0.02, 0.01, 1.0e+30]}
architecture:
  - conv2d: {filters: 2, kernel_size: $kernel}
  - flatten
  - dense: {units: $units, activation: relu, when: $norm}
training: {epochs: 3, batch_size: 10, learning_rate: $rate}
search: {strategy: grid, trials: 1}
energy: false
"""
POINT = {"kernel": 3, "norm": True, "units": 12, "rate": 0.02}
TIMES = {"seconds", "core_seconds", "executions.seconds", "executions.core_seconds"}


class StopsInEpoch(Follower):
    """Wants an end in an epoch."""

    def __init__(self, epoch):
        super().__init__()
        self.stop, self._epoch = threading.Event(), epoch

    def epoch_ended(self, number, execution, epoch, metrics):
        super().epoch_ended(number, execution, epoch, metrics)
        if epoch == self._epoch:
            self.stop.set()


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def try_one(place, point, *changes, follower=None, stop=None):
    return run_trial(
        place.load(NET, *changes), point, follower or place.follower, stop or threading.Event()
    )


def test_it_is_the_first_trial_of_a_search(place):
    """The same seeds, history, scores: whoever tries the values of a run's trial sees it again."""
    searched = place.run(NET).record.trials[0]
    tried = try_one(place, searched.values)
    assert (tried.name, tried.metric, tried.status) == ("net", "val_accuracy", searched.status)
    unlike = TIMES | {"guessing"}
    assert apart_from(unlike, tried.record) == apart_from(unlike, searched)


def test_what_it_tells_and_what_it_leaves_alone(place):
    place.write(NET)
    before = contents(place.folder)
    tried = try_one(place, POINT)
    record = tried.record
    assert contents(place.folder) == before
    assert tried.in_words() == (
        f"net: {record.objective:.4f} at epoch {record.best_epoch} of 3, {record.seconds:.0f} s; "
        "kernel 3, norm true, units 12, rate 0.02"
    )
    document = json.loads(json.dumps(tried.document()))
    assert document.pop("trial") == record.model_dump(mode="json")
    assert document == {
        "name": "net", "status": "completed", "metric": "val_accuracy", "values": POINT,
        "reason": None,
    }  # fmt: skip
    assert place.follower.heard == [
        ("stage", "net: loading the data"),
        ("stage", f"reading {place.folder / 'digits.npz'}"),
        ("search", "net", 1, 0, 1, "max"),
        ("started", 1),
        *(("epoch", 1, epoch) for epoch in (1, 2, 3)),
        ("ended", 1, "completed"),
    ]


def test_a_point_that_is_impossible(place):
    tried = try_one(place, POINT | {"kernel": 9})
    reason = "the input of conv2d is 8 x 8 x 1, smaller than its 9 x 9 kernel"
    assert (tried.status, tried.record, tried.reason) == ("impossible", None, reason)
    assert tried.in_words() == (
        f"net: impossible: {reason}; kernel 9, norm true, units 12, rate 0.02"
    )
    assert tried.document() == {
        "name": "net", "status": "impossible", "metric": "val_accuracy",
        "values": POINT | {"kernel": 9}, "trial": None, "reason": reason,
    }  # fmt: skip
    assert place.follower.kinds == {"stage"}


def test_a_training_that_fails(place):
    tried = try_one(place, POINT | {"rate": 1e30})
    assert (tried.status, tried.record.reason) == ("failed", "non_finite")
    assert tried.record.objective is None
    assert tried.document()["reason"] == tried.record.message
    assert tried.record.message.startswith("the loss is no longer finite in epoch ")


def test_several_trainings_are_one_trial(place):
    changes = ["search.executions_per_trial=2"]
    searched = place.run(NET, *changes).record.trials[0]
    tried = try_one(place, searched.values, *changes)
    assert len(tried.record.executions) == 2
    unlike = TIMES | {"guessing"}
    assert apart_from(unlike, tried.record) == apart_from(unlike, searched)


def test_the_training_that_fails_is_the_last(place):
    tried = try_one(place, POINT | {"rate": 1e30}, "search.executions_per_trial=3")
    assert (tried.status, tried.record.executions) == ("failed", [])


def test_a_stop_ends_it_after_the_epoch(place):
    follower = StopsInEpoch(2)
    tried = try_one(place, POINT, follower=follower, stop=follower.stop)
    assert (tried.status, tried.record.epochs, tried.record.epochs_limit) == ("stopped", 2, 3)
    whole = try_one(place, POINT).record
    assert tried.record.history == {name: series[:2] for name, series in whole.history.items()}


def test_a_stop_in_the_last_epoch_changes_nothing(place):
    follower = StopsInEpoch(3)
    assert try_one(place, POINT, follower=follower, stop=follower.stop).status == "completed"


def test_a_stop_before_it_begins(place):
    stop = threading.Event()
    stop.set()
    with pytest.raises(Interrupted, match="^net: interrupted before it began$"):
        try_one(place, POINT, stop=stop)


def test_a_training_that_takes_too_long(place):
    tried = try_one(place, POINT, "search.trial_time_limit=1s", "training.epochs=100000")
    assert (tried.status, tried.record.reason) == ("failed", "time_limit")
    assert tried.record.images_trained == 90 * tried.record.epochs


def test_other_strategies_are_tried_to_the_last_epoch(place):
    for search in ("{strategy: hyperband}", "{strategy: random, trials: 9, screening: {keep: 2}}"):
        tried = try_one(place, POINT, f"search={search}")
        assert (tried.status, tried.record.epochs) == ("completed", 3)


def test_data_that_are_not_right(place):
    spec = place.load(NET)
    (place.folder / "digits.npz").write_bytes(b"PK")
    with pytest.raises(DataError):
        run_trial(spec, POINT, Follower(), threading.Event())
