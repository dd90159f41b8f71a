"""The layers as written: names, defaults, and what may stand inside what."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from lenetml.spec.layers import LAYERS, Item, normalised

ITEM: TypeAdapter[Any] = TypeAdapter(Item)
NORM = {"batch_normalization": {}}


def read(item):
    return ITEM.validate_python(item)


def mistakes(item):
    """Where the mistakes of an item are, and what is said of them."""
    with pytest.raises(ValidationError) as caught:
        read(item)
    return {error["loc"]: error["msg"] for error in caught.value.errors()}


def test_the_kinds_in_the_order_in_which_messages_tell_them():
    assert list(LAYERS) == [
        "conv2d", "depthwise_conv2d", "separable_conv2d", "pooling2d", "global_pooling2d",
        "batch_normalization", "activation", "dropout", "flatten", "dense", "repeat", "residual",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "required", "defaults"),
    [
        (
            "depthwise_conv2d",
            {"kernel_size": 3},
            {"kernel_size": (3, 3), "depth_multiplier": 1},
        ),
        (
            "separable_conv2d",
            {"filters": 8, "kernel_size": [3, 5]},
            {"filters": 8, "kernel_size": (3, 5), "depth_multiplier": 1},
        ),
        ("conv2d", {"filters": 8, "kernel_size": 3}, {"filters": 8, "kernel_size": (3, 3)}),
    ],
)
def test_defaults_of_convolutions(name, required, defaults):
    common = {"strides": (1, 1), "padding": "valid", "activation": "linear", "use_bias": True}
    layer = read({name: required})
    assert layer.model_dump() == {**common, **defaults, "layer": name, "when": True}


def test_what_a_layer_needs():
    assert mistakes("depthwise_conv2d") == {("depthwise_conv2d", "kernel_size"): "Field required"}
    assert set(mistakes("separable_conv2d")) == {
        ("separable_conv2d", "filters"),
        ("separable_conv2d", "kernel_size"),
    }
    assert mistakes("global_pooling2d") == {("global_pooling2d", "kind"): "Field required"}
    assert mistakes("residual") == {("residual", "layers"): "Field required"}


def test_bare_names_inside_other_layers_are_written_out():
    inside = {"layers": ["batch_normalization", {"residual": {"layers": ["flatten", 3]}}]}
    assert normalised({"residual": inside}) == {
        "residual": {"layers": [NORM, {"residual": {"layers": [{"flatten": {}}, 3]}}]}
    }
    assert normalised({"repeat": {"times": 2, **inside}})["repeat"]["layers"][0] == NORM
    assert normalised("residual") == {"residual": {}}


def test_repeats_and_residuals_may_stand_in_each_other():
    item = NORM
    for _ in range(2):
        item = {"repeat": {"times": 2, "layers": [{"residual": {"layers": [item]}}]}}
        item = {"residual": {"layers": [item, NORM]}}
    inner = read(item).layers[0].layers[0].layers[0].layers[0].layers[0]
    assert inner.layer == "residual"


def test_at_a_point_nothing_may_be_left_in_a_residual():
    assert read({"residual": {"layers": []}}).layers == []


def test_what_is_no_feature_map_cannot_be_added():
    dense, pooling = {"dense": {"units": 3}}, {"global_pooling2d": {"kind": "max"}}
    repeated = {"repeat": {"times": 0, "layers": [NORM, dense, {"flatten": {"when": False}}]}}
    nested = {"residual": {"layers": [pooling]}}
    wrong = {"dropout": {"rate": 1}}
    found = mistakes({"residual": {"layers": ["flatten", NORM, repeated, nested, wrong]}})
    assert {place[2:]: message.partition(" cannot ")[0] for place, message in found.items()} == {
        (0,): "flatten",
        (2, "repeat", "layers", 1): "dense",
        (2, "repeat", "layers", 2): "flatten",
        (3, "residual", "layers", 0): "global_pooling2d",
        (4, "dropout", "rate"): "Input should be less than 1",
    }
    assert found["residual", "layers", 0] == (
        "flatten cannot stand in residual, which adds feature maps: write it behind the residual"
    )
