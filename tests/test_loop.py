"""The search loop with plain functions for asker, plan and training."""

from __future__ import annotations

import math

import pytest

from lenetml.errors import FolderError, TrialError
from lenetml.record import TrialRecord
from lenetml.search.journal import JOURNAL_NAME, Journal, read_journal
from lenetml.search.loop import TrialPlan, choose, run_search
from lenetml.search.oracle import Ask

ASKS = (Ask(1, {"units": 8}), Ask(2, {"units": 16}), Ask(3, {"units": 32}))


class Asker:
    """Proposes what it is given, and keeps what it is told."""

    def __init__(self, asks=ASKS, end="trials"):
        self.left = [*asks]
        self.end = end
        self.told = []

    def ask(self):
        return self.left.pop(0) if self.left else self.end

    def tell(self, ask, score):
        self.told.append((ask.number, score))


class Listener:
    """Keeps what it hears, with how many events the journal held by then."""

    def __init__(self, path):
        self.path = path
        self.heard = []

    def note(self, *what):
        self.heard.append((*what, len(read_journal(self.path))))

    def trial_started(self, number, values, seed, epochs):
        self.note("started", number, values, seed)

    def epoch_ended(self, number, epoch, metrics):
        self.note("epoch", number, epoch, metrics)

    def trial_ended(self, trial):
        self.note("ended", trial.number, trial.status)


def plan(ask):
    return TrialPlan(
        seed=100 + ask.number,
        epochs_limit=2,
        images_per_epoch=50,
        parameters=10 * ask.point["units"],
        macs=5,
    )


def completed(number, objective=0.5, parameters=10, **changes):
    facts = {
        "number": number,
        "status": "completed",
        "values": {},
        "seed": 1,
        "objective": objective,
        "epochs": 2,
        "epochs_limit": 2,
        "best_epoch": 1,
        "history": {},
        "val": None,
        "parameters": parameters,
        "macs": 5,
        "images_trained": 100,
        "seconds": 1.0,
        "core_seconds": 1.0,
        "guessing": None,
        "reason": None,
    }
    return TrialRecord(**(facts | changes))


def train(ask, plan, on_epoch):
    for epoch in (1, 2):
        on_epoch(epoch, {"loss": 1 / epoch})
    return completed(ask.number, objective=ask.point["units"] / 100, values=ask.point)


def failing(number, error):
    """Train as usual, but end one trial after its first epoch with an error."""

    def train_or_fail(ask, plan, on_epoch):
        if ask.number == number:
            on_epoch(1, {"loss": 0.75})
            raise error
        return train(ask, plan, on_epoch)

    return train_or_fail


def search(path, asker, train=train, listeners=()):
    with Journal(path) as journal:
        return run_search(asker, journal, plan, train, listeners)


@pytest.fixture
def path(tmp_path):
    return tmp_path / JOURNAL_NAME


def said(path):
    return [
        (event["event"], event.get("trial", event.get("number"))) for event in read_journal(path)
    ]


WHOLE_TRIAL = ("asked", "trial_started", "trial_ended")
WHOLE_SEARCH = [(event, number) for number in (1, 2, 3) for event in WHOLE_TRIAL]


def test_events_in_order(path):
    result = search(path, Asker())
    assert said(path) == [*WHOLE_SEARCH, ("search_ended", None)]
    assert [trial.number for trial in result.trials] == [1, 2, 3]
    assert result.ended == "trials"


def test_the_journal_holds_points_seeds_and_whole_records(path):
    result = search(path, Asker())
    events = read_journal(path)
    assert events[0] == {"event": "asked", "trial": 1, "values": {"units": 8}}
    assert events[1] == {"event": "trial_started", "trial": 1, "seed": 101}
    assert events[2].pop("event") == "trial_ended"
    assert TrialRecord(**events[2]) == result.trials[0]
    assert events[-1] == {"event": "search_ended", "reason": "trials"}


@pytest.mark.parametrize("end", ["trials", "exhausted"])
def test_why_it_ended(path, end):
    result = search(path, Asker((), end))
    assert (result.trials, result.ended) == ((), end)
    assert read_journal(path) == [{"event": "search_ended", "reason": end}]


