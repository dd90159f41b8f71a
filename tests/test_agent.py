"""The run of a W&B agent, told of one trial: in this process, and as the agent's code calls it."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress

import psutil
import pytest
import yaml
from command_line import environment
from experiments import Follower, Place
from mirrored import make_home
from wandb import wandb_agent
from wandb.sdk.launch.sweeps import utils
from wandb.sdk.lib import config_util
from wandb_files import read_run
from wandb_server import WandbServer

from lenetml.mirror.agent import is_under_agent, open_agent_run
from lenetml.single import run_trial
from lenetml.spec.sections import Wandb

NET = """\
name: net
seed: 5
data: {path: digits.npz, split: {train: 90, val: 60, test: 60}}
search_space:
  conv: {values: [[3, 0.01], [9, 0.02], [3, 1.0e+30]]}
  norm: {values: [true, false]}
  units: {min: 8, max: 64, q: 8, when: {norm: true}}
  dropout: {min: 0.1, max: 0.5, q: 0.1}
architecture:
  - conv2d: {filters: 2, kernel_size: $conv.0}
  - flatten
  - dropout: {rate: $dropout}
  - dense: {units: $units, activation: relu, when: $norm}
training: {epochs: 3, batch_size: 10, learning_rate: $conv.1}
search: {strategy: random, trials: 4}
energy: false
"""
LONG = NET.replace("epochs: 3", "epochs: 100000")
# As W&B draws them: every name, whole numbers as real ones, and multiples in floating point.
DRAWN = {"conv": [3, 0.01], "norm": True, "units": 16.0, "dropout": 0.30000000000000004}
POINT = DRAWN | {"units": 16, "dropout": 0.3}
IMPOSSIBLE, DIVERGING = DRAWN | {"conv": [9, 0.02]}, DRAWN | {"conv": [3, 1e30]}
WHY = "the input of conv2d is 8 x 8 x 1, smaller than its 9 x 9 kernel"
LIMIT_SECONDS = 120
# wandb 0.31 reads the values of a sweep from a file that it does not close.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in.*config-:pytest.PytestUnraisableExceptionWarning"
)

# What decides how an agent calls `lenetml trial`, and what its exit code does.
AGENTS_CODE = (
    wandb_agent.AgentProcess.__init__,
    wandb_agent.Agent._command_run,
    wandb_agent.Agent._command_stop,
    wandb_agent.Agent._run_loop,
    wandb_agent.Agent.is_failing,
    wandb_agent.Agent.is_flapping,
    utils.create_sweep_command,
    utils.create_sweep_command_args,
    config_util.save_config_file_from_dict,
)
AS_READ = "faf3d6a317dc5306"


def test_the_agents_code_is_the_one_that_was_read():
    """Apart from lines that are comments or blank."""
    lines = [line.strip() for it in AGENTS_CODE for line in inspect.getsource(it).splitlines()]
    code = "\n".join(line for line in lines if line and not line.startswith("#"))
    found = hashlib.sha256(code.encode()).hexdigest()[:16]
    assert found == AS_READ, (
        "wandb's agent has changed since it was read in 0.31.0: read what AGENTS_CODE names again, "
        "see that sweep.py and agent.py of lenetml.mirror still fit (the element "
        "${args_json_file}, the JSON {name: value}, the variables, exit codes above 0), and then "
        f"put {found} into AS_READ"
    )


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with data, far from the user's home."""
    make_home(tmp_path, monkeypatch)
    (tmp_path / "place").mkdir()
    return Place(tmp_path / "place")


@pytest.fixture
def agent(place, monkeypatch):
    """The environment that an agent makes, offline, and nothing of another run."""
    folder = place.folder / "agent"
    config = folder / "wandb" / "sweep-s1" / "config-r1.yaml"
    variables = {
        "WANDB_RUN_ID": "r1", "WANDB_SWEEP_ID": "s1", "WANDB_PROJECT": "p", "WANDB_ENTITY": "team",
        "WANDB_SWEEP_PARAM_PATH": str(config), "WANDB_DIR": str(folder), "WANDB_MODE": "offline",
        "WANDB_NAME": "not ours", "WANDB_TAGS": "not,ours",
    }  # fmt: skip
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    values = {name: {"value": value} for name, value in DRAWN.items()}
    config_util.save_config_file_from_dict(str(config), values)
    return folder


