"""What Bayesian search proposes."""

from __future__ import annotations

import keras_tuner
import pytest
from test_grid import (
    CONDITIONAL,
    SMALL,
    anything,
    asks,
    assert_replays,
    by_point,
    by_point_unfailing,
    distinct,
    ending,
    go_on,
    no_deep_sgd,
    points,
)
from threadpoolctl import threadpool_info

from lenetml.search.asks import Ask, Limited
from lenetml.search.oracle import BayesianOracle, OracleAsker, bayesian_asker
from lenetml.spec.domains import Choice, Range, all_points, is_active
from lenetml.spec.sections import Bayesian

pytestmark = pytest.mark.slow

LINE = {"x": Range(0.0, 1.0), "kind": Choice(("a", "b"))}
PLANE = {"x": Range(0.0, 1.0), "y": Range(1, 40)}


def asker_of(space, trials, seed=42, is_possible=anything, direction="max", initial_points=3):
    settings = Bayesian(initial_points=initial_points)
    asker = bayesian_asker(space, is_possible, "val_accuracy", direction, seed, settings)
    return Limited(asker, trials)


def peak(ask):
    """Highest at x 0.7, y 20."""
    return 1 - (ask.point["x"] - 0.7) ** 2 - (ask.point["y"] / 40 - 0.5) ** 2


def trough(ask):
    return -peak(ask)


def test_a_conditional_space_each_point_possible_and_none_twice():
    calls = go_on(asker_of(CONDITIONAL, 20, is_possible=no_deep_sgd), 1, by_point)
    assert (len(distinct(points(calls))), ending(calls)) == (20, "trials")
    assert [ask.number for ask in asks(calls)] == list(range(1, 21))
    assert {(ask.first_epoch, ask.until) for ask in asks(calls)} == {(0, None)}
    for point in points(calls):
        assert no_deep_sgd(point)
        assert list(point) == [name for name in CONDITIONAL if is_active(CONDITIONAL[name], point)]
        assert point in list(all_points(CONDITIONAL))
        assert {type(value) for value in point.values()} <= {str, int, float, bool, list}


@pytest.mark.parametrize("n_in_flight", [1, 3])
def test_a_small_space_is_covered_whole_and_then_exhausted(n_in_flight):
    calls = go_on(
        asker_of(SMALL, 100, is_possible=lambda p: p["kernel"] < 7), n_in_flight, by_point
    )
    assert ending(calls) == "exhausted"
    assert sorted(map(str, points(calls))) == sorted(
        str(point) for point in all_points(SMALL) if point["kernel"] < 7
    )


def test_a_space_of_one_point():
    calls = go_on(asker_of({"units": Choice((84,))}, 9, initial_points=1), 1, by_point)
    assert (points(calls), ending(calls)) == ([{"units": 84}], "exhausted")


def test_nothing_possible():
    assert asker_of(SMALL, 5, is_possible=lambda point: False).ask() == "exhausted"


@pytest.mark.parametrize(("direction", "score_of"), [("max", peak), ("min", trough)])
def test_it_finds_the_best_faster_than_chance(direction, score_of):
    proposed = points(go_on(asker_of(PLANE, 14, direction=direction), 1, score_of))
    assert any(abs(p["x"] - 0.7) < 0.05 and abs(p["y"] - 20) <= 2 for p in proposed[3:])


def test_three_random_points_a_name_where_left_out_and_then_it_computes():
    make = bayesian_asker
    left_out = make(PLANE, anything, "val_accuracy", "max", 42, None)
    given = make(PLANE, anything, "val_loss", "min", 42, Bayesian(initial_points=6))
    later = make(PLANE, anything, "val_accuracy", "max", 42, Bayesian(initial_points=7))
    first = points(go_on(Limited(left_out, 6), 1, peak))
    assert points(go_on(Limited(given, 6), 1, trough)) == first
    assert points(go_on(Limited(later, 6), 1, peak)) == first
    assert left_out.ask() == given.ask() != later.ask()


@pytest.mark.parametrize("settings", [{"alpha": 0.5}, {"beta": 0.0}])
def test_its_settings_count(settings):
    asks = []
    for each in ({}, settings):
        asker = bayesian_asker(PLANE, anything, "a", "max", 42, Bayesian(initial_points=6, **each))
        go_on(Limited(asker, 6), 1, peak)
        asks.append(asker.ask())
    assert asks[0] != asks[1]


