"""What the README shows works as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from lenetml.spec import check_spec, load_spec
from lenetml.spec.places import keys_at

PROJECT = Path(__file__).parents[1]
README = (PROJECT / "README.md").read_text(encoding="utf-8")


# What makes a spec of an example that shows only some sections.
REST = {
    "name": "name: example\n",
    "data": "data: {dataset: digits}\n",
    "architecture": "architecture: [flatten]\n",
    "training": "training: {epochs: 2}\n",
    "search": "search: {strategy: random, trials: 1}\n",
}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.S)


def block(language: str) -> str:
    """The first block of a language: of `yaml`, the whole spec."""
    return blocks(language)[0]


@pytest.mark.parametrize("example", blocks("yaml"))
def test_examples_of_specs_are_right(tmp_path, example):
    sections = set(yaml.safe_load(example))
    rest = [text for section, text in REST.items() if section not in sections]
    (tmp_path / "example.yaml").write_text("".join([example, *rest]))
    assert load_spec(tmp_path / "example.yaml").warnings == ()


def test_the_first_example_is_a_whole_spec():
    assert set(REST) <= set(yaml.safe_load(block("yaml")))
    assert len(blocks("yaml")) > 3


def rows(heading):
    """The first cells of the tables under a heading."""
    section = README.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return [cell for cell in re.findall(r"^\| `(.*?)` \|", section, flags=re.M) if cell[-1] != ":"]


@pytest.mark.parametrize("setting", [one for row in rows("Searching") for one in row.split("`, `")])
def test_every_setting_of_a_search_is_right(tmp_path, setting):
    setting = setting.strip("{}") if setting.startswith("{") else setting
    setting = setting if "strategy" in setting else f"strategy: random, trials: 4, {setting}"
    parts = {**REST, "search": f"search: {{{setting}}}\n"}
    space = "search_space: {units: {values: [4, 8, 12, 16]}}\n"
    parts["architecture"] = "architecture: [flatten, dense: {units: $units}]\n"
    path = tmp_path / "spec.yaml"
    path.write_text("".join([space, *parts.values()]))
    spec, problems = check_spec(path)
    assert spec is not None, [str(problem) for problem in problems]


@pytest.mark.parametrize("domain", rows("Specs"))
def test_every_domain_of_the_table_is_right(tmp_path, domain):
    for number, text in enumerate(domain.split("`, `")):
        spec = f"search_space:\n  optimizer: {{values: [adam, sgd]}}\n  x: {text}\n"
        path = tmp_path / f"{number}.yaml"
        path.write_text("".join([spec, *REST.values()]))
        _, problems = check_spec(path)
        assert {problem.message for problem in problems} <= {
            "x is not used",
            "optimizer is not used",
        }


@pytest.mark.parametrize(
    "section", ["training", "augmentation", "evaluation", "energy", "wandb", "card"]
)
def test_the_table_has_every_key_of_a_section(section):
    [keys] = re.findall(rf"^\| {section} \| (.*) \|$", README, flags=re.M)
    assert sorted(re.findall(r"`(\w+)`", keys)) == list(keys_at((section, "")))


def test_the_hook_is_one_of_the_repository():
    [config] = map(yaml.safe_load, blocks("yml"))
    [hook] = config["repos"][0]["hooks"]
    [offered] = yaml.safe_load((PROJECT / ".pre-commit-hooks.yaml").read_text())
    assert hook["id"] == offered["id"]
    assert re.search(hook["files"], "experiments/first.yaml")


def test_the_message_is_that_of_validate(tmp_path):
    """It is told of the spec that the README begins with, misspelt."""
    command, _, message = block("console").partition("\n")
    name = command.removeprefix("$ lenetml validate ")
    (tmp_path / name).write_text(block("yaml").replace("padding: same", "pading: same"))
    done = subprocess.run(
        [sys.executable, "-m", "lenetml", "validate", name],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{message}\n")


@pytest.mark.slow
def test_the_tuner_searches(tmp_path, monkeypatch):
    """On a few digits, for one epoch."""
    from lenetml.trial.threads import use_one_thread

    use_one_thread()
    import numpy as np
    from sklearn.datasets import load_digits

    spec = (PROJECT / "specs" / "digits.yaml").read_text()
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "digits.yaml").write_text(spec.replace("epochs: 20", "epochs: 1"))
    monkeypatch.chdir(tmp_path)
    bunch = load_digits()
    images = np.rint(bunch.images * (255 / 16)).astype("uint8")
    names = {
        "x_train": images[:64], "y_train": bunch.target[:64],
        "x_val": images[64:96], "y_val": bunch.target[64:96],
    }  # fmt: skip
    exec(block("python"), names)
    best = names["tuner"].oracle.get_best_trials(1)[0]
    assert (best.status, best.best_step) == ("COMPLETED", 0)
    assert 0 < best.score <= 1
