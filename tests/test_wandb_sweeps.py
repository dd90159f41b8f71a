"""The sweeps of the stub of the W&B server, with the real `wandb sweep` and `wandb agent`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from wandb_scripts import PATIENCE_SECONDS, run_to_the_end, served, started, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.extended]

TRAIN = """
import json, sys, time, wandb
run = wandb.init(settings=wandb.Settings(console="off", silent=True))
rate = json.load(open(sys.argv[1]))["rate"]
run.log({"loss": rate, "told": run.config["rate"]})
time.sleep(120 if rate > 1 else 0)
run.finish()
"""


@pytest.fixture
def server(tmp_path, monkeypatch):
    with served(tmp_path, monkeypatch) as server:
        yield server


def agent_folder(tmp_path) -> Path:
    """Write what an agent runs, and the sweep of it."""
    (tmp_path / "train.py").write_text(TRAIN)
    sweep = {
        "program": "train.py",
        "method": "grid",
        "metric": {"name": "loss", "goal": "minimize"},
        "parameters": {"rate": {"values": [0.1, 0.2]}},
        "command": [sys.executable, "${program}", "${args_json_file}"],
    }
    (tmp_path / "sweep.yaml").write_text(json.dumps(sweep))
    return tmp_path


def test_an_agent_runs_both_points_of_a_sweep_and_ends(server, tmp_path):
    folder = agent_folder(tmp_path)
    run_to_the_end(folder, "-m", "wandb", "sweep", "--project", "p", "sweep.yaml")
    (sweep,) = server.sweeps.values()
    assert (sweep.project, sweep.state, sweep.points) == ("p", "RUNNING", {})
    assert "program: train.py" in sweep.config
    server.hand_out(sweep.id, [{"rate": 0.1}, {"rate": 0.2}], "train.py")
    run_to_the_end(folder, "-m", "wandb", "agent", f"{sweep.entity}/p/{sweep.id}")
    done = server.sweeps[sweep.id]
    assert list(done.points.values()) == [{"rate": 0.1}, {"rate": 0.2}]
    assert (done.state, done.n_left, done.n_agents) == ("FINISHED", 0, 1)
    for run_id, point in done.points.items():
        told = server.runs[run_id]
        assert (told.sweep, told.project, told.config) == (sweep.id, "p", point)
        assert told.history == ({"loss": point["rate"], "told": point["rate"]},)
        assert (told.complete, told.exit_code, told.n_begun) == (True, 0, 1)
    assert server.unanswered == ()


def test_an_agent_stops_a_run_when_it_is_told_to(server, tmp_path):
    folder = agent_folder(tmp_path)
    config = json.loads((folder / "sweep.yaml").read_text())
    sweep_id = server.add_sweep(config, [{"rate": 2}], project="p")
    path = f"{server.sweeps[sweep_id].entity}/p/{sweep_id}"
    with started(folder, "-m", "wandb", "agent", path) as agent:
        wait_until(lambda: server.runs)
        (run_id,) = server.runs
        server.stop_run(run_id)
        printed, _ = agent.communicate(timeout=PATIENCE_SECONDS)
    assert agent.returncode == 0, printed
    assert f"Stop: {run_id}" in printed
    assert server.sweeps[sweep_id].points == {run_id: {"rate": 2}}
    assert server.sweeps[sweep_id].state == "FINISHED"
