"""From what happened to what is recorded: the parts of a record, each made by one function."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lenetml.files import read_arrays
from lenetml.record import (
    BaselineRecord,
    BestRecord,
    Continuation,
    ExecutionRecord,
    Hyperparameter,
    LayerRecord,
    Record,
    Rivals,
    SearchRecord,
    SeedRecord,
    SelectedFrom,
    TestRecord,
    TrialRecord,
)
from lenetml.search.importance import find_importance
from lenetml.search.loop import SearchResult, Task
from lenetml.search.strategy import layer_shapes
from lenetml.search.trials import trainings_of
from lenetml.spec import Spec
from lenetml.spec.canonical import canonical
from lenetml.spec.domains import Choice, Domain, SearchSpace, all_points
from lenetml.spec.sections import READS_MOMENTUM, ConcreteSpec
from lenetml.spec.shapes import LayerShape
from lenetml.trial.data import LoadedData
from lenetml.trial.evaluate import is_guessing, mcnemar, unpack_predictions
from lenetml.trial.ink import find_cut_off
from lenetml.trial.means import compare_means
from lenetml.values import derive_seed

TEST_PREDICTIONS = "test.npz"
SEALED = "sealed"
MAX_COUNTED = 100_000


@dataclass(frozen=True)
class Finished:
    """A finished experiment: its folder, its record, its cards, and whether it ran just now."""

    folder: Path
    record: Record
    cards: tuple[Path, ...]
    is_new: bool


@dataclass(frozen=True)
class KeptModel:
    """The winner's model file, and how many of its numbers training changes."""

    size_bytes: int
    sha256: str
    trainable_parameters: int


def search_facts(
    spec: Spec, task: Task, result: SearchResult, continuations: Sequence[Continuation]
) -> SearchRecord:
    """What is recorded of the search as a whole.

    Args:
        spec: The spec.
        task: What was searched.
        result: What the search gave.
        continuations: Each time that it went on.
    """
    assert result.ended != "interrupted"
    search = spec.document.search
    return SearchRecord(
        strategy=search.strategy if search else None,
        objective=task.objective,
        direction=task.direction,
        trials_asked=search.trials if search and search.trials else len(result.trials),
        ended=result.ended,
        seconds=result.seconds,
        continuations=list(continuations),
        space=_space_facts(spec.space),
        space_size=_size(spec.space),
        impossible_share=spec.feasibility.impossible_share if spec.feasibility else 0.0,
        importance=find_importance(
            list(spec.space), result.trials, derive_seed(spec.document.seed, "importance")
        ),
    )


def mark_guessing(
    trials: Sequence[TrialRecord], data: LoadedData, file_of: Callable[[str, int], Path]
) -> list[TrialRecord]:
    """Mark the trials whose predictions on validation cannot be told from guessing.

    Raises:
        FolderError: Predictions are gone, or damaged.
    """
    marked = []
    for trial in trials:
        if trial.status == "completed":
            kept = read_arrays(file_of("predictions", trial.number), unpack_predictions)
            guessing = is_guessing(data.val.labels, kept.classes, len(trials))
            trial = trial.model_copy(update={"guessing": guessing})
        marked.append(trial)
    return marked


def best_facts(
    trial: TrialRecord,
    trials: Sequence[TrialRecord],
    concrete: ConcreteSpec,
    data: LoadedData,
    model: KeptModel,
    selected_by: Literal["best", "one_standard_error", "confirm"],
    rivals: Rivals | None = None,
) -> BestRecord:
    """What is recorded of the chosen trial.

    Args:
        trial: The chosen one.
        trials: All of them.
        concrete: The spec at its point.
        data: The data.
        model: The kept model.
        selected_by: The rule.
        rivals: The other trials beside it.
    """
    assert trial.val is not None and trial.best_epoch is not None
    # Those that a strategy stopped were compared, too.
    possible = [other for other in trials if other.status in ("completed", "stopped")]
    trainings = [each for other in possible for each in trainings_of(other)]
    chooses_epoch = concrete.training.restore == "best"
    # At one point nothing is searched: no space, no references.
    form = canonical(concrete, {}, (), None)
    return BestRecord(
        number=trial.number,
        values=trial.values,
        val=trial.val,
        selected_by=selected_by,
        best_epoch=trial.best_epoch,
        epochs=trial.epochs,
        epochs_limit=trial.epochs_limit,
        selected_from=SelectedFrom(
            trials=len(possible),
            epochs=sum(each.epochs if chooses_epoch else 1 for each in trainings),
        ),
        architecture=_layers(form["architecture"], layer_shapes(concrete, data)),
        parameters=trial.parameters,
        trainable_parameters=model.trainable_parameters,
        macs=trial.macs,
        training=_without_unread(form["training"]),
        augmentation=form["augmentation"],
        rivals=rivals,
        cut_off=find_cut_off(data.train.images, concrete.augmentation),
        model_bytes=model.size_bytes,
        model_sha256=model.sha256,
    )


