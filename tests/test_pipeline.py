from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from lenetml.spec.sections import Augmentation
from lenetml.trial.pipeline import epoch_order, prepare_chunk, training_batches, training_images
from lenetml.trial.sources import Part
from lenetml.trial.threads import use_one_thread

use_one_thread()

NONE = Augmentation()
VARIED = Augmentation(rotation_range=20.0, width_shift_range=0.2)


def numbered_part(n: int = 70) -> Part:
    """Images whose pixels all hold the image's number, and labels that follow from it."""
    numbers = np.arange(n)
    images = np.broadcast_to(numbers[:, None, None, None], (n, 6, 6, 1)).astype(np.uint8)
    return Part(images, numbers % 3)


def random_part(n: int = 70) -> Part:
    draw = np.random.default_rng(1)
    return Part(draw.integers(256, size=(n, 6, 6, 1), dtype=np.uint8), draw.integers(3, size=n))


def batches(part, augmentation=NONE, seed=1, batch_size=32, **settings):
    data = training_batches(part, 3, batch_size, augmentation, seed, **settings)
    return [(images.numpy(), targets.numpy()) for images, targets in data]


def numbers_of(batch):
    return np.rint(batch[0][:, 0, 0, 0] * 255).astype(int).tolist()


def same(one, other):
    pairs = zip(one, other, strict=True)
    return all(np.array_equal(a[0], b[0]) and np.array_equal(a[1], b[1]) for a, b in pairs)


def test_an_epoch_holds_every_image_once_and_keeps_the_last_partial_batch():
    epoch = batches(numbered_part())
    assert [len(images) for images, _ in epoch] == [32, 32, 6]
    seen = [number for batch in epoch for number in numbers_of(batch)]
    assert sorted(seen) == list(range(70))
    assert seen != list(range(70))


def test_images_and_targets_stay_together():
    for batch in batches(numbered_part()):
        images, targets = batch
        assert images.dtype == targets.dtype == np.float32
        assert images.min() >= 0 and images.max() <= 1
        assert targets.tolist() == np.eye(3)[np.array(numbers_of(batch)) % 3].tolist()


def test_every_epoch_has_an_order_of_its_own():
    both = batches(numbered_part(), epochs=2)
    assert [len(images) for images, _ in both] == [32, 32, 6] * 2
    orders = [sum(map(numbers_of, both[:3]), []), sum(map(numbers_of, both[3:]), [])]
    assert sorted(orders[1]) == list(range(70))
    assert orders[0] != orders[1]


@pytest.mark.parametrize("augmentation", [NONE, VARIED])
def test_the_seed_decides_everything(augmentation):
    first = batches(random_part(), augmentation, seed=4, epochs=2)
    assert same(first, batches(random_part(), augmentation, seed=4, epochs=2))
    assert not same(first, batches(random_part(), augmentation, seed=5, epochs=2))


def test_a_later_epoch_can_be_given_alone():
    both = batches(random_part(), VARIED, epochs=2)
    assert same(both[3:], batches(random_part(), VARIED, epochs=1, first_epoch=1))


def test_length_is_known():
    assert len(training_batches(numbered_part(), 3, 32, NONE, 1, epochs=5)) == 15


def test_every_image_of_every_batch_and_epoch_is_varied_anew():
    image = random_part(1).images
    part = Part(np.repeat(image, 90, axis=0), np.zeros(90, np.int64))
    varied = np.concatenate([images for images, _ in batches(part, VARIED, epochs=2)])
    assert len(np.unique(varied.reshape(180, -1), axis=0)) == 180


def test_chunks_are_varied_each_in_its_own_way(monkeypatch):
    monkeypatch.setattr("lenetml.trial.pipeline.CHUNK_IMAGES", 32)
    image = random_part(1).images
    part = Part(np.repeat(image, 90, axis=0), np.zeros(90, np.int64))
    varied = np.concatenate([images for images, _ in batches(part, VARIED, epochs=2)])
    assert len(np.unique(varied.reshape(180, -1), axis=0)) == 180


@pytest.mark.parametrize("chunk_images", [1, 32, 40, 64, 1024])
def test_chunks_do_not_change_the_batches(monkeypatch, chunk_images):
    expected = batches(random_part())
    monkeypatch.setattr("lenetml.trial.pipeline.CHUNK_IMAGES", chunk_images)
    assert same(expected, batches(random_part()))


def test_large_images_come_in_small_chunks():
    large = Part(np.zeros((40, 512, 512, 3), np.uint8), np.zeros(40, np.int64))
    source = training_images(large, 3, 2, NONE, 1)
    assert (source.batches_per_chunk, source.n_batches, source.n_chunks) == (2, 20, 10)


def test_chunks_and_batches_are_the_same_images():
    source = training_images(random_part(), 3, 16, VARIED, seed=9)
    epoch = tf.constant(1)
    order = epoch_order(source, epoch)
    images, targets = prepare_chunk(source, order, epoch, tf.constant(0))
    expected = batches(random_part(), VARIED, seed=9, batch_size=16, first_epoch=1)
    assert np.array_equal(images, np.concatenate([batch[0] for batch in expected]))
    assert np.array_equal(targets, np.concatenate([batch[1] for batch in expected]))
