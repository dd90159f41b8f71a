"""Workers: what does jobs side by side. Here the contract, and jobs done in this very process."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection
from concurrent.futures import Future
from typing import Protocol, TypeAlias

from lenetml.search.jobs import Failed, Job, OnEpoch, Outcome, overdue
from lenetml.trial.parts import TrialParts

Done: TypeAlias = "Future[Outcome | Failed]"


class Workers(Protocol):
    """Some processes that do jobs, each with TensorFlow on one thread.

    A job ends as an `Outcome`, or `Failed`, for a worker that died too; an exception in its
    future is a bug. Everything is called from one thread.
    """

    is_in_driver: bool
    """Whether jobs run in the driver's own process."""

    @property
    def n_slots(self) -> int:
        """How many jobs run at once; it may be fewer for a while after a worker died."""

    def submit(self, job: Job, on_epoch: OnEpoch) -> Done:
        """Begin a job; at most `n_slots` run at once, and one more waits for its turn.

        Args:
            job: What to do.
            on_epoch: Is told of each epoch, from 1, within `wait` or `submit`.
        """

    def wait(self, running: Collection[Done], seconds: float) -> set[Done]:
        """Wait until a job is done, at most so long, and tell of the epochs meanwhile."""

    def seconds_of(self, running: Done) -> float:
        """How long a job has run; 0 where it waits for its turn."""

    def abandon(self, running: Done) -> None:
        """End one job at once; its future is not asked any more."""

    def end_after_epoch(self) -> None:
        """Have every job end after the epoch that it is in, later ones after their first."""

    def drop_slot(self) -> bool:
        """Run one job fewer at once from now on; false where only one is left."""

    def close(self) -> None:
        """End all workers at once."""


class InProcess:
    """Jobs done one after the other in this process, for debugging and the smallest machines.

    Args:
        data: Training and validation part.
        is_asked_to_stop: Is asked after each epoch.
        time_limit: Seconds that one job may take, looked at after each epoch; None: as long as it
            likes.
    """

    is_in_driver = True
    n_slots = 1

    def __init__(
        self,
        data: TrialParts,
        is_asked_to_stop: Callable[[], bool],
        time_limit: float | None = None,
    ) -> None:
        self._data = data
        self._is_asked_to_stop = is_asked_to_stop
        self._time_limit = math.inf if time_limit is None else time_limit
        self._ends = False

    def submit(self, job: Job, on_epoch: OnEpoch) -> Done:
        """Do a job to its end."""
        from lenetml.search.training import train_job

        begun = time.monotonic()

        def is_late() -> bool:
            return time.monotonic() - begun > self._time_limit

        def should_stop() -> bool:
            return self._ends or self._is_asked_to_stop() or is_late()

        done: Done = Future()
        try:
            result = train_job(job, self._data, on_epoch, should_stop)
            if isinstance(result, Outcome) and is_late():
                result = overdue(self._time_limit, result.seconds, result.core_seconds)
            done.set_result(result)
        except Exception as bug:
            done.set_exception(bug)
        return done

    def wait(self, running: Collection[Done], seconds: float) -> set[Done]:
        """Give all: they are done."""
        return set(running)

    def seconds_of(self, running: Done) -> float:
        """Nothing: it is done."""
        return 0.0

    def abandon(self, running: Done) -> None:
        """Do nothing: it is done."""

    def end_after_epoch(self) -> None:
        """Have the next jobs end after their first epoch."""
        self._ends = True

    def drop_slot(self) -> bool:
        """Refuse: there is one."""
        return False

    def close(self) -> None:
        """Do nothing."""
