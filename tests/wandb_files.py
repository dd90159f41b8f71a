"""Read W&B's offline files back: LevelDB log blocks of protobuf records, after a short header."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wandb.proto.wandb_internal_pb2 import Record

BLOCK_BYTES = 32 * 1024
HEADER_BYTES = 7
FULL, LAST = 1, 4


@dataclass
class OfflineRun:
    """What `wandb sync` would send of one run."""

    run: Any = None
    config: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    exit_code: int | None = None


def read_records(path: Path) -> Iterator[Record]:
    """Give the records of a `.wandb` file in order."""
    content = path.read_bytes()
    assert content[:4] == b":W&B"
    position, record = HEADER_BYTES, b""
    while position + HEADER_BYTES <= len(content):
        left = BLOCK_BYTES - position % BLOCK_BYTES
        if left < HEADER_BYTES:
            position += left
            continue
        _, length, kind = struct.unpack_from("<IHB", content, position)
        position += HEADER_BYTES
        record += content[position : position + length]
        position += length
        if kind in (FULL, LAST):
            yield Record.FromString(record)
            record = b""


def read_run(path: Path) -> OfflineRun:
    """Put the records of one run together; W&B's own keys (`_step`, ...) are left out."""
    told = OfflineRun()
    for record in read_records(path):
        if record.HasField("run"):
            told.run = record.run
            told.config = _items(record.run.config.update)
        elif record.HasField("history"):
            told.history.append(_items(record.history.item))
        elif record.HasField("summary"):
            told.summary.update(_items(record.summary.update))
        elif record.HasField("exit"):
            told.exit_code = record.exit.exit_code
    return told


def read_runs(folder: Path) -> dict[str, OfflineRun]:
    """All offline runs of a run's folder by their names, in the order of their names."""
    runs = [read_run(path) for path in folder.glob("wandb/offline-run-*/*.wandb")]
    return {told.run.display_name: told for told in sorted(runs, key=lambda t: t.run.display_name)}


def read_artifacts(folder: Path) -> dict[str, dict[str, str]]:
    """The artifacts of the offline runs of a run's folder: their files' digests by name."""
    artifacts = [
        record.artifact
        for path in folder.glob("wandb/offline-run-*/*.wandb")
        for record in read_records(path)
        if record.HasField("artifact")
    ]
    return {
        artifact.name: {entry.path: entry.digest for entry in artifact.manifest.contents}
        for artifact in artifacts
    }


def _items(items: Any) -> dict[str, Any]:
    named = {item.key or item.nested_key[0]: json.loads(item.value_json) for item in items}
    return {name: value for name, value in named.items() if not name.startswith("_")}