def test_the_same_seed_gives_the_same_points_and_another_others():
    runs = [points(go_on(asker_of(LINE, 7, seed), 1, by_point)) for seed in (1, 1, 2)]
    assert runs[0] == runs[1]
    assert distinct(runs[0]) & distinct(runs[2]) == set()


@pytest.mark.parametrize("space", [LINE, CONDITIONAL], ids=["line", "conditional"])
@pytest.mark.parametrize("n_in_flight", [1, 3])
def test_a_cut_run_goes_on_as_if_never_cut(space, n_in_flight):
    assert_replays(lambda: asker_of(space, 7), n_in_flight, by_point, step=5)


def test_a_failed_trial_counts_as_the_worst_so_far():
    """Told as failed it would be forgotten; told as the worst, its neighbourhood is avoided."""
    asker = asker_of(LINE, 9)
    told = asker_of(LINE, 9)
    for score in (0.5, 0.2, None, 0.9, None):
        one, other = asker.ask(), told.ask()
        assert one == other
        asker.tell(one, score)
        told.tell(other, 0.2 if score is None else score)
    assert asker.ask() == told.ask()


def test_the_worst_loss_is_the_highest():
    asker, told = (asker_of(LINE, 9, direction="min") for _ in range(2))
    for score in (0.5, 0.2, None, 0.4):
        asker.tell(asker.ask(), score)
        told.tell(told.ask(), 0.5 if score is None else score)
    assert asker.ask() == told.ask()


def test_failures_before_any_score_are_no_points_to_learn_from():
    """They do not count as initial points either: random points follow until there are scores."""
    asker = asker_of(LINE, 100)
    unfailing = asker_of(LINE, 100, initial_points=100)
    proposed = points(go_on(Limited(asker, 8), 1, lambda ask: None))
    assert proposed == points(go_on(Limited(unfailing, 8), 1, by_point_unfailing))


def test_a_proposal_that_is_impossible_is_replaced_by_the_best_of_others():
    """The peak is cut out; what is proposed lies near its edge, not anywhere."""

    def is_possible(point):
        return not (0.5 < point["x"] < 0.9 and 10 < point["y"] < 30)

    calls = go_on(asker_of(PLANE, 16, is_possible=is_possible), 1, peak)
    proposed = points(calls)
    assert all(map(is_possible, proposed))
    assert len(distinct(proposed)) == 16
    assert sum(peak(Ask(0, point)) > 0.85 for point in proposed[8:]) >= 4


def test_values_that_were_corrected_are_learnt_from():
    askers = [asker_of(PLANE, 9, initial_points=6) for _ in range(2)]
    for asker, other in zip(askers, ({"x": 0.1, "y": 2}, {"x": 0.9, "y": 39}), strict=True):
        ask = asker.ask()
        assert asker.correct(ask, other) == Ask(1, other)
        asker.tell(ask, peak(Ask(1, other)))
        for _ in range(5):
            asker.tell(ask := asker.ask(), peak(ask))
    assert askers[0].ask() != askers[1].ask()


def test_it_computes_on_one_thread():
    n_threads = []

    def is_possible(point):
        n_threads.extend(pool["num_threads"] for pool in threadpool_info())
        return True

    before = threadpool_info()
    go_on(asker_of(LINE, 5, is_possible=is_possible), 1, by_point_unfailing)
    assert set(n_threads) == {1}
    assert threadpool_info() == before


def test_nothing_is_printed_and_nothing_written(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    go_on(asker_of(CONDITIONAL, 6), 3, by_point)
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


class TestKerasTuner:
    """What `BayesianOracle` relies on beside Keras Tuner's public face."""

    def test_its_vectors_are_those_that_keras_tuner_learns_from(self):
        oracle = BayesianOracle(
            CONDITIONAL, anything, keras_tuner.Objective("a", "max"), 42, max_trials=None
        )
        asker = OracleAsker(oracle, CONDITIONAL)
        for number in range(8):
            asker.tell(asker.ask(), number)
        vectors, scores = oracle._vectorize_trials()
        assert list(scores) == [-number for number in range(8)]
        values = [trial.hyperparameters.values for trial in oracle.trials.values()]
        assert [oracle._vector_of(each) for each in values] == vectors.tolist()

    def test_fixed_values_are_no_dimension(self):
        oracle = BayesianOracle(
            {"a": Choice((1,)), "b": Choice((1, 2))}, anything,
            keras_tuner.Objective("a", "max"), 42, max_trials=None,
        )  # fmt: skip
        assert [hp.name for hp in oracle._nonfixed_space()] == ["b"]
