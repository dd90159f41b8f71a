"""What follows the search: the choice of the winner, its network, the test part, the baselines."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest
import sklearn.metrics
from experiments import IMAGES_OF_ONE, RATES, Place, journal_of

from lenetml.errors import FolderError
from lenetml.record import read_record
from lenetml.trial.data import LoadedData
from lenetml.values import derive_seed

pytestmark = pytest.mark.slow

SHARED = """\
seed: 42
data: {dataset: digits, split: {train: 300, val: 150, test: 200}}
energy: false
"""
BASELINE = f"""\
name: plain
{SHARED}
architecture: [flatten, dense: {{units: 12, activation: relu}}]
training: {{epochs: 2, learning_rate: 0.01}}
"""
SPEC = f"""\
name: net
{SHARED}
search_space: {{rate: {{values: [0.01, 0.001]}}}}
architecture:
  - conv2d: {{filters: 4, kernel_size: 3}}
  - batch_normalization
  - flatten
  - dense: {{units: 16, activation: relu}}
training: {{epochs: 2, learning_rate: $rate}}
search: {{strategy: grid, baseline: plain.yaml}}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The place where `net` and its baseline were run."""
    place = Place(tmp_path_factory.mktemp("tested"))
    place.write(BASELINE)
    place.finished = place.run(SPEC)
    return place


@pytest.fixture(scope="module")
def record(place):
    return read_record(place.finished.folder)


@pytest.fixture(scope="module")
def part(place):
    """The test part."""
    return place.data(SPEC).open_test()


class TestTested:
    """The winner on the test part, recomputed by other code."""

    def test_scores(self, place, record, part):
        labels = part.labels
        with np.load(place.finished.folder / "predictions" / "test.npz") as kept:
            predicted, surprise = kept["classes"], kept["true_surprise"] / 10_000
        test, n, correct = record.test, 200, int((predicted == labels).sum())
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

    def test_the_model_gives_the_kept_predictions(self, place, record, part):
        model = keras.saving.load_model(place.finished.folder / "model.keras", compile=False)
        probabilities = model.predict(part.images.astype("float32") / 255, verbose=0)
        with np.load(place.finished.folder / "predictions" / "test.npz") as kept:
            np.testing.assert_array_equal(probabilities.argmax(axis=1), kept["classes"])
            surprise = -np.log(probabilities[np.arange(200), part.labels])
            np.testing.assert_allclose(kept["true_surprise"] / 10_000, surprise, atol=2e-4)
        assert model.count_params() == record.best.parameters
        assert record.best.parameters - record.best.trainable_parameters == 2 * 4
        size = (place.finished.folder / "model.keras").stat().st_size
        assert record.best.model_bytes == size

    def test_the_best(self, record):
        best = record.best
        ranks = [(-t.objective, t.parameters, t.number) for t in record.trials]
        assert (best.number, best.selected_by) == (min(ranks)[2], "best")
        trial = record.trials[best.number - 1]
        assert (best.values, best.val, best.best_epoch) == (
            trial.values, trial.val, trial.best_epoch,
        )  # fmt: skip
        assert best.selected_from.model_dump() == {"trials": 2, "epochs": 4}
        assert best.training["learning_rate"] == trial.values["rate"]
        assert [layer.layer for layer in best.architecture] == [
            "conv2d", "batch_normalization", "flatten", "dense", "output",
        ]  # fmt: skip
        assert sum(layer.parameters for layer in best.architecture) == best.parameters
        # 8 x 8 less a kernel of 3: 6 x 6 outputs of 9 products in 4 filters, then two dense layers.
        assert best.macs == 36 * 9 * 4 + 144 * 16 + 16 * 10

    def test_baseline(self, record, place, part):
        (baseline,) = record.baselines
        other = read_record(place.out / baseline.folder)
        assert other.name == baseline.name == baseline.title == "plain"
        assert baseline.test == other.test
        assert (baseline.parameters, baseline.macs) == (other.best.parameters, other.best.macs)
        difference = 100 * (record.test.correct - other.test.correct) / 200
        assert baseline.difference_pp == pytest.approx(difference, abs=1e-9)
        folder = place.finished.folder / "predictions"
        theirs = place.out / baseline.folder / "predictions" / "test.npz"
        assert (folder / "test-plain.npz").read_bytes() == theirs.read_bytes()
        with np.load(folder / "test.npz") as ours, np.load(theirs) as others:
            this, that = ours["classes"] == part.labels, others["classes"] == part.labels
        b, c = int((this & ~that).sum()), int((~this & that).sum())
        tail = sum(math.comb(b + c, k) for k in range(min(b, c) + 1)) / 2 ** (b + c)
        assert baseline.mcnemar.only_this_correct == b
        assert baseline.mcnemar.only_other_correct == c
        assert baseline.mcnemar.p_value == pytest.approx(min(1.0, 2 * tail), rel=1e-9)

    def test_every_look_is_noted_once(self, place, record):
        looks = place.looks()
        assert [(look["look"], look["run"]) for look in looks] == [
            (1, record.baselines[0].folder), (2, place.finished.folder.name),
        ]  # fmt: skip
        assert {look["fingerprint"] for look in looks} == {record.data.test_fingerprint}
        assert (record.test.look, record.baselines[0].test.look) == (2, 1)
        assert looks[1]["at"] == record.test.opened_at


class TestLooks:
    def test_a_look_is_noted_before_the_test_part_is_read(self, tmp_path, monkeypatch):
        place, seen = Place(tmp_path), []
        open_test = LoadedData.open_test

        def watched(data):
            (folder,) = place.out.glob("rates-*")
            opened = [event for event in journal_of(folder) if event["event"] == "test_opened"]
            seen.append([look["id"] for look in place.looks()] == [event["id"] for event in opened])
            return open_test(data)

        monkeypatch.setattr(LoadedData, "open_test", watched)
        place.run(RATES, "search.trials=1")
        # Once for the winner, and for the picture of its errors: one look.
        assert seen == [True, True]
        assert len(place.looks()) == 1

    def test_nothing_is_opened_where_it_cannot_be_noted(self, tmp_path, monkeypatch):
        place, opened = Place(tmp_path), []
        monkeypatch.setattr(LoadedData, "open_test", opened.append)
        (place.out / "test-looks.jsonl").mkdir(parents=True)
        with pytest.raises(FolderError, match="the test part stays closed"):
            place.run(RATES, "search.trials=1")
        assert opened == []


class TestChoice:
    def test_confirmed_under_seeds_that_no_trial_was_chosen_by(self, tmp_path):
        place = Place(tmp_path)
        text = RATES.replace(
            "trials: 3", "trials: 3, executions_per_trial: 2, confirm: {top: 2, seeds: 2}"
        )
        record = place.run(text).record
        assert [[each.seed for each in trial.executions] for trial in record.trials] == [
            [derive_seed(5, "trial", number), derive_seed(5, "trial", number, "execution", 2)]
            for number in (1, 2, 3)
        ]
        for trial in record.trials:
            objectives = [each.objective for each in trial.executions]
            assert trial.objective == pytest.approx(sum(objectives) / 2, abs=1e-12)
            assert trial.history["val_accuracy"] in [
                each.history["val_accuracy"] for each in trial.executions
            ]
            assert trial.images_trained == 2 * IMAGES_OF_ONE
        top = sorted(record.trials, key=lambda trial: -trial.objective)[:2]
        assert top[0].number == 2
        assert {trial.number: len(trial.confirmed) for trial in record.trials} == {
            trial.number: 2 * (trial in top) for trial in record.trials
        }
        events = journal_of(place.out / place.looks()[0]["run"])
        confirmed = [event for event in events if event.get("kind") == "confirm"]
        assert {(event["number"], event["seed"]) for event in confirmed if "seed" in event} == {
            (trial.number, derive_seed(5, "confirm", trial.number, number))
            for trial in top
            for number in (1, 2)
        }
        assert (record.best.number, record.best.selected_by) == (2, "confirm")
        # The network that is shipped is the one of the search.
        assert record.best.val == record.trials[1].val
        assert record.cost.images_trained == (3 * 2 + 2 * 2) * IMAGES_OF_ONE

    def test_the_smallest_within_one_standard_error(self, tmp_path):
        place = Place(tmp_path)
        text = (
            RATES.replace("$rate", "0.02")
            .replace("units: 12", "units: $units")
            .replace("search_space:", "search_space: {units: {values: [24, 16, 12, 1]}} #")
            .replace("strategy: grid, trials: 3", "strategy: grid, select: one_standard_error")
        )
        finished = place.run(text)
        val = place.data(text).val
        right = {}
        for trial in finished.record.trials:
            path = finished.folder / "predictions" / f"trial-{trial.number:03d}.npz"
            with np.load(path) as kept:
                right[trial.number] = (kept["classes"] == val.labels).astype(int)
        best = min(finished.record.trials, key=lambda trial: (-trial.objective, trial.parameters))

        def error(trial):
            difference = right[best.number] - right[trial.number]
            mean = difference.sum() / 60
            return mean, math.sqrt(((difference - mean) ** 2).sum() / 60) / math.sqrt(60)

        within = [each for each in finished.record.trials if error(each)[0] <= error(each)[1]]
        smallest = min(within, key=lambda trial: trial.parameters)
        assert len(within) < 4
        assert finished.record.best.number == smallest.number
        assert finished.record.best.selected_by == "one_standard_error"
        model = keras.saving.load_model(finished.folder / "model.keras", compile=False)
        assert model.count_params() == smallest.parameters
        found = model.predict(val.images.astype("float32") / 255, verbose=0).argmax(axis=1)
        np.testing.assert_array_equal(found == val.labels, right[smallest.number] == 1)


def test_seeds_that_a_baseline_gets_later_are_compared(tmp_path):
    place = Place(tmp_path)
    place.write(BASELINE)
    seeds = "evaluation: {seeds: 5}\n"
    (before,) = place.run(SPEC + seeds).record.baselines
    assert (before.seeds, before.mean_difference) == ([], None)
    place.write(BASELINE + seeds)
    again = place.run(SPEC + seeds)
    assert not again.is_new
    (after,) = again.record.baselines
    theirs = [seed.test.accuracy for seed in read_record(place.out / after.folder).seeds]
    ours = [seed.test.accuracy for seed in again.record.seeds]
    assert after.seeds == theirs
    assert after.mean_difference.difference_pp == pytest.approx(
        100 * (np.mean(ours) - np.mean(theirs)), abs=1e-9
    )
    assert after.mcnemar == before.mcnemar
    assert read_record(again.folder) == again.record