def try_one(place, point, *changes, text=NET, follower=None, stop=None):
    spec = place.load(text, *changes)
    return run_trial(spec, point, follower or place.follower, stop or threading.Event())


def told_of(folder):
    """The one run that W&B was told of offline, below a folder."""
    [path] = folder.glob("wandb/sweep-*/*/wandb/offline-run-*/*.wandb")
    return read_run(path)


def rows_of(record):
    """A history as W&B has it."""
    return [
        {"epoch": epoch + 1, **{name: series[epoch] for name, series in record.history.items()}}
        for epoch in range(record.epochs)
    ]


def test_without_an_agent_nobody_is_told(place):
    assert not is_under_agent()
    assert open_agent_run(Wandb(project="p"), "val_accuracy", place.follower.warn) is None
    try_one(place, POINT, "wandb={project: p, mode: online}")
    assert not list(place.folder.rglob("wandb"))


def test_a_trial_is_told_whole(place, agent):
    before = dict(os.environ)
    record = try_one(place, POINT, "wandb={project: other, entity: other, tags: [a, b]}").record
    told = told_of(agent)
    assert (told.run.run_id, told.run.sweep_id) == ("r1", "s1")
    assert (told.run.project, told.run.entity, told.run.job_type) == ("p", "team", "trial")
    assert (told.run.run_group, told.run.display_name) == ("", "")
    assert list(told.run.tags) == ["a", "b"]
    assert told.config == DRAWN | {"seed": record.seed}
    assert told.history == rows_of(record)
    for name in ("status", "objective", "best_epoch", "parameters", "macs", "seconds"):
        assert told.summary[name] == getattr(record, name)
    assert told.summary["val_accuracy"] == record.objective
    assert told.exit_code == 0
    assert place.follower.of("warning") == []
    assert dict(os.environ) == before


def test_the_result_is_the_same_without_an_agent(place, agent, monkeypatch):
    with_agent = try_one(place, POINT).record
    monkeypatch.delenv("WANDB_RUN_ID")
    assert try_one(place, POINT).record.history == with_agent.history


@pytest.mark.parametrize("objective", ["val_loss", "val_f1"])
def test_the_metric_of_the_sweep_is_the_objective(place, agent, objective):
    """Of the best epoch, and in the row of every epoch."""
    record = try_one(place, POINT, f"search.objective={objective}").record
    told = told_of(agent)
    assert told.summary[objective] == record.objective == record.history[objective][
        record.best_epoch - 1
    ]  # fmt: skip
    assert [row[objective] for row in told.history] == record.history[objective]


def test_several_trainings_are_one_run(place, agent):
    """Their mean is the metric, the history that of the best."""
    record = try_one(place, POINT, "search.executions_per_trial=2").record
    told = told_of(agent)
    assert len(record.executions) == 2
    assert told.summary["val_accuracy"] == record.objective
    assert told.history == rows_of(record)


def test_an_impossible_point_is_a_run_without_a_metric(place, agent):
    try_one(place, POINT | {"conv": [9, 0.02]})
    told = told_of(agent)
    assert told.summary == {"status": "impossible", "reason": "infeasible", "message": WHY}
    assert (told.history, told.exit_code) == ([], 1)


def test_a_training_that_fails(place, agent):
    try_one(place, POINT | {"conv": [3, 1e30]})
    told = told_of(agent)
    assert told.summary.items() >= {"status": "failed", "reason": "non_finite"}.items()
    assert "objective" not in told.summary
    assert told.exit_code == 1


class StopsInEpoch(Follower):
    """Wants an end in the second epoch."""

    def __init__(self):
        super().__init__()
        self.stop = threading.Event()

    def epoch_ended(self, number, execution, epoch, metrics):
        if epoch == 2:
            self.stop.set()


def test_a_trial_that_was_stopped_counts_for_what_it_reached(place, agent):
    follower = StopsInEpoch()
    record = try_one(place, POINT, follower=follower, stop=follower.stop).record
    told = told_of(agent)
    assert (told.summary["status"], told.summary["epoch"], told.exit_code) == ("stopped", 2, 0)
    assert told.summary["val_accuracy"] == record.objective == max(record.history["val_accuracy"])


def test_a_bug_leaves_an_interrupted_run(place, agent):
    class Breaks(Follower):
        def epoch_ended(self, number, execution, epoch, metrics):
            raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        try_one(place, POINT, follower=Breaks())
    told = told_of(agent)
    assert (told.summary["status"], told.exit_code) == ("interrupted", 1)


