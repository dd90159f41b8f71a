"""The preview of augmentation: which images it takes, and how far it varies them."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits

from lenetml.spec.sections import Augmentation
from lenetml.trial.parts import Part
from lenetml.trial.preview import PLACES, choose_examples, vary_at_random, vary_to_end

ALL = Augmentation(
    rotation_range=90, width_shift_range=0.25, height_shift_range=0.5, shear_range=10,
    zoom_range=0.5, horizontal_flip=True, vertical_flip=True, brightness_range=(0.5, 2.0),
    fill_mode="constant",
)  # fmt: skip


@pytest.fixture(scope="module")
def part() -> Part:
    images, labels = load_digits(return_X_y=True)
    bytes_ = np.rint(images * 255 / 16).astype(np.uint8).reshape(-1, 8, 8, 1)
    return Part(bytes_, labels.astype(np.int64))


@pytest.fixture(scope="module")
def images(part):
    return choose_examples(part, 4)


def test_examples_are_of_as_many_classes_as_there_are():
    labels = np.array([2, 2, 0, 2, 1, 0])
    part = Part(np.arange(6, dtype=np.uint8).reshape(6, 1, 1, 1), labels)
    assert choose_examples(part, 2).ravel().tolist() == [2, 4]
    assert choose_examples(part, 5).ravel().tolist() == [2, 4, 0, 5, 1]
    assert choose_examples(part, 9).ravel().tolist() == [2, 4, 0, 5, 1, 3]


def test_every_key_that_varies_has_a_place():
    assert PLACES.keys() == Augmentation.model_fields.keys() - {"fill_mode"}


@pytest.mark.parametrize("channels", [1, 3])
def test_ends_of_ranges_are_reached(images, channels):
    """As NumPy does it: quarter turns, shifts by whole pixels, mirrored, darker and brighter."""
    images = np.repeat(images, channels, axis=3)

    def end(key, upper):
        return vary_to_end(images, ALL, key, upper=upper).astype(int)

    near = {"rtol": 0, "atol": 1}
    assert np.allclose(end("rotation_range", False), np.rot90(images, 3, axes=(1, 2)), **near)
    assert np.allclose(end("rotation_range", True), np.rot90(images, 1, axes=(1, 2)), **near)
    moved = np.zeros_like(images)
    moved[:, :, 2:] = images[:, :, :-2]
    assert np.allclose(end("width_shift_range", False), moved, **near)
    moved = np.zeros_like(images)
    moved[:, :4] = images[:, 4:]
    assert np.allclose(end("height_shift_range", True), moved, **near)
    assert np.array_equal(end("horizontal_flip", False), images)
    assert np.allclose(end("horizontal_flip", True), images[:, :, ::-1], **near)
    assert np.allclose(end("vertical_flip", True), images[:, ::-1], **near)
    assert np.allclose(end("brightness_range", False), images * 0.5, **near)
    assert np.allclose(end("brightness_range", True), np.minimum(images * 2.0, 255), **near)
    # A factor of 1.5 leaves a black frame; one of 0.5 shows the middle, from 1.75 to 5.25.
    assert end("zoom_range", True)[:, [0, -1]].max() == 0
    low, high = images[:, 1].astype(float), images[:, 2].astype(float)
    across = [0.25 * row[:, 1] + 0.75 * row[:, 2] for row in (low, high)]
    assert np.allclose(
        end("zoom_range", False)[:, 0, 0], 0.25 * across[0] + 0.75 * across[1], **near
    )


def test_one_key_leaves_the_others_alone(images):
    only = Augmentation(shear_range=10, fill_mode="constant")
    assert np.array_equal(
        vary_to_end(images, ALL, "shear_range", upper=True),
        vary_to_end(images, only, "shear_range", upper=True),
    )


def test_what_is_drawn_follows_from_the_seed(images):
    first = vary_at_random(images, ALL, 7)
    assert np.array_equal(first, vary_at_random(images, ALL, 7))
    assert not np.array_equal(first, vary_at_random(images, ALL, 8))
    assert (first.dtype, first.shape) == (images.dtype, images.shape)
    assert np.array_equal(vary_at_random(images, Augmentation(), 7), images)
