"""The algebra of conditions, against every point of small spaces."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from random_spaces import implications

from lenetml.spec.conditions import (
    admitted,
    as_wanted,
    implies,
    in_braces,
    joined,
    read_wanted,
)
from lenetml.spec.domains import Choice, Condition, Range, all_points


@settings(max_examples=1000, deadline=None)
@given(implications())
def test_implies_agrees_with_every_point(case):
    space, first, second = case
    points = [point for point in all_points(space) if all(each.holds(point) for each in first)]
    follows = all(each.holds(point) for point in points for each in second)
    assert implies(first, second, space) == follows


def test_conditions_on_one_place_are_joined():
    conditions = [Condition("a", None, (1, 2)), Condition("a", 0, (1,)), Condition("a", None, (2,))]
    assert joined(conditions) == (Condition("a", None, (2,)), Condition("a", 0, (1,)))


def test_long_ranges_need_not_be_looked_through():
    space = {"a": Range(1, 10**15), "b": Range(1, 3, when=(Condition("a", None, (5,)),))}
    assert admitted("a", space["b"].when, space) == [5]
    assert implies([Condition("a", None, (5,))], [Condition("a", None, (5, 6))], space)


def test_what_is_not_asked_of_a_long_range_is_not_looked_through():
    space = {"a": Range(1, 10**15)}
    assert not implies([], [Condition("a", None, (5,))], space)
    assert implies([], [Condition("b", None, (1, 2))], {"b": Range(1, 2)})


def test_conditions_are_written_whole():
    conditions = [
        Condition("kind", None, ("a", "c")),
        Condition("tied", 0, (1,)),
        Condition("pair", None, ([1, True],)),
        Condition("n", None, tuple(range(100))),
    ]
    written = ", ".join(map(str, range(100)))
    assert in_braces(conditions) == (f"kind: [a, c], tied.0: 1, pair: [1, true], n: [{written}]")


@pytest.mark.parametrize(
    ("wanted", "position", "expected"),
    [
        (3, None, [3]),
        ([1, 2], None, [[1, 2]]),
        ([[1, 2]], None, [[1, 2]]),
        ([1, 2], 0, [1, 2]),
        ([1, [2]], None, [1, [2]]),
    ],
)
def test_a_list_is_one_tied_value(wanted, position, expected):
    assert as_wanted(wanted, Choice(([1, 2], [3, 4])), position) == expected


def test_a_list_is_several_single_values():
    assert as_wanted([1, 2], Choice((1, 2)), None) == [1, 2]


def test_wanted_values_are_the_domains_own_in_its_order_and_the_others_are_told():
    domain = Choice((0.5, 1.0, 2.0))
    assert repr(read_wanted("u", domain, None, [2, 1, 2])) == "((1.0, 2.0), [])"
    own, mistakes = read_wanted("u", domain, None, [2, 3, "$v", 4])
    assert own == (2.0,)
    assert [(it.message, it.index) for it in mistakes] == [
        ("u is never 3", 1),
        ("a reference cannot stand in a condition", 2),
        ("u is never 4", 3),
    ]
    assert [it.index for it in read_wanted("u.0", domain, 0, [2])[1]] == [None]
    assert [it.index for it in read_wanted("r", Range(0.0, 1.0), None, [1.0])[1]] == [None]
