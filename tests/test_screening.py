"""Screening: all trials for a few epochs, then the best to their end."""

from __future__ import annotations

import pytest
from test_grid import (
    CONDITIONAL,
    SMALL,
    anything,
    asks,
    assert_replays,
    by_point,
    ending,
    go_on,
)

from lenetml.search.asks import Ask, Limited
from lenetml.search.grid import GridAsker
from lenetml.search.screening import Screened
from lenetml.spec.domains import Choice, all_points


def ten(point):
    return 10


def by_optimizer(point):
    """Half of the points have run all their epochs after two."""
    return 2 if point["optimizer"] == "adam" else 10


def grid(space, keep=2, direction="max", trials=100, epochs_of=ten):
    return Screened(Limited(GridAsker(space, anything), trials), 2, keep, direction, epochs_of)


def told(asker, scores):
    """Go through the first part in order; give what is asked for after it."""
    for score in scores:
        asker.tell(asker.ask(), score)
    second = []
    while isinstance(ask := asker.ask(), Ask):
        second.append(ask)
        asker.tell(ask, 0.0)
    return second, ask


def numbers(second):
    return [ask.number for ask in second[0]]


def test_every_trial_first_then_the_best():
    second, end = told(grid(SMALL), [0.1, 0.5, 0.2, 0.9, 0.3, 0.4])
    points = list(all_points(SMALL))
    assert second == [
        Ask(4, points[3], first_epoch=2, until=None),
        Ask(2, points[1], first_epoch=2, until=None),
    ]
    assert end == "exhausted"


def test_the_first_part_ends_after_its_epochs():
    asker = grid(SMALL, trials=4)
    first = [asker.ask() for _ in range(4)]
    assert first == [Ask(n, p, 0, 2) for n, p in enumerate(list(all_points(SMALL))[:4], 1)]
    assert asker.ask() == "idle"


def test_the_ending_is_that_of_the_other_asker():
    second, end = told(grid(SMALL, trials=3), [0.1, 0.5, 0.2])
    assert (numbers((second, end)), end) == ([2, 3], "trials")


def test_less_is_better():
    assert numbers(told(grid(SMALL, direction="min"), [0.1, 0.5, 0.2, 0.9, 0.3, 0.4])) == [1, 3]


@pytest.mark.parametrize("direction", ["max", "min"])
def test_of_equal_ones_the_earlier(direction):
    assert numbers(told(grid(SMALL, 3, direction), [0.5] * 6)) == [1, 2, 3]


def test_a_failed_trial_does_not_go_on():
    assert numbers(told(grid(SMALL, 3), [0.1, None, None, 0.9, None, None])) == [4, 1]


def test_all_failed():
    assert told(grid(SMALL), [None] * 6) == ([], "exhausted")


def test_fewer_trials_than_are_kept():
    assert numbers(told(grid(SMALL, 9, trials=2), [0.1, 0.2])) == [2, 1]


def test_idle_while_a_trial_is_not_told():
    asker = grid(SMALL, trials=3)
    first = [asker.ask() for _ in range(3)]
    assert asker.ask() == "idle"
    asker.tell(first[2], 0.3)
    assert asker.ask() == "idle"
    asker.tell(first[0], None)
    assert asker.ask() == "idle"
    asker.tell(first[1], 0.1)
    assert (asker.ask().number, asker.ask().number, asker.ask()) == (3, 2, "trials")


def test_the_order_of_completion_does_not_matter():
    runs = [go_on(grid(SMALL), n_in_flight, by_point) for n_in_flight in (1, 3, 6)]
    assert all(asks(run) == asks(runs[0]) for run in runs)
    assert all(ending(run) == "exhausted" for run in runs)
    assert [call[1] for run in runs for call in run].count("idle") > 0


def test_who_has_run_all_epochs_is_ranked_and_not_asked_for_again():
    space = {"optimizer": Choice(("adam", "sgd")), "kernel": Choice((3, 5, 7))}
    asker = grid(space, 3, epochs_of=by_optimizer)
    assert numbers(told(asker, [0.9, 0.1, 0.6, 0.8, 0.7, 0.2])) == [4, 5]
    asker = grid(space, 3, epochs_of=by_optimizer)
    assert numbers(told(asker, [0.9, 0.8, 0.7, 0.6, 0.5, 0.4])) == []


def test_the_other_asker_hears_of_the_first_part_alone():
    heard = []

    class Listening(GridAsker):
        def tell(self, ask, score):
            heard.append((ask.number, score))

    asker = Screened(Listening(SMALL, anything), 1, 2, "max", ten)
    told(asker, [0.1, None, 0.2, 0.9, 0.3, 0.4])
    assert heard == [(1, 0.1), (2, None), (3, 0.2), (4, 0.9), (5, 0.3), (6, 0.4)]


def test_other_values_are_taken_in_both_parts():
    asker = grid({"kernel": Choice((3, 5))}, 1)
    first = asker.correct(asker.ask(), {"kernel": 9})
    assert first == Ask(1, {"kernel": 9}, 0, 2)
    asker.tell(first, 0.5)
    asker.tell(asker.ask(), 0.1)
    second = asker.ask()
    assert second == Ask(1, {"kernel": 9}, 2, None)
    assert asker.correct(second, {"kernel": 11}) == Ask(1, {"kernel": 11}, 2, None)
    asker.tell(second, 0.6)
    assert asker.ask() == "exhausted"


@pytest.mark.parametrize("n_in_flight", [1, 3])
def test_a_cut_run_goes_on_as_if_never_cut(n_in_flight):
    assert_replays(
        lambda: grid(CONDITIONAL, 4, trials=12, epochs_of=by_optimizer), n_in_flight, by_point
    )
