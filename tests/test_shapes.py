"""Shapes, parameters and multiply-accumulates: against Keras, and against work by hand."""

from __future__ import annotations

import itertools
import math
import random
import re
from typing import Any

import pytest
from pydantic import TypeAdapter

from lenetml.spec.layers import LAYERS as KINDS
from lenetml.spec.layers import Item
from lenetml.spec.shapes import (
    OUTPUT,
    DoesNotFit,
    Impossible,
    LayerShape,
    in_words,
    shortcut,
    trace,
)

LAYERS = TypeAdapter(list[Item])
N_ARCHITECTURES = 500
# What `layer_1`, its helpers and the layers inside it are called in a model.
NUMBER = re.compile(r"[a-z0-9_]*?_([0-9]+)(_|$)")


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


def test_depthwise_and_separable_convolutions_by_hand():
    depthwise = {"kernel_size": [3, 2], "strides": [2, 3], "depth_multiplier": 4}
    separable = depthwise | {"filters": 5}
    [layer, *_] = trace(layers_of({"depthwise_conv2d": depthwise}, "flatten"), (9, 11, 3), 2)
    # 4 x 4 places as above; 4 kernels of 3 x 2 for each of 3 channels, a bias for each of 12.
    assert layer == LayerShape("depthwise_conv2d", (4, 4, 12), 12 * 6 + 12, 16 * 12 * 6)
    [layer, *_] = trace(layers_of({"separable_conv2d": separable}, "flatten"), (9, 11, 3), 2)
    # The same without bias, then 5 kernels of 1 x 1 x 12 with bias.
    assert layer == LayerShape(
        "separable_conv2d", (4, 4, 5), 12 * 6 + 12 * 5 + 5, 16 * (12 * 6 + 12 * 5)
    )
    bare = {"use_bias": False}
    items = {"depthwise_conv2d": depthwise | bare}, {"separable_conv2d": separable | bare}
    traced = trace(layers_of(*items, "flatten"), (9, 11, 3), 2)
    assert [layer.parameters for layer in traced[:2]] == [12 * 6, 48 * 6 + 48 * 5]


def test_a_block_of_mobilenet_by_hand():
    items = [
        {"depthwise_conv2d": {"kernel_size": 3, "strides": 2, "padding": "same"}},
        "batch_normalization",
        {"activation": {"function": "relu6"}},
        {"conv2d": {"filters": 64, "kernel_size": 1, "use_bias": False}},
        "batch_normalization",
        {"activation": {"function": "relu6"}},
        {"global_pooling2d": {"kind": "average"}},
    ]
    assert trace(layers_of(*items), (15, 16, 32), 10) == (
        LayerShape("depthwise_conv2d", (8, 8, 32), 9 * 32 + 32, 8 * 8 * 9 * 32),
        LayerShape("batch_normalization", (8, 8, 32), 4 * 32),
        LayerShape("activation", (8, 8, 32)),
        LayerShape("conv2d", (8, 8, 64), 32 * 64, 8 * 8 * 32 * 64),
        LayerShape("batch_normalization", (8, 8, 64), 4 * 64),
        LayerShape("activation", (8, 8, 64)),
        LayerShape("global_pooling2d", (64,)),
        LayerShape(OUTPUT, (10,), 650, 640),
    )


def resnet_block(filters, strides):
    conv = {"filters": filters, "kernel_size": 3, "padding": "same", "use_bias": False}
    first = {"conv2d": conv | {"strides": strides}}
    norm = "batch_normalization"
    return {"residual": {"layers": [first, norm, {"activation": {"function": "relu"}},
                                    {"conv2d": conv}, norm]}}  # fmt: skip


def test_blocks_of_resnet_by_hand():
    items = [resnet_block(16, 1), resnet_block(32, 2), {"global_pooling2d": {"kind": "average"}}]
    same, halved, *_ = trace(layers_of(*items), (32, 32, 16), 10)
    # Two convolutions of 3 x 3 over 16 channels, two normalizations; the input is added as it is.
    kernels = 9 * 16 * 16
    assert same == LayerShape("residual", (32, 32, 16), 2 * (kernels + 64), 2 * 1024 * kernels)
    # The first one doubles the channels, and the input passes 1 x 1 x 16 to 32 with bias.
    kernels, straight = 9 * 16 * 32 + 9 * 32 * 32, 16 * 32
    assert halved == LayerShape(
        "residual", (16, 16, 32), kernels + 2 * 128 + straight + 32, 256 * (kernels + straight)
    )


