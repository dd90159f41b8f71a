"""The wheel, in an environment that lacks TensorFlow: it validates specs and writes cards."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[1]
CASES = PROJECT / "tests" / "cases"
LIGHT = ("pydantic", "PyYAML", "typer", "rich", "jinja2", "Babel", "matplotlib")
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def run(folder: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def succeed(folder: Path, *command: str | Path) -> None:
    done = run(folder, *command)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of an environment with the wheel and the light libraries alone."""
    scratch = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", scratch]
    succeed(PROJECT, *build, PROJECT)
    (wheel,) = scratch.glob("*.whl")
    succeed(scratch, sys.executable, "-m", "venv", "venv")
    programs = scratch / "venv" / "bin"
    # The same versions as here, because the golden cards were written with them.
    light = [f"{name}=={version(name)}" for name in LIGHT]
    succeed(scratch, programs / "pip", "install", "--quiet", *light)
    succeed(scratch, programs / "pip", "install", "--quiet", "--no-deps", wheel)
    return programs


def test_tensorflow_is_not_there(programs: Path, tmp_path: Path) -> None:
    done = run(tmp_path, programs / "python", "-c", "import tensorflow")
    assert "ModuleNotFoundError: No module named 'tensorflow'" in done.stderr


def test_a_spec_is_validated(programs: Path, tmp_path: Path) -> None:
    succeed(tmp_path, programs / "lenetml", "validate", PROJECT / "specs" / "gmnet.yaml")


def test_a_report_is_written_from_the_record(programs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    shutil.copy(CASES / "record.json", folder)
    succeed(tmp_path, programs / "lenetml", "report", folder)
    assert (folder / "report.html").read_text().startswith("<!DOCTYPE html>")


def test_both_cards_are_written_from_the_record(programs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    shutil.copy(CASES / "record.json", folder)
    succeed(tmp_path, programs / "lenetml", "card", folder)
    for name in ("card.en.md", "card.pt.md"):
        assert (folder / name).read_text() == (CASES / name).read_text()
