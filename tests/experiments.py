"""Whole experiments on a few digits: a place to run specs in, and somebody who hears of it."""

from __future__ import annotations

import json
import os
import threading
from contextlib import contextmanager

import numpy as np
import pytest
import yaml
from sklearn.datasets import load_digits

from lenetml.trial.threads import use_one_thread

use_one_thread()

from lenetml.experiment import Options, run  # noqa: E402
from lenetml.search.hiring import Hiring  # noqa: E402
from lenetml.search.journal import JOURNAL_NAME, encode, read_journal  # noqa: E402
from lenetml.spec import load_spec  # noqa: E402
from lenetml.trial.data import load_data  # noqa: E402

# The second trial learns, the others next to nothing: which one wins is sure on every machine.
RATES = """\
name: rates
seed: 5
data: {path: digits.npz, split: {train: 90, val: 60, test: 60}}
search_space: {rate: {values: [1.0e-7, 0.02, 1.0e-6]}}
architecture: [flatten, dense: {units: 12, activation: relu}]
training: {epochs: 3, batch_size: 10, learning_rate: $rate}
search: {strategy: grid, trials: 3}
energy: false
"""
COMMAND = "lenetml run spec.yaml"
IMAGES_OF_ONE = 270
# What two runs of one spec may differ in: time, energy, and where and when they ran.
TIMES = {
    "started_at", "energy", "mirror", "environment.workers", "search.seconds", "trials.seconds",
    "trials.core_seconds",
    "trials.executions.seconds", "trials.executions.core_seconds", "seeds.seconds",
    "seeds.core_seconds", "seeds.test.opened_at", "earlier_tests.test.opened_at", "cost.seconds",
    "cost.core_seconds", "test.opened_at", "baselines.test.opened_at", "best.model_sha256",
}  # fmt: skip
LIVES = TIMES | {"search.continuations"}


class Follower:
    """Keeps what it hears."""

    def __init__(self):
        self.heard = []

    def stage(self, text):
        self.heard.append(("stage", text))

    def search_started(self, start):
        self.earlier = [trial.number for trial in start.earlier]
        n_done = len(start.earlier)
        self.heard.append(
            ("search", start.name, start.trials, n_done, start.n_slots, start.direction)
        )

    def trial_started(self, start):
        self.heard.append(("started", start.number))

    def epoch_ended(self, number, execution, epoch, metrics):
        self.heard.append(("epoch", number, epoch))

    def trial_ended(self, trial):
        self.heard.append(("ended", trial.number, trial.status))

    def warn(self, text):
        self.heard.append(("warning", text))

    def of(self, kind):
        """What it heard of one kind."""
        return [event[1:] for event in self.heard if event[0] == kind]

    @property
    def kinds(self):
        return {kind for kind, *_ in self.heard}


class StopsAfter(Follower):
    """Wants an end after so many ends of trials.

    Args:
        n_trials: So many.
    """

    def __init__(self, n_trials):
        super().__init__()
        self.stop, self._left = threading.Event(), n_trials

    def trial_ended(self, trial):
        super().trial_ended(trial)
        self._left -= 1
        if self._left == 0:
            self.stop.set()


class Place:
    """A folder with three kinds of digits, specs, and the runs made of them.

    Args:
        folder: May hold all of them already.
    """

    def __init__(self, folder):
        self.folder, self.out = folder, folder / "runs"
        self.follower = Follower()
        if not (folder / "digits.npz").exists():
            self.draw()

    def draw(self, change=0):
        """Write the data; another change is another pixel."""
        images, labels = load_digits(n_class=3, return_X_y=True)
        images = np.rint(images * 255 / 16).astype(np.uint8).reshape(-1, 8, 8)
        images[0, 0, 0] += change
        np.savez(self.folder / "digits.npz", x_train=images[:300], y_train=labels[:300])

    def write(self, text):
        path = self.folder / f"{yaml.safe_load(text)['name']}.yaml"
        path.write_text(text)
        return path

    def load(self, text, *changes):
        return load_spec(self.write(text), changes)

    def data(self, text):
        """The data of a spec."""
        spec = self.load(text)
        return load_data(spec.document.data, spec.document.seed, self.folder)

    def run(self, text, *changes, workers=0, follower=None, stop=None, **options):
        """Run a spec, in this process where nothing else is said."""
        self.follower = follower or Follower()
        options = Options(self.out, COMMAND, COMMAND, hiring=Hiring(workers), **options)
        stop = stop or getattr(self.follower, "stop", threading.Event())
        return run(self.load(text, *changes), options, self.follower, stop)

    def looks(self):
        lines = (self.out / "test-looks.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]


def journal_of(folder):
    return read_journal(folder / JOURNAL_NAME)


def write_journal(folder, events):
    (folder / JOURNAL_NAME).write_bytes(b"".join(map(encode, events)))


def names_of(events):
    """What happened, without the notes of what was spent."""
    return [event["event"] for event in events if event["event"] != "spent"]


def files(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def apart_from(keys, record, prefix=""):
    """A record as plain values without some of them, named `trials.seconds` and so on."""
    document = record if isinstance(record, dict | list) else record.model_dump(mode="json")
    if isinstance(document, list):
        return [
            apart_from(keys, item, prefix) if isinstance(item, dict | list) else item
            for item in document
        ]
    return {
        key: apart_from(keys, value, f"{prefix}{key}.") if isinstance(value, dict | list) else value
        for key, value in document.items()
        if f"{prefix}{key}" not in keys
    }


@contextmanager
def quiet_home(home):
    """A home and an environment without any trace of W&B."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
            patch.setenv(name, str(home))
        for name in [name for name in os.environ if name.startswith("WANDB_")]:
            patch.delenv(name)
        yield
