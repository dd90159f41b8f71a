"""The search loop: ask, train, tell; what happened is in the journal before anybody hears of it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from lenetml.record import ExecutionRecord, TrialRecord
from lenetml.search.asks import Ask, Asker, Direction
from lenetml.search.crew import Crew, Ended, Key
from lenetml.search.jobs import Outcome
from lenetml.search.journal import Journal
from lenetml.search.keeping import Keeping
from lenetml.search.replay import Past
from lenetml.search.trials import (
    TrialPlan,
    execution_of,
    execution_record,
    failed_execution,
    job_of,
    trial_record,
)

Ending = Literal["trials", "exhausted", "time_limit", "interrupted"]


@dataclass(frozen=True)
class TrialStart:
    """A trial that begins, or goes on.

    Args:
        number: From 1.
        values: Its values.
        seed: Of its first execution.
        epochs: The epoch that it ends after for now.
        executions: How often it is trained.
        history: Of the epochs that it has run already.
    """

    number: int
    values: Mapping[str, Any]
    seed: int
    epochs: int
    executions: int
    history: Mapping[str, list[float]]


class Listener(Protocol):
    """Somebody who follows a search: the mirror, a progress display."""

    def trial_started(self, start: TrialStart) -> None:
        """A trial begins, or goes on."""

    def epoch_ended(
        self, number: int, execution: int, epoch: int, metrics: Mapping[str, float]
    ) -> None:
        """An epoch of an execution of a trial is over; both count from 1."""

    def trial_ended(self, trial: TrialRecord) -> None:
        """A trial is over, or over for now, whatever became of it."""


@dataclass(frozen=True)
class Task:
    """What is searched, and how.

    Args:
        plan: Says of any ask what its trial is.
        objective: What chooses epochs and trials.
        direction: Whether more or less of it is better.
        executions: Trainings of each trial.
        time_limit: Seconds after which no trial begins, those of the past counted; None: no end.
    """

    plan: Callable[[Ask], TrialPlan]
    objective: str
    direction: Direction
    executions: int = 1
    time_limit: float | None = None


@dataclass(frozen=True)
class SearchResult:
    """All trials in order, why there are no more, and how long they took."""

    trials: tuple[TrialRecord, ...]
    ended: Ending
    seconds: float


def run_search(
    task: Task,
    asker: Asker,
    crew: Crew,
    journal: Journal,
    keeping: Keeping,
    past: Past,
    listeners: tuple[Listener, ...],
) -> SearchResult:
    """Run trials until the asker has none left, time is up, or the user wants an end.

    Args:
        task: What is searched.
        asker: Proposes trials; was told of the past.
        crew: Does the jobs.
        journal: Gets every event first.
        keeping: Keeps weights and predictions.
        past: What earlier lives of this search did.
        listeners: Hear of every event after the journal.

    Raises:
        FolderError: Something cannot be written.
        Exception: A bug, with its traceback.
    """
    return _Search(task, asker, crew, journal, keeping, past, listeners).run()


@dataclass
class _Open:
    """A trial under way."""

    ask: Ask
    plan: TrialPlan
    before: TrialRecord | None
    executions: dict[int, ExecutionRecord]


class _Search:
    """One life of a search."""

    def __init__(
        self,
        task: Task,
        asker: Asker,
        crew: Crew,
        journal: Journal,
        keeping: Keeping,
        past: Past,
        listeners: tuple[Listener, ...],
    ) -> None:
        self._task, self._asker, self._crew = task, asker, crew
        self._journal, self._keeping, self._listeners = journal, keeping, listeners
        self._trials = dict(past.trials)
        self._waiting = deque(past.open_asks)
        self._past_executions = dict(past.executions)
        self._open: dict[int, _Open] = {}
        self._jobs: deque[tuple[_Open, int]] = deque()
        self._answer: Literal["trials", "exhausted"] | None = (
            "exhausted" if past.is_exhausted else None
        )
        self._is_idle = False
        self._begun = time.monotonic() - past.seconds

    def run(self) -> SearchResult:
        """Run until there is no more to do."""
        with self._journal.timed(search_seconds=self._seconds):
            while True:
                self._begin_what_can_begin()
                if not self._crew.n_under_way:
                    break
                for ended in self._crew.ended():
                    self._end_execution(ended)
            reason = self._ending()
            self._journal.append("search_ended", reason=reason)
        trials = tuple(self._trials[number] for number in sorted(self._trials))
        return SearchResult(trials, reason, self._seconds())

    def _ending(self) -> Ending:
        if self._open or self._jobs:
            return "interrupted"
        if self._answer is not None and not self._waiting:
            return self._answer
        return "time_limit" if self._is_late() else "interrupted"

    def _seconds(self) -> float:
        return time.monotonic() - self._begun

    def _is_late(self) -> bool:
        limit = self._task.time_limit
        return limit is not None and self._seconds() >= limit

    def _begin_what_can_begin(self) -> None:
        while self._crew.has_room:
            if not self._jobs:
                ask = self._next_ask()
                if ask is None:
                    return
                self._begin_trial(ask)
            if self._jobs:
                self._begin_execution(*self._jobs.popleft())

    def _next_ask(self) -> Ask | None:
        """The next trial to begin: one that was cut short, or a new one."""
        if self._is_late():
            return None
        if self._waiting:
            return self._waiting.popleft()
        if self._is_idle or self._answer is not None:
            return None
        answer = self._asker.ask()
        if isinstance(answer, Ask):
            self._journal.note(
                "asked",
                trial=answer.number,
                values=answer.point,
                first_epoch=answer.first_epoch,
                until=answer.until,
            )
            return answer
        if answer == "idle":
            if not self._open:
                raise RuntimeError("the oracle waits for a trial, and none runs")
            self._is_idle = True
        else:
            self._answer = answer
        # How many trials are wanted may change, and then this answer would.
        if answer != "trials":
            self._journal.note("answered", answer=answer)
        return None

    def _begin_trial(self, ask: Ask) -> None:
        plan, before = self._task.plan(ask), self._trials.get(ask.number)
        opened = _Open(ask, plan, before, {})
        self._open[ask.number] = opened
        for listener in self._listeners:
            listener.trial_started(
                TrialStart(
                    ask.number,
                    ask.point,
                    plan.seeds[0],
                    min(ask.until or plan.epochs, plan.epochs),
                    self._task.executions,
                    before.history if before else {},
                )
            )
        for number in range(1, self._task.executions + 1):
            done = self._past_executions.pop(Key("trial", ask.number, number), None)
            if before and execution_of(before, number).status == "completed":
                # Early stopping ended it before the strategy did.
                done = execution_of(before, number)
            if done is None:
                self._jobs.append((opened, number))
            else:
                opened.executions[number] = done
        self._end_trial_if_whole(opened)

    def _begin_execution(self, opened: _Open, execution: int) -> None:
        number = opened.ask.number
        before = self._before(opened, execution)
        state = self._keeping.state(number, execution, before.epochs) if before else None
        seed = opened.plan.seeds[execution - 1]
        job = job_of(opened.plan, opened.ask, seed, self._task.objective, before, state)

        def on_epoch(epoch: int, row: Mapping[str, float]) -> None:
            for listener in self._listeners:
                listener.epoch_ended(number, execution, epoch, row)

        key, images = Key("trial", number, execution), opened.plan.images_per_epoch
        self._crew.begin(key, job, images, on_epoch)

    def _before(self, opened: _Open, execution: int) -> ExecutionRecord | None:
        return execution_of(opened.before, execution) if opened.before else None

    def _end_execution(self, ended: Ended) -> None:
        """Keep what a training left behind; the last one of a trial ends it."""
        number, execution = ended.key.number, ended.key.execution
        opened = self._open[number]
        seed, before = opened.plan.seeds[execution - 1], self._before(opened, execution)
        if isinstance(ended.result, Outcome):
            self._keeping.keep(number, execution, ended.result)
            record = execution_record(seed, ended.result, before)
        else:
            images = opened.plan.images_per_epoch
            record = failed_execution(seed, ended.result, before, ended.rows, images)
        opened.executions[execution] = record
        if self._task.executions > 1:
            self._journal.append(
                "execution_ended", **vars(ended.key), record=record.model_dump(mode="json")
            )
        self._end_trial_if_whole(opened)

    def _end_trial_if_whole(self, opened: _Open) -> None:
        if len(opened.executions) < self._task.executions:
            return
        executions = [opened.executions[number] for number in sorted(opened.executions)]
        trial = trial_record(opened.ask, opened.plan, executions, self._task.direction)
        if opened.before is None or opened.before.status != "completed":
            self._keeping.settle(trial, executions)
        self._journal.append("trial_ended", record=trial.model_dump(mode="json"))
        del self._open[trial.number]
        self._trials[trial.number] = trial
        self._asker.tell(opened.ask, trial.objective)
        self._is_idle = False
        self._keeping.forget(trial)
        for listener in self._listeners:
            listener.trial_ended(trial)
