"""Rules that tie keys together, where the cases in `cases/` do not show them."""

from __future__ import annotations

import pytest
from spec_texts import SEARCH, check, messages, write_spec

from lenetml.spec import check_spec


@pytest.mark.parametrize("name", ["con", "nul", "com1", "lpt9"])
def test_names_of_devices_are_refused(tmp_path, name):
    assert messages(tmp_path, name=name) == [f'"{name}" cannot name a folder']


@pytest.mark.parametrize("name", ["console", "com0", "com10", "x", "0", "a-" * 31 + "b"])
def test_other_names_are_not(tmp_path, name):
    assert messages(tmp_path, name=name) == []


@pytest.mark.parametrize("name", ["", "-a", "a_b", "a.b", "../a", "a b", "é", "a\n", "x" * 64])
def test_names_that_would_not_do_for_a_folder(tmp_path, name):
    [message] = messages(tmp_path, name=name)
    assert message.startswith("name must be lower-case letters, digits and hyphens")


def test_one_mistake_is_told_once(tmp_path):
    found = messages(
        tmp_path,
        data={"dataset": "mnst", "split": {"train": 1, "val": 0.5}},
        architecture="flatten",
        training={"epochs": 0, "momentum": 0.5},
        search={"strategy": "hyperbnd", "trials": 3},
        energy={"country": 5},
    )
    assert sorted(message.partition(" must")[0] for message in found) == [
        "architecture",
        "country of energy",
        "dataset of data",
        "epochs of training",
        "strategy of search",
    ]


def test_sound_sections_are_checked_beside_broken_ones(tmp_path):
    found = messages(
        tmp_path,
        architecture=[],
        training={"epochs": 1, "momentum": 0.5},
        search={"strategy": "random"},
        energy={"country": "ABC"},
        evaluation={"seeds": -1},
    )
    assert sorted(found) == [
        "architecture needs at least one layer",
        "momentum is read by sgd and rmsprop only",
        "random search needs trials",
        "seeds of evaluation must be at least 0",
        'the grid of country "ABC" is not known',
    ]


@pytest.mark.parametrize(
    ("optimizer", "is_read"), [("adam", False), ("adamw", False), ("sgd", True), ("rmsprop", True)]
)
def test_momentum_must_be_read(tmp_path, optimizer, is_read):
    training = {"epochs": 1, "momentum": 0, "optimizer": optimizer}
    expected = [] if is_read else ["momentum is read by sgd and rmsprop only"]
    assert messages(tmp_path, training=training) == expected


ADAM_OR_SGD = {"values": ["adam", "sgd"]}


@pytest.mark.parametrize(
    ("momentum", "space"),
    [
        ("$m", {"o": ADAM_OR_SGD, "m": {"values": [0, 0.9], "when": {"o": "sgd"}}}),
        ("$m", {"o": ADAM_OR_SGD, "m": {"value": 0.9, "when": {"o": "sgd"}}}),
        (0.9, {"o": {"values": ["sgd", "rmsprop"]}}),
    ],
)
def test_momentum_that_every_trial_reads_is_no_surprise(tmp_path, momentum, space):
    training = {"epochs": 1, "momentum": momentum, "optimizer": "$o"}
    assert messages(tmp_path, training=training, search_space=space, search=SEARCH) == []


@pytest.mark.parametrize(
    ("momentum", "space"),
    [
        (0.9, {"o": ADAM_OR_SGD}),
        ("$m", {"o": ADAM_OR_SGD, "m": {"values": [0, 0.9]}}),
        ("$m", {"o": ADAM_OR_SGD, "m": {"values": [0, 0.9], "when": {"o": ["adam", "sgd"]}}}),
        (0.9, {"o": {"values": ["sgd"], "when": {"b": 1}}, "b": {"values": [1, 2]}}),
    ],
)
def test_momentum_that_some_trials_do_not_read_warns(tmp_path, momentum, space):
    training = {"epochs": 1, "momentum": momentum, "optimizer": "$o"}
    spec, problems = check(tmp_path, training=training, search_space=space, search=SEARCH)
    assert spec is not None
    assert [problem.message for problem in problems] == [
        "momentum counts only in trials with optimizer sgd"
    ]


