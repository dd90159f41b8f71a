"""Cards: the golden pair, what both languages must share, and texts that want to break them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt

from lenetml.record import Record
from lenetml.report.card import drop_cards, render_card, write_cards

CASES = Path(__file__).parent / "cases"
LANGUAGES = ("en", "pt")
MARKDOWN = MarkdownIt().enable(["table", "strikethrough"])
ENGLISH = re.compile(
    r"\b(accuracy|and|any|are|baseline|batch|best|by|card|chosen|class|confusion|epochs?|estimated|"
    r"examples|for|from|images|interrupted|is|it|layer|learning|loss|measured|not|of|on|optimistic|"
    r"optimizer|or|parameters|precision|rate|run|search|seed|set|size|spec|split|support|test|that|"
    r"the|this|to|train(ed|ing)|trials?|validation|was|weight(s|ed)|were|with|without|yes)\b",
    re.IGNORECASE,
)
HOSTILE = (
    "x\n# h | <script>alert(1)</script>",
    "](javascript:alert(1)) [a](http://x) ![b](c)",
    "`code` ``` **bold** _x_ ~~s~~ $m$ &lt; <!-- --> -->",
    "\u202egnp\u200b.\x07\x1b[31m\u2028| a | b |\r\n|---|---|",
    "- [ ] 1. > = + {{ 7 * 7 }} {% raw %} %(n)s",
    "---\nlicense: none\n---",
    "https://example.org/`|<b>",
)


RECORDS = {
    name: Record.model_validate_json((CASES / f"record{name}.json").read_bytes())
    for name in ("", "-more", "-sealed")
}


@pytest.fixture(scope="module")
def record() -> Record:
    return RECORDS[""]


@pytest.fixture(scope="module")
def more() -> Record:
    """A search by several trainings a trial, confirmed, cut short, gone on with, with seeds."""
    return RECORDS["-more"]


@pytest.fixture(scope="module")
def sealed() -> Record:
    """A Hyperband search whose test part stays sealed."""
    return RECORDS["-sealed"]


def with_spec(record: Record, **changes: Any) -> Record:
    return record.model_copy(update={"spec": record.spec | changes})


def front_matter(card: str) -> dict[str, Any]:
    return yaml.safe_load(card.split("---\n")[1])


def prose(card: str) -> str:
    """A card without front matter, code, comments and addresses."""
    body = card.split("---\n", 2)[2]
    return re.sub(r"```.*?```|`[^`\n]*`|<!--.*?-->|<http[^>]*>|\]\([^)]*\)", " ", body, flags=re.S)


def outline(card: str) -> list[str]:
    """The kinds of all blocks in turn: what a hostile text would change."""
    return [token.type for token in MARKDOWN.parse(card.split("---\n", 2)[2])]


def tables(card: str) -> list[tuple[int, int]]:
    """Rows and columns of each table."""
    found = re.findall(r"(?:^\|.*\n)+", card, flags=re.M)
    return [
        (table.count("\n"), len(re.findall(r"(?<!\\)\|", table.splitlines()[0]))) for table in found
    ]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", RECORDS)
def test_a_card_is_what_was_reviewed(
    name: str, language: str, request: pytest.FixtureRequest
) -> None:
    golden = CASES / f"card{name}.{language}.md"
    card = render_card(RECORDS[name], language)
    if request.config.getoption("--rewrite"):
        golden.write_text(card, encoding="utf-8")
    assert card == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_both_languages_have_the_same_shape(record: Record) -> None:
    english, portuguese = (render_card(record, language) for language in LANGUAGES)
    levels = [re.findall(r"^#+", card, flags=re.M) for card in (english, portuguese)]
    assert levels[0] == levels[1]
    assert len(levels[0]) > 40
    assert tables(english) == tables(portuguese)


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_rows_have_the_columns_of_their_head(record: Record) -> None:
    for table in re.findall(r"(?:^\|.*\n)+", render_card(record, "pt"), flags=re.M):
        widths = {len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}
        assert len(widths) == 1, table


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_portuguese_has_decimal_commas_and_no_english(record: Record) -> None:
    own = {"citation": {"pt": "LeafNet"}, "references": "LeCun", "contact": "LeafNet"}
    spec = {"card": record.spec["card"] | own}
    text = prose(render_card(with_spec(record, **spec), "pt"))
    text = re.sub(r"\d+\.\d+\.\d+|Linux\S*", " ", text)
    assert re.findall(r"\d\.\d(?!\d\d)", text) == []
    assert [match[0] for match in ENGLISH.finditer(text)] == []
    assert "1.440" in text


def test_portuguese_decimals_are_those_of_the_record(record: Record) -> None:
    assert "0,8793" in prose(render_card(record, "pt"))


def test_accuracy_precision_and_recall_keep_their_names_apart(record: Record) -> None:
    card = render_card(record, "pt")
    assert "| Acurácia | Intervalo de 95% | Precisão (ponderada) | Revocação (ponderada) |" in card


@pytest.mark.parametrize(
    ("language", "mark"),
    [
        ("en", "*Not provided by the authors.*"),
        ("pt", "*Não informado pelos autores.*"),
    ],
)
def test_what_the_authors_left_out_is_marked_and_listed(
    record: Record, language: str, mark: str
) -> None:
    texts = {"title", "description", "card"}
    spec = {key: value for key, value in record.spec.items() if key not in texts}
    bare = record.model_copy(update={"spec": spec | {"card": {"languages": ["en"]}}})
    card = render_card(bare, language)
    hidden = re.findall(r"<!-- lenetml:missing (\S+) -->", card)
    listed = re.findall(r"^- .+ \(`(\S+)`\)$", card, flags=re.M)
    assert sorted(hidden) == sorted(listed)
    assert card.count(mark) == len(listed) == 14
    assert "leafnet\n" in card


def test_a_whole_card_misses_nothing(record: Record) -> None:
    use = {"primary_uses": "a", "primary_users": "b", "out_of_scope": "c"}
    ethics = {"data": "d", "risks": "e", "mitigations": "f"}
    card = record.spec["card"] | {"intended_use": use, "ethical_considerations": ethics}
    whole = with_spec(record, card=card)
    card = render_card(whole, "en")
    assert "lenetml:missing" not in card
    assert "None: the authors gave every text" in card


def test_a_text_in_another_language_is_marked_and_not_translated(record: Record) -> None:
    assert "Estudantes e professores. *(in Portuguese)*" in render_card(record, "en")
    assert "LeafNet, a small network for leaves, 2026." in render_card(record, "pt")
    assert "leafnet_2026> *(em inglês)*" in render_card(record, "pt")
    texts = {"factors": {"pt": ["luz", "idade"]}}
    listed = with_spec(record, card=record.spec["card"] | texts)
    assert "*(in Portuguese)*\n\n- luz\n- idade\n" in render_card(listed, "en")


def test_a_winner_on_validation_is_called_selected_and_has_no_interval(record: Record) -> None:
    rows = [row for row in render_card(record, "en").splitlines() if "optimistic" in row]
    assert rows == [
        "| Validation (selected: best of 3 trials and 28 epochs, optimistic) | 480 | 414 | 0.8625 "
        "| — | 0.8004 | 0.8625 | 0.8285 | 0.4021 |"
    ]


def test_one_candidate_is_counted_in_the_singular(record: Record) -> None:
    chosen = record.best.selected_from.model_copy(update={"trials": 1, "epochs": 1})
    best = record.best.model_copy(update={"selected_from": chosen})
    card = render_card(record.model_copy(update={"best": best}), "pt")
    assert "selecionada: a melhor entre 1 tentativa e 1 época, otimista" in card


def test_a_failed_trial_is_listed_without_a_number(record: Record) -> None:
    card = render_card(record, "en")
    assert (
        "| 2 | failed | `relu` | `0.25` | `2` | `0.0631` | `[false, false]` | `96` | — | — | 3 "
        "| 31,046 | 13\u00a0s | diverged: the loss was not finite |"
    ) in card


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


@pytest.mark.parametrize("loss", [1e17, 1e20, 1e300])
def test_a_huge_loss_is_written_with_an_exponent(
    record: Record, tmp_path: Path, loss: float
) -> None:
    chosen = record.trials[2]
    history = chosen.history | {"loss": [loss, *chosen.history["loss"][1:]]}
    trials = [
        trial.model_copy(update={"objective": loss, "history": history})
        if trial is chosen
        else trial
        for trial in record.trials
    ]
    huge = record.model_copy(update={"trials": trials})
    write_cards(tmp_path, huge)
    power = {1e17: "10¹⁷", 1e20: "10²⁰", 1e300: "10³⁰⁰"}[loss]
    for language in LANGUAGES:
        assert f"| 1\u00a0×\u00a0{power} |" in (tmp_path / f"card.{language}.md").read_text()


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


def test_cards_of_other_languages_are_dropped(record: Record, tmp_path: Path) -> None:
    write_cards(tmp_path, record)
    (tmp_path / "figures" / "mine.png").write_bytes(b"mine")
    card = record.spec["card"] | {"languages": ["pt"]}
    drop_cards(tmp_path, with_spec(record, card=card))
    assert {path.name for path in tmp_path.rglob("*.*")} == {
        "card.pt.md", "confusion-matrix.pt.png", "learning-curves.pt.png", "mine.png",
    }  # fmt: skip


def test_cards_that_are_there_are_not_written_again(record: Record, tmp_path: Path) -> None:
    write_cards(tmp_path, record)
    before = {path: path.stat() for path in tmp_path.rglob("*")}
    write_cards(tmp_path, record)
    after = {path: path.stat() for path in tmp_path.rglob("*")}
    inodes = [{path: it.st_ino for path, it in stats.items()} for stats in (before, after)]
    assert inodes[0] == inodes[1]


def cells_of(row: str) -> list[str]:
    return row.removeprefix("| ").removesuffix(" |").split(" | ")


def cells(card: str, first: str) -> list[list[str]]:
    """The rows of a table that begin with a cell, as their cells."""
    rows = [cells_of(row) for row in card.splitlines() if row.startswith("|")]
    return [row for row in rows if row[0] == first]


def change_best(record: Record, **changes: Any) -> Record:
    return record.model_copy(update={"best": record.best.model_copy(update=changes)})


def test_layers_are_shown_with_their_arguments_as_a_spec_writes_them(record: Record) -> None:
    conv = {"filters": 8, "kernel_size": [3, 5], "activation": "relu"}
    inner = [{"residual": {"layers": [{"flatten": {}}]}}, {"conv2d": conv}]
    layer = record.best.architecture[0].model_copy(
        update={"layer": "residual", "arguments": {"layers": inner}}
    )
    architecture = [record.best.architecture[2], layer]
    card = render_card(change_best(record, architecture=architecture), "en").replace("\u00a0", " ")
    table = card[card.index("| Layer |") : card.index("| **Total** |")]
    assert table.splitlines()[2:] == [
        "| `pooling2d` | `kind: average, pool_size: 2, strides: 2, padding: valid` | 14 × 14 × 6 "
        "| 0 | 0 |",
        "| `residual` | — | 28 × 28 × 6 | 456 | 352,800 |",
        "| ↳ `residual` | — | — | — | — |",
        "| ↳ ↳ `flatten` | — | — | — | — |",
        "| ↳ `conv2d` | `filters: 8, kernel_size: [3, 5], activation: relu` | — | — | — |",
    ]


def test_a_drawn_real_has_the_same_digits_in_every_table(record: Record) -> None:
    card = render_card(record, "pt")
    assert record.best.values["learning_rate"] == 0.0012034519673280537
    assert cells(card, "3")[0][5] == "`0.001203`"
    assert cells(card, "`learning_rate`")[-1][1] == "`0.001203`"
    assert cells(card, "Taxa de aprendizado")[0][1] == "`0.001203`"
    note = "Os hiperparâmetros de valor real aparecem com no máximo quatro algarismos"
    assert note in card
    whole = [trial.model_copy(update={"values": {"units": 1200000}}) for trial in record.trials]
    assert note not in render_card(record.model_copy(update={"trials": whole}), "pt")


def test_a_dash_in_the_trials_is_explained_where_there_is_one(record: Record) -> None:
    note = "A dash in the column of a hyperparameter says that it does not exist in that trial"
    assert note in render_card(record, "en")
    alike = [trial for trial in record.trials if "width" in trial.values]
    assert note not in render_card(record.model_copy(update={"trials": alike}), "en")


@pytest.mark.parametrize(
    ("names", "size", "sentence"),
    [
        (["learning_rate"], None, "is not finite: a real number is drawn for `learning_rate`."),
        ([], None, "The space is finite; its combinations were not counted."),
        ([], 96, "Possible combinations: 96."),
    ],
)
def test_a_space_is_finite_or_not(
    record: Record, names: list[str], size: int | None, sentence: str
) -> None:
    steps = {"step": 0.0001} if not names else {}
    space = [
        each.model_copy(update=steps) if each.name == "learning_rate" else each
        for each in record.search.space
    ]
    search = record.search.model_copy(update={"space": space, "space_size": size})
    assert f"{sentence}\n" in render_card(record.model_copy(update={"search": search}), "en")


def test_digits_are_scaled_from_their_own_range(record: Record) -> None:
    data = record.data.model_copy(update={"dataset": "digits"})
    card = render_card(record.model_copy(update={"data": data}), "en")
    assert "Pixels from 0 to 16 are scaled to 0 to 255, rounded, and divided by 255" in card
    assert "Pixels from 0 to 255" not in card


@pytest.mark.parametrize(
    ("patience", "words"), [(1, "after 1 epoch without"), (2, "after 2 epochs without")]
)
def test_patience_is_counted(record: Record, patience: int, words: str) -> None:
    training = record.best.training | {"early_stopping": {"patience": patience}}
    assert words in render_card(change_best(record, training=training), "en")


def test_a_trial_of_several_trainings_shows_their_mean_and_spread(more: Record) -> None:
    card = render_card(more, "en").replace("\u00a0", " ")
    rows = {row[0]: row[8:] for row in map(cells_of, card.splitlines()) if len(row) == 14}
    assert rows["1"] == ["0.8708 ± 0.0059", "7", "8", "20,734", "1 min 02 s", "—"]
    assert rows["2"] == [
        "—", "—", "0", "31,046", "1 min 03 s", "memory ran out; trainings that failed: 1 of 2",
    ]  # fmt: skip
    assert rows["5"] == [
        "—", "—", "—", "20,684", "—", "the worker process died; trainings that failed: 2 of 2",
    ]  # fmt: skip
    assert rows["6"][-1] == (
        "the training took longer than its time limit; trainings that failed: 1 of 2"
    )
    assert "Each `val_accuracy` is the mean of 2 trainings under different seeds" in card
    assert "The weights are those of the best of the trial's 2 trainings." in card


def test_a_stopped_trial_shows_its_epochs_so_far(sealed: Record) -> None:
    card = render_card(sealed, "pt").replace("\u00a0", " ")
    rows = {row[0]: row[8:] for row in map(cells_of, card.splitlines()) if len(row) == 14}
    assert rows["5"] == ["0,8250", "4", "4 de 12", "20.684", "17 s", "—"]
    assert rows["1"][:3] == ["0,8667", "9", "12"]


def test_the_rule_that_chose_the_winner_is_told(record: Record, sealed: Record) -> None:
    assert "Chosen: the trial with the best `val_accuracy`; of equal ones" in render_card(
        record, "en"
    )
    card = render_card(sealed, "en")
    assert "The best is trial 1, with `val_accuracy` 0.8667 and 161,044 parameters;" in card
    assert "(selected: within one standard error of the best of 2 trials and 24 epochs" in card


def test_a_least_objective_is_the_best_where_less_is_better(sealed: Record) -> None:
    search = sealed.search.model_copy(update={"direction": "min"})
    card = render_card(sealed.model_copy(update={"search": search}), "en")
    assert "The best is trial 3, with `val_accuracy` 0.8625" in card


def test_confirmed_trials_are_shown_with_what_they_gave_under_other_seeds(more: Record) -> None:
    card = render_card(more, "en")
    head = "| Trial | `val_accuracy` in the search | Under other seeds | Mean | Standard deviation"
    table = card[card.index(head) :].splitlines()[2:4]
    assert table == [
        "| 1 | 0.8708 ± 0.0059 | 0.8479; failed; 0.8521 | 0.8500 | 0.0029 | — |",
        "| 3 | 0.8573 ± 0.0074 | 0.8604; 0.8646; 0.8583 | 0.8611 | 0.0032 | **chosen** |",
    ]
    assert (
        "(selected: among the best of 3 trials of 2 trainings each and 28 epochs, optimistic)"
    ) in card


def test_how_trials_go_on_is_told_by_strategy(record: Record, sealed: Record) -> None:
    card = render_card(record, "en")
    assert (
        "Screening: every trial was first trained for 1 epoch; the best by `val_accuracy` went on "
        "from there to their last epoch (at most 3 trials).\n"
    ) in card
    assert "A trial that was stopped had not gone on when the search ended" in card
    card = render_card(sealed, "en")
    assert "the best go on from where they were, about one in 3, to 12 epochs at most.\n" in card
    assert cells(card, "End of the search") == [["End of the search", "all brackets were run"]]
    assert cells(card, "Trials asked for") == []


def test_an_exhausted_space_is_told_where_it_is_the_space(record: Record) -> None:
    search = record.search.model_copy(update={"ended": "exhausted"})
    card = render_card(record.model_copy(update={"search": search}), "en")
    assert cells(card, "End of the search")[0][1] == "every point of the search space was tried"


def test_seeds_give_a_mean_and_its_interval(more: Record) -> None:
    card = render_card(more, "en")
    # Of 412, 405, 416, 409 right of 480 and 407, 403, 414, 404 of 464; t is 3.182 for 3 degrees.
    assert cells(card, "Validation")[-1][1:] == ["4", "0.8552", "0.0097", "±0.0154"]
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
    assert cells(card, "Validation")[-1][1:] == ["1", "0.8583", "—", "—"]
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


def test_one_fixed_network_shows_no_search(record: Record) -> None:
    trials = [record.trials[2].model_copy(update={"values": {}})]
    search = record.search.model_copy(update={"strategy": None, "space": [], "ended": "trials"})
    best = record.best.model_copy(update={"values": {}})
    fixed = record.model_copy(update={"search": search, "trials": trials, "best": best})
    for language in LANGUAGES:
        shapes = tables(render_card(fixed, language))
        assert len(shapes) == len(tables(render_card(record, language))) - 4
    card = render_card(fixed, "en")
    assert "Nothing was searched: the spec describes one fixed network." in card
    assert "Training and evaluation took 1" in card
    assert "keras-tuner" not in front_matter(card)["tags"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_breaks_out_of_its_place(more: Record, language: str, text: str) -> None:
    def poison(value: Any) -> Any:
        if isinstance(value, str):
            return text
        if isinstance(value, dict):
            return {key: poison(each) for key, each in value.items()}
        return [poison(each) for each in value] if isinstance(value, list) else value

    def poisoned(record: Record) -> Record:
        facts = record.model_dump(mode="json")
        languages = facts["spec"]["card"].pop("languages")
        for key in ("title", "description", "card"):
            facts["spec"][key] = poison(facts["spec"][key])
        facts["spec"]["card"]["languages"] = languages
        facts["data"]["classes"] = poison(facts["data"]["classes"])
        for each in (*facts["test"]["per_class"], *facts["best"]["architecture"]):
            each |= {key: poison(each[key]) for key in ("name", "layer") if key in each}
        facts["best"]["architecture"][0]["arguments"] = {text: text}
        facts["trials"][1]["reason"] = text
        facts["trials"][1]["values"] = poison(facts["trials"][1]["values"])
        facts["search"]["space"][0]["values"] = [text]
        facts["baselines"][0]["title"] = text
        facts["seeds"][2]["reason"] = text
        facts["search"]["continuations"][1]["changed_versions"] = {text: [text, text]}
        facts["environment"]["cpu"] = text
        facts["environment"]["versions"] = {text: text}
        for key in ("cpu_method", "gpu_method", "ram_method", "tracker"):
            facts["energy"][key] = text
        facts |= {"command": text, "overrides": [text]}
        facts["spec"]["wandb"]["project"] = text
        return Record.model_validate(facts)

    card = render_card(poisoned(more), language)
    plain = render_card(more, language)
    assert outline(card) == outline(plain)
    assert front_matter(card).keys() == front_matter(plain).keys()
    body = card.split("---\n", 2)[2]
    assert not re.search(r"<script|<b>|[\x00-\x09\x0b-\x1f\u200b\u202e\u2028]", body)
    allowed = ("figures/", "http://", "https://")
    for token in MARKDOWN.parse(body):
        for child in token.children or []:
            if child.type in ("link_open", "image"):
                target = child.attrGet("href") or child.attrGet("src")
                assert str(target).startswith(allowed)
            assert child.type != "html_inline" or child.content.startswith("<!-- lenetml:missing")


def test_cards_and_figures_are_written_with_the_same_bytes(record: Record, tmp_path: Path) -> None:
    def contents() -> dict[str, bytes]:
        files = (path for path in sorted(tmp_path.rglob("*")) if path.is_file())
        return {str(path.relative_to(tmp_path)): path.read_bytes() for path in files}

    assert write_cards(tmp_path, record) == [tmp_path / "card.en.md", tmp_path / "card.pt.md"]
    first = contents()
    assert list(first) == [
        "card.en.md",
        "card.pt.md",
        "figures/confusion-matrix.en.png",
        "figures/confusion-matrix.pt.png",
        "figures/learning-curves.en.png",
        "figures/learning-curves.pt.png",
    ]
    for name in re.findall(r"\]\((figures/[^)]*)\)", first["card.pt.md"].decode()):
        assert name in first
    assert write_cards(tmp_path, record, ["pt"]) == [tmp_path / "card.pt.md"]
    assert contents() == first


@pytest.mark.slow
# Keras 3.15 turns variables into arrays in a way that NumPy 2 calls old.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_the_way_to_use_the_model_works(
    record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras
    import numpy as np

    layers = [keras.Input((28, 28, 3)), keras.layers.Flatten(), keras.layers.Dense(4, "softmax")]
    keras.Sequential(layers).save(tmp_path / "model.keras")
    monkeypatch.chdir(tmp_path)
    code = re.search(r"```python\n(.*?)```", render_card(record, "pt"), flags=re.S)
    assert code
    names: dict[str, Any] = {}
    exec(code[1], names)
    classes = names["classify"](np.zeros((2, 28, 28, 3), dtype="float32"))
    assert len(classes) == 2
    assert set(classes) <= set(record.data.classes)
