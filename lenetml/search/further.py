"""Trainings after the search: the same values under further seeds, to confirm or to evaluate."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lenetml.record import ExecutionRecord
from lenetml.search.crew import Crew, Key
from lenetml.search.jobs import Job, OnEpoch, Outcome
from lenetml.search.journal import Journal
from lenetml.search.trials import TrialPlan, execution_record, failed_execution


@dataclass(frozen=True)
class Further:
    """One training to do.

    Args:
        key: Which.
        plan: Of the trial whose values it has.
        seed: Its own.
    """

    key: Key
    plan: TrialPlan
    seed: int


def further_executions(events: Sequence[Mapping[str, Any]]) -> dict[Key, ExecutionRecord]:
    """Every training of all lives that followed the search, by the journal."""
    return {
        Key(event["kind"], event["number"], event["execution"]): ExecutionRecord.model_validate(
            event["record"]
        )
        for event in events
        if event["event"] == "execution_ended" and event["kind"] != "trial"
    }


def train_further(
    trainings: Sequence[Further],
    objective: str,
    crew: Crew,
    journal: Journal,
    done: Mapping[Key, ExecutionRecord],
    keep: Callable[[Key, Outcome], None],
    on_ended: Callable[[int], None],
    on_epoch: OnEpoch = lambda epoch, row: None,
) -> dict[Key, ExecutionRecord] | None:
    """Do trainings side by side, those of earlier lives not again.

    Args:
        trainings: What to do.
        objective: What chooses the epoch.
        crew: Does it.
        journal: Hears of every end.
        done: What earlier lives did.
        keep: Keeps the files of a training, before the journal hears of it.
        on_ended: Is told how many are done.
        on_epoch: Is told of each epoch of any of them.

    Returns:
        Every training's record; None where the user wanted an end before.
    """
    wanted = {training.key: training for training in trainings}
    records = {key: done[key] for key in wanted if key in done}
    waiting = deque(training for training in trainings if training.key not in records)
    while len(records) < len(wanted):
        while waiting and crew.has_room:
            training = waiting.popleft()
            job = Job(training.plan.concrete, training.seed, objective, training.plan.epochs)
            crew.begin(training.key, job, training.plan.images_per_epoch, on_epoch)
        if not crew.n_under_way:
            return None
        for ended in crew.ended():
            training = wanted[ended.key]
            if isinstance(ended.result, Outcome):
                keep(ended.key, ended.result)
                record = execution_record(training.seed, ended.result, None)
            else:
                images = training.plan.images_per_epoch
                record = failed_execution(training.seed, ended.result, None, ended.rows, images)
            journal.append(
                "execution_ended", **vars(ended.key), record=record.model_dump(mode="json")
            )
            records[ended.key] = record
            on_ended(len(records))
    return records
