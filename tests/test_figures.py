"""Figures: their size, their bytes, what overlaps in them at the extremes, and their words."""

from __future__ import annotations

import random
import re
import struct
from pathlib import Path

import numpy as np
import pytest
from figure_texts import faults_of, texts_of

from lenetml.record import ClassCounts, ClassMetrics, LayerRecord, Record
from lenetml.report.figures import listing
from lenetml.report.figures.architecture import draw_architecture
from lenetml.report.figures.classes import draw_class_counts
from lenetml.report.figures.confusion import draw_confusion, draw_errors
from lenetml.report.figures.curves import draw_learning_curves
from lenetml.report.figures.drawing import draw_figure
from lenetml.report.figures.pareto import Priced, pareto_front, priced_trials
from lenetml.report.figures.style import to_png
from lenetml.report.figures.tradeoff import draw_tradeoff
from lenetml.report.language import load_translations

CASES = Path(__file__).parent / "cases"
LANGUAGES = ("en", "pt")
CIFAR = [
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
]  # fmt: skip
CLASSES = {
    "two": ["no", "yes"],
    "digits": [str(digit) for digit in range(10)],
    "cifar": CIFAR,
    "letters": [chr(ord("A") + n) for n in range(26)],
    "twenty long": [f"a class with a very long name {n:02d}" for n in range(20)],
    "hundred": [f"class {n}" for n in range(100)],
    "hundred long": [f"a class with a name of 30 letter {n:02d}" for n in range(100)],
    "odd": ["$\\frac{", "健康", "a" * 300, "x\ny\u202e", "_$_^{}", ""],
}


def read(name: str) -> Record:
    return Record.model_validate_json((CASES / f"record{name}.json").read_bytes())


@pytest.fixture(scope="module")
def record() -> Record:
    return read("")


def translate(language: str):
    return load_translations(language).gettext


