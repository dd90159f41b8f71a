"""After the search: choose the winner, train it under further seeds, keep its network."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeGuard

import numpy as np
from numpy.typing import NDArray

from lenetml.errors import SearchError
from lenetml.facts import KeptModel
from lenetml.files import read_arrays, refuse_if_gone, write_atomically
from lenetml.folder import MODEL_NAME, RunFolder
from lenetml.record import ExecutionRecord, Record, TrialRecord
from lenetml.search.asks import Ask
from lenetml.search.crew import Crew, Key
from lenetml.search.further import Further, train_further
from lenetml.search.jobs import Outcome
from lenetml.search.journal import JOURNAL_NAME, Journal
from lenetml.search.keeping import trial_name
from lenetml.search.loop import SearchResult, Task
from lenetml.search.selection import (
    best_confirmed,
    candidates,
    smallest_within_one_standard_error,
)
from lenetml.spec import Spec
from lenetml.spec.domains import Point
from lenetml.spec.sections import Search
from lenetml.trial.data import LoadedData
from lenetml.trial.evaluate import unpack_predictions
from lenetml.trial.kept import read_model, unpack_weights, write_model
from lenetml.trial.model import build_model
from lenetml.values import derive_seed

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Training:
    """What trainings after the search need.

    Args:
        spec: The spec.
        data: Its data.
        folder: Of the run.
        journal: Of the run.
        task: What is searched.
        crew: Does the trainings; None: there are none to do.
        done: What earlier lives did.
        stage: Is told what begins.
        on_epoch: Is called after each epoch of any training.
        warn: Takes warnings.
    """

    spec: Spec
    data: LoadedData
    folder: RunFolder
    journal: Journal
    task: Task
    crew: Crew | None
    done: Mapping[Key, ExecutionRecord]
    stage: Callable[[str], None]
    on_epoch: Callable[[], None] = lambda: None
    warn: Callable[[str], None] = lambda text: None


@dataclass(frozen=True)
class Chosen:
    """The winner, and all trials with what confirming added to them."""

    winner: TrialRecord
    trials: tuple[TrialRecord, ...]
    selected_by: Literal["best", "one_standard_error", "confirm"] = "best"


def choose(training: Training, result: SearchResult) -> Chosen | None:
    """Choose the winner on validation; None where the user wanted an end before.

    Raises:
        SearchError: No trial succeeded.
        FolderError: Predictions that the choice needs are gone, or damaged.
    """
    search = training.spec.document.search or Search(strategy="random")
    possible = candidates(result.trials, training.task.direction)
    if not possible:
        reasons = [
            f"trial {trial.number}: {trial.message or trial.reason}" for trial in result.trials
        ]
        raise SearchError(
            f"{training.spec.document.name}: no trial succeeded",
            *reasons[:10],
            f"the journal is {training.folder.path / JOURNAL_NAME}",
        )
    if search.confirm is not None:
        top = possible[: search.confirm.top]
        return _confirm(training, result.trials, top, search.confirm.seeds)
    if search.select == "one_standard_error":
        labels = training.data.val.labels

        def is_right(trial: TrialRecord) -> NDArray[np.bool_]:
            path = training.folder.trial_file("predictions", trial.number)
            return np.equal(read_arrays(path, unpack_predictions).classes, labels)

        winner = smallest_within_one_standard_error(possible, is_right)
        return Chosen(winner, result.trials, selected_by="one_standard_error")
    return Chosen(possible[0], result.trials)


def _confirm(
    training: Training, trials: tuple[TrialRecord, ...], top: Sequence[TrialRecord], n_seeds: int
) -> Chosen | None:
    """Train the top trials under seeds that they were not chosen by, and take the best mean."""
    spec, task = training.spec, training.task
    wanted = [
        Further(
            Key("confirm", trial.number, number),
            task.plan(Ask(trial.number, trial.values)),
            derive_seed(spec.document.seed, "confirm", trial.number, number),
        )
        for trial in top
        for number in range(1, n_seeds + 1)
    ]
    records = _train(training, wanted, "confirming the best trials", lambda key, outcome: None)
    if records is None:
        return None
    objectives = {
        trial.number: [
            records[Key("confirm", trial.number, number)].objective
            for number in range(1, n_seeds + 1)
        ]
        for trial in top
    }
    trials = tuple(
        trial.model_copy(update={"confirmed": objectives.get(trial.number, [])}) for trial in trials
    )
    best = best_confirmed(top, objectives, task.direction)
    if best is None:
        training.warn(
            f"{spec.document.name}: all trainings that were to confirm the best trials failed; "
            "the best of the search wins"
        )
    number = (best or top[0]).number
    winner = next(trial for trial in trials if trial.number == number)
    return Chosen(winner, trials, "confirm" if best else "best")


def train_seeds(training: Training, winner: TrialRecord) -> list[ExecutionRecord] | None:
    """Train the winner's values under further seeds; None where the user wanted an end before.

    Their weights are kept until the test part was opened.
    """
    spec = training.spec
    wanted = [
        Further(
            Key("seed", winner.number, number),
            training.task.plan(Ask(winner.number, winner.values)),
            derive_seed(spec.document.seed, "evaluation", winner.number, number),
        )
        for number in range(1, spec.document.evaluation.seeds + 1)
    ]

    def keep(key: Key, outcome: Outcome) -> None:
        assert outcome.weights is not None
        path = training.folder.file("weights", seed_name(key.number, key.execution))
        write_atomically(path, outcome.weights)

    # Once tested, their weights are deleted; what was neither tested nor kept is trained again.
    before = training.folder.record
    n_tested = len(before.seeds) if is_same_network(before, winner) and before.test else 0
    done = {
        key: record
        for key, record in training.done.items()
        if record.status == "failed"
        or key.execution <= n_tested
        or training.folder.file("weights", seed_name(key.number, key.execution)).exists()
    }
    what = "training the winner under further seeds"
    records = _train(replace(training, done=done), wanted, what, keep)
    return None if records is None else [records[each.key] for each in wanted]


def _train(
    training: Training,
    wanted: Sequence[Further],
    what: str,
    keep: Callable[[Key, Outcome], None],
) -> dict[Key, ExecutionRecord] | None:
    name = training.spec.document.name

    def tell(n_done: int) -> None:
        training.stage(f"{name}: {what}, {n_done} of {len(wanted)} done")

    if not wanted:
        return {}
    assert training.crew is not None
    tell(0)
    return train_further(
        wanted, training.task.objective, training.crew, training.journal, training.done, keep, tell,
        lambda epoch, row: training.on_epoch(),
    )  # fmt: skip


def keep_winner(
    spec: Spec, data: LoadedData, folder: RunFolder, winner: TrialRecord
) -> tuple[keras.Model, KeptModel]:
    """Write the winner's network with the weights that were chosen, or read it where it is kept.

    Raises:
        FolderError: It is neither here nor there, or cannot be written.
    """
    weights, record = folder.trial_file("weights", winner.number), folder.record
    if not weights.exists() and is_same_network(record, winner):
        # They are deleted once the model is there; this is the winner of an earlier life.
        sha256 = record.best.model_sha256
        network, size_bytes = read_model(folder.path / MODEL_NAME, sha256)
    else:
        network = read_network(spec, data, winner.values, winner.seed, weights)
        size_bytes, sha256 = write_model(network, folder.pending / MODEL_NAME)
    trainable = sum(math.prod(weight.shape) for weight in network.trainable_weights)
    return network, KeptModel(size_bytes, sha256, trainable)


def read_network(
    spec: Spec, data: LoadedData, values: Point, seed: int, weights: Path
) -> keras.Model:
    """Build the network of these values and this seed, with weights that were kept.

    Raises:
        FolderError: They are gone, damaged, or those of another network.
    """
    refuse_if_gone(weights)
    layers = spec.concrete(values).architecture
    network = build_model(layers, data.input_shape, len(data.classes), seed)
    read_arrays(weights, lambda content: network.set_weights(unpack_weights(content)))
    return network


def chosen_trial(record: Record) -> TrialRecord:
    """The winner among the trials of a record."""
    return next(trial for trial in record.trials if trial.number == record.best.number)


def is_same_network(before: Record | None, winner: TrialRecord) -> TypeGuard[Record]:
    """Whether a winner is the very network of an earlier record."""
    return before is not None and network_of(chosen_trial(before)) == network_of(winner)


def network_of(winner: TrialRecord) -> tuple[int, int, int | None]:
    """What tells a trial's network from others of its run.

    A trial that went on without a better epoch still has the same one.
    """
    return winner.number, winner.seed, winner.best_epoch


def seed_name(winner: int, number: int) -> str:
    """How the weights of a further seed are named."""
    return f"{trial_name(winner)}-seed-{number}"
