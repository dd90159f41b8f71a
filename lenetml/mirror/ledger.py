"""What W&B was told already, as the journal of a run has it: each thing is told once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lenetml.mirror.client import Mode

EVENT = "mirrored"
AGAIN_EVENT = "mirror_begun_again"
SWEEP_EVENT = "sweep_registered"


@dataclass(frozen=True)
class Entry:
    """A run that W&B was told of, to its end.

    Args:
        key: Which run it is.
        mode: How it was told.
        place: W&B's project, and the team where the spec names one.
        sha256: Of all that was told.
        url: Where it can be looked at; None where it is offline.
    """

    key: str
    mode: Mode
    place: str
    sha256: str
    url: str | None


class Ledger:
    """The runs that W&B was told of, `n_added` of them in this life, and the sweep they are in.

    Args:
        events: Of the journal so far.
        append: Writes an event into the journal.
    """

    def __init__(self, events: Sequence[Mapping[str, Any]], append: Callable[..., None]) -> None:
        self._append = append
        self.n_added = 0
        self.sweep: str | None = None
        self.entries: dict[str, Entry] = {}
        for event in events:
            if event["event"] == EVENT:
                facts = {name: event[name] for name in ("key", "mode", "place", "sha256", "url")}
                self.entries[event["key"]] = Entry(**facts)
            elif event["event"] == AGAIN_EVENT:
                self.entries.pop(event["key"], None)
            elif event["event"] == SWEEP_EVENT:
                self.sweep = event["sweep"]

    def add(self, entry: Entry) -> None:
        """Note that W&B was told of a run.

        Raises:
            FolderError: The journal cannot be written.
        """
        self._append(EVENT, **asdict(entry))
        self.entries[entry.key] = entry
        self.n_added += 1

    def forget(self, key: str) -> None:
        """Note that W&B is about to be told of a run anew, which it may then not hear to its end.

        Raises:
            FolderError: The journal cannot be written.
        """
        if key in self.entries:
            self._append(AGAIN_EVENT, key=key)
            del self.entries[key]

    def note_sweep(self, sweep: str) -> None:
        """Note that the search is registered as a sweep of W&B's, by its name there.

        Raises:
            FolderError: The journal cannot be written.
        """
        self._append(SWEEP_EVENT, sweep=sweep)
        self.sweep = sweep
