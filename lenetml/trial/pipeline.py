"""Training images in the order and the batches of each epoch, all of it following from one seed.

Images are prepared in chunks of whole batches, because a thousand images at once are gathered,
scaled and augmented much faster than thirty-two. `training_batches` gives the same batches as a
`tf.data.Dataset`, for Keras's own `fit`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import tensorflow as tf

from lenetml.spec.sections import Augmentation
from lenetml.trial.augment import augment
from lenetml.trial.model import scale
from lenetml.trial.sources import Part
from lenetml.values import derive_seed

CHUNK_IMAGES = 1024
# 16 MiB of float32 pixels in one chunk.
CHUNK_VALUES = 2**22


@dataclass(frozen=True, eq=False)
class TrainingImages:
    """The training part as tensors, and how it is put into batches.

    Args:
        images: uint8, shape `(n, h, w, c)`.
        labels: int64, shape `(n,)`.
        n_classes: Width of the targets.
        batch_size: Images of a batch; the last of an epoch may have fewer.
        batches_per_chunk: Batches that are prepared at once.
        augmentation: How far each image may be varied.
        shuffle_seed: For the order of the images, in the range of int32.
        augment_seed: For the variation of the images, in the range of int32.
    """

    images: tf.Tensor
    labels: tf.Tensor
    n_classes: int
    batch_size: int
    batches_per_chunk: int
    augmentation: Augmentation
    shuffle_seed: int
    augment_seed: int

    @property
    def n_batches(self) -> int:
        """Batches of one epoch, the last partial one included."""
        return math.ceil(len(self.images) / self.batch_size)

    @property
    def n_chunks(self) -> int:
        """Chunks of one epoch."""
        return math.ceil(self.n_batches / self.batches_per_chunk)


def training_images(
    part: Part, n_classes: int, batch_size: int, augmentation: Augmentation, seed: int
) -> TrainingImages:
    """Bring the training part to where it is trained.

    Args:
        part: Images uint8 and labels.
        n_classes: Classes of the data.
        batch_size: At least 1.
        augmentation: Without references.
        seed: From 1 to 2**32 - 1; decides order and variation.
    """
    n_images = min(CHUNK_IMAGES, CHUNK_VALUES // math.prod(part.images.shape[1:]))
    return TrainingImages(
        images=tf.constant(part.images),
        labels=tf.constant(part.labels),
        n_classes=n_classes,
        batch_size=batch_size,
        batches_per_chunk=max(n_images // batch_size, 1),
        augmentation=augmentation,
        shuffle_seed=derive_seed(seed, "shuffle") - 2**31,
        augment_seed=derive_seed(seed, "augment") - 2**31,
    )


def epoch_order(source: TrainingImages, epoch: tf.Tensor) -> tf.Tensor:
    """Give the order of the images in one epoch: a permutation, int32, shape `(n,)`."""
    keys = _random_numbers(len(source.images), tf.stack([source.shuffle_seed, epoch]))
    return tf.argsort(keys, stable=True)


def prepare_chunk(
    source: TrainingImages, order: tf.Tensor, epoch: tf.Tensor, chunk: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Gather, scale and augment the images of one chunk.

    Args:
        source: The training part.
        order: Of this epoch, as `epoch_order` gives it.
        epoch: From 0, int32.
        chunk: From 0, int32; the last chunk of an epoch may be smaller.

    Returns:
        Images float32 `(size, h, w, c)` in `[0, 1]`, and one-hot targets `(size, n_classes)`.
    """
    size = source.batch_size * source.batches_per_chunk
    chosen = order[chunk * size : (chunk + 1) * size]
    images = scale(tf.gather(source.images, chosen))
    if source.augmentation.is_active:
        images = augment(images, source.augmentation, _chunk_seed(source, epoch, chunk))
    return images, tf.one_hot(tf.gather(source.labels, chosen), source.n_classes)


def _chunk_seed(source: TrainingImages, epoch: tf.Tensor, chunk: tf.Tensor) -> tf.Tensor:
    """Give a seed of this chunk alone, as far from its neighbours' as a hash makes it."""
    return _random_numbers(2, tf.stack([source.augment_seed, epoch * source.n_chunks + chunk]))


def _random_numbers(n: int, seed: tf.Tensor) -> tf.Tensor:
    """Draw n numbers from all of int32, by an algorithm that is the same on every device."""
    return tf.random.stateless_uniform(
        [n], seed, minval=None, maxval=None, dtype=tf.int32, alg="philox"
    )


def training_batches(
    part: Part,
    n_classes: int,
    batch_size: int,
    augmentation: Augmentation,
    seed: int,
    epochs: int = 1,
    first_epoch: int = 0,
) -> tf.data.Dataset:
    """Give the batches of `epochs` epochs, one after the other, for Keras's `fit`.

    Each epoch has an order and variations of its own, which depend on the seed and on its number
    alone. The last partial batch of an epoch is kept.

    Args:
        part: Images uint8 and labels.
        n_classes: Classes of the data.
        batch_size: At least 1.
        augmentation: Without references.
        seed: From 1 to 2**32 - 1.
        epochs: How many epochs the data set holds.
        first_epoch: The number of its first, from 0; above 0 where a training goes on.

    Returns:
        Pairs of images float32 `(b, h, w, c)` in `[0, 1]` and one-hot targets `(b, n_classes)`.
    """
    source = training_images(part, n_classes, batch_size, augmentation, seed)
    # AutoGraph cannot rewrite pydantic's methods, and there is no Python loop to rewrite.
    as_it_is = tf.autograph.experimental.do_not_convert

    def batches_of(epoch: tf.Tensor) -> tf.data.Dataset:
        order = epoch_order(source, epoch)
        chunks = tf.data.Dataset.range(source.n_chunks, output_type=tf.int32)
        prepared = chunks.map(as_it_is(lambda chunk: prepare_chunk(source, order, epoch, chunk)))
        return prepared.rebatch(batch_size)

    numbers = tf.data.Dataset.range(first_epoch, first_epoch + epochs, output_type=tf.int32)
    length = tf.data.experimental.assert_cardinality(epochs * source.n_batches)
    return numbers.flat_map(as_it_is(batches_of)).apply(length).with_options(_one_thread())


def _one_thread() -> tf.data.Options:
    """Keep tf.data to one thread of its own, without autotuning, which costs more than it gains."""
    options = tf.data.Options()
    options.threading.private_threadpool_size = 1
    options.threading.max_intra_op_parallelism = 1
    options.autotune.enabled = False
    options.deterministic = True
    return options
