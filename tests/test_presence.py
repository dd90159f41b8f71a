"""When a layer is there: its `when` as conditions, and in its one form."""

from __future__ import annotations

import pytest

from lenetml.spec.domains import Choice, Condition, Range
from lenetml.spec.presence import in_own_values, read_when


@pytest.mark.parametrize(
    ("when", "conditions"),
    [
        (True, ()),
        (False, ()),
        ("$flag", (Condition("flag", None, (True,)),)),
        ("$flags.1", (Condition("flags", 1, (True,)),)),
        ("$flag.each", ()),
        (
            {"n": 2, "tied.0": [1, 3]},
            (Condition("n", None, (2,)), Condition("tied", 0, (1, 3))),
        ),
        ({"tied": [[1, 2]]}, (Condition("tied", None, ([1, 2],)),)),
    ],
)
def test_a_when_as_conditions(when, conditions):
    assert read_when(when) == conditions


def test_two_forms_of_one_place_are_joined():
    assert read_when({"t.0": [1, 2], "t.00": [2, 3]}) == (Condition("t", 0, (2,)),)


SPACE = {
    "tied": Choice(([1, 2], [3, 4])),
    "one": Choice((1.0, 2.0)),
    "n": Range(1, 3),
    "on": Choice((True, False)),
}


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ({"tied": [1, 2]}, {"tied": [[1, 2]]}),
        ({"tied": [[3, 4], [1, 2]]}, {"tied": [[1, 2], [3, 4]]}),
        ({"tied.0": [3, 1]}, {"tied.0": [1, 3]}),
        ({"one": [2, 1, 2]}, {"one": [1.0, 2.0]}),
        ({"n": 2.0}, {"n": [2]}),
        ({"on": True}, {"on": [True]}),
        # What is wrong stays, to be told as it is written.
        ({"on": 1}, {"on": 1}),
        ({"tied": [1, 3]}, {"tied": [[1, 3]]}),
        ({"n": [2, 7, 1]}, {"n": [2, 7, 1]}),
        ({"other": 1, "$n": 2, "n.0": 1}, {"other": 1, "$n": 2, "n.0": 1}),
        ("$on", "$on"),
    ],
)
def test_what_a_layer_asks_for_is_written_in_one_form(when, expected):
    inner = [{"dense": {"units": 1, "when": when}}]
    items = [{"repeat": {"times": 2, "when": when, "layers": inner}}, "flatten", 3]
    [repeat, *rest] = in_own_values(items, SPACE)
    assert repr(repeat["repeat"]["when"]) == repr(expected)
    assert repr(repeat["repeat"]["layers"][0]["dense"]["when"]) == repr(expected)
    assert rest == ["flatten", 3]
