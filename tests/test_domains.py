"""Domains: what `values`, `min`/`max` and `value` give, and what is refused."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_spaces import spaces

from lenetml.spec.declared import read_space
from lenetml.spec.domains import (
    Choice,
    Condition,
    Range,
    all_points,
    all_values,
    as_real,
    corner_path,
    corners,
    is_active,
    on_grid,
    own_value,
    value_at,
    values_at,
)
from lenetml.spec.source import parse

NUMBERS = st.integers(-(10**9), 10**9) | st.floats(-1e9, 1e9)


def read(text: str):
    """The domain of `u`, whose text stands behind its colon."""
    node, complaints = parse(f"u: {text}")
    assert complaints == []
    space, complaints = read_space(node)
    return space["u"] if not complaints else [(it.message, *it.notes) for it in complaints]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("{values: [1, 2]}", (1, 2)),
        ("{values: [0, 0.1]}", (0.0, 0.1)),
        ("{values: [relu]}", ("relu",)),
        ("{values: [true, false]}", (True, False)),
        ("{values: [[18, 0.1], [36, 1]]}", ([18, 0.1], [36, 1.0])),
        ("{values: [[1, a, true], [2, b, false]]}", ([1, "a", True], [2, "b", False])),
        ("{value: 3}", (3,)),
        ("{value: [3, 5]}", ([3, 5],)),
    ],
)
def test_choices(text, values):
    domain = read(text)
    assert domain == Choice(values)
    assert [type(value) for value in domain.values] == [type(value) for value in values]
    assert domain.size == len(values)
    assert domain.is_tied == isinstance(values[0], list)
    assert corners(domain) == values


def test_numbers_mix_position_by_position():
    first, second = read("{values: [[1, 2], [3, 0.5]]}").values
    assert [type(value) for value in (*first, *second)] == [int, float, int, float]


@pytest.mark.parametrize(
    ("text", "low", "high", "size"),
    [
        ("{min: 1, max: 3}", 1, 3, 3),
        ("{min: -1, max: 1.5}", -1.0, 1.5, None),
        ("{max: 2.0, min: 1}", 1.0, 2.0, None),
    ],
)
def test_ranges(text, low, high, size):
    domain = read(text)
    assert domain == Range(low, high)
    assert (type(domain.low), type(domain.high)) == (type(low), type(high))
    assert domain.size == size
    assert domain.is_whole == (size is not None)
    assert corners(domain) == (low, high)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{values: [1, 1.0]}", "1.0 is twice in values of u"),
        ("{values: [[1], [1.0]]}", "[1.0] is twice in values of u"),
        ("{values: [1, true]}", "values of u must be of one kind"),
        ("{values: [1, [2]]}", "values of u must be of one kind"),
        ("{values: [null]}", "a value of u must be a number, a text, true, false or a list"),
        ("{values: [[]]}", "a value of u must be a number, a text, true, false or a list"),
        ("{value: {a: 1}}", "a value of u must be a number, a text, true, false or a list"),
        ("{value: [[1]]}", "a list in u must hold numbers, texts, true or false"),
        ("{min: 2, max: 2}", "min of u must be less than max"),
        ("{min: true, max: 2}", "min of u must be a number"),
        ("{min: 1, max: [2]}", "max of u must be a number"),
        ("{min: 1, max: 2, value: 1}", "u must have one domain"),
        ("{}", "u must have one domain"),
    ],
)
def test_refusals_beyond_the_cases(text, message):
    assert read(text)[0][0] == message


def test_every_domain_is_read_and_complained_about():
    node, _ = parse("a: {values: []}\nb: {value: 1}\nC: {value: 2}\nd: 3\n")
    space, complaints = read_space(node)
    assert space["b"] == Choice((1,))
    assert [it.span.line for it in complaints] == [1, 3, 4]


def test_own_value():
    assert repr(own_value(Choice((0.0, 0.5)), None, 0)) == "0.0"
    assert own_value(Choice((True, False)), None, 1) is None
    assert own_value(Choice(([1, "a"], [2, "b"])), 1, "b") == "b"
    assert own_value(Choice(([1], [2])), None, 1) is None
    assert own_value(Choice(([1, 2], [3, 4])), None, [True, 2]) is None
    assert own_value(Choice(([1, 2], [3, 4])), None, [1.0, 2]) == [1, 2]
    assert own_value(Choice(([True, 2],)), 0, 1) is None
    assert own_value(Choice((1, 2)), None, {"a": 1}) is None
    assert repr(own_value(Range(1, 3), None, 3.0)) == "3"
    for wanted in (0, 4, 1.5, "1", True):
        assert own_value(Range(1, 3), None, wanted) is None
    assert own_value(Range(1.0, 3.0), None, 1.0) is None


def test_as_real_changes_whole_numbers_of_one_position():
    assert repr(as_real(Choice((1, 2)), None)) == repr(Choice((1.0, 2.0)))
    assert as_real(Choice(("a",)), None) is None
    assert as_real(Choice((True,)), None) is None
    assert repr(as_real(Choice(([1, 2], [3, 4])), 1)) == repr(Choice(([1, 2.0], [3, 4.0])))
    assert as_real(Choice(([1, "a"],)), 1) is None


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("{values: [1, 2]}", [("values", 0), ("values", 1)]),
        ("{min: 1, max: 2}", [("min",), ("max",)]),
        ("{value: 1}", [("value",)]),
    ],
)
def test_each_corner_has_its_place_in_the_text(text, paths):
    node, _ = parse(text)
    domain = read(text)
    keys = {entry.key for entry in node.entries}
    assert [corner_path(domain, i, keys) for i in range(len(corners(domain)))] == paths


@given(st.lists(NUMBERS, min_size=1, max_size=8, unique_by=float))
def test_values_that_are_written_out_are_read_again(values):
    domain = read(f"{{values: {values!r}}}")
    assert list(domain.values) == values
    assert len({type(value) for value in domain.values}) == 1


@given(NUMBERS, NUMBERS)
def test_a_range_holds_its_ends_in_order(low, high):
    domain = read(f"{{min: {low!r}, max: {high!r}}}")
    if low < high:
        assert (domain.low, domain.high) == (low, high)
        assert type(domain.low) is type(domain.high)
    else:
        assert domain[0][0] == "min of u must be less than max"


@settings(deadline=None)
@given(spaces())
def test_points_hold_exactly_the_names_that_exist(space):
    points = list(all_points(space))
    for point in points:
        assert list(point) == [name for name in space if is_active(space[name], point)]
    everything = [all_values(domain) for domain in space.values()]
    filtered = set()
    for values in itertools.product(*everything):
        whole, point = dict(zip(space, values, strict=True)), {}
        for name, domain in space.items():
            if is_active(domain, point):
                point[name] = whole[name]
        filtered.add(str(point))
    assert sorted(map(str, points)) == sorted(filtered)


def test_the_first_name_is_the_slowest():
    space = {"a": Choice((1, 2)), "b": Range(1, 2), "c": Choice(("x",))}
    assert [list(point.values()) for point in all_points(space)] == [
        [1, 1, "x"],
        [1, 2, "x"],
        [2, 1, "x"],
        [2, 2, "x"],
    ]
    assert list(all_points({})) == [{}]


def test_a_name_that_does_not_exist_makes_a_condition_false():
    assert not Condition("a", None, (1,)).holds({"b": 1})
    assert Condition("a", None, (1,)).holds({"a": 1.0})
    assert not Condition("a", None, (1,)).holds({"a": True})
    assert Condition("a", 1, ("x",)).holds({"a": [1, "x"]})


def test_own_values_of_steps():
    whole, real = Range(32, 128, step=32), Range(0.1, 0.5, step=0.1)
    assert repr(own_value(whole, None, 64.0)) == "64"
    assert own_value(whole, None, 65) is None
    assert repr(own_value(real, None, 0.3)) == "0.3"
    assert own_value(real, None, 0.35) is None
    assert on_grid(real, 0.1 + 0.1 + 0.1) == 0.3
    assert on_grid(whole, 64) == 64
    assert (whole.size, real.size) == (4, 5)
    assert Range(1, 10**15).size == 10**15


def test_values_at_a_position_come_once():
    tied = Choice(([1, "x"], [2, "y"], [1, "x"]))
    assert values_at(tied, 0) == (1, 2)
    assert values_at(tied, 1) == ("x", "y")
    assert values_at(tied, None) == tied.values
    assert list(values_at(Range(1, 3), None)) == [1, 2, 3]
    assert (tied.width, Choice((1,)).width, Range(1, 3).width) == (2, 0, 0)


@pytest.mark.parametrize(
    "domain", [Choice(("a", "b")), Range(2, 8, step=2), Range(0.1, 0.5, step=0.1), Range(-1, 2)]
)
def test_every_value_has_its_index(domain):
    assert [value_at(domain, index) for index in range(domain.size)] == list(all_values(domain))


def test_points_are_made_one_by_one():
    """A space of 10 ** 18 points would not fit into the memory."""
    space = {"a": Range(1, 10**9), "b": Range(0.0, 1.0, step=1e-9)}
    points = all_points(space)
    assert next(points) == {"a": 1, "b": 0.0}
    assert next(points) == {"a": 1, "b": 1e-9}


def test_points_of_more_names_than_calls_may_nest():
    space = {f"u{number}": Choice((1,)) for number in range(1500)}
    assert [len(point) for point in all_points(space)] == [1500]
