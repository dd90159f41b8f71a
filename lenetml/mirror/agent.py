"""The W&B run that a sweep's agent has begun: told of its one trial like a run of the mirror.

An agent starts `lenetml trial` with the run's id, its sweep and its values in the environment.
What is sent is what the mirror sends of a trial, under the sweep; a fault of W&B is one warning
and an offline run, and never changes the trial. A spec without a section `wandb` is told of too,
since whoever starts an agent asks for it; `mode: disabled` is not.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lenetml.mirror.client import Client
from lenetml.mirror.discretion import KEPT_VARIABLES
from lenetml.mirror.ledger import Ledger
from lenetml.mirror.live import Mirror, Start, wished_mode
from lenetml.mirror.told import Told, config_of, key_of_trial, tell_trial
from lenetml.record import TrialRecord
from lenetml.spec.sections import Wandb

NUMBER = 1
RUN, SWEEP = "WANDB_RUN_ID", "WANDB_SWEEP_ID"
# What the agent says of its run, beside the variables that the mirror keeps.
AGENT_VARIABLES = frozenset({RUN, SWEEP, "WANDB_SWEEP_PARAM_PATH", "WANDB_ENTITY", "WANDB_PROJECT"})


def is_under_agent() -> bool:
    """Whether a W&B agent started this process for a run of its sweep."""
    return all(os.environ.get(name) for name in (RUN, SWEEP))


@dataclass(frozen=True)
class _Start:
    """A trial as the mirror hears of it: begun at once, however often it is trained."""

    values: Mapping[str, Any]
    seed: int
    number: int = NUMBER
    executions: int = 1
    history: Mapping[str, list[float]] = field(default_factory=dict)


class _AgentClient(Client):
    """W&B's SDK for a run whose id, project and sweep are the agent's; it hears of stops."""

    _kept_variables = KEPT_VARIABLES | AGENT_VARIABLES

    def __init__(self, section: Wandb, folder: Path) -> None:
        super().__init__(section, folder, name="", identity="")
        self.is_stopped = False

    def run_id(self, key: str) -> str:
        return os.environ[RUN]

    def _named(self, key: str) -> dict[str, Any]:
        # The rest is in the agent's variables.
        return {"entity": os.environ.get("WANDB_ENTITY")}

    def _asked_to_stop(self) -> None:
        self.is_stopped = True


class AgentRun:
    """The agent's run, from the trial's beginning to its end; closed once.

    Args:
        section: How W&B is told: mode and tags.
        folder: Where W&B's files go, to `wandb/` in it.
        objective: The metric of the sweep.
        warn: Takes the one warning that there may be.
    """

    def __init__(
        self, section: Wandb, folder: Path, objective: str, warn: Callable[[str], None]
    ) -> None:
        self._folder, self._objective = folder, objective
        self._client = _AgentClient(section, folder)
        ledger = Ledger([], lambda event, **facts: None)
        self._mirror = Mirror(
            section, self._client, ledger, warn, f"wandb sync {folder}/wandb/offline-run-*"
        )
        self._tells_epochs = True

    @property
    def is_stopped(self) -> bool:
        """Whether W&B wants the trial to end after the epoch under way."""
        return self._client.is_stopped

    def trial_started(self, start: Start) -> None:
        """Begin the run; of several trainings the history of the best is told at the end."""
        self._tells_epochs = start.executions == 1
        self._mirror.trial_started(_Start(start.values, start.seed))

    def epoch_ended(
        self, number: int, execution: int, epoch: int, metrics: Mapping[str, float]
    ) -> None:
        """Add a row to the history; epochs count from 1."""
        if self._tells_epochs:
            self._mirror.epoch_ended(number, execution, epoch, metrics)

    def trial_ended(self, trial: TrialRecord) -> None:
        """Write the summary and finish the run.

        The sweep's metric is the objective: of the kept weights, and the mean of all trainings.
        """
        told = tell_trial(trial)
        metric = {} if trial.objective is None else {self._objective: trial.objective}
        self._mirror.tell(replace(told, summary={**told.summary, **metric}))

    def trial_impossible(self, values: Mapping[str, Any], seed: int, message: str) -> None:
        """Say that there is no such network: to W&B a run that failed, without a metric."""
        summary = {"status": "impossible", "reason": "infeasible", "message": message}
        config = config_of(values, seed)
        self._mirror.tell(Told(key_of_trial(NUMBER), "trial", config, (), summary, exit_code=1))

    def close(self) -> None:
        """Finish what is open, end W&B's process, and leave no empty folder."""
        self._mirror.close()
        for folder in (self._folder / "wandb", self._folder):
            with suppress(OSError):
                folder.rmdir()


def open_agent_run(
    section: Wandb | None, objective: str, warn: Callable[[str], None]
) -> AgentRun | None:
    """Take over the run of the agent that started this process.

    Its files go to a folder of its own beside those of the agent, so that agents which share a
    folder do not clear each other's things away.

    Args:
        section: The spec's; its mode and its tags count, and the agent's project and team.
        objective: The metric that the sweep is about.
        warn: Takes the one warning that there may be.

    Returns:
        None where no agent started this process, or W&B is disabled.
    """
    if not is_under_agent():
        return None
    # Its project is never sent: that of the agent's sweep counts.
    section = section or Wandb(project="sweep")
    section = section.model_copy(update={"mode": wished_mode(section), "sweep": False})
    if section.mode == "disabled":
        warn("W&B is disabled: its sweep hears nothing of this trial")
        return None
    base = Path(os.environ.get("WANDB_DIR") or ".").resolve()
    folder = base / "wandb" / f"sweep-{os.environ[SWEEP]}" / os.environ[RUN]
    folder.mkdir(parents=True, exist_ok=True)
    return AgentRun(section, folder, objective, warn)
