"""What the mirror tells W&B, offline; what it wrote is read back."""

from __future__ import annotations

import pytest
from mirrored import (
    GROUP,
    history_rows,
    make_home,
    make_run_folder,
    mirror_one_trial,
    open_the_mirror,
)
from told_trials import HISTORY, VALUES, trial_record, trial_start
from wandb_files import read_runs

from lenetml.spec.sections import Wandb


@pytest.fixture
def home(tmp_path, monkeypatch):
    return make_home(tmp_path, monkeypatch)


@pytest.fixture
def run_folder(tmp_path, home, monkeypatch):
    return make_run_folder(tmp_path, monkeypatch)


@pytest.fixture
def warnings():
    return []


def test_a_trial_reads_back_as_it_was_told(run_folder, warnings):
    section = Wandb(project="GMNet-sweep", entity="a-team", mode="offline", tags=["mnist", "demo"])
    mirror = open_the_mirror(section, run_folder, warnings.append)
    mirror_one_trial(mirror)
    mirror.close()
    told = read_runs(run_folder)["gmnet-trial-01"]
    assert told.run.project == "GMNet-sweep"
    assert told.run.entity == "a-team"
    assert told.run.run_group == GROUP
    assert told.run.job_type == "trial"
    assert list(told.run.tags) == ["mnist", "demo"]
    assert told.config == VALUES | {"seed": 4711}
    assert told.history == history_rows()
    assert told.exit_code == 0
    last = {name: series[-1] for name, series in HISTORY.items()}
    assert told.summary == last | {
        "epoch": 2,
        "status": "completed",
        "objective": 0.85,
        "best_epoch": 2,
        "parameters": 61706,
        "macs": 416520,
        "seconds": 1.5,
        "val_accuracy": 0.85,
        "val_precision": 0.86,
        "val_recall": 0.84,
        "val_f1": 0.83,
    }
    assert warnings == []
    assert mirror.counts() == (0, 1)


def test_a_failed_trial_is_marked_as_failed(run_folder, warnings):
    section = Wandb(project="p", mode="offline")
    mirror = open_the_mirror(section, run_folder, warnings.append)
    mirror.trial_started(trial_start(3))
    mirror.epoch_ended(3, 1, 1, {"loss": float("nan")})
    mirror.trial_ended(
        trial_record(
            3, status="failed", reason="non_finite", history={}, objective=None, val=None,
            best_epoch=None,
        )
    )  # fmt: skip
    mirror.close()
    told = read_runs(run_folder)["gmnet-trial-03"]
    assert told.exit_code == 1
    assert told.summary["status"] == "failed"
    assert told.summary["reason"] == "non_finite"
    assert "objective" not in told.summary
    assert len(told.history) == 1


