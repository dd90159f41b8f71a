"""The pre-commit hook: pre-commit installs it from a clone and runs it, without TensorFlow."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).parents[1]
MANIFEST = PROJECT / ".pre-commit-hooks.yaml"
PACKED = ("pyproject.toml", "README.md", "LICENSE", "lenetml", "templates", MANIFEST.name)

VALID = """\
name: good
data: {dataset: digits}
architecture: [flatten]
training: {epochs: 1}
"""
INVALID = VALID.replace("epochs: 1", "epochs: 0")
REFUSAL = """\
specs/bad.yaml:4:20: epochs of training must be at least 1
    4 | training: {epochs: 0}
      |                    ^
    found: 0
"""


class Repository:
    """A git repository in a folder of its own."""

    def __init__(self, folder, environment):
        self.folder, self.environment = folder, environment
        folder.mkdir()
        self.run("git", "init", "--quiet", "--initial-branch=main")

    def run(self, *command):
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )

    def commit(self):
        """Commit every file; gives the commit's hash."""
        self.run("git", "add", "--all")
        person = ["-c", "user.name=tester", "-c", "user.email=tester@example.org"]
        done = self.run("git", *person, "commit", "--quiet", "--message", "all")
        assert done.returncode == 0, done.stderr
        return self.run("git", "rev-parse", "HEAD").stdout.strip()

    def pre_commit(self, *words):
        return self.run(sys.executable, "-m", "pre_commit", *words)


@pytest.fixture(scope="module")
def user(tmp_path_factory):
    """A repository whose `.pre-commit-config.yaml` names a clone of this project."""
    if shutil.which("git") is None:
        pytest.skip("pre-commit works on git repositories, and git is not installed")
    scratch = tmp_path_factory.mktemp("pre-commit")
    environment = {
        name: value
        for name, value in os.environ.items()
        if name != "PYTHONPATH" and not name.startswith("GIT_")
    }
    environment |= {
        "PRE_COMMIT_HOME": str(scratch / "home"),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    tool = Repository(scratch / "tool", environment)
    for name in PACKED:
        if (PROJECT / name).is_dir():
            shutil.copytree(
                PROJECT / name, tool.folder / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            shutil.copy(PROJECT / name, tool.folder)
    repository = {
        "repo": str(tool.folder),
        "rev": tool.commit(),
        "hooks": [{"id": "lenetml-validate"}],
    }
    user = Repository(scratch / "user", environment)
    (user.folder / ".pre-commit-config.yaml").write_text(yaml.safe_dump({"repos": [repository]}))
    (user.folder / "specs").mkdir()
    (user.folder / "specs" / "good.yaml").write_text(VALID)
    (user.folder / "other.yaml").write_text("not: a spec\n")
    user.commit()
    done = user.pre_commit("install-hooks")
    assert done.returncode == 0, done.stdout + done.stderr
    return user


def test_the_manifest_has_the_form_that_pre_commit_reads(tmp_path):
    command = [sys.executable, "-m", "pre_commit", "validate-manifest", MANIFEST]
    environment = os.environ | {"PRE_COMMIT_HOME": str(tmp_path / "home")}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_library_is_pinned():
    (hook,) = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    first, *pins = hook["additional_dependencies"]
    assert first == "--no-deps"
    assert all(re.fullmatch(r"[A-Za-z-]+==[0-9.]+", pin) for pin in pins)


@pytest.mark.slow
def test_valid_specs_pass_and_other_files_are_no_specs(user):
    done = user.pre_commit("run", "--all-files", "--verbose")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "specs/good.yaml: valid\n" in done.stdout
    assert "other.yaml" not in done.stdout


@pytest.mark.slow
def test_an_invalid_spec_stops_the_commit(user):
    bad = user.folder / "specs" / "bad.yaml"
    bad.write_text(INVALID)
    user.run("git", "add", "specs/bad.yaml")
    done = user.pre_commit("run")
    user.run("git", "rm", "--quiet", "--force", "specs/bad.yaml")
    assert done.returncode == 1
    assert "exit code: 1" in done.stdout
    assert REFUSAL in done.stdout


@pytest.mark.slow
def test_what_is_installed_is_whole_and_light(user):
    (program,) = Path(user.environment["PRE_COMMIT_HOME"]).glob("repo*/py_env-*/bin/lenetml")
    done = user.run(program.parent / "pip", "check")
    missing = re.findall(
        r"^lenetml \S+ requires (\S+), which is not installed\.$", done.stdout, re.M
    )
    assert len(missing) == len(done.stdout.splitlines()), done.stdout
    assert {"tensorflow", "keras", "numpy"} <= set(missing)
    assert not {"pydantic", "pyyaml", "typer", "rich"} & {name.lower() for name in missing}
