"""What a run has spent, over several lives, with meters that read what they are told."""

from __future__ import annotations

from contextlib import closing

import pytest

from lenetml.errors import FolderError
from lenetml.search.journal import Journal, read_journal
from lenetml.spending import Books, Energy
from lenetml.trial.energy import Reading


class Meter:
    """Reads what it is given: kWh of the CPU; None: it cannot tell."""

    def __init__(self, *kwh):
        self._kwh = list(kwh)

    def sample(self):
        kwh = self._kwh.pop(0)
        # Powers of two, so that sums are exact.
        return None if kwh is None else Reading(kwh, 0.25 * kwh, 0.5 * kwh)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.jsonl"


def life(path, meter, *phases, trained=lambda: 0.0):
    """One life of a run, with these phases; what it had spent at its end."""
    with Journal(path) as journal:
        books = Books(meter, journal, trained)
        for phase in phases:
            books.begin(phase)
        return books.note()


def test_energy_by_part_and_phase(path):
    spent = life(path, Meter(1.0, 2.0, 4.0, 8.0, 16.0), "search", "seeds", "evaluation")
    # Until the search 1, in it 2, for the seeds 4, behind them 8; the GPU a quarter, the RAM half.
    assert spent.energy == Energy(
        cpu_kwh=15.0, gpu_kwh=3.75, ram_kwh=7.5, search_kwh=2 * 1.75, seeds_kwh=4 * 1.75
    )
    assert spent.energy.kwh == 15 * 1.75


def test_lives_add_up(path):
    first = life(path, Meter(0.0, 0.0, 2.0), "search")
    # Another meter begins again, wherever it likes.
    second = life(path, Meter(64.0, 64.0, 65.0, 69.0), "search", "seeds")
    assert (first.energy.cpu_kwh, first.energy.search_kwh) == (2.0, 2 * 1.75)
    assert second.energy == Energy(
        cpu_kwh=7.0, gpu_kwh=1.75, ram_kwh=3.5, search_kwh=3 * 1.75, seeds_kwh=4 * 1.75
    )
    assert second.seconds > first.seconds > 0
    assert second.core_seconds >= first.core_seconds >= 0


def test_a_life_that_was_killed_counts_as_far_as_it_was_noted(path):
    noted = life(path, Meter(0.0, 0.0, 2.0), "search")
    # It is killed here, and what it used since is not known.
    spent = life(path, Meter(8.0, 9.0))
    assert (noted.energy.cpu_kwh, spent.energy.cpu_kwh) == (2.0, 3.0)
    assert spent.seconds >= noted.seconds


def test_every_note_is_in_the_journal(path):
    spent = life(path, Meter(0.0, 0.0, 2.0), "search")
    events = read_journal(path)
    assert [event["event"] for event in events] == ["spent", "spent"]
    assert events[-1] == {
        "event": "spent",
        "seconds": spent.seconds,
        "core_seconds": spent.core_seconds,
        "energy": {
            "cpu_kwh": 2.0, "gpu_kwh": 0.5, "ram_kwh": 1.0, "search_kwh": 3.5, "seeds_kwh": 0.0,
        },
    }  # fmt: skip


@pytest.mark.parametrize("readings", [(None, 1.0, 2.0), (0.0, None, 2.0), (0.0, 1.0, None)])
def test_energy_that_was_not_measured_for_a_while_stays_unknown(path, readings):
    assert life(path, Meter(*readings), "search").energy is None
    later = life(path, Meter(0.0, 1.0, 2.0), "search")
    assert later.energy is None
    assert later.seconds > 0


def test_trainings_in_the_driver_tell_their_time_themselves(path):
    trained = [0.0, 1000.0, 3000.0]
    spent = life(path, Meter(0.0, 0.0, 0.0), "search", trained=lambda: trained.pop(0))
    assert -3000 <= spent.core_seconds < -2990


@pytest.mark.parametrize(
    "hear", [lambda b: b.epoch_ended(1, 1, 1, {}), lambda b: b.trial_ended(None)]
)
def test_a_search_notes_when_it_is_time(path, monkeypatch, hear):
    monkeypatch.setattr("lenetml.spending.NOTE_SECONDS", -1.0)
    with Journal(path) as journal:
        hear(Books(Meter(0.0, 2.0), journal, lambda: 0.0))
    assert [event["energy"]["cpu_kwh"] for event in read_journal(path)] == [2.0]


def test_books_closed_by_an_error_lose_nothing(path):
    with (
        pytest.raises(KeyboardInterrupt),
        Journal(path) as journal,
        closing(Books(Meter(0.0, 1.0, 3.0), journal, lambda: 0.0)) as books,
    ):
        books.begin("search")
        raise KeyboardInterrupt
    assert read_journal(path)[-1]["energy"]["search_kwh"] == 2 * 1.75


def test_books_that_cannot_be_written_hide_no_error(path):
    class Full(Journal):
        def append(self, event, **facts):
            raise FolderError("the disk is full")

    with Full(path) as journal:
        Books(Meter(0.0, 1.0), journal, lambda: 0.0).close()
    assert read_journal(path) == []


def test_a_search_notes_nothing_within_a_few_seconds(path):
    with Journal(path) as journal:
        books = Books(Meter(0.0), journal, lambda: 0.0)
        books.trial_started(None)
        books.epoch_ended(1, 1, 1, {})
        books.trial_ended(None)
    assert read_journal(path) == []
