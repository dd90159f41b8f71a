"""The story of an experiment, from a spec to its cards, on a few digits."""

from __future__ import annotations

import json
import math
import os
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
import sklearn.metrics
import yaml
from jsonschema import Draft202012Validator
from wandb_files import read_runs

from lenetml.trial.threads import use_one_thread

use_one_thread()

import keras  # noqa: E402

import lenetml  # noqa: E402
from lenetml.errors import FolderError, NotYetError, SearchError  # noqa: E402
from lenetml.experiment import Options, run  # noqa: E402
from lenetml.record import read_record, record_schema  # noqa: E402
from lenetml.search.journal import read_journal  # noqa: E402
from lenetml.spec import load_spec  # noqa: E402
from lenetml.sweep import sweep_configuration  # noqa: E402
from lenetml.trial.data import LoadedData, load_data  # noqa: E402
from lenetml.values import derive_seed  # noqa: E402

pytestmark = pytest.mark.slow

SHARED = """\
seed: 42
data: {dataset: digits, split: {train: 300, val: 150, test: 200}}
"""
BASELINE = f"""\
name: plain
{SHARED}
architecture: [flatten, dense: {{units: 12, activation: relu}}]
augmentation: {{width_shift_range: 0.1}}
training: {{epochs: 2, learning_rate: 0.01}}
energy: false
"""
SPEC = f"""\
name: net
title: {{en: A small net, pt: Uma rede pequena}}
{SHARED}
search_space:
  units: {{values: [16, 24, 32]}}
  activation: {{values: [relu, tanh]}}
  learning_rate: {{min: 0.001, max: 0.02}}
  size: {{value: 3}}
architecture:
  - conv2d: {{filters: 4, kernel_size: $size, activation: $activation}}
  - batch_normalization
  - flatten
  - dense: {{units: $units, activation: $activation}}
training: {{epochs: 2, learning_rate: $learning_rate}}
search: {{strategy: random, trials: 2, baseline: plain.yaml}}
energy: {{country: BRA}}
wandb: {{project: tests, mode: offline}}
card: {{languages: [en, pt]}}
"""
ONE_FAILS = f"""\
name: careless
{SHARED}
search_space:
  learning_rate: {{values: [1.0e+30, 0.001]}}
architecture: [flatten, dense: {{units: 12, activation: relu}}]
training: {{epochs: 2, learning_rate: $learning_rate}}
search: {{strategy: random, trials: 5, objective: val_loss}}
energy: false
wandb: {{project: tests, mode: disabled}}
"""
CONSTANTS = f"""\
name: constants
{SHARED}
search_space: {{units: {{value: 12}}}}
architecture: [flatten, dense: {{units: $units, activation: relu}}]
training: {{epochs: 3, restore: best}}
search: {{strategy: random, trials: 5, objective: val_f1}}
energy: false
"""
# What two runs of one spec may differ in: time, energy, and where and when they ran.
RUN_ALONE = {
    "started_at", "energy", "mirror", "search.seconds", "trials.seconds", "trials.core_seconds",
    "cost.seconds", "cost.core_seconds", "test.opened_at", "baselines.test.opened_at",
    "best.model_sha256",
}  # fmt: skip


class Follower:
    """Keeps what it hears."""

    def __init__(self):
        self.heard = []

    def stage(self, text):
        self.heard.append(("stage", text))

    def search_started(self, name, trials, direction):
        self.heard.append(("search", name, trials, direction))

    def trial_started(self, number, values, seed, epochs):
        self.heard.append(("started", number))

    def epoch_ended(self, number, epoch, metrics):
        self.heard.append(("epoch", number, epoch))

    def trial_ended(self, trial):
        self.heard.append(("ended", trial.number, trial.status))

    def warn(self, text):
        self.heard.append(("warning", text))

    @property
    def kinds(self):
        return {kind for kind, *_ in self.heard}


