"""What random search proposes, and what it relies on in Keras Tuner."""

from __future__ import annotations

import inspect
import itertools
from collections import Counter

import keras_tuner
import pytest
from keras_tuner.engine.oracle import Oracle

from lenetml.search.oracle import MAX_PASSED_OVER, Ask, FixedNetwork, RandomOracle, random_search
from lenetml.spec.domains import Choice, Condition, Range, all_points, is_active

SMALL = {"kernel": Choice((3, 5, 7)), "activation": Choice(("relu", "tanh"))}
LARGE = {
    "units": Range(30, 300),
    "learning_rate": Range(0.0001, 0.1),
    "conv": Choice(([18, 0.1], [36, 0.2])),
    "batch_norm": Choice((False, True)),
    "epochs": Choice((3,)),
}


CONDITIONAL = {
    "optimizer": Choice(("adam", "sgd")),
    "rate": Range(0.0, 0.4, step=0.1),
    "regular": Choice(([False, 0], [True, 1], [True, 2])),
    "momentum": Choice((0.5, 0.9), when=(Condition("optimizer", None, ("sgd",)),)),
    "noise": Choice((True, False), when=(Condition("regular", 0, (True,)),)),
    "fixed": Choice((7,), when=(Condition("rate", None, (0.3, 0.4)),)),
    "depth": Range(
        1, 3, when=(Condition("noise", None, (True,)), Condition("regular", 0, (True,)))
    ),
}


def anything(point):
    return True


def small_kernel(point):
    return point["kernel"] < 7


def asker_of(space, trials, seed=42, is_possible=anything, objective=("val_accuracy", "max")):
    return random_search(space, is_possible, *objective, trials, seed)


def proposals(asker, score_of=lambda number: 0.5):
    """Ask and tell until the end; give the points, and why it ended."""
    points = []
    for number in itertools.count(1):
        ask = asker.ask()
        if not isinstance(ask, Ask):
            return points, ask
        assert ask.number == number
        asker.tell(ask, score_of(number))
        points.append(ask.point)


def distinct(points):
    return {str(point) for point in points}


