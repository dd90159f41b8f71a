"""The search space of a spec as a W&B sweep configuration, `sweep.yaml`; W&B is not needed.

A description of the search for people who know W&B: lenetml's own search stays the one that runs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from lenetml.files import write_atomically
from lenetml.spec.domains import Domain, Range, SearchSpace
from lenetml.spec.sections import Search, Wandb

SWEEP_NAME = "sweep.yaml"
METHODS = {"random": "random", "grid": "grid", "bayesian": "bayes", "hyperband": "random"}


def sweep_configuration(
    name: str, space: SearchSpace, search: Search | None, wandb: Wandb | None
) -> dict[str, Any]:
    """Say a search in the grammar of W&B's sweeps.

    Args:
        name: Name of the spec.
        space: Its search space.
        search: How it is searched; None for one fixed network, which is a grid of one point.
        wandb: Gives project and entity, where there is one.
    """
    objective = search.objective if search else "val_accuracy"
    configuration: dict[str, Any] = {"name": name}
    if wandb:
        configuration["project"] = wandb.project
    if wandb and wandb.entity:
        configuration["entity"] = wandb.entity
    configuration["method"] = METHODS[search.strategy] if search else "grid"
    configuration["metric"] = {
        "name": objective,
        "goal": "minimize" if objective == "val_loss" else "maximize",
    }
    configuration["parameters"] = {key: _parameter(domain) for key, domain in space.items()}
    if search and search.trials:
        configuration["run_cap"] = search.trials
    return configuration


def write_sweep(folder: Path, configuration: dict[str, Any]) -> None:
    """Write `sweep.yaml` whole or not at all."""
    text = yaml.safe_dump(configuration, sort_keys=False, allow_unicode=True)
    write_atomically(folder / SWEEP_NAME, text.encode())


def _parameter(domain: Domain) -> dict[str, Any]:
    if isinstance(domain, Range):
        ends: dict[str, Any] = {"min": domain.low, "max": domain.high}
        if domain.is_log:
            return {"distribution": "log_uniform_values", **ends}
        if domain.step is not None:
            return {"distribution": "q_uniform", **ends, "q": domain.step}
        return {"distribution": "int_uniform" if domain.is_whole else "uniform", **ends}
    if len(domain.values) == 1:
        return {"value": domain.values[0]}
    return {"values": list(domain.values)}
