"""The W&B sweep configuration, without W&B."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from command_line import call, write_specs
from spec_texts import spec_of

from lenetml.mirror.sweep import (
    PROGRAM,
    launcher_here,
    sweep_configuration,
    sweep_of,
    sweep_text,
    write_sweep,
)
from lenetml.spec import load_spec
from lenetml.spec.declared import read_space
from lenetml.spec.domains import Choice, Condition, Range
from lenetml.spec.sections import Search, Wandb
from lenetml.spec.source import parse

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
    write_sweep(tmp_path, sweep_of(spec))
    root, complaints = parse((tmp_path / "sweep.yaml").read_text(encoding="utf-8"))
    assert complaints == []
    space, complaints = read_space(root.entry("parameters").node)
    assert complaints == []
    assert repr(space) == repr(
        {name: replace(domain, when=()) for name, domain in spec.space.items()}
    )


def hyperband(tmp_path, epochs, **keys):
    """The sweep of a spec that is searched by hyperband."""
    return sweep_of(
        spec_of(
            tmp_path,
            search_space={"rate": {"min": 0.001, "max": 0.1}},
            training={"epochs": epochs, "learning_rate": "$rate"},
            search={"strategy": "hyperband", **keys},
        )
    )


@pytest.mark.parametrize(
    ("epochs", "keys", "rungs"),
    [
        (27, {}, {"max_iter": 27, "s": 3, "eta": 3}),
        (26, {}, {"max_iter": 26, "s": 2, "eta": 3}),
        (3, {}, {"max_iter": 3, "s": 1, "eta": 3}),
        (64, {"factor": 4, "iterations": 2}, {"max_iter": 64, "s": 3, "eta": 4}),
        (1000, {"factor": 10}, {"max_iter": 1000, "s": 3, "eta": 10}),
    ],
)
def test_hyperband_ends_runs_early(tmp_path, epochs, keys, rungs):
    """W&B documents its brackets as max_iter / eta, / eta², ... for s = 1, 2, ...: all above 1."""
    sweep = hyperband(tmp_path, epochs, **keys)
    assert sweep["early_terminate"] == {"type": "hyperband", **rungs}
    assert sweep["method"] == "random"
    # They count how often the metric was told: that must be in each epoch's row.
    assert sweep["metric"]["name"] == "val_accuracy"


def test_hyperband_without_a_rung_ends_nothing_early(tmp_path):
    assert "early_terminate" not in hyperband(tmp_path, 2)


@pytest.mark.parametrize(
    "search", [{"strategy": "random", "trials": 3}, {"strategy": "bayesian", "trials": 3}]
)
def test_other_strategies_end_nothing_early(tmp_path, search):
    space = {"rate": {"min": 0.001, "max": 0.1}}
    training = {"epochs": 9, "learning_rate": "$rate"}
    spec = spec_of(tmp_path, search_space=space, training=training, search=search)
    assert "early_terminate" not in sweep_of(spec)


def test_what_an_agent_runs(tmp_path, monkeypatch):
    """The spec by the path as it was given, and what was changed in it."""
    write_specs(tmp_path)
    monkeypatch.chdir(tmp_path)
    sweep = sweep_of(load_spec("search.yaml", ["training.epochs=2", "training.batch_size=8"]))
    assert sweep["program"] == "lenetml"
    assert sweep["command"] == [
        "lenetml", "trial", "search.yaml", "--set", "training.epochs=2",
        "--set", "training.batch_size=8", "--values", "${args_json_file}",
    ]  # fmt: skip
    other = sweep_of(load_spec("search.yaml"), ("python", "-m", "lenetml"))
    assert other["command"][:5] == ["python", "-m", "lenetml", "trial", "search.yaml"]
    assert str(tmp_path) not in sweep_text(sweep)


def test_the_program_by_its_name_where_that_leads_here(tmp_path, monkeypatch):
    """Else by this very Python: another environment's program, or none, would be the wrong one."""
    for name in ("here", "elsewhere", "nothing"):
        (tmp_path / name).mkdir()
    for name in ("here", "elsewhere"):
        for file in ("python", PROGRAM):
            (tmp_path / name / file).touch(mode=0o755)
    (tmp_path / "nothing" / PROGRAM).symlink_to(tmp_path / "here" / PROGRAM)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "here" / "python"))
    by_python = (str(tmp_path / "here" / "python"), "-m", "lenetml")
    for path, launcher in (
        ("here", ("lenetml",)), ("nothing", ("lenetml",)), ("elsewhere", by_python),
        ("none", by_python),
    ):  # fmt: skip
        monkeypatch.setenv("PATH", str(tmp_path / path))
        assert launcher_here() == launcher, path


NO_PROJECT = (
    "search.yaml: no section wandb names a project: give one to wandb sweep, with --project\n"
)


def test_printed(tmp_path):
    write_specs(tmp_path)
    code, out, err = call(tmp_path, "sweep", "search.yaml", "--set", "search.trials=2", PATH="")
    assert (code, err) == (0, NO_PROJECT)
    assert out.startswith("# For wandb sweep. Its agents start where the command below finds ")
    sweep = yaml.safe_load(out)
    assert sweep == sweep_of(
        load_spec(tmp_path / "search.yaml", ["search.trials=2"]), (sys.executable, "-m", "lenetml")
    ) | {"command": sweep["command"]}
    assert sweep["command"] == [
        sys.executable, "-m", "lenetml", "trial", "search.yaml", "--set", "search.trials=2",
        "--values", "${args_json_file}",
    ]  # fmt: skip
    code, out, err = call(
        tmp_path, "sweep", "search.yaml", "--set", "search.trials=2", "--json", PATH=""
    )
    assert (code, err, json.loads(out)) == (0, NO_PROJECT, sweep)


def test_nothing_to_sweep(tmp_path):
    write_specs(tmp_path)
    assert call(tmp_path, "sweep", "tiny.yaml") == (
        2,
        "",
        "lenetml: tiny.yaml: there is nothing to sweep, since it has no search_space\n"
        "    lenetml run tiny.yaml trains its one network\n",
    )


def test_a_wrong_spec(tmp_path):
    write_specs(tmp_path)
    code, out, err = call(tmp_path, "sweep", "wrong.yaml")
    assert (code, out) == (1, "")
    assert err.startswith('wrong.yaml:4:23: unknown key "bach" in training\n')
    missing = "lenetml: none.yaml: there is no such file\n"
    assert call(tmp_path, "sweep", "none.yaml") == (2, "", missing)


def test_nothing_heavy_is_loaded(tmp_path):
    write_specs(tmp_path)
    code = """
import sys, runpy
try:
    runpy.run_module("lenetml", run_name="__main__", alter_sys=True)
finally:
    print(*{"wandb", "tensorflow", "numpy"} & set(sys.modules), file=sys.stderr)
"""
    assert call(tmp_path, "sweep", "search.yaml", code=code)[2] == f"{NO_PROJECT}\n"
