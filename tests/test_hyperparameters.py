"""The search space as Keras Tuner's hyperparameters, and back."""

from __future__ import annotations

import math
from collections import Counter

import keras_tuner
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenetml.search.hyperparameters import declare, fixed_space, to_point, to_values
from lenetml.spec.domains import Choice, Condition, Range, all_points, all_values, is_active

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
    "batch_size": Range(32, 128, step=32),
    "rate": Range(0.1, 0.5, step=0.1),
    "decay": Range(0.001, 1.0, is_log=True),
}
CONDITIONAL = {
    "kind": Choice(("a", "b", "c")),
    "flag": Choice((True, False)),
    "tied": Choice(([1, "x"], [2, "y"], [3, "x"])),
    "grid": Range(0.1, 0.4, step=0.1),
    "under": Choice((True, False), when=(Condition("kind", None, ("a", "b")),)),
    "fixed": Choice((5,), when=(Condition("flag", None, (True,)),)),
    "units": Range(
        32, 96, step=32, when=(Condition("tied", 1, ("x",)), Condition("tied", 0, (1, 3)))
    ),
    "tail": Range(7, 8, when=(Condition("grid", None, (0.3,)),)),
    "deep": Choice(
        (1.5, 2.5),
        when=(Condition("under", None, (False,)), Condition("kind", None, ("a", "b"))),
    ),
    "lr": Range(
        1e-4,
        1e-1,
        is_log=True,
        when=(
            Condition("units", None, (64, 96)),
            Condition("tied", 1, ("x",)),
            Condition("tied", 0, (1, 3)),
        ),
    ),
}
FIRST = {
    "filters": 8, "dropout": 0.0, "activation": "relu", "batch_norm": True, "conv": [18, 0.1],
    "epochs": 3, "stages": [2, 3], "units": 30, "learning_rate": 0.0001, "batch_size": 32,
    "rate": 0.1, "decay": 0.001,
}  # fmt: skip
LAST = {
    "filters": 32, "dropout": 0.25, "activation": "tanh", "batch_norm": False, "conv": [36, 0.2],
    "epochs": 3, "stages": [2, 3], "units": 300, "learning_rate": 0.1, "batch_size": 128,
    "rate": 0.5, "decay": 1.0,
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
    st.tuples(st.integers(-9, 9), st.integers(1, 9), st.integers(1, 50)).map(
        lambda each: Range(each[0] * each[2], (each[0] + each[1]) * each[2], step=each[2])
    ),
    st.tuples(st.integers(-9, 9), st.integers(1, 9), st.integers(1, 50)).map(
        lambda each: Range(
            each[0] * each[2] / 100, (each[0] + each[1]) * each[2] / 100, step=each[2] / 100
        )
    ),
    st.tuples(st.floats(1e-6, 0.5), st.floats(0.6, 1e3)).map(
        lambda ends: Range(*ends, is_log=True)
    ),
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
        "batch_size": ("Int", {"min_value": 32, "max_value": 128, "step": 32}),
        # Half a step more, so that Keras Tuner counts the last one too.
        "rate": ("Float", {"min_value": 0.1, "max_value": 0.55, "step": 0.1}),
        "decay": ("Float", {"min_value": 0.001, "max_value": 1.0, "sampling": "log"}),
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
            assert domain.step is None or point[name] in all_values(domain)
            assert type(point[name]) is type(domain.low)
    assert to_values(point, space) == drawn


def test_conditions_become_parents():
    parents = {
        hp.name: [(parent.name, parent.values) for parent in hp.conditions]
        for hp in declared(CONDITIONAL).space
    }
    assert {name: found for name, found in parents.items() if found} == {
        "under": [("kind", ["a", "b"])],
        "fixed": [("flag", [True])],
        "units": [("tied", ['[1, "x"]', '[3, "x"]'])],
        "tail": [("grid", [0.1 + 2 * 0.1])],
        "deep": [("under", [False]), ("kind", ["a", "b"])],
        "lr": [("units", [64, 96]), ("tied", ['[1, "x"]', '[3, "x"]'])],
    }
    assert list(parents) == list(CONDITIONAL)


def test_only_what_exists_has_a_value_to_begin_with():
    values = declared(CONDITIONAL).values
    assert list(values) == ["kind", "flag", "tied", "grid", "under", "fixed", "units"]
    other = {"kind": "b", "flag": False, "tied": [2, "y"], "grid": 0.3, "under": False,
             "tail": 7, "deep": 2.5}  # fmt: skip
    values = declared(CONDITIONAL, other).values
    assert to_point(values, CONDITIONAL) == other
    assert values["grid"] != 0.3


@pytest.mark.parametrize("again", [1, 2])
def test_to_declare_again_changes_nothing(again):
    hyperparameters = declared(CONDITIONAL)
    before = hyperparameters.get_config()
    for _ in range(again):
        declare(hyperparameters, CONDITIONAL, {"kind": "c"})
    assert hyperparameters.get_config() == before


def test_copies_of_a_fixed_space_have_only_values_of_their_own():
    whole = fixed_space(CONDITIONAL)
    assert whole.get_config() == declared(CONDITIONAL).get_config()
    other = whole.copy()
    assert other.get_config() == whole.get_config()
    assert other.space is whole.space
    other.values["kind"] = "c"
    other.ensure_active_values()
    assert "under" not in other.values
    assert whole.get_config() == declared(CONDITIONAL).get_config()


@pytest.mark.parametrize(
    ("low", "high", "step"),
    [
        (0.0, 0.3, 0.1),
        (0.1, 0.5, 0.1),
        (0.7, 2.1, 0.7),
        (-0.3, 0.3, 0.05),
        (1e-5, 5e-5, 1e-5),
        (0.0, 1.0, 0.01),
        (32, 128, 32),
        (-5, 10, 5),
    ],
)
def test_every_step_can_be_drawn_and_lands_on_the_grid(low, high, step):
    """Keras Tuner alone loses the last step of 0 to 0.3 by 0.1, and gives 0.30000000000000004."""
    space = {"u": Range(low, high, step=step)}
    [hp] = declared(space).space
    grid = list(all_values(space["u"]))
    assert [to_point({"u": value}, space)["u"] for value in hp.values] == grid
    assert [to_values({"u": value}, space)["u"] for value in grid] == list(hp.values)
    drawn = Counter(to_point({"u": hp.random_sample(seed)}, space)["u"] for seed in range(20_000))
    assert sorted(drawn) == grid
    expected = 20_000 / len(grid)
    # Six standard deviations of a count.
    assert all(abs(n - expected) < 6 * expected**0.5 for n in drawn.values())


def test_log_draws_spread_evenly_over_the_decades():
    space = {"lr": Range(1e-5, 1e-1, is_log=True)}
    [hp] = declared(space).space
    drawn = [hp.random_sample(seed) for seed in range(4000)]
    assert all(1e-5 <= value <= 1e-1 for value in drawn)
    decades = Counter(math.floor(math.log10(value)) for value in drawn)
    assert sorted(decades) == [-5, -4, -3, -2]
    # Six standard deviations of 4,000 draws at 1 in 4.
    assert all(abs(n - 1000) < 165 for n in decades.values())


def finish(oracle, folder, n):
    """Ask and tell; give the values that were proposed."""
    oracle.verbose = 0
    oracle._set_project_dir(folder, "oracle")
    proposed = []
    for number in range(n):
        trial = oracle.create_trial(f"slot-{number}")
        if trial.status != "RUNNING":
            break
        values = trial.hyperparameters.values
        proposed.append({name: values[name] for name in values if "/" not in name})
        oracle.update_trial(trial.trial_id, {"score": number * 37 % 11 / 11})
        trial.status = "COMPLETED"
        oracle.end_trial(trial)
    return proposed


@pytest.mark.parametrize(
    ("kind", "settings", "least"),
    [
        ("RandomSearchOracle", {"max_trials": 150}, 150),
        ("GridSearchOracle", {"max_trials": 150}, 150),
        ("BayesianOptimizationOracle", {"max_trials": 20}, 20),
        ("HyperbandOracle", {"max_epochs": 9}, 20),
    ],
)
def test_stock_oracles_draw_exactly_what_exists(tmp_path, kind, settings, least):
    oracle = getattr(keras_tuner.oracles, kind)(
        objective=keras_tuner.Objective("score", "max"),
        hyperparameters=declared(CONDITIONAL),
        allow_new_entries=False,
        seed=3,
        **settings,
    )
    proposed = finish(oracle, tmp_path, 200)
    assert len(proposed) >= least
    for values in proposed:
        point = to_point(values, CONDITIONAL)
        assert set(values) == set(point)
        assert list(point) == [name for name in CONDITIONAL if is_active(CONDITIONAL[name], point)]
        assert to_values(point, CONDITIONAL) == values
    seen = {name for values in proposed for name in values}
    assert seen == set(CONDITIONAL)


def test_the_grid_of_keras_tuner_is_that_of_the_spec(tmp_path):
    space = {name: domain for name, domain in CONDITIONAL.items() if name != "lr"}
    oracle = keras_tuner.oracles.GridSearchOracle(
        objective=keras_tuner.Objective("score", "max"),
        hyperparameters=declared(space),
        allow_new_entries=False,
        max_trials=10_000,
    )
    proposed = [to_point(values, space) for values in finish(oracle, tmp_path, 10_000)]
    assert proposed == list(all_points(space))
    assert len(proposed) > 300
