"""What a search costs beside training: ask, journal, keep, tell, with an objective of no time.

    python benchmarks/search_overhead.py random 100 1000 10000
    python benchmarks/search_overhead.py bayesian 25 50 100

Prints milliseconds a trial, of which those of the journal's and the files' syncs apart, and how
the memory of the process grew. The folder of the run lies under TMPDIR.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import threading
import time
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from lenetml.search.crew import Crew
from lenetml.search.jobs import Job, Outcome
from lenetml.search.journal import JOURNAL_NAME, Journal
from lenetml.search.keeping import Keeping
from lenetml.search.loop import run_search
from lenetml.search.replay import Past, replay
from lenetml.search.strategy import make_asker, n_winners, task_of
from lenetml.spec import load_spec

SPEC = """\
name: stub
data: {{dataset: digits}}
search_space:
  a: {{min: 1, max: 100}}
  b: {{min: 1, max: 100}}
  c: {{min: 1, max: 100}}
  learning_rate: {{{rate}}}
architecture: [flatten, dense: {{units: $a}}, dense: {{units: $b}}, dense: {{units: $c}}]
training: {{epochs: 1, learning_rate: $learning_rate}}
search: {{strategy: {strategy}, trials: {trials}}}
"""
RATES = {
    "random": "min: 0.0001, max: 0.1, distribution: log_uniform_values",
    "bayesian": "min: 0.0001, max: 0.1, distribution: log_uniform_values",
    "grid": "values: [0.1, 0.01, 0.001, 0.0001]",
}


class StubWorkers:
    """Give an outcome at once; the weights are those of a small network in size."""

    is_in_driver = True
    n_slots = 2

    def __init__(self) -> None:
        self._weights = bytes(250_000)
        self._predictions = bytes(20_000)

    def submit(self, job: Job, on_epoch: Any) -> Future[Any]:
        """Do nothing, at once."""
        on_epoch(1, {"loss": 1.0, "val_accuracy": 0.5})
        done: Future[Any] = Future()
        score = job.seed % 10_007 / 10_007
        history = {"loss": [1.0], "val_accuracy": [score]}
        done.set_result(
            Outcome(
                history,
                score,
                1,
                None,
                self._weights,
                self._predictions,
                None,
                100,
                0.0,
                0.0,
                interrupted=False,
            )  # fmt: skip
        )
        return done

    def wait(self, running: Any, seconds: float) -> set[Any]:
        """All are done."""
        return set(running)

    def end_after_epoch(self) -> None:
        """There is nothing to end."""


def measure(strategy: str, trials: int, folder: Path) -> dict[str, float]:
    """Run a search of so many trials, and go on with it once."""
    path = folder / "spec.yaml"
    path.write_text(SPEC.format(strategy=strategy, trials=trials, rate=RATES[strategy]))
    spec = load_spec(path)
    part = SimpleNamespace(labels=np.zeros(100, dtype=np.int64))
    data: Any = SimpleNamespace(
        train=part, val=part, classes=tuple("0123456789"), input_shape=(8, 8, 1)
    )
    for kind in ("weights", "predictions", "states"):
        (folder / kind).mkdir()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.perf_counter()
    with Journal(folder / JOURNAL_NAME) as journal:
        _life(spec, data, folder, journal, Past())
    seconds = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.perf_counter()
    with Journal(folder / JOURNAL_NAME) as journal:
        asker = make_asker(spec, data)
        replay(journal.events, asker, accepts=False, on_progress=lambda n: None)
    return {
        "ms_a_trial": 1000 * seconds / trials,
        "ms_a_trial_replayed": 1000 * (time.perf_counter() - begun) / trials,
        "mib_grown": (after - before) / 1024,
    }


def _life(spec: Any, data: Any, folder: Path, journal: Journal, past: Past) -> None:
    task = task_of(spec, data)
    keeping = Keeping(
        lambda kind, name: folder / kind / f"{name}.npz",
        task.direction,
        task.executions,
        n_winners(spec.document.search),
    )
    crew = Crew(StubWorkers(), journal, threading.Event(), {}, None, print)  # type: ignore[arg-type]
    run_search(task, make_asker(spec, data), crew, journal, keeping, past, ())


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("strategy", choices=sorted(RATES))
    parser.add_argument("trials", type=int, nargs="+")
    arguments = parser.parse_args()
    for trials in arguments.trials:
        with tempfile.TemporaryDirectory() as folder:
            found = measure(arguments.strategy, trials, Path(folder))
        told = ", ".join(f"{name} {value:.2f}" for name, value in found.items())
        print(f"{arguments.strategy} {trials}: {told}", flush=True)
    sys.exit()


if __name__ == "__main__":
    main()