@pytest.mark.parametrize(
    ("schedule", "is_read"), [("constant", False), ("cosine", False), ("exponential", True)]
)
def test_the_decay_must_be_read(tmp_path, schedule, is_read):
    training = {"epochs": 1, "learning_rate_schedule": schedule, "learning_rate_decay": 0.9}
    expected = [] if is_read else ["learning_rate_decay is read by the exponential schedule only"]
    assert messages(tmp_path, training=training) == expected


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("learning_rate", 0),
        ("learning_rate_decay", 0),
        ("learning_rate_decay", 1.1),
        ("momentum", 1),
        ("momentum", -0.1),
        ("label_smoothing", 1),
        ("label_smoothing", -0.1),
        ("weight_decay", -0.1),
        ("warmup_epochs", -1),
        ("epochs", 0),
        ("batch_size", 0),
        ("early_stopping.patience", 0),
        ("early_stopping.min_delta", -1),
    ],
)
def test_ranges_of_training(tmp_path, key, value):
    right = {"epochs": 1, "optimizer": "sgd", "learning_rate_schedule": "exponential"}
    right |= {"early_stopping": {"patience": 1}}
    _, [problem] = check_spec(write_spec(tmp_path, training=right), [f"training.{key}={value}"])
    *sections, inner = key.split(".")
    assert problem.message.startswith(f"{inner} of {''.join(sections) or 'training'} must be ")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("learning_rate_decay", 1),
        ("momentum", 0),
        ("momentum", 0.999),
        ("label_smoothing", 0),
        ("weight_decay", 0),
        ("warmup_epochs", 0.5),
        ("epochs", 1_000_000_000),
        ("early_stopping", {"patience": 1, "min_delta": 0}),
    ],
)
def test_the_ends_of_these_ranges_are_legal(tmp_path, key, value):
    right = {"epochs": 2, "optimizer": "sgd", "learning_rate_schedule": "exponential"}
    assert messages(tmp_path, training=right | {key: value}) == []


@pytest.mark.parametrize("key", ["search", "wandb", "title", "augmentation", "card", "energy"])
def test_an_empty_section_is_a_mistake(tmp_path, key):
    path = tmp_path / "empty.yaml"
    path.write_text(write_spec(tmp_path).read_text()[:-1] + f', "{key}": null}}')
    spec, [problem] = check_spec(path)
    assert spec is None
    assert problem.message.startswith(f"{key} ")


def test_constants_need_no_search(tmp_path):
    architecture = ["flatten", {"dense": {"units": "$u"}}]
    for domain in ({"value": 3}, {"values": [3]}):
        assert messages(tmp_path, search_space={"u": domain}, architecture=architecture) == []
    found = messages(tmp_path, search_space={"u": {"min": 1, "max": 2}}, architecture=architecture)
    assert found == ["search_space holds u, but there is no section search"]


BASELINE = {"name": "baseline", "seed": 7, "data": {"dataset": "digits", "stratify": False}}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"data": BASELINE["data"] | {"split": {"train": 0.6, "val": 0.2, "test": 0.2}}}, []),
        ({"data": BASELINE["data"] | {"input_shape": [8, 8, 1]}}, []),
        ({"data": {"dataset": "digits"}}, ["baseline.yaml has other data"]),
        ({"seed": 8}, ["baseline.yaml has another seed"]),
        ({"training": {"epochs": 9}}, []),
        ({"search": SEARCH | {"baseline": "x.yaml"}}, ["baseline.yaml has a baseline of its own"]),
        ({"training": {}}, ["the baseline is not right"]),
    ],
)
def test_a_baseline_has_equal_data_and_seed(tmp_path, changes, expected):
    write_spec(tmp_path, "baseline", **(BASELINE | changes))
    ours = BASELINE | {"name": "ours", "search": SEARCH | {"baseline": "baseline.yaml"}}
    assert messages(tmp_path, **ours) == expected


def test_a_baseline_elsewhere_must_mean_the_same_path(tmp_path):
    (tmp_path / "other").mkdir()
    facts = {"input_shape": [8, 8, 1], "classes": ["a", "b"]}
    path = write_spec(tmp_path / "other", "baseline", data={"path": "../x.npz"} | facts)
    search = SEARCH | {"baseline": "other/baseline.yaml"}
    ours = {"data": {"path": "x.npz"} | facts, "search": search}
    assert messages(tmp_path, **ours) == ["x.npz is not there"]
    path.write_text(path.read_text().replace("../x.npz", "x.npz"))
    assert messages(tmp_path, **ours) == [
        "x.npz is not there",
        "other/baseline.yaml has other data",
    ]


def test_specs_that_name_each_other_as_baselines_do_not_go_round_in_circles(tmp_path):
    write_spec(tmp_path, "a", search=SEARCH | {"baseline": "b.yaml"})
    write_spec(tmp_path, "b", search=SEARCH | {"baseline": "a.yaml"})
    _, [problem] = check_spec(tmp_path / "a.yaml")
    assert problem.message == "b.yaml has a baseline of its own"


@pytest.mark.parametrize(
    ("ends", "is_right"),
    [
        (["$low", "$high"], False),
        (["$low", "$pair.1"], True),
        (["$pair.0", "$pair.1"], True),
        (["$pair.0", "$high"], True),
        (["$range", "$high"], False),
        (["$small", "$high"], True),
        (["$low", 2.0], True),
        ("$pair", True),
    ],
)
def test_both_ends_of_brightness_are_in_order_at_every_point(tmp_path, ends, is_right):
    space = {
        "low": {"values": [0.5, 1.5]},
        "high": {"values": [1.0, 2.0]},
        "range": {"min": 0.5, "max": 1.1},
        "small": {"min": 0.5, "max": 1.0},
        "pair": {"values": [[0.4, 1.5], [1, 2]]},
    }
    used = {name: domain for name, domain in space.items() if f"${name}" in str(ends)}
    found = messages(
        tmp_path, search_space=used, search=SEARCH, augmentation={"brightness_range": ends}
    )
    message = "brightness_range of augmentation must be [low, high] at every point"
    assert found == ([] if is_right else [message])
