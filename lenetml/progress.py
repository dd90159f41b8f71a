"""Where a search stands and how fast it goes: a frozen value, and a new one after every event.

Moments are seconds of a clock that never goes back; the caller gives them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from lenetml.record import TrialRecord

if TYPE_CHECKING:
    from lenetml.search.asks import Direction
    from lenetml.search.loop import TrialStart

# Epochs are told in bursts, so that a shorter time says nothing of the speed.
LEAST_SECONDS = 2.0
IN_EVERY_HISTORY = ("loss", "accuracy", "val_loss", "val_accuracy")


@dataclass(frozen=True)
class Training:
    """A training under way.

    Args:
        start: Of its trial.
        execution: From 1; 0: none of the trial was heard of yet.
        epoch: The last that ended, those of earlier parts counted.
        objective: Its name, and its value after that epoch; None: before the first.
        heard: When that was.
    """

    start: TrialStart
    execution: int
    epoch: int
    objective: tuple[str, float] | None
    heard: float

    @property
    def share(self) -> float:
        """How much of its trial it has done by now, 0 to 1."""
        first = _epochs_before(self.start)
        n_epochs = max(1, self.start.epochs - first)
        return (self.epoch - first) / n_epochs / self.start.executions


@dataclass(frozen=True)
class Best:
    """The best trial so far."""

    number: int
    objective: float


@dataclass(frozen=True)
class _Moment:
    """How much was done by when, in trials and parts of trials."""

    seconds: float
    work: float


@dataclass(frozen=True)
class Progress:
    """Where a search stands.

    Args:
        name: Of the spec.
        trials: At most so many; None: nobody knows.
        n_slots: Trainings side by side.
        direction: Whether more or less of the objective is better.
        n_done: Trials that ended, in earlier lives too.
        best: None before a trial succeeded.
        goes_on: Whether trials may go on after they ended for now.
    """

    name: str
    trials: int | None
    n_slots: int
    direction: Direction
    n_done: int
    best: Best | None = None
    goes_on: bool = False
    _n_ended: int = 0
    _trainings: Mapping[tuple[int, int], Training] = field(default_factory=dict)
    _first: _Moment | None = None
    _last: _Moment | None = None

    @property
    def trainings(self) -> list[Training]:
        """What runs now, in the order of the trials.

        Nobody says when one of several trainings of a trial ends, but no more than `n_slots` run:
        those that were heard of last.
        """
        latest = sorted(self._trainings.values(), key=lambda each: each.heard)[-self.n_slots :]
        return sorted(latest, key=lambda each: (each.start.number, each.execution))

    @property
    def completed(self) -> float:
        """Trials that ended, and the parts that are done of those that run for the first time."""
        new = [each for each in self._trainings.values() if not _epochs_before(each.start)]
        return self.n_done + sum(each.share for each in new)

    @property
    def trials_per_minute(self) -> float | None:
        """Of this life, parts of trials counted; None: it is too early to say."""
        if self._first is None or self._last is None or self._last.work <= self._first.work:
            return None
        seconds = self._last.seconds - self._first.seconds
        if seconds < LEAST_SECONDS:
            return None
        return 60 * (self._last.work - self._first.work) / seconds

    def seconds_left(self, now: float) -> float | None:
        """Until all trials ended, if they go as those before; None: nobody can say."""
        speed = self.trials_per_minute
        if speed is None or self._last is None or self.trials is None or self.goes_on:
            return None
        under_way = self._last.work - self._n_ended
        left = 60 * (self.trials - self.n_done - under_way) / speed
        return max(0.0, left - (now - self._last.seconds))

    def trial_started(self, start: TrialStart, now: float) -> Progress:
        """A trial begins, or goes on."""
        n_before = _epochs_before(start)
        training = Training(start, 1 if start.executions == 1 else 0, n_before, None, now)
        key = (start.number, training.execution)
        goes_on = self.goes_on or n_before > 0
        return replace(self, _trainings={**self._trainings, key: training}, goes_on=goes_on)

    def epoch_ended(
        self, number: int, execution: int, epoch: int, metrics: Mapping[str, float], now: float
    ) -> Progress:
        """An epoch of a training is over."""
        trainings = dict(self._trainings)
        start = next(each.start for each in trainings.values() if each.start.number == number)
        trainings.pop((number, 0), None)
        name = _objective(metrics, self.direction)
        objective = (name, metrics[name]) if name in metrics else None
        trainings[number, execution] = Training(start, execution, epoch, objective, now)
        return replace(self, _trainings=trainings)._noted(now)

    def trial_ended(self, trial: TrialRecord, now: float) -> Progress:
        """A trial is over, or over for now."""
        mine = [each for each in self._trainings.values() if each.start.number == trial.number]
        others = {key: each for key, each in self._trainings.items() if key[0] != trial.number}
        is_counted = any(_epochs_before(each.start) for each in mine)
        return replace(
            self,
            n_done=self.n_done + (not is_counted),
            best=better(self.best, trial, self.direction),
            goes_on=self.goes_on or trial.status == "stopped",
            _n_ended=self._n_ended + 1,
            _trainings=others,
        )._noted(now)

    def _noted(self, now: float) -> Progress:
        # The clock starts at the first sign of life: before it, workers load TensorFlow.
        work = self._n_ended + sum(each.share for each in self._trainings.values())
        moment = _Moment(now, work)
        return replace(self, _first=self._first or moment, _last=moment)


def _epochs_before(start: TrialStart) -> int:
    return max(map(len, start.history.values()), default=0)


def _objective(metrics: Mapping[str, float], direction: Direction) -> str:
    """The name of what is searched for: what not every history has, or one of two that all have."""
    further = [name for name in metrics if name not in IN_EVERY_HISTORY]
    return further[0] if further else "val_accuracy" if direction == "max" else "val_loss"


def better(best: Best | None, trial: TrialRecord, direction: Direction) -> Best | None:
    """The better one of the best trial so far and another; of equal ones the best so far."""
    if trial.objective is None:
        return best
    sign = 1 if direction == "max" else -1
    if best is not None and sign * trial.objective <= sign * best.objective:
        return best
    return Best(trial.number, trial.objective)