def test_trials_may_overlap_and_may_be_told_only_at_their_end(run_folder, warnings):
    section = Wandb(project="p", mode="offline")
    mirror = open_the_mirror(section, run_folder, warnings.append)
    mirror.trial_started(trial_start(1, {"units": 10}, seed=1))
    mirror.trial_started(trial_start(2, {"units": 20}, seed=2))
    mirror.epoch_ended(2, 1, 1, {"loss": 2.0})
    mirror.epoch_ended(1, 1, 1, {"loss": 1.0})
    mirror.trial_ended(trial_record(2, history={"loss": [2.0, 1.5]}))
    mirror.trial_ended(trial_record(5))
    mirror.close()
    runs = read_runs(run_folder)
    assert list(runs) == ["gmnet-trial-01", "gmnet-trial-02", "gmnet-trial-05"]
    assert [told.exit_code for told in runs.values()] == [1, 0, 0]
    assert [told.config["seed"] for told in runs.values()] == [1, 2, 4711]
    assert runs["gmnet-trial-01"].history == [{"epoch": 1, "loss": 1.0}]
    assert runs["gmnet-trial-02"].history == [{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": 1.5}]
    assert runs["gmnet-trial-05"].history == history_rows()
    assert runs["gmnet-trial-01"].summary["status"] == "interrupted"
    assert mirror.counts() == (0, 2)


def test_ids_are_stable_and_a_repeated_trial_replaces_its_first_try(run_folder, warnings):
    section = Wandb(project="p", mode="offline")
    ids = []
    for loss in (1.0, 2.0):
        mirror = open_the_mirror(section, run_folder, warnings.append)
        mirror.trial_started(trial_start(1))
        mirror.epoch_ended(1, 1, 1, {"loss": loss})
        mirror.close()
        ids += [told.run.run_id for told in read_runs(run_folder).values()]
    assert len(ids) == 2
    assert ids[0] == ids[1]
    assert read_runs(run_folder)["gmnet-trial-01"].history == [{"epoch": 1, "loss": 2.0}]


def test_a_trial_that_goes_on_is_one_whole_run(run_folder, warnings):
    """As of a promotion by hyperband, in the same life and in the next one."""
    section, journal = Wandb(project="p", mode="offline"), []
    longer = {name: [*series, 0.5] for name, series in HISTORY.items()}
    mirror = open_the_mirror(section, run_folder, warnings.append, journal)
    mirror_one_trial(mirror, status="stopped")
    mirror_one_trial(mirror, 2, status="stopped")
    mirror.trial_started(trial_start(1, history=HISTORY))
    mirror.epoch_ended(1, 1, 3, dict.fromkeys(HISTORY, 0.5))
    mirror.trial_ended(trial_record(1, history=longer))
    mirror.close()
    assert mirror.counts() == (0, 2)

    mirror = open_the_mirror(section, run_folder, warnings.append, journal)
    mirror.trial_started(trial_start(2, history=HISTORY))
    mirror.epoch_ended(2, 1, 3, dict.fromkeys(HISTORY, 0.5))
    mirror.trial_ended(trial_record(2, history=longer))
    mirror.close()
    assert mirror.counts() == (0, 2)

    assert len(list(run_folder.glob("wandb/offline-run-*"))) == 2
    for told in read_runs(run_folder).values():
        assert told.history == [*history_rows(), {"epoch": 3, **dict.fromkeys(HISTORY, 0.5)}]
        assert (told.exit_code, told.summary["status"]) == (0, "completed")
    assert warnings == []


def test_a_trial_of_several_trainings_is_told_at_its_end(run_folder, warnings):
    section = Wandb(project="p", mode="offline")
    mirror = open_the_mirror(section, run_folder, warnings.append)
    mirror.trial_started(trial_start(1, executions=2, history={"loss": [9.0]}))
    mirror.epoch_ended(1, 2, 2, {"loss": 8.0})
    mirror.epoch_ended(1, 1, 2, {"loss": 7.0})
    mirror.trial_ended(trial_record(1, seed=5))
    mirror.close()
    told = read_runs(run_folder)["gmnet-trial-01"]
    assert told.history == history_rows()
    assert told.config["seed"] == 5


def test_a_training_that_begins_again_leaves_no_row_twice(run_folder, warnings):
    section = Wandb(project="p", mode="offline")
    mirror = open_the_mirror(section, run_folder, warnings.append)
    mirror.trial_started(trial_start(1))
    for epoch in (1, 2, 1, 2, 3):
        mirror.epoch_ended(1, 1, epoch, {"loss": float(epoch)})
    mirror.trial_ended(trial_record(1, history={"loss": [1.0, 2.0, 3.0]}))
    mirror.close()
    rows = [{"epoch": epoch, "loss": float(epoch)} for epoch in (1, 2, 3)]
    assert read_runs(run_folder)["gmnet-trial-01"].history == rows


def test_trials_of_earlier_lives_are_counted(run_folder, warnings):
    section, journal = Wandb(project="p", mode="offline"), []
    for number in (1, 2):
        mirror = open_the_mirror(section, run_folder, warnings.append, journal)
        mirror_one_trial(mirror, number)
        mirror.close()
    assert mirror.counts() == (0, 2)