def test_listeners_hear_of_each_event_after_the_journal(path):
    listener = Listener(path)
    search(path, Asker(ASKS[:2]), listeners=(listener,))
    assert listener.heard == [
        ("started", 1, {"units": 8}, 101, 2),
        ("epoch", 1, 1, {"loss": 1.0}, 2),
        ("epoch", 1, 2, {"loss": 0.5}, 2),
        ("ended", 1, "completed", 3),
        ("started", 2, {"units": 16}, 102, 5),
        ("epoch", 2, 1, {"loss": 1.0}, 5),
        ("epoch", 2, 2, {"loss": 0.5}, 5),
        ("ended", 2, "completed", 6),
    ]


def test_the_asker_is_told_every_objective(path):
    asker = Asker()
    search(path, asker)
    assert asker.told == [(1, 0.08), (2, 0.16), (3, 0.32)]


def test_a_failed_trial_has_a_reason_and_its_cost_and_the_search_goes_on(path):
    asker, listener = Asker(), Listener(path)
    error = TrialError("non_finite", "the loss is no longer finite in epoch 2")
    result = search(path, asker, failing(2, error), (listener,))
    assert said(path) == [*WHOLE_SEARCH, ("search_ended", None)]
    assert asker.told == [(1, 0.08), (2, None), (3, 0.32)]
    trial = result.trials[1]
    assert trial.seconds > 0
    assert trial.core_seconds >= 0
    assert trial.model_dump(exclude={"seconds", "core_seconds"}) == {
        "number": 2,
        "status": "failed",
        "values": {"units": 16},
        "seed": 102,
        "objective": None,
        "epochs": 1,
        "epochs_limit": 2,
        "best_epoch": None,
        "history": {"loss": [0.75]},
        "val": None,
        "parameters": 160,
        "macs": 5,
        "images_trained": 50,
        "guessing": None,
        "reason": "non_finite",
        "message": "the loss is no longer finite in epoch 2",
    }
    assert ("ended", 2, "failed", 6) in listener.heard


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (KeyboardInterrupt(), "interrupted"),
        (FolderError("the disk is full"), "interrupted"),
        (ValueError("a bug"), "bug"),
    ],
)
def test_what_is_no_failure_of_a_trial_closes_the_journal_and_goes_through(path, error, reason):
    asker = Asker()
    with pytest.raises(type(error)) as caught:
        search(path, asker, failing(2, error))
    assert caught.value is error
    assert said(path) == [*WHOLE_SEARCH[:6], ("search_ended", None)]
    *_, last, end = read_journal(path)
    assert (last["status"], last["reason"]) == ("interrupted", reason)
    assert (last["objective"], last["epochs"], last["history"]) == (None, 1, {"loss": [0.75]})
    assert end["reason"] == "interrupted"
    assert asker.told == [(1, 0.08)]


class Breaking(Listener):
    """Breaks off when it hears of one event."""

    def __init__(self, path, event):
        super().__init__(path)
        self.event = event

    def note(self, *what):
        super().note(*what)
        if what[:2] == self.event:
            raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("event", "n_events"), [(("started", 1), 3), (("epoch", 1), 3), (("ended", 1), 3)]
)
def test_an_interrupt_while_a_listener_hears(path, event, n_events):
    with pytest.raises(KeyboardInterrupt):
        search(path, Asker(), listeners=(Breaking(path, event),))
    assert said(path) == [*WHOLE_SEARCH[:n_events], ("search_ended", None)]


def test_an_interrupt_while_the_oracle_thinks(path):
    class Slow(Asker):
        def ask(self):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(path, Slow())
    assert read_journal(path) == [{"event": "search_ended", "reason": "interrupted"}]


def test_the_best_is_chosen():
    trials = (completed(1, 0.5), completed(2, 0.75), completed(3, 0.25))
    assert choose(trials, "max").number == 2
    assert choose(trials, "min").number == 3


@pytest.mark.parametrize("direction", ["max", "min"])
def test_ties_go_to_fewer_parameters_then_to_the_earlier_trial(direction):
    trials = (
        completed(1, 0.5, parameters=30),
        completed(4, 0.5, parameters=10),
        completed(2, 0.5, parameters=20),
        completed(3, 0.5, parameters=10),
    )
    assert choose(trials, direction).number == 3


def test_a_failed_trial_is_never_chosen():
    failed = completed(1, None, status="failed", parameters=1)
    assert choose((failed, completed(2, 0.0)), "max").number == 2
    assert choose((failed, completed(2, math.e)), "min").number == 2
    assert choose((failed,), "max") is None
    assert choose((), "max") is None
