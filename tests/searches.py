"""Whole searches with scripted workers: every strategy, its journal in a folder of its own."""

from __future__ import annotations

import shutil
import threading
from types import SimpleNamespace

import numpy as np
import yaml
from scripted import ScriptedWorkers

from lenetml.search.crew import Crew
from lenetml.search.journal import JOURNAL_NAME, Journal
from lenetml.search.keeping import Keeping
from lenetml.search.loop import run_search
from lenetml.search.replay import Past, replay
from lenetml.search.strategy import make_asker, n_winners, task_of
from lenetml.spec import load_spec

BASE = {
    "name": "scripted",
    "seed": 11,
    "data": {"dataset": "digits"},
    "search_space": {
        "kind": {"values": ["small", "large", "deep"]},
        "units": {"min": 2, "max": 9, "when": {"kind": ["large", "deep"]}},
        "rate": {"values": [0.1, 0.2], "when": {"kind": "deep"}},
        "size": {"values": [3, 5]},
        "learning_rate": {"values": [0.1, 0.01, 0.001]},
    },
    "architecture": [
        {"conv2d": {"filters": 2, "kernel_size": "$size"}},
        {"conv2d": {"filters": 2, "kernel_size": 5, "when": {"kind": "small"}}},
        "flatten",
        {"dense": {"units": "$units", "when": {"kind": ["large", "deep"]}}},
        {"dropout": {"rate": "$rate", "when": {"kind": "deep"}}},
    ],
    "training": {"epochs": 9, "learning_rate": "$learning_rate"},
}
STRATEGIES = {
    "random": {"strategy": "random", "trials": 9},
    "grid": {"strategy": "grid", "trials": 9},
    "bayesian": {"strategy": "bayesian", "trials": 6, "bayesian": {"initial_points": 3}},
    "hyperband": {"strategy": "hyperband"},
    "screening": {"strategy": "random", "trials": 7, "screening": {"epochs": 2, "keep": 3}},
    "executions": {"strategy": "random", "trials": 4, "executions_per_trial": 3},
    "both": {
        "strategy": "random",
        "trials": 9,
        "executions_per_trial": 2,
        "screening": {"epochs": 4, "keep": 7},
    },
}
# What a spec says beside its search.
CHANGES = {"both": {"training": {**BASE["training"], "early_stopping": {"patience": 2}}}}


def spec_of(folder, search, **changes):
    """A checked spec with this search."""
    path = folder / "spec.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump({**BASE, **changes, "search": search}, sort_keys=False))
    return load_spec(path)


def data_of(spec):
    """What the search asks of data: shapes and numbers."""
    part = SimpleNamespace(labels=np.zeros(100, dtype=np.int64))
    return SimpleNamespace(
        train=part, val=part, classes=spec.facts.classes, input_shape=spec.facts.input_shape
    )


def search(
    spec, folder, workers=None, *, accepts=False, listeners=(), stop=None, trial_time_limit=None,
    warn=print, change_asker=lambda asker: asker, open_journal=Journal,
):  # fmt: skip
    """One life of a search in a folder; what the folder holds is gone on from."""
    workers = workers or ScriptedWorkers()
    for kind in ("weights", "predictions", "states"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    data = data_of(spec)
    task = task_of(spec, data)
    asker = change_asker(make_asker(spec, data))
    with open_journal(folder / JOURNAL_NAME) as journal:
        past = Past()
        if journal.events:
            past = replay(journal.events, asker, accepts=accepts, on_progress=lambda n: None)
        keeping = Keeping(
            lambda kind, name: folder / kind / f"{name}.npz",
            task.direction,
            task.executions,
            n_winners(spec.document.search),
        )
        keeping.remember(past.trials.values())
        stop = stop or threading.Event()
        crew = Crew(workers, journal, stop, past.attempts, trial_time_limit, warn)
        return run_search(task, asker, crew, journal, keeping, past, tuple(listeners))


class CopiedJournal(Journal):
    """Keeps a copy of its folder as it is before and after every event: what a kill there leaves.

    Args:
        path: Of the journal.
        copies: Where the copies go.
    """

    def __init__(self, path, copies):
        super().__init__(path)
        self._copies = copies

    def append(self, event, **facts):
        self._copy()
        super().append(event, **facts)
        self._copy()

    def _copy(self):
        number = len(list(self._copies.iterdir()))
        shutil.copytree(self.path.parent, self._copies / f"{number:04d}")


def shown(result):
    """What two lives of a search must agree in."""
    return [
        (trial.number, trial.status, trial.values, trial.seed, trial.objective, trial.history,
         trial.images_trained, trial.reason, [each.seed for each in trial.executions])
        for trial in result.trials
    ]  # fmt: skip
