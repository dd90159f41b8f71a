"""What the tests of the mirror share: a run's folder far from the user's home, and a told trial."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from told_trials import HISTORY, trial_record, trial_start
from wandb_files import read_runs

from lenetml.mirror.ledger import Ledger
from lenetml.mirror.live import open_mirror
from lenetml.record import read_record
from lenetml.search.journal import JOURNAL_NAME, read_journal

CANARY = "c0ffee0123456789c0ffee0123456789deadbeef"
GROUP = "gmnet-1a2b3c4d"
SYNC = f"{GROUP}/wandb/offline-run-*"


def make_home(tmp_path, monkeypatch):
    """Make a home without any trace of W&B, and drop every variable of it."""
    folder = tmp_path / "home"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(folder))
    monkeypatch.delenv("NETRC", raising=False)
    return folder


def make_run_folder(tmp_path, monkeypatch):
    """Make the folder of a run, which is not the working folder."""
    folder = tmp_path / "runs" / GROUP
    folder.mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return folder


def open_the_mirror(section, folder, warn, journal=None, identity="a search"):
    """Open the mirror of a run whose journal is a list."""
    journal = [] if journal is None else journal

    def append(event, **facts):
        journal.append({"event": event, **facts})

    return open_mirror(section, folder, "gmnet", identity, Ledger(list(journal), append), warn)


def mirror_one_trial(mirror, number=1, **changes):
    """Tell a mirror of a trial from its beginning to its end."""
    mirror.trial_started(trial_start(number))
    for epoch in (1, 2):
        metrics = {name: series[epoch - 1] for name, series in HISTORY.items()}
        mirror.epoch_ended(number, 1, epoch, metrics)
    mirror.trial_ended(trial_record(number, **changes))


def history_rows():
    """The history of that trial as W&B has it."""
    return [
        {"epoch": i + 1, **{name: series[i] for name, series in HISTORY.items()}} for i in range(2)
    ]


@dataclass
class Seen:
    """One run as W&B has it, wherever that is."""

    group: str
    job_type: str
    tags: list[str]
    config: dict[str, Any]
    history: list[dict[str, Any]]
    summary: dict[str, Any]
    exit_code: int | None


def seen_online(server):
    """The runs that a server was told of, by name."""
    return {
        it.name: Seen(
            it.group, it.job_type, list(it.tags), it.config, list(it.history), it.summary,
            it.exit_code,
        )
        for it in server.runs.values()
    }  # fmt: skip


def seen_offline(folder):
    """The offline runs of a run's folder, by name."""
    return {
        name: Seen(
            it.run.run_group, it.run.job_type, list(it.run.tags), it.config, it.history,
            it.summary, it.exit_code,
        )
        for name, it in read_runs(folder).items()
    }  # fmt: skip


def contents(folder):
    """All bytes below a folder."""
    return b"\n".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def assert_tells(runs, folder):
    """Compare what W&B was told with the journal and the record of a run, value by value.

    Args:
        runs: By name, each with config, history, summary and exit code.
        folder: Of the run.
    """
    latest = {
        event["record"]["number"]: event["record"]
        for event in read_journal(folder / JOURNAL_NAME)
        if event["event"] == "trial_ended"
    }
    record = read_record(folder)
    expected = {f"{record.name}-trial-{number:02d}" for number in latest}
    assert set(runs) == {*expected, f"{record.name}-evaluation"}
    for number, trial in latest.items():
        told = runs[f"{record.name}-trial-{number:02d}"]
        assert told.config == {**trial["values"], "seed": trial["seed"]}
        assert [row.pop("epoch") for row in told.history] == list(range(1, trial["epochs"] + 1))
        names = trial["history"]
        assert told.history == [
            {name: names[name][epoch] for name in names} for epoch in range(trial["epochs"])
        ]
        for name in ("status", "objective", "best_epoch", "parameters", "macs", "seconds"):
            assert told.summary.get(name) == trial[name]
        for name in ("accuracy", "precision", "recall", "f1"):
            assert told.summary.get(f"val_{name}") == (trial["val"] or {}).get(name)
        assert told.exit_code == (0 if trial["status"] in ("completed", "stopped") else 1)
    _assert_tells_evaluation(runs[f"{record.name}-evaluation"], record)


def _assert_tells_evaluation(told, record):
    summary, test = told.summary, record.test
    assert told.config["seed"] == next(
        trial.seed for trial in record.trials if trial.number == record.best.number
    )
    assert (summary["trial"], summary["trials"]) == (record.best.number, len(record.trials))
    assert summary["test_correct"] / summary["test_n"] == summary["test_accuracy"]
    low, high = summary["test_accuracy_low"], summary["test_accuracy_high"]
    assert [low, high] == test.accuracy_interval
    assert (summary["test_f1"], summary["test_look"]) == (test.f1, test.look)
    assert summary["selected_val_accuracy"] == record.best.val.accuracy
    assert summary["images_trained"] == record.cost.images_trained
    assert "confusion_matrix_table" in summary
