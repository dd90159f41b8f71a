"""Starts scripts of the real W&B SDK against the stub of its server, each in its own process."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import psutil
from mirrored import CANARY, make_home
from wandb_server import WandbServer

PATIENCE_SECONDS = 60
QUIET = """
import wandb
QUIET = dict(console="off", silent=True, x_disable_meta=True, x_disable_stats=True,
             x_save_requirements=False, host="", program="", init_timeout={init},
             finish_timeout={finish}, finish_timeout_raises=True)

def begin(**given):
    return wandb.init(project="p", settings=wandb.Settings(**QUIET), **given)
"""
PATIENT = QUIET.format(init=30, finish=30)
HASTY_AT_THE_BEGINNING = QUIET.format(init=2, finish=30)
HASTY_AT_THE_END = QUIET.format(init=30, finish=1)


@contextmanager
def served(tmp_path: Path, monkeypatch, **given):
    """Run the stub, and point the processes that a test starts to it."""
    make_home(tmp_path, monkeypatch)
    with WandbServer(**given) as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        monkeypatch.setenv("WANDB_API_KEY", CANARY)
        monkeypatch.setenv("WANDB_ERROR_REPORTING", "false")
        yield server


@contextmanager
def started(folder: Path, *arguments: str):
    """Start Python; it and what it started are killed in the end, if they still are there."""
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            children = psutil.Process(process.pid).children(recursive=True)
            process.kill()
            for child in children:
                child.kill()
        process.communicate()


def run_to_the_end(folder: Path, *arguments: str) -> str:
    """Give what was printed, by a process that must succeed."""
    with started(folder, *arguments) as process:
        printed, _ = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 0, printed
    return printed


def run_script(folder: Path, script: str) -> str:
    """Run a script of the SDK, and give what it printed, without wandb's own lines."""
    lines = run_to_the_end(folder, "-c", script).splitlines()
    return "\n".join(line for line in lines if not line.startswith("wandb: "))


def wait_until(is_so) -> None:
    """Wait for something that another process does."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)
