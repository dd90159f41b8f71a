"""One epoch of training as one compiled loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import keras
import tensorflow as tf

from lenetml.spec.sections import Training
from lenetml.trial.model import make_loss, make_optimizer
from lenetml.trial.pipeline import TrainingImages, epoch_order, prepare_chunk


@dataclass(frozen=True, eq=False)
class Epochs:
    """The training of one network, epoch by epoch.

    Args:
        run: Trains one epoch, numbered from 0, and gives the mean loss and the accuracy of its
            batches as they were trained. At the first loss that is not finite it stops and
            gives that.
        variables: All that training changes, of the network and its optimizer.
    """

    run: Callable[[int], tuple[float, float]]
    variables: list[keras.Variable]


def compile_epoch(model: keras.Model, source: TrainingImages, training: Training) -> Epochs:
    """Compile the training of a network, whose weights it changes.

    Args:
        model: Not compiled by Keras.
        source: The training part.
        training: Without references.
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

    return Epochs(run_epoch, [*model.variables, *optimizer.variables])
