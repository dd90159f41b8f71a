"""The story of an experiment, from a spec to its cards: all that it leaves behind."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from experiments import (
    COMMAND,
    Place,
    files,
    journal_of,
    names_of,
    quiet_home,
)
from jsonschema import Draft202012Validator
from mirrored import assert_tells, seen_offline

import lenetml
from lenetml.mirror.sweep import sweep_of
from lenetml.record import read_record, record_schema
from lenetml.values import derive_seed

pytestmark = pytest.mark.slow

BASELINE = """\
name: plain
seed: 42
data: {path: digits.npz, split: {train: 90, val: 60, test: 60}}
architecture: [flatten, dense: {units: 12, activation: relu}]
augmentation: {width_shift_range: 0.1}
training: {epochs: 2, learning_rate: 0.01}
energy: false
"""
SPEC = """\
name: net
title: {en: A small net, pt: Uma rede pequena}
seed: 42
data: {path: digits.npz, split: {train: 90, val: 60, test: 60}}
search_space:
  units: {values: [16, 24, 32]}
  activation: {values: [relu, tanh]}
  learning_rate: {min: 0.001, max: 0.02}
  size: {value: 3}
architecture:
  - conv2d: {filters: 4, kernel_size: $size, activation: $activation}
  - flatten
  - dense: {units: $units, activation: $activation}
training: {epochs: 2, learning_rate: $learning_rate}
search: {strategy: random, trials: 2, baseline: plain.yaml}
energy: {country: BRA}
wandb: {project: tests, mode: offline}
card: {languages: [en, pt]}
"""


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory):
    with quiet_home(tmp_path_factory.mktemp("home")):
        yield


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The place where `net` and its baseline were run once, and what was heard of it."""
    place = Place(tmp_path_factory.mktemp("told"))
    place.write(BASELINE)
    place.finished = place.run(SPEC)
    return place


@pytest.fixture(scope="module")
def record(told):
    return read_record(told.finished.folder)


class TestFolder:
    """What a run leaves behind."""

    def test_files(self, told):
        left = files(told.finished.folder)
        figures = {name for name in left if name.startswith("figures/")}
        mirrored = {name for name in left if name.startswith("wandb/")}
        assert left - figures - mirrored == {
            "spec.yaml",
            "journal.jsonl",
            "record.json",
            "model.keras",
            "predictions/trial-001.npz",
            "predictions/trial-002.npz",
            "predictions/test.npz",
            "predictions/test-plain.npz",
            "card.en.md",
            "card.pt.md",
            "sweep.yaml",
        }
        assert figures
        assert {Path(name).parts[1][:12] for name in mirrored} == {"offline-run-", "staging"}
        folders = {path.name for path in told.finished.folder.iterdir() if path.is_dir()}
        assert folders == {"predictions", "figures", "wandb"}

    def test_names(self, told, record):
        assert told.finished.folder == told.out / f"net-{record.spec_sha256[:8]}"
        baseline = record.baselines[0].folder
        assert baseline == f"plain-{record.baselines[0].spec_sha256[:8]}"
        assert {path.name for path in told.out.iterdir()} == {
            told.finished.folder.name, baseline, "test-looks.jsonl",
        }  # fmt: skip

    def test_the_result(self, told, record):
        finished = told.finished
        assert (finished.is_new, finished.record) == (True, record)
        assert [path.name for path in finished.cards] == ["card.en.md", "card.pt.md"]
        assert (finished.folder / "spec.yaml").read_text() == SPEC

    def test_the_sweep(self, told):
        written = yaml.safe_load((told.finished.folder / "sweep.yaml").read_text())
        assert written == sweep_of(told.load(SPEC))

    def test_what_was_heard(self, told):
        one, two = (
            [("started", n), ("epoch", n, 1), ("epoch", n, 2), ("ended", n, "completed")]
            for n in (1, 2)
        )
        heard = [event for event in told.follower.heard if event[0] != "stage"]
        fixed = [("search", "plain", 1, 0, 1, "max"), *one]
        assert heard == [*fixed, ("search", "net", 2, 0, 1, "max"), *one, *two]
        winner = told.finished.record.best.number
        assert told.follower.of("stage") == [
            ("plain: loading the data",),
            (f"reading {told.folder / 'digits.npz'}",),
            ("plain: evaluating the winner, trial 1",),
            ("plain: writing the cards",),
            ("net: loading the data",),
            (f"reading {told.folder / 'digits.npz'}",),
            (f"net: evaluating the winner, trial {winner}",),
            ("net: writing the cards",),
        ]

    def test_the_journal(self, told, record):
        events = journal_of(told.finished.folder)
        trial = ["asked", "training_started", "trial_ended", "mirrored"]
        assert names_of(events) == [
            "search_started", *trial, *trial, "search_ended", "test_opened", "tested", "finished",
            "mirrored",
        ]  # fmt: skip
        first = events[0]
        assert (first["name"], first["spec"]) == ("net", str(told.folder / "net.yaml"))
        assert (first["spec_sha256"], first["at"]) == (record.spec_sha256, record.started_at)
        assert first["fingerprint"] == record.data.fingerprint
        assert first["versions"] == record.environment.versions
        by_name = {event["event"]: event for event in events}
        assert by_name["test_opened"]["winner"] == by_name["tested"]["winner"]
        assert by_name["finished"]["winner"] == record.best.number
        assert by_name["tested"]["winner"] == record.best.number
        assert by_name["tested"]["correct"] == record.test.correct


