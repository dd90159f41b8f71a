"""The lives of a run: each start is in the journal, with the versions that it had."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from lenetml import __version__
from lenetml.facts import now
from lenetml.record import Continuation
from lenetml.search.journal import Journal

Event = Mapping[str, Any]


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
