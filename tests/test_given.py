"""Values from outside: what they mean in a search space, and every message about them."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_spaces import spaces

from lenetml.errors import SpecError, UsageError
from lenetml.spec.domains import Choice, Condition, Range, all_points, all_values, value_at
from lenetml.spec.given import MAX_BYTES, own_of, parse_given, point_of, read_given

WITH_NORM = (Condition("norm", None, (True,)),)
SPACE = {
    "units": Range(8, 64, step=8),
    "norm": Choice((True, False)),
    "rate": Range(0.1, 0.5, step=0.1, when=WITH_NORM),
    "conv": Choice(([18, 0.1], [36, 0.2])),
    "activation": Choice(("relu", "tanh", "elu")),
    "learning_rate": Range(0.0001, 0.1, is_log=True),
    "padding": Choice(("same",)),
}
POINT = {
    "units": 16, "norm": True, "rate": 0.3, "conv": [36, 0.2], "activation": "tanh",
    "learning_rate": 0.01, "padding": "same",
}  # fmt: skip
EXAMPLE = 'write an object of names and values, such as {"units": 84, "activation": "tanh"}'


def complaints(error):
    return [(it.message, *it.notes) for it in error.value.problems]


def as_agent_writes(point):
    """As a file of W&B's agent holds them."""
    return parse_given(json.dumps(point).encode(), "values.json")


def test_a_point():
    point = point_of(as_agent_writes(POINT), SPACE, "values.json")
    assert point == POINT
    assert list(point) == list(SPACE)


@settings(max_examples=150, deadline=None)
@given(spaces(), st.data())
def test_every_point_of_a_space_comes_back_whatever_else_was_drawn(space, data):
    """A sweep draws every name, whole numbers may come as real ones, and lists as JSON has them."""
    points = list(all_points(space))
    point = data.draw(st.sampled_from(points))
    drawn = {name: data.draw(st.sampled_from(all_values(space[name]))) for name in space} | point
    handed = {name: float(it) if type(it) is int else it for name, it in drawn.items()}
    for values in (drawn, handed):
        found = point_of(as_agent_writes(values), space, "values.json")
        assert found == point
        assert list(map(repr, found.values())) == list(map(repr, point.values()))


@pytest.mark.parametrize(
    ("domain", "value", "own"),
    [
        (Range(30, 300), 120.0, 120),
        (Range(30, 300), 300, 300),
        (Range(8, 64, step=8), 16.0, 16),
        (Range(0.1, 0.5, step=0.1), 0.30000000000000004, 0.3),
        (Range(0.0, 1.0, step=0.1), 1e-17, 0.0),
        (Range(-1.0, 1.0, step=0.1), -0.30000000000000004, -0.3),
        (Range(0.0, 2.0), 1, 1.0),
        (Range(0.0001, 0.1, is_log=True), 0.0001 * (1 - 1e-15), 0.0001),
        (Range(0.0001, 0.1, is_log=True), 0.1 * (1 + 1e-15), 0.1),
        (Choice((60, 120)), 120.0, 120),
        (Choice((0.0, 0.1)), 0, 0.0),
        (Choice((0.3, 0.7)), 0.30000000000000004, 0.3),
        (Choice((True, False)), False, False),
        (Choice(([18, 0.3], [36, 0.2])), [18.0, 0.30000000000000004], [18, 0.3]),
        (Choice((0,)), 0.0, 0),
    ],
)
def test_the_domain_gives_its_own_value(domain, value, own):
    found = own_of(domain, value)
    assert (found, repr(found)) == (own, repr(own))


@pytest.mark.parametrize(
    ("domain", "value"),
    [
        (Range(30, 300), 29),
        (Range(30, 300), 301),
        (Range(30, 300), 120.5),
        (Range(30, 300), "120"),
        (Range(0, 1), True),
        (Range(30, 300), None),
        (Range(30, 300), [120]),
        (Range(30, 300), math.nan),
        (Range(30, 300), math.inf),
        (Range(30, 300), 10**400),
        (Range(8, 64, step=8), 20),
        (Range(0.1, 0.5, step=0.1), 0.25),
        (Range(0.1, 0.5, step=0.1), 0.3001),
        (Range(0.0001, 0.1, is_log=True), 0.00009),
        (Range(0.0, 0.1), -1e-9),
        (Choice((60, 120)), 61),
        (Choice((60, 120)), "60"),
        (Choice((0.5, 1.0)), 10**400),
        (Choice((0, 1)), False),
        (Choice((True, False)), 1),
        (Choice(("relu", "tanh")), "Relu"),
        (Choice(([18, 0.1], [36, 0.2])), [18, 0.2]),
        (Choice(([18, 0.1], [36, 0.2])), [18]),
        (Choice(([18, 0.1], [36, 0.2])), 18),
        (Choice(([18, 0.1], [36, 0.2])), "[18, 0.1]"),
        (Choice((1, 2)), [1]),
    ],
)
def test_what_is_no_value_of_a_domain(domain, value):
    assert own_of(domain, value) is None


@given(st.integers(1, 400), st.sampled_from([0.1, 0.05, 0.025, 0.3, 2.5]))
def test_multiples_as_a_sweep_computes_them(number, step):
    """It multiplies q in floating point."""
    domain = Range(step, value_at(Range(0.0, 400 * step, step=step), 400), step=step)
    assert own_of(domain, number * step) == value_at(domain, number - 1)


