"""Sweeps and their agents, as the stub of the W&B server has them: points are handed out in order.

The real server searches by itself; here a test says which points there are. An agent gets the next
one when none of its runs is under way, and `exit` when none is left.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from wandb_protocol import DEFAULT_ENTITY
from wandb_told import Run

Variables = dict[str, Any]
Point = dict[str, Any]

OVER = ("FINISHED", "CANCELED")


@dataclass(frozen=True)
class ToldSweep:
    """A sweep; `config` is the YAML as it came, `points` holds what each run id was handed."""

    id: str
    entity: str
    project: str
    config: str
    state: str
    points: dict[str, Point]
    n_left: int
    n_agents: int


@dataclass
class Sweep:
    """A sweep while it is under way."""

    id: str
    entity: str
    project: str
    config: str
    state: str = "RUNNING"
    program: str | None = None
    waiting: list[Point] = field(default_factory=list)
    given: dict[str, Point] = field(default_factory=dict)
    stopping: set[str] = field(default_factory=set)
    n_agents: int = 0

    def frozen(self) -> ToldSweep:
        """What is known by now."""
        return ToldSweep(
            id=self.id,
            entity=self.entity,
            project=self.project,
            config=self.config,
            state=self.state,
            points=deepcopy(self.given),
            n_left=len(self.waiting),
            n_agents=self.n_agents,
        )


class Sweeps:
    """All sweeps of the server.

    Args:
        runs: All runs of the server; some name a sweep.
    """

    def __init__(self, runs: Mapping[Any, Run]) -> None:
        self.sweeps: dict[str, Sweep] = {}
        self.agents: dict[str, Sweep] = {}
        self.runs = runs
        self.answers: dict[str, Callable[[Variables], Any]] = {
            "UpsertSweep": self._upsert,
            "SweepWithRuns": self._with_runs,
            "GetSweepState": self._with_runs,
            "CreateAgent": self._create_agent,
            "Heartbeat": self._heartbeat,
        }

    def add(self, entity: str, project: str, config: str) -> Sweep:
        """Register a sweep, not yet with any point."""
        sweep = Sweep(f"sweep{len(self.sweeps) + 1:03d}", entity, project, config)
        self.sweeps[sweep.id] = sweep
        return sweep

    def hand_out(self, sweep_id: str, points: Iterable[Point], program: str) -> None:
        """Say which points agents get, each as name -> value, and which program runs them."""
        sweep = self.sweeps[sweep_id]
        sweep.waiting, sweep.program = deepcopy(list(points)), program

    def stop(self, run_id: str) -> None:
        """Have the run's agent stop it at its next heartbeat, as an early termination does."""
        for sweep in self.sweeps.values():
            if run_id in sweep.given:
                sweep.stopping.add(run_id)

    def _upsert(self, variables: Variables) -> Any:
        if variables.get("id"):
            sweep = self.sweeps[variables["id"].removeprefix("stub-")]
            sweep.config = variables.get("config") or sweep.config
        else:
            entity = variables["entityName"] or DEFAULT_ENTITY
            sweep = self.add(entity, variables["projectName"], variables["config"])
        sweep.state = variables.get("state") or sweep.state
        answer = {"sweep": _node(sweep), "configValidationWarnings": []}
        return {"upsertSweep": answer}

    def _with_runs(self, variables: Variables) -> Any:
        sweep = self.sweeps.get(variables["sweep"])
        here = (variables["entity"] or DEFAULT_ENTITY, variables["project"])
        if sweep is None or here != (sweep.entity, sweep.project):
            return {"project": {"sweep": None}}
        runs = [run for run in self.runs.values() if run.told.get("sweep") == sweep.id]
        edges = [{"node": _run_node(run)} for run in runs]
        return {"project": {"sweep": _node(sweep) | {"runs": {"edges": edges}}}}

    def _create_agent(self, variables: Variables) -> Any:
        sweep = self.sweeps[variables["sweep"]]
        sweep.n_agents += 1
        agent_id = f"stub-agent-{len(self.agents) + 1}"
        self.agents[agent_id] = sweep
        return {"createAgent": {"agent": {"id": agent_id}}}

    def _heartbeat(self, variables: Variables) -> Any:
        sweep = self.agents[variables["id"]]
        running = list(json.loads(variables["runState"]))
        commands = json.dumps(_commands(sweep, running))
        return {"agentHeartbeat": {"agent": {"id": variables["id"]}, "commands": commands}}


def _commands(sweep: Sweep, running: list[str]) -> list[dict[str, Any]]:
    if running:
        return [{"type": "stop", "run_id": name} for name in running if name in sweep.stopping]
    if sweep.state in OVER:
        return [{"type": "exit"}]
    if sweep.program is None or sweep.state == "PAUSED":
        return []
    if not sweep.waiting:
        sweep.state = "FINISHED"
        return [{"type": "exit"}]
    point = sweep.waiting.pop(0)
    run_id = f"{sweep.id}run{len(sweep.given) + 1:02d}"
    sweep.given[run_id] = point
    args = {name: {"value": value} for name, value in point.items()}
    return [{"type": "run", "run_id": run_id, "args": args, "program": sweep.program}]


def _node(sweep: Sweep) -> dict[str, Any]:
    entity = {"id": f"stub-entity-{sweep.entity}", "name": sweep.entity}
    project = {"id": f"stub-project-{sweep.project}", "name": sweep.project, "entity": entity}
    return {
        "id": f"stub-{sweep.id}",
        "name": sweep.id,
        "state": sweep.state,
        "config": sweep.config,
        "project": project,
    }


def _run_node(run: Run) -> dict[str, Any]:
    return {
        "name": run.id,
        "state": "finished" if run.complete else "running",
        "config": json.dumps(run.config),
        "exitcode": run.exit_code,
    }
