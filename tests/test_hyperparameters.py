"""The search space as Keras Tuner's hyperparameters, and back."""

from __future__ import annotations

import keras_tuner
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenetml.search.hyperparameters import declare, to_point, to_values
from lenetml.spec.domains import Choice, Range

SPACE = {
    "filters": Choice((8, 16, 32)),
    "dropout": Choice((0.0, 0.25)),
    "activation": Choice(("relu", "tanh")),
    "batch_norm": Choice((True, False)),
    "conv": Choice(([18, 0.1], [36, 0.2])),
    "epochs": Choice((3,)),
    "stages": Choice(([2, 3],)),
    "units": Range(30, 300),
    "learning_rate": Range(0.0001, 0.1),
}
FIRST = {
    "filters": 8, "dropout": 0.0, "activation": "relu", "batch_norm": True, "conv": [18, 0.1],
    "epochs": 3, "stages": [2, 3], "units": 30, "learning_rate": 0.0001,
}  # fmt: skip
LAST = {
    "filters": 32, "dropout": 0.25, "activation": "tanh", "batch_norm": False, "conv": [36, 0.2],
    "epochs": 3, "stages": [2, 3], "units": 300, "learning_rate": 0.1,
}  # fmt: skip

WHOLE = st.integers(-1000, 1000)
REAL = st.floats(-1e6, 1e6)
TIED = st.lists(st.tuples(WHOLE, REAL, st.booleans()).map(list), min_size=1, max_size=4)


def choices(values):
    return st.lists(values, min_size=1, max_size=5, unique=True).map(lambda v: Choice(tuple(v)))


def ranges(numbers):
    pairs = st.lists(numbers, min_size=2, max_size=2, unique=True)
    return pairs.map(lambda pair: Range(*sorted(pair)))


DOMAINS = st.one_of(
    choices(WHOLE),
    choices(REAL),
    choices(st.text("abc$é", min_size=1)),
    choices(st.booleans()),
    TIED.map(lambda values: Choice(tuple(values))),
    ranges(WHOLE),
    ranges(REAL),
)
SPACES = st.dictionaries(st.sampled_from("abcdefgh"), DOMAINS, min_size=1)


def declared(space, default=None):
    hyperparameters = keras_tuner.HyperParameters()
    declare(hyperparameters, space, default)
    return hyperparameters


def test_every_domain_becomes_what_the_table_says():
    kinds = {hp.name: (type(hp).__name__, hp.get_config()) for hp in declared(SPACE).space}
    wanted = {
        "filters": ("Choice", {"values": [8, 16, 32], "ordered": True}),
        "dropout": ("Choice", {"values": [0.0, 0.25], "ordered": True}),
        "activation": ("Choice", {"values": ["relu", "tanh"], "ordered": False}),
        "batch_norm": ("Boolean", {}),
        "conv": ("Choice", {"values": ["[18, 0.1]", "[36, 0.2]"], "ordered": False}),
        "epochs": ("Fixed", {"value": 3}),
        "stages": ("Fixed", {"value": "[2, 3]"}),
        "units": ("Int", {"min_value": 30, "max_value": 300, "step": 1, "sampling": "linear"}),
        "learning_rate": ("Float", {"min_value": 0.0001, "max_value": 0.1, "step": None}),
    }
    assert list(kinds) == list(wanted)
    for name, (kind, settings) in wanted.items():
        assert kinds[name][0] == kind, name
        assert settings.items() <= kinds[name][1].items(), name


def test_nothing_depends_on_anything_else():
    assert [hp.conditions for hp in declared(SPACE).space] == [[]] * len(SPACE)


def test_the_first_point_is_the_default():
    assert to_point(declared(SPACE).values, SPACE) == FIRST


def test_another_point_can_be_the_default():
    assert to_point(declared(SPACE, LAST).values, SPACE) == LAST


@pytest.mark.parametrize("name", SPACE)
def test_types_survive(name):
    value = to_point(declared(SPACE, LAST).values, SPACE)[name]
    assert type(value) is type(LAST[name])


def test_what_is_not_of_the_space_is_left_out():
    values = {"filters": 8, "tuner/epochs": 2, "tuner/bracket": 1}
    assert to_point(values, SPACE) == {"filters": 8}


@given(SPACES, st.integers(1, 2**32 - 1))
def test_every_drawn_value_lies_in_its_domain_and_comes_back(space, seed):
    drawn = {hp.name: hp.random_sample(seed) for hp in declared(space).space}
    point = to_point(drawn, space)
    for name, domain in space.items():
        if isinstance(domain, Choice):
            assert point[name] in domain.values
            assert type(point[name]) is type(domain.values[0])
        else:
            assert domain.low <= point[name] <= domain.high
            assert type(point[name]) is type(domain.low)
    assert to_values(point, space) == drawn
