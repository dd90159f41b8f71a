"""A one-way copy of trials to Weights & Biases: the one door to wandb.

Each trial is one W&B run of the group that bears the name of the run's folder. The driver calls
the mirror after its journal, which alone is the record, so the mirror never raises: after a first
fault the open trials start again offline, under the same ids; after a second it gives up; there is
one warning. Nothing is sent but what the trials say; nothing is written outside the run's folder.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from lenetml.discretion import CACHE, QUIET, wandb_environment
from lenetml.record import TrialRecord
from lenetml.spec.sections import Wandb

HOW_TO_SEND = "send with, in the run's folder: wandb sync wandb/offline-run-*"
FIRST_MODES = {"auto": "online", "online": "online", "offline": "offline", "disabled": None}


@dataclass
class _Trial:
    """A trial that W&B has not been told to its end."""

    number: int
    config: dict[str, Any]
    epochs: list[dict[str, float]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    exit_code: int | None = None
    run: Any = None
    n_epochs_told: int = 0


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


class Mirror:
    """One life of mirroring: opened by `open_mirror`, told of every trial, closed once."""

    def __init__(
        self, section: Wandb, folder: Path, group: str, name: str, warn: Callable[[str], None]
    ) -> None:
        self._section = section
        self._folder = folder
        self._group = group
        self._name = name
        self._warn = warn
        self._mode = FIRST_MODES[section.mode]
        self._fault: str | None = None
        self._wandb: Any = None
        self._trials: dict[int, _Trial] = {}
        self._told = _told_before(folder)
        if self._mode == "online":
            self._guard(self._look_for_key)

    def trial_started(self, start: Start) -> None:
        """Start a run whose config is the trial's values and its seed, with the epochs so far.

        A trial that is trained several times has the history of the best: it waits for its end.
        """
        if self._mode and start.executions == 1:
            config = {"seed": start.seed, **start.values}
            self._trials[start.number] = _Trial(start.number, config, _rows(start.history))
            self._guard(self._tell)

    def epoch_ended(
        self, number: int, execution: int, epoch: int, metrics: Mapping[str, float]
    ) -> None:
        """Add a row to the history of a run; epochs count from 1."""
        trial = self._trials.get(number)
        # Where a worker died, its training begins again, and ends its first epochs twice.
        if self._mode and trial and epoch > len(trial.epochs):
            trial.epochs.append({"epoch": epoch, **metrics})
            self._guard(self._tell)

    def trial_ended(self, trial: TrialRecord) -> None:
        """Write the summary and finish the run; what was not told before is told now."""
        if self._mode is None:
            return
        unknown = _Trial(trial.number, {"seed": trial.seed, **trial.values})
        told = self._trials.setdefault(trial.number, unknown)
        told.epochs += _rows(trial.history)[len(told.epochs) :]
        told.summary = _summary(trial)
        told.exit_code = 0 if trial.status in ("completed", "stopped") else 1
        self._guard(self._tell)

    def close(self) -> str | None:
        """Finish what is open; say in a sentence what became of the mirror, None if none is."""
        for trial in self._trials.values():
            trial.exit_code = 1
        self._guard(self._tell)
        self._stop()
        return self._outcome()

    def _guard(self, action: Callable[[], None]) -> None:
        """Do something with W&B; whatever goes wrong there ends here."""
        if self._mode is None:
            return
        try:
            action()
        except Exception as fault:
            self._recover(fault)

    def _recover(self, fault: BaseException) -> None:
        """Start the open runs again offline after the first fault; give up after the second."""
        is_first = self._fault is None
        if self._fault is None:
            self._fault = f"{type(fault).__name__}: {fault}".splitlines()[0]
        self._mode = "offline" if is_first else None
        # Only without the old process are the ids of the open runs free again.
        self._stop()
        for trial in self._trials.values():
            trial.run = None
        self._guard(self._tell)
        if is_first:
            then = "the mirror goes on offline" if self._mode else "nothing more is mirrored"
            self._warn(f"W&B failed ({self._fault}); {then}")

    def _look_for_key(self) -> None:
        with self._session() as wandb:
            if wandb.login(prompt=False, verify=False):
                return
        self._mode = "offline"
        if self._section.mode == "online":
            self._warn("W&B has no key (WANDB_API_KEY or `wandb login`); the mirror is offline")

    def _tell(self) -> None:
        """Bring every open run up to date."""
        for trial in list(self._trials.values()):
            if trial.run is None:
                trial.run = self._start(trial)
                trial.n_epochs_told = 0
            for row in trial.epochs[trial.n_epochs_told :]:
                trial.run.log(row, step=row["epoch"], commit=True)
            trial.n_epochs_told = len(trial.epochs)
            if trial.exit_code is not None:
                trial.run.summary.update(trial.summary)
                trial.run.finish(exit_code=trial.exit_code)
                self._told[self._run_id(trial)] = self._mode
                del self._trials[trial.number]

    def _run_id(self, trial: _Trial) -> str:
        return hashlib.sha256(f"{self._group}/{trial.number}".encode()).hexdigest()[:16]

    def _start(self, trial: _Trial) -> Any:
        run_id = self._run_id(trial)
        # An earlier try at this trial was cut short, or goes on: this one tells all of it again.
        for leftover in (self._folder / "wandb").glob(f"*run-*-{run_id}*"):
            shutil.rmtree(leftover)
        with self._session() as wandb:
            return wandb.init(
                project=self._section.project,
                entity=self._section.entity,
                group=self._group,
                job_type="trial",
                name=f"{self._name}-trial-{trial.number:02d}",
                id=run_id,
                tags=self._section.tags,
                config=trial.config,
                mode=self._mode,
                dir=self._folder,
                reinit="create_new",
                settings=wandb.Settings(**QUIET),
            )

    @contextmanager
    def _session(self) -> Iterator[Any]:
        """The library, set up from the spec and not from what lies about on this machine."""
        with wandb_environment(self._folder):
            import wandb

            self._wandb = wandb
            session = wandb.setup(wandb.Settings(silent=True, mode="online"))
            # `init` takes None for "as in the settings files", and these may name a team.
            session.settings.entity = self._section.entity
            yield wandb

    def _stop(self) -> None:
        """End W&B's own process, if there is one, and clear away its logs and links to them."""
        # Where that process has died, wandb 0.31 leaves `teardown` by SystemExit.
        with suppress(Exception, SystemExit):
            if self._wandb:
                self._wandb.teardown()
        self._wandb = None
        for link in self._folder.glob("wandb/*/logs/debug-core.log"):
            link.unlink()
        shutil.rmtree(self._folder / CACHE, ignore_errors=True)

    def _outcome(self) -> str | None:
        if self._section.mode == "disabled":
            return None
        project = f"the W&B project {self._section.project}"
        facts, n_told = [], Counter(self._told.values())
        if n := n_told["online"]:
            facts.append(f"{_count(n)} sent to {project}")
        if n := n_told["offline"]:
            facts.append(f"{_count(n)} kept for {project}; {HOW_TO_SEND}")
        if self._mode is None:
            facts.append(f"the mirror was given up ({self._fault})")
        return "; ".join(facts) or "no trial to mirror"