def size(png: bytes) -> tuple[int, int]:
    """Width and height, from the PNG's header."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", png[16:24])


def of_classes(record: Record, names: list[str], largest: int = 1000) -> Record:
    """A record with these classes; every fourth example of a class is taken for the next."""
    n, rng = len(names), random.Random(1)
    counts = [rng.randint(4, largest) for _ in names]
    confusion = [[0] * n for _ in names]
    for true, count in enumerate(counts):
        confusion[true][true] = count - count // 4
        confusion[true][(true + 1) % n] = count // 4
    metrics = [
        ClassMetrics(name=name, precision=None, recall=None, f1=None, support=count)
        for name, count in zip(names, counts, strict=True)
    ]
    correct = sum(confusion[true][true] for true in range(n))
    changes = {
        "per_class": metrics, "confusion": confusion, "n": sum(counts), "correct": correct,
    }  # fmt: skip
    parts = ClassCounts(train=[12 * it for it in counts], val=counts, test=counts)
    return record.model_copy(
        update={
            "test": record.test.model_copy(update=changes),
            "data": record.data.model_copy(update={"classes": names, "class_counts": parts}),
        }
    )


def of_trials(record: Record, sizes: list[tuple[int, float]]) -> Record:
    """A record of completed trials of these parameters and accuracies; the last one won."""
    first = record.trials[0]
    trials = [
        first.model_copy(
            update={
                "number": number,
                "parameters": parameters,
                "val": first.val.model_copy(update={"accuracy": accuracy}),
            }
        )
        for number, (parameters, accuracy) in enumerate(sizes, 1)
    ]
    best = record.best.model_copy(update={"number": len(sizes)})
    return record.model_copy(update={"trials": trials, "best": best})


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["", "-more", "-sealed"])
def test_every_figure_is_1200_pixels_wide_and_has_the_same_bytes_again(
    name: str, language: str
) -> None:
    record, gettext = read(name), translate(language)
    drawn = listing.list_figures(record, language, gettext).keys() - listing.KEPT
    assert len(drawn) == (4 if name == "-sealed" else 6)
    for figure in drawn:
        first, again = (draw_figure(figure, record, language, gettext) for _ in range(2))
        assert first == again, figure
        assert size(first)[0] == 1200, figure
        assert b"Software" not in first, figure


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["", "-more", "-sealed"])
def test_no_text_of_a_usual_record_overlaps(name: str, language: str) -> None:
    record, gettext = read(name), translate(language)
    chosen = record.trials[2]
    for figure in (
        draw_learning_curves(chosen, language, gettext),
        draw_tradeoff(record, language, gettext),
        draw_architecture(record, language, gettext),
        draw_class_counts(record.data, language, gettext),
    ):
        assert faults_of(figure) == []


def test_figures_with_words_differ_by_language(record: Record) -> None:
    for figure in listing.NAMES - listing.KEPT:
        drawn = [draw_figure(figure, record, it, translate(it)) for it in LANGUAGES]
        assert drawn[0] != drawn[1], figure


def test_figures_leave_the_users_settings_alone(record: Record) -> None:
    import matplotlib

    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "black"}):
        styled = to_png(draw_learning_curves(record.trials[2], "en", translate("en")))
        assert matplotlib.rcParams["font.size"] == 30
    assert styled == to_png(draw_learning_curves(record.trials[2], "en", translate("en")))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("largest", [5, 90_000])
@pytest.mark.parametrize("names", CLASSES.values(), ids=CLASSES)
def test_no_text_of_the_classes_overlaps(
    record: Record, names: list[str], largest: int, language: str
) -> None:
    changed, gettext = of_classes(record, names, largest), translate(language)
    for figure in (
        draw_confusion(changed.test, language, gettext),
        draw_errors(changed.test, language, gettext),
        draw_class_counts(changed.data, language, gettext),
    ):
        assert faults_of(figure) == []


@pytest.mark.parametrize("names", [CLASSES["digits"], CLASSES["letters"]], ids=["10", "26"])
def test_every_class_and_count_is_written_where_there_is_room(
    record: Record, names: list[str]
) -> None:
    changed = of_classes(record, names)
    texts = texts_of(draw_errors(changed.test, "en", translate("en")))
    assert set(names) <= set(texts)
    errors = [
        n
        for true, row in enumerate(changed.test.confusion)
        for predicted, n in enumerate(row)
        if n and true != predicted
    ]
    assert sorted(int(it) for it in texts if it not in names and it.isdecimal() and int(it)) == (
        sorted(n for n in errors) if names[0] == "A" else sorted(n for n in errors if n > 9)
    )
    bars = texts_of(draw_class_counts(changed.data, "en", translate("en")))
    assert {f" {n:,}" for n in changed.data.class_counts.train} <= set(bars)


def test_the_diagonal_of_the_errors_is_blank(record: Record) -> None:
    figure = draw_errors(record.test, "en", translate("en"))
    shown = np.ma.filled(figure.axes[0].images[0].get_array(), np.nan)
    assert np.isnan(np.diag(shown)).all()
    expected = np.array(record.test.confusion) / np.sum(record.test.confusion, axis=1)[:, None]
    off = ~np.eye(len(shown), dtype=bool)
    assert np.allclose(shown[off], expected[off], rtol=0, atol=1e-12)
    assert figure.axes[0].images[0].norm.vmax == pytest.approx(expected[off].max(), abs=1e-12)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("epochs", [1, 2, 300])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e300])
def test_no_text_of_the_curves_overlaps(
    record: Record, epochs: int, scale: float, language: str
) -> None:
    history = {
        key: [scale / (n + 1) if "loss" in key else n / (n + 2) for n in range(epochs)]
        for key in ("loss", "val_loss", "accuracy", "val_accuracy")
    }
    trial = record.trials[2].model_copy(update={"history": history, "best_epoch": epochs})
    assert faults_of(draw_learning_curves(trial, language, translate(language))) == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("spread", [1, 1.0001, 1.5, 9, 40, 300, 5_000, 1e6])
@pytest.mark.parametrize("n", [1, 300])
def test_no_text_of_size_against_accuracy_overlaps(
    record: Record, n: int, spread: float, language: str
) -> None:
    rng = random.Random(2)
    sizes = [(round(9_137 * spread ** rng.random()), rng.random()) for _ in range(n - 1)]
    changed = of_trials(record, [*sizes, (round(9_137 * spread), 0.97)])
    figure = draw_tradeoff(changed, language, translate(language))
    assert faults_of(figure) == []
    numbers = [it for it in texts_of(figure) if re.fullmatch(r"[\d.,]+", it)]
    assert len(numbers) >= 4


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("n", [1, 7, 23, 24, 59, 60, 1000])
def test_no_text_of_the_architecture_overlaps(record: Record, n: int, language: str) -> None:
    kinds = ["separable_conv2d", "batch_normalization", "global_pooling2d", "dense"]
    layers = [
        LayerRecord(
            layer=kinds[it % 4], output_shape=[224, 224, 1024], parameters=12_345_678, macs=0
        )
        for it in range(n)
    ]
    inner = {"layers": [{"residual": {"layers": [{"conv2d": {}}]}}, {"dropout": {}}]}
    layers[0] = layers[0].model_copy(update={"layer": "residual", "arguments": inner})
    best = record.best.model_copy(update={"architecture": layers})
    changed = record.model_copy(update={"best": best})
    figure = draw_architecture(changed, language, translate(language))
    assert faults_of(figure) == []
    texts = texts_of(figure)
    assert [it for it in texts if it.startswith("↳")] == ["↳ residual", "↳ ↳ conv2d", "↳ dropout"]
    assert any("⋮ (+" in it for it in texts) == (n > 55)


def brute_front(trials: list[Priced]) -> set[int]:
    """The trials that no other one beats, by comparing all with all; of equal ones the first."""

    def beats(one: Priced, other: Priced) -> bool:
        at_least = one.cost <= other.cost and one.accuracy >= other.accuracy
        same = (one.cost, one.accuracy) == (other.cost, other.accuracy)
        return at_least and (not same or one.number < other.number)

    return {it.number for it in trials if not any(beats(other, it) for other in trials)}


@pytest.mark.parametrize("seed", range(50))
def test_the_pareto_front_is_that_of_comparing_all_with_all(seed: int) -> None:
    rng = random.Random(seed)
    n = rng.randint(1, 60)
    trials = [Priced(it, rng.randint(1, 12), rng.randint(0, 12) / 12) for it in range(n)]
    front = pareto_front(trials)
    assert {it.number for it in front} == brute_front(trials)
    assert front == sorted(front, key=lambda it: it.cost)


def test_priced_trials_are_completed_and_have_the_mean_of_their_trainings(record: Record) -> None:
    assert [(it.number, it.cost) for it in priced_trials(record)] == [
        (1, 20_734), (3, 142_204), (4, 20_684),
    ]  # fmt: skip
    more = {it.number: it.accuracy for it in priced_trials(read("-more"))}
    means = {it.number: it.objective for it in read("-more").trials if it.status == "completed"}
    assert more.keys() == means.keys()
    assert more == pytest.approx(means, abs=1e-9)


def numbers_in(text: str) -> list[float]:
    plain = re.sub(r"conv2d|(?<=\d),(?=\d{3})", "", text)
    return [float(it) for it in re.findall(r"\d+(?:\.\d+)?", plain)]


def test_alternative_texts_have_the_numbers_of_the_record(record: Record) -> None:
    shown = listing.list_figures(record, "en", translate("en"))
    test, best, counts = record.test, record.best, record.data.class_counts
    matrix = np.array(test.confusion)
    wrong = int(matrix.sum() - np.trace(matrix))
    shares = matrix / matrix.sum(axis=1, keepdims=True)
    np.fill_diagonal(shares, 0)
    most = max(layer.parameters for layer in best.architecture)
    spans = [bound for part in (counts.train, counts.val, counts.test) for bound in
             (min(part), max(part))]  # fmt: skip
    assert {name: numbers_in(it.alt) for name, it in shown.items()} == {
        "architecture": [*record.data.input_shape, len(best.architecture), best.parameters, most],
        "class-counts": spans,
        "learning-curves": [best.best_epoch, best.val.accuracy],
        "accuracy-parameters": [3, 3, best.val.accuracy, best.parameters],
        "augmentation": [],
        "confusion-matrix": [test.correct, test.n, wrong],
        "confusion-errors": [wrong, round(100 * shares.max(), 1)],
        "misclassified": [12, wrong],
    }
    assert "leaf\\_spot \\| late were classified as leaf\\_spot \\| early" in (
        shown["confusion-errors"].alt
    )


def test_the_record_alone_decides_which_figures_there_are(record: Record) -> None:
    def names(changed: Record) -> set[str]:
        return set(listing.list_figures(changed, "en", translate("en")))

    assert names(record) == listing.NAMES
    tested = {listing.CONFUSION, listing.ERRORS, listing.MISCLASSIFIED}
    assert names(record.model_copy(update={"test": None})) == listing.NAMES - tested
    best = record.best.model_copy(update={"augmentation": {"fill_mode": "reflect"}})
    assert names(record.model_copy(update={"best": best})) == listing.NAMES - {listing.AUGMENTATION}
    diagonal = [
        [sum(row) if true == n else 0 for n in range(len(row))]
        for true, row in enumerate(record.test.confusion)
    ]
    perfect = record.test.model_copy(
        update={"confusion": diagonal, "correct": record.test.n, "accuracy": 1.0}
    )
    assert names(record.model_copy(update={"test": perfect})) == listing.NAMES - {
        listing.ERRORS, listing.MISCLASSIFIED,
    }  # fmt: skip
    fixed = record.search.model_copy(update={"strategy": None})
    assert listing.TRADEOFF not in names(record.model_copy(update={"search": fixed}))
    alone = record.model_copy(update={"trials": [record.trials[2]]})
    assert listing.TRADEOFF not in names(alone)
