"""What the stub of the W&B server was told: values while they grow, frozen ones for tests."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

HISTORY, SUMMARY = "wandb-history.jsonl", "wandb-summary.json"
EVENTS, OUTPUT = "wandb-events.jsonl", "output.log"


@dataclass(frozen=True)
class ToldArtifact:
    """An artifact as its run told it.

    `digests` has the path and MD5 (base64) of each file of the manifest, `files` the bytes of those
    that were uploaded.
    """

    id: str
    name: str
    type: str
    digest: str
    description: str | None
    metadata: dict[str, Any]
    aliases: tuple[str, ...]
    committed: bool
    digests: dict[str, str]
    files: dict[str, bytes]


@dataclass(frozen=True)
class ToldRun:
    """Everything told of one run.

    `history` has a dict for each row; W&B's own keys (`_step`, ...) are in the `raw_` fields only.
    `streams` has the lines of each streamed file as they came. `exit_code` is None until the run is
    complete, and `n_begun` counts its inits.
    """

    id: str
    entity: str
    project: str
    group: str | None
    job_type: str | None
    name: str | None
    tags: tuple[str, ...]
    notes: str | None
    host: str | None
    program: str | None
    sweep: str | None
    config: dict[str, Any]
    raw_config: dict[str, Any]
    history: tuple[dict[str, Any], ...]
    raw_history: tuple[dict[str, Any], ...]
    summary: dict[str, Any]
    raw_summary: dict[str, Any]
    streams: dict[str, tuple[str, ...]]
    exit_code: int | None
    complete: bool
    n_begun: int
    files: dict[str, bytes]
    artifacts: tuple[ToldArtifact, ...]


@dataclass
class Run:
    """A run while it is being told; `told` has what came with its inits, by GraphQL's names."""

    id: str
    entity: str
    project: str
    told: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    streams: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    artifacts: list[Artifact] = field(default_factory=list)
    exit_code: int | None = None
    complete: bool = False
    is_resuming: bool = False
    n_begun: int = 0

    @property
    def values(self) -> dict[str, Any]:
        """The configuration without W&B's wrapping."""
        return {name: item["value"] for name, item in self.config.items()}

    def lines(self, name: str) -> list[str]:
        """The lines of a streamed file."""
        return self.streams.get(name, [])

    def frozen(self) -> ToldRun:
        """What is known by now."""
        config = deepcopy(self.values)
        rows = tuple(json.loads(line) for line in self.lines(HISTORY))
        summary = json.loads((self.lines(SUMMARY) or ["{}"])[-1])
        return ToldRun(
            id=self.id,
            entity=self.entity,
            project=self.project,
            group=self.told.get("groupName"),
            job_type=self.told.get("jobType"),
            name=self.told.get("displayName"),
            tags=tuple(self.told.get("tags", ())),
            notes=self.told.get("notes"),
            host=self.told.get("host"),
            program=self.told.get("program"),
            sweep=self.told.get("sweep"),
            config=without_own_keys(config),
            raw_config=config,
            history=tuple(without_own_keys(row) for row in rows),
            raw_history=rows,
            summary=without_own_keys(summary),
            raw_summary=summary,
            streams={name: tuple(lines) for name, lines in self.streams.items()},
            exit_code=self.exit_code,
            complete=self.complete,
            n_begun=self.n_begun,
            files=dict(self.files),
            artifacts=tuple(artifact.frozen() for artifact in self.artifacts),
        )


@dataclass
class Artifact:
    """An artifact while it is being told."""

    id: str
    entity: str
    project: str
    name: str
    type: str
    digest: str
    description: str | None
    metadata: dict[str, Any]
    aliases: tuple[str, ...]
    committed: bool = False
    manifest: dict[str, Any] = field(default_factory=dict)
    stored: dict[str, bytes] = field(default_factory=dict)

    def frozen(self) -> ToldArtifact:
        """What is known by now."""
        entries = self.manifest.get("contents", {})
        return ToldArtifact(
            id=self.id,
            name=self.name,
            type=self.type,
            digest=self.digest,
            description=self.description,
            metadata=deepcopy(self.metadata),
            aliases=self.aliases,
            committed=self.committed,
            digests={path: entry["digest"] for path, entry in entries.items()},
            files=dict(self.stored),
        )


def without_own_keys(values: dict[str, Any]) -> dict[str, Any]:
    """Leave W&B's own keys out, as `_step`, `_runtime` and `_wandb`."""
    return {name: value for name, value in values.items() if not name.startswith("_")}
