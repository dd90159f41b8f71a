"""What is drawn: one name a repetition for `.each`, under all that must hold there."""

from __future__ import annotations

import pytest
from random_specs import random_specs
from spec_texts import SEARCH, spec_of

from lenetml.spec.domains import Condition, all_points
from lenetml.spec.references import name_of_repetition, substitute
from lenetml.spec.unroll import unroll

U = {"values": [4, 8]}


def repeat(times, *layers, **more):
    return {"repeat": {"times": times, "layers": list(layers), **more}}


def dense(units="$u.each", **more):
    return {"dense": {"units": units, **more}}


def searched(tmp_path, space, *layers):
    return spec_of(tmp_path, search_space=space, architecture=["flatten", *layers], search=SEARCH)


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


@pytest.mark.parametrize("other", [[1, 2], [2, 1], [2.0, 1, 2]])
def test_conditions_in_another_order_are_shared(tmp_path, other):
    space = {"a": {"values": [1, 2, 3]}, "u": U}
    first = repeat(2, dense(), when={"a": [1, 2]})
    spec = searched(tmp_path, space, first, repeat(2, dense(), when={"a": other}))
    assert spec.space["u_0"].when == (Condition("a", None, (1, 2)),)
