"""One trial: a network trained on the training part, scored on validation after every epoch.

Scores of validation come from one array of probabilities per epoch, by the same arithmetic as
every other number of the record. A training can end before its last epoch and go on later, in
another process, to the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lenetml.errors import TrialError
from lenetml.spec.sections import ConcreteSpec, EarlyStopping
from lenetml.trial.epoch import compile_epoch
from lenetml.trial.evaluate import DIRECTION, objective_value
from lenetml.trial.model import build_model, predictor
from lenetml.trial.pipeline import training_images
from lenetml.trial.sources import Part


class TrialData(Protocol):
    """What a trial sees of the data: never the test part."""

    @property
    def train(self) -> Part: ...
    @property
    def val(self) -> Part: ...
    @property
    def classes(self) -> tuple[str, ...]: ...
    @property
    def input_shape(self) -> tuple[int, int, int]: ...


@dataclass(frozen=True, eq=False)
class Carried:
    """What a training that goes on takes with it.

    Args:
        history: Of the epochs so far.
        objective: Of the weights kept so far.
        best_epoch: Their epoch, from 1.
        variables: Of the network and its optimizer behind the last epoch, as `TrialResult` gave
            them.
    """

    history: Mapping[str, list[float]]
    objective: float
    best_epoch: int
    variables: list[NDArray[Any]]

    @property
    def epochs(self) -> int:
        """Epochs so far."""
        return len(self.history["loss"])


@dataclass(frozen=True, eq=False)
class TrialResult:
    """What one training leaves behind.

    Args:
        history: For each epoch, those before included: `loss`, `accuracy` (of training, as it
            went), `val_loss` (plain cross-entropy), `val_accuracy`, and the objective.
        objective: Of the kept weights.
        best_epoch: The epoch of the kept weights, from 1.
        weights: The kept weights, in the order of `model.get_weights()`; None where those kept
            before it went on are still the best.
        val_probabilities: Of these weights, float32, shape `(n, n_classes)`; None like them.
        variables: With which it can go on; None where it is done.
        images_trained: Images seen since it began or went on, repeats counted.
        interrupted: Ended by `should_stop` before it was done.
    """

    history: dict[str, list[float]]
    objective: float
    best_epoch: int
    weights: list[NDArray[Any]] | None
    val_probabilities: NDArray[np.float32] | None
    variables: list[NDArray[Any]] | None
    images_trained: int
    interrupted: bool

    @property
    def epochs(self) -> int:
        """Epochs run, those before included."""
        return len(self.history["loss"])


@dataclass(frozen=True, eq=False)
class _Kept:
    """What is kept if the trial ends now; weights are None where they were kept before."""

    epoch: int
    objective: float
    weights: list[NDArray[Any]] | None
    probabilities: NDArray[np.float32] | None


class _Patience:
    """Early stopping: how long the objective has not improved by `min_delta`."""

    def __init__(self, settings: EarlyStopping | None, objective: str) -> None:
        self._settings = settings
        self._objective = objective
        self._lowest = math.inf
        self._waited = 0

    def ends_after(self, value: float) -> bool:
        """Take in the objective of one more epoch, and say whether it was the last."""
        if self._settings is None:
            return False
        cost = _cost_of(value, self._objective)
        if cost < self._lowest - self._settings.min_delta:
            self._lowest, self._waited = cost, 0
        else:
            self._waited += 1
        return self._waited >= self._settings.patience


def train_trial(
    spec: ConcreteSpec,
    data: TrialData,
    seed: int,
    objective: str = "val_accuracy",
    on_epoch: Callable[[int, Mapping[str, float]], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    *,
    carried: Carried | None = None,
    until: int | None = None,
) -> TrialResult:
    """Train one network.

    The same spec, data and seed give the same bits on one thread of the same kind of CPU, in
    one go or in parts.

    Args:
        spec: Without references, conditions or repeats.
        data: Training and validation part.
        seed: Of this trial, from 1 to 2**32 - 1.
        objective: `val_accuracy`, `val_loss` or `val_f1`; chooses the epoch and drives early
            stopping.
        on_epoch: Is told the number of each finished epoch, from 1, and its row of the history.
        should_stop: Is asked after each epoch; true ends the trial there.
        carried: Where it goes on; None: it begins.
        until: The epoch to end after for now; None: the last of the spec.

    Raises:
        TrialError: `non_finite`: the loss or a prediction is no longer finite. `out_of_memory`.
    """
    try:
        return _run_epochs(spec, data, seed, objective, on_epoch, should_stop, carried, until)
    except (tf.errors.ResourceExhaustedError, MemoryError) as error:
        raise TrialError("out_of_memory", "the network does not fit into memory") from error


def _run_epochs(
    spec: ConcreteSpec,
    data: TrialData,
    seed: int,
    objective: str,
    on_epoch: Callable[[int, Mapping[str, float]], None] | None,
    should_stop: Callable[[], bool] | None,
    carried: Carried | None,
    until: int | None,
) -> TrialResult:
    """Train and score epoch after epoch."""
    training = spec.training
    model = build_model(spec.architecture, data.input_shape, len(data.classes), seed)
    source = training_images(
        data.train, len(data.classes), training.batch_size, spec.augmentation, seed
    )
    compiled = compile_epoch(model, source, training)
    predict = predictor(model)
    patience = _Patience(training.early_stopping, objective)
    history: dict[str, list[float]] = {}
    kept: _Kept | None = None
    epoch = 0
    if carried:
        history = {name: list(values) for name, values in carried.history.items()}
        kept = _Kept(carried.best_epoch, carried.objective, None, None)
        epoch = carried.epochs
        for variable, content in zip(compiled.variables, carried.variables, strict=True):
            variable.assign(content)
        for value in history[objective]:
            patience.ends_after(value)
    first = epoch
    while True:
        epoch += 1
        loss, accuracy = compiled.run(epoch - 1)
        if not math.isfinite(loss):
            raise TrialError("non_finite", f"the loss is no longer finite in epoch {epoch}")
        probabilities = predict(data.val.images)
        if not np.isfinite(probabilities).all():
            raise TrialError(
                "non_finite", f"the predictions are no longer finite after epoch {epoch}"
            )
        row = {"loss": loss, "accuracy": accuracy}
        for name in dict.fromkeys(["val_loss", "val_accuracy", objective]):
            row[name] = objective_value(name, data.val.labels, probabilities)
        for name, value in row.items():
            history.setdefault(name, []).append(value)
        cost = _cost_of(row[objective], objective)
        if kept is None or training.restore == "last" or cost < _cost_of(kept.objective, objective):
            kept = _Kept(epoch, row[objective], model.get_weights(), probabilities)
        if on_epoch:
            on_epoch(epoch, row)
        is_done = epoch == training.epochs or patience.ends_after(row[objective])
        is_stopped = not is_done and should_stop is not None and should_stop()
        if is_done or is_stopped or epoch == until:
            break
    return TrialResult(
        history=history,
        objective=kept.objective,
        best_epoch=kept.epoch,
        weights=kept.weights,
        val_probabilities=kept.probabilities,
        variables=None if is_done else [np.array(variable) for variable in compiled.variables],
        images_trained=(epoch - first) * len(data.train),
        interrupted=is_stopped and epoch != until,
    )


def _cost_of(value: float, objective: str) -> float:
    """A value of an objective as a number of which less is better."""
    return value if DIRECTION[objective] == "min" else -value
