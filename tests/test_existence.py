"""Where hyperparameters exist: what `.each` may ask for, and what may be used where."""

from __future__ import annotations

import pytest
from spec_texts import SEARCH, check, messages, spec_of

from lenetml.spec.domains import Condition, all_points

U = {"values": [4, 8]}


def repeat(times, *layers, **more):
    return {"repeat": {"times": times, "layers": list(layers), **more}}


def dense(units="$u.each", **more):
    return {"dense": {"units": units, **more}}


def searched(tmp_path, space, *layers):
    return spec_of(tmp_path, search_space=space, architecture=["flatten", *layers], search=SEARCH)


def said(tmp_path, space, *layers, **sections):
    """The messages on a spec that is not right, with their notes."""
    spec, problems = check(
        tmp_path, search_space=space, architecture=["flatten", *layers], search=SEARCH, **sections
    )
    assert spec is None
    return [(problem.message, *problem.notes) for problem in problems]


@pytest.mark.parametrize(
    ("space", "layers", "complaint"),
    [
        (
            {"u": U},
            [dense()],
            ("$u.each stands outside of a repeat", "write $u"),
        ),
        (
            {"u": {"values": [[1, 2], [3, 4]]}},
            [repeat(3, dense())],
            (
                "there is no u.2",
                "the values of u have 2 positions",
                "the repeat comes up to 3 times: give each list 3 values",
            ),
        ),
        (
            {"n": {"value": [1, 2]}, "u": U},
            [repeat(2, repeat("$n.each", dense()))],
            (
                "$u.each stands in a repeat whose times vary",
                "draw u as lists, or write the times without .each",
            ),
        ),
        (
            {"n": {"min": 1, "max": 2}, "u": U},
            [repeat(2, dense()), repeat("$n", dense())],
            ("repeats with $u.each must have the same times", "found: 2 before, $n here"),
        ),
        (
            {"u": U},
            [repeat(2, dense()), dense("$u")],
            (
                "u is used with and without .each",
                "it is drawn for each repetition: write $u.each, or use two names",
            ),
        ),
        (
            {"u": U},
            [repeat(2, dense()), dense(3, when={"u": 4})],
            (
                "u is used with and without .each",
                "it is drawn for each repetition: write $u.each, or use two names",
            ),
        ),
        (
            {"u": U, "u_1": U},
            [repeat(2, dense()), dense("$u_1")],
            ("u_1 is declared twice", "$u.each draws it; choose another name"),
        ),
        (
            {"u": U, "v": {"values": [1, 2], "when": {"u": 4}}},
            [repeat(2, dense()), dense("$v")],
            ("no condition can ask for u", "u is drawn for each repetition of a repeat"),
        ),
        (
            {"u": {"values": [True, False]}},
            [repeat(2, dense(3, when={"u.each": True}))],
            (
                "no condition can ask for u.each",
                "a layer is there where a name is true: write when: $u.each",
            ),
        ),
    ],
)
def test_each_must_say_what_to_draw(tmp_path, space, layers, complaint):
    assert said(tmp_path, space, *layers) == [complaint]


def test_a_name_that_each_would_draw_may_be_declared_where_it_does_not(tmp_path):
    searched(tmp_path, {"u": U, "u_2": U}, repeat(2, dense()), dense("$u_2"))


KIND = {"kind": {"values": ["a", "b", "c"]}}


@pytest.mark.parametrize(
    ("when", "layer_when", "is_right"),
    [
        ({"kind": "a"}, {"kind": "a"}, True),
        ({"kind": ["a", "b"]}, {"kind": "a"}, True),
        ({"kind": "a"}, {"kind": ["a", "b"]}, False),
        ({"kind": ["a", "b", "c"]}, None, True),
        ({"kind": "a"}, None, False),
        ({"deep": True}, "$deep", True),
        ({"deep": False}, "$deep", False),
        ({"deep": True}, {"child": 1}, True),
        ({"deep": True, "child": 1}, {"child": 1}, True),
        ({"child": 1}, "$deep", False),
        ({"tied.0": 1}, {"tied": [1, 2]}, True),
        ({"tied.0": 1}, {"tied.1": 2}, True),
        ({"tied.0": 1}, {"tied.1": 3}, False),
        ({"tied": [[1, 2], [2, 3]]}, {"tied.1": [2, 3]}, True),
        ({"only": 7}, None, True),
    ],
)
def test_a_layer_must_be_there_only_where_its_names_exist(tmp_path, when, layer_when, is_right):
    space = {
        **KIND,
        "deep": {"values": [True, False]},
        "child": {"values": [1, 2], "when": {"deep": True}},
        "tied": {"values": [[1, 2], [2, 3]]},
        "only": {"value": 7},
        "u": {"values": [4, 8], "when": when},
    }
    more = {} if layer_when is None else {"when": layer_when}
    others = [
        dense(1, when={"kind": "a", "deep": True, "child": 1, "tied.0": 1, "only": 7}),
        dense("$u", **more),
    ]
    found = messages(tmp_path, search_space=space, architecture=["flatten", *others], search=SEARCH)
    assert found == ([] if is_right else ["$u does not exist everywhere here"])