def baseline_facts(
    other: Finished,
    this: TestRecord,
    seeds: Sequence[SeedRecord],
    ours: bytes,
    theirs: bytes,
    labels: NDArray[np.int64],
) -> BaselineRecord:
    """What is recorded of a baseline, compared on the same test images.

    Args:
        other: The baseline's finished run.
        this: The winner on the test part.
        seeds: Its values under further seeds.
        ours: The winner's packed predictions on it.
        theirs: Those of the baseline's winner.
        labels: The true classes.
    """
    test = other.record.test
    assert test is not None
    classes = [unpack_predictions(packed).classes for packed in (ours, theirs)]
    compared = {
        "difference_pp": 100 * (this.accuracy - test.accuracy),
        "mcnemar": mcnemar(labels, *classes),
        "mean_difference": compare_means(_tested(seeds), _tested(other.record.seeds)),
    }
    return untested_baseline(other).model_copy(update=compared)


def untested_baseline(other: Finished) -> BaselineRecord:
    """What is recorded of a baseline where one of the two was not tested."""
    record = other.record
    return BaselineRecord(
        name=record.name,
        title=record.spec.get("title", record.name),
        spec_sha256=record.spec_sha256,
        folder=other.folder.name,
        test=record.test,
        parameters=record.best.parameters,
        macs=record.best.macs,
        difference_pp=None,
        mcnemar=None,
        seeds=_tested(record.seeds),
    )


def _tested(seeds: Sequence[SeedRecord]) -> list[float]:
    """Test accuracies of the seeds that were tested."""
    return [seed.test.accuracy for seed in seeds if seed.test]


def seed_facts(execution: ExecutionRecord, test: TestRecord | None) -> SeedRecord:
    """What is recorded of the winner's values under a further seed."""
    return SeedRecord(
        seed=execution.seed,
        status="failed" if execution.status == "failed" else "completed",
        best_epoch=execution.best_epoch,
        epochs=execution.epochs,
        val=execution.val,
        test=test,
        images_trained=execution.images_trained,
        seconds=execution.seconds,
        core_seconds=execution.core_seconds,
        reason=execution.reason,
    )


def _layers(items: Sequence[dict[str, Any]], shapes: Sequence[LayerShape]) -> list[LayerRecord]:
    """The layers with their arguments; the last shape is that of the output layer."""
    output = {"units": shapes[-1].output_shape[0], "activation": "softmax", "use_bias": True}
    arguments = [next(iter(item.values())) for item in items] + [output]
    return [
        LayerRecord(
            layer=shape.layer,
            arguments=each,
            output_shape=list(shape.output_shape),
            parameters=shape.parameters,
            macs=shape.macs,
        )
        for shape, each in zip(shapes, arguments, strict=True)
    ]


def _without_unread(training: dict[str, Any]) -> dict[str, Any]:
    """Leave out what a search gave to every trial, and this one's optimizer or schedule not."""
    unread = set()
    if training["optimizer"] not in READS_MOMENTUM:
        unread.add("momentum")
    if training["learning_rate_schedule"] != "exponential":
        unread.add("learning_rate_decay")
    return {key: value for key, value in training.items() if key not in unread}


def _space_facts(space: SearchSpace) -> list[Hyperparameter]:
    return [_hyperparameter(name, domain) for name, domain in space.items()]


def _hyperparameter(name: str, domain: Domain) -> Hyperparameter:
    when = {each.place: list(each.values) for each in domain.when}
    if isinstance(domain, Choice):
        return Hyperparameter(name=name, values=list(domain.values), when=when)
    return Hyperparameter(
        name=name,
        values=None,
        low=domain.low,
        high=domain.high,
        step=domain.step,
        is_log=domain.is_log,
        when=when,
    )


def _size(space: SearchSpace) -> int | None:
    """The number of points; None where there is no end to them, or nobody has counted them."""
    sizes = [domain.size for domain in space.values()]
    finite = [size for size in sizes if size is not None]
    if len(finite) < len(sizes):
        return None
    product = math.prod(finite)
    if not any(domain.when for domain in space.values()):
        return product
    return sum(1 for _ in all_points(space)) if product <= MAX_COUNTED else None
