"""A one-way copy of trials to Weights & Biases: the one door to wandb.

Each trial is one W&B run of the group that bears the name of the run's folder. The driver calls
the mirror after its journal, which alone is the record, so the mirror never raises: after a fault
online the open trials start again offline, under the same ids; after a fault offline it gives up.
Either way there is one warning. Nothing is sent but what the trials say, and nothing is written
outside the run's folder.
"""

from __future__ import annotations

import hashlib
import os
import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from lenetml.record import TrialRecord
from lenetml.spec.sections import Wandb

INIT_SECONDS = 8
FINISH_SECONDS = 30

# Where the server is and who asks is the user's own; every other WANDB_ variable would change
# what the spec says.
KEPT_VARIABLES = (
    "WANDB_API_KEY",
    "WANDB_BASE_URL",
    "WANDB_CONFIG_DIR",
    "WANDB_HTTPS_PROXY",
    "WANDB_HTTP_PROXY",
    "WANDB_IDENTITY_TOKEN_FILE",
)

# wandb 0.31: `x_disable_meta` and `x_disable_machine_info` keep host, command line and hardware
# to this machine, an empty `host` its name; `stop_fn` keeps the stop button of W&B's page from
# interrupting the whole search.
QUIET: dict[str, Any] = {
    "silent": True,
    "console": "off",
    "disable_code": True,
    "disable_git": True,
    "disable_job_creation": True,
    "host": "",
    "label_disable": True,
    "save_code": False,
    "stop_fn": lambda: None,
    "symlink": False,
    "use_dot_wandb": False,
    "x_disable_machine_info": True,
    "x_disable_meta": True,
    "x_disable_stats": True,
    "x_disable_viewer": True,
    "x_save_requirements": False,
    "init_timeout": INIT_SECONDS,
    "finish_timeout": FINISH_SECONDS,
    "finish_timeout_raises": True,
}


@dataclass
class _Trial:
    """What is known of a trial, and how much of it W&B has been told."""

    number: int
    config: dict[str, Any]
    epochs: list[dict[str, float]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    exit_code: int | None = None
    run: Any = None
    n_told: int = 0


class Mirror:
    """One life of mirroring: opened by `open_mirror`, closed once.

    Args:
        section: The spec's section; None, or mode disabled, for a mirror that does nothing.
        folder: The folder of the run; W&B's files go to `wandb/` in it.
        group: Name of that folder.
        name: Name of the spec.
        warn: Takes the one warning that there may be.
    """

    def __init__(
        self,
        section: Wandb | None,
        folder: Path,
        group: str,
        name: str,
        warn: Callable[[str], None],
    ) -> None:
        self._section = section if section and section.mode != "disabled" else None
        self._folder = folder
        self._group = group
        self._name = name
        self._warn = warn
        self._mode: Literal["online", "offline"] | None = None
        self._open: dict[int, _Trial] = {}
        self._n_ended: Counter[str] = Counter()
        if self._section:
            self._guard(self._choose_mode)

    def trial_started(self, number: int, values: Mapping[str, Any], seed: int) -> None:
        """Start a run whose config is the trial's values and its seed."""
        if self._mode:
            self._open[number] = _Trial(number, {"seed": seed, **values})
            self._guard(self._tell)

    def epoch_ended(self, number: int, epoch: int, metrics: Mapping[str, float]) -> None:
        """Add a row to the history; epochs count from 1."""
        if self._mode:
            self._open[number].epochs.append({"epoch": epoch, **metrics})
            self._guard(self._tell)

    def trial_ended(self, trial: TrialRecord) -> None:
        """Write the summary and finish the run; a trial not seen before is sent whole."""
        if self._mode:
            told = self._open.setdefault(trial.number, _from_record(trial))
            told.summary = _summary(trial)
            told.exit_code = 0 if trial.status in ("completed", "stopped") else 1
            self._guard(self._tell)

    def close(self) -> str | None:
        """Finish what is open and say what became of the mirror; None where none was asked for."""
        for trial in self._open.values():
            trial.exit_code = 1
        self._guard(self._tell)
        self._guard(self._stop)
        return self._outcome()

    def _choose_mode(self) -> None:
        assert self._section
        self._mode = "offline"
        if self._section.mode == "offline":
            return
        with _environment(self._folder):
            import wandb

            wandb.setup(wandb.Settings(silent=True, mode="online"))
            if wandb.login(prompt=False, verify=False):
                self._mode = "online"
        if self._mode == "offline" and self._section.mode == "online":
            self._warn("W&B has no key (WANDB_API_KEY or `wandb login`); the mirror stays offline")

    def _guard(self, action: Callable[[], None]) -> None:
        """Do something with W&B; whatever goes wrong there ends here."""
        if self._section is None:
            return
        while True:
            try:
                action()
                return
            # `wandb.teardown` leaves by SystemExit where its service died (wandb 0.31).
            except (Exception, SystemExit) as fault:
                ...
