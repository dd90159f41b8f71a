"""Architectures unrolled: which layers may be there, and what decides it."""

from __future__ import annotations

import pytest
from random_specs import random_specs

from lenetml.spec.domains import Choice, Range, all_points
from lenetml.spec.unroll import (
    Guard,
    expand,
    layer_at,
    most_times,
    unroll,
)

SPACE = {
    "n": Range(0, 3),
    "m": Choice((1, 2)),
    "tied": Choice(([1, 2], [3, 0])),
    "flag": Choice((True, False)),
}


def repeat(times, *layers, **more):
    return {"repeat": {"times": times, "layers": list(layers), **more}}


def unrolled(*items):
    return list(unroll(list(items), most_times(SPACE)))


def test_every_layer_that_may_be_there_with_what_decides_it():
    inner = {"dropout": {"rate": "$r", "when": {"m": 2}}}
    entries = unrolled("flatten", repeat("$m", repeat(2, inner), when="$flag"))
    assert [entry.name for entry in entries] == ["flatten"] + ["dropout"] * 4
    path = ("architecture", 1, "repeat", "layers", 0, "repeat", "layers", 0, "dropout")
    assert {entry.path for entry in entries[1:]} == {path}
    assert [entry.repetition for entry in entries] == [None, 0, 1, 0, 1]
    assert entries[0].guards == ()
    assert entries[3].guards == (
        Guard("$flag", None),
        Guard("$m", None, more_than=1),
        Guard({"m": 2}, 0),
    )
    assert entries[3].arguments == {"rate": "$r"}


def test_what_is_certain_guards_nothing():
    assert unrolled(repeat(2, {"flatten": {"when": True}}))[1].guards == ()


def test_what_stands_in_a_residual_is_unrolled_inside_it():
    inner = repeat("$m", {"conv2d": {"filters": 1, "kernel_size": "$k.each"}})
    [first, second] = unrolled(repeat(2, {"residual": {"layers": [inner], "when": "$flag"}}))
    assert (first.arguments, first.repetition, second.repetition) == ({}, 0, 1)
    assert first.guards == (Guard("$flag", 0),)
    assert [entry.guards for entry in first.inner] == [
        (Guard("$m", 0, more_than=0),),
        (Guard("$m", 0, more_than=1),),
    ]
    point = {"m": 2, "k_0": 3, "k_1": 5, "flag": True}
    assert layer_at(first, point) == {
        "residual": {
            "layers": [
                {"conv2d": {"filters": 1, "kernel_size": 3}},
                {"conv2d": {"filters": 1, "kernel_size": 5}},
            ]
        }
    }


@pytest.mark.parametrize(
    ("times", "repetition", "most"),
    [(3, None, 3), ("$n", None, 3), ("$tied.0", None, 3), ("$tied.each", 1, 2), ("$n.each", 0, 3)],
)
def test_how_often_a_repeat_may_come(times, repetition, most):
    assert most_times(SPACE)(times, repetition) == most


@pytest.mark.parametrize(
    ("guard", "point", "holds"),
    [
        (Guard(True, None), {}, True),
        (Guard(False, None), {}, False),
        (Guard("$flag", None), {"flag": True}, True),
        (Guard("$flag", None), {"flag": False}, False),
        (Guard("$flag", None), {}, False),
        (Guard("$flags.each", 1), {"flags": [True, False]}, False),
        (Guard("$flag.each", 1), {"flag_0": False, "flag_1": True}, True),
        (Guard("$flag.each", 1), {"flag_0": True}, False),
        (Guard("$n", None, more_than=1), {"n": 2}, True),
        (Guard("$n", None, more_than=1), {"n": 1}, False),
        (Guard("$n", None, more_than=0), {}, False),
        (Guard({"n": [1, 2], "tied.1": 0}, None), {"n": 2, "tied": [3, 0]}, True),
        (Guard({"n": [1, 2], "tied.1": 0}, None), {"n": 2, "tied": [1, 2]}, False),
        (Guard({"tied": [[3, 0]]}, None), {"tied": [3, 0]}, True),
        (Guard({"n": 2}, None), {}, False),
    ],
)
def test_guards(guard, point, holds):
    assert guard.holds(point) == holds


def value_of(written, point, repetition):
    """What a value is at a point, worked out the plain way."""
    if isinstance(written, list):
        return [value_of(each, point, repetition) for each in written]
    if not (isinstance(written, str) and written.startswith("$")):
        return written
    name, _, position = written[1:].partition(".")
    if position == "each" and name not in point:
        return point[f"{name}_{repetition}"]
    if position:
        return point[name][repetition if position == "each" else int(position)]
    return point[name]


def is_there(when, point, repetition):
    if isinstance(when, str):
        return when[1:] in point and value_of(when, point, repetition)
    if not isinstance(when, dict):
        return when
    for place, wanted in when.items():
        wanted = wanted if isinstance(wanted, list) else [wanted]
        if place.partition(".")[0] not in point:
            return False
        if value_of(f"${place}", point, repetition) not in wanted:
            return False
    return True


def literally(items, point, repetition=None):
    """The layers at a point: item by item, repetition by repetition."""
    layers = []
    for item in items:
        [(kind, arguments)] = item.items()
        if not is_there(arguments.get("when", True), point, repetition):
            continue
        rest = {
            key: value_of(written, point, repetition)
            for key, written in arguments.items()
            if key not in ("when", "layers")
        }
        if kind == "repeat":
            for number in range(rest["times"]):
                layers += literally(arguments["layers"], point, number)
            continue
        if kind == "residual":
            rest["layers"] = literally(arguments["layers"], point, repetition)
        layers.append({kind: rest})
    return layers


def test_networks_are_those_of_a_plain_reading(tmp_path):
    n_points = 0
    for spec in random_specs(tmp_path, 200):
        for point in all_points(spec.space):
            items = spec.data["architecture"]
            assert [layer for _, layer in expand(items, point)] == literally(items, point)
            n_points += 1
    assert n_points > 5000
