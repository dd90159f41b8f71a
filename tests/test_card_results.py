"""What a card says of results, energy and time, and where there are none."""

from __future__ import annotations

import re

import pytest
from cards import LANGUAGES, RECORDS, cells, front_matter, prose

from lenetml.record import MeanDifference, Record
from lenetml.report.card import render_card


@pytest.fixture(scope="module")
def record() -> Record:
    return RECORDS[""]


@pytest.fixture(scope="module")
def more() -> Record:
    return RECORDS["-more"]


@pytest.fixture(scope="module")
def sealed() -> Record:
    return RECORDS["-sealed"]


def test_a_winner_on_validation_is_called_selected_and_has_no_interval(record: Record) -> None:
    rows = [row for row in render_card(record, "en").splitlines() if "optimistic)" in row]
    assert rows == [
        "| Validation (selected: best of 3 trials and 28 epochs, optimistic) | 480 | 414 | 0.8625 "
        "| — | 0.8004 | 0.8625 | 0.8285 | 0.4021 |"
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_measured_is_said_with_its_reason(record: Record, language: str) -> None:
    bare = record.model_copy(
        update={
            "test": None,
            "test_reason": "sealed",
            "energy": None,
            "energy_reason": "switched off in the spec",
            "baselines": [],
        }
    )
    card = render_card(bare, language)
    reasons = {
        "en": (
            "The chosen model was not evaluated on the test set (the spec keeps it sealed).",
            "switched off in the spec",
        ),
        "pt": (
            "O modelo escolhido não foi avaliado no conjunto de teste (a especificação o mantém "
            "lacrado).",
            "A energia não é informada: medição desligada na especificação.",
        ),
    }
    assert all(reason in card for reason in reasons[language])
    assert not {"model-index", "co2_eq_emissions"} & set(front_matter(card))
    assert "confusion-matrix" not in card
    assert "Wh" not in prose(card)


@pytest.mark.parametrize(
    ("cpu", "gpu", "total", "rows"),
    [
        (
            "measured with RAPL", "measured with NVML", "measured",
            ("CPU | 1.23 Wh | medida", "GPU | 45.7 Wh | medida", "47.8 Wh | valor medido"),
        ),
        (
            "estimated as half of an assumed power of 65 W", "measured with NVML", "estimated",
            ("CPU | 1.2 Wh | estimada", "GPU | 45.7 Wh | medida", "48 Wh | valor estimado"),
        ),
        (
            "measured with RAPL", "no GPU", "measured",
            ("CPU | 1.23 Wh | medida", "GPU | — | sem GPU", "47.8 Wh | valor medido"),
        ),
    ],
)  # fmt: skip
def test_each_part_of_the_energy_has_its_own_digits(
    record: Record, cpu: str, gpu: str, total: str, rows: tuple[str, ...]
) -> None:
    energy = record.energy.model_copy(
        update={
            "cpu_kwh": 0.001234, "gpu_kwh": 0.045678, "ram_kwh": 0.000877, "kwh": 0.047789,
            "method": total, "cpu_method": cpu, "gpu_method": gpu,
        }
    )  # fmt: skip
    card = render_card(record.model_copy(update={"energy": energy}), "pt").replace("\u00a0", " ")
    for row in (*rows, "RAM | 0.88 Wh | estimada"):
        assert f"| {re.sub(r'(?<=[0-9])[.](?=[0-9])', ',', row)}" in card.replace("**", "")


def test_seeds_give_a_mean_and_its_interval(more: Record) -> None:
    card = render_card(more, "en")
    # Of 412, 405, 416, 409 right of 480 and 407, 403, 414, 404 of 464; t is 3.182 for 3 degrees.
    optimistic = "Validation (best epoch of each, optimistic)"
    assert cells(card, optimistic)[-1][1:] == ["4", "0.8552", "0.0097", "—"]
    assert cells(card, "Test")[-1][1:] == ["4", "0.8772", "0.0107", "±0.0170"]
    assert cells(card, "`3003`") == [
        ["`3003`", "—", "—", "—", "3", "14\u00a0s", "diverged: the loss was not finite"]
    ]
    assert "they served to choose neither weights nor seed.\n" in card
    assert cells(card, "Trainings under other seeds")[0][1] == "1.90\u00a0Wh"


def test_seeds_that_were_tested_later_are_told(more: Record) -> None:
    last = more.seeds[-1]
    late = last.model_copy(update={"test": last.test.model_copy(update={"look": 3})})
    added = more.model_copy(update={"seeds": [*more.seeds[:-1], late]})
    sentence = "Some of these trainings were tested later than the chosen model: look number 3.\n"
    assert sentence in render_card(added, "en")
    assert "tested later" not in render_card(more, "en")


def test_one_seed_has_no_spread(sealed: Record) -> None:
    card = render_card(sealed, "en")
    optimistic = "Validation (best epoch of each, optimistic)"
    assert cells(card, optimistic)[-1][1:] == ["1", "0.8583", "—", "—"]
    assert "Student's t" not in card
    assert "The spread of training was not measured.\n" in card


def test_a_sealed_test_set_is_told_wherever_a_result_would_stand(sealed: Record) -> None:
    card = render_card(sealed, "en")
    sentence = "The chosen model was not evaluated on the test set (the spec keeps it sealed).\n"
    parts = dict(re.findall(r"^#+ (.+)\n((?:(?!#).*\n)*)", card, flags=re.M))
    for name in (
        "Test data", "Results", "Results by class", "Confusion matrix",
        "Comparison with the baseline",
    ):  # fmt: skip
        assert sentence in parts[name], name
    assert cells(card, "`3001`")[0][2] == "not evaluated"
    assert [row[1:] for row in cells(card, "Test (not evaluated)")] == [
        ["464", *"———————"], [*"————"],
    ]  # fmt: skip
    baseline = cells(card, "**LeafNet \\#2: a &lt;small&gt; network**")[0]
    assert baseline[1:4] == ["not evaluated", "—", "—"]
    assert "Test accuracy 0" not in card
    assert "McNemar" not in card


def test_what_was_found_before_more_trials_stays(more: Record, record: Record) -> None:
    card = render_card(more, "en")
    found = card[card.index("### Earlier tests") :].splitlines()[6]
    assert found == ("| 3 | 1 | 0.8664 | 0.8324 to 0.8943 | 402 | 464 | 1 | November 20, 2026 |")
    assert "This was look number 2 at this test set" in card
    assert "### Earlier tests" not in render_card(record, "en")


def test_continuations_are_listed_with_what_changed(more: Record, record: Record) -> None:
    card = render_card(more, "pt")
    assert "O experimento foi retomado 2 vezes, após uma interrupção ou" in card
    assert cells(card, "`2026-11-20T11:20:05+00:00`")[0][1:] == ["nenhuma", "0"]
    assert cells(card, "`2026-11-21T08:03:44+00:00`")[0][1:] == [
        "keras 3.15.1 → 3.16.0, ray nenhuma → 2.52.0", "2",
    ]  # fmt: skip
    assert "Foram mantidos os valores escolhidos inicialmente." in card
    once = more.search.model_copy(update={"continuations": more.search.continuations[:1]})
    card = render_card(more.model_copy(update={"search": once}), "en")
    assert "The experiment went on 1 time, after an interruption or" in card
    assert "The values that were chosen first were kept." not in card
    assert "### Continuations" not in render_card(record, "en")


def test_a_time_that_nobody_knows_is_no_zero(more: Record, record: Record) -> None:
    sentence = "whose processor time nobody knows"
    assert f"{sentence}, because a process ended early, and which are not in the sum: 2." in (
        render_card(more, "en")
    )
    assert sentence not in render_card(record, "en")
    assert not re.search(r"\| 0[.,]0\u00a0s \|", render_card(more, "en"))


def test_the_time_says_what_it_counts(record: Record) -> None:
    without = record.model_copy(update={"baselines": [], "energy": None})
    assert (
        "Search and evaluation took 1 h 03 min.\nLoading the data is not counted.\n"
    ) in render_card(without, "en").replace("\u00a0", " ")


def test_a_spec_is_better_only_by_five_seeds_of_each(more: Record) -> None:
    unknown = (
        "  Whether one spec is better than the other is not known. The spread of training was %s: "
        "that takes five tested seeds of each (this spec: %d; the baseline's: 5).\n"
    )
    card = render_card(more, "en")
    assert unknown % ("measured with too few seeds to compare", 4) in card
    assert card.count("- The original LeafNet:\n  a difference of +4.53 percentage points") == 1
    one = more.model_copy(update={"seeds": more.seeds[:1]})
    assert unknown % ("not measured", 1) in render_card(one, "en")
    difference = MeanDifference(
        n_this=5, n_other=6, difference_pp=4.256, interval_pp=[-0.123, 8.635]
    )
    baseline = more.baselines[0].model_copy(update={"mean_difference": difference})
    known = more.model_copy(update={"baselines": [baseline, *more.baselines[1:]]})
    assert (
        "  Com 5 sementes desta especificação e 6 da linha de base, as acurácias "
        "médias no teste diferem em +4,26 p.p. (intervalo de 95% de Welch: \u22120,12 a +8,64; não "
        "considera outras imagens).\n"
    ) in render_card(known, "pt")


def test_stages_of_the_energy_make_the_total(record: Record) -> None:
    parts = {"search": 0.445e-3, "seeds": 0.0, "evaluation": 0.445e-3, "kwh": 0.89e-3}
    energy = record.energy.model_copy(update=parts | {"method": "estimated"})
    card = render_card(record.model_copy(update={"energy": energy}), "en").replace("\u00a0", " ")
    shown = [cells(card, name)[0][1] for name in ("Search", "Evaluation and everything else")]
    assert sorted(shown) == ["0.44 Wh", "0.45 Wh"]
    assert cells(card, "**Total**")[-1][1] == "0.89 Wh"
