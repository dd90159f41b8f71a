"""Jobs under way: begun, retried and ended in sight of the journal.

A worker that dies is tried once more, and every attempt is in the journal before it begins, so
that a job which kills its worker, or the whole machine, comes to an end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from lenetml.search.jobs import Failed, Job, OnEpoch, Outcome, overdue
from lenetml.search.journal import Journal
from lenetml.search.workers import Done, Workers

MAX_DEATHS = 2
# Attempts that ended with their driver: it was stopped, or the job took the machine down.
MAX_ATTEMPTS = 10
WAIT_SECONDS = 0.5
# Events of attempts that no record tells of; they tell themselves what these took.
CUT_SHORT = ("training_interrupted", "worker_died")

Kind = Literal["trial", "confirm", "seed"]


@dataclass(frozen=True)
class Key:
    """Which training: an execution of a trial, or one under another seed of a trial's values.

    Args:
        kind: What it is for.
        number: Of the trial.
        execution: From 1.
    """

    kind: Kind
    number: int
    execution: int


@dataclass(frozen=True)
class Attempts:
    """What a journal says of the attempts at a training that did not end.

    Args:
        begun: How many began.
        died: After how many the driver saw a worker dead.
    """

    begun: int = 0
    died: int = 0


class Stop(Protocol):
    """Whether the user wants the search to end after the epochs under way."""

    def is_set(self) -> bool:
        """Whether."""


@dataclass
class _UnderWay:
    key: Key
    job: Job
    images_per_epoch: int
    on_epoch: OnEpoch
    attempts: Attempts
    rows: list[Mapping[str, float]] = field(default_factory=list)

    @property
    def cost_of_a_death(self) -> dict[str, Any]:
        """What an attempt took whose worker died."""
        return {"images_trained": len(self.rows) * self.images_per_epoch, "core_seconds": None}


@dataclass(frozen=True)
class Ended:
    """A training that is over.

    Args:
        key: Which.
        result: What came of it.
        rows: Of the epochs of its last attempt.
    """

    key: Key
    result: Outcome | Failed
    rows: list[Mapping[str, float]]


class Crew:
    """The workers of one search, and what they do.

    Args:
        workers: Do the jobs.
        journal: Hears of every attempt before it begins.
        stop: Whether to end after the epochs under way.
        attempts: Those of the past.
        time_limit: Seconds that one training may take; None: as long as it likes.
        warn: Takes warnings.

    Attributes:
        core_seconds: CPU time of this crew's trainings, those included that were cut short.
    """

    def __init__(
        self,
        workers: Workers,
        journal: Journal,
        stop: Stop,
        attempts: Mapping[Key, Attempts],
        time_limit: float | None,
        warn: Callable[[str], None],
    ) -> None:
        self._workers, self._journal, self._stop = workers, journal, stop
        self._attempts = dict(attempts)
        self._time_limit, self._warn = time_limit, warn
        self._under_way: dict[Done, _UnderWay] = {}
        self._given_up: list[Ended] = []
        self._is_ending = False
        self._is_lowered = False
        self.core_seconds = 0.0

    @property
    def has_room(self) -> bool:
        """Whether another job can begin now."""
        return self.n_under_way < self._workers.n_slots and not self._stop.is_set()

    @property
    def n_under_way(self) -> int:
        """Jobs that did not end yet."""
        return len(self._under_way) + len(self._given_up)

    def begin(
        self,
        key: Key,
        job: Job,
        images_per_epoch: int,
        on_epoch: OnEpoch,
    ) -> None:
        """Begin a job where there is room.

        Args:
            key: Which training.
            job: What to do.
            images_per_epoch: Images that one epoch trains on.
            on_epoch: Is told of each epoch.
        """
        attempts = self._attempts.pop(key, Attempts())
        if attempts.died >= MAX_DEATHS or attempts.begun >= MAX_ATTEMPTS:
            message = f"its worker or the whole run died in each of {attempts.begun} attempts"
            self._given_up.append(Ended(key, Failed("worker_died", message, 0.0, None), []))
            return
        self._try(_UnderWay(key, job, images_per_epoch, on_epoch, attempts))

    def ended(self) -> Iterator[Ended]:
        """Wait a moment, and give the jobs that are over; those cut short are not among them.

        Raises:
            Exception: A bug, with the worker's traceback.
        """
        given_up, self._given_up = self._given_up, []
        yield from given_up
        if not self._under_way:
            return
        for done in self._workers.wait(self._under_way.keys(), WAIT_SECONDS):
            each = self._under_way.pop(done)
            result = done.result()
            if isinstance(result, Failed) and self._goes_on_after(result, each):
                continue
            self.core_seconds += result.core_seconds or 0.0
            if isinstance(result, Outcome) and result.interrupted:
                cost = {
                    "images_trained": result.images_trained,
                    "core_seconds": result.core_seconds,
                }
                self._note("training_interrupted", each, **cost)
                continue
            yield Ended(each.key, result, each.rows)
        yield from self._overdue()
        if self._stop.is_set() and not self._is_ending:
            self._is_ending = True
            self._workers.end_after_epoch()

    def _try(self, each: _UnderWay) -> None:
        """Begin an attempt."""
        each.attempts = Attempts(each.attempts.begun + 1, each.attempts.died)
        self._note(
            "training_started",
            each,
            attempt=each.attempts.begun,
            seed=each.job.seed,
            until=each.job.until,
        )
        each.rows = []

        def on_epoch(epoch: int, row: Mapping[str, float]) -> None:
            each.rows.append(row)
            each.on_epoch(epoch, row)

        self._under_way[self._workers.submit(each.job, on_epoch)] = each

    def _goes_on_after(self, failed: Failed, each: _UnderWay) -> bool:
        """Whether a failed job is tried again, or was ended with its search."""
        if failed.reason == "worker_died" and self._stop.is_set():
            # What ends a whole machine, or a job of a cluster, ends the workers as well.
            self._note("training_interrupted", each, **each.cost_of_a_death)
            return True
        if failed.reason in ("worker_died", "out_of_memory") and not self._is_lowered:
            # Memory is what side by side most often lacks.
            self._is_lowered = self._workers.drop_slot()
            if self._is_lowered:
                which = f"{each.key.kind} {each.key.number}: {failed.message}"
                self._warn(f"{which}; from now on {self._workers.n_slots} run at once")
        if failed.reason != "worker_died":
            return False
        each.attempts = Attempts(each.attempts.begun, each.attempts.died + 1)
        goes_on = each.attempts.died < MAX_DEATHS
        # The record of a training that fails tells the cost of its last attempt itself.
        cost = each.cost_of_a_death if goes_on else {}
        self._note("worker_died", each, message=failed.message, **cost)
        if goes_on:
            self._try(each)
        return goes_on

    def _overdue(self) -> Iterator[Ended]:
        """End the jobs that take too long."""
        if self._time_limit is None:
            return
        for done, each in list(self._under_way.items()):
            seconds = self._workers.seconds_of(done)
            if seconds > self._time_limit:
                self._workers.abandon(done)
                del self._under_way[done]
                yield Ended(each.key, overdue(self._time_limit, seconds, None), each.rows)

    def _note(self, event: str, each: _UnderWay, **facts: Any) -> None:
        self._journal.append(event, **vars(each.key), **facts)
