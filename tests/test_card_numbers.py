"""Every number of the cards of a real run, computed again from what it kept by other code.

The predictions and the journal are read here with NumPy, json and scikit-learn alone; the card is
read as the Markdown that people see.
"""

from __future__ import annotations

import json
import math
import re
import statistics
from fractions import Fraction
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn.metrics
from cards import body_of, foreign_bits, front_matter
from command_line import call
from experiments import Place
from scipy.stats import binom, t
from sklearn.datasets import load_digits

from lenetml.report.checking import check_cards
from lenetml.spec.datasets import NAMED

pytestmark = pytest.mark.slow

SHARED = """\
seed: 4
data: {dataset: digits, split: {train: 300, val: 150, test: 200}}
evaluation: {seeds: 5}
energy: {country: BRA}
"""
BASELINE = f"""\
name: plain
title: A plain layer
{SHARED}
architecture: [flatten, dense: {{units: 10, activation: relu}}]
training: {{epochs: 2, learning_rate: 0.01}}
"""
SPEC = f"""\
name: numbers
{SHARED}
search_space:
  rate: {{values: [0.001, 0.01, 0.03]}}
  kind: {{values: [relu, tanh]}}
augmentation: {{width_shift_range: 0.3, zoom_range: 0.1, shear_range: 0.4}}
architecture: [flatten, dense: {{units: 24, activation: $kind}}]
training: {{epochs: 3, learning_rate: $rate}}
search: {{strategy: random, trials: 4, baseline: plain.yaml}}
card: {{languages: [en, pt], license: mit}}
"""
N = 200
UNITS = {"kWh": 1.0, "Wh": 1e-3, "mWh": 1e-6}


class Card:
    """A card as its tables, by the cells of a row's first column and the heading above."""

    def __init__(self, text: str) -> None:
        self.text = text.replace("\u00a0", " ")
        self.parts = dict(re.findall(r"^#+ (.+)\n((?:(?!#).*\n)*)", body_of(self.text), flags=re.M))

    def rows(self, part: str) -> list[list[str]]:
        lines = [line for line in self.parts[part].splitlines() if line.startswith("|")]
        return [[cell.strip(" *") for cell in line.strip("|").split("|")] for line in lines]

    def row(self, part: str, first: str) -> list[str]:
        return next(row[1:] for row in self.rows(part) if row[0].startswith(first))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    place = Place(tmp_path_factory.mktemp("numbers"))
    place.write(BASELINE)
    place.run(SPEC)
    return place


@pytest.fixture(scope="module")
def run(place: Place) -> Path:
    return next(place.out.glob("numbers-*"))


@pytest.fixture(scope="module")
def plain(place: Place) -> Path:
    return next(place.out.glob("plain-*"))


