"""`when` in the search space: what is read, inherited, refused, and in which order it comes."""

from __future__ import annotations

import pytest
from test_declared import read_all

from lenetml.spec.declaredwhen import MAX_PARENTS
from lenetml.spec.domains import Condition, is_active

PARENTS = """\
kind: {values: [a, b, c]}
flag: {values: [true, false]}
whole: {min: 1, max: 9}
step: {min: 0.1, max: 0.5, q: 0.1}
tied: {values: [[1, x], [2, y], [3, x]]}
lr: {min: 0.1, max: 0.5}
long: {min: 1, max: 1001}
fixed: {value: 4}
"""


def conditions_of(when):
    """The conditions of `u`, whose `when` is given as text."""
    space, complaints = read_all(f"{PARENTS}u: {{values: [1, 2], when: {when}}}\n")
    assert complaints == []
    return space["u"].when


def refused(when):
    """The one complaint on `u`."""
    space, complaints = read_all(f"{PARENTS}u: {{values: [1, 2], when: {when}}}\n")
    assert "u" not in space
    [complaint] = complaints
    return complaint


@pytest.mark.parametrize(
    ("when", "conditions"),
    [
        ("{kind: a}", [("kind", None, ("a",))]),
        ("{kind: [a, c]}", [("kind", None, ("a", "c"))]),
        ("{flag: true}", [("flag", None, (True,))]),
        ("{whole: [1, 9]}", [("whole", None, (1, 9))]),
        ("{whole: 2.0}", [("whole", None, (2,))]),
        ("{long: 500}", [("long", None, (500,))]),
        ("{kind: [c, a, c]}", [("kind", None, ("a", "c"))]),
        ("{whole: [9, 1.0, 9]}", [("whole", None, (1, 9))]),
        ("{tied: [[3, x], [1, x]]}", [("tied", None, ([1, "x"], [3, "x"]))]),
        ("{tied.1: [y, x]}", [("tied", 1, ("x", "y"))]),
        ("{step: 0.3}", [("step", None, (0.3,))]),
        ("{tied: [1, x]}", [("tied", None, ([1, "x"],))]),
        ("{tied: [[1, x], [2, y]]}", [("tied", None, ([1, "x"], [2, "y"]))]),
        ("{tied.1: x}", [("tied", 1, ("x",))]),
        ("{tied.0: [1, 3], tied.1: x}", [("tied", 0, (1, 3)), ("tied", 1, ("x",))]),
        ("{fixed: 4}", [("fixed", None, (4,))]),
        ("{kind: a, flag: false}", [("kind", None, ("a",)), ("flag", None, (False,))]),
    ],
)
def test_forms(when, conditions):
    found = conditions_of(when)
    assert repr(found) == repr(tuple(Condition(*each) for each in conditions))


SINGLE = "a condition asks for one value of several: give it values, or q"


@pytest.mark.parametrize(
    ("when", "complaint"),
    [
        (
            "true",
            (
                "when of u must be a condition",
                "write when: {other: value}, or {other: [value, value]}",
            ),
        ),
        (
            "{}",
            (
                "when of u must be a condition",
                "write when: {other: value}, or {other: [value, value]}",
            ),
        ),
        ("{kindd: a}", ("kindd is not in search_space", 'did you mean "kind"?')),
        ("{kind.x: a}", ("kind.x is not in search_space", 'did you mean "kind"?')),
        ("{$kind: a}", ("$kind is not in search_space", 'did you mean "kind"?')),
        ("{kind: d}", ("kind is never d", "values of kind: a, b, c")),
        ("{kind: [a, d]}", ("kind is never d", "values of kind: a, b, c")),
        (
            "{tied: [true, x]}",
            ("tied is never [true, x]", "values of tied: [1, x], [2, y], [3, x]"),
        ),
        (
            "{kind: $flag}",
            ("a reference cannot stand in a condition", "write a value: {kind: value}"),
        ),
        ("{kind: }", ("kind is never nothing", "values of kind: a, b, c")),
        ("{flag: 1}", ("flag is never 1", "values of flag: true, false")),
        ("{whole: 10}", ("whole is never 10", "whole is a whole number from 1 to 9")),
        ("{whole: 1.5}", ("whole is never 1.5", "whole is a whole number from 1 to 9")),
        (
            "{step: 0.25}",
            ("step is never 0.25", "step is a number from 0.1 to 0.5, a multiple of 0.1"),
        ),
        ("{tied: 1}", ("tied is never 1", "values of tied: [1, x], [2, y], [3, x]")),
        ("{tied: [1, y]}", ("tied is never [1, y]", "values of tied: [1, x], [2, y], [3, x]")),
        ("{tied.1: z}", ("tied.1 is never z", "values of tied.1: x, y")),
        ("{tied.2: x}", ("there is no tied.2", "the values of tied have positions .0 to .1")),
        ("{kind.0: a}", ("there is no kind.0", "the values of kind are single: write kind")),
        ("{lr: 0.2}", ("lr is a range of reals", SINGLE)),
        ("{lr.0: 0.2}", ("there is no lr.0", "the values of lr are single: write lr")),
        (
            "{kind: []}",
            (
                "no value of kind is asked for",
                "write a value, or some of a list; values of kind: a, b, c",
            ),
        ),
        (
            "{tied.1: []}",
            (
                "no value of tied.1 is asked for",
                "write a value, or some of a list; values of tied.1: x, y",
            ),
        ),
        ("{kind.each: a}", ("kind.each is not in search_space", 'did you mean "kind"?')),
        ("{u: 1}", ("u depends on itself", "found: u -> u")),
    ],
)
def test_refusals(when, complaint):
    assert refused(when) == complaint


