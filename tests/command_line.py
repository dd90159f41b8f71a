"""The command line in child processes, for tests: how they start, and the specs that they get."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys

TINY = """\
name: tiny
data: {dataset: digits, split: {train: 800, val: 100, test: 100}}
architecture: [flatten]
training: {epochs: 1, learning_rate: 0.01}
energy: false
"""
WRONG = TINY.replace("epochs: 1", "epochs: 1, bach: 3")
FAILING = (
    TINY.replace("name: tiny", "name: failing")
    .replace("0.01", "1.0e+30")
    .replace("[flatten]", "[flatten, dense: {units: 9}]")
)
# More epochs and trials than anybody waits for; how many trials may be changed for a folder.
LONG = """\
name: long
data: {dataset: digits, split: {train: 800, val: 100, test: 100}}
search_space: {rate: {min: 0.001, max: 0.01}}
architecture: [flatten]
training: {epochs: 100000, learning_rate: $rate}
search: {strategy: random, trials: 100}
energy: false
"""
SEARCH = (
    LONG.replace("name: long", "name: search").replace("100000", "3").replace("100}\ne", "4}\ne")
)
UNKNOWN_KEY = """\
wrong.yaml:4:23: unknown key "bach" in training
    4 | training: {epochs: 1, bach: 3, learning_rate: 0.01}
      |                       ^^^^
"""
SPECS = {
    "tiny": TINY,
    "wrong": WRONG,
    "failing": FAILING,
    "long": LONG,
    "search": SEARCH,
    "grid": SEARCH.replace("random, trials: 4", "grid").replace(
        "min: 0.001, max: 0.01", "values: [0.01, 0.1]"
    ),
    "mnist": TINY.replace(
        "dataset: digits, split: {train: 800, val: 100, test: 100}", "dataset: mnist"
    ),
}
# A shell that starts the tests in the background makes their children deaf to SIGINT.
HEARS_SIGINT = """
import signal, runpy
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("lenetml", run_name="__main__", alter_sys=True)
"""
LIMIT_SECONDS = 120  # a child that hangs shall fail its test, and not stop all others


def write_specs(folder):
    """Fill a working folder."""
    for name, text in SPECS.items():
        (folder / f"{name}.yaml").write_text(text)
    for name in ("home", "keras", "data"):
        (folder / name).mkdir()
    return folder


def environment(folder, **changes):
    """An environment without W&B, data or a cache, and with nothing to download from."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("WANDB_", "LENETML_", "GITHUB_", "COV_"))
    }
    ours = {"HOME": str(folder / "home"), "KERAS_HOME": str(folder / "keras"), "NO_COLOR": "1"}
    nowhere = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
    return kept | ours | nowhere | changes


def start(
    folder,
    *arguments,
    code=None,
    stdin=subprocess.DEVNULL,
    stderr=subprocess.PIPE,
    own_group=False,
    **changes,
):
    """Start a command; `code` runs in its place, `changes` are of its environment."""
    way = ["-c", code] if code else ["-m", "lenetml"]
    return subprocess.Popen(
        [sys.executable, *way, *map(os.fspath, arguments)],
        cwd=folder,
        env=environment(folder, **changes),
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        start_new_session=own_group,
    )


def finish(child):
    """Give the exit code, stdout and stderr of a command that was started."""
    out, err = child.communicate(timeout=LIMIT_SECONDS)
    return child.returncode, out, err


def call(folder, *arguments, **options):
    """Give the exit code, stdout and stderr of one command."""
    return finish(start(folder, *arguments, **options))


def read_terminal(terminal):
    """Read what a child writes to its terminal, until it ends."""
    shown = b""
    # Linux ends a terminal without writers with an error, macOS with nothing.
    with contextlib.suppress(OSError):
        while part := os.read(terminal, 4096):
            shown += part
    os.close(terminal)
    return shown.decode()
