"""From what jobs leave behind to the records of executions and trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lenetml.record import ExecutionRecord, TrialRecord
from lenetml.search.asks import Ask, Direction, cost_of
from lenetml.search.jobs import Beginning, Failed, Job, Outcome
from lenetml.spec.sections import ConcreteSpec

Row = Mapping[str, float]


@dataclass(frozen=True)
class TrialPlan:
    """What a trial is before it runs.

    Args:
        concrete: The spec at its point.
        seeds: Of its executions.
        images_per_epoch: Images that one epoch trains on.
        parameters: Of its network.
        macs: Multiply-accumulates of its network for one image.
    """

    concrete: ConcreteSpec
    seeds: tuple[int, ...]
    images_per_epoch: int
    parameters: int
    macs: int

    @property
    def epochs(self) -> int:
        """Epochs that its values ask for."""
        return self.concrete.training.epochs


def job_of(
    plan: TrialPlan, ask: Ask, seed: int, objective: str, before: ExecutionRecord | None,
    state: bytes | None,
) -> Job:  # fmt: skip
    """The job that an execution of a trial has to do now.

    Args:
        plan: Of the trial.
        ask: What is asked for.
        seed: Of the execution.
        objective: What chooses the epoch.
        before: The execution so far; None: it begins.
        state: What it goes on from, where it does.
    """
    beginning = None
    if before is not None and state is not None:
        assert before.objective is not None and before.best_epoch is not None
        beginning = Beginning(before.history, before.objective, before.best_epoch, state)
    until = min(ask.until or plan.epochs, plan.epochs)
    return Job(plan.concrete, seed, objective, until, beginning)


def execution_record(
    seed: int, outcome: Outcome, before: ExecutionRecord | None
) -> ExecutionRecord:
    """What is recorded of an execution whose job came to an end."""
    val = outcome.val or (before.val if before else None)
    return ExecutionRecord(
        seed=seed,
        status="completed" if outcome.state is None else "stopped",
        objective=outcome.objective,
        epochs=outcome.epochs,
        best_epoch=outcome.best_epoch,
        history=outcome.history,
        val=val,
        images_trained=outcome.images_trained + (before.images_trained if before else 0),
        seconds=outcome.seconds + (before.seconds if before else 0),
        core_seconds=_sum([outcome.core_seconds, before.core_seconds if before else 0]),
        reason=None,
        message=None,
    )


def failed_execution(
    seed: int,
    failed: Failed,
    before: ExecutionRecord | None,
    rows: Sequence[Row],
    images_per_epoch: int,
) -> ExecutionRecord:
    """What is recorded of an execution that failed: a reason and its cost, never a zero.

    Args:
        seed: Of the execution.
        failed: Why.
        before: The execution before the job that failed.
        rows: Of the epochs that this job ended.
        images_per_epoch: Images that one epoch trains on.
    """
    history = {name: list(values) for name, values in before.history.items()} if before else {}
    for row in rows:
        for name, value in row.items():
            history.setdefault(name, []).append(value)
    n_images = len(rows) * images_per_epoch + (before.images_trained if before else 0)
    return ExecutionRecord(
        seed=seed,
        status="failed",
        objective=None,
        epochs=len(history.get("loss", ())),
        best_epoch=None,
        history=history,
        val=None,
        images_trained=n_images,
        seconds=failed.seconds + (before.seconds if before else 0),
        core_seconds=_sum([failed.core_seconds, before.core_seconds if before else 0]),
        reason=failed.reason,
        message=failed.message,
    )


def trial_record(
    ask: Ask, plan: TrialPlan, executions: Sequence[ExecutionRecord], direction: Direction
) -> TrialRecord:
    """What is recorded of a trial whose executions ended.

    Its objective is their mean; weights, history and scores are those of the best of them. One
    that failed fails the trial: its mean would be that of the lucky ones. One that can go on
    leaves it stopped.
    """
    shown = executions[best_execution(executions, direction) - 1]
    objectives = [each.objective for each in executions if each.objective is not None]
    can_go_on = shown.status != "failed" and any(each.status == "stopped" for each in executions)
    return TrialRecord(
        number=ask.number,
        status="stopped" if can_go_on else shown.status,
        values=ask.point,
        seed=shown.seed,
        objective=sum(objectives) / len(objectives) if shown.status != "failed" else None,
        epochs=shown.epochs,
        epochs_limit=plan.epochs,
        best_epoch=shown.best_epoch,
        history=shown.history,
        val=shown.val,
        parameters=plan.parameters,
        macs=plan.macs,
        images_trained=sum(each.images_trained for each in executions),
        seconds=sum(each.seconds for each in executions),
        core_seconds=_sum([each.core_seconds for each in executions]),
        guessing=None,
        reason=shown.reason,
        message=shown.message,
        executions=list(executions) if len(executions) > 1 else [],
    )


def best_execution(executions: Sequence[ExecutionRecord], direction: Direction) -> int:
    """The number, from 1, of the execution that stands for the trial: the first that failed, or
    the best."""

    def rank(index: int) -> tuple[bool, float]:
        objective = executions[index].objective
        return objective is not None, cost_of(objective or 0.0, direction)

    return min(range(len(executions)), key=rank) + 1


def execution_of(trial: TrialRecord, number: int) -> ExecutionRecord:
    """One execution of a trial, from 1."""
    if trial.executions:
        return trial.executions[number - 1]
    fields: dict[str, Any] = {name: getattr(trial, name) for name in ExecutionRecord.model_fields}
    return ExecutionRecord(**fields)


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def trainings_of(
    training: TrialRecord | ExecutionRecord,
) -> Sequence[TrialRecord | ExecutionRecord]:
    """A trial's executions, or the one training that it is."""
    return (isinstance(training, TrialRecord) and training.executions) or [training]
