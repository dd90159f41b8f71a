"""Hyperband: its largest bracket, against Keras Tuner's own oracle, and spaces too small for it."""

from __future__ import annotations

import keras_tuner
import pytest
from spec_texts import messages

from lenetml.spec.counted import MAX_TRIED
from lenetml.spec.hyperband import largest_bracket


@pytest.mark.parametrize("factor", [2, 3, 4, 10])
@pytest.mark.parametrize("epochs", [1, 2, 3, 9, 10, 20, 27, 30, 81, 100, 243])
def test_it_is_the_size_that_keras_tuner_draws(epochs, factor):
    oracle = keras_tuner.oracles.HyperbandOracle(
        objective=keras_tuner.Objective("val_accuracy", "max"), max_epochs=epochs, factor=factor
    )
    brackets = oracle._get_num_brackets()
    sizes = [oracle._get_size(number, round_num=0) for number in range(brackets)]
    assert largest_bracket(epochs, factor) == max(sizes)


DRAWS = "hyperband draws 9 points, the search space has "


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ({"a": {"values": [*range(8)]}}, ["8 points"]),
        ({"a": {"values": [*range(9)]}}, []),
        ({"a": {"values": [1, 2]}, "b": {"min": 1, "max": 8, "when": {"a": 1}}}, []),
        ({"a": {"values": [1, 2]}, "b": {"min": 1, "max": 7, "when": {"a": 1}}}, ["8 points"]),
        ({"a": {"values": [1, 2]}, "b": {"min": 0.0, "max": 1.0, "when": {"a": 1}}}, []),
        ({"a": {"min": 1, "max": 10**9}, "b": {"min": 1, "max": 10**9}}, []),
        ({"k": {"min": 1, "max": 8}}, ["8 points"]),
        ({"k": {"min": 1, "max": 9}}, ["8 points that can be built"]),
        ({"k": {"min": 1, "max": 9}, "a": {"values": [1, 2]}}, []),
    ],
)
def test_points_that_exist_and_can_be_built_count(tmp_path, space, said):
    used = {"conv2d": {"filters": 1, "kernel_size": "$k" if "k" in space else 1}}
    flags = [{"dropout": {"rate": 0.5, "when": {"a": 1}}}] if "a" in space else []
    shear = {"shear_range": "$b"} if "b" in space else {}
    found = messages(
        tmp_path,
        search_space=space,
        architecture=[used, "flatten", *flags],
        augmentation=shear or None,
        training={"epochs": 9},
        search={"strategy": "hyperband"},
    )
    assert [it for it in found if it.startswith("hyperband")] == [DRAWS + each for each in said]


def test_a_space_is_looked_through_only_so_far(tmp_path):
    """None of the points that are looked at can be built, but others may."""
    space = {"a": {"min": 9, "max": 8 + MAX_TRIED}, "b": {"values": [9, 10]}}
    layer = {"conv2d": {"filters": 1, "kernel_size": ["$a", "$b"]}}
    found = messages(
        tmp_path,
        search_space={**space, "c": {"min": 1, "max": 40_000}},
        architecture=[layer, {"conv2d": {"filters": 1, "kernel_size": "$c"}}, "flatten"],
        training={"epochs": 9},
        search={"strategy": "hyperband"},
    )
    assert found == ["none of 2,000 points of the search space can be built"]