class Place:
    """A folder with the specs, and the runs made of them."""

    def __init__(self, folder):
        self.folder = folder
        self.out = folder / "runs"
        self.follower = Follower()

    def write(self, text):
        path = self.folder / f"{yaml.safe_load(text)['name']}.yaml"
        path.write_text(text)
        return path

    def run(self, text, *changes, fresh=False):
        self.follower = Follower()
        spec = load_spec(self.write(text), changes)
        return run(spec, Options(self.out, "lenetml run net.yaml", fresh), self.follower)

    def looks(self):
        lines = (self.out / "test-looks.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]


@pytest.fixture(scope="module", autouse=True)
def quiet_home(tmp_path_factory):
    """A home and an environment without any trace of W&B."""
    with pytest.MonkeyPatch.context() as patch:
        home = str(tmp_path_factory.mktemp("home"))
        for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
            patch.setenv(name, home)
        for name in [name for name in os.environ if name.startswith("WANDB_")]:
            patch.delenv(name)
        yield


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path)
    place.write(BASELINE)
    return place


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


@pytest.fixture(scope="module")
def data(told):
    spec = load_spec(told.folder / "net.yaml")
    return load_data(spec.document.data, spec.document.seed, told.folder)


@pytest.fixture(scope="module")
def careless(tmp_path_factory):
    """The place where a search with a failing trial was run."""
    place = Place(tmp_path_factory.mktemp("careless"))
    place.finished = place.run(ONE_FAILS, "training.batch_size=50")
    return place


@pytest.fixture
def copy(told, tmp_path):
    """A copy of the told place, to be changed."""
    shutil.copytree(told.folder, tmp_path / "copy")
    return Place(tmp_path / "copy")


def files(folder):
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def contents(folder):
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def traces(folder):
    """What shows that something was written, be it the same."""
    return {p: (p.stat().st_ino, p.stat().st_mtime_ns) for p in folder.rglob("*")}


def without(document, keys, prefix=""):
    """A document without some keys, named `trials.seconds` and so on."""
    if isinstance(document, dict):
        return {
            key: without(value, keys, f"{prefix}{key}.")
            for key, value in document.items()
            if f"{prefix}{key}" not in keys
        }
    if isinstance(document, list):
        return [without(item, keys, prefix) for item in document]
    return document