def test_conditions_around_a_layer_count_too(tmp_path):
    space = {**KIND, "u": {"values": [4, 8], "when": {"kind": ["a", "b"]}}}
    searched(tmp_path, space, repeat(1, dense("$u", when={"kind": ["b", "c"]}), when={"kind": "b"}))
    residual = {"residual": {"when": {"kind": "a"}, "layers": [
        {"conv2d": {"filters": "$u", "kernel_size": 1}},
    ]}}  # fmt: skip
    spec_of(tmp_path, search_space=space, architecture=[residual, "flatten"], search=SEARCH)


def test_what_decides_whether_a_layer_is_there_may_itself_not_exist(tmp_path):
    space = {**KIND, "on": {"values": [True, False], "when": {"kind": "a"}}}
    spec = searched(tmp_path, space, dense(3, when="$on"), dense(4, when={"on": False}))
    assert [len(spec.concrete(point).architecture) for point in all_points(spec.space)] == [
        2, 2, 1, 1,
    ]  # fmt: skip


def test_the_message_gives_the_condition_to_write(tmp_path):
    space = {
        **KIND,
        "tied": {"values": [[1, 2], [2, 3]]},
        "v": {"values": [1, 2], "when": {"kind": ["a", "c"]}},
        "u": {"values": [4, 8], "when": {"v": 1, "tied.0": 2}},
    }
    terms = "v: 1, tied.0: 2, kind: [a, c]"
    notes = (f"it exists only when {terms}", f"write when: {{{terms}}} in the layer")
    assert said(tmp_path, space, dense("$u")) == [("$u does not exist everywhere here", *notes)]
    searched(tmp_path, space, dense("$u", when={"v": 1, "tied.0": 2, "kind": ["a", "c"]}))


def test_a_key_of_training_is_left_out_where_its_name_does_not_exist(tmp_path):
    space = {
        "optimizer": {"values": ["adam", "sgd"]},
        "momentum": {"values": [0.5, 0.9], "when": {"optimizer": "sgd"}},
        "low": {"values": [0.5, 0.9], "when": {"optimizer": "sgd"}},
    }
    spec = spec_of(
        tmp_path,
        search_space=space,
        training={"epochs": 1, "optimizer": "$optimizer", "momentum": "$momentum"},
        augmentation={"brightness_range": ["$low", 1.5]},
        search=SEARCH,
    )
    there = spec.concrete({"optimizer": "sgd", "momentum": 0.9, "low": 0.5})
    assert (there.training.momentum, there.augmentation.brightness_range) == (0.9, (0.5, 1.5))
    away = spec.concrete({"optimizer": "adam"})
    assert (away.training.momentum, away.augmentation.brightness_range) == (None, None)


@pytest.mark.parametrize(
    ("training", "key"),
    [
        ({"epochs": "$e"}, "epochs of training"),
        ({"epochs": 9, "early_stopping": {"patience": "$e"}}, "patience of early_stopping"),
    ],
)
def test_a_key_that_is_needed_must_always_be_there(tmp_path, training, key):
    space = {**KIND, "e": {"values": [1, 2], "when": {"kind": ["a", "b"]}}}
    assert said(tmp_path, space, dense(3, when={"kind": "a"}), training=training) == [
        (
            "$e does not exist everywhere",
            "it exists only when kind: [a, b]",
            f"{key} is needed everywhere: take the when of e away",
        )
    ]


def test_a_when_of_each_says_that_its_name_exists(tmp_path):
    space = {
        "deep": {"values": [True, False]},
        "on": {"values": [True, False], "when": {"deep": True}},
        "flags": {"values": [[True, False], [True, True]], "when": {"deep": True}},
        "u": {"values": [4, 8], "when": {"deep": True}},
    }
    layers = [dense(when="$on.each"), dense("$u.each", when="$flags.each")]
    spec = searched(tmp_path, space, repeat(2, *layers))
    assert set(spec.space["u_0"].when) == {Condition("deep", None, (True,))}
    found = said(tmp_path, space, repeat(2, *layers), dense("$u.each"))
    assert [message for message, *_ in found] == ["$u.each stands outside of a repeat"]


@pytest.mark.parametrize(
    ("times", "when", "is_right"),
    [
        ("$n", {"n": [1, 2]}, True),
        ("$n", {"n": [0, 1, 2]}, True),
        ("$n", {"n": [2]}, False),
        ("$tied.1", {"tied.1": 3}, True),
        ("$tied.1", {"tied.0": 2}, True),
    ],
)
def test_in_a_repeat_it_comes_at_least_once(tmp_path, times, when, is_right):
    space = {
        "n": {"min": 0, "max": 2},
        "tied": {"values": [[1, 0], [2, 3]]},
        "u": {"values": [4, 8], "when": when},
    }
    first = repeat(2, dense("$u"), when={"n": 2, "tied": [2, 3]})
    found = messages(
        tmp_path,
        search_space=space,
        architecture=["flatten", first, repeat(times, dense("$u"))],
        search=SEARCH,
    )
    assert found == ([] if is_right else ["$u does not exist everywhere here"])
