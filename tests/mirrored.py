"""What the tests of the mirror share: a run's folder far from the user's home, and a told trial."""

from __future__ import annotations

import os

from told_trials import HISTORY, trial_record, trial_start

CANARY = "c0ffee0123456789c0ffee0123456789deadbeef"
GROUP = "gmnet-1a2b3c4d"
SYNC = "send with, in the run's folder: wandb sync wandb/offline-run-*"


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


def contents(folder):
    """All bytes below a folder."""
    return b"\n".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