def test_parents_come_first_whatever_the_text_says():
    space, complaints = read_all(
        "c: {value: 1, when: {b: 1}}\nb: {values: [1, 2], when: {a: 1}}\n"
        "d: {value: 1}\na: {values: [1, 2]}\n"
    )
    assert complaints == []
    assert list(space) == ["a", "b", "c", "d"]


def test_names_without_conditions_keep_their_order():
    space, _ = read_all("".join(f"{name}: {{value: 1}}\n" for name in "qwertz"))
    assert "".join(space) == "qwertz"


def test_the_conditions_of_a_parent_are_inherited():
    space, complaints = read_all(
        "a: {values: [1, 2, 3]}\n"
        "b: {values: [1, 2], when: {a: [1, 2]}}\n"
        "c: {values: [1, 2], when: {b: 1, a: [2, 3]}}\n"
    )
    assert complaints == []
    assert set(space["c"].when) == {Condition("b", None, (1,)), Condition("a", None, (2,))}
    assert not is_active(space["c"], {"a": 1, "b": 1})
    assert is_active(space["c"], {"a": 2, "b": 1})


def test_conditions_that_exclude_those_of_a_parent():
    _, complaints = read_all(
        "a: {values: [1, 2]}\nb: {values: [1, 2], when: {a: 1}}\n"
        "c: {values: [1, 2], when: {b: 1, a: 2}}\n"
    )
    assert complaints == [("c never exists", "its conditions exclude each other")]


@pytest.mark.parametrize(
    "when",
    [
        "{tied.0: 1, tied.1: y}",
        "{tied.0: 1, tied: [[2, y], [3, x]]}",
        "{child: 1, tied.1: y}",
    ],
)
def test_positions_that_exclude_each_other(when):
    _, complaints = read_all(
        f"{PARENTS}child: {{values: [1, 2], when: {{tied.0: 1}}}}\n"
        f"u: {{values: [1, 2], when: {when}}}\n"
    )
    assert complaints == [("u never exists", "its conditions exclude each other")]


@pytest.mark.parametrize(
    ("circle", "found"),
    [
        (["a"], "a -> a"),
        (["a", "b"], "a -> b -> a"),
        (["a", "b", "c", "d"], "a -> b -> c -> d -> a"),
    ],
)
def test_a_circle_is_told_once_and_what_hangs_on_it_is_left_out(circle, found):
    lines = [
        f"{name}: {{values: [1, 2], when: {{{parent}: 1}}}}\n"
        for name, parent in zip(circle, [*circle[1:], circle[0]], strict=True)
    ]
    space, complaints = read_all(
        "".join(lines) + "x: {value: 1, when: {a: 1}}\ny: {value: 1, when: {x: 1}}\nz: {value: 1}\n"
    )
    assert complaints == [(f"{circle[-1]} depends on itself", f"found: {found}")]
    assert list(space) == ["z"]


def test_what_hangs_on_a_mistake_raises_no_further_complaints():
    space, complaints = read_all(
        "a: {values: []}\nb: {values: [1, 2], when: {a: 1}}\n"
        "c: {values: [1, 2], when: {e: 1}}\nd: {value: 1, when: {c: 1}}\n"
        "f: {value: 1, when: {c: 1}}\n"
    )
    assert [message for message, *_ in complaints] == [
        "values of a must be a list with at least one value",
        "e is not in search_space",
    ]
    assert space == {}


def chain(n, is_upwards):
    """The text of `n` names, each with a condition on the next or on the one before."""
    lines = [f"a{i}: {{values: [1, 2], when: {{a{i + 1}: 1}}}}\n" for i in range(n - 1)]
    lines.append(f"a{n - 1}: {{values: [1, 2]}}\n")
    return "".join(reversed(lines) if is_upwards else lines)


@pytest.mark.parametrize("is_upwards", [True, False])
def test_a_chain_of_conditions_has_an_end(is_upwards):
    space, complaints = read_all(chain(MAX_PARENTS + 1, is_upwards))
    assert complaints == []
    assert len(space["a0"].when) == MAX_PARENTS
    for n in (MAX_PARENTS + 2, 1500):
        _, complaints = read_all(chain(n, is_upwards))
        first = n - MAX_PARENTS - 2
        assert complaints == [(f"a{first} depends on more than 50 others",)]
