"""Runs that go on: more trials, the same winner or another, other texts, other versions."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from experiments import (
    COMMAND,
    IMAGES_OF_ONE,
    LIVES,
    RATES,
    Follower,
    Place,
    StopsAfter,
    apart_from,
    contents,
    journal_of,
    names_of,
    write_journal,
)

from lenetml.errors import FolderError, Interrupted, SearchError
from lenetml.record import read_record
from lenetml.report.page import write_page
from lenetml.search.journal import JOURNAL_NAME

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lives(tmp_path_factory):
    """Three lives of one run: each asks for a trial more, and the second trial is the best."""
    place = Place(tmp_path_factory.mktemp("lives"))
    lives = []
    for trials in (1, 2, 3):
        n_before = len(journal_of(lives[-1].folder)) if lives else 0
        finished = place.run(RATES, f"search.trials={trials}")
        told = {
            "place": place,
            "record": read_record(finished.folder),
            "folder": finished.folder,
            "is_new": finished.is_new,
            "follower": place.follower,
            "looks": place.looks(),
            "events": journal_of(finished.folder)[n_before:],
        }
        lives.append(SimpleNamespace(**told))
    return lives


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The record of a run in one go."""
    return Place(tmp_path_factory.mktemp("whole")).run(RATES).record


@pytest.fixture
def stopped(tmp_path):
    """A place with a run that ended after its first trial, and its folder."""
    place = Place(tmp_path)
    with pytest.raises(Interrupted):
        place.run(RATES, follower=StopsAfter(1))
    (folder,) = place.out.iterdir()
    return place, folder


@pytest.fixture
def copy(lives, tmp_path):
    """A copy of the place with all three lives, to be changed."""
    shutil.copytree(lives[0].place.folder, tmp_path / "copy")
    return Place(tmp_path / "copy")


