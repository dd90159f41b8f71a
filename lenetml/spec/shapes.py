"""Shapes, parameters and multiply-accumulates of a network, by arithmetic.

Shapes and parameters are Keras's (`count_params`, batch normalization's running averages
included); multiply-accumulates are those of convolutions and dense layers, all else is 0.
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
    Flatten,
    Layer,
    Pooling2D,
)

Shape: TypeAlias = tuple[int, ...]
OUTPUT = "output"


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


class _DoesNotFit(Exception):
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
            entry = _ARITHMETIC.get(type(layer), _unchanged)(layer, shape)
        except _DoesNotFit as error:
            if index == len(layers):
                reason = f"is {in_words(shape)}, and must be flat: write flatten at the end"
                raise Impossible(index, reason) from None
            raise Impossible(index, str(error)) from None
        traced.append(entry if index < len(layers) else _renamed(entry))
        shape = entry.output_shape
    return tuple(traced)


def in_words(shape: Shape) -> str:
    """A shape as people write it: `28 x 28 x 1`."""
    return " x ".join(map(str, shape)) if len(shape) > 1 else f"{shape[0]} values"


def _renamed(entry: LayerShape) -> LayerShape:
    return LayerShape(OUTPUT, entry.output_shape, entry.parameters, entry.macs)


def _side(size: int, window: int, stride: int, padding: str) -> int:
    return math.ceil(size / stride) if padding == "same" else (size - window) // stride + 1


def _slide(shape: Shape, window: Shape, strides: Shape, padding: str, what: str) -> Shape:
    """Height and width after a window has slid over a feature map."""
    if len(shape) != 3:
        words = "and must be a feature map: flatten stands before it"
        raise _DoesNotFit(f"is {in_words(shape)}, {words}")
    sides = tuple(
        _side(size, length, stride, padding)
        for size, length, stride in zip(shape, window, strides, strict=False)
    )
    if min(sides) < 1:
        raise _DoesNotFit(f"is {in_words(shape)}, smaller than its {in_words(window)} {what}")
    return sides


def _conv2d(layer: Conv2D, shape: Shape) -> LayerShape:
    sides = _slide(shape, layer.kernel_size, layer.strides, layer.padding, "kernel")
    weights = math.prod(layer.kernel_size) * shape[2] * layer.filters
    parameters = weights + layer.filters * layer.use_bias
    return LayerShape("conv2d", (*sides, layer.filters), parameters, weights * math.prod(sides))


def _pooling2d(layer: Pooling2D, shape: Shape) -> LayerShape:
    strides = layer.strides or layer.pool_size
    sides = _slide(shape, layer.pool_size, strides, layer.padding, "window")
    return LayerShape("pooling2d", (*sides, shape[2]))


def _dense(layer: Dense, shape: Shape) -> LayerShape:
    if len(shape) != 1:
        raise _DoesNotFit(f"is {in_words(shape)}, and must be flat: write flatten before it")
    weights = shape[0] * layer.units
    return LayerShape("dense", (layer.units,), weights + layer.units * layer.use_bias, weights)


def _flatten(layer: Flatten, shape: Shape) -> LayerShape:
    return LayerShape("flatten", (math.prod(shape),))


def _batch_normalization(layer: BatchNormalization, shape: Shape) -> LayerShape:
    return LayerShape("batch_normalization", shape, 4 * shape[-1])


def _unchanged(layer: Any, shape: Shape) -> LayerShape:
    return LayerShape(layer.layer, shape)


_ARITHMETIC: dict[type[Layer], Callable[[Any, Shape], LayerShape]] = {
    Conv2D: _conv2d,
    Pooling2D: _pooling2d,
    Dense: _dense,
    Flatten: _flatten,
    BatchNormalization: _batch_normalization,
}
