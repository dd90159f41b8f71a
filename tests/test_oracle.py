"""What random search proposes, and what all oracles rely on in Keras Tuner."""

from __future__ import annotations

import inspect
from collections import Counter

import keras_tuner
import pytest
from keras_tuner.engine.oracle import Oracle
from test_grid import (
    CONDITIONAL,
    SMALL,
    anything,
    asks,
    assert_replays,
    by_point,
    distinct,
    ending,
    go_on,
    no_deep_sgd,
    points,
)

from lenetml.search.asks import Ask, Limited
from lenetml.search.oracle import (
    MAX_PASSED_OVER,
    BayesianOracle,
    HyperbandOracle,
    RandomOracle,
    random_asker,
)
from lenetml.spec.domains import Choice, Range, all_points, is_active

LARGE = {
    "units": Range(30, 300),
    "learning_rate": Range(0.0001, 0.1),
    "conv": Choice(([18, 0.1], [36, 0.2])),
    "batch_norm": Choice((False, True)),
    "epochs": Choice((3,)),
}
OBJECTIVE = keras_tuner.Objective("val_accuracy", "max")
ORACLES = {
    RandomOracle: {"max_trials": None},
    BayesianOracle: {"max_trials": None},
    HyperbandOracle: {"max_epochs": 9},
}


def small_kernel(point):
    return point["kernel"] < 7


def asker_of(space, trials, seed=42, is_possible=anything):
    return Limited(random_asker(space, is_possible, seed), trials)


def proposals(asker, score_of=lambda ask: 0.5):
    """Ask and tell until the end; give the points, and why it ended."""
    calls = go_on(asker, 1, score_of)
    assert [ask.number for ask in asks(calls)] == list(range(1, len(asks(calls)) + 1))
    assert {(ask.first_epoch, ask.until) for ask in asks(calls)} <= {(0, None)}
    return points(calls), ending(calls)