class TestMoreTrials:
    def test_only_what_is_missing_is_trained_in_the_same_folder(self, lives):
        assert {life.folder for life in lives} == {lives[0].folder}
        assert all(life.is_new for life in lives)
        assert [life.follower.of("started") for life in lives] == [[(1,)], [(2,)], [(3,)]]
        assert [life.follower.of("search") for life in lives] == [
            [("rates", n, n - 1, 1, "max")] for n in (1, 2, 3)
        ]
        assert [life.follower.earlier for life in lives] == [[], [1], [1, 2]]
        first, second, third = (life.record.trials for life in lives)
        assert [trial.number for trial in third] == [1, 2, 3]
        assert (second[:1], third[:2]) == (first, second)

    def test_another_winner_is_another_look_and_both_results_stay(self, lives):
        first, second, _ = (life.record for life in lives)
        assert (first.best.number, second.best.number) == (1, 2)
        assert (first.test.look, second.test.look) == (1, 2)
        assert [(look["look"], look["winner"]) for look in lives[1].looks] == [(1, 1), (2, 2)]
        (earlier,) = second.earlier_tests
        assert (earlier.trials, earlier.winner) == (1, 1)
        assert (earlier.values, earlier.test) == (first.best.values, first.test)
        assert first.earlier_tests == []

    def test_the_network_of_the_new_winner_takes_the_place_of_the_old(self, lives):
        life = lives[-1]
        model = keras.saving.load_model(life.folder / "model.keras", compile=False)
        with np.load(life.folder / "predictions" / "test.npz") as kept:
            classes = kept["classes"]
        test = life.place.data(RATES).open_test()
        found = model.predict(test.images.astype("float32") / 255, verbose=0).argmax(axis=1)
        np.testing.assert_array_equal(found, classes)
        assert int((classes == test.labels).sum()) == life.record.test.correct
        assert lives[0].record.best.model_sha256 != lives[1].record.best.model_sha256

    def test_the_same_winner_is_not_tested_again(self, lives):
        _, second, third = lives
        best = second.record.best
        # It was chosen among more of them.
        among = {"selected_from": best.selected_from, "rivals": best.rivals}
        assert third.record.best.model_copy(update=among) == best
        assert third.record.best.rivals.compared == best.rivals.compared + 1
        assert third.record.test == second.record.test
        assert third.record.earlier_tests == second.record.earlier_tests
        assert third.looks == second.looks
        assert names_of(third.events) == [
            "search_continued", "asked", "training_started", "trial_ended", "search_ended",
            "finished",
        ]  # fmt: skip

    def test_what_it_took_adds_up(self, lives):
        costs = [life.record.cost for life in lives]
        assert [cost.images_trained for cost in costs] == [IMAGES_OF_ONE * n for n in (1, 2, 3)]
        assert costs[0].seconds < costs[1].seconds < costs[2].seconds
        assert costs[0].core_seconds < costs[1].core_seconds < costs[2].core_seconds
        searches = [life.record.search.seconds for life in lives]
        assert searches[0] < searches[1] < searches[2]

    def test_the_record_tells_each_life(self, lives):
        assert [len(life.record.search.continuations) for life in lives] == [0, 1, 2]
        assert len({life.record.started_at for life in lives}) == 1
        for each in lives[2].record.search.continuations:
            assert (each.changed_versions, each.corrected_asks) == ({}, 0)

    def test_nothing_but_the_looks_differs_from_a_run_in_one_go(self, lives, whole):
        keys = LIVES | {"test.look", "earlier_tests", "overrides"}
        assert apart_from(keys, lives[2].record) == apart_from(keys, whole)

    @pytest.mark.parametrize("what", ["gone", "damaged"])
    def test_predictions_of_a_trial_are_missed_before_the_test_part_is_opened(
        self, copy, lives, what
    ):
        folder = copy.out / lives[0].folder.name
        path = folder / "predictions" / "trial-001.npz"
        if what == "gone":
            path.unlink()
        else:
            path.write_bytes(path.read_bytes()[:-30])
        record, looks = read_record(folder), copy.looks()
        # A seed of the winner would be tested.
        with pytest.raises(FolderError) as caught:
            copy.run(RATES, "evaluation.seeds=1")
        assert str(caught.value) == (
            f"{path} is {what}\n    put it back, or start over with --fresh"
        )
        assert copy.looks() == looks
        assert read_record(folder) == record

    def test_weights_of_a_new_winner_that_are_gone_are_missed(self, tmp_path):
        class Deleting(Follower):
            def stage(self, text):
                if text.startswith("rates: evaluating the winner, trial 2"):
                    (path,) = place.out.glob("*/weights/trial-002.npz")
                    path.unlink()

        place = Place(tmp_path)
        place.run(RATES, "search.trials=1")
        (folder,) = place.out.glob("rates-*")
        with pytest.raises(FolderError) as caught:
            place.run(RATES, follower=Deleting())
        assert str(caught.value) == (
            f"{folder / 'weights' / 'trial-002.npz'} is gone\n"
            "    put it back, or start over with --fresh"
        )
        assert len(place.looks()) == 1

    @pytest.mark.parametrize("n_lines", [0, 5])
    def test_a_journal_that_lacks_trials_of_the_record_is_refused(self, copy, lives, n_lines):
        folder = copy.out / lives[0].folder.name
        write_journal(folder, journal_of(folder)[:n_lines])
        before = contents(folder)
        with pytest.raises(FolderError, match="the journal lacks lines"):
            copy.run(RATES, "search.trials=3", "evaluation.seeds=1")
        assert contents(folder) == before

    def test_a_run_that_is_refused_changes_nothing(self, copy, lives):
        folder = copy.out / lives[0].folder.name
        before = set(folder.rglob("*")), contents(folder)
        text = RATES.replace("trials: 3", "trials: 1") + "evaluation: {seeds: 1}\n"
        with pytest.raises(FolderError, match="search.trials is less"):
            copy.run(text)
        assert (set(folder.rglob("*")), contents(folder)) == before

    def test_fewer_trials_show_what_there_is(self, copy, lives):
        before = contents(copy.out / lives[0].folder.name / "predictions")
        finished = copy.run(RATES, "search.trials=2")
        assert not finished.is_new
        assert finished.record.trials == lives[2].record.trials
        assert contents(finished.folder / "predictions") == before


