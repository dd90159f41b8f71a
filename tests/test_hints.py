"""Warnings, where the cases in `cases/` do not show them."""

from __future__ import annotations

import pytest
from spec_texts import SEARCH, check, messages, spec_of


def test_shear_warns_once_and_only_between_0_and_1(tmp_path):
    for value, n_warnings in ((0, 0), (0.2, 1), (1, 0), (10, 0)):
        _, problems = check(tmp_path, augmentation={"shear_range": value})
        assert [problem.severity for problem in problems] == ["warning"] * n_warnings
    space = {"s": {"values": [0.2, 0.3, 5]}}
    augmentation = {"shear_range": "$s"}
    spec = spec_of(tmp_path, search_space=space, augmentation=augmentation, search=SEARCH)
    assert [warning.message for warning in spec.warnings] == [
        "shear_range is in degrees; 0.2 is next to nothing"
    ]


def test_a_range_from_0_to_1_warns(tmp_path):
    layer = {"batch_normalization": {"when": {"r": 1}}}
    for low, high, n_warnings in ((0, 1, 1), (0, 2, 0)):
        spec = spec_of(
            tmp_path, search_space={"r": {"min": low, "max": high}},
            architecture=[layer, "flatten"], search=SEARCH,
        )  # fmt: skip
        assert len(spec.warnings) == n_warnings


def test_all_positions_of_each_may_bend(tmp_path):
    layers = [
        {"conv2d": {"filters": 2, "kernel_size": 1, "activation": "$f.each"}},
        "batch_normalization",
    ]
    for values, expected in (
        ([["linear", "linear"]], []),
        ([["linear", "relu"]], ["batch_normalization stands behind an activation"]),
        (["linear"], []),
    ):
        found = messages(
            tmp_path,
            search_space={"f": {"values": values}},
            architecture=[{"repeat": {"times": 2, "layers": layers}}, "flatten"],
            search=SEARCH,
        )
        assert found == expected


@pytest.mark.parametrize(
    ("patience", "epochs", "warns"),
    [(1, 1, True), (3, 4, False), (4, 4, True), ("$p", 4, False), ("$p", 3, True), (5, "$e", False)]
    + [(6, "$e", True), ("$p", "$e", False)],
)
def test_patience_that_never_ends_a_training_warns(tmp_path, patience, epochs, warns):
    space = {"p": {"values": [3, 9]}, "e": {"min": 2, "max": 6}}
    training = {"epochs": epochs, "early_stopping": {"patience": patience}}
    used = {name: domain for name, domain in space.items() if f"'${name}'" in str(training)}
    found = messages(tmp_path, training=training, search_space=used, search=SEARCH)
    assert found == ["early_stopping never ends a training"] * warns


@pytest.mark.parametrize(
    ("keep", "top", "found"),
    [
        (2, 3, []),
        (3, 3, ["screening keeps every trial"]),
        (1, 4, ["confirm asks for more trials than there are"]),
    ],
)
def test_a_choice_of_all_trials_warns(tmp_path, keep, top, found):
    search = {"strategy": "random", "trials": 3, "screening": {"keep": keep}}
    space = {"r": {"min": 0.1, "max": 0.5}}
    assert found == messages(
        tmp_path,
        search_space=space,
        architecture=["flatten", {"dropout": {"rate": "$r"}}],
        training={"epochs": 2},
        search=search | {"confirm": {"top": top}},
    )