@pytest.mark.parametrize("seed", range(1, 21))
def test_a_small_space_is_covered_whole_and_then_exhausted(seed):
    proposed, end = proposals(asker_of(SMALL, 100, seed, small_kernel))
    assert end == "exhausted"
    assert len(proposed) == 4
    assert distinct(proposed) == distinct(
        {"kernel": kernel, "activation": activation}
        for kernel in (3, 5)
        for activation in ("relu", "tanh")
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_needle_is_found_among_what_is_left(seed):
    space = {"a": Range(1, 100), "b": Range(1, 1000)}
    proposed, end = proposals(
        asker_of(space, 5, seed, lambda point: point in ({"a": 7, "b": 77}, {"a": 8, "b": 88}))
    )
    assert end == "exhausted"
    assert distinct(proposed) == distinct([{"a": 7, "b": 77}, {"a": 8, "b": 88}])


def test_a_space_without_any_possible_point():
    assert proposals(asker_of(SMALL, 5, is_possible=lambda point: False)) == ([], "exhausted")


def test_no_more_trials_than_asked_for():
    proposed, end = proposals(asker_of(SMALL, 3))
    assert (len(proposed), end) == (3, "trials")


def test_as_many_trials_as_points():
    proposed, end = proposals(asker_of(SMALL, 6))
    assert (len(distinct(proposed)), end) == (6, "trials")


def test_the_end_stays_the_end():
    asker = asker_of(SMALL, 100)
    assert len(proposals(asker)[0]) == 6
    assert asker.ask() == asker.ask() == "exhausted"


def test_no_impossible_and_no_repeated_point_in_a_large_space():
    space = {"a": Range(1, 40), "b": Choice(("x", "y"))}
    proposed, end = proposals(asker_of(space, 60, is_possible=lambda point: point["a"] % 5))
    assert end == "trials"
    assert len(distinct(proposed)) == 60
    assert all(point["a"] % 5 for point in proposed)


def test_points_are_those_of_the_space():
    proposed, _ = proposals(asker_of(LARGE, 30))
    for point in proposed:
        assert list(point) == list(LARGE)
        assert 30 <= point["units"] <= 300
        assert isinstance(point["units"], int)
        assert 0.0001 <= point["learning_rate"] <= 0.1
        assert point["conv"] in ([18, 0.1], [36, 0.2])
        assert point["batch_norm"] in (False, True)
        assert point["epochs"] == 3


def test_every_value_is_as_likely_as_the_others():
    space = {"a": Choice(("x", "y", "z")), "b": Range(1, 10_000)}
    proposed, _ = proposals(asker_of(space, 600))
    counts = Counter(point["a"] for point in proposed)
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
    good = proposals(asker_of(LARGE, 12), lambda ask: ask.number / 100)
    bad = proposals(asker_of(LARGE, 12), lambda ask: -ask.number)
    failed = proposals(asker_of(LARGE, 12), by_point)
    assert good == bad == failed


@pytest.mark.parametrize("n_in_flight", [2, 3, 7])
def test_the_same_asks_in_any_order_of_completion(n_in_flight):
    for space in (LARGE, CONDITIONAL):
        serial = go_on(asker_of(space, 40), 1, by_point)
        calls = go_on(asker_of(space, 40), n_in_flight, by_point)
        assert asks(calls) == asks(serial)
        assert [call[0] for call in calls] != [call[0] for call in serial]


@pytest.mark.parametrize("n_in_flight", [1, 3])
def test_a_cut_run_goes_on_as_if_never_cut(n_in_flight):
    space = {name: CONDITIONAL[name] for name in ("optimizer", "regular", "momentum", "noise")}
    assert_replays(lambda: asker_of(space, 12, 5), n_in_flight, by_point)
    # Exhausted: each of these draws a thousand times in vain.
    assert_replays(lambda: asker_of(space, 100, 5), n_in_flight, by_point, step=7)


def test_many_failures_in_a_row_do_not_stop_the_search():
    proposed, end = proposals(asker_of(LARGE, 20), lambda ask: None)
    assert (len(proposed), end) == (20, "trials")


def test_nothing_is_printed_and_nothing_written(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    proposals(asker_of(SMALL, 100, is_possible=small_kernel), lambda ask: None)
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_a_thousand_trials_at_once():
    calls = go_on(asker_of(LARGE, 1000), 1000, by_point)
    assert (len(distinct(points(calls))), ending(calls)) == (1000, "trials")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_conditional_space_is_covered_whole_and_each_point_once(seed):
    proposed, end = proposals(asker_of(CONDITIONAL, 1000, seed, no_deep_sgd))
    assert end == "exhausted"
    assert sorted(map(str, proposed)) == sorted(
        str(p) for p in all_points(CONDITIONAL) if no_deep_sgd(p)
    )


def test_points_hold_exactly_the_names_that_exist():
    proposed, _ = proposals(asker_of(CONDITIONAL, 60, is_possible=lambda point: "fixed" in point))
    for point in proposed:
        assert list(point) == [name for name in CONDITIONAL if is_active(CONDITIONAL[name], point)]
        assert point["fixed"] == 7


def test_a_name_is_drawn_alike_wherever_it_exists():
    space = {"lr": Range(0.0001, 0.1, is_log=True), **CONDITIONAL}
    proposed, end = proposals(asker_of(space, 600))
    assert (len(proposed), end) == (600, "trials")
    optimizers = Counter(point["optimizer"] for point in proposed)
    momenta = Counter(point["momentum"] for point in proposed if "momentum" in point)
    assert momenta.total() == optimizers["sgd"]
    # Five standard deviations of 600 draws at 1 in 2, and of about 300.
    assert abs(optimizers["sgd"] - 300) < 62
    assert abs(momenta[0.5] - momenta.total() / 2) < 44


@pytest.mark.parametrize("is_told", [True, False])
def test_other_values_count_as_tried_and_the_first_ones_do_not(is_told):
    asker = asker_of(SMALL, 100)
    ask = asker.ask()
    other = next(point for point in all_points(SMALL) if point != ask.point)
    corrected = asker.correct(ask, other)
    assert corrected == Ask(1, other)
    if is_told:
        asker.tell(corrected, 0.5)
    calls = go_on(asker, 100, by_point)
    assert distinct(points(calls)) == distinct(all_points(SMALL)) - {str(other)}
    assert (len(points(calls)), ending(calls)) == (5, "exhausted")


def oracle_of(kind, space, is_possible=anything):
    return kind(space, is_possible, OBJECTIVE, 42, **ORACLES[kind])


def test_keras_tuner_hears_how_each_trial_ended():
    oracle = oracle_of(RandomOracle, SMALL)
    first, second = oracle.create_trial("a"), oracle.create_trial("b")
    oracle.update_trial(first.trial_id, {"val_accuracy": 0.5})
    first.status, second.status = "COMPLETED", "FAILED"
    oracle.end_trial(first)
    oracle.end_trial(second)
    assert [trial.score for trial in oracle.get_best_trials(1)] == [0.5]
    assert [oracle.trials[key].status for key in oracle.end_order] == ["COMPLETED", "FAILED"]


@pytest.mark.parametrize("kind", ORACLES)
class TestKerasTuner:
    """What our oracles rely on beside Keras Tuner's public face."""

    def test_a_draw_asks_whether_to_pass_it_over(self, kind):
        """`_duplicate` is asked of every draw, and true means that another one is made."""
        asked = []

        def is_possible(point):
            asked.append(point)
            return len(asked) == 5

        oracle = oracle_of(kind, LARGE, is_possible)
        assert oracle._random_values()["units"] == asked[4]["units"]
        assert len(asked) == 5

    def test_a_draw_gives_up_after_so_many_collisions(self, kind):
        asked = []
        oracle = oracle_of(kind, {"a": Range(0.0, 1.0)}, asked.append)
        assert oracle._random_values() is None
        assert len(asked) == MAX_PASSED_OVER + 1 == oracle._max_collisions + 1

    def test_each_value_drawn_takes_one_number_of_the_seed(self, kind):
        oracle = oracle_of(kind, LARGE)
        assert oracle._seed_state == 42
        oracle._random_values()
        assert oracle._seed_state == 42 + len(LARGE)

    @pytest.mark.parametrize(
        ("name", "parameters"),
        [
            ("_random_values", ["self"]),
            ("_duplicate", ["self", "values"]),
            ("_record_values", ["self", "trial"]),
            ("_check_consecutive_failures", ["self"]),
            ("_save_trial", ["self", "trial"]),
            ("save", ["self"]),
        ],
    )
    def test_the_methods_are_there(self, kind, name, parameters):
        assert list(inspect.signature(getattr(Oracle, name)).parameters) == parameters

    def test_a_proposed_point_is_remembered(self, kind):
        oracle = oracle_of(kind, SMALL)
        trial = oracle.create_trial("a").hyperparameters.values
        values = {name: trial[name] for name in SMALL}
        assert oracle._duplicate(values)
        assert sum(oracle._duplicate({**values, "kernel": kernel}) for kernel in (3, 5, 7)) == 1

    def test_trials_share_the_space_and_not_the_values(self, kind):
        oracle = oracle_of(kind, CONDITIONAL)
        first, second = (oracle.create_trial(slot).hyperparameters for slot in "ab")
        assert first.space is second.space is oracle.hyperparameters.space
        before = dict(second.values)
        first.values["optimizer"] = "changed"
        assert second.values == before
        assert oracle.hyperparameters.values["optimizer"] == "adam"

    def test_no_limit_of_its_own(self, kind):
        oracle = oracle_of(kind, LARGE)
        assert oracle.max_trials is None
        assert (oracle.max_retries_per_trial, oracle.verbose) == (0, 0)
