"""A one-way copy of a search to W&B, made while it runs and completed afterwards.

Each trial is one W&B run of the group that bears the name of the run's folder, and the evaluation
of the winner is one. The driver calls the mirror after its journal, which alone is the record, so
a fault of W&B never reaches it: after the first the open runs start again offline, under the same
ids; after a second the mirror gives up; there is one warning.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from lenetml.errors import LenetmlError
from lenetml.mirror.client import Client, Mode
from lenetml.mirror.ledger import Entry, Ledger
from lenetml.mirror.told import Told, config_of, key_of_trial, rows_of, tell_trial
from lenetml.record import MirrorRecord, TrialRecord
from lenetml.spec.sections import Wandb

FIRST_MODES: dict[str, Mode | None] = {
    "auto": "online", "online": "online", "offline": "offline", "disabled": None,
}  # fmt: skip
INTERRUPTED = {"status": "interrupted"}


class Start(Protocol):
    """What is to be known of a trial that begins, or goes on: the search's `TrialStart`."""

    @property
    def number(self) -> int: ...
    @property
    def values(self) -> Mapping[str, Any]: ...
    @property
    def seed(self) -> int: ...
    @property
    def executions(self) -> int: ...
    @property
    def history(self) -> Mapping[str, list[float]]: ...


def _ignore(number: int, of: int) -> None:
    """Nothing is shown."""


@dataclass
class _Open:
    """A run that W&B has not been told of to its end."""

    key: str
    job_type: str
    config: Mapping[str, Any]
    rows: list[Mapping[str, float]] = field(default_factory=list)
    whole: Told | None = None
    run: Any = None
    n_rows_told: int = 0


