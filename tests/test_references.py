"""References: reading them, finding their places, and putting values there."""

from __future__ import annotations

import pytest

from lenetml.spec.domains import Choice, Range
from lenetml.spec.references import (
    LEFT_OUT,
    Misread,
    Reference,
    Use,
    as_reference,
    find_uses,
    look_up,
    looks_like_reference,
    read_reference,
    substitute,
    values_of,
)
from lenetml.spec.unroll import expand, resolve


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("$units", Reference("units")),
        ("$batch_norm.1", Reference("batch_norm", 1)),
        ("$u1.12", Reference("u1", 12)),
    ],
)
def test_references_are_read_and_written(text, reference):
    assert read_reference(text) == reference
    assert str(reference) == text


@pytest.mark.parametrize(
    "text",
    ["units", "$", "$Units", "${u}", "$u[0]", "$u.", "$u.x", "$u.1.2", "$u.-1", "$1", "$u.0001"],
)  # fmt: skip
def test_what_is_no_reference(text):
    assert read_reference(text) is None
    assert as_reference(text) is None
    assert looks_like_reference(text) == text.startswith("$")


def test_uses_are_found_in_the_open_sections_in_order():
    data = {
        "title": "$title",
        "search": {"trials": "$t"},
        "training": {"epochs": "$e", "early_stopping": {"patience": "$p.0"}},
        "augmentation": {"brightness_range": ["$low", 1.5]},
        "architecture": [
            {"repeat": {"times": "$n", "layers": [{"dense": {"units": "${u}"}}]}},
            {"dropout": {"rate": 0.5, "when": {"kind.1": ["a", "b"]}}},
            {"dropout": {"rate": 0.5, "when": "$bn"}},
        ],
    }
    here = ("architecture", 0, "repeat")
    uses, misread = find_uses(data)
    assert uses == (
        Use((*here, "times"), Reference("n")),
        Use(("architecture", 1, "dropout", "when", "kind.1"), Reference("kind", 1), ("a", "b")),
        Use(("architecture", 2, "dropout", "when"), Reference("bn")),
        Use(("augmentation", "brightness_range", 0), Reference("low")),
        Use(("training", "epochs"), Reference("e")),
        Use(("training", "early_stopping", "patience"), Reference("p", 0)),
    )
    assert misread == (Misread((*here, "layers", 0, "dense", "units"), "${u}"),)


def test_a_condition_on_no_name_is_misread():
    data = {"architecture": [{"flatten": {"when": {"$u": 1, "v.x": 2}}}]}
    when = ("architecture", 0, "flatten", "when")
    assert find_uses(data) == (
        (),
        (Misread((*when, "$u"), "$u", True), Misread((*when, "v.x"), "v.x", True)),
    )


@pytest.mark.parametrize("section", [None, 3, "$u", ["$u"], {"$u": None}])
def test_uses_are_found_in_whatever_was_written(section):
    data = {"architecture": section, "training": section}
    expected = [] if section in (None, 3, {"$u": None}) else ["$u", "$u"]
    assert [str(use.reference) for use in find_uses(data)[0]] == expected


def test_values_take_the_place_of_references():
    point = {"u": 3, "pair": [1, 2], "flag": False}
    data = {"a": "$u", "b": ["$pair.1", "$u", "x"], "c": "$pair", "d": "$flag", "e": "${u}"}
    assert substitute(data, lambda ref: look_up(point, ref)) == {
        "a": 3, "b": [2, 3, "x"], "c": [1, 2], "d": False, "e": "${u}",
    }  # fmt: skip


def test_a_key_whose_name_does_not_exist_is_left_out():
    data = {"a": "$u", "b": ["$u", 1], "c": [1]}
    assert substitute(data, lambda ref: look_up({}, ref)) == {"c": [1]}
    assert look_up({}, Reference("u", 1)) is LEFT_OUT


def layers_at(items, point=None):
    return [item for _, item in expand(items, point or {})]


def test_repeats_become_their_layers_in_turn_each_with_its_place():
    items = [
        {"repeat": {"times": 2, "layers": [
            {"conv2d": {"filters": 1}},
            {"repeat": {"times": 2, "layers": [{"flatten": {}}]}},
        ]}},
        {"repeat": {"times": 0, "layers": [{"dense": {}}]}},
        "dropout",
    ]  # fmt: skip
    flatten = ("architecture", 0, "repeat", "layers", 1, "repeat", "layers", 0, "flatten")
    conv = ("architecture", 0, "repeat", "layers", 0, "conv2d")
    places = [path for path, _ in expand(items, {})]
    assert places == [conv, flatten, flatten] * 2 + [("architecture", 2, "dropout")]
    assert layers_at(items)[0] == {"conv2d": {"filters": 1}}


@pytest.mark.parametrize(
    ("when", "is_there"),
    [
        (True, True),
        (False, False),
        ({"kind": "a"}, True),
        ({"kind": "b"}, False),
        ({"kind": ["b", "a"]}, True),
        ({"kind": "a", "rate": 0}, True),
        ({"kind": "a", "rate": 0.5}, False),
        ({"flag": True}, True),
        ({"flag": 1}, False),
        ({"pair.0": 1, "pair.1": "x"}, True),
        ({"pair.1": "y"}, False),
        ({"missing": "a"}, False),
    ],
)
def test_conditions(when, is_there):
    point = {"kind": "a", "rate": 0.0, "flag": True, "pair": [1, "x"]}
    assert layers_at([{"flatten": {"when": when}}], point) == [{"flatten": {}}] * is_there


def test_a_condition_on_a_repeat_holds_for_all_in_it():
    items = [{"repeat": {"times": 2, "when": {"k": 1}, "layers": [{"flatten": {}}]}}]
    assert layers_at(items, {"k": 1}) == [{"flatten": {}}] * 2
    assert layers_at(items, {"k": 2}) == []


def test_resolve_leaves_nothing_to_be_drawn():
    data = {
        "name": "$u",
        "architecture": [{"repeat": {"times": "$n", "layers": [{"dense": {"units": "$u"}}]}}],
        "training": {"epochs": "$n"},
    }
    assert resolve(data, {"u": 3, "n": 2}) == {
        "name": "$u",
        "architecture": [{"dense": {"units": 3}}] * 2,
        "training": {"epochs": 2},
    }
    assert data["training"] == {"epochs": "$n"}


def test_values_of_each_are_those_of_its_repetition():
    space = {"tied": Choice(([1, 2], [3, 0])), "n": Range(1, 9)}
    reference = Reference("tied", is_each=True)
    assert values_of(reference, space, 0) == (1, 3)
    assert values_of(reference, space, 1) == (2, 0)
    assert values_of(reference, space, None) == (1, 2, 3, 0)
    assert values_of(Reference("tied", 1), space) == (2, 0)
    assert values_of(Reference("n"), space) == (1, 9)