class TestRecord:
    """What is recorded, beside the evaluation."""

    def test_schema(self, told):
        document = json.loads((told.finished.folder / "record.json").read_text())
        Draft202012Validator(json.loads(record_schema())).validate(document)
        assert set(document) == set(json.loads(record_schema())["properties"])

    def test_whole(self, record, told):
        assert (record.name, record.seed, record.status) == ("net", 42, "completed")
        assert (record.overrides, record.seeds, record.earlier_tests) == ([], [], [])
        assert record.lenetml == lenetml.__version__
        assert (record.command, record.test_reason) == (COMMAND, None)
        assert record.environment.threads_per_trial == 1
        assert record.data == told.data(SPEC).record
        assert (record.data.train, record.data.val, record.data.test) == (90, 60, 60)

    def test_search(self, record):
        search = record.search
        assert (search.strategy, search.objective, search.direction) == (
            "random", "val_accuracy", "max",
        )  # fmt: skip
        assert (search.trials_asked, search.ended, search.space_size) == (2, "trials", None)
        assert search.continuations == []
        assert [hyperparameter.name for hyperparameter in search.space] == [
            "units", "activation", "learning_rate", "size",
        ]  # fmt: skip

    def test_trials(self, record, told):
        labels = told.data(SPEC).val.labels
        assert [trial.number for trial in record.trials] == [1, 2]
        for trial in record.trials:
            assert (trial.status, trial.reason, trial.guessing) == ("completed", None, False)
            assert trial.values["units"] in (16, 24, 32)
            assert 0.001 <= trial.values["learning_rate"] <= 0.02
            assert trial.values["size"] == 3
            assert trial.seed == derive_seed(42, "trial", trial.number)
            assert (trial.epochs, trial.epochs_limit, trial.images_trained) == (2, 2, 180)
            assert set(trial.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
            series = trial.history["val_accuracy"]
            assert trial.objective == max(series) == trial.val.accuracy
            assert trial.best_epoch == 1 + series.index(max(series))
            path = told.finished.folder / "predictions" / f"trial-{trial.number:03d}.npz"
            with np.load(path) as kept:
                assert trial.val.correct == int((kept["classes"] == labels).sum())

    def test_a_fixed_network_with_augmentation(self, record, told):
        other = read_record(told.out / record.baselines[0].folder)
        assert (other.search.strategy, other.search.space, other.search.space_size) == (None, [], 1)
        assert [trial.values for trial in other.trials] == [{}]
        assert other.best.augmentation["width_shift_range"] == 0.1
        assert other.best.selected_from.model_dump() == {"trials": 1, "epochs": 2}
        assert (other.energy, other.energy_reason) == (None, "switched off in the spec")

    def test_energy_and_cost(self, record):
        energy, cost = record.energy, record.cost
        assert energy.kwh == pytest.approx(energy.cpu_kwh + energy.gpu_kwh + energy.ram_kwh)
        assert energy.kwh == pytest.approx(energy.search + energy.evaluation)
        # CodeCarbon 3.3.2 measures no span below 50 ms: a short evaluation may show nothing.
        assert 0 < energy.chosen_trial_share < energy.search <= energy.kwh
        assert energy.country == "BRA"
        assert energy.kg_co2eq == pytest.approx(energy.kwh * energy.grid_g_per_kwh / 1000)
        assert record.energy_reason is None
        assert cost.images_trained == 360
        assert record.search.seconds < cost.seconds
        assert sum(trial.seconds for trial in record.trials) < record.search.seconds
        assert sum(trial.core_seconds for trial in record.trials) < cost.core_seconds

    def test_mirror(self, record, told):
        assert_tells(seen_offline(told.finished.folder), told.finished.folder)
        assert (record.mirror.project, record.mirror.kept) == ("tests", 2)
