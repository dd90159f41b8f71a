"""A search in the grammar of W&B's sweeps: `sweep.yaml`, and what `lenetml sweep` prints.

It describes the search for people who know W&B, and W&B's own agents can run it: each of their
runs is one `lenetml trial`. Nothing here needs W&B, and no search of lenetml's follows it.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from lenetml.files import write_atomically
from lenetml.spec import Spec
from lenetml.spec.domains import Domain, Range, SearchSpace
from lenetml.spec.sections import DEFAULT_FACTOR, Search, Wandb

SWEEP_NAME = "sweep.yaml"
PROGRAM = "lenetml"
METHODS = {"random": "random", "grid": "grid", "bayesian": "bayes", "hyperband": "random"}
# The agent puts a path in its place, but only where nothing else stands in the element.
VALUES_FILE = "${args_json_file}"
HEADER = "# For wandb sweep. Its agents start where the command below finds lenetml and the spec.\n"


def sweep_of(spec: Spec, launcher: Sequence[str] = (PROGRAM,)) -> dict[str, Any]:
    """Say the search of a spec as a sweep that W&B's agents can run.

    The spec is called by the path that lenetml was called with, so that nothing is told of this
    machine and agents on other machines can have the same files.

    Args:
        spec: A checked spec.
        launcher: What begins the command; `launcher_here` gives one for this machine.
    """
    document = spec.document
    search = document.search
    sweep = sweep_configuration(document.name, spec.space, search, document.wandb)
    if search is not None and search.strategy == "hyperband":
        sweep |= _early_terminate(document.training.epochs, search.factor or DEFAULT_FACTOR)
    changes = [word for change in spec.overrides for word in ("--set", change)]
    # W&B asks for a program, though the command does without.
    sweep["program"] = PROGRAM
    sweep["command"] = [*launcher, "trial", str(spec.path), *changes, "--values", VALUES_FILE]
    return sweep


def launcher_here() -> tuple[str, ...]:
    """How an agent on this machine starts this very lenetml.

    By its name where that leads to this environment, and else by the path of its Python: an agent
    looks neither beside its own Python nor for an environment that nobody activated.
    """
    found, python = shutil.which(PROGRAM), Path(sys.executable)
    if found is not None and Path(found).resolve().parent == python.parent.resolve():
        return (PROGRAM,)
    return (str(python), "-m", PROGRAM)


def sweep_configuration(
    name: str, space: SearchSpace, search: Search | None, wandb: Wandb | None
) -> dict[str, Any]:
    """Say what is searched, and how.

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


def sweep_text(configuration: Mapping[str, Any]) -> str:
    """A sweep configuration as YAML."""
    body = yaml.safe_dump(dict(configuration), sort_keys=False, allow_unicode=True)
    return HEADER + body


def write_sweep(folder: Path, configuration: Mapping[str, Any]) -> None:
    """Write `sweep.yaml` whole or not at all."""
    write_atomically(folder / SWEEP_NAME, sweep_text(configuration).encode())


def read_sweep(folder: Path) -> dict[str, Any]:
    """The sweep configuration that `write_sweep` left in a run's folder."""
    configuration: dict[str, Any] = yaml.safe_load((folder / SWEEP_NAME).read_bytes())
    return configuration


def _early_terminate(epochs: int, factor: int) -> dict[str, Any]:
    """The rungs of Hyperband, in epochs, since each epoch tells the metric once.

    W&B stops runs there, at epochs / factor, / factor², ..., in one bracket for all of them, and
    wants to know how many of these there are.
    """
    n_rungs, left = 0, epochs / factor
    while left >= 1:
        n_rungs, left = n_rungs + 1, left / factor
    if n_rungs == 0:
        return {}
    rungs = {"type": "hyperband", "max_iter": epochs, "s": n_rungs, "eta": factor}
    return {"early_terminate": rungs}


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
