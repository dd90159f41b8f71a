"""Augmentation: training images varied as Keras's ImageDataGenerator varies them, a batch at once.

All geometry of an image is one affine transform, and all images of a batch go through one
operation. The parameters are drawn from a seed, so the same seed gives the same images. For the
same parameters the images are those of ImageDataGenerator, to within 1e-5 at 28 x 28, with two
exceptions: brightness is a plain factor, and images that are not square turn about their centre
(in Keras 3.15 about a point with the sides swapped). All of it can run inside tf.data.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from lenetml.spec.sections import Augmentation

PARAMETERS = (
    "theta", "tx", "ty", "shear", "zx", "zy", "brightness", "flip_horizontal", "flip_vertical",
)  # fmt: skip
_N_RANGES = 7


def draw(
    augmentation: Augmentation, n: int | tf.Tensor, height: int, width: int, seed: tf.Tensor
) -> tf.Tensor:
    """Draw the parameters of n images.

    `tx` moves images sideways and comes from the width shift, as Keras's documentation says
    (Keras 3.15 itself draws it from the height shift); a range of 1 is the whole side (there: a
    pixel).

    Args:
        augmentation: The section of a concrete spec.
        n: How many images.
        height: Of an image, in pixels.
        width: Of an image, in pixels.
        seed: int32, shape `(2,)`.

    Returns:
        float64, shape `(n, 9)`, in the order of `PARAMETERS`: angles in degrees, shifts in
        pixels, zooms and brightness as factors, flips 0 or 1.
    """
    half = np.array(
        [
            augmentation.rotation_range,
            augmentation.width_shift_range * width,
            augmentation.height_shift_range * height,
            augmentation.shear_range,
            augmentation.zoom_range,
            augmentation.zoom_range,
        ]
    )
    middle = np.array([0.0, 0.0, 0.0, 0.0, 1.0, 1.0])
    darkest, brightest = augmentation.brightness_range or (1.0, 1.0)
    low = np.append(middle - half, darkest)
    high = np.append(middle + half, brightest)
    chances = 0.5 * np.array([augmentation.horizontal_flip, augmentation.vertical_flip])
    # The algorithm is named because the default may differ from device to device.
    shares = tf.random.stateless_uniform((n, len(PARAMETERS)), seed, dtype=tf.float64, alg="philox")
    ranges = low + shares[:, :_N_RANGES] * (high - low)
    flips = tf.cast(shares[:, _N_RANGES:] < chances, tf.float64)
    return tf.concat([ranges, flips], axis=1)


def transform(images: tf.Tensor, parameters: tf.Tensor, fill_mode: str) -> tf.Tensor:
    """Rotate, shift, shear, zoom and flip images, bilinearly.

    Args:
        images: float32, shape `(n, height, width, channels)`, sides known when traced.
        parameters: From `draw`; brightness is not looked at.
        fill_mode: What lies outside of an image: `nearest`, `reflect`, or `constant` for 0.

    Returns:
        Images of the same shape.
    """
    height, width = images.shape[1:3]
    matrix = _compose(parameters, height, width)
    flip_x, flip_y = parameters[:, 7], parameters[:, 8]
    varied = tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=_flip(matrix, flip_x, flip_y, height, width),
        output_shape=(height, width),
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="REFLECT" if fill_mode == "reflect" else "NEAREST",
    )
    if fill_mode == "constant":
        # TensorFlow 2.21's CONSTANT fades out over a pixel beyond the edge; ImageDataGenerator's
        # ends at the edge itself, which only float64 tells exactly.
        varied *= _inside(matrix, flip_x, flip_y, height, width)
    return varied


def augment(images: tf.Tensor, augmentation: Augmentation, seed: tf.Tensor) -> tf.Tensor:
    """Vary a batch of training images.

    Args:
        images: float32 in [0, 1], shape `(n, height, width, channels)`; n may be unknown when
            traced.
        augmentation: The section of a concrete spec.
        seed: int32, shape `(2,)`; another one for each batch of each epoch.

    Returns:
        Images of the same shape, in [0, 1] but for rounding.
    """
    height, width = images.shape[1:3]
    parameters = draw(augmentation, tf.shape(images)[0], height, width, seed)
    return vary(images, parameters, augmentation)


def vary(images: tf.Tensor, parameters: tf.Tensor, augmentation: Augmentation) -> tf.Tensor:
    """Vary images by parameters that are given.

    Args:
        images: As `augment`.
        parameters: As `draw` gives them.
        augmentation: Says what is varied at all, and what lies outside of an image.

    Returns:
        Images of the same shape, in [0, 1] but for rounding.
    """
    if augmentation.model_copy(update={"brightness_range": None}).is_active:
        images = transform(images, parameters, augmentation.fill_mode)
    if augmentation.brightness_range is not None:
        images = tf.clip_by_value(
            images * tf.cast(parameters[:, 6, None, None, None], tf.float32), 0.0, 1.0
        )
    return images


def _compose(parameters: tf.Tensor, height: int, width: int) -> list[tf.Tensor]:
    """Give the six numbers of each matrix that leads from a pixel to its source.

    source x = a x + b y + c and source y = d x + e y + f: rotation, shift, shear and zoom in
    the order of ImageDataGenerator, about the centre of the image.
    """
    theta, tx, ty, shear, zx, zy = tf.unstack(parameters[:, :6], axis=1)
    theta, shear = theta * (np.pi / 180), shear * (np.pi / 180)
    cos, sin = tf.cos(theta), tf.sin(theta)
    a, b = cos * zx, -tf.sin(theta + shear) * zy
    d, e = sin * zx, tf.cos(theta + shear) * zy
    x, y = width / 2 - 0.5, height / 2 - 0.5
    c = -x * a - y * b + (cos * tx - sin * ty + x)
    f = -x * d - y * e + (sin * tx + cos * ty + y)
    return [a, b, c, d, e, f]


def _flip(
    matrix: list[tf.Tensor], flip_x: tf.Tensor, flip_y: tf.Tensor, height: int, width: int
) -> tf.Tensor:
    """Let x run from the right where flipped, y from below; shape `(n, 8)` for TensorFlow."""
    a, b, c, d, e, f = matrix
    sign_x, sign_y = 1 - 2 * flip_x, 1 - 2 * flip_y
    start_x, start_y = flip_x * (width - 1), flip_y * (height - 1)
    zero = tf.zeros_like(a)
    rows = [
        *(a * sign_x, b * sign_y, c + a * start_x + b * start_y),
        *(d * sign_x, e * sign_y, f + d * start_x + e * start_y),
        *(zero, zero),
    ]
    return tf.cast(tf.stack(rows, axis=1), tf.float32)


def _inside(
    matrix: list[tf.Tensor], flip_x: tf.Tensor, flip_y: tf.Tensor, height: int, width: int
) -> tf.Tensor:
    """Give 1 where the source of a pixel lies within the image, else 0; in float64."""
    a, b, c, d, e, f = (number[:, None, None] for number in matrix)
    x, y = np.arange(width, dtype=np.float64), np.arange(height, dtype=np.float64)[:, None]
    x = tf.abs(flip_x[:, None, None] * (width - 1) - x)
    y = tf.abs(flip_y[:, None, None] * (height - 1) - y)
    source_x, source_y = a * x + b * y + c, d * x + e * y + f
    inside = (source_x >= 0) & (source_x <= width - 1) & (source_y >= 0) & (source_y <= height - 1)
    return tf.cast(inside, tf.float32)[..., None]