def test_what_does_not_exist_is_passed_over_whatever_it_is():
    given = POINT | {"norm": False, "rate": "any"}
    point = point_of(given, SPACE, "values.json")
    assert point == {name: it for name, it in (POINT | {"norm": False}).items() if name != "rate"}


def test_constants_may_be_left_out():
    given = {name: value for name, value in POINT.items() if name != "padding"}
    assert point_of(given, SPACE, "values.json") == POINT
    assert point_of({}, {"padding": SPACE["padding"]}, "values.json") == {"padding": "same"}
    assert point_of({}, {}, "values.json") == {}


def test_every_problem_is_told():
    given = {
        "units": 20, "norm": True, "conv": [36, 0.1], "activation": "tan",
        "learning_rate": math.nan, "padding": "valid", "unit": 8, "": 1,
    }  # fmt: skip
    with pytest.raises(SpecError) as caught:
        point_of(given, SPACE, "values.json")
    names = "allowed: units, norm, rate, conv, activation, learning_rate, padding"
    assert complaints(caught) == [
        ("units cannot be 20", "units is a whole number from 8 to 64, a multiple of 8"),
        ("rate is missing", "rate is a number from 0.1 to 0.5, a multiple of 0.1"),
        ("conv cannot be [36, 0.1]", "values of conv: [18, 0.1], [36, 0.2]"),
        (
            "activation cannot be tan",
            "values of activation: relu, tanh, elu",
            'did you mean "tanh"?',
        ),
        ("learning_rate cannot be nan", "learning_rate is a number from 0.0001 to 0.1"),
        ("padding cannot be valid", "values of padding: same"),
        ('there is no hyperparameter "unit"', names, 'did you mean "units"?'),
        ('there is no hyperparameter ""', names),
    ]
    assert str(caught.value).startswith("values.json: units cannot be 20\n    units is a whole ")


@pytest.mark.parametrize("norm", [{}, {"norm": 1}])
def test_a_parent_that_is_wrong_does_not_count_against_its_children(norm):
    given = {name: it for name, it in POINT.items() if name not in ("norm", "rate")} | norm
    with pytest.raises(SpecError) as caught:
        point_of(given, SPACE, "values.json")
    message = "norm cannot be 1" if norm else "norm is missing"
    assert complaints(caught) == [(message, "values of norm: true, false")]


def test_a_name_where_there_are_none():
    with pytest.raises(SpecError) as caught:
        point_of({"units": 1}, {}, "values.json")
    assert complaints(caught) == [
        ('there is no hyperparameter "units"', "the spec has no search_space")
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "values.json:1:1: this is not JSON\n    {EXAMPLE}"),
        (
            "{'a': 1}",
            "values.json:1:2: this is not JSON\n    1 | {'a': 1}\n      |  ^\n    {EXAMPLE}",
        ),
        (
            '{"a": 1,\n "b" 2}',
            'values.json:2:6: this is not JSON\n    2 |  "b" 2}\n      |      ^\n    {EXAMPLE}',
        ),
        ("[1]", "values.json: values must be an object\n    found: [1]\n    {EXAMPLE}"),
        ("null", "values.json: values must be an object\n    found: null\n    {EXAMPLE}"),
        ('{"a": 1, "a": 2}', 'values.json: "a" stands twice\n    take one of them away'),
        (
            '{"a": {"value": 1}}',
            "values.json: a must be a number, a text, true, false or a list of these",
        ),
        ('{"a": [[1]]}', "values.json: a must be a number, a text, true, false or a list of these"),
        (f'{{"a": {"9" * 5000}}}', "values.json: no values are written like this\n    {EXAMPLE}"),
        ("[" * 100_000, "values.json: no values are written like this\n    {EXAMPLE}"),
        ("\xff", "values.json: this is not UTF-8"),
        (" " * (MAX_BYTES + 1), "values.json: this is longer than 1 MB; values are a few lines"),
    ],
    ids=lambda text: text[:20],
)
def test_what_is_no_json_of_values(text, message):
    with pytest.raises(SpecError) as caught:
        parse_given(text.encode("latin-1"), "values.json")
    assert str(caught.value) == message.replace("{EXAMPLE}", EXAMPLE)


def test_a_byte_order_mark_is_no_value():
    assert parse_given(b'\xef\xbb\xbf{"a": 1e-05, "b": "\\u00e9"}', "x") == {"a": 0.00001, "b": "é"}


@settings(deadline=None)
@given(st.binary(max_size=60) | st.text(alphabet='{}[]":,0123456789.eE+- naul\\', max_size=40))
def test_any_bytes_are_values_or_a_problem(content):
    content = content.encode() if isinstance(content, str) else content
    try:
        values = parse_given(content, "values.json")
        point_of(values, SPACE, "values.json")
    except SpecError as error:
        assert error.problems
    else:
        raise AssertionError("no such text holds all the names")


def test_files(tmp_path):
    path = tmp_path / "values.json"
    path.write_bytes(b'{"a": 1}')
    assert read_given(path) == b'{"a": 1}'
    with pytest.raises(UsageError, match="none.json: there is no such file$"):
        read_given(tmp_path / "none.json")
    with pytest.raises(UsageError, match=r"cannot be read: Is a directory$"):
        read_given(tmp_path)
