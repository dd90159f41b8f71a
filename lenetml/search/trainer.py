"""Trials of a spec, run in this process: which there are, what each is, and how it is trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lenetml.files import write_atomically
from lenetml.record import TrialRecord
from lenetml.search.loop import Direction, OnEpoch, Plan, Train, TrialPlan
from lenetml.search.oracle import Ask, Asker, FixedNetwork, random_search
from lenetml.spec import Spec
from lenetml.spec.domains import Point, all_points
from lenetml.spec.shapes import Impossible, trace
from lenetml.trial.data import LoadedData
from lenetml.trial.evaluate import metrics, pack_predictions
from lenetml.trial.kept import pack_weights
from lenetml.trial.train import train_trial
from lenetml.values import derive_seed

FileOf = Callable[[str, int], Path]


def asker(spec: Spec, data: LoadedData, objective: str, direction: Direction) -> Asker:
    """Say what to try next: one network, or what the strategy proposes."""
    search = spec.document.search
    if search is None or search.trials is None or all(it.size == 1 for it in spec.space.values()):
        return FixedNetwork(next(all_points(spec.space)))
    possible = is_possible(spec, data)
    return random_search(
        spec.space, possible, objective, direction, search.trials, spec.document.seed
    )


def is_possible(spec: Spec, data: LoadedData) -> Callable[[Point], bool]:
    """Say of any point of the spec whether its network can be built on these data."""

    def check(point: Point) -> bool:
        layers = spec.concrete(point).architecture
        try:
            trace(layers, data.input_shape, len(data.classes))
        except Impossible:
            return False
        return True

    return check


def planner(spec: Spec, data: LoadedData) -> Plan:
    """Say of any trial what it will be."""

    def plan(ask: Ask) -> TrialPlan:
        concrete = spec.concrete(ask.point)
        shapes = trace(concrete.architecture, data.input_shape, len(data.classes))
        return TrialPlan(
            seed=derive_seed(concrete.seed, "trial", ask.number),
            epochs_limit=concrete.training.epochs,
            images_per_epoch=len(data.train.labels),
            parameters=sum(shape.parameters for shape in shapes),
            macs=sum(shape.macs for shape in shapes),
        )

    return plan


def trainer(spec: Spec, data: LoadedData, objective: str, file_of: FileOf) -> Train:
    """Train any trial in this process.

    Args:
        spec: The spec.
        data: Its data.
        objective: What chooses the epoch.
        file_of: Where `weights` and `predictions` of a trial are kept.
    """

    def train(ask: Ask, plan: TrialPlan, on_epoch: OnEpoch) -> TrialRecord:
        concrete = spec.concrete(ask.point)
        result = train_trial(concrete, data, plan.seed, objective, on_epoch)
        labels = data.val.labels
        write_atomically(file_of("weights", ask.number), pack_weights(result.weights))
        write_atomically(
            file_of("predictions", ask.number), pack_predictions(labels, result.val_probabilities)
        )
        return TrialRecord(
            number=ask.number,
            status="completed",
            values=ask.point,
            seed=plan.seed,
            objective=result.objective,
            epochs=result.epochs,
            epochs_limit=plan.epochs_limit,
            best_epoch=result.best_epoch,
            history=result.history,
            val=metrics(labels, result.val_probabilities),
            parameters=plan.parameters,
            macs=plan.macs,
            images_trained=result.images_trained,
            seconds=result.seconds,
            core_seconds=result.core_seconds,
            guessing=None,
            reason=None,
        )

    return train
