"""Whole runs and their mirror: what W&B has is what the journal and the record hold, once each."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading

import pytest
from experiments import RATES, Follower, Place, StopsAfter, journal_of, quiet_home
from mirrored import assert_tells
from wandb_files import read_artifacts, read_runs

from lenetml.errors import FolderError, Interrupted, UsageError
from lenetml.mirroring import mirror_run
from lenetml.record import read_record
from lenetml.search.journal import JOURNAL_NAME, Journal
from lenetml.telling import tell_mirrored
from lenetml.unsealing import open_sealed

pytestmark = pytest.mark.slow

MIRRORED = RATES.replace("energy: false", "energy: false\nwandb: {project: p, mode: offline}")
NAMES = ["rates-evaluation", "rates-trial-01", "rates-trial-02", "rates-trial-03"]


@pytest.fixture(autouse=True, scope="module")
def nobody_at_home(tmp_path_factory):
    with quiet_home(tmp_path_factory.mktemp("home")):
        yield


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def tell(folder, spec=None):
    """Complete a mirror, with no warning."""
    return mirror_run(folder, spec, lambda text: None, pytest.fail)


def told_keys(folder):
    return [event["key"] for event in journal_of(folder) if event["event"] == "mirrored"]


def n_kept(folder):
    return len(list(folder.glob("wandb/offline-run-*")))


class KilledAt(Follower):
    """Dies at the end of a trial, as if by SIGKILL: nothing catches it."""

    def __init__(self, number):
        super().__init__()
        self._number = number

    def trial_ended(self, trial):
        if trial.number == self._number:
            raise KeyboardInterrupt


class KilledBefore(Follower):
    """Wants an end before the first trial ends."""

    def __init__(self):
        super().__init__()
        self.stop = threading.Event()

    def trial_started(self, start):
        self.stop.set()


def test_what_is_told_is_what_was_found(place):
    done = place.run(MIRRORED)
    assert sorted(read_runs(done.folder)) == NAMES
    assert_tells(read_runs(done.folder), done.folder)
    assert told_keys(done.folder) == ["trial-01", "trial-02", "trial-03", "evaluation"]
    assert (done.record.mirror.sent, done.record.mirror.kept) == (0, 3)
    artifacts = read_artifacts(done.folder)
    name = done.folder.name
    assert set(artifacts[f"{name}-model"]) == {"model.keras"}
    cards = {"card.en.md", *(path.name for path in done.folder.glob("figures/*.png"))}
    assert set(artifacts[f"{name}-model-card"]) == cards


def test_after_a_kill_each_run_is_told_once(place):
    with pytest.raises(KeyboardInterrupt):
        place.run(MIRRORED, follower=KilledAt(2))
    done = place.run(MIRRORED)
    assert_tells(read_runs(done.folder), done.folder)
    assert n_kept(done.folder) == len(NAMES)
    assert sorted(told_keys(done.folder)) == ["evaluation", "trial-01", "trial-02", "trial-03"]


def test_a_trial_that_the_mirror_missed_is_told_in_the_next_life(place):
    with pytest.raises(Interrupted):
        place.run(RATES, follower=StopsAfter(2))
    done = place.run(MIRRORED)
    assert_tells(read_runs(done.folder), done.folder)
    assert told_keys(done.folder) == ["trial-01", "trial-02", "trial-03", "evaluation"]


def test_a_search_that_goes_on_tells_what_is_new(place):
    place.run(MIRRORED, "search.trials=2")
    done = place.run(MIRRORED)
    assert_tells(read_runs(done.folder), done.folder)
    assert n_kept(done.folder) == len(NAMES)
    assert told_keys(done.folder) == [
        "trial-01",
        "trial-02",
        "evaluation",
        "trial-03",
        "evaluation",
    ]


class TestAfterwards:
    """`lenetml mirror`."""

    def test_there_is_nothing_to_tell_twice(self, place):
        done = place.run(MIRRORED)
        events, written = journal_of(done.folder), (done.folder / "record.json").stat().st_ino
        result = tell(done.folder)
        assert (result.n_told, result.n_sent, result.n_kept) == (0, 0, 4)
        assert journal_of(done.folder) == events
        assert (done.folder / "record.json").stat().st_ino == written

    def test_what_is_gone_is_told_again(self, place):
        done = place.run(MIRRORED)
        shutil.rmtree(next(done.folder.glob("wandb/offline-run-*")))
        assert tell(done.folder).n_told == 1
        assert_tells(read_runs(done.folder), done.folder)

    def test_a_finished_run_of_a_spec_without_a_mirror(self, place):
        done = place.run(RATES)
        with pytest.raises(UsageError, match="its spec asks for no W&B mirror"):
            tell(done.folder)
        assert not (done.folder / "wandb").exists()
        spec = place.write(MIRRORED)
        assert tell(done.folder, spec).n_told == 4
        assert_tells(read_runs(done.folder), done.folder)
        assert read_record(done.folder).mirror.kept == 3
        assert tell(done.folder, spec).n_told == 0

    def test_a_spec_of_another_run(self, place):
        done = place.run(RATES)
        other = place.write(MIRRORED.replace("seed: 5", "seed: 6"))
        with pytest.raises(UsageError, match="is not the spec of"):
            tell(done.folder, other)

    def test_an_interrupted_run(self, place):
        with pytest.raises(Interrupted):
            place.run(RATES, follower=StopsAfter(2))
        [folder] = place.out.glob("rates-*")
        assert tell(folder, place.write(MIRRORED)).n_told == 2
        assert sorted(read_runs(folder)) == NAMES[1:3]
        done = place.run(MIRRORED)
        assert_tells(read_runs(folder), folder)
        assert told_keys(done.folder) == ["trial-01", "trial-02", "trial-03", "evaluation"]

    def test_a_run_that_goes_on_just_now(self, place):
        done = place.run(MIRRORED)
        with (
            Journal(done.folder / JOURNAL_NAME),
            pytest.raises(FolderError, match="is in use"),
        ):
            tell(done.folder)

    def test_an_opened_test_part_is_told(self, place):
        sealed = MIRRORED.replace("energy:", "evaluation: {test: sealed}\nenergy:")
        done = place.run(sealed)
        evaluation = read_runs(done.folder)["rates-evaluation"]
        assert evaluation.summary["test"] == "sealed"
        assert not [name for name in evaluation.summary if name.startswith("test_")]
        opened = open_sealed(done.folder, place.load(sealed), lambda text: None, pytest.fail)
        assert opened.record.test is not None
        assert_tells(read_runs(done.folder), done.folder)
        assert n_kept(done.folder) == len(NAMES)

    def test_the_command_line(self, place):
        done = place.run(RATES)
        spec = place.write(MIRRORED)
        command = [sys.executable, "-m", "lenetml", "mirror", str(done.folder)]
        refused = subprocess.run(command, capture_output=True, text=True)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert "lenetml mirror RUN --spec SPEC" in refused.stderr
        told = subprocess.run([*command, "--spec", str(spec)], capture_output=True, text=True)
        sync = f"wandb sync {done.folder}/wandb/offline-run-*"
        assert told.stdout == (
            f"{done.folder.name}: 4 runs written offline\n"
            f"  4 runs kept for the W&B project p; to send: {sync}\n"
        )
        assert "telling W&B of trial 1 of 3\n" in told.stderr
        again = subprocess.run([*command, "--json"], capture_output=True, text=True)
        assert json.loads(again.stdout) == {
            "folder": str(done.folder), "project": "p", "told": 0, "sent": 0, "kept": 4,
            "fault": None,
        }  # fmt: skip
        assert [refused.returncode, told.returncode, again.returncode] == [2, 0, 0]

    def test_a_model_that_is_another_one_is_not_sent(self, place):
        done = place.run(RATES)
        (done.folder / "model.keras").write_bytes(b"damaged")
        with pytest.raises(FolderError, match="is not the one that the record tells of"):
            tell(done.folder, place.write(MIRRORED))

    def test_nothing_has_ended_yet(self, place):
        with pytest.raises(Interrupted):
            place.run(RATES, follower=KilledBefore())
        [folder] = place.out.glob("rates-*")
        result = tell(folder, place.write(MIRRORED))
        assert tell_mirrored(result) == (
            f"{folder.name}: no trial has ended yet, so there is nothing to mirror"
        )
