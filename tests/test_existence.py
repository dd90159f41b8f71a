"""Where hyperparameters exist: what `.each` draws, and what may be used where."""

from __future__ import annotations

import pytest
from random_specs import random_specs
from spec_texts import SEARCH, check, messages, spec_of

from lenetml.spec.domains import Condition, all_points
from lenetml.spec.space import name_of_repetition, substitute
from lenetml.spec.unroll import unroll

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


def names_asked_for(items, point):
    """The names that the layers of a network at a point take their values from."""

    def asked(entry):
        names = set()

        def note(reference):
            is_drawn = reference.is_each and reference.name not in point
            name = reference.name
            names.add(name_of_repetition(name, entry.repetition) if is_drawn else name)
            return 0

        substitute(dict(entry.arguments), note)
        for inner in entry.inner:
            if all(guard.holds(point) for guard in inner.guards):
                names |= asked(inner)
        return names

    def times_at(times, repetition):
        value = times if isinstance(times, int) else point.get(times.removeprefix("$"), 0)
        return int(value)

    found = set()
    for entry in unroll(items, times_at):
        if all(guard.holds(point) for guard in entry.guards):
            found |= asked(entry)
    return found


def test_what_is_asked_for_exists_and_what_each_draws_exists_only_there(tmp_path):
    n_drawn = n_conditional = 0
    for spec in random_specs(tmp_path, 400):
        drawn = {name for name in spec.space if name not in spec.declared}
        n_drawn += bool(drawn)
        n_conditional += any(spec.space[name].when for name in drawn)
        for point in all_points(spec.space):
            asked = names_asked_for(spec.data["architecture"], point)
            assert asked <= set(point), spec.text
            assert {name for name in point if name in drawn} <= asked, spec.text
    assert n_drawn >= 40
    assert n_conditional >= 20


def test_each_draws_one_name_a_repetition(tmp_path):
    spec = searched(tmp_path, {"n": {"min": 1, "max": 3}, "u": U}, repeat("$n", dense()))
    assert list(spec.space) == ["n", "u_0", "u_1", "u_2"]
    assert [spec.space[f"u_{number}"].when for number in range(3)] == [
        (),
        (Condition("n", None, (2, 3)),),
        (Condition("n", None, (3,)),),
    ]
    assert list(spec.declared) == ["n", "u"]


def test_names_are_drawn_in_the_order_of_the_text_but_behind_their_parents(tmp_path):
    space = {"u": U, "a": U, "n": {"min": 0, "max": 2}, "b": U}
    spec = searched(tmp_path, space, repeat("$n", dense()), dense("$a"), dense("$b"))
    assert list(spec.space) == ["a", "n", "b", "u_0", "u_1"]


@pytest.mark.parametrize(
    ("times", "values", "conditions"),
    [
        (2, None, [(), ()]),
        ("$n", {"values": [2]}, [(), ()]),
        ("$n", {"values": [0, 2]}, [(Condition("n", None, (2,)),)] * 2),
        ("$n", {"values": [2, 1]}, [(), (Condition("n", None, (2,)),)]),
        (
            "$n.1",
            {"values": [["a", 1], ["b", 2], ["c", 2]]},
            [(), (Condition("n", 1, (2,)),)],
        ),
    ],
)
def test_a_repetition_exists_where_there_are_so_many(tmp_path, times, values, conditions):
    space = {"u": U} if values is None else {"n": values, "u": U}
    spec = searched(tmp_path, space, repeat(times, dense()))
    assert [domain.when for name, domain in spec.space.items() if name != "n"] == conditions


def test_what_each_draws_has_all_the_conditions_around_it(tmp_path):
    space = {
        "deep": {"values": [True, False]},
        "kind": {"values": ["a", "b", "c"]},
        "m": {"min": 0, "max": 2},
        "n": {"min": 1, "max": 2, "when": {"deep": True}},
        "u": {"values": [4, 8], "when": {"kind": ["a", "b"]}},
    }
    layers = repeat(
        "$m", repeat("$n", dense(when={"kind": ["b"]})), when="$deep"
    )  # fmt: skip
    spec = searched(tmp_path, space, layers)
    assert set(spec.space["u_1"].when) == {
        Condition("deep", None, (True,)),
        Condition("kind", None, ("b",)),
        Condition("m", None, (1, 2)),
        Condition("n", None, (2,)),
    }
    assert Condition("n", None, (1, 2)) not in spec.space["u_0"].when


def test_a_name_in_two_repeats_exists_where_either_asks_for_it(tmp_path):
    space = {"on": {"values": [True, False]}, "n": {"min": 1, "max": 2}, "u": U}
    first = repeat("$n", dense(), when="$on")
    spec = searched(tmp_path, space, first, repeat("$n", dense()))
    assert spec.space["u_0"].when == ()
    both = searched(tmp_path, space, first, first)
    assert both.space["u_0"].when == (Condition("on", None, (True,)),)


def test_tied_values_and_constants_are_taken_position_by_position(tmp_path):
    space = {"u": {"values": [[4, 8], [16, 32]]}, "c": {"value": [3, 5, 7]}}
    spec = searched(tmp_path, space, repeat(2, dense(), dense("$c.each")), dense("$u.0"))
    assert list(spec.space) == ["u", "c"]
    layers = spec.concrete({"u": [16, 32], "c": [3, 5, 7]}).architecture
    assert [layer.units for layer in layers[1:]] == [16, 3, 32, 5, 16]


def test_each_repetition_has_its_own_value(tmp_path):
    spec = searched(tmp_path, {"n": {"min": 1, "max": 3}, "u": U}, repeat("$n", dense(), dense()))
    layers = spec.concrete({"n": 2, "u_0": 4, "u_1": 8}).architecture
    assert [layer.units for layer in layers[1:]] == [4, 4, 8, 8]


def test_a_flag_may_be_drawn_for_each_repetition(tmp_path):
    spec = searched(
        tmp_path, {"on": {"values": [True, False]}}, repeat(3, dense(5, when="$on.each"))
    )
    assert list(spec.space) == ["on_0", "on_1", "on_2"]
    layers = spec.concrete({"on_0": True, "on_1": False, "on_2": True}).architecture
    assert [layer.layer for layer in layers] == ["flatten", "dense", "dense"]


def test_each_in_an_inner_repeat_counts_the_inner_repetitions(tmp_path):
    layers = repeat(2, repeat(3, dense()), dense("$v.each"))
    spec = searched(tmp_path, {"u": U, "v": U}, layers)
    assert list(spec.space) == ["u_0", "u_1", "u_2", "v_0", "v_1"]
    point = {"u_0": 1, "u_1": 2, "u_2": 3, "v_0": 4, "v_1": 5}
    layers = spec.concrete(point).architecture
    assert [layer.units for layer in layers[1:]] == [1, 2, 3, 4, 1, 2, 3, 5]


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
        ({"epochs": 1, "early_stopping": {"patience": "$e"}}, "patience of early_stopping"),
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
