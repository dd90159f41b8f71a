"""References in whole specs: declared, used, and every value of every domain legal."""

from __future__ import annotations

import pytest
from spec_texts import SEARCH, check, messages, spec_of

FLAT_DENSE = ["flatten", {"dense": {"units": "$u"}}]


def searched(tmp_path, space, architecture=FLAT_DENSE, **sections):
    return messages(
        tmp_path, search_space=space, architecture=architecture, search=SEARCH, **sections
    )


@pytest.mark.parametrize(
    ("domain", "refused"),
    [
        ({"values": [1, 10, 1_000_000]}, []),
        ({"values": [10, 0]}, ["0"]),
        ({"values": [0, 10, 2_000_000]}, ["0", "2000000"]),
        ({"min": 0, "max": 10}, ["0"]),
        ({"min": 1, "max": 2_000_000}, ["2000000"]),
        ({"min": 0, "max": 2_000_000}, ["0", "2000000"]),
        ({"value": True}, ["true"]),
        ({"values": [10, 20, 30, 40.5]}, ["10.0", "20.0", "30.0", "40.5"]),
    ],
)
def test_each_value_that_is_not_legal_is_told(tmp_path, domain, refused):
    found = searched(tmp_path, {"u": domain})
    assert [message.split(" cannot be units of dense, which must be ")[0] for message in found] == (
        refused
    )


def test_a_value_is_told_for_each_place_that_refuses_it(tmp_path):
    architecture = [*FLAT_DENSE, {"dropout": {"rate": "$u"}}]
    found = searched(tmp_path, {"u": {"values": [3, 0.5]}}, architecture)
    assert found == [
        "3.0 cannot be units of dense, which must be a whole number",
        "3.0 cannot be rate of dropout, which must be less than 1",
        "0.5 cannot be units of dense, which must be a whole number",
    ]


def test_a_reference_that_names_nothing_is_told_once(tmp_path):
    for reference in ("$v", "${v}", "$", "$u.7"):
        space = {"u": {"values": [[1], [2]]}}
        architecture = [
            "flatten",
            {"dense": {"units": "$u.0"}},
            {"conv2d": {"filters": reference, "kernel_size": [reference, 3]}},
        ]
        found = searched(tmp_path, space, architecture)
        assert len(found) == 2, found
        assert len(set(found)) == 1


def test_values_that_could_not_be_read_raise_no_further_problems(tmp_path):
    assert searched(tmp_path, {"u": {"values": []}}) == [
        "values of u must be a list with at least one value"
    ]
    assert searched(tmp_path, ["u"]) == ["search_space must map names to domains"]


def test_an_unknown_key_with_a_reference_is_an_unknown_key(tmp_path):
    architecture = ["flatten", {"dense": {"units": "$u", "rate": "$u"}}]
    assert searched(tmp_path, {"u": {"values": [1, 2]}}, architecture) == [
        'unknown key "rate" in dense'
    ]


@pytest.mark.parametrize("place", ["when", "layers"])
def test_a_condition_is_a_use(tmp_path, place):
    layer = {"batch_normalization": {"when": {"u": 1}}}
    repeat = {"repeat": {"times": 2, "layers": [layer]}}
    architecture = [layer if place == "when" else repeat, "flatten"]
    assert searched(tmp_path, {"u": {"values": [1, 2]}}, architecture) == []


def test_a_reference_may_be_a_side_of_a_pair(tmp_path):
    architecture = [{"conv2d": {"filters": 2, "kernel_size": ["$a", "$b"]}}, "flatten"]
    space = {"a": {"values": [1, 2]}, "b": {"values": [3, 0, 4]}}
    _, [problem] = check(tmp_path, search_space=space, architecture=architecture, search=SEARCH)
    assert problem.message.startswith("0 cannot be kernel_size of conv2d, which must be a whole")
    assert problem.source[problem.span.column - 1] == "0"


def test_two_values_that_do_not_go_together_are_told_at_their_place(tmp_path):
    space = {"low": {"values": [0.5, 1.5]}}
    found = searched(tmp_path, space, ["flatten"], augmentation={"brightness_range": ["$low", 1.2]})
    assert found == [
        "brightness_range of augmentation must be [low, high] with 0 <= low <= high <= 10"
    ]


@pytest.mark.parametrize(
    ("space", "layer", "expected"),
    [
        ({"u": {"values": [0]}}, {"dropout": {"rate": "$u"}}, (0.0,)),
        ({"u": {"values": [1, 2]}}, {"dense": {"units": "$u"}}, (1, 2)),
        ({"u": {"values": [[8, 0], [9, 0]]}}, {"dropout": {"rate": "$u.1"}}, ([8, 0.0], [9, 0.0])),
        ({"u": {"values": [0, 1]}}, {"dropout": {"rate": 0.5, "when": {"u": 1}}}, (0, 1)),
    ],
)
def test_whole_numbers_become_real_where_only_reals_are_meant(tmp_path, space, layer, expected):
    architecture = ["flatten", layer]
    spec = spec_of(tmp_path, search_space=space, architecture=architecture, search=SEARCH)
    assert repr(spec.space["u"].values) == repr(expected)


def test_whole_numbers_that_are_also_meant_as_such_stay(tmp_path):
    architecture = ["flatten", {"dense": {"units": "$u"}}]
    augmentation = {"rotation_range": "$u"}
    spec = spec_of(
        tmp_path, search_space={"u": {"values": [1, 2]}}, architecture=architecture,
        augmentation=augmentation, search=SEARCH,
    )  # fmt: skip
    assert repr(spec.space["u"].values) == "(1, 2)"
    assert repr(spec.concrete({"u": 2}).augmentation.rotation_range) == "2.0"


def test_whole_numbers_stay_where_a_later_repetition_means_them_as_such(tmp_path):
    layer = {"conv2d": {"filters": "$n.each", "kernel_size": 1}}
    spec = spec_of(
        tmp_path,
        search_space={"n": {"values": [[1, 3], [3, 2]]}},
        architecture=[{"repeat": {"times": 2, "layers": [layer]}}, "flatten"],
        search=SEARCH,
    )
    assert repr(spec.space["n"].values) == "([1, 3], [3, 2])"


def test_conditions_ask_for_reals_where_values_have_become_real(tmp_path):
    spec = spec_of(
        tmp_path,
        search_space={
            "turn": {"values": [0, 10]},
            "u": {"values": [3, 4], "when": {"turn": 10}},
        },
        architecture=["flatten", {"dense": {"units": "$u", "when": {"turn": 10}}}],
        augmentation={"rotation_range": "$turn"},
        search=SEARCH,
    )
    assert repr(spec.space["u"].when[0].values) == "(10.0,)"
