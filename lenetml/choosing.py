"""After the search: choose the winner, train it under further seeds, keep its network."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeGuard

import numpy as np
from numpy.typing import NDArray

from lenetml.errors import FolderError, SearchError
from lenetml.facts import KeptModel
from lenetml.files import write_atomically
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
            content = training.folder.trial_file("predictions", trial.number).read_bytes()
            return np.equal(unpack_predictions(content).classes, labels)

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
    winner = next(trial for trial in trials if trial.number == best.number)
    return Chosen(winner, trials, "confirm")


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
    weights = folder.trial_file("weights", winner.number)
    if weights.exists():
        layers = spec.concrete(winner.values).architecture
        network = build_model(layers, data.input_shape, len(data.classes), winner.seed)
        network.set_weights(unpack_weights(weights.read_bytes()))
        size_bytes, sha256 = write_model(network, folder.pending / MODEL_NAME)
    else:
        # They are deleted once the model is there; this is the winner of an earlier life.
        network, size_bytes, sha256 = read_model(folder.path / MODEL_NAME)
        if folder.record is None or sha256 != folder.record.best.model_sha256:
            raise FolderError(
                f"{weights} is gone, and {MODEL_NAME} is not the network of trial {winner.number}",
                "put it back, or start over with --fresh",
            )
    trainable = sum(math.prod(weight.shape) for weight in network.trainable_weights)
    return network, KeptModel(size_bytes, sha256, trainable)


def is_same_network(before: Record | None, winner: TrialRecord) -> TypeGuard[Record]:
    """Whether a winner is the very network of an earlier record: the same trial, not gone on."""
    if before is None:
        return False
    best = before.best
    return (best.number, best.best_epoch, best.epochs) == (
        winner.number, winner.best_epoch, winner.epochs,
    )  # fmt: skip


def seed_name(winner: int, number: int) -> str:
    """How the weights of a further seed are named."""
    return f"{trial_name(winner)}-seed-{number}"
