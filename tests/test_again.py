"""The same spec once more: shown, mended, started over, elsewhere, with other workers."""

from __future__ import annotations

import os
import shutil

import pytest
from experiments import (
    COMMAND,
    LIVES,
    RATES,
    TIMES,
    Place,
    StopsAfter,
    apart_from,
    contents,
    files,
    journal_of,
)

from lenetml.errors import FolderError, Interrupted
from lenetml.record import read_record
from lenetml.search.journal import JOURNAL_NAME, Journal

pytestmark = pytest.mark.slow

TITLE = "title: {en: A small net, pt: Uma rede pequena}\n"
BASELINE = """\
name: plain
seed: 5
data: {path: digits.npz, split: {train: 90, val: 60, test: 60}}
architecture: [flatten]
training: {epochs: 1, learning_rate: 0.01}
energy: false
"""
NET = f"{RATES}{TITLE}card: {{languages: [en, pt]}}\n".replace(
    "trials: 3", "trials: 2, baseline: plain.yaml"
)
ONE_FAILS = RATES.replace("[1.0e-7, 0.02, 1.0e-6]", "[1.0e+30, 0.02]").replace(
    "grid, trials: 3", "grid, trials: 5, objective: val_loss"
)
CONSTANTS = RATES.replace("{values: [1.0e-7, 0.02, 1.0e-6]}", "{value: 0.02}").replace(
    "grid, trials: 3", "random, trials: 5, objective: val_f1"
)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The place where the net and its baseline were run once."""
    place = Place(tmp_path_factory.mktemp("told"))
    place.write(BASELINE)
    place.finished = place.run(NET)
    return place


@pytest.fixture
def record(told):
    return told.finished.record


@pytest.fixture
def copy(told, tmp_path):
    """A copy of the told place, to be changed."""
    shutil.copytree(told.folder, tmp_path / "copy")
    return Place(tmp_path / "copy")


def traces(folder):
    """What shows that something was written, be it the same."""
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.rglob("*")}


class TestShown:
    """A finished run is not run again."""

    def test_the_same_spec_shows_the_result_at_once(self, copy, record):
        before = traces(copy.out)
        finished = copy.run(NET)
        assert not finished.is_new
        assert finished.record == record
        assert copy.follower.kinds == {"stage"}
        assert traces(copy.out) == before

    @pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
    def test_a_finished_run_can_be_shown_where_nothing_can_be_written(self, copy, record):
        folders = [copy.out, *(path for path in copy.out.rglob("*") if path.is_dir())]
        for path in [*folders, *(path for path in copy.out.rglob("*") if path.is_file())]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        try:
            assert copy.run(NET).record == record
        finally:
            for path in folders:
                path.chmod(0o755)

    def test_what_a_kill_at_the_end_left_undone_is_done(self, copy):
        before = contents(copy.out)
        (folder,) = copy.out.glob("rates-*")
        (folder / "weights").mkdir()
        (folder / "weights" / "trial-001.npz").write_bytes(b"weights")
        (folder / "card.pt.md").unlink()
        shutil.rmtree(folder / "figures")
        assert not copy.run(NET).is_new
        assert contents(copy.out) == before
        assert not (folder / "weights").exists()

    def test_mended_texts_write_the_cards_anew_without_training(self, copy, record):
        before = contents(copy.folder)
        mended = NET.replace("A small net", "A mended net")
        finished = copy.run(mended)
        assert not finished.is_new
        assert copy.follower.kinds == {"stage"}
        changed = {
            path.name for path, text in contents(copy.folder).items() if text != before[path]
        }
        assert changed == {"rates.yaml", "spec.yaml", "record.json", "card.en.md"}
        assert "A mended net" in (finished.folder / "card.en.md").read_text()
        assert (finished.folder / "spec.yaml").read_text() == mended
        assert finished.record.spec["title"] == {"en": "A mended net", "pt": "Uma rede pequena"}
        keys = {"spec.title"}
        assert apart_from(keys, finished.record) == apart_from(keys, record)
        assert read_record(finished.folder) == finished.record

    def test_an_override_of_a_text_is_recorded_and_forgotten(self, copy):
        finished = copy.run(NET, "card.license=mit")
        assert not finished.is_new
        assert finished.record.overrides == ["card.license=mit"]
        assert copy.run(NET).record.overrides == []

    def test_other_languages(self, copy):
        finished = copy.run(NET.replace("[en, pt]", "[pt]"))
        assert [path.name for path in finished.cards] == ["card.pt.md"]
        assert {name for name in files(finished.folder) if ".en." in name} == set()


class TestElsewhere:
    """What decides the result decides the folder."""

    def test_other_data_are_another_run(self, tmp_path):
        place = Place(tmp_path)
        first = place.run(RATES, "search.trials=1")
        place.draw(change=1)
        second = place.run(RATES, "search.trials=1")
        assert second.is_new
        assert second.folder != first.folder
        assert len(list(place.out.glob("rates-*"))) == 2
        assert read_record(first.folder) == first.record

    def test_a_run_that_goes_on_elsewhere_is_left_alone(self, copy):
        (folder,) = copy.out.glob("rates-*")
        with Journal(folder / JOURNAL_NAME):
            before = contents(copy.out)
            for options in ({}, {"fresh": True}):
                with pytest.raises(FolderError) as caught:
                    copy.run(NET, "search.trials=3", **options)
                pid = journal_of(folder)[0]["pid"]
                assert str(caught.value) == (
                    f"{folder} is in use\n"
                    f"    the lenetml of process {pid} writes there; wait until it ends, "
                    "or give --out"
                )
            assert contents(copy.out) == before

    def test_a_baseline_whose_predictions_are_gone_is_named_before_the_search(self, copy):
        (baseline,) = copy.out.glob("plain-*")
        path = baseline / "predictions" / "test.npz"
        path.unlink()
        # What was compared already can be shown.
        assert not copy.run(NET).is_new
        before = contents(copy.out)
        with pytest.raises(FolderError) as caught:
            copy.run(NET, "search.trials=3")
        assert str(caught.value) == (f"{path} is gone\n    put it back, or start over with --fresh")
        assert copy.follower.of("started") == []
        assert contents(copy.out) == before

    def test_starting_over_keeps_the_old_folder_and_counts_its_look(self, copy, record):
        finished = copy.run(NET, fresh=True)
        assert finished.is_new
        assert copy.follower.of("started") == [(1,), (2,)]
        old = finished.folder.with_name(f"{finished.folder.name}.old-1")
        assert read_record(old) == record
        # The baseline is finished, and reused.
        assert (record.test.look, finished.record.test.look, len(copy.looks())) == (2, 3, 3)
        keys = TIMES | {"test.look"}
        assert apart_from(keys, finished.record) == apart_from(keys, record)
        for name in files(old):
            if name.startswith("predictions/"):
                assert (finished.folder / name).read_bytes() == (old / name).read_bytes()

    def test_starting_over_includes_a_baseline_that_did_not_end(self, tmp_path):
        place = Place(tmp_path)
        place.write(BASELINE)
        with pytest.raises(Interrupted, match="^plain: interrupted"):
            place.run(NET, follower=StopsAfter(1))
        assert place.run(NET, "search.trials=1", fresh=True).is_new
        names = sorted(path.name.partition("-")[0] for path in place.out.glob("*-*/"))
        assert names == ["plain", "plain", "rates"]
        assert len(list(place.out.glob("plain-*.old-1"))) == 1


class TestTrials:
    """Trials that fail, that are alone, that run side by side."""

    def test_a_trial_that_fails_does_not_stop_the_search_and_never_wins(self, tmp_path):
        finished = Place(tmp_path).run(ONE_FAILS, "training.batch_size=30")
        record = finished.record
        assert (record.search.ended, record.search.trials_asked) == ("exhausted", 5)
        assert (record.search.objective, record.search.direction) == ("val_loss", "min")
        failed, completed = record.trials
        assert (failed.values, failed.status, failed.reason) == (
            {"rate": 1e30}, "failed", "non_finite",
        )  # fmt: skip
        assert "no longer finite" in failed.message
        assert (failed.objective, failed.val, failed.best_epoch, failed.guessing) == (None,) * 4
        assert failed.seconds > 0
        assert completed.objective == min(completed.history["val_loss"]) == completed.val.loss
        assert record.best.number == 2
        assert record.best.selected_from.model_dump() == {"trials": 1, "epochs": 3}
        kept = files(finished.folder)
        assert "predictions/trial-002.npz" in kept
        assert "predictions/trial-001.npz" not in kept
        assert not any(name.startswith("wandb") for name in kept)
        assert record.mirror is None
        assert record.overrides == ["training.batch_size=30"]
        assert record.best.training["batch_size"] == 30
        assert (finished.folder / "spec.yaml").read_text() == ONE_FAILS
        assert journal_of(finished.folder)[0]["overrides"] == ["training.batch_size=30"]

    def test_constants_and_a_search_are_one_network(self, tmp_path):
        record = Place(tmp_path).run(CONSTANTS).record
        assert [trial.values for trial in record.trials] == [{"rate": 0.02}]
        assert (record.search.strategy, record.search.ended) == ("random", "exhausted")
        assert record.search.space_size == 1
        trial = record.trials[0]
        assert (record.search.objective, record.search.direction) == ("val_f1", "max")
        assert trial.objective == max(trial.history["val_f1"]) == trial.val.f1

    def test_the_number_of_workers_changes_nothing_but_times(self, tmp_path):
        text = RATES.replace("strategy: grid", "strategy: random") + "evaluation: {seeds: 2}\n"
        found = []
        for workers in (0, 1, 2):
            folder = tmp_path / str(workers)
            folder.mkdir()
            place = Place(folder)
            finished = place.run(text, workers=workers)
            assert [n_slots for *_, n_slots, _ in place.follower.of("search")] == [workers or 1]
            predictions = {
                path.name: path.read_bytes() for path in (finished.folder / "predictions").iterdir()
            }
            found.append((apart_from(LIVES, finished.record), predictions))
            assert finished.record.command == COMMAND
        assert found[0] == found[1] == found[2]
