"""The grid: every possible point in the order of the spec; and scripts that drive any asker."""

from __future__ import annotations

import itertools
import random
import tracemalloc
from collections import Counter

import pytest

from lenetml.search.asks import Ask, Limited
from lenetml.search.grid import GridAsker
from lenetml.spec.domains import Choice, Condition, Range, all_points

SMALL = {"kernel": Choice((3, 5, 7)), "activation": Choice(("relu", "tanh"))}
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


def no_deep_sgd(point):
    """Leaves out two depths of three with one of the optimizers."""
    return point["optimizer"] == "adam" or point.get("depth", 0) < 2


def by_point(ask):
    """A score that follows from the point and the epochs alone; one trial in three fails."""
    return None if ask.number % 3 == 2 else by_point_unfailing(ask)


def by_point_unfailing(ask):
    return random.Random(str(sorted(ask.point.items()))).random() + (ask.until or 100)


def go_on(asker, n_in_flight, score_of, calls=()):
    """Ask and tell to the end, in an order that looks random and follows from the calls so far.

    Gives all calls: `("ask", answer)` and `("tell", ask, score)`.
    """
    calls = list(calls)
    told = [call[1] for call in calls if call[0] == "tell"]
    flying = [call[1] for call in calls if isinstance(call[1], Ask) and call[1] not in told]
    wants_more = not calls or calls[-1][0] == "tell" or isinstance(calls[-1][1], Ask)
    ended = [call[1] for call in calls if call[1] in ("trials", "exhausted")]
    while flying or not ended:
        if wants_more and not ended and len(flying) < n_in_flight:
            answer = asker.ask()
            calls.append(("ask", answer))
            wants_more = isinstance(answer, Ask)
            if wants_more:
                flying.append(answer)
            elif answer != "idle":
                ended.append(answer)
            assert flying or ended, "idle with nothing in flight"
        else:
            ask = flying.pop(random.Random(len(calls)).randrange(len(flying)))
            calls.append(("tell", ask, score_of(ask)))
            asker.tell(*calls[-1][1:])
            wants_more = True
    return calls


def asks(calls):
    return [call[1] for call in calls if call[0] == "ask" and isinstance(call[1], Ask)]


def points(calls):
    return [ask.point for ask in asks(calls)]


def ending(calls):
    return [call[1] for call in calls if call[0] == "ask"][-1]


def distinct(many):
    return {str(point) for point in many}


def assert_replays(make, n_in_flight, score_of, step=1):
    """A run cut after any call, or every so many, and told again goes on as if never cut."""
    whole = go_on(make(), n_in_flight, score_of)
    for cut in range(0, len(whole), step):
        asker = make()
        for call in whole[:cut]:
            if call[0] == "ask":
                assert asker.ask() == call[1]
            else:
                asker.tell(*call[1:])
        assert go_on(asker, n_in_flight, score_of, whole[:cut]) == whole


def test_every_point_in_the_order_of_the_spec():
    calls = go_on(GridAsker(SMALL, anything), 1, by_point)
    assert points(calls) == [
        {"kernel": kernel, "activation": activation}
        for kernel in (3, 5, 7)
        for activation in ("relu", "tanh")
    ]
    assert [ask.number for ask in asks(calls)] == [1, 2, 3, 4, 5, 6]
    assert {(ask.first_epoch, ask.until) for ask in asks(calls)} == {(0, None)}
    assert ending(calls) == "exhausted"


def test_a_conditional_space_and_no_impossible_point():
    calls = go_on(GridAsker(CONDITIONAL, no_deep_sgd), 1, by_point)
    assert points(calls) == [point for point in all_points(CONDITIONAL) if no_deep_sgd(point)]
    assert [ask.number for ask in asks(calls)] == list(range(1, len(points(calls)) + 1))
    assert 0 < len(points(calls)) < len(list(all_points(CONDITIONAL)))
    assert Counter(map(str, points(calls))).most_common(1)[0][1] == 1


@pytest.mark.parametrize("n_in_flight", [2, 3, 7, 1000])
def test_the_same_asks_with_any_number_in_flight(n_in_flight):
    serial = go_on(GridAsker(CONDITIONAL, no_deep_sgd), 1, by_point)
    calls = go_on(GridAsker(CONDITIONAL, no_deep_sgd), n_in_flight, by_point)
    assert asks(calls) == asks(serial)
    assert "idle" not in [call[1] for call in calls]


def test_nothing_possible():
    asker = GridAsker(SMALL, lambda point: False)
    assert asker.ask() == asker.ask() == "exhausted"


def test_so_many_trials_and_no_more():
    calls = go_on(Limited(GridAsker(SMALL, anything), 4), 3, by_point)
    assert points(calls) == list(all_points(SMALL))[:4]
    assert ending(calls) == "trials"


def test_the_end_stays_the_end():
    asker = GridAsker({"kernel": Choice((3,))}, anything)
    assert asker.ask() == Ask(1, {"kernel": 3})
    assert asker.ask() == asker.ask() == "exhausted"


def test_other_values_are_taken_and_the_rest_stays():
    asker = GridAsker(SMALL, anything)
    ask = asker.ask()
    other = {"kernel": 9, "activation": "relu"}
    assert asker.correct(ask, other) == Ask(1, other)
    assert asker.ask() == Ask(2, {"kernel": 3, "activation": "tanh"})


@pytest.mark.parametrize("n_in_flight", [1, 3])
def test_a_cut_run_goes_on_as_if_never_cut(n_in_flight):
    small = {name: CONDITIONAL[name] for name in ("optimizer", "regular", "momentum", "noise")}
    assert_replays(lambda: GridAsker(small, anything), n_in_flight, by_point)


def test_no_list_is_made_of_the_points():
    """Ten thousand points of 10**27 take no more memory than a handful."""
    space = {name: Range(1, 10**9) for name in "abc"}
    asker = GridAsker(space, lambda point: point["c"] % 2 == 0)
    tracemalloc.start()
    for number in range(1, 10_001):
        ask = asker.ask()
        assert ask == Ask(number, {"a": 1, "b": 1, "c": 2 * number})
        asker.tell(ask, 0.5)
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most_bytes < 100_000


def test_steps_of_real_numbers():
    space = {"rate": Range(0.0, 0.3, step=0.1), "units": Range(10, 30, step=10)}
    assert points(go_on(GridAsker(space, anything), 1, by_point)) == [
        {"rate": rate, "units": units}
        for rate, units in itertools.product((0.0, 0.1, 0.2, 0.3), (10, 20, 30))
    ]