class TestFolder:
    """What a run leaves behind."""

    def test_files(self, told):
        figures = {f for f in files(told.finished.folder) if f.startswith("figures/")}
        mirrored = {f for f in files(told.finished.folder) if f.startswith("wandb/")}
        assert files(told.finished.folder) - figures - mirrored == {
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
        assert {Path(f).parts[1][:12] for f in mirrored} == {"offline-run-"}

    def test_no_empty_folder_and_no_weights(self, told):
        folders = {p.name for p in told.finished.folder.iterdir() if p.is_dir()}
        assert folders == {"predictions", "figures", "wandb"}

    def test_names(self, told, record):
        sha256 = record.spec_sha256
        assert told.finished.folder == told.out / f"net-{sha256[:8]}"
        baseline = record.baselines[0].folder
        assert {p.name for p in told.out.iterdir()} == {
            told.finished.folder.name, baseline, "test-looks.jsonl",
        }  # fmt: skip
        assert baseline == f"plain-{record.baselines[0].spec_sha256[:8]}"

    def test_the_result(self, told, record):
        finished = told.finished
        assert finished.is_new
        assert finished.record == record
        assert [path.name for path in finished.cards] == ["card.en.md", "card.pt.md"]

    def test_the_spec_as_given(self, told):
        assert (told.finished.folder / "spec.yaml").read_text() == SPEC

    def test_the_sweep(self, told):
        spec = load_spec(told.folder / "net.yaml")
        sweep = sweep_configuration("net", spec.space, spec.document.search, spec.document.wandb)
        assert yaml.safe_load((told.finished.folder / "sweep.yaml").read_text()) == sweep

    def test_what_was_heard(self, told):
        trials = [
            (kind, *rest)
            for number in (1, 2)
            for kind, *rest in (
                ("started", number), ("epoch", number, 1), ("epoch", number, 2),
                ("ended", number, "completed"),
            )
        ]  # fmt: skip
        heard = [event for event in told.follower.heard if event[0] != "stage"]
        fixed = [("search", "plain", 1, "max"), *trials[:4]]
        assert heard == [*fixed, ("search", "net", 2, "max"), *trials]
        stages = [event[1] for event in told.follower.heard if event[0] == "stage"]
        winner = told.finished.record.best.number
        assert stages == [
            "plain: loading the data",
            "plain: testing the winner, trial 1",
            "plain: writing the cards",
            "net: loading the data",
            f"net: testing the winner, trial {winner}",
            "net: writing the cards",
        ]

    def test_the_journal(self, told, record):
        events = read_journal(told.finished.folder / "journal.jsonl")
        trial = ["asked", "trial_started", "trial_ended"]
        assert [event["event"] for event in events] == [
            "search_started", *trial, *trial, "search_ended", "test_opened", "tested", "finished",
        ]  # fmt: skip
        first = events[0]
        assert first["spec_sha256"] == record.spec_sha256
        assert first["fingerprint"] == record.data.fingerprint
        assert first["versions"] == record.environment.versions
        assert [event["values"] for event in events if event["event"] == "asked"] == [
            trial.values for trial in record.trials
        ]
        assert events[-1]["winner"] == events[-3]["winner"] == record.best.number
        assert events[-2]["correct"] == record.test.correct


class TestRecord:
    """What is recorded, recomputed by other code."""

    def test_schema(self, told):
        document = json.loads((told.finished.folder / "record.json").read_text())
        Draft202012Validator(json.loads(record_schema())).validate(document)
        assert set(document) == set(json.loads(record_schema())["properties"])

    def test_whole(self, record):
        assert record.name == "net"
        assert record.seed == 42
        assert record.status == "completed"
        assert record.overrides == []
        assert record.lenetml == lenetml.__version__
        assert record.command == "lenetml run net.yaml"
        assert record.seeds == []
        assert record.test_reason is None
        assert record.environment.threads_per_trial == 1

    def test_data(self, record, data):
        assert record.data == data.record
        assert (record.data.train, record.data.val, record.data.test) == (300, 150, 200)

    def test_search(self, record):
        search = record.search
        assert (search.strategy, search.objective, search.direction) == (
            "random", "val_accuracy", "max",
        )  # fmt: skip
        assert (search.trials_asked, search.ended, search.space_size) == (2, "trials", None)
        assert [hyperparameter.name for hyperparameter in search.space] == [
            "units", "activation", "learning_rate", "size",
        ]  # fmt: skip

    def test_trials(self, record, told, data):
        assert [trial.number for trial in record.trials] == [1, 2]
        for trial in record.trials:
            assert trial.status == "completed"
            assert trial.values["units"] in (16, 24, 32)
            assert 0.001 <= trial.values["learning_rate"] <= 0.02
            assert trial.values["size"] == 3
            assert trial.seed == derive_seed(42, "trial", trial.number)
            assert (trial.epochs, trial.epochs_limit, trial.images_trained) == (2, 2, 600)
            assert set(trial.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
            series = trial.history["val_accuracy"]
            assert trial.objective == max(series) == trial.val.accuracy
            assert trial.best_epoch == 1 + series.index(max(series))
            assert trial.guessing is False
            assert trial.reason is None
            path = told.finished.folder / "predictions" / f"trial-{trial.number:03d}.npz"
            with np.load(path) as kept:
                right = kept["classes"] == data.val.labels
            assert (trial.val.n, trial.val.correct) == (150, int(right.sum()))

    def test_best(self, record):
        best = record.best
        ranks = [(-t.objective, t.parameters, t.number) for t in record.trials]
        assert best.number == min(ranks)[2]
        trial = record.trials[best.number - 1]
        assert (best.values, best.val, best.best_epoch) == (
            trial.values, trial.val, trial.best_epoch,
        )  # fmt: skip
        assert best.selected_from.model_dump() == {"trials": 2, "epochs": 4}
        assert best.training["learning_rate"] == trial.values["learning_rate"]
        assert [layer.layer for layer in best.architecture] == [
            "conv2d", "batch_normalization", "flatten", "dense", "output",
        ]  # fmt: skip
        assert sum(layer.parameters for layer in best.architecture) == best.parameters
        # 8 x 8 less a kernel of 3: 6 x 6 outputs of 9 products in 4 filters, then two dense layers.
        units = best.values["units"]
        assert best.macs == 36 * 9 * 4 + 144 * units + units * 10

    def test_test(self, record, told, data):
        with np.load(told.finished.folder / "predictions" / "test.npz") as kept:
            predicted, surprise = kept["classes"], kept["true_surprise"] / 10_000
        labels, test = data.open_test().labels, record.test
        n, correct = 200, int((predicted == labels).sum())
        assert (test.n, test.correct, test.accuracy) == (n, correct, correct / n)
        assert test.loss == pytest.approx(surprise.mean(), abs=1e-4)
        scores = sklearn.metrics.precision_recall_fscore_support
        for average, ours in (("weighted", test), ("macro", test.macro)):
            theirs = scores(labels, predicted, average=average, zero_division=0)[:3]
            assert (ours.precision, ours.recall, ours.f1) == pytest.approx(theirs, abs=1e-12)
        each = zip(*scores(labels, predicted, zero_division=0), strict=True)
        for ours, theirs in zip(test.per_class, each, strict=True):
            found = (ours.precision or 0, ours.recall, ours.f1, ours.support)
            assert found == pytest.approx(theirs, abs=1e-12)
        assert [ours.name for ours in test.per_class] == record.data.classes
        assert test.confusion == sklearn.metrics.confusion_matrix(labels, predicted).tolist()
        z, p = 1.959963984540054, correct / n
        middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        wilson = [(middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)]
        assert test.accuracy_interval == pytest.approx(wilson, abs=1e-12)

    def test_the_model_gives_the_kept_predictions(self, record, told, data):
        model = keras.saving.load_model(told.finished.folder / "model.keras", compile=False)
        test = data.open_test()
        probabilities = model.predict(test.images.astype("float32") / 255, verbose=0)
        with np.load(told.finished.folder / "predictions" / "test.npz") as kept:
            np.testing.assert_array_equal(probabilities.argmax(axis=1), kept["classes"])
            surprise = -np.log(probabilities[np.arange(200), test.labels])
            np.testing.assert_allclose(kept["true_surprise"] / 10_000, surprise, atol=2e-4)
        assert model.count_params() == record.best.parameters
        assert record.best.parameters - record.best.trainable_parameters == 2 * 4
        size = (told.finished.folder / "model.keras").stat().st_size
        assert record.best.model_bytes == size

    def test_baseline(self, record, told, data):
        (baseline,) = record.baselines
        other = read_record(told.out / baseline.folder)
        assert other.name == baseline.name == baseline.title == "plain"
        assert baseline.test == other.test
        assert (baseline.parameters, baseline.macs) == (other.best.parameters, other.best.macs)
        difference = 100 * (record.test.correct - other.test.correct) / 200
        assert baseline.difference_pp == pytest.approx(difference, abs=1e-9)
        folder = told.finished.folder / "predictions"
        theirs = told.out / baseline.folder / "predictions" / "test.npz"
        assert (folder / "test-plain.npz").read_bytes() == theirs.read_bytes()
        with np.load(folder / "test.npz") as ours, np.load(theirs) as others:
            labels = data.open_test().labels
            this, that = ours["classes"] == labels, others["classes"] == labels
        b, c = int((this & ~that).sum()), int((~this & that).sum())
        tail = sum(math.comb(b + c, k) for k in range(min(b, c) + 1)) / 2 ** (b + c)
        assert baseline.mcnemar.only_this_correct == b
        assert baseline.mcnemar.only_other_correct == c
        assert baseline.mcnemar.p_value == pytest.approx(min(1.0, 2 * tail), rel=1e-9)

    def test_a_fixed_network_with_augmentation(self, record, told):
        other = read_record(told.out / record.baselines[0].folder)
        assert (other.search.strategy, other.search.space, other.search.space_size) == (None, [], 1)
        assert [trial.values for trial in other.trials] == [{}]
        assert other.best.augmentation["width_shift_range"] == 0.1
        assert other.best.selected_from.model_dump() == {"trials": 1, "epochs": 2}

    def test_energy(self, record, told):
        energy = record.energy
        assert energy.kwh == pytest.approx(energy.cpu_kwh + energy.gpu_kwh + energy.ram_kwh)
        assert energy.kwh == pytest.approx(energy.search + energy.evaluation)
        assert 0 < energy.chosen_trial_share < energy.search < energy.kwh
        assert energy.country == "BRA"
        assert energy.kg_co2eq == pytest.approx(energy.kwh * energy.grid_g_per_kwh / 1000)
        assert record.energy_reason is None
        other = read_record(told.out / record.baselines[0].folder)
        assert (other.energy, other.energy_reason) == (None, "switched off in the spec")

    def test_cost(self, record):
        assert record.cost.images_trained == 1200
        assert record.search.seconds < record.cost.seconds
        assert sum(trial.seconds for trial in record.trials) < record.search.seconds
        assert sum(trial.core_seconds for trial in record.trials) < record.cost.core_seconds

    def test_mirror(self, record, told):
        runs = read_runs(told.finished.folder)
        assert list(runs) == ["net-trial-01", "net-trial-02"]
        for told_run, trial in zip(runs.values(), record.trials, strict=True):
            assert told_run.run.run_group == told.finished.folder.name
            assert told_run.summary["objective"] == trial.objective
            assert told_run.config == {"seed": trial.seed, **trial.values}
        assert record.mirror.startswith("2 trials kept for the W&B project tests;")


class TestLooks:
    """The test part is opened once, and that is noted before."""

    def test_every_look_is_noted_once(self, told, record):
        fingerprint = record.data.test_fingerprint
        looks = told.looks()
        assert [(look["look"], look["run"]) for look in looks] == [
            (1, record.baselines[0].folder), (2, told.finished.folder.name),
        ]  # fmt: skip
        assert {look["fingerprint"] for look in looks} == {fingerprint}
        assert (record.test.look, record.baselines[0].test.look) == (2, 1)
        assert looks[1]["at"] == record.test.opened_at

    def test_it_is_noted_before_the_test_part_is_read(self, place, monkeypatch):
        seen = []
        open_test = LoadedData.open_test

        def watched(data):
            (folder,) = place.out.glob("plain-*")
            events = read_journal(folder / "journal.jsonl")
            seen.append((len(place.looks()), events[-1]["event"], events[-1]["look"]))
            return open_test(data)

        monkeypatch.setattr(LoadedData, "open_test", watched)
        place.run(BASELINE)
        assert seen == [(1, "test_opened", 1)]

    def test_nothing_is_opened_where_it_cannot_be_noted(self, place, monkeypatch):
        opened = []
        monkeypatch.setattr(LoadedData, "open_test", opened.append)
        (place.out / "test-looks.jsonl").mkdir(parents=True)
        with pytest.raises(FolderError, match="the test part stays closed"):
            place.run(BASELINE)
        assert opened == []


class TestAgain:
    """The same spec once more, and specs beside it."""

    def test_the_same_spec_shows_the_result_at_once(self, copy, record):
        before = traces(copy.out)
        finished = copy.run(SPEC)
        assert not finished.is_new
        assert finished.record == record
        assert copy.follower.kinds == {"stage"}
        assert traces(copy.out) == before

    @pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
    def test_a_finished_run_can_be_shown_where_nothing_can_be_written(self, copy, record):
        folders = [copy.out, *(p for p in copy.out.rglob("*") if p.is_dir())]
        for path in [*folders, *(p for p in copy.out.rglob("*") if p.is_file())]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        try:
            assert copy.run(SPEC).record == record
        finally:
            for path in folders:
                path.chmod(0o755)

    def test_what_a_kill_at_the_end_left_undone_is_done(self, copy, record):
        before = contents(copy.out)
        (folder,) = copy.out.glob("net-*")
        (folder / "weights").mkdir()
        (folder / "weights" / "trial-001.npz").write_bytes(b"weights")
        (folder / "card.pt.md").unlink()
        shutil.rmtree(folder / "figures")
        assert not copy.run(SPEC).is_new
        assert contents(copy.out) == before
        assert not (folder / "weights").exists()

    def test_mended_texts_write_the_cards_anew_without_training(self, copy, record):
        before = contents(copy.folder)
        mended = SPEC.replace("A small net", "A mended net").replace("BRA}", "BRA} # Brazil")
        finished = copy.run(mended)
        assert not finished.is_new
        assert copy.follower.kinds == {"stage"}
        changed = {p.name for p, content in contents(copy.folder).items() if content != before[p]}
        assert changed == {"net.yaml", "spec.yaml", "record.json", "card.en.md"}
        assert "A mended net" in (finished.folder / "card.en.md").read_text()
        assert (finished.folder / "spec.yaml").read_text() == mended
        told_again = finished.record.model_dump()
        assert told_again["spec"].pop("title") == {"en": "A mended net", "pt": "Uma rede pequena"}
        known = record.model_dump()
        known["spec"].pop("title")
        assert told_again == known
        assert read_record(finished.folder) == finished.record

    def test_an_override_of_a_text_is_recorded_and_forgotten(self, copy):
        finished = copy.run(SPEC, "card.license=mit")
        assert not finished.is_new
        assert finished.record.overrides == ["card.license=mit"]
        assert copy.run(SPEC).record.overrides == []

    def test_other_languages(self, copy):
        finished = copy.run(SPEC.replace("[en, pt]", "[pt]"))
        assert [path.name for path in finished.cards] == ["card.pt.md"]
        kept = {path.name for path in finished.folder.rglob("*") if ".en." in path.name}
        assert kept == set()

    @pytest.mark.parametrize("trials", [1, 3])
    def test_other_trials_cannot_be_done_yet(self, copy, record, trials):
        before = contents(copy.out)
        with pytest.raises(NotYetError) as caught:
            copy.run(SPEC, f"search.trials={trials}")
        folder = copy.out / f"net-{record.spec_sha256[:8]}"
        assert str(caught.value) == (
            f"{folder} holds a search with trials: 2; the spec says trials: {trials}\n"
            "    this version cannot continue a finished search\n"
            "    to start over and keep the old folder: lenetml run "
            f"{copy.folder}/net.yaml --set search.trials={trials} --fresh"
        )
        assert contents(copy.out) == before

    def test_the_advice_to_start_over_repeats_the_command_line(self, copy):
        spec = load_spec(copy.write(SPEC), ["search.trials=3", "title=A net's title"])
        options = Options(copy.out, "", repeated=["--out", "my runs", "--quiet"])
        with pytest.raises(NotYetError) as caught:
            run(spec, options, Follower())
        told = caught.value.notes[1].removeprefix("to start over and keep the old folder: ")
        assert shlex.split(told) == [
            "lenetml", "run", f"{copy.folder}/net.yaml", "--out", "my runs", "--quiet",
            "--set", "search.trials=3", "--set", "title=A net's title", "--fresh",
        ]  # fmt: skip

    def test_a_baseline_is_started_over_without_the_changes_of_its_spec(self, copy):
        searched = BASELINE.replace("learning_rate: 0.01", "learning_rate: $rate") + (
            "search_space: {rate: {values: [0.01, 0.02]}}\n"
            "search: {strategy: random, trials: TRIALS}\n"
        )
        copy.run(searched.replace("TRIALS", "1"))
        copy.write(searched.replace("TRIALS", "2"))
        with pytest.raises(NotYetError) as caught:
            copy.run(SPEC, "training.batch_size=50")
        assert caught.value.notes[1] == (
            f"to start over and keep the old folder: lenetml run {copy.folder}/plain.yaml --fresh"
        )

    def test_starting_over_keeps_the_old_folder_and_counts_its_look(self, copy, record):
        finished = copy.run(SPEC, "wandb.mode=disabled", fresh=True)
        assert finished.is_new
        assert finished.record.test.look == 3
        assert copy.follower.kinds >= {"started", "ended"}
        old = finished.folder.with_name(f"{finished.folder.name}.old-1")
        assert read_record(old) == record
        # The baseline is reused: neither its texts nor its place have changed.
        assert len(copy.looks()) == 3

    def test_starting_over_includes_a_baseline_that_did_not_end(self, place):
        class Impatient(Follower):
            def trial_started(self, number, values, seed, epochs):
                raise KeyboardInterrupt

        short = SPEC.replace("trials: 2", "trials: 1").replace("mode: offline", "mode: disabled")
        spec = load_spec(place.write(short))
        with pytest.raises(KeyboardInterrupt):
            run(spec, Options(place.out, "lenetml run net.yaml"), Impatient())
        with pytest.raises(FolderError, match="holds a run that did not end"):
            place.run(short)
        assert place.run(short, fresh=True).is_new
        names = sorted(path.name[:5] for path in place.out.iterdir() if path.is_dir())
        assert names == ["net-" + names[0][4], "plain", "plain"]
        assert len(place.looks()) == 2

    def test_two_runs_give_the_same(self, told, record, place):
        finished = place.run(SPEC)
        ours, theirs = (
            without(json.loads((folder / "record.json").read_text()), RUN_ALONE)
            for folder in (finished.folder, told.finished.folder)
        )
        assert ours == theirs
        for name in ("trial-001", "trial-002", "test", "test-plain"):
            path = f"predictions/{name}.npz"
            assert (finished.folder / path).read_bytes() == (
                told.finished.folder / path
            ).read_bytes()
        models = [
            keras.saving.load_model(folder / "model.keras", compile=False).get_weights()
            for folder in (finished.folder, told.finished.folder)
        ]
        for a, b in zip(*models, strict=True):
            np.testing.assert_array_equal(a, b)


class TestFailures:
    """Trials that fail, some and all."""

    def test_a_trial_that_fails_does_not_stop_the_search(self, careless):
        record = careless.finished.record
        assert (record.search.ended, record.search.trials_asked) == ("exhausted", 5)
        by_rate = {trial.values["learning_rate"]: trial for trial in record.trials}
        assert set(by_rate) == {1e30, 0.001}
        failed, completed = by_rate[1e30], by_rate[0.001]
        assert (failed.status, failed.reason) == ("failed", "non_finite")
        assert "no longer finite" in failed.message
        assert (failed.objective, failed.val, failed.best_epoch) == (None, None, None)
        assert failed.guessing is None
        assert failed.seconds > 0
        assert record.best.number == completed.number
        assert record.best.selected_from.model_dump() == {"trials": 1, "epochs": 2}
        kept = files(careless.finished.folder)
        assert f"predictions/trial-{completed.number:03d}.npz" in kept
        assert f"predictions/trial-{failed.number:03d}.npz" not in kept

    def test_the_least_loss_is_the_best(self, careless):
        record = careless.finished.record
        assert (record.search.objective, record.search.direction) == ("val_loss", "min")
        trial = record.trials[record.best.number - 1]
        assert trial.objective == min(trial.history["val_loss"]) == trial.val.loss
        assert ("search", "careless", 5, "min") in careless.follower.heard

    def test_a_disabled_mirror_leaves_nothing(self, careless):
        assert careless.finished.record.mirror is None
        assert not any(f.startswith("wandb") for f in files(careless.finished.folder))

    def test_overrides_are_recorded(self, careless):
        record = careless.finished.record
        assert record.overrides == ["training.batch_size=50"]
        assert record.best.training["batch_size"] == 50
        assert (careless.finished.folder / "spec.yaml").read_text() == ONE_FAILS
        assert read_journal(careless.finished.folder / "journal.jsonl")[0]["overrides"] == [
            "training.batch_size=50"
        ]

    def test_all_trials_fail(self, place):
        text = ONE_FAILS.replace("0.001]", "1.0e+29]")
        with pytest.raises(SearchError) as caught:
            place.run(text)
        assert caught.value.exit_code == 4
        (folder,) = place.out.glob("careless-*")
        assert str(caught.value) == (
            "careless: no trial succeeded\n"
            "    trial 1: non_finite\n"
            "    trial 2: non_finite\n"
            f"    the journal is {folder / 'journal.jsonl'}"
        )
        events = read_journal(folder / "journal.jsonl")
        assert events[-1] == {"event": "search_ended", "reason": "exhausted"}
        assert not (place.out / "test-looks.jsonl").exists()
        assert not (folder / "record.json").exists()
        with pytest.raises(FolderError, match="holds a run that did not end"):
            place.run(text)

    def test_an_interrupt_closes_the_journal(self, place):
        class Impatient(Follower):
            def epoch_ended(self, number, epoch, metrics):
                raise KeyboardInterrupt

        spec = load_spec(place.write(BASELINE))
        with pytest.raises(KeyboardInterrupt) as caught:
            run(spec, Options(place.out, "lenetml run plain.yaml"), Impatient())
        (folder,) = place.out.glob("plain-*")
        assert caught.value.__notes__ == [f"{folder / 'journal.jsonl'} holds what was finished"]
        *_, trial, end = read_journal(folder / "journal.jsonl")
        assert (trial["status"], trial["reason"], trial["epochs"]) == (
            "interrupted", "interrupted", 1,
        )  # fmt: skip
        assert end == {"event": "search_ended", "reason": "interrupted"}
        assert place.run(BASELINE, fresh=True).is_new
        assert len(list(place.out.glob("plain-*.old-1"))) == 1


def test_an_interrupt_before_there_is_a_folder_says_nothing_of_a_journal(place):
    class Impatient(Follower):
        def stage(self, text):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        run(load_spec(place.write(BASELINE)), Options(place.out, "lenetml run"), Impatient())
    assert not hasattr(caught.value, "__notes__")
    assert not place.out.exists()


def test_constants_and_a_search_are_one_network(place):
    record = place.run(CONSTANTS).record
    assert [trial.values for trial in record.trials] == [{"units": 12}]
    assert (record.search.strategy, record.search.ended) == ("random", "exhausted")
    assert record.search.space_size == 1
    trial = record.trials[0]
    assert (record.search.objective, record.search.direction) == ("val_f1", "max")
    assert trial.objective == max(trial.history["val_f1"]) == trial.val.f1
