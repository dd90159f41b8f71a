"""Searches, trials and results in a few words."""

from __future__ import annotations

import pytest
from told_trials import failed_trial, trial_record

from lenetml.following import SearchStart
from lenetml.record import ExecutionRecord
from lenetml.telling import kind_of_stage, tell_ratio, tell_search, tell_span, tell_trial

COMPLETED = trial_record(
    2, values={"units": 8, "conv": [18, 0.1], "rate": 0.0012345}, objective=0.87654,
    best_epoch=3, epochs=5, seconds=12.6,
)  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "0.8765 at epoch 3 of 5, 13 s; units 8, conv [18, 0.1], rate 0.001234"),
        ({"values": {}}, "0.8765 at epoch 3 of 5, 13 s; no hyperparameters"),
        (
            {"values": {"units": 8}, "status": "stopped"},
            "0.8765 at epoch 3 of 5 so far, 13 s; units 8",
        ),
    ],
)
def test_a_trial_with_a_score(changes, told):
    assert tell_trial(COMPLETED.model_copy(update=changes)) == told


def test_a_failed_trial():
    assert tell_trial(failed_trial(values={"units": 8})) == "failed: non_finite; units 8"


def test_a_trial_of_several_trainings():
    fields = {name: getattr(COMPLETED, name) for name in ExecutionRecord.model_fields}
    trial = COMPLETED.model_copy(
        update={"executions": [ExecutionRecord(**fields)] * 3, "values": {"units": 8}}
    )
    assert tell_trial(trial) == "0.8765, mean of 3 trainings, 13 s; units 8"


@pytest.mark.parametrize(
    ("trials", "done", "n_slots", "told"),
    [
        (1, 0, 1, "net: 1 trial"),
        (1, 0, 4, "net: 1 trial"),
        (40, 0, 1, "net: 40 trials"),
        (40, 12, 2, "net: 40 trials, 12 done before, 2 at a time"),
        (None, 0, 2, "net: searching, 2 at a time"),
        (None, 3, 1, "net: searching, 3 done before"),
    ],
)
def test_a_search(trials, done, n_slots, told):
    earlier = tuple(map(trial_record, range(1, done + 1)))
    assert tell_search(SearchStart("net", trials, n_slots, "max", earlier)) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0 s"), (59.4, "59 s"), (59.6, "60 s"), (60, "1 min"), (3569, "59 min"),
        (3599, "1 h 0 min"), (4800, "1 h 20 min"), (86399, "1 d 0 h"), (187_200, "2 d 4 h"),
    ],
)  # fmt: skip
def test_a_time(seconds, told):
    assert tell_span(seconds) == told


def test_a_ratio_is_rounded_as_on_the_card():
    assert tell_ratio(0.96425) == "0.9642"
    assert tell_ratio(2.302585) == "2.3026"


def test_stages_that_differ_in_numbers_alone_are_of_a_kind():
    assert kind_of_stage("reading images: 4,000 of 10,000") == kind_of_stage(
        "reading images: 10,000 of 10,000"
    )
    assert kind_of_stage("a: loading the data") != kind_of_stage("b: loading the data")