@pytest.mark.parametrize("wandb", ["{project: p, mode: disabled}", "{project: p}"])
def test_where_w_and_b_is_disabled(place, agent, monkeypatch, wandb):
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert try_one(place, POINT, f"wandb={wandb}").status == "completed"
    assert not list(agent.rglob("*.wandb"))
    warning = "W&B is disabled: its sweep hears nothing of this trial"
    assert place.follower.of("warning") == [(warning,)]


def test_what_w_and_b_says_that_stops_a_run_is_heard(place, agent, monkeypatch):
    """wandb calls this in a thread of its own, where the run is stopped on its page."""
    run = open_agent_run(None, "val_accuracy", place.follower.warn)
    assert not run.is_stopped
    run._client._asked_to_stop()
    assert run.is_stopped
    run.close()


def test_nothing_stays_of_a_run_that_never_began(place, agent):
    open_agent_run(None, "val_accuracy", place.follower.warn).close()
    assert [path.name for path in agent.rglob("*") if path.is_file()] == ["config-r1.yaml"]
    assert not (agent / "wandb" / "sweep-s1" / "r1").exists()


# What `wandb agent` does with a command of the server's, without a server.
RUNS_ONE = """
import json, sys, yaml
from wandb.wandb_agent import Agent

agent = Agent(None, None)
agent._sweep_command = yaml.safe_load(open("sweep.yaml"))["command"]
args = {name: {"value": value} for name, value in json.loads(sys.argv[1]).items()}
agent._command_run({"type": "run", "run_id": "r1", "program": "lenetml", "args": args})
[process] = agent._run_processes.values()
sys.exit(process.wait(timeout=100))
"""


def python(folder, *arguments, **variables):
    """Start Python far from the user's home and settings."""
    (folder / "home").mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder, env=environment(folder, **variables), text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def call(folder, *arguments, **variables):
    """Give the exit code, stdout and stderr of Python."""
    child = python(folder, *arguments, **variables)
    with ended(child):
        out, err = child.communicate(timeout=LIMIT_SECONDS)
    return child.returncode, out, err


@contextmanager
def ended(child):
    """End what was started, and what it started."""
    try:
        yield
    finally:
        with suppress(psutil.NoSuchProcess):
            for each in psutil.Process(child.pid).children(recursive=True):
                each.kill()
        child.kill()
        child.wait()


def write_sweep(place, text=NET, *options):
    """Write `sweep.yaml` as a user does."""
    path = place.write(text)
    code, out, err = call(place.folder, "-m", "lenetml", "sweep", path.name, *options)
    assert code == 0, err
    (place.folder / "sweep.yaml").write_text(out)


def one_of_agent(place, values, **variables):
    """Have the agent's own code run one trial."""
    online = {"WANDB_SWEEP_ID": "s1", "WANDB_PROJECT": "p"} | variables
    return call(place.folder, "-c", RUNS_ONE, json.dumps(values), **online)


@pytest.mark.slow
def test_as_the_agents_code_calls_it(place):
    """With what was changed by --set, and nothing in a run's folder."""
    write_sweep(place, NET, "--set", "training.epochs=2")
    code, out, err = one_of_agent(place, DRAWN, WANDB_MODE="offline")
    assert code == 0, err
    expected = try_one(place, POINT, "training.epochs=2").record
    told = told_of(place.folder)
    assert (told.run.run_id, told.run.sweep_id, told.run.project) == ("r1", "s1", "p")
    assert told.config == DRAWN | {"seed": expected.seed}
    assert told.history == rows_of(expected)
    assert out.startswith(f"net: {expected.objective:.4f} at epoch {expected.best_epoch} of 2, ")
    assert not (place.folder / "runs").exists()


@pytest.mark.slow
def test_values_of_another_spec_are_an_error_that_the_agent_counts(place):
    write_sweep(place)
    code, out, err = one_of_agent(place, DRAWN | {"units": 12.0}, WANDB_MODE="offline")
    file = place.folder / "wandb" / "sweep-s1" / "config-r1.json"
    assert (code, out) == (1, "")
    assert err == (
        f"{file}: units cannot be 12.0\n"
        "    units is a whole number from 8 to 64, a multiple of 8\n\n"
    )


@pytest.fixture
def server():
    with WandbServer() as server:
        yield server