@pytest.mark.parametrize("seed", range(1, 21))
def test_a_small_space_is_covered_whole_and_then_exhausted(seed):
    points, end = proposals(asker_of(SMALL, 100, seed, small_kernel))
    assert end == "exhausted"
    assert len(points) == 4
    assert distinct(points) == distinct(
        {"kernel": kernel, "activation": activation}
        for kernel in (3, 5)
        for activation in ("relu", "tanh")
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_needle_is_found_among_what_is_left(seed):
    space = {"a": Range(1, 100), "b": Range(1, 1000)}
    points, end = proposals(
        asker_of(space, 5, seed, lambda point: point in ({"a": 7, "b": 77}, {"a": 8, "b": 88}))
    )
    assert end == "exhausted"
    assert distinct(points) == distinct([{"a": 7, "b": 77}, {"a": 8, "b": 88}])


def test_a_space_without_any_possible_point():
    assert proposals(asker_of(SMALL, 5, is_possible=lambda point: False)) == ([], "exhausted")


def test_no_more_trials_than_asked_for():
    points, end = proposals(asker_of(SMALL, 3))
    assert (len(points), end) == (3, "trials")


def test_as_many_trials_as_points():
    points, end = proposals(asker_of(SMALL, 6))
    assert (len(distinct(points)), end) == (6, "trials")


def test_the_end_stays_the_end():
    asker = asker_of(SMALL, 100)
    assert len(proposals(asker)[0]) == 6
    assert asker.ask() == asker.ask() == "exhausted"


def test_no_impossible_and_no_repeated_point_in_a_large_space():
    space = {"a": Range(1, 40), "b": Choice(("x", "y"))}
    points, end = proposals(asker_of(space, 60, is_possible=lambda point: point["a"] % 5))
    assert end == "trials"
    assert len(distinct(points)) == 60
    assert all(point["a"] % 5 for point in points)


def test_points_are_those_of_the_space():
    points, _ = proposals(asker_of(LARGE, 30))
    for point in points:
        assert list(point) == list(LARGE)
        assert 30 <= point["units"] <= 300
        assert isinstance(point["units"], int)
        assert 0.0001 <= point["learning_rate"] <= 0.1
        assert point["conv"] in ([18, 0.1], [36, 0.2])
        assert point["batch_norm"] in (False, True)
        assert point["epochs"] == 3


def test_every_value_is_as_likely_as_the_others():
    space = {"a": Choice(("x", "y", "z")), "b": Range(1, 10_000)}
    points, _ = proposals(asker_of(space, 600))
    counts = Counter(point["a"] for point in points)
    # 5 standard deviations of 600 draws at 1 in 3.
    assert all(abs(n - 200) < 58 for n in counts.values())


def test_the_same_seed_gives_the_same_points():
    assert proposals(asker_of(LARGE, 12)) == proposals(asker_of(LARGE, 12))


def test_more_trials_begin_with_the_same_points():
    assert proposals(asker_of(LARGE, 12))[0][:5] == proposals(asker_of(LARGE, 5))[0]


def test_another_seed_shares_no_point_not_even_shifted():
    """Keras Tuner's own seeds 7 and 10 draw the same stream, shifted by one trial of three."""
    streams = [distinct(proposals(asker_of(LARGE, 12, seed))[0]) for seed in range(1, 11)]
    assert len(set().union(*streams)) == 120


def test_points_do_not_depend_on_what_is_told():
    good = proposals(asker_of(LARGE, 12), lambda number: number / 100)
    bad = proposals(asker_of(LARGE, 12), lambda number: -number)
    failed = proposals(asker_of(LARGE, 12), lambda number: None if number % 2 else 0.5)
    assert good == bad == failed


def test_points_do_not_depend_on_the_objective():
    loss = asker_of(LARGE, 12, objective=("val_loss", "min"))
    assert proposals(loss) == proposals(asker_of(LARGE, 12))


def test_many_failures_in_a_row_do_not_stop_the_search():
    points, end = proposals(asker_of(LARGE, 20), lambda number: None)
    assert (len(points), end) == (20, "trials")


def test_keras_tuner_hears_how_each_trial_ended():
    oracle = RandomOracle(SMALL, anything, keras_tuner.Objective("val_accuracy", "max"), 3, 42)
    first, second = oracle.create_trial("a"), oracle.create_trial("b")
    oracle.update_trial(first.trial_id, {"val_accuracy": 0.5})
    first.status, second.status = "COMPLETED", "FAILED"
    oracle.end_trial(first)
    oracle.end_trial(second)
    assert [trial.score for trial in oracle.get_best_trials(1)] == [0.5]
    assert [oracle.trials[key].status for key in oracle.end_order] == ["COMPLETED", "FAILED"]


def test_nothing_is_printed_and_nothing_written(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    proposals(asker_of(SMALL, 100, is_possible=small_kernel), lambda number: None)
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_a_thousand_trials():
    points, end = proposals(asker_of(LARGE, 1000))
    assert (len(distinct(points)), end) == (1000, "trials")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_conditional_space_is_covered_whole_and_each_point_once(seed):
    points, end = proposals(asker_of(CONDITIONAL, 1000, seed))
    assert end == "exhausted"
    assert sorted(map(str, points)) == sorted(map(str, all_points(CONDITIONAL)))


def test_points_hold_exactly_the_names_that_exist():
    points, _ = proposals(asker_of(CONDITIONAL, 60, is_possible=lambda point: "fixed" in point))
    for point in points:
        assert list(point) == [name for name in CONDITIONAL if is_active(CONDITIONAL[name], point)]
        assert point["fixed"] == 7


def test_a_name_is_drawn_alike_wherever_it_exists():
    space = {"lr": Range(0.0001, 0.1, is_log=True), **CONDITIONAL}
    points, end = proposals(asker_of(space, 600))
    assert (len(points), end) == (600, "trials")
    optimizers = Counter(point["optimizer"] for point in points)
    momenta = Counter(point["momentum"] for point in points if "momentum" in point)
    assert momenta.total() == optimizers["sgd"]
    # Five standard deviations of 600 draws at 1 in 2, and of about 300.
    assert abs(optimizers["sgd"] - 300) < 62
    assert abs(momenta[0.5] - momenta.total() / 2) < 44


def test_one_fixed_network():
    asker = FixedNetwork({"units": 84})
    ask = asker.ask()
    assert ask == Ask(1, {"units": 84})
    asker.tell(ask, 0.5)
    assert asker.ask() == "exhausted"


class TestKerasTuner:
    """What `RandomOracle` relies on beside Keras Tuner's public face."""

    def test_a_draw_asks_whether_to_pass_it_over(self):
        """`_duplicate` is asked of every draw, and true means that another one is made."""
        asked = []

        def is_possible(point):
            asked.append(point)
            return len(asked) == 5

        oracle = RandomOracle(LARGE, is_possible, keras_tuner.Objective("a", "max"), 3, 42)
        assert oracle.populate_space("0")["values"]["units"] == asked[4]["units"]
        assert len(asked) == 5

    def test_a_draw_gives_up_after_so_many_collisions(self):
        asked = []
        oracle = RandomOracle(
            {"a": Range(0.0, 1.0)}, asked.append, keras_tuner.Objective("a", "max"), 3, 42
        )
        assert oracle._random_values() is None
        assert len(asked) == MAX_PASSED_OVER + 1 == oracle._max_collisions + 1

    def test_each_value_drawn_takes_one_number_of_the_seed(self):
        oracle = RandomOracle(LARGE, anything, keras_tuner.Objective("a", "max"), 3, 42)
        assert oracle._seed_state == 42
        oracle._random_values()
        assert oracle._seed_state == 42 + len(LARGE)

    @pytest.mark.parametrize(
        ("name", "parameters"),
        [
            ("_random_values", ["self"]),
            ("_duplicate", ["self", "values"]),
            ("_save_trial", ["self", "trial"]),
            ("save", ["self"]),
        ],
    )
    def test_the_methods_are_there(self, name, parameters):
        assert list(inspect.signature(getattr(Oracle, name)).parameters) == parameters

    def test_a_proposed_point_is_remembered(self):
        oracle = RandomOracle(SMALL, anything, keras_tuner.Objective("a", "max"), 3, 42)
        values = oracle.create_trial("a").hyperparameters.values
        assert oracle._duplicate(values)
        assert sum(oracle._duplicate({**values, "kernel": kernel}) for kernel in (3, 5, 7)) == 1