def open_mirror(
    section: Wandb | None, folder: Path, group: str, name: str, warn: Callable[[str], None]
) -> Mirror:
    """Open the mirror of a run.

    Args:
        section: The spec's section; with None, or mode disabled, W&B is not touched. Where its
            mode is auto, the user's WANDB_MODE counts.
        folder: The folder of the run; W&B's files go to `wandb/` in it.
        group: Name of that folder.
        name: Name of the spec.
        warn: Takes the one warning that there may be.
    """
    section = section or Wandb(project="none", mode="disabled")
    wished = os.environ.get("WANDB_MODE")
    if section.mode == "auto" and wished in ("offline", "disabled"):
        section = section.model_copy(update={"mode": wished})
    return Mirror(section, folder, group, name, warn)


def _told_before(folder: Path) -> dict[str, str | None]:
    """The ids of the runs that earlier lives left behind, and in which mode each of them was."""
    names = [path.name for path in folder.glob("wandb/*run-*")]
    return {
        name.rpartition("-")[2]: "offline" if name.startswith("offline") else "online"
        for name in names
    }


def _rows(history: Mapping[str, list[float]]) -> list[dict[str, float]]:
    n_epochs = max(map(len, history.values()), default=0)
    return [
        {"epoch": i + 1, **{name: series[i] for name, series in history.items() if i < len(series)}}
        for i in range(n_epochs)
    ]


def _summary(trial: TrialRecord) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "status": trial.status,
        "reason": trial.reason,
        "objective": trial.objective,
        "best_epoch": trial.best_epoch,
        "parameters": trial.parameters,
        "macs": trial.macs,
        "seconds": trial.seconds,
    }
    if trial.val:
        for name in ("accuracy", "precision", "recall", "f1"):
            facts[f"val_{name}"] = getattr(trial.val, name)
    return {name: value for name, value in facts.items() if value is not None}


def _count(n: int) -> str:
    return "1 trial" if n == 1 else f"{n} trials"
