"""What a mirror promises in every mode: online to a stub of the server, offline, disabled."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from mirrored import (
    CANARY,
    GROUP,
    contents,
    history_rows,
    make_home,
    make_run_folder,
    mirror_one_trial,
    open_the_mirror,
    seen_offline,
    seen_online,
)
from told_trials import HISTORY, VALUES, failed_trial, trial_record, trial_start
from wandb_files import read_artifacts
from wandb_server import WandbServer

from lenetml.mirror.told import tell_evaluation
from lenetml.record import read_record
from lenetml.spec.sections import Wandb

pytestmark = pytest.mark.slow

CASES = Path(__file__).parent / "cases"
# Whether the real server counts the rows that it has when a run begins again is not documented.
MODES = ["online", "online, counting", "offline", "disabled"]
LONGER = {name: [*series, 0.5] for name, series in HISTORY.items()}


class Place:
    """A run's folder, a mode, a journal, and what W&B has."""

    def __init__(self, folder, mode, server):
        self.folder, self.mode, self.server = folder, mode, server
        self.journal, self.warnings = [], []

    def open(self, identity="a search"):
        section = Wandb(project="p", mode=self.mode, tags=["demo"])
        return open_the_mirror(section, self.folder, self.warnings.append, self.journal, identity)

    def runs(self):
        """All runs by name."""
        return seen_online(self.server) if self.mode == "online" else seen_offline(self.folder)

    def artifacts(self):
        """The names of the files of each artifact."""
        if self.mode == "online":
            found = [each for told in self.server.runs.values() for each in told.artifacts]
            return {each.name: set(each.files) for each in found}
        return {name: set(files) for name, files in read_artifacts(self.folder).items()}


@pytest.fixture(params=MODES)
def place(request, tmp_path, monkeypatch):
    make_home(tmp_path, monkeypatch)
    folder = make_run_folder(tmp_path, monkeypatch)
    mode, _, counts = request.param.partition(", ")
    with WandbServer(counts_on_upsert=bool(counts)) as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        monkeypatch.setenv("WANDB_API_KEY", CANARY)
        yield Place(folder, mode, server)
        assert server.unanswered == ()
        if mode != "online":
            assert server.requests == ()


def assert_is_trial(seen, **changes):
    assert (seen.group, seen.job_type, seen.tags) == (GROUP, "trial", ["demo"])
    assert seen.config == VALUES | {"seed": 4711}
    assert seen.history == changes.get("history", history_rows())
    assert seen.summary["status"] == changes.get("status", "completed")
    assert seen.exit_code == changes.get("exit_code", 0)


def test_a_trial(place):
    mirror = place.open()
    mirror_one_trial(mirror)
    mirror.close()
    outcome = mirror.outcome(1)
    assert place.warnings == []
    if place.mode == "disabled":
        assert outcome is None
        assert place.runs() == {}
        assert list(place.folder.iterdir()) == []
        return
    [(name, seen)] = place.runs().items()
    assert name == "gmnet-trial-01"
    assert_is_trial(seen)
    assert seen.summary["val_f1"] == 0.83
    assert seen.summary["macs"] == 416520
    sent = place.mode == "online"
    assert (outcome.sent, outcome.kept, outcome.mode) == (int(sent), int(not sent), place.mode)
    assert bool(outcome.winner_url) == sent
    assert len(list(place.folder.glob("wandb/*run-*"))) == int(not sent)


def test_a_trial_that_failed(place):
    mirror = place.open()
    mirror.trial_started(trial_start(1))
    mirror.epoch_ended(1, 1, 1, {"loss": 2.0})
    mirror.trial_ended(failed_trial(1))
    mirror.close()
    for seen in place.runs().values():
        row = [{"epoch": 1, "loss": 2.0}]
        assert_is_trial(seen, status="failed", exit_code=1, history=row)
        assert seen.summary["reason"] == "non_finite"
        assert "objective" not in seen.summary
    assert len(place.runs()) == (place.mode != "disabled")


