"""Shapes, parameters and multiply-accumulates: against Keras, and against work by hand."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from pydantic import TypeAdapter

from lenetml.spec.layers import Item
from lenetml.spec.shapes import OUTPUT, Impossible, LayerShape, in_words, trace

LAYERS = TypeAdapter(list[Item])
N_ARCHITECTURES = 80


def layers_of(*items: Any):
    return LAYERS.validate_python(list(items))


def reason(input_shape, *items: Any) -> tuple[int, str]:
    with pytest.raises(Impossible) as caught:
        trace(layers_of(*items), input_shape, 10)
    return caught.value.index, caught.value.reason


LENET = (
    {"conv2d": {"filters": 6, "kernel_size": 5, "padding": "same", "activation": "tanh"}},
    {"pooling2d": {"kind": "average"}},
    {"conv2d": {"filters": 16, "kernel_size": 5, "activation": "tanh"}},
    {"pooling2d": {"kind": "average"}},
    "flatten",
    {"dense": {"units": 120, "activation": "tanh"}},
    {"dense": {"units": 84, "activation": "tanh"}},
)


def test_lenet_5_by_hand():
    assert trace(layers_of(*LENET), (28, 28, 1), 10) == (
        # 5 x 5 weights and a bias for each of 6 filters; 25 products at each of 28 x 28 places.
        LayerShape("conv2d", (28, 28, 6), (5 * 5 * 1 + 1) * 6, 28 * 28 * 6 * 25),
        LayerShape("pooling2d", (14, 14, 6)),
        # 28 - 5 + 1 places a side before, 14 - 5 + 1 = 10 here; each filter sees 6 channels.
        LayerShape("conv2d", (10, 10, 16), (5 * 5 * 6 + 1) * 16, 10 * 10 * 16 * 150),
        LayerShape("pooling2d", (5, 5, 16)),
        LayerShape("flatten", (400,)),
        LayerShape("dense", (120,), 400 * 120 + 120, 400 * 120),
        LayerShape("dense", (84,), 120 * 84 + 84, 120 * 84),
        LayerShape(OUTPUT, (10,), 84 * 10 + 10, 84 * 10),
    )


def test_lenet_5_in_sum():
    traced = trace(layers_of(*LENET), (28, 28, 1), 10)
    assert sum(layer.parameters for layer in traced) == 156 + 2_416 + 48_120 + 10_164 + 850
    assert sum(layer.macs for layer in traced) == 117_600 + 240_000 + 48_000 + 10_080 + 840


def test_multiply_accumulates_with_strides_channels_and_without_bias():
    conv = {"filters": 4, "kernel_size": [3, 2], "strides": [2, 3], "use_bias": False}
    [layer, *_] = trace(layers_of({"conv2d": conv}, "flatten"), (9, 11, 3), 2)
    # (9 - 3) // 2 + 1 = 4 rows, (11 - 2) // 3 + 1 = 4 columns; 3 x 2 x 3 products for each filter.
    assert layer == LayerShape("conv2d", (4, 4, 4), 3 * 2 * 3 * 4, 4 * 4 * 4 * 18)
    same = conv | {"padding": "same"}
    [layer, *_] = trace(layers_of({"conv2d": same}, "flatten"), (9, 11, 3), 2)
    # ceil(9 / 2) = 5 rows, ceil(11 / 3) = 4 columns.
    assert layer.macs == 5 * 4 * 4 * 18


def test_only_convolutions_and_dense_layers_multiply():
    items = [
        "batch_normalization",
        {"activation": {"function": "relu"}},
        {"dropout": {"rate": 0.5}},
    ]
    traced = trace(layers_of(*items, {"pooling2d": {"kind": "max"}}, "flatten"), (4, 6, 2), 3)
    assert [layer.macs for layer in traced] == [0, 0, 0, 0, 0, 12 * 3]
    assert [layer.parameters for layer in traced] == [4 * 2, 0, 0, 0, 0, 12 * 3 + 3]


def test_the_bare_image_goes_to_the_output_through_flatten():
    assert trace(layers_of("flatten", "flatten"), (2, 3, 3), 4)[-1] == LayerShape(
        OUTPUT, (4,), 18 * 4 + 4, 18 * 4
    )


def test_what_is_impossible_is_said():
    kernel = {"conv2d": {"filters": 1, "kernel_size": [3, 5]}}
    window = {"pooling2d": {"kind": "max", "pool_size": 3}}
    dense = {"dense": {"units": 1}}
    assert reason((4, 4, 1), kernel) == (0, "is 4 x 4 x 1, smaller than its 3 x 5 kernel")
    assert reason((2, 9, 3), window) == (0, "is 2 x 9 x 3, smaller than its 3 x 3 window")
    assert reason((4, 4, 1), dense) == (
        0,
        "is 4 x 4 x 1, and must be flat: write flatten before it",
    )
    for layer in (kernel, window):
        assert reason((4, 4, 1), "flatten", layer) == (
            1,
            "is 16 values, and must be a feature map: flatten stands before it",
        )
    assert reason((4, 4, 1)) == (0, "is 4 x 4 x 1, and must be flat: write flatten at the end")


def test_shapes_in_words():
    assert in_words((28, 28, 1)) == "28 x 28 x 1"
    assert in_words((10,)) == "10 values"


def draw_layer(draw: random.Random) -> Any:
    size = draw.choice([1, 2, 3, 5, [1, 3], [4, 2], 7])
    padding = draw.choice(["valid", "valid", "same"])
    kind = draw.choice(["conv2d"] * 5 + ["pooling2d"] * 3 + ["dense"] * 2 + ["flatten"] + ["other"])
    if kind == "conv2d":
        arguments = {
            "filters": draw.randint(1, 6), "kernel_size": size, "padding": padding,
            "strides": draw.choice([1, 1, 2, [1, 3]]), "use_bias": draw.random() < 0.7,
        }  # fmt: skip
        return {kind: arguments}
    if kind == "pooling2d":
        arguments = {"kind": draw.choice(["average", "max"]), "pool_size": size, "padding": padding}
        return {kind: arguments | draw.choice([{}, {"strides": 1}, {"strides": [3, 2]}])}
    if kind == "dense":
        return {kind: {"units": draw.randint(1, 20), "use_bias": draw.random() < 0.7}}
    others = [
        "batch_normalization",
        {"activation": {"function": "gelu"}},
        {"dropout": {"rate": 0.5}},
    ]
    return "flatten" if kind == "flatten" else draw.choice(others)


def draw_architecture(seed: int) -> tuple[list[Any], tuple[int, int, int]]:
    """Layers in any order, half of the time convolutions first and dense layers at the end."""
    draw = random.Random(seed)
    items = [draw_layer(draw) for _ in range(draw.randint(1, 7))]
    if draw.random() < 0.6:
        items.sort(key=lambda item: isinstance(item, dict) and "dense" in item)
        n_dense = sum(isinstance(item, dict) and "dense" in item for item in items)
        items = [item for item in items if item != "flatten"]
        items.insert(len(items) - n_dense, "flatten")
    return items, (draw.randint(1, 28), draw.randint(1, 28), draw.choice([1, 3]))


@pytest.fixture(scope="session")
def build_model():
    from lenetml.trial.threads import use_one_thread

    use_one_thread()
    from lenetml.trial.model import build_model

    return build_model


def by_keras(build_model, layers, input_shape) -> list[tuple[tuple[int, ...], int]] | None:
    """Output shape and size of each layer, or None where the network cannot be built.

    Keras applies a dense layer to each place of a feature map; lenetml refuses that.
    """
    try:
        model = build_model(layers, input_shape, 10, 1)
    except ValueError:
        return None
    kinds = [type(layer).__name__ for layer in model.layers[1:]]
    inputs = [layer.output.shape for layer in model.layers[:-1]]
    if any(kind == "Dense" and len(shape) == 4 for kind, shape in zip(kinds, inputs, strict=True)):
        return None
    return [(layer.output.shape[1:], layer.count_params()) for layer in model.layers[1:]]


@pytest.mark.parametrize("seed", range(N_ARCHITECTURES))
def test_shapes_and_sizes_are_those_of_keras(build_model, seed):
    items, input_shape = draw_architecture(seed)
    layers = layers_of(*items)
    expected = by_keras(build_model, layers, input_shape)
    if expected is None:
        with pytest.raises(Impossible):
            trace(layers, input_shape, 10)
    else:
        traced = trace(layers, input_shape, 10)
        assert [(layer.output_shape, layer.parameters) for layer in traced] == expected


def test_the_drawn_architectures_are_of_both_kinds():
    possible = 0
    for seed in range(N_ARCHITECTURES):
        items, input_shape = draw_architecture(seed)
        try:
            traced = trace(layers_of(*items), input_shape, 10)
        except Impossible:
            continue
        possible += 1
        assert math.prod(traced[-1].output_shape) == 10
    assert 25 <= possible <= N_ARCHITECTURES - 25