class Mirror:
    """One life of mirroring: opened by `open_mirror`, told of what happens, closed once."""

    def __init__(
        self,
        section: Wandb,
        client: Client,
        ledger: Ledger,
        warn: Callable[[str], None],
        how_to_send: str,
    ) -> None:
        self._section, self._client, self._ledger = section, client, ledger
        self._warn, self._how_to_send = warn, how_to_send
        self._place = "/".join(filter(None, (section.entity, section.project)))
        self._mode = FIRST_MODES[section.mode]
        self._fault: str | None = None
        self._open: dict[str, _Open] = {}
        if self._mode == "online":
            self._guard(self._look_for_key)

    @property
    def fault(self) -> str | None:
        """The first fault of W&B in this life."""
        return self._fault

    def trial_started(self, start: Start) -> None:
        """Begin a run whose config is the trial's values and its seed, with the epochs so far.

        A trial that is trained several times has the history of the best: it waits for its end.
        """
        if self._mode and start.executions == 1:
            key = key_of_trial(start.number)
            config = config_of(start.values, start.seed)
            self._open[key] = _Open(key, "trial", config, list(rows_of(start.history)))
            self._guard(self._tell)

    def epoch_ended(
        self, number: int, execution: int, epoch: int, metrics: Mapping[str, float]
    ) -> None:
        """Add a row to the history of a run; epochs count from 1."""
        trial = self._open.get(key_of_trial(number))
        # Where a worker died, its training begins again, and ends its first epochs twice.
        if self._mode and trial and epoch > len(trial.rows):
            trial.rows.append({"epoch": epoch, **metrics})
            self._guard(self._tell)

    def trial_ended(self, trial: TrialRecord) -> None:
        """Write the summary and finish the run; what was not told before is told now."""
        self.tell(tell_trial(trial))

    def complete(
        self, trials: Iterable[TrialRecord], on_trial: Callable[[int, int], None] = _ignore
    ) -> None:
        """Tell of those trials of earlier lives that W&B does not know, or knows otherwise.

        Args:
            trials: Of the search so far.
            on_trial: Is told which of how many comes now.
        """
        unknown = [told for told in map(tell_trial, trials) if not self.knows(told)]
        for number, told in enumerate(unknown, start=1):
            on_trial(number, len(unknown))
            self.tell(told)

    def knows(self, told: Told) -> bool:
        """Whether W&B was told of a run, as it is now, and by a way that is good enough."""
        entry = self._ledger.entries.get(told.key)
        if entry is None or (entry.place, entry.sha256) != (self._place, told.sha256()):
            return False
        if self._was_sent(entry):
            return True
        return self._mode != "online" and bool(self._client.kept(told.key))

    def tell(self, told: Told) -> None:
        """Tell of a run that is over; nothing happens where the mirror is off or given up."""
        if self._mode is None:
            return
        known = self._open.setdefault(told.key, _Open(told.key, told.job_type, told.config))
        known.rows += list(told.rows)[len(known.rows) :]
        known.whole = told
        self._guard(self._tell)

    def outcome(self, winner: int) -> MirrorRecord | None:
        """What became of the mirror, for the record; None where none was asked for.

        Args:
            winner: Number of the chosen trial.
        """
        if self._section.mode == "disabled":
            return None
        n_sent, n_kept = self.counts("trial-")
        chosen = self._ledger.entries.get(key_of_trial(winner))
        return MirrorRecord(
            project=self._section.project,
            entity=self._section.entity,
            sent=n_sent,
            kept=n_kept,
            mode=self._mode,
            fault=self._fault,
            winner_url=chosen.url if chosen else None,
        )

    def counts(self, prefix: str = "") -> tuple[int, int]:
        """How many runs W&B's server has, and how many wait in the folder."""
        entries = [it for it in self._ledger.entries.values() if it.key.startswith(prefix)]
        n_sent = sum(map(self._was_sent, entries))
        return n_sent, len(entries) - n_sent

    def __enter__(self) -> Mirror:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Close; where everything ends at once, nobody is told of what is open."""
        if kind is not None and not issubclass(kind, Exception):
            self._open.clear()
        self.close()

    def close(self) -> None:
        """Finish what is open, as interrupted, and end W&B's process."""
        self._guard(self._tell)
        self._guard(self._interrupt)
        self._client.stop()

    def _was_sent(self, entry: Entry) -> bool:
        return entry.mode == "online" or self._client.was_synced(entry.key)

    def _guard(self, action: Callable[[], None]) -> None:
        """Do something with W&B; whatever goes wrong there ends here."""
        if self._mode is None:
            return
        try:
            action()
        except LenetmlError:
            raise
        except Exception as fault:
            self._recover(fault)

    def _recover(self, fault: BaseException) -> None:
        """Start the open runs again offline after the first fault; give up after the second."""
        is_first = self._fault is None
        if self._fault is None:
            self._fault = first_sentence(fault)
        self._mode = "offline" if is_first else None
        # Only without the old process are the ids of the open runs free again.
        self._client.stop()
        for each in self._open.values():
            each.run = None
        self._guard(self._tell)
        if is_first:
            offline = f"the mirror goes on offline; to send it: {self._how_to_send}"
            then = offline if self._mode else "nothing more is mirrored"
            self._warn(f"W&B failed ({self._fault}); {then}")

    def _look_for_key(self) -> None:
        if self._client.has_key():
            return
        self._mode = "offline"
        if self._section.mode == "online":
            self._warn("W&B has no key (WANDB_API_KEY or `wandb login`); the mirror is offline")

    def _tell(self) -> None:
        """Bring every open run up to date."""
        assert self._mode is not None
        for each in list(self._open.values()):
            if each.run is None:
                self._register_sweep()
                self._ledger.forget(each.key)
                # The evaluation draws no point of the space.
                sweep = self._ledger.sweep if each.job_type == "trial" else None
                each.run = self._client.begin(
                    each.key, each.job_type, each.config, self._mode, sweep
                )
                each.n_rows_told = 0
            for row in each.rows[each.n_rows_told :]:
                each.run.log(dict(row), step=row["epoch"], commit=True)
            each.n_rows_told = len(each.rows)
            if each.whole is not None:
                self._finish(each, each.whole)

    def _register_sweep(self) -> None:
        """Register the search as a sweep, once in all its lives, where the spec asks for it."""
        if self._section.sweep and self._ledger.sweep is None and self._mode == "online":
            trials = [it.key for it in self._ledger.entries.values() if it.key.startswith("trial-")]
            self._ledger.note_sweep(self._client.register_sweep(trials))

    def _finish(self, each: _Open, whole: Told) -> None:
        assert self._mode is not None
        self._client.attach(each.run, whole.attachments, self._mode)
        url = each.run.url
        self._client.finish(each.run, whole.summary, whole.exit_code)
        del self._open[each.key]
        self._ledger.add(Entry(each.key, self._mode, self._place, whole.sha256(), url))
        if self._mode == "online":
            self._client.drop(each.key)

    def _interrupt(self) -> None:
        for each in self._open.values():
            self._client.finish(each.run, INTERRUPTED, 1)


def first_sentence(fault: BaseException) -> str:
    """What W&B says went wrong, in one line."""
    return f"{type(fault).__name__}: {fault}".splitlines()[0]


def wished_mode(section: Wandb) -> str:
    """The section's mode, or, where it is auto, the user's WANDB_MODE."""
    wished = os.environ.get("WANDB_MODE")
    if section.mode == "auto" and wished in ("offline", "disabled"):
        return wished
    return section.mode


def open_mirror(
    section: Wandb | None,
    folder: Path,
    name: str,
    identity: str,
    ledger: Ledger,
    warn: Callable[[str], None],
) -> Mirror:
    """Open the mirror of a run.

    Args:
        section: The spec's section; with None, or mode disabled, W&B is not touched. Where its
            mode is auto, the user's WANDB_MODE counts.
        folder: The folder of the run; W&B's files go to `wandb/` in it.
        name: Name of the spec.
        identity: Of the search, the same in all its lives.
        ledger: What W&B was told in earlier lives.
        warn: Takes the one warning that there may be.
    """
    section = section or Wandb(project="none", mode="disabled")
    section = section.model_copy(update={"mode": wished_mode(section)})
    how_to_send = f"wandb sync {folder}/wandb/offline-run-*"
    return Mirror(section, Client(section, folder, name, identity), ledger, warn, how_to_send)