@pytest.fixture
def variables(server):
    """Where the server is; what agents themselves report of their errors is off."""
    return {
        "WANDB_BASE_URL": server.url, "WANDB_API_KEY": server.key,
        "WANDB_ERROR_REPORTING": "false",
    }  # fmt: skip


@pytest.mark.slow
def test_a_server_that_fails_costs_one_warning(place, server, variables):
    write_sweep(place)
    server.fail("500")
    code, out, err = one_of_agent(place, DRAWN, **variables)
    expected = try_one(place, POINT).record
    assert code == 0, err
    assert out.startswith(f"net: {expected.objective:.4f} at epoch ")
    [warning] = [line for line in err.splitlines() if "W&B" in line]
    assert warning.startswith("warning: W&B failed (CommError: ")
    [folder] = place.folder.glob("wandb/sweep-s1/r1/wandb/offline-run-*")
    sync = f"wandb sync {folder.parent}/offline-run-*"
    assert warning.endswith(f"; the mirror goes on offline; to send it: {sync}")
    assert told_of(place.folder).history == rows_of(expected)


def begin_sweep(place, server, variables, points, text=NET):
    """Register the sweep by `wandb sweep`, with the points that its agents shall get."""
    write_sweep(place, text)
    code, _, err = call(
        place.folder, "-m", "wandb", "sweep", "--project", "p", "sweep.yaml", **variables
    )
    assert code == 0, err
    [sweep] = server.sweeps.values()
    program = yaml.safe_load(sweep.config)["program"]
    server.hand_out(sweep.id, points, program)
    return sweep


@pytest.mark.slow
def test_an_agent_goes_through_a_sweep(place, server, variables):
    """It would give up after three exit codes above 0 in its first minute."""
    points = [IMPOSSIBLE, DIVERGING, IMPOSSIBLE, DRAWN]
    sweep = begin_sweep(place, server, variables, points)
    name = f"{sweep.entity}/p/{sweep.id}"
    code, _, err = call(place.folder, "-m", "wandb", "agent", name, **variables)
    assert code == 0, err
    done = server.sweeps[sweep.id]
    assert (done.state, done.n_left, list(done.points.values())) == ("FINISHED", 0, points)
    runs = [server.runs[run_id] for run_id in done.points]
    assert [run.summary["status"] for run in runs] == [
        "impossible", "failed", "impossible", "completed",
    ]  # fmt: skip
    assert [run.exit_code for run in runs] == [1, 1, 1, 0]
    assert all((run.sweep, run.complete, run.n_begun) == (sweep.id, True, 1) for run in runs)
    last, expected = runs[-1], try_one(place, POINT).record
    assert last.config == DRAWN | {"seed": expected.seed}
    assert list(last.history) == rows_of(expected)
    assert last.summary["val_accuracy"] == expected.objective
    assert server.unanswered == ()
    # Of the runs nothing stays but what the agent wrote, and they told nothing of this machine.
    names = {path.name for path in (place.folder / "wandb" / f"sweep-{sweep.id}").iterdir()}
    assert names == {f"config-{run.id}.{end}" for run in runs for end in ("json", "yaml")}
    told = [it.body for it in server.requests if it.operation in ("UpsertBucket", "file_stream")]
    assert told
    for secret in (socket.gethostname(), str(place.folder), server.key):
        assert not any(secret.encode() in body for body in told), secret


@pytest.mark.slow
@pytest.mark.extended
def test_an_agent_stops_a_trial(place, server, variables):
    """As a sweep's early_terminate does: the trial ends after its epoch, and counts as good."""
    sweep = begin_sweep(place, server, variables, [DRAWN], LONG)
    agent = python(
        place.folder, "-m", "wandb", "agent", f"{sweep.entity}/p/{sweep.id}", **variables
    )
    with ended(agent):
        deadline = time.monotonic() + LIMIT_SECONDS
        while not any(run.history for run in server.runs.values()):
            assert time.monotonic() < deadline and agent.poll() is None
            time.sleep(0.1)
        [run_id] = server.runs
        server.stop_run(run_id)
        _, err = agent.communicate(timeout=LIMIT_SECONDS)
    assert agent.returncode == 0, err
    assert "lenetml: ending after the epochs under way" in err
    told = server.runs[run_id]
    assert (told.summary["status"], told.exit_code, told.complete) == ("stopped", 0, True)
    assert told.summary["epoch"] == len(told.history) < 100_000
    assert server.sweeps[sweep.id].state == "FINISHED"
