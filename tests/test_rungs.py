"""What Hyperband proposes: rungs of one trial each, in the brackets of Keras Tuner."""

from __future__ import annotations

from collections import Counter, defaultdict

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
)

from lenetml.search.asks import Ask
from lenetml.search.oracle import hyperband_asker
from lenetml.spec.domains import Range, is_active
from lenetml.spec.hyperband import largest_bracket

LINE = {"x": Range(0.0, 1.0)}


def asker_of(
    space=LINE, max_epochs=9, factor=3, iterations=1, seed=42, is_possible=anything, direction="max"
):
    return hyperband_asker(
        space, is_possible, "val_accuracy", direction, seed, max_epochs, factor, iterations
    )


def rungs(calls):
    """How many asks go from which epoch to which."""
    return Counter((ask.first_epoch, ask.until) for ask in asks(calls))


def rungs_of_keras_tuner(max_epochs, factor, iterations):
    """The same by the arithmetic of its own oracle."""
    oracle = keras_tuner.oracles.HyperbandOracle(
        keras_tuner.Objective("a", "max"), max_epochs=max_epochs, factor=factor
    )
    wanted = Counter()
    for bracket in range(oracle._get_num_brackets()):
        first_epoch = 0
        for rung in range(oracle._get_num_rounds(bracket)):
            until = oracle._get_epochs(bracket, rung)
            wanted[first_epoch, until] += iterations * oracle._get_size(bracket, rung)
            first_epoch = until
    return wanted


def by_trial(calls):
    """The asks of each trial in turn."""
    found = defaultdict(list)
    for ask in asks(calls):
        found[ask.number].append(ask)
    return found


def told_of(calls):
    return {(call[1].number, call[1].until): call[2] for call in calls if call[0] == "tell"}


def assert_each_trial_goes_on(calls):
    """Rungs follow each other without a gap and keep the point; a failed trial has no next one."""
    told = told_of(calls)
    for trial in by_trial(calls).values():
        assert trial[0].first_epoch == 0
        for one, following in zip(trial, trial[1:], strict=False):
            assert following.first_epoch == one.until < following.until
            assert following.point == one.point
            assert told[one.number, one.until] is not None


@pytest.mark.parametrize("n_in_flight", [1, 3])
@pytest.mark.parametrize(
    ("max_epochs", "factor", "iterations"),
    [(1, 3, 1), (2, 3, 2), (3, 3, 1), (9, 3, 2), (10, 3, 1), (20, 4, 1), (8, 2, 1), (30, 3, 1)],
)
def test_rungs_and_epochs_are_those_of_keras_tuner(max_epochs, factor, iterations, n_in_flight):
    calls = go_on(asker_of(LINE, max_epochs, factor, iterations), n_in_flight, by_point_unfailing)
    assert rungs(calls) == rungs_of_keras_tuner(max_epochs, factor, iterations)
    assert ending(calls) == "exhausted"
    assert_each_trial_goes_on(calls)


def test_the_largest_bracket_comes_first_and_is_that_of_the_spec():
    calls = go_on(asker_of(LINE, 10), 1, by_point_unfailing)
    first = asks(calls)[: largest_bracket(10, 3) + 1]
    assert [ask.number for ask in first[:-1]] == list(range(1, len(first)))
    assert {(ask.first_epoch, ask.until) for ask in first[:-1]} == {(0, 2)}
    assert (first[-1].first_epoch, first[-1].until) == (2, 4)


@pytest.mark.parametrize(("max_epochs", "n_asks", "n_epochs"), [(10, 30, 120), (20, 30, 226)])
def test_no_epoch_is_trained_twice(max_epochs, n_asks, n_epochs):
    calls = go_on(asker_of(LINE, max_epochs), 1, by_point_unfailing)
    assert len(asks(calls)) == n_asks
    assert sum(ask.until - ask.first_epoch for ask in asks(calls)) == n_epochs


@pytest.mark.parametrize("direction", ["max", "min"])
def test_the_best_are_promoted(direction):
    calls = go_on(asker_of(LINE, 3, direction=direction), 1, lambda ask: ask.point["x"])
    first = [ask for ask in asks(calls) if ask.until == 1]
    [promoted] = [ask for ask in asks(calls) if ask.first_epoch == 1]
    best = {"max": max, "min": min}[direction]
    assert promoted.point == best(first, key=lambda ask: ask.point["x"]).point


def test_numbers_count_configurations():
    calls = go_on(asker_of(LINE, 10), 3, by_point)
    assert list(by_trial(calls)) == list(range(1, len(by_trial(calls)) + 1))
    started = [ask for ask in asks(calls) if ask.first_epoch == 0]
    assert len(distinct(ask.point for ask in started)) == len(started) == len(by_trial(calls))


