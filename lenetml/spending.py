"""What a run has spent, over all its lives: wall time, CPU time of the driver, energy by phase."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from lenetml.errors import FolderError
from lenetml.record import TrialRecord
from lenetml.search.journal import Journal
from lenetml.search.loop import TrialStart
from lenetml.trial.energy import Meter, Reading
from lenetml.trial.environment import own_core_seconds

Phase = Literal["search", "seeds", "evaluation"]
NOTE_SECONDS = 15.0


@dataclass(frozen=True)
class Energy:
    """kWh, by part of the machine and, for two phases, by phase."""

    cpu_kwh: float = 0.0
    gpu_kwh: float = 0.0
    ram_kwh: float = 0.0
    search_kwh: float = 0.0
    seeds_kwh: float = 0.0

    @property
    def kwh(self) -> float:
        """All of it."""
        return self.cpu_kwh + self.gpu_kwh + self.ram_kwh


@dataclass(frozen=True)
class Spent:
    """What was spent until some moment.

    Args:
        seconds: Wall time.
        core_seconds: CPU time of the driver, without that of trainings.
        energy: None where some part of the run was not measured.
    """

    seconds: float = 0.0
    core_seconds: float = 0.0
    energy: Energy | None = Energy()


class Books:
    """Keeps count of a run; the journal holds the last state, so that a next life can go on.

    It follows the search as a listener, and notes what was spent every few seconds. Closed
    however a run ends, it loses nothing.

    Args:
        meter: Measures the energy of this life.
        journal: Takes the notes, and holds those of earlier lives.
        trained: CPU time that trainings took in the driver so far.
    """

    def __init__(self, meter: Meter, journal: Journal, trained: Callable[[], float]) -> None:
        self._meter, self._journal, self._trained = meter, journal, trained
        self._phase: Phase = "evaluation"
        self._spent = _last_noted(journal.events)
        self._reading = meter.sample()
        self._time = time.monotonic()
        self._core_seconds = self._own_core_seconds()

    def begin(self, phase: Phase) -> None:
        """End one phase and begin another."""
        self.note()
        self._phase = phase

    def note(self) -> Spent:
        """Write what was spent until now into the journal, and give it."""
        now, cores, reading = time.monotonic(), self._own_core_seconds(), self._meter.sample()
        self._spent = Spent(
            self._spent.seconds + now - self._time,
            self._spent.core_seconds + cores - self._core_seconds,
            self._energy_after(reading),
        )
        self._time, self._core_seconds, self._reading = now, cores, reading
        self._journal.append("spent", **asdict(self._spent))
        return self._spent

    def note_when_due(self) -> None:
        """Note what was spent, if the last note is some time ago."""
        if time.monotonic() - self._time > NOTE_SECONDS:
            self.note()

    def close(self) -> None:
        """Note what was spent, as far as the journal can still be written."""
        with suppress(FolderError):
            self.note()

    def trial_started(self, start: TrialStart) -> None:
        """Nothing is noted."""

    def epoch_ended(
        self, number: int, execution: int, epoch: int, metrics: Mapping[str, float]
    ) -> None:
        """Note what was spent, if it is time."""
        self.note_when_due()

    def trial_ended(self, trial: TrialRecord) -> None:
        """Note what was spent, if it is time."""
        self.note_when_due()

    def _own_core_seconds(self) -> float:
        # Each training tells its own, wherever it ran; another life may train elsewhere.
        return own_core_seconds() - self._trained()

    def _energy_after(self, reading: Reading | None) -> Energy | None:
        before = self._spent.energy
        if before is None or reading is None or self._reading is None:
            return None
        used = {
            name: getattr(reading, name) - getattr(self._reading, name)
            for name in ("cpu_kwh", "gpu_kwh", "ram_kwh")
        }
        whole = sum(used.values())
        if self._phase != "evaluation":
            used[f"{self._phase}_kwh"] = whole
        return replace(before, **{name: getattr(before, name) + kwh for name, kwh in used.items()})


def _last_noted(events: Sequence[Mapping[str, Any]]) -> Spent:
    for event in reversed(events):
        if event["event"] == "spent":
            energy = event["energy"] and Energy(**event["energy"])
            return Spent(event["seconds"], event["core_seconds"], energy)
    return Spent()
