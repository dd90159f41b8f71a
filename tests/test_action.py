"""The GitHub action: its steps run here as a runner would run them, in an environment of their own.

What only the service can do is left out: `setup-python` and the display of annotations.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).parents[1]
ACTION = yaml.safe_load((PROJECT / "action.yml").read_text(encoding="utf-8"))
STEPS = {step.get("name", step.get("id")): step for step in ACTION["runs"]["steps"]}
LIGHT = {"pydantic", "PyYAML", "typer", "rich"}

VALID = """\
name: good
data: {dataset: digits}
architecture: [flatten]
training: {epochs: 1}
"""
WARNED = VALID + "augmentation: {shear_range: 0.5}\n"
# The second key ends its line and begins a command of its own; the text of the first has a comma.
INVALID = (
    VALID.replace("epochs: 1", "epochs: '8,5'")
    + '"a\\n::set-output name=x::100%": 1\nsearch_space: {}\n'
)
# "Workflow commands for GitHub Actions", setting an error message: parameters and message.
COMMAND = re.compile(
    r"::(?P<severity>error|warning) file=(?P<file>[^,:]+),line=(?P<line>[1-9][0-9]*),"
    r"col=(?P<col>[1-9][0-9]*),endColumn=(?P<end>[1-9][0-9]*)::(?P<message>[^\r\n]+)"
)


def unescape(text):
    return text.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")


class Runner:
    """As much of GitHub's runner as a composite action needs."""

    def __init__(self, folder):
        self.temp = folder / "temp with space"
        self.temp.mkdir()
        self.workspace = folder / "workspace"
        (self.workspace / "specs").mkdir(parents=True)

    def step(self, name, **inputs):
        """Execute the script of a step; gives what it printed and the step summary."""
        step = STEPS[name]
        known = {f"inputs.{key}": value["default"] for key, value in ACTION["inputs"].items()}
        known |= {f"inputs.{key}": value for key, value in inputs.items()}
        known["steps.python.outputs.python-path"] = sys.executable
        given = {
            key: known[re.fullmatch(r"\$\{\{ (\S+) \}\}", value)[1]]
            for key, value in step["env"].items()
        }
        summary = self.temp / "summary.md"
        summary.write_text("")
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        environment |= {
            "GITHUB_ACTION_PATH": str(PROJECT),
            "GITHUB_STEP_SUMMARY": str(summary),
            "RUNNER_TEMP": str(self.temp),
        }
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.workspace,
            env=environment | given,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        return done, summary.read_text()

    def write(self, **specs):
        for old in self.workspace.glob("specs/*.yaml"):
            old.unlink()
        for name, text in specs.items():
            (self.workspace / "specs" / f"{name}.yaml").write_text(text)


@pytest.fixture(scope="module")
def runner(tmp_path_factory):
    """A runner on which the action is installed."""
    runner = Runner(tmp_path_factory.mktemp("runner"))
    done, _ = runner.step("Install lenetml")
    assert done.returncode == 0, done.stdout + done.stderr
    return runner


def test_the_action_has_the_form_that_github_reads():
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema"]
        + ["--builtin-schema", "vendor.github-actions", PROJECT / "action.yml"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_input_becomes_part_of_a_script():
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step.get("run", "")


def test_it_installs_the_light_libraries_of_the_project():
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    words = shlex.split(STEPS["Install lenetml"]["run"])
    installed = {word for word in words if ">=" in word}
    assert installed == {
        text for text in project["dependencies"] if text.partition(">=")[0] in LIGHT
    }
    assert {text.partition(">=")[0] for text in installed} == LIGHT


@pytest.mark.slow
def test_tensorflow_is_not_installed(runner):
    python = runner.temp / "lenetml" / "bin" / "python"
    done = subprocess.run([python, "-c", "import tensorflow"], capture_output=True, text=True)
    assert "ModuleNotFoundError: No module named 'tensorflow'" in done.stderr


@pytest.mark.slow
def test_valid_specs_pass_in_silence(runner):
    runner.write(good=VALID, better=VALID)
    done, summary = runner.step("Validate")
    assert (done.returncode, done.stdout, done.stderr, summary) == (0, "", "", "")


@pytest.mark.slow
def test_every_problem_becomes_an_annotation_and_a_row(runner):
    runner.write(good=VALID, bad=INVALID, warned=WARNED)
    done, summary = runner.step("Validate")
    assert (done.returncode, done.stderr) == (1, "")
    found = [COMMAND.fullmatch(line) for line in done.stdout.splitlines()]
    assert None not in found, done.stdout
    places = [(f["severity"], f["file"], f["line"], f["col"], f["end"]) for f in found]
    assert places == [
        ("error", "specs/bad.yaml", "4", "20", "25"),
        ("error", "specs/bad.yaml", "5", "1", "31"),
        ("warning", "specs/warned.yaml", "5", "29", "32"),
    ]
    messages = [unescape(f["message"]) for f in found]
    assert messages[0].startswith('epochs of training must be a whole number\nfound: "8,5"')
    assert messages[1].startswith('unknown key "a')
    assert "::set-output name=x::100%" in messages[1]
    rows = summary.splitlines()
    assert rows[:2] == ["| place | severity | problem |", "|---|---|---|"]
    assert [row.split(" | ")[0] for row in rows[2:]] == [
        "| specs/bad.yaml:4:20",
        "| specs/bad.yaml:5:1",
        "| specs/warned.yaml:5:29",
    ]
    assert all(row.count("|") == 4 for row in rows)


@pytest.mark.slow
def test_several_patterns_may_be_given(runner):
    runner.write(good=VALID, bad=INVALID)
    done, _ = runner.step("Validate", specs="specs/g*.yaml\nspecs/b?d.yaml")
    assert done.returncode == 1
    assert done.stdout.count("::error file=specs/bad.yaml,") == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("specs", "code", "said"),
    [
        ("none/*.yaml", 1, "no match: none/*.yaml"),
        ("none.yaml", 2, "none.yaml: there is no such file"),
        ("--help", 2, "--help: there is no such file"),
        ("$(touch${IFS}hit) ;touch hit; `touch${IFS}hit`", 2, "there is no such file"),
    ],
)
def test_what_names_no_spec_is_an_error_and_nothing_more(specs, code, said, runner):
    runner.write(good=VALID)
    done, _ = runner.step("Validate", specs=specs)
    assert done.returncode == code
    assert said in done.stderr
    assert not (runner.workspace / "hit").exists()
