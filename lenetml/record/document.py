"""The whole record: its parts together, the file that holds it, and its published schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from lenetml.errors import FolderError
from lenetml.files import write_atomically
from lenetml.record.data import DataRecord
from lenetml.record.evaluation import BaselineRecord, BestRecord, EarlierTest, SeedRecord
from lenetml.record.metrics import TestRecord
from lenetml.record.mirror import MirrorRecord
from lenetml.record.resources import CostRecord, EnergyRecord, EnvironmentRecord
from lenetml.record.search import SearchRecord, TrialRecord
from lenetml.values import Value

RECORD_NAME = "record.json"


class Record(Value):
    """Everything known after an experiment."""

    format: Literal[1] = 1
    lenetml: str
    name: str
    spec_sha256: str
    seed: int
    status: Literal["completed", "interrupted"]
    overrides: list[str]
    started_at: str
    spec: dict[str, Any] = Field(description="The canonical spec, defaults filled in.")
    data: DataRecord
    search: SearchRecord
    trials: list[TrialRecord]
    best: BestRecord
    test: TestRecord | None
    test_reason: str | None
    earlier_tests: list[EarlierTest] = []
    seeds: list[SeedRecord]
    baselines: list[BaselineRecord]
    energy: EnergyRecord | None
    energy_reason: str | None
    cost: CostRecord
    environment: EnvironmentRecord
    mirror: MirrorRecord | None = Field(description="Null: none was asked for.")
    pictures: dict[str, str] = Field(
        default={}, description="SHA-256 of each kept figure that shows images, by its name."
    )
    command: str
    spec_commit: str | None = Field(
        default=None,
        description="The Git commit that the spec file is as in; null: it is in none.",
    )


def write_record(record: Record, folder: Path) -> None:
    """Write `record.json` whole or not at all."""
    write_atomically(folder / RECORD_NAME, record.model_dump_json(indent=2).encode() + b"\n")


def read_record(folder: Path) -> Record:
    """Read the record of a finished run.

    Raises:
        FolderError: There is no record, or it is damaged or of another format.
    """
    path = folder / RECORD_NAME
    try:
        return Record.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise FolderError(f"{path} is not there", "a finished run has one") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise FolderError(
            f"{path} is damaged: {place}: {first['msg']}",
            "put an intact copy in its place, or start over with --fresh",
        ) from None


def record_schema() -> str:
    """The JSON Schema of `record.json`, as text."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(schema | Record.model_json_schema(), indent=2)