class TestCutShort:
    """A run that did not end goes on with the same command."""

    def test_the_advice_is_the_command_line_that_goes_on(self, tmp_path):
        place = Place(tmp_path)
        options = {"repeated": ["--out", "my runs", "--quiet"], "fresh": True}
        with pytest.raises(Interrupted) as caught:
            place.run(RATES, "title=A net's title", follower=StopsAfter(1), **options)
        (folder,) = place.out.iterdir()
        assert caught.value.message == (
            f"rates: interrupted; {folder / JOURNAL_NAME} holds what was finished"
        )
        assert caught.value.notes == (f"to go on: {COMMAND}",)
        assert not (folder / "record.json").exists()
        assert not (place.out / "test-looks.jsonl").exists()

    def test_it_becomes_the_run_that_was_not_cut(self, stopped, whole):
        place, _ = stopped
        finished = place.run(RATES)
        assert place.follower.of("started") == [(2,), (3,)]
        assert apart_from(LIVES, finished.record) == apart_from(LIVES, whole)
        assert len(finished.record.search.continuations) == 1
        assert len(place.looks()) == 1

    def test_a_line_that_was_torn_is_named_and_done_again(self, stopped, whole):
        place, folder = stopped
        lines = (folder / JOURNAL_NAME).read_bytes().splitlines(keepends=True)
        kept = [*lines[:-1], lines[-1][:20]]
        (folder / JOURNAL_NAME).write_bytes(b"".join(kept))
        finished = place.run(RATES)
        assert place.follower.of("warning") == [
            (
                f"{folder / JOURNAL_NAME}:{len(lines)}: this last line was cut short (20 bytes) "
                "and is dropped; what it told is done again",
            )
        ]
        assert apart_from(LIVES, finished.record) == apart_from(LIVES, whole)

    def test_other_versions_are_warned_of_and_recorded(self, stopped):
        place, folder = stopped
        first, *others = journal_of(folder)
        now = first["versions"]["numpy"]
        versions = {**first["versions"], "numpy": "1.0", "oldpackage": "7"}
        write_journal(folder, [{**first, "versions": versions}, *others])
        record = place.run(RATES).record
        assert place.follower.of("warning") == [
            (f"the search began with other versions: numpy 1.0 to {now}, oldpackage 7 to none",)
        ]
        (life,) = record.search.continuations
        assert life.changed_versions == {"numpy": ["1.0", now], "oldpackage": ["7", "none"]}
        assert record.environment.versions["numpy"] == now

    def test_fewer_trials_than_were_run_are_refused(self, stopped):
        place, folder = stopped
        with pytest.raises(Interrupted):
            place.run(RATES, follower=StopsAfter(1))
        before = contents(folder)
        with pytest.raises(FolderError) as caught:
            place.run(RATES, "search.trials=1")
        assert str(caught.value) == (
            "the journal holds trial 2 already, and search.trials is less\n"
            "    raise search.trials, or start over with --fresh"
        )
        assert contents(folder) == before

    def test_a_bug_keeps_its_traceback_and_the_run_goes_on_from_there(self, stopped, whole):
        class Buggy(Follower):
            def epoch_ended(self, number, execution, epoch, metrics):
                if number == 3:
                    raise ZeroDivisionError("a bug in training")

        place, folder = stopped
        with pytest.raises(ZeroDivisionError, match="a bug in training") as caught:
            place.run(RATES, follower=Buggy())
        assert "train_trial" in [entry.name for entry in caught.traceback]
        assert names_of(journal_of(folder))[-2:] == ["asked", "training_started"]
        finished = place.run(RATES)
        assert place.follower.of("started") == [(3,)]
        assert apart_from(LIVES, finished.record) == apart_from(LIVES, whole)

    def test_no_trial_succeeded_and_none_is_tried_again(self, tmp_path):
        place = Place(tmp_path)
        text = RATES.replace("[1.0e-7, 0.02, 1.0e-6]", "[1.0e+30, 1.0e+29]")
        for n_started in (2, 0):
            with pytest.raises(SearchError) as caught:
                place.run(text)
            (folder,) = place.out.iterdir()
            assert str(caught.value) == (
                "rates: no trial succeeded\n"
                "    trial 1: the loss is no longer finite in epoch 1\n"
                "    trial 2: the loss is no longer finite in epoch 1\n"
                f"    the journal is {folder / JOURNAL_NAME}"
            )
            assert len(place.follower.of("started")) == n_started


