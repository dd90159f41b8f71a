"""The winner under further seeds: trained, cut short at every step, asked for later."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from experiments import (
    IMAGES_OF_ONE,
    LIVES,
    RATES,
    Follower,
    Place,
    apart_from,
    files,
    journal_of,
    names_of,
    write_journal,
)

from lenetml.values import derive_seed

pytestmark = pytest.mark.slow

CHANGES = ("search.trials=2", "evaluation.seeds=2")
STAGES = [
    "training the winner under further seeds, 0 of 2 done",
    "training the winner under further seeds, 1 of 2 done",
    "training the winner under further seeds, 2 of 2 done",
    "writing the cards",
]


class Copier(Follower):
    """Copies a folder when a stage begins: what a kill would leave there.

    Args:
        folder: What is copied.
        copies: Where the copies go, each under the name of its stage.
    """

    def __init__(self, folder, copies):
        super().__init__()
        self._folder, self._copies = folder, copies

    def stage(self, text):
        super().stage(text)
        name = text.removeprefix("rates: ")
        if name in STAGES:
            shutil.copytree(self._folder, self._copies / name)


class Whole:
    """A run with two seeds in one go, and copies of its place at every stage."""

    def __init__(self, folder):
        self.copies = folder / "copies"
        self.place = Place(folder / "place")
        follower = Copier(self.place.folder, self.copies)
        self.finished = self.place.run(RATES, *CHANGES, follower=follower)
        self.record = self.finished.record

    def at(self, stage, folder):
        """The place as it was when a stage began, and the folder of its run."""
        shutil.copytree(self.copies / stage, folder / "cut")
        place = Place(folder / "cut")
        return place, place.out / self.finished.folder.name


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    (folder / "place").mkdir()
    return Whole(folder)


def test_the_winner_stays_the_winner(whole):
    record = whole.record
    winner = record.trials[record.best.number - 1]
    assert (record.best.number, record.best.val) == (2, winner.val)
    assert [seed.seed for seed in record.seeds] == [
        derive_seed(5, "evaluation", 2, number) for number in (1, 2)
    ]
    assert len({winner.seed, *(seed.seed for seed in record.seeds)}) == 3
    for seed in record.seeds:
        assert (seed.status, seed.epochs, seed.images_trained) == ("completed", 3, IMAGES_OF_ONE)
        assert (seed.val.n, seed.test.n) == (60, 60)
    assert record.cost.images_trained == 4 * IMAGES_OF_ONE


def test_all_networks_are_tested_in_one_look(whole):
    labels = whole.place.data(RATES).open_test().labels
    tests = [whole.record.test, *(seed.test for seed in whole.record.seeds)]
    for name, test in zip(("test", "test-seed-1", "test-seed-2"), tests, strict=True):
        with np.load(whole.finished.folder / "predictions" / f"{name}.npz") as kept:
            assert test.correct == int((kept["classes"] == labels).sum())
        assert (test.look, test.opened_at) == (1, whole.record.test.opened_at)
    assert [look["winner"] for look in whole.place.looks()] == [2]


@pytest.mark.parametrize(
    ("stage", "n_trained"), [(STAGES[0], 2), (STAGES[1], 1), (STAGES[2], 0), (STAGES[3], 0)]
)
def test_a_run_cut_after_its_search_becomes_the_one_that_was_not(whole, tmp_path, stage, n_trained):
    place, folder = whole.at(stage, tmp_path)
    n_before = len(journal_of(folder))
    finished = place.run(RATES, *CHANGES)
    assert finished.is_new
    assert apart_from(LIVES, finished.record) == apart_from(LIVES, whole.record)
    events = names_of(journal_of(folder)[n_before:])
    assert events.count("training_started") == n_trained
    assert place.follower.of("started") == []
    assert len(place.looks()) == 1
    assert files(folder) == files(whole.finished.folder)


def test_a_run_cut_while_it_looked_has_looked_once(whole, tmp_path):
    place, folder = whole.at(STAGES[3], tmp_path)
    events = journal_of(folder)
    opened = names_of(events).index("test_opened")
    write_journal(folder, [event for event in events if event["event"] != "spent"][: opened + 1])
    for path in (folder / "predictions").glob("test*"):
        path.unlink()
    record = place.run(RATES, *CHANGES).record
    assert apart_from(LIVES, record) == apart_from(LIVES, whole.record)
    assert len(place.looks()) == 1
    assert names_of(journal_of(folder)).count("test_opened") == 1


def test_a_run_cut_after_its_record_is_finished(whole, tmp_path):
    place, folder = whole.at(STAGES[3], tmp_path)
    shutil.copy(whole.finished.folder / "record.json", folder / "pending")
    finished = place.run(RATES, *CHANGES)
    assert not finished.is_new
    assert finished.record == whole.record
    assert files(folder) == files(whole.finished.folder)
    # What comes later counts its own look.
    record = place.run(RATES, "search.trials=2", "evaluation.seeds=3").record
    assert [seed.test.look for seed in record.seeds] == [1, 1, 2]


def test_seeds_asked_for_later_leave_the_winner_alone(whole, tmp_path):
    place = Place(tmp_path)
    before = place.run(RATES, "search.trials=2").record
    finished = place.run(RATES, *CHANGES)
    assert finished.is_new
    record = finished.record
    assert (record.test, record.trials) == (before.test, before.trials)
    assert record.best == before.best
    assert place.follower.of("started") == []
    assert [seed.test.look for seed in record.seeds] == [2, 2]
    keys = LIVES | {"seeds.test.look", "overrides"}
    assert apart_from(keys, record) == apart_from(keys, whole.record)
    fewer = place.run(RATES, "search.trials=2", "evaluation.seeds=1")
    assert not fewer.is_new
    assert fewer.record.seeds == record.seeds


def test_another_winner_has_seeds_of_its_own(whole, tmp_path):
    place = Place(tmp_path)
    first = place.run(RATES, "search.trials=1", "evaluation.seeds=2").record
    record = place.run(RATES, *CHANGES).record
    assert {seed.seed for seed in first.seeds}.isdisjoint(seed.seed for seed in record.seeds)
    assert [seed.test.look for seed in record.seeds] == [2, 2]
    # What was trained for the winner before was trained, too.
    assert record.cost.images_trained == (2 + 2 + 2) * IMAGES_OF_ONE
    keys = LIVES | {"test.look", "seeds.test.look", "earlier_tests", "cost"}
    assert apart_from(keys, record) == apart_from(keys, whole.record)
