"""Shapes, parameters and multiply-accumulates of a network, by arithmetic.

Shapes and parameters are Keras's (`count_params`, batch normalization's running averages
included); multiply-accumulates are those of convolutions and dense layers, all else is 0. A
residual counts with all that is in it, the convolution that its input may pass included.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from lenetml.spec.layers import (
    BatchNormalization,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Flatten,
    GlobalPooling2D,
    Layer,
    Pooling2D,
    Residual,
    SeparableConv2D,
)

Shape: TypeAlias = tuple[int, ...]
OUTPUT = "output"
_FLATTEN = "flatten or global_pooling2d"


@dataclass(frozen=True)
class LayerShape:
    """What one layer gives: its output `(height, width, channels)` or `(n,)`, and its size."""

    layer: str
    output_shape: Shape
    parameters: int = 0
    macs: int = 0


class Impossible(Exception):
    """A network that cannot be built.

    Args:
        index: The layer that does not fit, from 0; the number of layers: the output layer.
        reason: The rest of a sentence that begins with "the input of" that layer.
    """

    def __init__(self, index: int, reason: str) -> None:
        super().__init__(reason)
        self.index = index
        self.reason = reason


class DoesNotFit(Exception):
    """A layer cannot take its input; the message says why."""


def trace(layers: Sequence[Layer], input_shape: Shape, n_classes: int) -> tuple[LayerShape, ...]:
    """Follow an image through a network.

    Args:
        layers: The layers in turn, without `repeat` and `when`.
        input_shape: Height, width, channels.
        n_classes: Units of the output layer that is added at the end.

    Returns:
        One entry a layer, and the output layer.

    Raises:
        Impossible: A feature map vanishes, or a layer meets a shape that it cannot take.
    """
    shape = input_shape
    traced = []
    output = Dense(units=n_classes, activation="linear")
    for index, layer in enumerate([*layers, output]):
        try:
            entry = advance(layer, shape)
        except DoesNotFit as error:
            if index == len(layers):
                reason = f"is {in_words(shape)}, and must be flat: write {_FLATTEN} at the end"
                raise Impossible(index, reason) from None
            raise Impossible(index, str(error)) from None
        traced.append(entry if index < len(layers) else _renamed(entry))
        shape = entry.output_shape
    return tuple(traced)


def advance(layer: Layer, shape: Shape) -> LayerShape:
    """What one layer gives for an input of a shape.

    Raises:
        DoesNotFit: It cannot take that input.
    """
    return _ARITHMETIC.get(type(layer), _unchanged)(layer, shape)


def in_words(shape: Shape) -> str:
    """A shape as people write it: `28 x 28 x 1`."""
    return " x ".join(map(str, shape)) if len(shape) > 1 else f"{shape[0]} values"


def shortcut(outer: Shape, inner: Shape) -> Conv2D | None:
    """Find what the input of a residual passes before the output of its layers is added to it.

    Args:
        outer: Height, width, channels of the input.
        inner: Those of the output of the layers.

    Returns:
        A convolution of 1 x 1 with the least strides that give the inner height and width, or
        None where the shapes are equal.

    Raises:
        DoesNotFit: No strides do.
    """
    if outer == inner:
        return None
    strides = (math.ceil(outer[0] / inner[0]), math.ceil(outer[1] / inner[1]))
    conv = Conv2D(filters=inner[2], kernel_size=(1, 1), strides=strides, padding="same")
    if _conv2d(conv, outer).output_shape != inner:
        what = f"cannot be added to the {in_words(inner)} of its layers"
        why = f"no strides turn {in_words(outer[:2])} into {in_words(inner[:2])}"
        raise DoesNotFit(f"is {in_words(outer)}, and {what}: {why}; write padding: same inside")
    return conv


def _renamed(entry: LayerShape) -> LayerShape:
    return LayerShape(OUTPUT, entry.output_shape, entry.parameters, entry.macs)


def _side(size: int, window: int, stride: int, padding: str) -> int:
    return -(-size // stride) if padding == "same" else (size - window) // stride + 1


def _require_feature_map(shape: Shape) -> None:
    if len(shape) != 3:
        words = f"and must be a feature map: {_FLATTEN} stands before it"
        raise DoesNotFit(f"is {in_words(shape)}, {words}")


def _slide(shape: Shape, window: Shape, strides: Shape, padding: str, what: str) -> Shape:
    """Height and width after a window has slid over a feature map."""
    _require_feature_map(shape)
    # Written out: a search space may ask for this a hundred thousand times.
    height = _side(shape[0], window[0], strides[0], padding)
    width = _side(shape[1], window[1], strides[1], padding)
    if height < 1 or width < 1:
        raise DoesNotFit(f"is {in_words(shape)}, smaller than its {in_words(window)} {what}")
    return height, width


def _conv2d(layer: Conv2D, shape: Shape) -> LayerShape:
    sides = _slide(shape, layer.kernel_size, layer.strides, layer.padding, "kernel")
    weights = math.prod(layer.kernel_size) * shape[2] * layer.filters
    parameters = weights + layer.filters * layer.use_bias
    return LayerShape("conv2d", (*sides, layer.filters), parameters, weights * math.prod(sides))


def _depthwise_conv2d(layer: DepthwiseConv2D, shape: Shape) -> LayerShape:
    sides = _slide(shape, layer.kernel_size, layer.strides, layer.padding, "kernel")
    channels = shape[2] * layer.depth_multiplier
    weights = math.prod(layer.kernel_size) * channels
    parameters = weights + channels * layer.use_bias
    macs = weights * math.prod(sides)
    return LayerShape("depthwise_conv2d", (*sides, channels), parameters, macs)


def _separable_conv2d(layer: SeparableConv2D, shape: Shape) -> LayerShape:
    sides = _slide(shape, layer.kernel_size, layer.strides, layer.padding, "kernel")
    channels = shape[2] * layer.depth_multiplier
    weights = math.prod(layer.kernel_size) * channels + channels * layer.filters
    parameters = weights + layer.filters * layer.use_bias
    macs = weights * math.prod(sides)
    return LayerShape("separable_conv2d", (*sides, layer.filters), parameters, macs)


def _pooling2d(layer: Pooling2D, shape: Shape) -> LayerShape:
    strides = layer.strides or layer.pool_size
    sides = _slide(shape, layer.pool_size, strides, layer.padding, "window")
    return LayerShape("pooling2d", (*sides, shape[2]))


def _global_pooling2d(layer: GlobalPooling2D, shape: Shape) -> LayerShape:
    _require_feature_map(shape)
    return LayerShape("global_pooling2d", (shape[2],))


def _dense(layer: Dense, shape: Shape) -> LayerShape:
    if len(shape) != 1:
        raise DoesNotFit(f"is {in_words(shape)}, and must be flat: write {_FLATTEN} before it")
    weights = shape[0] * layer.units
    return LayerShape("dense", (layer.units,), weights + layer.units * layer.use_bias, weights)


def _flatten(layer: Flatten, shape: Shape) -> LayerShape:
    return LayerShape("flatten", (math.prod(shape),))


def _batch_normalization(layer: BatchNormalization, shape: Shape) -> LayerShape:
    return LayerShape("batch_normalization", shape, 4 * shape[-1])


def _residual(layer: Residual, shape: Shape) -> LayerShape:
    _require_feature_map(shape)
    entries, inner = [], shape
    for number, each in enumerate(layer.layers, start=1):
        try:
            entries.append(advance(each, inner))
        except DoesNotFit as error:
            where = f"inside, the input of layer {number}, {each.layer},"
            raise DoesNotFit(f"is {in_words(shape)}; {where} {error}") from None
        inner = entries[-1].output_shape
    conv = shortcut(shape, inner)
    if conv is not None:
        entries.append(_conv2d(conv, shape))
    parameters = sum(entry.parameters for entry in entries)
    return LayerShape("residual", inner, parameters, sum(entry.macs for entry in entries))


def _unchanged(layer: Any, shape: Shape) -> LayerShape:
    return LayerShape(layer.layer, shape)


_ARITHMETIC: dict[type[Layer], Callable[[Any, Shape], LayerShape]] = {
    Conv2D: _conv2d,
    DepthwiseConv2D: _depthwise_conv2d,
    SeparableConv2D: _separable_conv2d,
    Pooling2D: _pooling2d,
    GlobalPooling2D: _global_pooling2d,
    Dense: _dense,
    Flatten: _flatten,
    BatchNormalization: _batch_normalization,
    Residual: _residual,
}
