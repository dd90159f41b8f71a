"""The lives of a run: each start is in the journal, with the versions that it had."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lenetml import __version__
from lenetml.errors import FolderError
from lenetml.folder import SPEC_NAME
from lenetml.record import RECORD_NAME, Continuation, read_record
from lenetml.search.journal import JOURNAL_NAME, Journal, read_journal

Event = Mapping[str, Any]


def now() -> str:
    """Date and time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def begin_life(
    journal: Journal,
    name: str,
    spec: str,
    spec_sha256: str,
    fingerprint: str,
    overrides: Sequence[str],
    versions: Mapping[str, str],
    corrected_asks: int,
) -> str:
    """Note that a run begins, or goes on.

    Args:
        journal: Of the run.
        name: Of the spec.
        spec: Its file, as the user gave it.
        spec_sha256: Over what decides the result.
        fingerprint: Of the data.
        overrides: As given.
        versions: Of the libraries now.
        corrected_asks: Trials whose values this version would have chosen otherwise.

    Returns:
        When the run began, ISO 8601.
    """
    moment = now()
    life = {"at": moment, "pid": os.getpid(), "lenetml": __version__, "versions": dict(versions)}
    if not journal.events:
        journal.append(
            "search_started",
            name=name,
            # A path need not be UTF-8.
            spec=os.fsencode(spec).decode(errors="backslashreplace"),
            spec_sha256=spec_sha256,
            fingerprint=fingerprint,
            overrides=list(overrides),
            **life,
        )
        return moment
    journal.append("search_continued", corrected_asks=corrected_asks, **life)
    began: str = journal.events[0]["at"]
    return began


def tell_torn(journal: Journal, warn: Callable[[str], None]) -> None:
    """Say that the last line of a journal was cut short, where it was."""
    if journal.torn:
        warn(
            f"{journal.path}:{journal.torn.line}: this last line was cut short "
            f"({journal.torn.n_bytes} bytes) and is dropped; what it told is done again"
        )


def first_event(folder: Path) -> Event:
    """What a run began with.

    Raises:
        FolderError: The folder holds no run.
    """
    path = folder / JOURNAL_NAME
    events = read_journal(path) if path.exists() else []
    if not events and (folder / RECORD_NAME).exists():
        raise FolderError(f"{path} is gone, and the record is there", "put it back")
    if not events:
        raise FolderError(f"{folder} holds no run", "give the folder of one: runs/NAME-HASH")
    return events[0]


def identity_of(first: Event) -> str:
    """What tells a run from every other, one of the same spec elsewhere included."""
    return hashlib.sha256(json.dumps(first, sort_keys=True).encode()).hexdigest()


def spec_of_run(folder: Path) -> tuple[Path, list[str]]:
    """The file of a run's spec, and the overrides that it had last.

    It is the file that the user gave, or, where that is gone, the copy in the folder, which does
    as long as no path in it leads elsewhere.

    Raises:
        FolderError: The folder holds no run.
    """
    first = first_event(folder)
    given = Path(first["spec"])
    path = given if given.exists() else folder / SPEC_NAME
    if (folder / RECORD_NAME).exists():
        return path, read_record(folder).overrides
    return path, first["overrides"]


def continuations(events: Sequence[Event]) -> list[Continuation]:
    """Each time that a run went on, by its journal."""
    if not events:
        return []
    first: Mapping[str, str] = events[0]["versions"]
    return [
        Continuation(
            at=event["at"],
            changed_versions=changed_versions(first, event["versions"]),
            corrected_asks=event["corrected_asks"],
        )
        for event in events
        if event["event"] == "search_continued"
    ]


def changed_versions(before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, list[str]]:
    """Where two environments differ: the version before, and now; `none` where it is not there."""
    return {
        name: [before.get(name, "none"), now.get(name, "none")]
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    }
