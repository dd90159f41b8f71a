"""Augmentation against Keras's ImageDataGenerator on real digits, and its own promises."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from keras.src.legacy.preprocessing.image import ImageDataGenerator
from sklearn.datasets import load_digits

from lenetml.spec.sections import Augmentation
from lenetml.trial.augment import PARAMETERS, augment, draw, transform

TOLERANCE = 1e-5
FILL_MODES = ("nearest", "constant", "reflect")
# No tensor yet: TensorFlow would start, and take as many threads as there are cores.
SEED = np.array([42, 7], np.int32)
USUAL = Augmentation(
    rotation_range=30.0,
    width_shift_range=0.1,
    height_shift_range=0.1,
    shear_range=0.2,
    zoom_range=0.2,
)
LARGE = Augmentation(
    rotation_range=180.0,
    width_shift_range=0.9,
    height_shift_range=0.9,
    shear_range=60.0,
    zoom_range=0.95,
    horizontal_flip=True,
    vertical_flip=True,
)

# Keras 3.15's ImageDataGenerator calls SciPy by an old name.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Please import `affine_transform` from the `scipy.ndimage`:DeprecationWarning"
)


@pytest.fixture(scope="module")
def mnist(mnist_folder):
    with np.load(mnist_folder / "mnist.npz") as arrays:
        return arrays["x_train"][:200, ..., None].astype(np.float32) / 255


@pytest.fixture(scope="module")
def digits():
    return load_digits().images[:200, ..., None].astype(np.float32) / 16


@pytest.fixture(scope="module")
def colours():
    """Noise, of odd sides and with three channels."""
    return np.random.default_rng(1).random((200, 9, 9, 3), dtype=np.float32)


def with_keras(images, parameters, fill_mode):
    """What ImageDataGenerator makes of each image."""
    generator = ImageDataGenerator(fill_mode=fill_mode)
    return np.stack(
        [
            generator.apply_transform(
                image, dict(zip(PARAMETERS, row, strict=True)) | {"brightness": None}
            )
            for image, row in zip(images, parameters.numpy().tolist(), strict=True)
        ]
    )


@pytest.mark.parametrize("fill_mode", FILL_MODES)
@pytest.mark.parametrize(
    "augmentation",
    [
        USUAL,
        LARGE,
        Augmentation(rotation_range=90.0),
        Augmentation(height_shift_range=0.3, vertical_flip=True),
        Augmentation(width_shift_range=1.0),
        Augmentation(shear_range=45.0, horizontal_flip=True),
        Augmentation(zoom_range=0.5),
    ],
    ids=["usual", "large", "rotation", "height", "width", "shear", "zoom"],
)
@pytest.mark.parametrize("name", ["mnist", "digits", "colours"])
def test_agrees_with_image_data_generator(request, name, augmentation, fill_mode):
    images = request.getfixturevalue(name)
    n, height, width, _ = images.shape
    parameters = draw(augmentation, n, height, width, SEED)
    varied = transform(images, parameters, fill_mode).numpy()
    assert np.abs(varied - with_keras(images, parameters, fill_mode)).max() <= TOLERANCE
    assert np.abs(varied - images).max() > 0.1


def test_neutral_parameters_change_no_bit(digits):
    parameters = draw(Augmentation(), len(digits), 8, 8, SEED)
    for fill_mode in FILL_MODES:
        assert np.array_equal(transform(digits, parameters, fill_mode), digits)
    assert np.array_equal(augment(digits, Augmentation(fill_mode="reflect"), SEED), digits)


@pytest.mark.parametrize("fill_mode", FILL_MODES)
def test_flips_alone_are_exact(digits, fill_mode):
    both = Augmentation(horizontal_flip=True, vertical_flip=True)
    parameters = draw(both, len(digits), 8, 8, SEED)
    flips = parameters.numpy()[:, 7:].astype(bool)
    expected = [
        image[:: -1 if up else 1, :: -1 if side else 1]
        for image, (side, up) in zip(digits, flips, strict=True)
    ]
    assert np.array_equal(transform(digits, parameters, fill_mode), expected)
    assert set(map(tuple, flips.tolist())) == {(a, b) for a in (0, 1) for b in (0, 1)}


def test_an_image_that_is_not_square_turns_about_its_centre():
    image = np.random.default_rng(2).random((1, 4, 10, 1), dtype=np.float32)
    parameters = np.array([[180.0, 0, 0, 0, 1, 1, 1, 0, 0]])
    turned = transform(image, parameters, "nearest").numpy()
    assert np.abs(turned - image[:, ::-1, ::-1]).max() <= TOLERANCE


def test_drawn_parameters_fill_their_ranges_evenly():
    augmentation = Augmentation(
        rotation_range=20.0,
        width_shift_range=0.25,
        height_shift_range=0.5,
        shear_range=10.0,
        zoom_range=0.3,
        brightness_range=(0.5, 2.0),
        vertical_flip=True,
    )
    drawn = draw(augmentation, 20_000, 8, 28, SEED).numpy()
    ranges = [(-20, 20), (-7, 7), (-4, 4), (-10, 10), (0.7, 1.3), (0.7, 1.3), (0.5, 2.0)]
    for column, (low, high) in zip(drawn.T, ranges, strict=False):
        assert low <= column.min() and column.max() <= high
        shares = np.histogram(column, bins=4, range=(low, high))[0] / len(column)
        assert np.abs(shares - 0.25).max() < 0.02  # over six standard deviations
    assert np.all(drawn[:, 7] == 0)
    assert abs(drawn[:, 8].mean() - 0.5) < 0.02
    assert np.abs(np.corrcoef(drawn[:, [0, 1, 2, 3, 4, 5, 6, 8]].T) - np.eye(8)).max() < 0.05


def test_ranges_have_the_meaning_of_image_data_generator():
    generator = ImageDataGenerator(height_shift_range=0.5, width_shift_range=0.1, zoom_range=0.2)
    drawn = [generator.get_random_transform((8, 28, 1), seed=seed) for seed in range(300)]
    augmentation = Augmentation(height_shift_range=0.5, width_shift_range=0.1, zoom_range=0.2)
    ours = draw(augmentation, 300, 8, 28, SEED).numpy()
    # Keras 3.15 draws the shifts crosswise: tx, which moves images sideways, from the height shift.
    for name, their_name in (("tx", "ty"), ("ty", "tx"), ("zx", "zx"), ("zy", "zy")):
        theirs = [parameters[their_name] for parameters in drawn]
        column = ours[:, PARAMETERS.index(name)]
        # Extremes of 300 uniform draws: each lies within 5 % of the range's end.
        room = 0.05 * np.ptp(theirs)
        assert abs(column.min() - min(theirs)) < room
        assert abs(column.max() - max(theirs)) < room


def test_shifts_go_the_way_of_their_names():
    """Level stripes stay as they are when they move sideways, upright ones up and down."""
    level = np.tile(np.arange(8, dtype=np.float32)[:, None, None] / 8, (20, 1, 8, 1))
    upright = level.swapaxes(1, 2)
    sideways, upwards = Augmentation(width_shift_range=0.5), Augmentation(height_shift_range=0.5)
    for shift, same, other in ((sideways, level, upright), (upwards, upright, level)):
        assert np.abs(augment(same, shift, SEED) - same).max() <= TOLERANCE
        assert np.abs(augment(other, shift, SEED) - other).max() > 0.1


def test_the_seed_decides(digits):
    images = augment(digits, LARGE, SEED)
    assert np.array_equal(images, augment(digits, LARGE, SEED))
    assert not np.array_equal(images, augment(digits, LARGE, SEED + 1))


def test_draws_are_the_same_on_every_machine():
    drawn = draw(USUAL, 1, 28, 28, tf.constant([1, 2], tf.int32))
    expected = [[15.149025, 2.630800, -1.814835, 0.142222, 1.005925, 1.043098, 1, 0, 0]]
    assert np.allclose(drawn, expected, rtol=0, atol=1e-6)


def test_brightness_is_a_factor_and_is_clipped(digits):
    augmentation = Augmentation(brightness_range=(0.5, 2.0))
    factors = draw(augmentation, len(digits), 8, 8, SEED).numpy()[:, 6, None, None, None]
    expected = np.clip(digits * factors, 0, 1)
    assert np.allclose(augment(digits, augmentation, SEED), expected, rtol=0, atol=1e-6)
    assert (digits * factors).max() > 1


def test_geometry_and_brightness_together(digits):
    augmentation = USUAL.model_copy(update={"brightness_range": (0.2, 0.4)})
    parameters = draw(augmentation, len(digits), 8, 8, SEED)
    expected = transform(digits, parameters, "nearest").numpy()
    expected *= parameters.numpy()[:, 6, None, None, None]
    assert np.allclose(augment(digits, augmentation, SEED), expected, rtol=0, atol=1e-6)


def test_traced_once_in_a_pipeline_with_a_partial_batch(digits):
    traces = []

    def vary(index, batch):
        traces.append(batch.shape)
        return augment(batch, LARGE, tf.stack([tf.cast(index, tf.int32), 3]))

    batches = tf.data.Dataset.from_tensor_slices(digits).batch(64).enumerate().map(vary)
    images = list(batches.as_numpy_iterator())
    assert [len(batch) for batch in images] == [64, 64, 64, 8]
    assert traces == [tf.TensorShape((None, 8, 8, 1))]
    for index, batch in enumerate(images):
        eager = augment(digits[64 * index :][:64], LARGE, tf.constant([index, 3]))
        assert np.allclose(batch, eager, rtol=0, atol=1e-6)
        assert batch.min() >= 0 and batch.max() <= 1 + 1e-6
