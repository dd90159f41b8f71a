"""What a layer that may be there makes of a shape."""

from __future__ import annotations

import pytest
from random_specs import random_specs
from spec_texts import SEARCH, spec_of

from lenetml.spec.domains import Choice, all_points, corners
from lenetml.spec.references import LEFT_OUT
from lenetml.spec.steps import Step, names_of
from lenetml.spec.unroll import Entry, Guard, most_times, unroll


def test_names_of_a_layer_are_those_that_decide_its_shape(tmp_path):
    spec = spec_of(
        tmp_path,
        search_space={
            "filters": {"values": [1, 2]},
            "size": {"values": [1, 2]},
            "pair": {"values": [[1, "same"], [2, "valid"]]},
            "times": {"min": 0, "max": 2},
            "on": {"values": [True, False]},
            "kind": {"values": ["a", "b"]},
        },
        architecture=[
            {"repeat": {"times": "$times", "when": {"kind": "a"}, "layers": [
                {"conv2d": {
                    "filters": "$filters", "kernel_size": ["$size.each", 1], "when": "$on",
                }},
            ]}},
            {"residual": {"layers": [
                {"conv2d": {"filters": 1, "kernel_size": "$pair.0", "padding": "$pair.1"}},
            ]}},
            "flatten",
        ],
        search=SEARCH,
    )  # fmt: skip
    entries = list(unroll(spec.data["architecture"], most_times(spec.declared)))
    assert [names_of(entry, spec.space) for entry in entries] == [
        ("kind", "times", "on", "size_0"),
        ("kind", "times", "on", "size_1"),
        ("pair",),
        (),
    ]


@pytest.mark.parametrize(
    ("guard", "values", "is_there"),
    [
        (Guard(False, None), (True, (1, 3)), False),
        (Guard("$on", None), (True, (1, 3)), True),
        (Guard("$on", None), (False, (1, 3)), False),
        (Guard("$on", None), (LEFT_OUT, (1, 3)), False),
        (Guard("$pair.1", None, more_than=2), (True, (1, 3)), True),
        (Guard("$pair.each", 0, more_than=2), (True, (1, 3)), False),
        (Guard({"on": True, "pair": [[1, 3]]}, None), (True, (1, 3)), True),
        (Guard({"on": True, "pair": [[2, 3]]}, None), (True, (1, 3)), False),
        (Guard({"pair.0": 1}, None), (True, LEFT_OUT), False),
    ],
)
def test_guards_of_values(guard, values, is_there):
    space = {"on": Choice((True, False)), "pair": Choice(([1, 3], [2, 3]))}
    entry = Entry(("architecture", 0, "flatten"), "flatten", {}, None, (guard,))
    step = Step(entry, space, {name: corners(domain)[0] for name, domain in space.items()})
    given = dict(zip(space, values, strict=True))
    reached = step.take((2, 3, 1), tuple(given[name] for name in step.names))
    assert reached == ((6,) if is_there else (2, 3, 1))


def test_guards_say_what_they_say_of_points(tmp_path):
    n_guards = 0
    for spec in random_specs(tmp_path, 60):
        base = {name: corners(domain)[0] for name, domain in spec.space.items()}
        entries = unroll(spec.data["architecture"], most_times(spec.declared))
        for entry in (it for it in entries if it.guards):
            bare = Entry(
                ("architecture", 0, "flatten"), "flatten", {}, entry.repetition, entry.guards
            )
            step = Step(bare, spec.space, base)
            for point in all_points(spec.space):
                values = [point.get(name, LEFT_OUT) for name in step.names]
                values = tuple(tuple(it) if isinstance(it, list) else it for it in values)
                is_there = all(guard.holds(point) for guard in entry.guards)
                assert step.take((2, 3, 1), values) == ((6,) if is_there else (2, 3, 1))
                n_guards += 1
    assert n_guards > 1000
