"""Cards on disk against their record, and texts that only authors can give."""

from __future__ import annotations

import platform
import shutil
from hashlib import sha256
from pathlib import Path

import matplotlib
import pytest

from lenetml import __version__
from lenetml.errors import CardError
from lenetml.record import Record
from lenetml.report.card import write_cards
from lenetml.report.checking import check_cards, check_texts
from lenetml.report.figures import listing

CASES = Path(__file__).parent / "cases"
DRAWN_AGAIN = ": it shows images, which only the run has; lenetml run SPEC draws it again"


@pytest.fixture(scope="module")
def record() -> Record:
    """A record of this machine and these versions, so that figures are compared."""
    record = Record.model_validate_json((CASES / "record.json").read_bytes())
    versions = record.environment.versions | {"matplotlib": matplotlib.__version__}
    environment = record.environment.model_copy(
        update={"versions": versions, "platform": f"Linux-6.1-{platform.machine()}"}
    )
    return record.model_copy(update={"environment": environment, "lenetml": __version__})


@pytest.fixture(scope="module")
def written(record: Record, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written")
    write_cards(folder, record)
    for name in listing.kept_names(record):
        (folder / listing.file_of(name, "en")).write_bytes(b"a picture of images")
    return folder


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    return shutil.copytree(written, tmp_path / "run")


def faults(
    folder: Path, record: Record, languages: list[str] | None = None, what: str = "card"
) -> tuple[str, ...]:
    """What is found, without the advice how to write a card again."""
    with pytest.raises(CardError) as error:
        check_cards(folder, record, languages)
    assert error.value.exit_code == 1
    assert error.value.message == f"{folder} holds a {what} that is not that of its record"
    return error.value.notes[: -1 if what == "card" else None]


def test_cards_of_their_record_are_right_and_nothing_is_written(
    record: Record, folder: Path
) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert check_cards(folder, record) == [folder / "card.en.md", folder / "card.pt.md"]
    assert check_cards(folder, record, ["pt"]) == [folder / "card.pt.md"]
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_an_edited_line_is_shown_with_what_the_record_says(record: Record, folder: Path) -> None:
    card = folder / "card.pt.md"
    text = card.read_text(encoding="utf-8")
    number = text[: text.index("**Acurácia no teste: 0,8793**")].count("\n") + 1
    card.write_text(text.replace("0,8793**", "0,9993**"), encoding="utf-8")
    line = "'**Acurácia no teste: 0,{}93** (intervalo de 95%: 0,8465 a 0,9059; acertos: 408 d…'"
    assert faults(folder, record) == (
        f"card.pt.md:{number}: found: {line.format('99')}",
        f"card.pt.md:{number}: by the record: {line.format('87')}",
        "card.pt.md: and 1 more line",
    )
    assert check_cards(folder, record, ["en"]) == [folder / "card.en.md"]


def test_a_difference_far_in_a_line_is_shown(record: Record, folder: Path) -> None:
    card = folder / "card.en.md"
    text = card.read_text(encoding="utf-8")
    card.write_text(text.replace("equals the accuracy.", "equals nothing."), encoding="utf-8")
    found, wanted = faults(folder, record)
    assert found.endswith("'…ses equally. The weighted recall equals nothing.'")
    assert wanted.endswith("'…ses equally. The weighted recall equals the accuracy.'")


def test_the_advice_is_the_command_that_was_given(record: Record, folder: Path) -> None:
    (folder / "card.pt.md").unlink()
    with pytest.raises(CardError) as error:
        check_cards(folder, record, ["pt"])
    assert error.value.notes[-1] == (
        f"to write it again: lenetml card {folder} --language pt; what people have to say belongs "
        "into the spec"
    )


def test_what_is_added_cut_off_or_hard_to_see_is_found(record: Record, folder: Path) -> None:
    card = folder / "card.en.md"
    text = card.read_text(encoding="utf-8")
    n_lines = text.count("\n") + 1
    card.write_text(f"{text}\nExcellent.\n", encoding="utf-8")
    assert (
        faults(folder, record)[1] == f"card.en.md:{n_lines + 1}: by the record: the end of the card"
    )
    card.write_text(text[:3], encoding="utf-8")
    assert faults(folder, record) == (
        "card.en.md:2: found: the end of the card", "card.en.md:2: by the record: 'language:'",
        f"card.en.md: and {n_lines - 2} more lines",
    )  # fmt: skip
    card.write_bytes(text.replace("\n", "\r\n").encode())
    assert faults(folder, record) == (
        r"card.en.md:1: found: '---\r'", "card.en.md:1: by the record: '---'",
        f"card.en.md: and {n_lines - 2} more lines",
    )  # fmt: skip
    card.write_bytes(b"\xff" + text.encode())
    assert faults(folder, record)[0] == r"card.en.md:1: found: '\\xff---'"


def test_figures_must_be_there_and_be_the_same(record: Record, folder: Path) -> None:
    (folder / "figures/learning-curves.en.png").unlink()
    (folder / "figures/confusion-matrix.pt.png").write_bytes(b"another")
    (folder / "figures/misclassified.png").unlink()
    assert sorted(faults(folder, record)) == [
        "figures/confusion-matrix.pt.png is another picture",
        "figures/learning-curves.en.png is gone",
        f"figures/misclassified.png is gone{DRAWN_AGAIN}",
    ]


def test_pictures_and_the_model_must_be_those_that_the_record_knows(
    record: Record, folder: Path
) -> None:
    picture, model = folder / "figures/misclassified.png", folder / "model.keras"
    model.write_bytes(b"a network")
    known = record.model_copy(
        update={
            "pictures": {"misclassified": sha256(picture.read_bytes()).hexdigest()},
            "best": record.best.model_copy(
                update={"model_sha256": sha256(b"a network").hexdigest()}
            ),
        }
    )
    write_cards(folder, known)
    assert len(check_cards(folder, known)) == 2
    picture.write_bytes(b"another picture")
    model.write_bytes(b"another network")
    assert faults(folder, known, what="file") == (
        f"figures/misclassified.png is another picture{DRAWN_AGAIN}",
        f"model.keras is another network: its SHA-256 is {sha256(b'another network').hexdigest()}; "
        "put the run's own back",
    )


def test_figures_of_other_versions_must_only_be_there(record: Record, folder: Path) -> None:
    versions = record.environment.versions | {"matplotlib": "3.10.0"}
    environment = record.environment.model_copy(update={"versions": versions})
    other = record.model_copy(update={"environment": environment})
    write_cards(folder, other)
    (folder / "figures/confusion-matrix.pt.png").write_bytes(b"another")
    assert len(check_cards(folder, other)) == 2


def test_a_card_that_the_spec_no_longer_asks_for_is_still_checked(
    record: Record, folder: Path
) -> None:
    spec = record.spec | {"card": record.spec["card"] | {"languages": ["en"]}}
    english = record.model_copy(update={"spec": spec})
    write_cards(folder, english)
    (folder / "card.pt.md").write_text("mine")
    assert faults(folder, english)[0] == "card.pt.md:1: found: 'mine'"


def test_texts_that_are_missing_are_named_by_their_keys(record: Record) -> None:
    with pytest.raises(CardError) as error:
        check_texts(record)
    assert str(error.value) == (
        "the card of leafnet lacks texts that only its authors can give\n"
        "    card.intended_use.out_of_scope: out-of-scope uses\n"
        "    card.ethical_considerations.risks: risks and harms\n"
        "    card.ethical_considerations.mitigations: mitigations\n"
        "    write them into the spec, and run it again: nothing is trained anew for them"
    )


def test_texts_in_one_language_alone_are_there(record: Record) -> None:
    use = record.spec["card"]["intended_use"] | {"out_of_scope": {"pt": "Nada."}}
    ethics = record.spec["card"]["ethical_considerations"] | {"risks": "x", "mitigations": ["y"]}
    card = record.spec["card"] | {"intended_use": use, "ethical_considerations": ethics}
    check_texts(record.model_copy(update={"spec": record.spec | {"card": card}}))
