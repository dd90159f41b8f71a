"""The front matter of a card: what model hubs read, neutral of language but for its code."""

from __future__ import annotations

from typing import Any

import yaml

from lenetml.record import Record, TestRecord
from lenetml.report.markdown import plain
from lenetml.report.words import DIGITS
from lenetml.spec.sections import Card, Data
from lenetml.spec.types import Language

# The identifiers of the Hugging Face Hub that authors of a network may name.
HUB_LICENSES = """
    afl-3.0 agpl-3.0 apache-2.0 artistic-2.0 bigcode-openrail-m bigscience-openrail-m bsd
    bsd-2-clause bsd-3-clause bsd-3-clause-clear bsl-1.0 c-uda cc cc-by-2.0 cc-by-2.5 cc-by-3.0
    cc-by-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0
    cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cc-by-nd-4.0 cc-by-sa-3.0 cc-by-sa-4.0
    cc0-1.0 cdla-permissive-1.0 cdla-permissive-2.0 cdla-sharing-1.0 creativeml-openrail-m
    ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2 gfdl gpl gpl-2.0 gpl-3.0 isc lgpl
    lgpl-2.1 lgpl-3.0 lgpl-lr lppl-1.3c mit mpl-2.0 ms-pl ncsa odbl odc-by ofl-1.1 openrail
    openrail++ osl-3.0 pddl postgresql unlicense wtfpl zlib
"""


def write_metadata(record: Record, language: Language) -> str:
    """Write the front matter: YAML between two lines of dashes, decimals with a point."""
    license_name = Card.model_validate(record.spec["card"]).license
    data_set = Data.model_validate(record.spec["data"]).dataset
    entries: dict[str, Any] = {
        "language": [language],
        **_license(plain(license_name) if license_name else None),
        "library_name": "keras",
        "pipeline_tag": "image-classification",
        "tags": ["lenetml", "keras", *(["keras-tuner"] if record.search.strategy else [])],
        "datasets": [data_set] if data_set else None,
        "metrics": ["accuracy", "precision", "recall", "f1"],
        "model-index": _model_index(record, record.test) if record.test else None,
        "co2_eq_emissions": _emissions(record),
    }
    given = {key: value for key, value in entries.items() if value is not None}
    text = yaml.safe_dump(given, sort_keys=False, allow_unicode=True, width=1000)
    return f"---\n{text}---\n"


def write_spec(spec: dict[str, Any]) -> str:
    """Write a spec as YAML, short lists and mappings on one line."""
    return str(yaml.safe_dump(spec, sort_keys=False, allow_unicode=True, width=88))


def _license(name: str | None) -> dict[str, str | None]:
    """Write a license as the Hub takes it: one of its identifiers, or `other` with a name."""
    identifier = name.lower().replace(" ", "-") if name else None
    if identifier is None or identifier in HUB_LICENSES.split():
        return {"license": identifier}
    return {"license": "other", "license_name": name}


def _model_index(record: Record, test: TestRecord) -> list[dict[str, Any]]:
    values = {
        ("accuracy", "accuracy"): test.accuracy,
        ("precision", "precision (weighted)"): test.precision,
        ("recall", "recall (weighted)"): test.recall,
        ("f1", "F1 (weighted)"): test.f1,
    }
    data_set = plain(record.data.dataset)
    result = {
        "task": {"type": "image-classification"},
        "dataset": {"type": data_set, "name": data_set, "split": "test"},
        "metrics": [
            {"type": kind, "name": name, "value": round(value, 4)}
            for (kind, name), value in values.items()
        ],
    }
    return [{"name": record.name, "results": [result]}]


def _emissions(record: Record) -> dict[str, Any] | None:
    """Give emissions in grams, the unit of the hubs; None where there are none."""
    energy = record.energy
    if energy is None or energy.kg_co2eq is None:
        return None
    grams = float(f"{energy.kg_co2eq * 1000:.{DIGITS[energy.method] - 1}e}")
    return {
        "emissions": grams,
        "source": f"{plain(energy.tracker)}, {energy.method}",
        # The Hub knows this and fine-tuning; every network here begins with random weights.
        "training_type": "pre-training",
        "geographical_location": energy.country,
        "hardware_used": ", ".join(map(plain, [record.environment.cpu, *record.environment.gpus])),
    }
