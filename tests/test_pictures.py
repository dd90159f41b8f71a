"""Figures that show images: the right ones, at the extremes, and kept with their record."""

from __future__ import annotations

import random
import struct

import numpy as np
import pytest
from experiments import Place, quiet_home
from figure_texts import faults_of, texts_of

from lenetml.folder import RunFolder
from lenetml.pictures import draw_pictures, surest_errors
from lenetml.record import read_record
from lenetml.report.card import render_card, write_cards
from lenetml.report.checking import check_cards
from lenetml.report.figures.augmented import Varied, draw_augmentation
from lenetml.report.figures.listing import misclassified_grid
from lenetml.report.figures.misclassified import (
    Misclassified,
    draw_misclassified,
    write_confidence,
)
from lenetml.report.figures.style import to_png
from lenetml.trial.evaluate import Predictions, unpack_predictions
from lenetml.trial.parts import Part
from lenetml.unsealing import open_sealed

SHAPES = [(8, 8, 1), (28, 28, 1), (32, 32, 3), (224, 224, 3), (8, 224, 3), (224, 8, 1)]
NAMES = {
    "digits": [str(digit) for digit in range(10)],
    "cifar": ["airplane", "automobile", "bird", "cat"],
    "long": [f"a class with a name of 30 letter {n:02d}" for n in range(3)],
    "odd": ["$\\frac{", "健康", "W" * 300, "x\ny\u202e", ""],
}
SPEC = """\
name: turned
seed: 5
data: {path: digits.npz, split: {train: 90, val: 60, test: 60}}
search_space: {rate: {values: [1.0e-7, 0.02]}}
architecture: [flatten, dense: {units: 12, activation: relu}]
augmentation: {rotation_range: 20, zoom_range: 0.2}
training: {epochs: 2, batch_size: 10, learning_rate: $rate}
search: {strategy: grid, trials: 1}
energy: false
card: {languages: [en]}
"""


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory):
    with quiet_home(tmp_path_factory.mktemp("home")):
        yield


def image_of(shape: tuple[int, int, int]) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)


def width(png: bytes) -> int:
    return struct.unpack(">I", png[16:20])[0]


@pytest.mark.parametrize("seed", range(20))
def test_the_surest_errors_are_taken(seed):
    rng = random.Random(seed)
    n = rng.randint(1, 200)
    labels, classes = ([rng.randrange(3) for _ in range(n)] for _ in range(2))
    confidence = [rng.randint(34, 100) / 100 for _ in range(n)]
    part = Part(np.zeros((n, 1, 1, 1), np.uint8), np.array(labels))
    predictions = Predictions(np.array(classes), np.array(confidence), np.array(confidence))
    wrong = [(-confidence[it], it) for it in range(n) if labels[it] != classes[it]]
    assert surest_errors(part, predictions, 5) == [it for _, it in sorted(wrong)[:5]]


@pytest.mark.parametrize("n", [1, 5, None])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
def test_no_text_of_the_errors_overlaps(names, shape, n):
    columns, rows = misclassified_grid(names)
    errors = [
        Misclassified(image_of(shape), names[it % len(names)], names[-1], 1 - it / 100)
        for it in range(n or columns * rows)
    ]
    figure = draw_misclassified(names, errors)
    assert faults_of(figure) == []
    assert len(figure.axes[0].images) == len(errors)
    assert width(to_png(figure)) == 1200


def test_an_error_is_shown_with_both_classes_and_its_confidence():
    error = Misclassified(image_of((8, 8, 1)), "cat", "dog", 0.876)
    figure = draw_misclassified(["cat", "dog"], [error])
    assert texts_of(figure) == ["✓ cat", "✗ dog", "88%"]
    assert np.array_equal(figure.axes[0].images[0].get_array(), error.image[..., 0])


def test_a_confidence_is_never_rounded_up_to_certainty():
    assert [write_confidence(it) for it in (0.104, 0.5, 0.986, 0.99, 0.9901, 1.0)] == [
        "10%", "50%", "99%", "99%", ">99%", ">99%",
    ]  # fmt: skip


@pytest.mark.parametrize("n_keys", [1, 8])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_no_text_of_the_augmentation_overlaps(shape, n_keys):
    images = [image_of(shape)] * 4
    rows = [Varied("train", "", images, images)]
    rows += [Varied("height_shift_range", "[0.1234, 10.25]", images, images)] * n_keys
    figure = draw_augmentation([*rows, Varied("augmentation", "", images, images)])
    assert faults_of(figure) == []
    assert len(figure.axes[0].images) == 8 * (n_keys + 2)
    assert width(to_png(figure)) == 1200


