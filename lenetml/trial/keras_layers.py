"""The layers of a spec as Keras layers: one function a kind, and the table of them.

A function takes the layer, its name and its seed, and gives what a Keras tensor is put through.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import keras

from lenetml.spec.layers import (
    ActivationLayer,
    AnyLayer,
    BatchNormalization,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    Flatten,
    GlobalPooling2D,
    Layer,
    Pooling2D,
    Residual,
    SeparableConv2D,
)
from lenetml.spec.shapes import shortcut
from lenetml.values import derive_seed


def stack(layers: Sequence[AnyLayer], values: Any, seed: int, prefix: str = "") -> Any:
    """Apply layers in turn.

    Args:
        layers: Without references, conditions or repeats.
        values: A Keras tensor.
        seed: Of the layers; each draws from one of its own.
        prefix: Of their names.
    """
    for number, layer in enumerate(layers, start=1):
        make, name = KERAS_LAYERS[type(layer)], f"{prefix}{layer.layer}_{number}"
        values = make(layer, name, derive_seed(seed, "layer", number))(values)
    return values


def glorot(seed: int) -> keras.Initializer:
    """The initializer of all kernels."""
    return keras.initializers.GlorotUniform(seed)


def _conv2d(layer: Conv2D, name: str, seed: int) -> Any:
    return keras.layers.Conv2D(
        layer.filters,
        layer.kernel_size,
        strides=layer.strides,
        padding=layer.padding,
        activation=layer.activation,
        use_bias=layer.use_bias,
        kernel_initializer=glorot(seed),
        name=name,
    )


def _depthwise_conv2d(layer: DepthwiseConv2D, name: str, seed: int) -> Any:
    def convolution(strides: tuple[int, int], padding: str) -> Any:
        return keras.layers.DepthwiseConv2D(
            layer.kernel_size,
            strides=strides,
            padding=padding,
            depth_multiplier=layer.depth_multiplier,
            activation=layer.activation,
            use_bias=layer.use_bias,
            depthwise_initializer=glorot(seed),
            name=name,
        )

    return partial(_slide, layer, name, convolution)


def _separable_conv2d(layer: SeparableConv2D, name: str, seed: int) -> Any:
    def convolution(strides: tuple[int, int], padding: str) -> Any:
        return keras.layers.SeparableConv2D(
            layer.filters,
            layer.kernel_size,
            strides=strides,
            padding=padding,
            depth_multiplier=layer.depth_multiplier,
            activation=layer.activation,
            use_bias=layer.use_bias,
            depthwise_initializer=glorot(derive_seed(seed, "depthwise")),
            pointwise_initializer=glorot(derive_seed(seed, "pointwise")),
            name=name,
        )

    return partial(_slide, layer, name, convolution)


def _slide(
    layer: DepthwiseConv2D | SeparableConv2D,
    name: str,
    convolution: Callable[[tuple[int, int], str], Any],
    values: Any,
) -> Any:
    """Apply a convolution of single channels, in three steps where its strides differ."""
    if layer.strides[0] == layer.strides[1]:
        return convolution(layer.strides, layer.padding)(values)
    # Without oneDNN, TensorFlow 2.21 refuses strides that differ: move by 1, then leave out places.
    if layer.padding == "same":
        sides = zip(values.shape[1:3], layer.kernel_size, layer.strides, strict=True)
        border = tuple(_border(*side) for side in sides)
        values = keras.layers.ZeroPadding2D(border, name=f"{name}_border")(values)
    values = convolution((1, 1), "valid")(values)
    return keras.layers.MaxPooling2D(1, strides=layer.strides, name=f"{name}_strides")(values)


def _border(size: int, window: int, stride: int) -> tuple[int, int]:
    """What `same` adds before and after one side."""
    total = max((math.ceil(size / stride) - 1) * stride + window - size, 0)
    return total // 2, total - total // 2


def _pooling2d(layer: Pooling2D, name: str, seed: int) -> Any:
    kinds = {"average": keras.layers.AveragePooling2D, "max": keras.layers.MaxPooling2D}
    return kinds[layer.kind](
        layer.pool_size, strides=layer.strides, padding=layer.padding, name=name
    )


def _global_pooling2d(layer: GlobalPooling2D, name: str, seed: int) -> Any:
    kinds = {
        "average": keras.layers.GlobalAveragePooling2D,
        "max": keras.layers.GlobalMaxPooling2D,
    }
    return kinds[layer.kind](name=name)


def _batch_normalization(layer: BatchNormalization, name: str, seed: int) -> Any:
    return keras.layers.BatchNormalization(
        momentum=layer.momentum, epsilon=layer.epsilon, name=name
    )


def _activation(layer: ActivationLayer, name: str, seed: int) -> Any:
    return keras.layers.Activation(layer.function, name=name)


def _dropout(layer: Dropout, name: str, seed: int) -> Any:
    return keras.layers.Dropout(layer.rate, seed=seed, name=name)


def _flatten(layer: Flatten, name: str, seed: int) -> Any:
    return keras.layers.Flatten(name=name)


def _dense(layer: Dense, name: str, seed: int) -> Any:
    return keras.layers.Dense(
        layer.units,
        activation=layer.activation,
        use_bias=layer.use_bias,
        kernel_initializer=glorot(seed),
        name=name,
    )


def _residual(layer: Residual, name: str, seed: int) -> Any:
    def add(values: Any) -> Any:
        inner = stack(layer.layers, values, seed, f"{name}_")
        conv = shortcut(values.shape[1:], inner.shape[1:])
        if conv is not None:
            values = _conv2d(conv, f"{name}_shortcut", derive_seed(seed, "shortcut"))(values)
        return keras.layers.Add(name=name)([values, inner])

    return add


KERAS_LAYERS: dict[type[Layer], Callable[[Any, str, int], Any]] = {
    Conv2D: _conv2d,
    DepthwiseConv2D: _depthwise_conv2d,
    SeparableConv2D: _separable_conv2d,
    Pooling2D: _pooling2d,
    GlobalPooling2D: _global_pooling2d,
    BatchNormalization: _batch_normalization,
    ActivationLayer: _activation,
    Dropout: _dropout,
    Flatten: _flatten,
    Dense: _dense,
    Residual: _residual,
}
