"""Runs that are killed between what W&B hears and what the journal says of it; strategies whose
trials go on; baselines with a mirror of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from experiments import RATES, Place, StopsAfter, quiet_home
from mirrored import CANARY, assert_tells, seen_offline, seen_online
from wandb_files import read_runs
from wandb_server import WandbServer

from lenetml.errors import Interrupted
from lenetml.mirroring import mirror_run

pytestmark = pytest.mark.slow

PATIENCE_SECONDS = 240
# Each dies at its n-th call: a run is begun, a run is whole there, the evaluation comes next.
DEATHS = {
    "begun": ("lenetml.mirror.client", "Client.begin", 2, "after"),
    "whole": ("lenetml.mirror.client", "Client.finish", 2, "after"),
    "recorded": ("lenetml.experiment", "mirror_winner", 1, "before"),
    "evaluated": ("lenetml.mirror.client", "Client.finish", 4, "after"),
}
OFTEN = {("online", "whole"), ("offline", "begun")}
DYING = """
import importlib, os, signal, sys
module, name, left, moment = sys.argv[1], sys.argv[2].split("."), int(sys.argv[3]), sys.argv[4]
from lenetml.trial.threads import use_one_thread
use_one_thread()
owner = importlib.import_module(module)
for part in name[:-1]:
    owner = getattr(owner, part)
whole = getattr(owner, name[-1])
def die():
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
def dying(*arguments, **named):
    if moment == "before":
        die()
    result = whole(*arguments, **named)
    if moment == "after":
        die()
    return result
setattr(owner, name[-1], dying)
sys.argv = ["lenetml", "run", "rates.yaml", "--workers", "0", "--quiet"]
from lenetml.cli import main
main()
"""


def spec(mode):
    return RATES.replace("energy: false", f"energy: false\nwandb: {{project: p, mode: {mode}}}")


@pytest.fixture(autouse=True)
def nobody_at_home(tmp_path_factory):
    with quiet_home(tmp_path_factory.mktemp("home")):
        yield


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


@pytest.fixture
def server(monkeypatch):
    with WandbServer() as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        monkeypatch.setenv("WANDB_API_KEY", CANARY)
        yield server


@pytest.mark.parametrize(
    ("mode", "death"),
    [
        pytest.param(mode, death, marks=() if (mode, death) in OFTEN else pytest.mark.extended)
        for mode in ("online", "offline")
        for death in DEATHS
    ],
)
def test_after_a_death_each_run_is_there_once_and_whole(place, server, mode, death):
    text = spec(mode)
    place.write(text)
    module, name, number, moment = DEATHS[death]
    died = subprocess.run(
        [sys.executable, "-c", DYING, module, name, str(number), moment], cwd=place.folder,
        env=os.environ, text=True, capture_output=True, timeout=PATIENCE_SECONDS,
    )  # fmt: skip
    assert died.returncode == -signal.SIGKILL, died.stderr
    folder = place.run(text).folder
    assert place.follower.of("warning") == []
    seen = seen_online(server) if mode == "online" else seen_offline(folder)
    assert len(list(folder.glob("wandb/offline-run-*"))) == (0 if mode == "online" else 4)
    assert_tells(seen, folder)
    again = mirror_run(folder, None, pytest.fail, pytest.fail)
    assert (again.n_told, again.n_sent + again.n_kept) == (0, 4)


@pytest.mark.parametrize("search", [
    "{strategy: hyperband}",
    "{strategy: random, trials: 3, screening: {epochs: 1, keep: 1}}",
    "{strategy: random, trials: 2, executions_per_trial: 2}",
    pytest.param(
        "{strategy: random, trials: 3, confirm: {top: 2, seeds: 1}}", marks=pytest.mark.extended
    ),
])  # fmt: skip
def test_searches_whose_trials_go_on(place, search):
    text = spec("offline").replace("{strategy: grid, trials: 3}", search)
    text = text.replace("{values: [1.0e-7, 0.02, 1.0e-6]}", "{min: 0.001, max: 0.02}")
    with pytest.raises(Interrupted):
        place.run(text, follower=StopsAfter(2))
    done = place.run(text)
    assert place.follower.of("warning") == []
    assert_tells(read_runs(done.folder), done.folder)
    assert done.record.mirror.kept == len(done.record.trials)


def test_a_baseline_is_mirrored_as_its_own_spec_says(place):
    base = spec("offline").replace("name: rates", "name: base").replace("project: p", "project: q")
    place.write(base)
    done = place.run(spec("offline").replace("trials: 3", "trials: 3, baseline: base.yaml"))
    [other] = place.out.glob("base-*")
    for folder, project in ((done.folder, "p"), (other, "q")):
        runs = read_runs(folder)
        assert_tells(runs, folder)
        assert {told.run.project for told in runs.values()} == {project}