def test_a_trial_that_goes_on_in_the_next_life_is_one_run(place):
    mirror = place.open()
    mirror_one_trial(mirror, status="stopped")
    mirror.close()
    mirror = place.open()
    mirror.trial_started(trial_start(1, history=HISTORY))
    mirror.epoch_ended(1, 1, 3, dict.fromkeys(HISTORY, 0.5))
    mirror.trial_ended(trial_record(1, history=LONGER))
    mirror.close()
    third = {"epoch": 3, **dict.fromkeys(HISTORY, 0.5)}
    for seen in place.runs().values():
        assert_is_trial(seen, history=[*history_rows(), third])
    assert len(place.runs()) == (place.mode != "disabled")


def test_an_interrupted_trial_is_marked_and_told_anew(place):
    mirror = place.open()
    mirror.trial_started(trial_start(1))
    mirror.epoch_ended(1, 1, 1, {name: series[0] for name, series in HISTORY.items()})
    mirror.close()
    for seen in place.runs().values():
        assert_is_trial(seen, status="interrupted", exit_code=1, history=history_rows()[:1])
    mirror = place.open()
    mirror_one_trial(mirror)
    mirror.close()
    for seen in place.runs().values():
        assert_is_trial(seen)
    assert len(place.runs()) == (place.mode != "disabled")


def test_what_is_known_is_not_told_again(place):
    mirror = place.open()
    mirror_one_trial(mirror, 1)
    mirror.close()
    before = len(place.server.requests)
    mirror = place.open()
    mirror.complete([trial_record(1)])
    mirror.close()
    operations = {request.operation for request in place.server.requests[before:]}
    assert "UpsertBucket" not in operations
    mirror = place.open()
    mirror.complete([trial_record(1, seconds=9.0), trial_record(2)])
    mirror.close()
    seconds = [seen.summary["seconds"] for _, seen in sorted(place.runs().items())]
    assert seconds == ([] if place.mode == "disabled" else [9.0, 1.5])


def test_another_search_with_the_same_spec_has_its_own_runs(place):
    for identity in ("mine", "yours"):
        place.journal = []
        mirror = place.open(identity)
        mirror_one_trial(mirror)
        mirror.close()
    n_runs = {"online": 2, "offline": 2, "disabled": 0}
    ids = place.server.runs if place.mode == "online" else list(place.folder.glob("wandb/off*"))
    assert len(ids) == n_runs[place.mode]


def test_the_evaluation(place):
    record = read_record(CASES)
    cards = [place.folder / name for name in ("card.en.md", "card.pt.md")]
    for path in (place.folder / "model.keras", *cards):
        path.write_text(path.name)
    for look in (1, 2):
        test = record.test.model_copy(update={"look": look})
        told = tell_evaluation(record.model_copy(update={"test": test}), place.folder, cards)
        mirror = place.open()
        mirror.tell(told)
        mirror.close()
        assert mirror.knows(told) == (place.mode != "disabled")
    assert place.warnings == []
    if place.mode == "disabled":
        assert place.artifacts() == {}
        return
    seen = place.runs()["gmnet-evaluation"]
    assert (seen.job_type, seen.exit_code, seen.summary["test_look"]) == ("evaluation", 0, 2)
    assert len(seen.history) == 1
    assert seen.summary["test_accuracy"] == record.test.accuracy
    assert [
        seen.summary["test_accuracy_low"], seen.summary["test_accuracy_high"]
    ] == record.test.accuracy_interval  # fmt: skip
    assert seen.summary["energy_kwh"] == record.energy.kwh
    files = place.artifacts()
    assert files[f"{GROUP}-model"] == {"model.keras"}
    assert files[f"{GROUP}-model-card"] == {"card.en.md", "card.pt.md"}


def test_no_secret_and_no_host_name_is_sent_or_written(place, monkeypatch):
    monkeypatch.setattr(socket, "gethostname", lambda: "canary-host-name")
    mirror = place.open()
    mirror_one_trial(mirror)
    mirror.close()
    told = b"".join(place.server.bodies)
    for private in (CANARY.encode(), b"canary-host-name"):
        assert private not in told
        assert private not in contents(place.folder)
    assert (GROUP.encode() in told) == (place.mode == "online")
