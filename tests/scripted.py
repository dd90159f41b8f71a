"""Workers of which a script says what comes out, and in which order: nothing is trained.

They stand for real ones where a test is about the search itself: its journal, its order, its
thousands of trials. Their contract is that of `lenetml.search.workers.Workers`.
"""

from __future__ import annotations

import hashlib
import io
from concurrent.futures import Future
from dataclasses import replace

import numpy as np

from lenetml.search.jobs import Failed, Outcome

FAILS = 3
"""One job in so many fails, by its seed."""


def number_of(*parts):
    """A whole number that depends on nothing but these."""
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return int.from_bytes(digest[:6], "big")


def score_of(job, epoch):
    """The objective of a job behind an epoch: by its seed, and a little better each epoch."""
    return 0.5 + 0.4 * (number_of("score", job.seed) % 10_000) / 10_000 + 0.001 * epoch


def last_epoch_of(job):
    """The epoch that a training ends after: by its seed, where it may stop early."""
    training = job.concrete.training
    if training.early_stopping is None:
        return training.epochs
    return 1 + number_of("early", job.seed) % training.epochs


def state_of(job, epoch):
    """What a job goes on from behind an epoch."""
    content = io.BytesIO()
    np.savez(content, [job.seed, epoch])
    return content.getvalue()


def outcome_of(job):
    """What a job leaves behind."""
    first = len(job.beginning.history["loss"]) if job.beginning else 0
    last = last_epoch_of(job)
    epochs = min(job.until, last)
    history = {
        "loss": [1.0 / epoch for epoch in range(1, epochs + 1)],
        "val_accuracy": [score_of(job, epoch) for epoch in range(1, epochs + 1)],
    }
    if job.beginning:
        assert job.beginning.history["loss"] == history["loss"][:first]
        assert job.beginning.state == state_of(job, first)
    return Outcome(
        history=history,
        objective=history["val_accuracy"][-1],
        best_epoch=epochs,
        val=None,
        weights=b"weights %d %d" % (job.seed, epochs),
        predictions=b"predictions",
        state=None if epochs == last else state_of(job, epochs),
        images_trained=100 * (epochs - first),
        seconds=0.5,
        core_seconds=0.5,
        interrupted=False,
    )


class ScriptedWorkers:
    """So many slots; one job at a time ends, in an order that the jobs alone decide.

    Args:
        n_slots: Jobs at once.
        fails: Whether some jobs fail.
        script: Another number is another order.
    """

    is_in_driver = False

    def __init__(self, n_slots=1, fails=False, script=0):
        self.n_slots, self._fails, self._script = n_slots, fails, script
        self._running = {}
        self.submitted = []

    def submit(self, job, on_epoch):
        assert len(self._running) < self.n_slots
        done = Future()
        self._running[done] = (job, on_epoch)
        self.submitted.append((job.seed, job.until))
        return done

    def wait(self, running, seconds):
        assert set(running) == set(self._running)
        done = min(self._running, key=lambda it: self._rank(self._running[it][0]))
        job, on_epoch = self._running.pop(done)
        if self._fails and job.seed % FAILS == 0:
            done.set_result(Failed("non_finite", "the loss is no longer finite", 0.1, 0.1))
            return {done}
        outcome = outcome_of(job)
        first = len(job.beginning.history["loss"]) if job.beginning else 0
        for epoch in range(first, outcome.epochs):
            on_epoch(epoch + 1, {name: rows[epoch] for name, rows in outcome.history.items()})
        done.set_result(outcome)
        return {done}

    def seconds_of(self, running):
        return 0.0

    def abandon(self, running):
        del self._running[running]

    def end_after_epoch(self):
        self.ends = True

    def drop_slot(self):
        if self.n_slots == 1:
            return False
        self.n_slots -= 1
        return True

    def close(self):
        self._running.clear()

    def _rank(self, job):
        return number_of("order", self._script, job.seed, job.until)


class CutsShort(ScriptedWorkers):
    """Has the user want an end in the middle of a job.

    Args:
        n_jobs: How many there are by then.
        stop: Is set.
    """

    def __init__(self, n_jobs, stop):
        super().__init__()
        self._n_jobs, self._stop = n_jobs, stop

    def wait(self, running, seconds):
        (done,) = super().wait(running, seconds)
        if len(self.submitted) == self._n_jobs:
            self._stop.set()
            done._result = replace(done.result(), interrupted=True)
        return {done}
