"""The story of one trial: data, network, training, result; no run's folder, no test part.

It is the trial that `run` would make of the same values as its first: the same seeds, as often
trained, to its last epoch. TensorFlow must be set to one thread (`trial.threads.use_one_thread`)
before this is imported.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from typing import Any

from lenetml.errors import Interrupted
from lenetml.following import Follower, SearchStart
from lenetml.mirror.agent import NUMBER, open_agent_run
from lenetml.record import ExecutionRecord, TrialRecord
from lenetml.search.asks import Ask
from lenetml.search.crew import Stop
from lenetml.search.jobs import Job, Outcome
from lenetml.search.loop import Listener, Task, TrialStart
from lenetml.search.strategy import task_of, time_of_one
from lenetml.search.trials import (
    TrialPlan,
    execution_record,
    failed_execution,
    job_of,
    trial_record,
)
from lenetml.search.workers import InProcess, Workers
from lenetml.spec import Spec
from lenetml.spec.domains import Point
from lenetml.spec.misfit import Network, find_misfit
from lenetml.spec.shapes import Impossible
from lenetml.telling import tell_trial, tell_values
from lenetml.trial.data import LoadedData, load_data


@dataclass(frozen=True)
class SingleTrial:
    """What became of one trial.

    Args:
        name: Of the spec.
        metric: Its objective.
        values: Those that exist at the point.
        record: As a search records a trial; None: there is no such network.
        reason: Why there is none.
    """

    name: str
    metric: str
    values: Point
    record: TrialRecord | None
    reason: str | None = None

    @property
    def status(self) -> str:
        """`completed`, `failed`, `stopped` before its last epoch, or `impossible`."""
        return "impossible" if self.record is None else self.record.status

    def in_words(self) -> str:
        """The result in one line."""
        if self.record is not None:
            return f"{self.name}: {tell_trial(self.record)}"
        return f"{self.name}: impossible: {self.reason}; {tell_values(self.values)}"

    def document(self) -> dict[str, Any]:
        """The result as JSON has it."""
        trial = None if self.record is None else self.record.model_dump(mode="json")
        return {
            "name": self.name,
            "status": self.status,
            "metric": self.metric,
            "values": dict(self.values),
            "trial": trial,
            "reason": self.reason if trial is None else trial["message"],
        }


def run_trial(spec: Spec, point: Point, follower: Follower, stop: Stop) -> SingleTrial:
    """Train one trial, and tell the W&B agent's run of it where an agent asked for it.

    Args:
        spec: Checked.
        point: Of its space.
        follower: Hears what happens.
        stop: Whether to end after the epoch under way.

    Raises:
        DataError, MissingError: The data are not right, or not there.
        Interrupted: The user wanted an end before the training began.
    """
    document = spec.document
    follower.stage(f"{document.name}: loading the data")
    data = load_data(document.data, document.seed, spec.path.parent, follower.stage)
    if stop.is_set():
        raise Interrupted(f"{document.name}: interrupted before it began")
    task = task_of(spec, data)
    agent = open_agent_run(document.wandb, task.objective, follower.warn)
    with nullcontext() if agent is None else closing(agent):
        trial = SingleTrial(document.name, task.objective, point, None)
        ask = Ask(NUMBER, dict(point))
        try:
            plan = task.plan(ask)
        except Impossible:
            reason = _why_impossible(spec, point, data)
            if agent is not None:
                agent.trial_impossible(point, document.seed, reason)
            return replace(trial, reason=reason)
        follower.search_started(SearchStart(document.name, 1, 1, task.direction))
        listeners = (follower,) if agent is None else (agent, follower)

        def should_stop() -> bool:
            return stop.is_set() or (agent is not None and agent.is_stopped)

        workers = InProcess(data.for_workers(), should_stop, time_of_one(spec))
        return replace(trial, record=_train(task, ask, plan, workers, listeners))


def _train(
    task: Task, ask: Ask, plan: TrialPlan, workers: Workers, listeners: Sequence[Listener]
) -> TrialRecord:
    """Train a trial as often as it is trained, up to a training that did not end well."""
    for listener in listeners:
        listener.trial_started(
            TrialStart(NUMBER, ask.point, plan.seeds[0], plan.epochs, task.executions, {})
        )
    executions: list[ExecutionRecord] = []
    for seed in plan.seeds:
        job = job_of(plan, ask, seed, task.objective, before=None, state=None)
        executions.append(_execute(job, plan, len(executions) + 1, workers, listeners))
        if executions[-1].status != "completed":
            break
    record = trial_record(ask, plan, executions, task.direction)
    for listener in listeners:
        listener.trial_ended(record)
    return record


def _execute(
    job: Job, plan: TrialPlan, execution: int, workers: Workers, listeners: Sequence[Listener]
) -> ExecutionRecord:
    """Do one training."""
    rows: list[Mapping[str, float]] = []

    def on_epoch(epoch: int, row: Mapping[str, float]) -> None:
        rows.append(row)
        for listener in listeners:
            listener.epoch_ended(NUMBER, execution, epoch, row)

    result = workers.submit(job, on_epoch).result()
    if isinstance(result, Outcome):
        return execution_record(job.seed, result, before=None)
    return failed_execution(job.seed, result, None, rows, plan.images_per_epoch)


def _why_impossible(spec: Spec, point: Point, data: LoadedData) -> str:
    """Which layer does not fit, and why."""
    network = Network(spec.data["architecture"], data.input_shape, len(data.classes))
    misfit = find_misfit(network, spec.space, base=point, example={})
    assert misfit is not None
    return misfit.sentence
