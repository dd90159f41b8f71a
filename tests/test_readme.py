"""What the README shows works as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from lenetml.spec import load_spec

PROJECT = Path(__file__).parents[1]
README = (PROJECT / "README.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    (text,) = re.findall(rf"```{language}\n(.*?)```", README, flags=re.S)
    return text


def test_the_spec_is_right(tmp_path):
    (tmp_path / "digits.yaml").write_text(block("yaml"))
    assert load_spec(str(tmp_path / "digits.yaml")).warnings == ()


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