@pytest.mark.parametrize("n_in_flight", [1, 3, 30])
@pytest.mark.parametrize("direction", ["max", "min"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_promotions_although_one_trial_in_three_fails(seed, direction, n_in_flight):
    """Told of failures as such, Keras Tuner 1.4.8 would promote nobody at all."""
    asker = asker_of(LINE, 10, seed=seed, direction=direction)
    calls = go_on(asker, n_in_flight, by_point)
    assert any(score is None for score in told_of(calls).values())
    assert_each_trial_goes_on(calls)
    assert ending(calls) == "exhausted"
    # No failed trial takes the place of another: every promotion is asked for.
    assert rungs(calls) == rungs_of_keras_tuner(10, 3, 1)


@pytest.mark.parametrize("n_in_flight", [1, 3])
def test_failures_in_later_rungs(n_in_flight):
    def score_of(ask):
        return None if ask.first_epoch and ask.number % 2 else by_point_unfailing(ask)

    calls = go_on(asker_of(LINE, 10), n_in_flight, score_of)
    assert any(ask.first_epoch == 2 and score_of(ask) is None for ask in asks(calls))
    assert_each_trial_goes_on(calls)
    assert any(ask.first_epoch == 4 and ask.until == 10 for ask in asks(calls))
    assert ending(calls) == "exhausted"


def test_a_failed_trial_that_would_be_promoted_is_not_asked_for():
    """One of two is to go on, and both have failed: what follows is the next bracket."""
    asker = asker_of(LINE, 2, 2)
    assert rungs_of_keras_tuner(2, 2, 1) == {(0, 1): 2, (1, 2): 1, (0, 2): 2}
    for _ in range(2):
        asker.tell(asker.ask(), None)
    following = asker.ask()
    assert (following.number, following.first_epoch, following.until) == (3, 0, 2)


@pytest.mark.parametrize("direction", ["max", "min"])
@pytest.mark.parametrize("n_in_flight", [1, 3])
def test_all_fail(direction, n_in_flight):
    asker = asker_of(LINE, 9, direction=direction)
    calls = go_on(asker, n_in_flight, lambda ask: None)
    wanted = rungs_of_keras_tuner(9, 3, 1)
    assert rungs(calls) == {rung: n for rung, n in wanted.items() if rung[0] == 0}
    assert ending(calls) == "exhausted"


@pytest.mark.parametrize(("direction", "score"), [("max", -1e9), ("min", 1e9)])
def test_a_failure_ranks_last(direction, score):
    """Also where it was told before any score, or after better ones alone."""
    for before in (None, -score):
        asker = asker_of(LINE, 2, 2, direction=direction)
        asker.tell(asker.ask(), before)
        asker.tell(asker.ask(), score if before is None else None)
        following = asker.ask()
        assert (following.number, following.first_epoch) == (2 if before is None else 1, 1)


def test_idle_only_while_others_run():
    asker = asker_of(LINE, 3)
    sizes = rungs_of_keras_tuner(3, 3, 1)
    answers = []
    while (answer := asker.ask()) != "idle":
        answers.append(answer)
    assert len(answers) == sizes[0, 1] + sizes[0, 3]
    for ask in answers[:-1]:
        asker.tell(ask, 0.5)
    assert isinstance(promoted := asker.ask(), Ask)
    assert asker.ask() == "idle"
    asker.tell(promoted, 0.5)
    assert asker.ask() == "idle"
    asker.tell(answers[-1], 0.5)
    assert asker.ask() == asker.ask() == "exhausted"


@pytest.mark.parametrize("n_in_flight", [1, 3, 30])
def test_a_space_that_is_too_small_ends(n_in_flight):
    calls = go_on(asker_of(SMALL, 9), n_in_flight, by_point)
    assert len(by_trial(calls)) == 6
    assert ending(calls) == "exhausted"


@pytest.mark.parametrize("n_in_flight", [1, 3])
def test_a_conditional_space_each_point_possible(n_in_flight):
    calls = go_on(asker_of(CONDITIONAL, 9, is_possible=no_deep_sgd), n_in_flight, by_point)
    for ask in asks(calls):
        assert no_deep_sgd(ask.point)
        assert list(ask.point) == [
            name for name in CONDITIONAL if is_active(CONDITIONAL[name], ask.point)
        ]
    assert_each_trial_goes_on(calls)
    assert rungs(calls) == rungs_of_keras_tuner(9, 3, 1)


def test_the_same_seed_gives_the_same_asks_and_another_others():
    runs = [asks(go_on(asker_of(LINE, 9, seed=seed), 3, by_point)) for seed in (1, 1, 2)]
    assert runs[0] == runs[1]
    one, other = (distinct(ask.point for ask in run) for run in runs[1:])
    assert one & other == set()


@pytest.mark.parametrize("space", [LINE, CONDITIONAL], ids=["line", "conditional"])
@pytest.mark.parametrize("n_in_flight", [1, 3])
def test_a_cut_run_goes_on_as_if_never_cut(space, n_in_flight):
    assert_replays(lambda: asker_of(space, 9), n_in_flight, by_point)


def test_corrected_values_go_on_to_the_next_rung():
    asker = asker_of(LINE, 3)
    others = [{"x": 0.25}, {"x": 0.5}, {"x": 0.75}]
    for number, other in enumerate(others, 1):
        ask = asker.correct(asker.ask(), other)
        assert ask == Ask(number, other, 0, 1)
        asker.tell(ask, other["x"])
    promoted = asker.ask()
    assert promoted == Ask(3, {"x": 0.75}, 1, 3)
    assert asker.correct(promoted, {"x": 0.8}) == Ask(3, {"x": 0.8}, 1, 3)


def test_nothing_is_printed_and_nothing_written(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    go_on(asker_of(CONDITIONAL, 3), 3, by_point)
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")
