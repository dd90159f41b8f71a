"""One trial: a network trained on the training part, scored on validation after every epoch.

A whole epoch is one compiled loop. Scores of validation come from one array of probabilities per
epoch, by the same arithmetic as every other number of the record.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lenetml.errors import TrialError
from lenetml.spec.sections import ConcreteSpec, EarlyStopping, Training
from lenetml.trial.evaluate import DIRECTION, objective_value
from lenetml.trial.model import build_model, make_loss, make_optimizer, predictor
from lenetml.trial.pipeline import TrainingImages, epoch_order, prepare_chunk, training_images
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
class TrialResult:
    """What one trial leaves behind.

    Args:
        history: For each epoch `loss`, `accuracy` (of training, as it went), `val_loss` (plain
            cross-entropy), `val_accuracy`, and the objective.
        objective: Of the kept weights.
        best_epoch: The epoch of the kept weights, from 1.
        epochs: Epochs run.
        weights: The kept weights, in the order of `model.get_weights()`.
        val_probabilities: Of the kept weights, float32, shape `(n, n_classes)`.
        parameters: All numbers of the network.
        trainable_parameters: Those that training changes by gradient.
        images_trained: Images seen, repeats counted.
        seconds: Wall time, building included.
        core_seconds: CPU time of this process.
        interrupted: Ended by `should_stop` before it was done.
    """

    history: dict[str, list[float]]
    objective: float
    best_epoch: int
    epochs: int
    weights: list[NDArray[Any]]
    val_probabilities: NDArray[np.float32]
    parameters: int
    trainable_parameters: int
    images_trained: int
    seconds: float
    core_seconds: float
    interrupted: bool


@dataclass(frozen=True, eq=False)
class _Kept:
    """The state that the trial would leave behind if it ended now."""

    epoch: int
    objective: float
    weights: list[NDArray[Any]]
    probabilities: NDArray[np.float32]


class _Patience:
    """Early stopping: how long the objective has not improved by `min_delta`."""

    def __init__(self, settings: EarlyStopping | None, direction: str) -> None:
        self._settings = settings
        self._sign = 1 if direction == "max" else -1
        self._best = -math.inf
        self._waited = 0

    def ends_after(self, objective: float) -> bool:
        """Take in the objective of one more epoch, and say whether it was the last."""
        if self._settings is None:
            return False
        value = self._sign * objective
        if value > self._best + self._settings.min_delta:
            self._best, self._waited = value, 0
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
) -> TrialResult:
    """Train one network.

    The same spec, data and seed give the same bits on one thread of the same kind of CPU.

    Args:
        spec: Without references, conditions or repeats.
        data: Training and validation part.
        seed: Of this trial, from 1 to 2**32 - 1.
        objective: `val_accuracy`, `val_loss` or `val_f1`; chooses the epoch and drives early
            stopping.
        on_epoch: Is told the number of each finished epoch, from 1, and its row of the history.
        should_stop: Is asked after each epoch; true ends the trial there.

    Raises:
        TrialError: `non_finite`: the loss or a prediction is no longer finite. `out_of_memory`.
    """
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        model = build_model(spec.architecture, data.input_shape, len(data.classes), seed)
        history, kept, interrupted = _run_epochs(
            model, spec, data, seed, objective, on_epoch, should_stop
        )
    except (tf.errors.ResourceExhaustedError, MemoryError) as error:
        raise TrialError("out_of_memory", "the network does not fit into memory") from error
    epochs = len(history["loss"])
    return TrialResult(
        history=history,
        objective=kept.objective,
        best_epoch=kept.epoch,
        epochs=epochs,
        weights=kept.weights,
        val_probabilities=kept.probabilities,
        parameters=model.count_params(),
        trainable_parameters=sum(math.prod(v.shape) for v in model.trainable_variables),
        images_trained=epochs * len(data.train),
        seconds=time.perf_counter() - wall,
        core_seconds=time.process_time() - cpu,
        interrupted=interrupted,
    )


def _run_epochs(
    model: keras.Model,
    spec: ConcreteSpec,
    data: TrialData,
    seed: int,
    objective: str,
    on_epoch: Callable[[int, Mapping[str, float]], None] | None,
    should_stop: Callable[[], bool] | None,
) -> tuple[dict[str, list[float]], _Kept, bool]:
    """Train and score epoch after epoch; give the history, what to keep, and if interrupted."""
    training = spec.training
    source = training_images(
        data.train, len(data.classes), training.batch_size, spec.augmentation, seed
    )
    run_epoch = compile_epoch(model, source, training)
    predict = predictor(model)
    patience = _Patience(training.early_stopping, DIRECTION[objective])
    history: dict[str, list[float]] = {}
    kept: _Kept | None = None
    epoch = 0
    while True:
        epoch += 1
        loss, accuracy = run_epoch(epoch - 1)
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
        if kept is None or training.restore == "last" or _is_better(row, kept, objective):
            kept = _Kept(epoch, row[objective], model.get_weights(), probabilities)
        if on_epoch:
            on_epoch(epoch, row)
        if epoch == training.epochs or patience.ends_after(row[objective]):
            return history, kept, False
        if should_stop and should_stop():
            return history, kept, True


def _is_better(row: Mapping[str, float], kept: _Kept, objective: str) -> bool:
    if DIRECTION[objective] == "max":
        return row[objective] > kept.objective
    return row[objective] < kept.objective


def compile_epoch(
    model: keras.Model, source: TrainingImages, training: Training
) -> Callable[[int], tuple[float, float]]:
    """Give a function that trains one epoch, numbered from 0, as one compiled loop.

    It changes the model's weights, and returns the mean loss and the accuracy of the epoch's
    batches as they were trained. At the first loss that is not finite it stops and returns that.
    """
    optimizer = make_optimizer(training, source.n_batches)
    optimizer.build(model.trainable_variables)
    loss_of = make_loss(training)

    def train_batch(
        images: tf.Tensor, targets: tf.Tensor, loss_sum: tf.Tensor, n_correct: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            probabilities = model(images, training=True)
            loss = loss_of(targets, probabilities)
        gradients = tape.gradient(loss, model.trainable_variables)
        # Outside of a replica: there Keras 3.15 reduces gradients over replicas even if there is
        # one, and TensorFlow 2.21 keeps the graph of every such reduction for ever.
        tf.distribute.get_replica_context().merge_call(
            lambda _: optimizer.apply(gradients, model.trainable_variables)
        )
        correct = tf.argmax(probabilities, axis=1) == tf.argmax(targets, axis=1)
        return (
            loss_sum + loss * tf.cast(tf.shape(images)[0], tf.float32),
            n_correct + tf.math.count_nonzero(correct, dtype=tf.int32),
        )

    def train_chunk(
        images: tf.Tensor, targets: tf.Tensor, *sums: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        def goes_on(start: tf.Tensor, loss_sum: tf.Tensor, _: tf.Tensor) -> tf.Tensor:
            return (start < tf.shape(images)[0]) & tf.math.is_finite(loss_sum)

        def train_next(start: tf.Tensor, *sums: tf.Tensor) -> tuple[tf.Tensor, ...]:
            end = start + source.batch_size
            return end, *train_batch(images[start:end], targets[start:end], *sums)

        return tuple(tf.while_loop(goes_on, train_next, (0, *sums))[1:])

    def train_epoch(epoch: tf.Tensor) -> tuple[tf.Tensor, ...]:
        order = epoch_order(source, epoch)

        def goes_on(chunk: tf.Tensor, loss_sum: tf.Tensor, _: tf.Tensor) -> tf.Tensor:
            return (chunk < source.n_chunks) & tf.math.is_finite(loss_sum)

        def train_next(chunk: tf.Tensor, *sums: tf.Tensor) -> tuple[tf.Tensor, ...]:
            images, targets = prepare_chunk(source, order, epoch, chunk)
            return chunk + 1, *train_chunk(images, targets, *sums)

        return tuple(tf.while_loop(goes_on, train_next, (0, 0.0, 0))[1:])

    # The loops are written out: AutoGraph would rewrite, and complain about, all that they call.
    # A concrete function is not counted by TensorFlow's warning against tracing again and again.
    traced = tf.function(train_epoch, autograph=False).get_concrete_function(
        tf.TensorSpec((), tf.int32)
    )
    n_images = len(source.images)

    def run_epoch(epoch: int) -> tuple[float, float]:
        loss_sum, n_correct = traced(tf.constant(epoch))
        return float(loss_sum) / n_images, int(n_correct) / n_images

    return run_epoch
