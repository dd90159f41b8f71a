"""Front matter: what model hubs read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import EvalResult, ModelCard, ModelCardData

from lenetml.record import Record
from lenetml.report.card import render_card
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
    assert given["co2_eq_emissions"]["training_type"] == "pre-training"
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
    assert (given["license"], given["license_name"]) == ("other", "mit --- x: y")
    assert given.keys() == metadata(record, "en").keys() | {"license_name"}


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Apache-2.0", {"license": "apache-2.0"}),
        ("CC BY 4.0", {"license": "cc-by-4.0"}),
        ("MIT", {"license": "mit"}),
        ("GPL-3.0-or-later", {"license": "other", "license_name": "GPL-3.0-or-later"}),
        ("Ask us", {"license": "other", "license_name": "Ask us"}),
    ],
)
def test_a_license_is_written_as_the_hub_takes_it(
    record: Record, name: str, written: dict[str, str]
) -> None:
    card = record.spec["card"] | {"license": name}
    given = metadata(record.model_copy(update={"spec": record.spec | {"card": card}}), "en")
    assert {key: given[key] for key in given if key.startswith("license")} == written


@pytest.mark.parametrize("name", ["record", "record-more", "record-sealed"])
@pytest.mark.parametrize("language", ["en", "pt"])
def test_the_hub_reads_it_with_its_own_classes(name: str, language: str) -> None:
    record = Record.model_validate_json((CASES / f"{name}.json").read_bytes())
    card = ModelCard(render_card(record, language))
    data = card.data
    assert isinstance(data, ModelCardData)
    assert (data.library_name, data.pipeline_tag, data.license) == (
        "keras", "image-classification", "mit",
    )  # fmt: skip
    assert data.language == [language]
    grams = record.energy and record.energy.kg_co2eq and 1000 * record.energy.kg_co2eq
    if grams:
        assert data.co2_eq_emissions["emissions"] == pytest.approx(grams, rel=0.05)
    if record.test is None:
        assert data.eval_results is None
        return
    assert data.model_name == record.name
    found = {result.metric_name: result for result in data.eval_results}
    assert found.keys() == {
        "accuracy", "precision (weighted)", "recall (weighted)", "F1 (weighted)",
    }  # fmt: skip
    for result in found.values():
        assert isinstance(result, EvalResult)
        assert result.task_type == "image-classification"
        assert result.dataset_split == "test"
        assert result.metric_value == round(getattr(record.test, result.metric_type), 4)
    # What the Hub would write of it is what stands there.
    again = yaml.safe_load(data.to_yaml())
    assert again == metadata(record, language)
