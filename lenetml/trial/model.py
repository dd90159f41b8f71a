"""A concrete architecture as a Keras model, with the optimizer, the schedule and the loss.

No hyperparameters here, and no data: layers without references come in, a model goes out. Every
random number of a model has a seed of its own, so that nothing that ran before can change it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lenetml.spec.layers import AnyLayer
from lenetml.spec.sections import (
    DEFAULT_ADAMW_WEIGHT_DECAY,
    DEFAULT_DECAY,
    READS_MOMENTUM,
    Training,
)
from lenetml.trial.keras_layers import glorot, stack
from lenetml.values import derive_seed

MAX_IMAGES_AT_ONCE = 500
# 256 MiB for the largest feature map of one batch of predictions.
MAX_VALUES_AT_ONCE = 2**26


def build_model(
    layers: Sequence[AnyLayer], input_shape: tuple[int, int, int], n_classes: int, seed: int
) -> keras.Model:
    """Build the network, not compiled, with the softmax output that every network gets.

    Args:
        layers: The architecture, without references, conditions or repeats.
        input_shape: Height, width, channels; the model takes float32 in `[0, 1]`.
        n_classes: Units of the output.
        seed: From 1 to 2**32 - 1; the same seed gives the same weights and the same dropout.
    """
    inputs = keras.Input(input_shape, name="image")
    values = stack(layers, inputs, seed)
    output = keras.layers.Dense(
        n_classes,
        activation="softmax",
        kernel_initializer=glorot(derive_seed(seed, "layer", "output")),
        name="output",
    )
    return keras.Model(inputs, output(values), name="network")


@keras.saving.register_keras_serializable(package="lenetml")
class LearningRate(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """The learning rate at each step: a linear warm-up, then the schedule.

    The first step of a warm-up already learns. Cosine falls to 0 from the end of the warm-up to
    the end of `epochs`; exponential is multiplied by `decay` over each epoch, step by step.

    Args:
        schedule: `constant`, `cosine` or `exponential`.
        rate: The rate after the warm-up.
        decay: Factor per epoch of `exponential`.
        epochs: Length of the whole training.
        warmup_epochs: Length of the warm-up; may be a fraction.
        steps_per_epoch: Batches of one epoch.
    """

    def __init__(
        self,
        schedule: str,
        rate: float,
        decay: float,
        epochs: int,
        warmup_epochs: float,
        steps_per_epoch: int,
    ) -> None:
        self.schedule = schedule
        self.rate = rate
        self.decay = decay
        self.epochs = epochs
        self.warmup_epochs = warmup_epochs
        self.steps_per_epoch = steps_per_epoch

    def __call__(self, step: Any) -> Any:
        epoch = tf.cast(step, tf.float32) / self.steps_per_epoch
        rate = tf.constant(self.rate, tf.float32)
        if self.warmup_epochs:
            begun = epoch + 1 / self.steps_per_epoch
            rate *= tf.minimum(begun / self.warmup_epochs, 1.0)
        after = tf.maximum(epoch - self.warmup_epochs, 0.0)
        if self.schedule == "cosine":
            left = max(self.epochs - self.warmup_epochs, 1 / self.steps_per_epoch)
            rate *= (1 + tf.cos(math.pi * tf.minimum(after / left, 1.0))) / 2
        elif self.schedule == "exponential":
            rate *= tf.pow(tf.constant(self.decay, tf.float32), after)
        return rate

    def get_config(self) -> dict[str, Any]:
        """Give the arguments, as Keras wants them for saving."""
        return dict(vars(self))


def make_optimizer(training: Training, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    """Make the optimizer of a training section, with its learning-rate schedule."""
    kinds = {
        "adam": keras.optimizers.Adam,
        "adamw": keras.optimizers.AdamW,
        "sgd": keras.optimizers.SGD,
        "rmsprop": keras.optimizers.RMSprop,
    }
    rate: float | LearningRate = training.learning_rate
    if training.learning_rate_schedule != "constant" or training.warmup_epochs:
        rate = LearningRate(
            training.learning_rate_schedule,
            training.learning_rate,
            training.learning_rate_decay or DEFAULT_DECAY,
            training.epochs,
            training.warmup_epochs,
            steps_per_epoch,
        )
    arguments: dict[str, Any] = {"learning_rate": rate}
    if training.optimizer in READS_MOMENTUM:
        arguments["momentum"] = training.momentum or 0.0
    default = DEFAULT_ADAMW_WEIGHT_DECAY if training.optimizer == "adamw" else 0.0
    decay = default if training.weight_decay is None else training.weight_decay
    # A decay by 0 would be computed; only AdamW insists on a number.
    arguments["weight_decay"] = decay if decay or training.optimizer == "adamw" else None
    return kinds[training.optimizer](**arguments)


def make_loss(training: Training) -> keras.losses.Loss:
    """Make the loss that is trained on; validation is always scored without smoothing."""
    return keras.losses.CategoricalCrossentropy(label_smoothing=training.label_smoothing)


def compile_model(model: keras.Model, training: Training, steps_per_epoch: int) -> None:
    """Compile a model for Keras's own `fit`, as a training section says.

    Args:
        model: Changed in place.
        training: Without references.
        steps_per_epoch: Batches of one epoch, the last partial one included.
    """
    model.compile(
        optimizer=make_optimizer(training, steps_per_epoch),
        loss=make_loss(training),
        metrics=["accuracy"],
    )


def scale(images: tf.Tensor) -> tf.Tensor:
    """Turn uint8 images into what the network takes: float32 in `[0, 1]`."""
    return tf.cast(images, tf.float32) / 255.0


def predictor(model: keras.Model) -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
    """Give a function from uint8 images `(n, h, w, c)` to probabilities `(n, classes)`.

    It follows the model's weights, and predicts in large batches of a size that the memory for
    the model's largest feature map allows.
    """
    largest = max(math.prod(layer.output.shape[1:]) for layer in model.layers)
    size = min(max(MAX_VALUES_AT_ONCE // largest, 1), MAX_IMAGES_AT_ONCE)
    forward = tf.function(
        lambda images: model(scale(images), training=False), autograph=False
    ).get_concrete_function(tf.TensorSpec(model.input_shape, tf.uint8))

    def predict(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        starts = range(0, len(images), size)
        return np.concatenate([forward(tf.constant(images[i : i + size])).numpy() for i in starts])

    return predict


def predict(model: keras.Model, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Give the probabilities `(n, classes)` of uint8 images `(n, h, w, c)`."""
    return predictor(model)(images)