def pictures(folder) -> dict[str, bytes]:
    return {
        path.name: path.read_bytes()
        for path in (folder / "figures").iterdir()
        if path.stem in ("misclassified", "augmentation")
    }


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The place where `turned` was run; the tests go on with it in turn."""
    place = Place(tmp_path_factory.mktemp("place"))
    place.folder_of_run = place.run(SPEC).folder
    return place


@pytest.mark.slow
class TestKept:
    """What becomes of them in the life of a run."""

    def test_they_come_with_the_run_and_stay(self, place):
        folder = place.folder_of_run
        before = pictures(folder)
        assert before.keys() == {"misclassified.png", "augmentation.png"}
        record = read_record(folder)
        assert "](figures/misclassified.png)" in render_card(record, "pt")
        write_cards(folder, record, ["en", "pt"])
        assert pictures(folder) == before

    def test_they_show_the_surest_errors(self, place):
        folder, data = place.folder_of_run, place.data(SPEC)
        record = read_record(folder)
        test = data.open_test()
        kept = unpack_predictions((folder / "predictions" / "test.npz").read_bytes())
        wrong = [it for it in range(len(test)) if kept.classes[it] != test.labels[it]]
        assert len(wrong) == record.test.n - record.test.correct > 24
        surest = sorted(wrong, key=lambda it: (-kept.confidence[it], it))[:24]
        errors = [
            Misclassified(
                test.images[it], str(test.labels[it]), str(kept.classes[it]), kept.confidence[it]
            )
            for it in surest
        ]
        expected = to_png(draw_misclassified(list(data.classes), errors))
        assert pictures(folder)["misclassified.png"] == expected

    def test_what_is_gone_is_drawn_again_with_the_same_bytes(self, place):
        before, record = pictures(place.folder_of_run), read_record(place.folder_of_run)
        (place.folder_of_run / "figures" / "misclassified.png").unlink()
        (place.folder_of_run / "figures" / "augmentation.png").unlink()
        assert not place.run(SPEC).is_new
        assert pictures(place.folder_of_run) == before
        assert read_record(place.folder_of_run) == record

    def test_what_was_replaced_is_drawn_again(self, place):
        path = place.folder_of_run / "figures" / "misclassified.png"
        before = path.read_bytes()
        path.write_bytes(b"another picture")
        assert not place.run(SPEC).is_new
        assert path.read_bytes() == before

    def test_another_winner_has_others(self, place):
        before = pictures(place.folder_of_run)
        finished = place.run(SPEC, "search.trials=2")
        assert (finished.folder, finished.record.best.number) == (place.folder_of_run, 2)
        after = pictures(place.folder_of_run)
        assert after["augmentation.png"] == before["augmentation.png"]
        assert after["misclassified.png"] != before["misclassified.png"]
        # What is drawn now is what was kept.
        draw_pictures(RunFolder(finished.folder, finished.record), finished.record,
                      place.data(SPEC))  # fmt: skip
        pending = finished.folder / "pending"
        assert {path.name: path.read_bytes() for path in pending.iterdir()} == after

    def test_a_figure_of_an_earlier_winner_is_removed(self, place):
        record = read_record(place.folder_of_run)
        best = record.best.model_copy(update={"augmentation": {"fill_mode": "nearest"}})
        write_cards(place.folder_of_run, record.model_copy(update={"best": best}))
        assert pictures(place.folder_of_run).keys() == {"misclassified.png"}

    def test_a_sealed_test_part_shows_none_until_it_is_opened(self, place):
        text = SPEC.replace("turned", "sealed") + "evaluation: {test: sealed}\n"
        folder = place.run(text).folder
        assert pictures(folder).keys() == {"augmentation.png"}
        # A card that the spec does not ask for is written again, too.
        write_cards(folder, read_record(folder), ["en", "pt"])
        open_sealed(folder, place.load(text), lambda text: None, pytest.fail)
        record = read_record(folder)
        assert len(check_cards(folder, record)) == 2
        assert record.pictures.keys() == {"misclassified", "augmentation"}
        assert pictures(folder).keys() == {"misclassified.png", "augmentation.png"}