def test_a_residual_inside_a_residual_counts_once():
    inside, *_ = trace(layers_of(resnet_block(8, 2), "flatten"), (9, 9, 3), 2)
    outer = {"residual": {"layers": [resnet_block(8, 2)]}}
    [layer, *_] = trace(layers_of(outer, "flatten"), (9, 9, 3), 2)
    assert layer == LayerShape(
        "residual", (5, 5, 8), inside.parameters + 3 * 8 + 8, inside.macs + 25 * 3 * 8
    )


def test_a_residual_without_layers_doubles_its_input():
    [layer, *_] = trace(layers_of({"residual": {"layers": []}}, "flatten"), (4, 6, 2), 3)
    assert layer == LayerShape("residual", (4, 6, 2))


def test_the_input_of_a_residual_passes_the_least_strides_that_fit():
    for size, wanted in itertools.product(range(1, 41), repeat=2):
        fitting = [stride for stride in range(1, 41) if -(-size // stride) == wanted]
        outer, inner = (size, 7, 3), (wanted, 4, 5)
        if fitting:
            conv = shortcut(outer, inner)
            assert (conv.strides, conv.filters) == ((fitting[0], 2), 5)
            assert (conv.kernel_size, conv.padding) == ((1, 1), "same")
            assert (conv.use_bias, conv.activation) == (True, "linear")
        else:
            with pytest.raises(DoesNotFit):
                shortcut(outer, inner)
    assert shortcut((7, 7, 3), (7, 7, 3)) is None
    assert shortcut((7, 7, 3), (7, 7, 2)).strides == (1, 1)


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
    kernel = {"filters": 1, "kernel_size": [3, 5]}
    kernels = [{kind: kernel} for kind in ("conv2d", "separable_conv2d")]
    kernels.append({"depthwise_conv2d": {"kernel_size": [3, 5]}})
    window = {"pooling2d": {"kind": "max", "pool_size": 3}}
    pooling = {"global_pooling2d": {"kind": "max"}}
    for layer in kernels:
        assert reason((4, 4, 1), layer) == (0, "is 4 x 4 x 1, smaller than its 3 x 5 kernel")
    assert reason((2, 9, 3), window) == (0, "is 2 x 9 x 3, smaller than its 3 x 3 window")
    assert reason((4, 4, 1), {"dense": {"units": 1}}) == (
        0,
        "is 4 x 4 x 1, and must be flat: write flatten or global_pooling2d before it",
    )
    for layer in (*kernels, window, pooling, {"residual": {"layers": []}}):
        assert reason((4, 4, 1), "flatten", layer) == (
            1,
            "is 16 values, and must be a feature map: flatten or global_pooling2d stands before it",
        )
    assert reason((4, 4, 1)) == (
        0,
        "is 4 x 4 x 1, and must be flat: write flatten or global_pooling2d at the end",
    )


def test_what_is_impossible_inside_a_residual_is_said():
    conv = {"conv2d": {"filters": 4, "kernel_size": 3}}
    norm = "batch_normalization"
    assert reason((8, 8, 1), norm, {"residual": {"layers": [conv]}}) == (
        1,
        "is 8 x 8 x 1, and cannot be added to the 6 x 6 x 4 of its layers: "
        "no strides turn 8 x 8 into 6 x 6; write padding: same inside",
    )
    inner = {"residual": {"layers": [norm, {"pooling2d": {"kind": "max"}}, conv]}}
    assert reason((5, 8, 1), {"residual": {"layers": [norm, inner]}}) == (
        0,
        "is 5 x 8 x 1; inside, the input of layer 2, residual, is 5 x 8 x 1; "
        "inside, the input of layer 3, conv2d, is 2 x 4 x 1, smaller than its 3 x 3 kernel",
    )


def test_shapes_in_words():
    assert in_words((28, 28, 1)) == "28 x 28 x 1"
    assert in_words((10,)) == "10 values"


def draw_convolution(draw: random.Random, kind: str, padding: str) -> Any:
    arguments: dict[str, Any] = {
        "kernel_size": draw.choice([1, 2, 3, 5, [1, 3], [4, 2], 7]), "padding": padding,
        "strides": draw.choice([1, 1, 2, [1, 3]]), "use_bias": draw.random() < 0.7,
    }  # fmt: skip
    if kind != "depthwise_conv2d":
        arguments["filters"] = draw.randint(1, 6)
    if kind != "conv2d":
        arguments["depth_multiplier"] = draw.choice([1, 1, 2, 3])
    return {kind: arguments}


def draw_feature_map_layer(draw: random.Random, padding: str, depth: int = 0) -> Any:
    """A layer that makes a feature map of a feature map."""
    kind = draw.choice(
        ["conv2d"] * 4 + ["depthwise_conv2d", "separable_conv2d"] * 2
        + ["pooling2d"] * 3 + ["residual"] * (3 - depth) + ["other"]
    )  # fmt: skip
    if kind == "residual":
        # Feature maps that `valid` made smaller can seldom be added.
        inside = draw.choice(["same", "same", "same", "valid"])
        n_layers = draw.choice([0, 1, 2, 2, 3])
        inner = [draw_feature_map_layer(draw, inside, depth + 1) for _ in range(n_layers)]
        return {kind: {"layers": inner}}
    if kind == "pooling2d":
        size = draw.choice([1, 2, 3, [1, 3], [4, 2]])
        arguments = {"kind": draw.choice(["average", "max"]), "pool_size": size, "padding": padding}
        return {kind: arguments | draw.choice([{}, {"strides": 1}, {"strides": [3, 2]}])}
    if kind == "other":
        others = ["batch_normalization", {"activation": {"function": "gelu"}}]
        return draw.choice([*others, {"dropout": {"rate": 0.5}}])
    return draw_convolution(draw, kind, padding)


def draw_layer(draw: random.Random) -> Any:
    kind = draw.choice(["feature map"] * 9 + ["dense", "dense", "flatten", "global_pooling2d"])
    if kind == "dense":
        return {kind: {"units": draw.randint(1, 20), "use_bias": draw.random() < 0.7}}
    if kind == "global_pooling2d":
        return {kind: {"kind": draw.choice(["average", "max"])}}
    if kind == "flatten":
        return kind
    return draw_feature_map_layer(draw, draw.choice(["valid", "valid", "same"]))


FLATTENING = ("flatten", {"global_pooling2d": {"kind": "max"}})


def draw_architecture(seed: int) -> tuple[list[Any], tuple[int, int, int]]:
    """Layers in any order, most of the time what works on feature maps first."""
    draw = random.Random(seed)
    items = [draw_layer(draw) for _ in range(draw.randint(1, 7))]
    if draw.random() < 0.7:
        kinds = [item if isinstance(item, str) else next(iter(item)) for item in items]
        dense = [item for item, kind in zip(items, kinds, strict=True) if kind == "dense"]
        maps = [
            item for item, kind in zip(items, kinds, strict=True)
            if kind not in ("dense", "flatten", "global_pooling2d")
        ]  # fmt: skip
        items = [*maps, draw.choice(FLATTENING), *dense]
    return items, (draw.randint(1, 28), draw.randint(1, 28), draw.choice([1, 3]))


@pytest.fixture(scope="session")
def build_model():
    from lenetml.trial.threads import use_one_thread

    use_one_thread()
    from lenetml.trial.model import build_model

    return build_model


def by_keras(build_model, layers, input_shape) -> list[tuple[tuple[int, ...], int]] | None:
    """Output shape and size of each layer, or None where the network cannot be built.

    Keras applies a dense layer to each place of a feature map, and adds rows of values; lenetml
    refuses that.
    """
    try:
        model = build_model(layers, input_shape, 10, 1)
    except (ValueError, DoesNotFit):
        return None
    found: dict[str, tuple[tuple[int, ...], int]] = {}
    for layer in model.layers[1:]:
        kind, n_axes = type(layer).__name__, len(layer.output.shape)
        if (kind, n_axes) in (("Dense", 4), ("Add", 2)):
            return None
        match = NUMBER.match(layer.name)
        number = match[1] if match else layer.name
        _, before = found.get(number, ((), 0))
        # What is inside a layer stands before it.
        found[number] = (layer.output.shape[1:], before + layer.count_params())
    return list(found.values())


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


def test_the_drawn_architectures_are_of_both_kinds_and_hold_every_layer():
    possible, kinds = 0, set()
    for seed in range(N_ARCHITECTURES):
        items, input_shape = draw_architecture(seed)
        try:
            traced = trace(layers_of(*items), input_shape, 10)
        except Impossible:
            continue
        possible += 1
        kinds |= {layer.layer for layer in traced}
        assert math.prod(traced[-1].output_shape) == 10
    assert N_ARCHITECTURES / 4 <= possible <= N_ARCHITECTURES * 3 / 4
    assert kinds == set(KINDS) - {"repeat"} | {OUTPUT}
