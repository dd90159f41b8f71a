"""A job: one training, or a part of one, as it travels to a worker, and what comes back.

Nothing heavy is imported here: a new worker reads these before it sets TensorFlow up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lenetml.record import Metrics
from lenetml.spec.sections import ConcreteSpec

History = Mapping[str, list[float]]


@dataclass(frozen=True)
class Beginning:
    """What a job goes on from.

    Args:
        history: Per epoch, of all epochs before.
        objective: Of the weights kept so far.
        best_epoch: Their epoch, from 1.
        state: `Outcome.state` of the job before.
    """

    history: History
    objective: float
    best_epoch: int
    state: bytes


@dataclass(frozen=True)
class Job:
    """One training, or a part of one.

    Args:
        concrete: What to train.
        seed: Of weights, order and augmentation.
        objective: What chooses the epoch.
        until: The epoch to end after, from 1.
        beginning: What it goes on from; None: it begins.
    """

    concrete: ConcreteSpec
    seed: int
    objective: str
    until: int
    beginning: Beginning | None = None


@dataclass(frozen=True)
class Outcome:
    """What a job left behind.

    Args:
        history: Per epoch, those before it included.
        objective: Of the kept weights.
        best_epoch: Their epoch, from 1.
        val: Their scores on validation; None, as weights and predictions, where those kept
            before are still the best.
        weights: As `pack_weights` writes them.
        predictions: As `pack_predictions` writes them.
        state: What the next job goes on from; None where the training is done.
        images_trained: By this job.
        seconds: Wall time of this job.
        core_seconds: CPU time of this job.
        interrupted: Stopped before it was done.
    """

    history: dict[str, list[float]]
    objective: float
    best_epoch: int
    val: Metrics | None
    weights: bytes | None
    predictions: bytes | None
    state: bytes | None
    images_trained: int
    seconds: float
    core_seconds: float
    interrupted: bool

    @property
    def epochs(self) -> int:
        """Epochs run, those before this job included."""
        return len(self.history["loss"])


@dataclass(frozen=True)
class Failed:
    """A job that could not go on.

    Args:
        reason: A short word: `non_finite`, `out_of_memory`, `worker_died`, `time_limit`.
        message: What happened, in one sentence.
        seconds: Wall time of this job.
        core_seconds: CPU time of this job; None: nobody knows.
    """

    reason: str
    message: str
    seconds: float
    core_seconds: float | None


def overdue(limit: float, seconds: float, core_seconds: float | None) -> Failed:
    """A job that took longer than it may, all in seconds."""
    return Failed("time_limit", f"it took longer than {limit:g} s", seconds, core_seconds)


OnEpoch = Callable[[int, Mapping[str, float]], None]
