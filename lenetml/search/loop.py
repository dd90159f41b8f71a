"""The search loop: ask, train, tell; every event in the journal before anybody hears of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from lenetml.errors import LenetmlError, TrialError
from lenetml.record import TrialRecord
from lenetml.search.journal import Journal
from lenetml.search.oracle import Ask, Asker

Direction = Literal["max", "min"]


class Listener(Protocol):
    """Somebody who follows a search: the mirror, a progress display."""

    def trial_started(self, number: int, values: Mapping[str, Any], seed: int, epochs: int) -> None:
        """A trial begins; `epochs` is the most it will run."""

    def epoch_ended(self, number: int, epoch: int, metrics: Mapping[str, float]) -> None:
        """An epoch of a trial is over; `epoch` counts from 1."""

    def trial_ended(self, trial: TrialRecord) -> None:
        """A trial is over, whatever became of it."""


@dataclass(frozen=True)
class TrialPlan:
    """What a trial is before it runs.

    Args:
        seed: Of its weights, order and augmentation.
        epochs_limit: Epochs that its values ask for.
        images_per_epoch: Images that one epoch trains on.
        parameters: Of its network.
        macs: Multiply-accumulates of its network for one image.
    """

    seed: int
    epochs_limit: int
    images_per_epoch: int
    parameters: int
    macs: int


OnEpoch = Callable[[int, Mapping[str, float]], None]
Plan = Callable[[Ask], TrialPlan]
Train = Callable[[Ask, TrialPlan, OnEpoch], TrialRecord]


@dataclass(frozen=True)
class SearchResult:
    """All trials in order, and why there are no more."""

    trials: tuple[TrialRecord, ...]
    ended: Literal["trials", "exhausted"]


def run_search(
    asker: Asker,
    journal: Journal,
    plan: Plan,
    train: Train,
    listeners: tuple[Listener, ...],
) -> SearchResult:
    """Run trials until the asker has none left.

    A trial that cannot go on is failed with its reason and the search continues; any other
    exception, an interrupt too, ends the search after the journal has closed the trial.

    Args:
        asker: Proposes trials.
        journal: Gets every event first.
        plan: Says what a trial will be.
        train: Runs one trial to a completed record and keeps its weights.
        listeners: Hear of every event after the journal.
    """
    trials: list[TrialRecord] = []
    try:
        while isinstance(ask := asker.ask(), Ask):
            journal.append("asked", trial=ask.number, values=ask.point)
            trial = _run_trial(ask, journal, plan(ask), train, listeners)
            asker.tell(ask, trial.objective)
            trials.append(trial)
            for listener in listeners:
                listener.trial_ended(trial)
    except BaseException:
        journal.append("search_ended", reason="interrupted")
        raise
    journal.append("search_ended", reason=ask)
    return SearchResult(tuple(trials), ask)


def _run_trial(
    ask: Ask, journal: Journal, plan: TrialPlan, train: Train, listeners: tuple[Listener, ...]
) -> TrialRecord:
    """Run one trial to its record, from its first event to its last."""
    journal.append("trial_started", trial=ask.number, seed=plan.seed)
    watch = _Watch(ask, plan, listeners)
    try:
        watch.started()
        trial = train(ask, plan, watch.epoch_ended)
    except TrialError as error:
        trial = watch.unfinished("failed", error.reason, error.message)
    except BaseException as error:
        is_bug = not isinstance(error, KeyboardInterrupt | LenetmlError)
        trial = watch.unfinished("interrupted", "bug" if is_bug else "interrupted", None)
        journal.append("trial_ended", **trial.model_dump(mode="json"))
        raise
    journal.append("trial_ended", **trial.model_dump(mode="json"))
    return trial


def choose(trials: tuple[TrialRecord, ...], direction: Direction) -> TrialRecord | None:
    """The best completed trial; ties go to fewer parameters, then to the earlier trial."""
    sign = 1 if direction == "min" else -1
    completed = [trial for trial in trials if trial.objective is not None]

    def rank(trial: TrialRecord) -> tuple[float, int, int]:
        assert trial.objective is not None
        return (sign * trial.objective, trial.parameters, trial.number)

    return min(completed, key=rank, default=None)


class _Watch:
    """Follows one trial, so that it leaves its cost and its epochs behind even where it fails."""

    def __init__(self, ask: Ask, plan: TrialPlan, listeners: tuple[Listener, ...]) -> None:
        self._ask, self._plan, self._listeners = ask, plan, listeners
        self._history: dict[str, list[float]] = {}
        self._epochs = 0
        self._begun_seconds = time.perf_counter()
        self._begun_core_seconds = time.process_time()

    def started(self) -> None:
        """Tell the listeners."""
        for listener in self._listeners:
            listener.trial_started(
                self._ask.number, self._ask.point, self._plan.seed, self._plan.epochs_limit
            )

    def epoch_ended(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Note an epoch and tell the listeners."""
        self._epochs = epoch
        for name, value in metrics.items():
            self._history.setdefault(name, []).append(value)
        for listener in self._listeners:
            listener.epoch_ended(self._ask.number, epoch, metrics)

    def unfinished(
        self, status: Literal["failed", "interrupted"], reason: str, message: str | None
    ) -> TrialRecord:
        """The record of a trial without a result: it has a status and a reason, never a zero."""
        return TrialRecord(
            number=self._ask.number,
            status=status,
            values=self._ask.point,
            seed=self._plan.seed,
            objective=None,
            epochs=self._epochs,
            epochs_limit=self._plan.epochs_limit,
            best_epoch=None,
            history=self._history,
            val=None,
            parameters=self._plan.parameters,
            macs=self._plan.macs,
            images_trained=self._epochs * self._plan.images_per_epoch,
            seconds=time.perf_counter() - self._begun_seconds,
            core_seconds=time.process_time() - self._begun_core_seconds,
            guessing=None,
            reason=reason,
            message=message,
        )