def age(folder):
    """Make the search in a folder two hours older."""
    later = [
        {**event, "search_seconds": event["search_seconds"] + 7200}
        if "search_seconds" in event
        else event
        for event in journal_of(folder)
    ]
    write_journal(folder, later)


class TestTimeLimit:
    """Its seconds are those of all lives together."""

    def test_a_winner_that_goes_on_without_a_better_epoch_is_not_tested_again(self, tmp_path):
        # None of them learns, so that the first epoch stays the best.
        text = RATES.replace("[1.0e-7, 0.02, 1.0e-6]", "[1.0e-9, 1.0e-10]").replace(
            "trials: 3", "trials: 2, screening: {epochs: 1, keep: 1}"
        )
        place = Place(tmp_path)
        with pytest.raises(Interrupted):
            place.run(text, follower=StopsAfter(2))
        (folder,) = place.out.iterdir()
        age(folder)
        short = place.run(text, "search.time_limit=1h").record
        long = place.run(text, "search.time_limit=9h").record
        assert (short.search.ended, long.search.ended) == ("time_limit", "trials")
        best = [(it.best.number, it.best.epochs, it.best.best_epoch) for it in (short, long)]
        number = short.best.number
        assert best == [(number, 1, 1), (number, 3, 1)]
        assert (long.test, long.earlier_tests, len(place.looks())) == (short.test, [], 1)

    def test_a_raised_limit_goes_on_with_every_trial(self, tmp_path):
        text = RATES.replace("trials: 3", "trials: 3, screening: {epochs: 1, keep: 1}")
        whole = Place(tmp_path).run(text).record
        (tmp_path / "cut").mkdir()
        place = Place(tmp_path / "cut")
        with pytest.raises(Interrupted):
            place.run(text, follower=StopsAfter(2))
        (folder,) = place.out.iterdir()
        age(folder)
        short = place.run(text, "search.time_limit=1h")
        assert place.follower.of("started") == []
        assert (short.record.search.ended, len(short.record.trials)) == ("time_limit", 2)
        assert short.record.search.seconds > 7200
        assert short.record.best.number == 2
        assert not place.run(text, "search.time_limit=2h").is_new
        long = place.run(text, "search.time_limit=3h")
        assert long.is_new
        assert place.follower.of("started") == [(3,), (2,)]
        keys = {key.removeprefix("trials.") for key in LIVES}
        assert [apart_from(keys, trial) for trial in long.record.trials] == [
            apart_from(keys, trial) for trial in whole.trials
        ]
        assert [trial.status for trial in long.record.trials] == ["stopped", "completed", "stopped"]
        assert {path.name for path in folder.iterdir() if path.is_dir()} == {
            "figures", "predictions",
        }  # fmt: skip


def test_a_report_tells_of_the_latest_record(tmp_path):
    place = Place(tmp_path)
    first = place.run(RATES, "search.trials=1")
    assert not (first.folder / "report.html").exists()
    write_page(first.folder, first.record)
    before = (first.folder / "report.html").read_bytes()
    second = place.run(RATES)
    after = (first.folder / "report.html").read_bytes()
    assert after != before
    assert after == write_page(second.folder, second.record).read_bytes()
