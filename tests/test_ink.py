"""Augmentation that cuts off what images show."""

from __future__ import annotations

import numpy as np
import pytest

from lenetml.spec.sections import Augmentation
from lenetml.trial.ink import find_cut_off


def squares(n: int = 10, side: int = 20, margin: int = 4, channels: int = 1) -> np.ndarray:
    images = np.zeros((n, side, side, channels), np.uint8)
    images[:, margin:-margin, margin:-margin] = 200
    return images


@pytest.mark.parametrize(
    ("ranges", "share"),
    [
        ({"width_shift_range": 0.2}, 0.0),  # 4 of 20 pixels: just as far as the border
        ({"width_shift_range": 0.3}, 1.0),
        ({"height_shift_range": 0.3}, 1.0),
        ({"zoom_range": 0.4}, 0.0),  # 12 pixels become 20
        ({"zoom_range": 0.5}, 1.0),
        ({"zoom_range": 0.3, "height_shift_range": 0.1}, 0.0),
    ],
)
def test_ink_leaves_at_the_ends_of_the_ranges(ranges: dict[str, float], share: float) -> None:
    found = find_cut_off(squares(), Augmentation(**ranges))
    assert found is not None
    assert (found.share, found.images) == (share, 10)


def test_each_image_counts_by_itself_and_a_light_background_is_one() -> None:
    images = squares(4)
    images[1, :, :] = 0
    images[1, 9:11, 9:11] = 200
    shift = Augmentation(width_shift_range=0.3)
    dark, light = find_cut_off(images, shift), find_cut_off(255 - images, shift)
    assert dark == light
    assert dark is not None and dark.share == 0.75


def test_a_single_pixel_at_the_border_is_no_cut() -> None:
    images = squares()
    images[:, 0, 0] = 200
    found = find_cut_off(images, Augmentation(width_shift_range=0.1))
    assert found is not None and found.share == 0


@pytest.mark.parametrize(
    "augmentation",
    [Augmentation(), Augmentation(rotation_range=20, shear_range=5, horizontal_flip=True)],
)
def test_what_neither_shifts_nor_enlarges_cuts_nothing(augmentation: Augmentation) -> None:
    assert find_cut_off(squares(), augmentation) is None


def test_photographs_have_no_background() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (20, 16, 16, 3)).astype(np.uint8)
    assert find_cut_off(noise, Augmentation(zoom_range=0.5)) is None


def test_the_digits_of_mnist_have_a_margin_of_four_pixels(mnist_folder) -> None:
    with np.load(mnist_folder / "mnist.npz") as arrays:
        images = arrays["x_train"][:2000, :, :, None]
    # 0.1 of 28 pixels is 2.8, less than the margin; 0.3 is 8.4.
    near = find_cut_off(images, Augmentation(width_shift_range=0.1, height_shift_range=0.1))
    far = find_cut_off(images, Augmentation(width_shift_range=0.3))
    assert near is not None and near.share < 0.1
    assert far is not None and far.share > 0.5
