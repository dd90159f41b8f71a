"""The W&B sweep configuration, without W&B."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from lenetml.spec import load_spec
from lenetml.spec.declared import read_space
from lenetml.spec.domains import Choice, Condition, Range
from lenetml.spec.sections import Search, Wandb
from lenetml.spec.source import parse
from lenetml.sweep import sweep_configuration, write_sweep

SPACE = {
    "activation": Choice(("relu", "tanh")),
    "batch_norm": Choice((False, True)),
    "conv": Choice(([18, 0.1], [36, 0.2])),
    "padding": Choice(("same",)),
    "units": Range(30, 300),
    "learning_rate": Range(0.00001, 0.1),
    "batch_size": Range(32, 128, step=32),
    "rate": Range(0.1, 0.5, step=0.1, when=(Condition("batch_norm", None, (True,)),)),
    "decay": Range(0.0001, 1.0, is_log=True),
}
CASES = Path(__file__).parent / "cases" / "valid"
SPECS = Path(__file__).parents[1] / "specs"
FILES = sorted([*SPECS.glob("*.yaml"), *CASES.glob("*.yaml")])


def test_whole_configuration():
    search = Search(strategy="bayesian", trials=12)
    section = Wandb(project="GMNet-sweep", entity="a-team")
    assert sweep_configuration("gmnet", SPACE, search, section) == {
        "name": "gmnet",
        "project": "GMNet-sweep",
        "entity": "a-team",
        "method": "bayes",
        "metric": {"name": "val_accuracy", "goal": "maximize"},
        "parameters": {
            "activation": {"values": ["relu", "tanh"]},
            "batch_norm": {"values": [False, True]},
            "conv": {"values": [[18, 0.1], [36, 0.2]]},
            "padding": {"value": "same"},
            "units": {"distribution": "int_uniform", "min": 30, "max": 300},
            "learning_rate": {"distribution": "uniform", "min": 0.00001, "max": 0.1},
            "batch_size": {"distribution": "q_uniform", "min": 32, "max": 128, "q": 32},
            "rate": {"distribution": "q_uniform", "min": 0.1, "max": 0.5, "q": 0.1},
            "decay": {"distribution": "log_uniform_values", "min": 0.0001, "max": 1.0},
        },
        "run_cap": 12,
    }


def test_nothing_is_said_that_the_spec_does_not_say():
    configuration = sweep_configuration("gmnet", SPACE, Search(strategy="grid"), None)
    assert not {"project", "entity", "run_cap", "program", "command"} & set(configuration)


@pytest.mark.parametrize(
    ("strategy", "method"),
    [("random", "random"), ("grid", "grid"), ("bayesian", "bayes"), ("hyperband", "random")],
)
def test_methods(strategy, method):
    assert sweep_configuration("n", SPACE, Search(strategy=strategy), None)["method"] == method


@pytest.mark.parametrize(
    ("objective", "goal"),
    [("val_accuracy", "maximize"), ("val_loss", "minimize"), ("val_f1", "maximize")],
)
def test_goals(objective, goal):
    search = Search(strategy="random", trials=3, objective=objective)
    metric = sweep_configuration("n", SPACE, search, None)["metric"]
    assert metric == {"name": objective, "goal": goal}


def test_one_fixed_network_is_a_grid_of_one_point():
    configuration = sweep_configuration("lenet5", {"units": Choice((84,))}, None, None)
    assert configuration["method"] == "grid"
    assert configuration["parameters"] == {"units": {"value": 84}}


def test_file_reads_back_equal_and_in_order(tmp_path):
    configuration = sweep_configuration("n", SPACE, Search(strategy="random", trials=3), None)
    write_sweep(tmp_path, configuration)
    back = yaml.safe_load((tmp_path / "sweep.yaml").read_text(encoding="utf-8"))
    assert back == configuration
    assert list(back["parameters"]) == list(SPACE)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_sweep_can_be_pasted_back(path, tmp_path):
    """All that a sweep cannot say is `when`; what `.each` draws has become names of its own."""
    spec = load_spec(path)
    document = spec.document
    configuration = sweep_configuration(document.name, spec.space, document.search, document.wandb)
    write_sweep(tmp_path, configuration)
    root, complaints = parse((tmp_path / "sweep.yaml").read_text(encoding="utf-8"))
    assert complaints == []
    space, complaints = read_space(root.entry("parameters").node)
    assert complaints == []
    assert repr(space) == repr(
        {name: replace(domain, when=()) for name, domain in spec.space.items()}
    )


def test_wandb_is_not_imported():
    code = "import sys, lenetml.sweep; print('wandb' in sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout == "False\n"
