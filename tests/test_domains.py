"""Domains: what `values`, `min`/`max` and `value` give, and what is refused."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lenetml.spec.declared import read_space
from lenetml.spec.domains import (
    Choice,
    Condition,
    Range,
    admitted,
    all_points,
    all_values,
    as_real,
    corner_path,
    corners,
    implies,
    is_active,
    is_same,
    joined,
    on_grid,
    own_value,
    with_parents,
    written,
)
from lenetml.spec.source import parse

NUMBERS = st.integers(-(10**9), 10**9) | st.floats(-1e9, 1e9)
FINITE = st.sampled_from(
    [
        Choice((1, 2, 3)),
        Choice(("a", "b")),
        Choice((True, False)),
        Choice((7,)),
        Choice(([1, "x"], [2, "y"], [3, "x"])),
        Choice(([True, 0], [False, 0], [True, 1])),
        Range(1, 3),
        Range(0, 8, step=4),
        Range(0.1, 0.3, step=0.1),
    ]
)


def draw_conditions(draw, space):
    """Some conditions on some names, one or two on a name, with those of their parents."""
    conditions = []
    for name in draw(st.lists(st.sampled_from(list(space)), max_size=3)) if space else ():
        values, position = all_values(space[name]), None
        if isinstance(values[0], list):
            position = draw(st.sampled_from([None, 0, 1]))
        own = [value if position is None else value[position] for value in values]
        wanted = draw(st.lists(st.sampled_from(own), min_size=1, max_size=len(own)))
        conditions.append(Condition(name, position, tuple(wanted)))
    return with_parents(conditions, space)


@st.composite
def spaces(draw):
    """Small spaces: names with conditions on those before, and theirs."""
    space = {}
    for name in "abcde"[: draw(st.integers(1, 5))]:
        when = draw_conditions(draw, space)
        if all(admitted(each.name, when, space) for each in when):
            space[name] = replace(draw(FINITE), when=when)
    return space


@st.composite
def implications(draw):
    """A space, and two lists of conditions in it."""
    space = draw(spaces())
    return space, draw_conditions(draw, space), draw_conditions(draw, space)


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


def test_true_is_no_number():
    assert not is_same(True, 1)
    assert not is_same(0, False)
    assert is_same(1, 1.0)
    assert is_same("a", "a")


def test_own_value():
    assert repr(own_value(Choice((0.0, 0.5)), None, 0)) == "0.0"
    assert own_value(Choice((True, False)), None, 1) is None
    assert own_value(Choice(([1, "a"], [2, "b"])), 1, "b") == "b"
    assert own_value(Choice(([1], [2])), None, 1) is None
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


def test_written_looks_like_yaml():
    assert written([1, 0.5, True, "a", "", None]) == '[1, 0.5, true, a, "", nothing]'
    assert written({"a": [1]}) == "{a: [1]}"
    assert written("a\nb") == "a\\nb"
    assert len(written(list(range(1000)))) == 80


@settings(max_examples=1000, deadline=None)
@given(implications())
def test_implies_agrees_with_every_point(case):
    space, first, second = case
    points = [point for point in all_points(space) if all(each.holds(point) for each in first)]
    follows = all(each.holds(point) for point in points for each in second)
    assert implies(first, second, space) == follows


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


def test_conditions_on_one_place_are_joined():
    conditions = [Condition("a", None, (1, 2)), Condition("a", 0, (1,)), Condition("a", None, (2,))]
    assert joined(conditions) == (Condition("a", None, (2,)), Condition("a", 0, (1,)))


def test_long_ranges_need_not_be_looked_through():
    space = {"a": Range(1, 10**15), "b": Range(1, 3, when=(Condition("a", None, (5,)),))}
    assert admitted("a", space["b"].when, space) == [5]
    assert implies([Condition("a", None, (5,))], [Condition("a", None, (5, 6))], space)


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
