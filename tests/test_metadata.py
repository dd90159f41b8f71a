"""Front matter: what model hubs read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from lenetml.record import Record
from lenetml.report.metadata import write_metadata

CASES = Path(__file__).parent / "cases"


@pytest.fixture(scope="module")
def record() -> Record:
    return Record.model_validate_json((CASES / "record.json").read_bytes())


def metadata(record: Record, language: str) -> dict[str, Any]:
    text = write_metadata(record, language)
    assert text.startswith("---\n")
    assert text.endswith("\n---\n")
    return yaml.safe_load(text[4:-4])


def test_it_differs_by_its_language_alone(record: Record) -> None:
    english, portuguese = metadata(record, "en"), metadata(record, "pt")
    assert english.pop("language") == ["en"]
    assert portuguese.pop("language") == ["pt"]
    assert english == portuguese


def test_it_holds_the_test_result_and_grams(record: Record) -> None:
    given = metadata(record, "pt")
    result = given["model-index"][0]["results"][0]
    assert {each["type"]: each["value"] for each in result["metrics"]} == {
        "accuracy": 0.8793,
        "precision": 0.8376,
        "recall": 0.8793,
        "f1": 0.8574,
    }
    # 0.0010612 kWh at 98.3 g/kWh, in two significant digits.
    assert given["co2_eq_emissions"]["emissions"] == 0.10
    assert given["license"] == "mit"
    assert "datasets" not in given


def test_what_is_not_there_is_left_out(record: Record) -> None:
    energy = record.energy.model_copy(update={"kg_co2eq": None, "country": None})
    spec = record.spec | {"card": {"languages": ["en"]}, "data": {"dataset": "mnist"}}
    given = metadata(record.model_copy(update={"energy": energy, "test": None, "spec": spec}), "en")
    assert list(given) == [
        "language",
        "library_name",
        "pipeline_tag",
        "tags",
        "datasets",
        "metrics",
    ]
    assert given["datasets"] == ["mnist"]


def test_a_text_cannot_add_a_key(record: Record) -> None:
    card = record.spec["card"] | {"license": "mit\n---\nx: \u202ey"}
    given = metadata(record.model_copy(update={"spec": record.spec | {"card": card}}), "en")
    assert given["license"] == "mit --- x: y"
    assert given.keys() == metadata(record, "en").keys()
