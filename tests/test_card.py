"""Cards: the golden pairs, what both languages must share, and the files that are written."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from cards import CASES, LANGUAGES, RECORDS, foreign_bits, prose, tables, with_spec

from lenetml.record import Record
from lenetml.report.card import drop_cards, render_card, write_cards
from lenetml.report.figures import listing


@pytest.fixture(scope="module")
def record() -> Record:
    return RECORDS[""]


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
    card = render_card(with_spec(record, **spec), "pt")
    assert foreign_bits(card) == []
    assert "1.440" in prose(card)


def test_portuguese_decimals_are_those_of_the_record(record: Record) -> None:
    assert "0,8793" in prose(render_card(record, "pt"))


def test_accuracy_precision_and_recall_keep_their_names_apart(record: Record) -> None:
    card = render_card(record, "pt")
    assert "| Acurácia | Intervalo de 95% | Precisão (ponderada) | Revocação (ponderada) |" in card


def test_cards_of_other_languages_are_dropped(record: Record, tmp_path: Path) -> None:
    write_cards(tmp_path, record)
    (tmp_path / "figures" / "mine.png").write_bytes(b"mine")
    card = record.spec["card"] | {"languages": ["pt"]}
    drop_cards(tmp_path, with_spec(record, card=card))
    left = {path.name for path in tmp_path.rglob("*.*")}
    assert {"card.pt.md", "confusion-matrix.pt.png", "learning-curves.pt.png", "mine.png"} <= left
    assert not any(".en." in name for name in left)


def test_cards_that_are_there_are_not_written_again(record: Record, tmp_path: Path) -> None:
    write_cards(tmp_path, record)
    before = {path: path.stat() for path in tmp_path.rglob("*")}
    write_cards(tmp_path, record)
    after = {path: path.stat() for path in tmp_path.rglob("*")}
    inodes = [{path: it.st_ino for path, it in stats.items()} for stats in (before, after)]
    assert inodes[0] == inodes[1]


def test_cards_and_figures_are_written_with_the_same_bytes(record: Record, tmp_path: Path) -> None:
    def contents() -> dict[str, bytes]:
        files = (path for path in sorted(tmp_path.rglob("*")) if path.is_file())
        return {str(path.relative_to(tmp_path)): path.read_bytes() for path in files}

    assert write_cards(tmp_path, record) == [tmp_path / "card.en.md", tmp_path / "card.pt.md"]
    first = contents()
    # What is drawn during a run is not drawn from a record.
    drawn = [name for name in listing.NAMES - listing.KEPT]
    assert set(first) == {"card.en.md", "card.pt.md"} | {
        listing.file_of(name, language) for name in drawn for language in LANGUAGES
    }
    for name in re.findall(r"\]\((figures/[^)]*)\)", first["card.pt.md"].decode()):
        assert name in {*first, *(listing.file_of(kept, "pt") for kept in listing.KEPT)}
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


def test_digits_are_scaled_from_their_own_range(record: Record) -> None:
    data = record.data.model_copy(update={"dataset": "digits"})
    card = render_card(record.model_copy(update={"data": data}), "en")
    assert "Pixels from 0 to 16 are scaled to 0 to 255, rounded, and divided by 255" in card
    assert "Pixels from 0 to 255" not in card
