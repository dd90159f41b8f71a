"""Whole runs compared by the command line, with numbers recomputed from labels and predictions."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import scipy.stats
from command_line import call
from experiments import RATES, Place
from sklearn.metrics import precision_recall_fscore_support

from lenetml.trial.evaluate import unpack_predictions

pytestmark = pytest.mark.slow

SPECS = {
    "lenet": "seed: 5",
    "wide": "seed: 5\ntitle: {en: Wide, pt: Larga}",
    "padoca": "seed: 6\ntitle: PadocaNet\nevaluation: {test: sealed}",
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A place with three small runs; two of them have the same test part and five seeds each."""
    place = Place(tmp_path_factory.mktemp("compared"))
    found = {}
    for name, changes in SPECS.items():
        text = RATES.replace("name: rates", f"name: {name}").replace("seed: 5", changes)
        if name == "wide":
            text = text.replace("units: 12", "units: 24")
        if "sealed" not in changes:
            text += "evaluation: {seeds: 5}\n"
        found[name] = place.run(text)
    return place, found


def folders(runs):
    return [run.folder for run in runs[1].values()]


def labels_and_classes(runs, name):
    """True classes from the data, predicted ones from the kept file."""
    place, found = runs
    text = (found[name].folder / "spec.yaml").read_text()
    labels = place.data(text).open_test().labels
    kept = (found[name].folder / "predictions" / "test.npz").read_bytes()
    return labels, unpack_predictions(kept).classes


def test_numbers_are_those_of_predictions_and_labels(runs):
    place, _ = runs
    code, out, err = call(place.folder, "compare", *folders(runs), "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    labels, ours = labels_and_classes(runs, "lenet")
    _, theirs = labels_and_classes(runs, "wide")
    for run, classes in zip(document["runs"], (ours, theirs), strict=False):
        precision, recall, f1, _ = precision_recall_fscore_support(
            labels, classes, average="weighted", zero_division=0
        )
        test = run["test"]
        assert (test["n"], test["correct"]) == (len(labels), int((classes == labels).sum()))
        assert (test["precision"], test["recall"], test["f1"]) == pytest.approx(
            (precision, recall, f1)
        )
    here = int(((ours == labels) & (theirs != labels)).sum())
    there = int(((ours != labels) & (theirs == labels)).sum())
    p_value = min(1.0, 2 * scipy.stats.binom.cdf(min(here, there), here + there, 0.5))
    pair, *others = document["pairs"]
    assert pair["mcnemar"] == {
        "only_first_correct": here,
        "only_second_correct": there,
        "p_value": pytest.approx(p_value),
        "p_value_holm": None,
    }
    assert [other["same_images"] for other in others] == [None, None]


def test_seeds_are_those_of_the_kept_predictions(runs):
    place, found = runs
    _, out, _ = call(place.folder, "compare", *folders(runs), "--json")
    document = json.loads(out)
    accuracies = []
    for name, run in list(zip(found, document["runs"], strict=True))[:2]:
        labels, _ = labels_and_classes(runs, name)
        files = sorted((found[name].folder / "predictions").glob("test-seed-*.npz"))
        kept = [unpack_predictions(file.read_bytes()).classes for file in files]
        accuracies.append([float((classes == labels).mean()) for classes in kept])
        half_width = scipy.stats.t.ppf(0.975, 4) * scipy.stats.sem(accuracies[-1])
        assert run["seeds"]["n"] == 5
        assert run["seeds"]["mean"] == pytest.approx(np.mean(accuracies[-1]))
        assert run["seeds"]["half_width"] == pytest.approx(half_width)
    interval = scipy.stats.ttest_ind(*accuracies, equal_var=False).confidence_interval(0.95)
    found_interval = document["pairs"][0]["means"]["interval_pp"]
    assert found_interval == pytest.approx([100 * interval.low, 100 * interval.high])


def test_the_overview_of_three_runs(runs, tmp_path):
    """The columns of an overview that leads to the cards, in both languages."""
    place, found = runs
    tests = [run.record.test for run in found.values()]
    for language, head, title in (
        ("en", "| Model | Accuracy | Precision | Recall | F1-Score |", "Wide"),
        ("pt", "| Modelo | Acurácia | Precisão | Revocação | Medida F1 |", "Larga"),
    ):
        page = place.folder / f"overview.{language}.md"
        code, out, err = call(
            place.folder, "compare", *folders(runs), "--out", page, "--language", language
        )
        assert (code, err) == (0, "")
        table = page.read_text().partition(head)[2].splitlines()[1:5]
        names = [re.escape(name) for name in ("lenet", title, "PadocaNet")]
        for name, test, run, line in zip(names, tests, found.values(), table[1:], strict=True):
            values = [test.accuracy, test.precision, test.recall, test.f1] if test else []
            cells = [f"{value:.4f}" for value in values] or ["—"] * 4
            cells = [cell.replace(".", ",") if language == "pt" else cell for cell in cells]
            # Cards are in English where the spec asks for no other language.
            link = rf"\[{name}\]\(runs/{run.folder.name}/card\.(en|pt)\.md\)"
            assert re.fullmatch(r" \| ".join([rf"\| {link}", *cells]) + r" \|", line), line
        assert out.startswith(("OVERVIEW\nModel", "VISÃO GERAL\nModelo"))


def test_markdown_is_printed_as_it_is_written(runs):
    place, _ = runs
    out = call(place.folder, "compare", *folders(runs), "--out", "x.md", "--format", "markdown")[1]
    assert (place.folder / "x.md").read_text() == out


def test_nothing_in_the_runs_changes(runs):
    place, _ = runs
    before = {path: path.read_bytes() for path in place.out.rglob("*") if path.is_file()}
    call(place.folder, "compare", *folders(runs))
    assert {path: path.read_bytes() for path in place.out.rglob("*") if path.is_file()} == before


def test_a_page_that_cannot_be_written(runs):
    place, _ = runs
    code, out, err = call(place.folder, "compare", *folders(runs), "--out", "nowhere/x.md")
    assert (code, out) == (1, "")
    assert err == "lenetml: nowhere/x.md cannot be written: No such file or directory\n"
