"""The share of impossible points, against a look at every one of them."""

from __future__ import annotations

import math

import pytest
from random_specs import random_specs
from spec_texts import SEARCH, spec_of

from lenetml.spec.domains import all_points, all_values, corners, is_active
from lenetml.spec.feasibility import MAX_ENUMERATED
from lenetml.spec.propagate import impossible_share
from lenetml.spec.shapes import Impossible, trace
from lenetml.spec.steps import Step
from lenetml.spec.unroll import most_times, unroll

SHAPE = (8, 8, 1)


def is_impossible(spec, point):
    try:
        trace(spec.concrete(point).architecture, SHAPE, 10)
    except Impossible:
        return True
    return False


def looked_at_one_by_one(spec):
    """The share as random search draws: every name that exists evenly over its domain."""
    total, impossible = 0.0, 0.0
    for point in all_points(spec.space):
        weight = 1 / math.prod(spec.space[name].size for name in point)
        total += weight
        impossible += weight * is_impossible(spec, point)
    assert total == pytest.approx(1)
    return impossible


def carried(spec):
    """What `impossible_share` says, and its example with the first value of all other names."""
    entries = list(unroll(spec.data["architecture"], most_times(spec.declared)))
    base = {name: corners(domain)[0] for name, domain in spec.space.items()}
    steps = [Step(entry, spec.space, base) for entry in entries]
    share, example = impossible_share(steps, spec.space, SHAPE)
    if example is None:
        return share, None
    point = {**base, **example}
    names = [name for name in spec.space if is_active(spec.space[name], point)]
    assert set(example) <= set(names)
    return share, {name: point[name] for name in names}


def test_the_share_is_that_of_all_points_on_random_specs(tmp_path):
    kinds = {"impossible": 0, "conditional": 0, "each": 0, "residual": 0, "repeat": 0}
    for spec in random_specs(tmp_path, 400):
        share, example = carried(spec)
        assert share == pytest.approx(looked_at_one_by_one(spec), abs=1e-9), spec.text
        assert (example is not None) == (share > 0), spec.text
        if example is not None:
            assert is_impossible(spec, example), spec.text
        assert spec.feasibility.n_sampled is None
        assert spec.feasibility.impossible_share == pytest.approx(share, abs=1e-11)
        kinds["impossible"] += 0 < share < 1
        kinds["conditional"] += any(domain.when for domain in spec.space.values())
        kinds["each"] += list(spec.space) != list(spec.declared)
        kinds["residual"] += '"residual"' in spec.text
        kinds["repeat"] += '"repeat"' in spec.text
    assert min(kinds.values()) >= 30, kinds


def test_a_value_is_drawn_alike_under_each_condition(tmp_path):
    """Random search meets 7 x 7 in one half of the points where `deep` is true: 1 of 4."""
    spec = spec_of(
        tmp_path,
        search_space={
            "deep": {"values": [True, False]},
            "size": {"values": [3, 7], "when": {"deep": True}},
        },
        architecture=[
            {"conv2d": {"filters": 1, "kernel_size": 3}},
            {"conv2d": {"filters": 1, "kernel_size": "$size", "when": "$deep"}},
            "flatten",
        ],
        search=SEARCH,
    )
    assert carried(spec) == (0.25, {"deep": True, "size": 7})
    assert spec.warnings[0].message == "conv2d does not fit for 25.0 % of the search space"


def test_points_that_cannot_be_built_anywhere_else_count_once(tmp_path):
    spec = spec_of(
        tmp_path,
        search_space={"times": {"min": 0, "max": 3}, "size": {"values": [1, 9]}},
        architecture=[
            {"repeat": {"times": "$times", "layers": [{"pooling2d": {"kind": "max"}}]}},
            {"pooling2d": {"kind": "max", "pool_size": "$size"}},
            "flatten",
        ],
        search=SEARCH,
    )
    assert carried(spec) == (0.5, {"times": 0, "size": 9})


def test_a_network_that_is_never_flat_counts(tmp_path):
    spec = spec_of(
        tmp_path,
        search_space={"flat": {"values": [True, False]}, "size": {"values": [1, 9]}},
        architecture=[
            {"conv2d": {"filters": 1, "kernel_size": "$size"}},
            {"flatten": {"when": "$flat"}},
        ],
        search=SEARCH,
    )
    assert carried(spec)[0] == 0.75


def test_a_large_space_is_exact_as_long_as_few_values_reach_a_shape(tmp_path):
    """Sixteen poolings that may be there or not: 65,536 points, of which few shapes are left."""
    flags = {f"on{number}": {"values": [True, False]} for number in range(16)}
    layers = [{"pooling2d": {"kind": "max", "when": f"${name}"}} for name in flags]
    spec = spec_of(
        tmp_path,
        search_space={**flags, "rate": {"min": 0.0, "max": 0.5}},
        architecture=[*layers, "flatten", {"dropout": {"rate": "$rate"}}],
        search=SEARCH,
    )
    assert math.prod(len(all_values(spec.space[name])) for name in flags) <= MAX_ENUMERATED
    # 8 x 8 can be halved three times.
    possible = sum(math.comb(16, times) for times in range(4)) / 2**16
    assert spec.feasibility.n_sampled is None
    assert spec.feasibility.impossible_share == pytest.approx(1 - possible, abs=1e-12)