@pytest.fixture(scope="module")
def card(run: Path) -> Card:
    return Card((run / "card.en.md").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def labels(place: Place) -> dict[str, Any]:
    """The true classes of validation and test: the only thing that the run did not keep."""
    data = place.data(SPEC)
    return {"val": data.val.labels, "test": data.open_test().labels}


def events(run: Path, kind: str) -> list[dict[str, Any]]:
    lines = (run / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    found = [json.loads(line.split(" ", 1)[1]) for line in lines]
    return [event for event in found if event["event"] == kind]


def classes(run: Path, name: str) -> Any:
    with np.load(run / "predictions" / f"{name}.npz") as kept:
        return kept["classes"].astype(int)


def loss(run: Path, name: str) -> float:
    with np.load(run / "predictions" / f"{name}.npz") as kept:
        return float(kept["true_surprise"].mean()) / 10_000


def wilson(correct: int, n: int) -> tuple[float, float]:
    share, z = correct / n, 1.959963984540054
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return middle - half, middle + half


def paired(truth: Any, this: Any, other: Any) -> tuple[int, int, float]:
    """Images that one of two gets right, and twice the binomial tail of the smaller number."""
    here = sum(bool(a == y != b) for y, a, b in zip(truth, this, other, strict=True))
    there = sum(bool(b == y != a) for y, a, b in zip(truth, this, other, strict=True))
    n = here + there
    tail = sum(Fraction(math.comb(n, k), 2**n) for k in range(min(here, there) + 1))
    return here, there, float(min(Fraction(1), 2 * tail))


def p_value(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"


def test_the_data_are_those_that_are_counted(card: Card, labels: dict[str, Any]) -> None:
    pool = np.bincount(load_digits().target)
    for name in NAMED["digits"].classes:
        train, val, test = map(int, card.row("Data", name))
        assert val == (labels["val"] == int(name)).sum()
        assert test == (labels["test"] == int(name)).sum()
        assert train + val + test <= pool[int(name)]
    assert card.row("Data", "Total") == ["300", "150", "200"]
    assert card.row("Data", "Unused examples") == [f"{1797 - 650:,}"]


def test_results_are_those_of_the_predictions(
    card: Card, run: Path, labels: dict[str, Any]
) -> None:
    winner = events(run, "finished")[-1]["winner"]
    for first, name, part in (
        ("Test", "test", "test"), ("Validation", f"trial-{winner:03d}", "val"),
    ):  # fmt: skip
        truth, found = labels[part], classes(run, name)
        correct = int((truth == found).sum())
        precision, recall, f1, _ = sklearn.metrics.precision_recall_fscore_support(
            truth, found, average="weighted", zero_division=0
        )
        interval = "{:.4f} to {:.4f}".format(*wilson(correct, N)) if part == "test" else "—"
        *row, shown_loss = card.row("Results", first)
        assert row == [
            str(len(truth)), str(correct), f"{correct / len(truth):.4f}", interval,
            f"{precision:.4f}", f"{recall:.4f}", f"{f1:.4f}",
        ]  # fmt: skip
        assert float(shown_loss) == pytest.approx(loss(run, name), abs=2e-4)


def test_classes_and_confusions_are_those_of_the_predictions(
    card: Card, run: Path, labels: dict[str, Any]
) -> None:
    truth, found = labels["test"], classes(run, "test")
    report = sklearn.metrics.classification_report(
        truth, found, output_dict=True, zero_division=np.nan
    )
    for name in NAMED["digits"].classes:
        wanted = report[name]
        assert card.row("Results by class", name) == [
            *("—" if math.isnan(wanted[key]) else f"{wanted[key]:.4f}"
              for key in ("precision", "recall", "f1-score")),
            f"{wanted['support']:.0f}",
        ]  # fmt: skip
    whole = sklearn.metrics.classification_report(truth, found, output_dict=True, zero_division=0)
    for first, key in (("Macro average", "macro avg"), ("Weighted average", "weighted avg")):
        assert card.row("Results by class", first)[:3] == [
            f"{whole[key][each]:.4f}" for each in ("precision", "recall", "f1-score")
        ]
    matrix = sklearn.metrics.confusion_matrix(truth, found)
    told = re.findall(
        r"^1\. Examples of (\d) classified as (\d): (\d+) of (\d+) \((.+)%\)$",
        card.parts["Confusion matrix"], flags=re.M,
    )  # fmt: skip
    off = matrix - np.diag(np.diag(matrix))
    assert [int(n) for *_, n, _, _ in told] == sorted(off[off > 0].tolist(), reverse=True)[:5]
    for true, predicted, n, support, share in told:
        assert int(n) == matrix[int(true), int(predicted)]
        assert int(support) == matrix[int(true)].sum()
        assert float(share) == pytest.approx(100 * int(n) / int(support), abs=0.0501)


def test_trials_are_those_of_the_journal(card: Card, run: Path, labels: dict[str, Any]) -> None:
    ended = {event["record"]["number"] for event in events(run, "trial_ended")}
    rows = [row for row in card.rows("Trials") if row[0].isdigit()]
    assert [int(row[0]) for row in rows] == sorted(ended) == [1, 2, 3, 4]
    shares = np.bincount(labels["val"]) / len(labels["val"])
    for row in rows:
        found = classes(run, f"trial-{int(row[0]):03d}")
        correct = int((found == labels["val"]).sum())
        assert row[4] == f"{correct / 150:.4f}"
        p = binom.sf(correct - 1, 150, shares.max()) * 4
        assert ("not distinguishable from guessing" in row[-1]) == (p > 0.05)


def test_what_the_trials_say_together(card: Card, run: Path) -> None:
    rows = [row for row in card.rows("Trials") if row[0].isdigit()]
    accuracy = [float(row[4]) for row in rows]
    orders = list(permutations(accuracy))
    expected = [row for row in card.rows("Expected best of fewer trials") if row[0].isdigit()]
    assert [int(row[0]) for row in expected] == [1, 2, 4]
    for k, shown in expected:
        mean = statistics.fmean(max(order[: int(k)]) for order in orders)
        assert float(shown) == pytest.approx(mean, abs=1.5e-4)
    # Below ten trials, a correlation says nothing.
    assert card.row("Hyperparameter importance", "`rate`") == ["4", "—", "—"]


def test_the_runner_up_is_compared_on_validation(
    card: Card, run: Path, labels: dict[str, Any]
) -> None:
    winner = events(run, "finished")[-1]["winner"]
    ours = classes(run, f"trial-{winner:03d}")
    others = {n: classes(run, f"trial-{n:03d}") for n in range(1, 5) if n != winner}
    tests = {n: paired(labels["val"], ours, theirs) for n, theirs in others.items()}
    alike = [n for n, (_, _, p) in tests.items() if p >= 0.05]
    facts = card.parts["Facts from the record"]
    told = re.search(
        r"best of the others, trial (\d), .*: .*: (\d+); .*: (\d+) \(.*, p (.*)\)\.", facts
    )
    if told:
        here, there, p = tests[int(told[1])]
        assert told.groups()[1:] == (str(here), str(there), p_value(p))
        best = max((others[n] == labels["val"]).sum() for n in others)
        assert (others[int(told[1])] == labels["val"]).sum() == best
    assert bool(told) == (bool(alike) and _runner_up(others, labels["val"]) & set(alike) != set())
    assert ("do not differ significantly" in facts) == (len(alike) > 1)


def _runner_up(others: dict[int, Any], truth: Any) -> set[int]:
    right = {n: int((found == truth).sum()) for n, found in others.items()}
    return {n for n in right if right[n] == max(right.values())}


def test_seeds_are_those_of_their_predictions(
    card: Card, run: Path, labels: dict[str, Any]
) -> None:
    found = [classes(run, f"test-seed-{number}") for number in range(1, 6)]
    accuracy = [float((each == labels["test"]).mean()) for each in found]
    rows = [row for row in card.rows("Spread of training") if row[0].startswith("`")]
    assert [row[2] for row in rows] == [f"{each:.4f}" for each in accuracy]
    deviation = statistics.stdev(accuracy)
    half = t.ppf(0.975, 4) * deviation / math.sqrt(5)
    assert card.row("Spread of training", "Test") == [
        "5", f"{statistics.fmean(accuracy):.4f}", f"{deviation:.4f}", f"±{half:.4f}",
    ]  # fmt: skip


def test_the_baseline_is_compared_on_the_same_images(
    card: Card, run: Path, plain: Path, labels: dict[str, Any]
) -> None:
    truth, ours, theirs = labels["test"], classes(run, "test"), classes(plain, "test")
    assert (theirs == classes(run, "test-plain")).all()
    here, there, p = paired(truth, ours, theirs)
    difference = 100 * ((ours == truth).mean() - (theirs == truth).mean())
    section = card.parts["Comparison with the baseline"].replace("\u2212", "-")
    assert f"gets right: {here}; that only the baseline does: {there} (exact McNemar" in section
    assert f"test, p {p_value(p)})." in section
    told = re.search(r"A plain layer:\n  a difference of (\S+) percentage points", section)
    assert told is not None and float(told[1]) == pytest.approx(difference, abs=0.00501)
    means = [
        [100 * float((classes(folder, f"test-seed-{i}") == truth).mean()) for i in range(1, 6)]
        for folder in (run, plain)
    ]
    errors = [statistics.variance(each) / 5 for each in means]
    # Welch and Satterthwaite, for two samples of five.
    degrees = 4 * sum(errors) ** 2 / sum(error**2 for error in errors)
    half = t.ppf(0.975, degrees) * math.sqrt(sum(errors))
    middle = statistics.fmean(means[0]) - statistics.fmean(means[1])
    told = re.search(r"differ by (\S+) percentage points \(95% interval (\S+) to (\S+), W", section)
    assert told is not None
    assert [float(each) for each in told.groups()] == pytest.approx(
        [middle, middle - half, middle + half], abs=0.00501
    )


def test_cost_is_the_sum_of_the_journal(card: Card, run: Path) -> None:
    trained = [
        event["record"] for event in (*events(run, "trial_ended"), *events(run, "execution_ended"))
    ]
    spent = events(run, "spent")[-1]
    images = sum(training["images_trained"] for training in trained)
    core_seconds = spent["core_seconds"] + sum(each["core_seconds"] for each in trained)
    part = "Energy and emissions"
    assert card.row(part, "Images trained") == [f"{images:,}"]
    assert card.row(part, "Processor time") == [f"{core_seconds:,.1f} s"]
    assert card.row(part, "Elapsed time") == [f"{spent['seconds']:,.1f} s"]
    # Four trials and five seeds of three epochs of 300 images each.
    assert images == 9 * 3 * 300


def energy_of(text: str) -> float:
    number, unit = text.split()
    return float(number.replace(",", "")) * UNITS[unit]


def test_energy_is_the_sum_of_its_parts(card: Card, run: Path) -> None:
    part = "Energy and emissions"
    rows = {row[0]: row[1] for row in card.rows(part)}
    if "Search" not in rows:
        pytest.skip("CodeCarbon measures nothing on this machine")
    total = energy_of(rows["Total"])
    stages = [rows[name] for name in ("Search", "Trainings under other seeds")]
    stages.append(rows["Evaluation and everything else"])
    parts = [rows[name] for name in ("CPU", "GPU", "RAM") if rows[name] != "—"]
    digits = 3 if "| measured |" in card.parts[part].splitlines()[-1] else 2
    for shown in (stages, parts):
        together = math.fsum(map(energy_of, shown))
        assert float(f"{together:.{digits - 1}e}") == pytest.approx(total, rel=1e-9)
    spent = events(run, "spent")[-1]["energy"]
    kwh = spent["cpu_kwh"] + spent["gpu_kwh"] + spent["ram_kwh"]
    evaluation = kwh - spent["search_kwh"] - spent["seeds_kwh"]
    wanted = [spent["search_kwh"], spent["seeds_kwh"], evaluation]
    near = 10.0 ** (1 - digits)
    assert list(map(energy_of, stages)) == pytest.approx(wanted, rel=near)
    assert total == pytest.approx(kwh, rel=near)
    core_seconds = {
        event["record"]["number"]: event["record"]["core_seconds"]
        for event in events(run, "trial_ended")
    }
    share = core_seconds[events(run, "finished")[-1]["winner"]] / sum(core_seconds.values())
    assert energy_of(rows["of which the chosen trial, by its share of processor time"]) == (
        pytest.approx(spent["search_kwh"] * share, rel=0.1)
    )
    pattern = r"Emissions: (\S+) (m?g) CO₂e, .* \(Brazil\), (\S+) g CO₂e/kWh"
    told = re.search(pattern, card.parts[part])
    assert told is not None
    grams = float(told[1]) * {"g": 1.0, "mg": 1e-3}[told[2]]
    assert grams == pytest.approx(kwh * float(told[3]), rel=2 * near)
    given = front_matter(card.text)["co2_eq_emissions"]
    assert given["emissions"] == pytest.approx(grams, rel=1e-9)
    assert given["geographical_location"] == "BRA"


def test_augmentation_that_cuts_digits_is_told(card: Card) -> None:
    # 0.3 of 8 pixels is more than two columns, and the digits fill the frame.
    told = re.search(r"ranges, (\S+)% of 300 training images", card.parts["Facts from the record"])
    assert told is not None and float(told[1]) > 50
    assert "less than one degree" in card.parts["Facts from the record"]


def test_both_cards_have_the_same_numbers(run: Path, card: Card) -> None:
    portuguese = Card((run / "card.pt.md").read_text(encoding="utf-8"))

    def numbers(card: Card, point: str, group: str) -> list[str]:
        # Versions have points in every language.
        apart = {"Reproducibility", "Reprodutibilidade"}
        text = "\n".join(part for name, part in card.parts.items() if name not in apart)
        text = re.sub(
            r"`[^`]*`|\]\([^)]*\)|<!--.*?-->|```.*?```|\d(\.\d+){2}", " ", text, flags=re.S
        )
        tables = [line for line in text.splitlines() if line.startswith("|")]
        found = re.findall(r"[−+±]?\d[\d.,]*", "\n".join(tables))
        return [each.rstrip(".,").replace(group, "").replace(point, ".") for each in found]

    english = numbers(card, ".", ",")
    assert english == numbers(portuguese, ",", ".")
    assert len(english) > 200


def test_the_portuguese_card_is_portuguese(run: Path) -> None:
    text = (run / "card.pt.md").read_text(encoding="utf-8")
    # A title in no language at all is shown as it was given.
    assert foreign_bits(text.replace("A plain layer", "")) == []


def test_the_command_line_checks_the_cards(run: Path) -> None:
    check_cards(run, json_record(run))
    code, out, err = call(run, "card", ".", "--check")
    assert (code, out, err) == (
        0, "card.en.md agrees with record.json\ncard.pt.md agrees with record.json\n", "",
    )  # fmt: skip
    card = run / "card.en.md"
    before = card.read_bytes()
    card.write_bytes(before.replace(b"# Model card:", b"# Best model:"))
    try:
        code, out, err = call(run, "card", ".", "--check")
        assert (code, out) == (1, "")
        assert "found: '# Best model: numbers'\n" in err
        assert "to write it again: lenetml card .;" in err
        code, out, err = call(run, "card", ".", "--strict")
        assert (code, out) == (1, "card.en.md\ncard.pt.md\n")
        assert "    card.contact: contact\n" in err
        assert card.read_bytes() == before
    finally:
        card.write_bytes(before)


def json_record(run: Path) -> Any:
    from lenetml.record import read_record

    return read_record(run)


def test_the_snippet_of_the_card_names_classes(
    run: Path, card: Card, labels: dict[str, Any], place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(run)
    code = re.search(r"```python\n(.*?)```", card.text, flags=re.S)
    assert code is not None
    names: dict[str, Any] = {}
    exec(code[1], names)
    images = place.data(SPEC).open_test().images.astype("float32") / 255
    found = [int(name) for name in names["classify"](images)]
    assert found == classes(run, "test").tolist()
