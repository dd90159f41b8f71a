"""A server that is away, slow, broken or lost on the way: one warning, and nothing is lost."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from experiments import RATES, TIMES, Place, apart_from
from mirrored import (
    CANARY,
    GROUP,
    SYNC,
    assert_tells,
    contents,
    history_rows,
    make_home,
    make_run_folder,
    mirror_one_trial,
    open_the_mirror,
    seen_online,
)
from told_trials import HISTORY, trial_record, trial_start
from wandb_files import read_runs
from wandb_server import WandbServer

from lenetml.mirror import discretion
from lenetml.mirror.sweep import sweep_configuration, write_sweep
from lenetml.mirror.told import tell_evaluation, tell_trial
from lenetml.record import read_record
from lenetml.spec.domains import Choice
from lenetml.spec.sections import Wandb

pytestmark = pytest.mark.slow

ONLINE = Wandb(project="p", mode="online")
CASES = Path(__file__).parent / "cases"
FAULTS = ["refuse", "hang", "401", "500"]
MIRRORED = RATES.replace("energy: false", "energy: false\nwandb: {project: p, mode: online}")
PATIENCE_SECONDS = 240


@pytest.fixture
def folder(tmp_path, monkeypatch):
    make_home(tmp_path, monkeypatch)
    # The bounds of a real run would make each of these tests as long.
    monkeypatch.setitem(discretion.QUIET, "init_timeout", 3)
    monkeypatch.setitem(discretion.QUIET, "finish_timeout", 3)
    return make_run_folder(tmp_path, monkeypatch)


@pytest.fixture
def server(folder, monkeypatch):
    with WandbServer() as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        monkeypatch.setenv("WANDB_API_KEY", CANARY)
        yield server


def names(server):
    return sorted(told.name for told in server.runs.values() if told.complete)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_from_the_beginning(server, folder, fault):
    server.fail(fault)
    warnings, journal = [], []
    mirror = open_the_mirror(ONLINE, folder, warnings.append, journal)
    mirror_one_trial(mirror, 1)
    mirror_one_trial(mirror, 2)
    mirror.close()
    [warning] = warnings
    assert warning.startswith("W&B failed (")
    assert warning.endswith(SYNC)
    assert CANARY not in warning
    assert mirror.counts() == (0, 2)
    assert [told.history for told in read_runs(folder).values()] == [history_rows()] * 2
    assert names(server) == []
    assert CANARY.encode() not in contents(folder)


@pytest.mark.parametrize(
    "fault",
    [
        "401",
        "hang",
        *(pytest.param(each, marks=pytest.mark.extended) for each in ("refuse", "500")),
    ],
)
def test_a_server_that_is_lost_on_the_way(server, folder, fault):
    warnings, journal = [], []
    mirror = open_the_mirror(ONLINE, folder, warnings.append, journal)
    mirror_one_trial(mirror, 1)
    mirror.trial_started(trial_start(2))
    mirror.trial_started(trial_start(3))
    mirror.epoch_ended(2, 1, 1, {"loss": 1.0})
    server.fail(fault)
    mirror.epoch_ended(2, 1, 2, {"loss": 0.5})
    mirror.trial_ended(trial_record(2))
    mirror.trial_ended(trial_record(3))
    mirror_one_trial(mirror, 4)
    mirror.close()
    assert len(warnings) == 1
    assert mirror.counts() == (1, 3)
    kept = read_runs(folder)
    assert list(kept) == ["gmnet-trial-02", "gmnet-trial-03", "gmnet-trial-04"]
    assert {told.exit_code for told in kept.values()} == {0}
    assert [told.history for told in kept.values()][1:] == [history_rows()] * 2

    server.heal()
    mirror = open_the_mirror(ONLINE, folder, warnings.append, journal)
    mirror.complete(map(trial_record, (1, 2, 3, 4)))
    mirror.close()
    assert mirror.counts() == (4, 0)
    assert names(server) == [f"gmnet-trial-0{number}" for number in (1, 2, 3, 4)]
    assert [told.n_begun for told in server.runs.values() if told.name == "gmnet-trial-01"] == [1]
    assert [told.history for told in seen_online(server).values()] == [history_rows()] * 4
    assert not list(folder.glob("wandb/offline-run-*"))
    assert len(warnings) == 1


@pytest.mark.parametrize("status", ["403", "500"])
def test_files_that_do_not_arrive(server, folder, status):
    (folder / "model.keras").write_bytes(b"weights")
    told = tell_evaluation(read_record(CASES), folder, [])
    server.fail(status, only="upload")
    warnings, journal = [], []
    mirror = open_the_mirror(ONLINE, folder, warnings.append, journal)
    mirror.tell(told)
    mirror.close()
    assert len(warnings) == 1
    assert mirror.counts() == (0, 1)
    server.heal()
    mirror = open_the_mirror(ONLINE, folder, pytest.fail, journal)
    assert not mirror.knows(told)
    mirror.tell(told)
    mirror.close()
    [evaluation] = server.runs.values()
    assert f"{GROUP}-model" in {it.name for it in evaluation.artifacts if it.files}


def test_another_project_is_told_all_of_it(server, folder):
    journal = []
    for project in ("p", "elsewhere"):
        section = ONLINE.model_copy(update={"project": project})
        mirror = open_the_mirror(section, folder, pytest.fail, journal)
        mirror.complete([trial_record(1)])
        mirror.close()
        assert mirror.outcome(1).project == project
        assert (mirror.counts(), server.runs[mirror_id(server)].project) == ((1, 0), project)


def mirror_id(server):
    [run_id] = server.runs
    return run_id


def test_a_run_that_was_begun_again_and_cut_short_is_not_known(server, folder):
    journal = []
    mirror = open_the_mirror(ONLINE, folder, pytest.fail, journal)
    mirror_one_trial(mirror)
    assert mirror.knows(tell_trial(trial_record()))
    mirror.trial_started(trial_start(1, history=HISTORY))
    mirror.close()
    mirror = open_the_mirror(ONLINE, folder, pytest.fail, journal)
    assert not mirror.knows(tell_trial(trial_record()))
    mirror.complete([trial_record()])
    mirror.close()
    [seen] = seen_online(server).values()
    assert (seen.summary["status"], seen.exit_code) == ("completed", 0)


def test_a_slow_server_is_waited_for(server, folder):
    server.fail("slow", seconds=0.3)
    warnings = []
    mirror = open_the_mirror(ONLINE, folder, warnings.append)
    mirror_one_trial(mirror)
    mirror.close()
    assert warnings == []
    assert names(server) == ["gmnet-trial-01"]


class TestSweep:
    """`wandb: {sweep: true}`: the search is also a sweep of W&B's."""

    SECTION = Wandb(project="p", mode="online", sweep=True)
    SPACE = {"units": Choice(values=(8, 16))}

    def tell(self, folder, journal, number, section=SECTION):
        mirror = open_the_mirror(section, folder, pytest.fail, journal)
        mirror_one_trial(mirror, number)
        mirror.close()

    @pytest.fixture
    def searched(self, folder):
        write_sweep(folder, sweep_configuration("gmnet", self.SPACE, None, self.SECTION))
        return folder

    def test_it_is_registered_once_in_all_lives(self, server, searched):
        journal = []
        for number in (1, 2):
            self.tell(searched, journal, number)
        [sweep] = server.sweeps.values()
        assert {told.sweep for told in server.runs.values()} == {sweep.id}
        assert server.unanswered == ()

    def test_runs_that_were_told_before_are_put_into_it(self, server, searched):
        journal = []
        self.tell(searched, journal, 1, ONLINE)
        self.tell(searched, journal, 2)
        [body] = [it.body for it in server.requests if it.operation == "UpsertSweep"]
        [first] = [told.id for told in server.runs.values() if told.name == "gmnet-trial-01"]
        variables = json.loads(body)["variables"]
        assert "command" not in variables["config"]
        filters = json.loads(variables["priorRunsFilters"])
        assert filters == {"$or": [{"name": first}]}

    def test_offline_there_is_none_until_the_mirror_is_completed(self, server, searched):
        journal, offline = [], self.SECTION.model_copy(update={"mode": "offline"})
        self.tell(searched, journal, 1, offline)
        assert server.requests == ()
        mirror = open_the_mirror(self.SECTION, searched, pytest.fail, journal)
        mirror.complete([trial_record(1)])
        mirror.close()
        [sweep] = server.sweeps.values()
        assert [told.sweep for told in server.runs.values()] == [sweep.id]


class Doorman:
    """Counts who wants to go out: it stands where the server and every proxy are said to be."""

    def __init__(self):
        self.n_connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:{1}".format(*self._listener.getsockname())
        self._thread = threading.Thread(target=self._count)

    def _count(self):
        while True:
            connection, _ = self._listener.accept()
            with connection:
                if connection.recv(4) == b"over":
                    return
            self.n_connections += 1

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        with socket.create_connection(self._listener.getsockname()) as connection:
            connection.sendall(b"over")
        self._thread.join()
        self._listener.close()


@pytest.mark.parametrize(("mode", "goes_out"), [
    ("online", True), ("offline", False), ("disabled", False),
])  # fmt: skip
def test_who_goes_out(folder, monkeypatch, mode, goes_out):
    monkeypatch.setenv("WANDB_API_KEY", CANARY)
    with Doorman() as doorman:
        monkeypatch.setenv("WANDB_BASE_URL", doorman.url)
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, doorman.url)
            monkeypatch.setenv(name.lower(), doorman.url)
        mirror = open_the_mirror(Wandb(project="p", mode=mode), folder, lambda text: None)
        mirror_one_trial(mirror)
        mirror.close()
    assert (doorman.n_connections > 0) == goes_out


class TestWholeRuns:
    """The command line, with the bounds that users have."""

    @pytest.fixture
    def place(self, tmp_path, monkeypatch):
        make_home(tmp_path, monkeypatch)
        return Place(tmp_path)

    @pytest.fixture
    def server(self, place):
        with WandbServer() as server:
            yield server

    def run(self, place, server, verb, *words):
        """Run a verb of the command line, which ends in bounded time."""
        secret = {"WANDB_BASE_URL": server.url, "WANDB_API_KEY": CANARY}
        return subprocess.run(
            [sys.executable, "-m", "lenetml", verb, *words], cwd=place.folder, text=True,
            env={**os.environ, **secret}, stdin=subprocess.DEVNULL, capture_output=True,
            timeout=PATIENCE_SECONDS,
        )  # fmt: skip

    def test_online_everything_is_sent(self, place, server):
        place.write(MIRRORED)
        done = self.run(place, server, "run", "rates.yaml", "--workers", "0")
        assert done.returncode == 0, done.stderr
        [folder] = place.out.glob("rates-*")
        assert_tells(seen_online(server), folder)
        mirror = read_record(folder).mirror
        assert (mirror.sent, mirror.kept, mirror.fault) == (3, 0, None)
        assert f"3 trials sent to the W&B project p: {mirror.winner_url}\n" in done.stdout
        assert list(folder.glob("wandb/*")) == []
        evaluation = next(it for it in server.runs.values() if it.name == "rates-evaluation")
        model = next(it for it in evaluation.artifacts if it.name == f"{folder.name}-model")
        assert model.files == {"model.keras": (folder / "model.keras").read_bytes()}
        assert CANARY.encode() not in contents(place.folder)
        assert CANARY not in done.stdout + done.stderr

        again = self.run(place, server, "mirror", str(folder))
        assert again.stdout.startswith(f"{folder.name}: W&B has all of it already\n")
        assert {told.n_begun for told in server.runs.values()} == {1}

    def test_the_result_is_the_same_without_a_server(self, place, server):
        place.write(RATES)
        self.run(place, server, "run", "rates.yaml", "--workers", "0", "--out", "plain")
        server.fail("hang")
        place.write(MIRRORED)
        done = self.run(place, server, "run", "rates.yaml", "--workers", "0")
        assert done.returncode == 0, done.stderr
        assert done.stderr.count("warning") == 1
        [folder], [plain] = place.out.glob("rates-*"), place.folder.glob("plain/rates-*")
        sync = f"wandb sync {folder.relative_to(place.folder)}/wandb/offline-run-*\n"
        assert f"3 trials kept for the W&B project p; to send: {sync}" in done.stdout
        differing = TIMES | {"spec", "mirror", "command", "test.look"}
        assert apart_from(differing, read_record(folder)) == apart_from(
            differing, read_record(plain)
        )
        assert_tells(read_runs(folder), folder)

        server.heal()
        sent = self.run(place, server, "mirror", str(folder))
        assert sent.returncode == 0, sent.stderr
        assert_tells(seen_online(server), folder)
        assert not list(folder.glob("wandb/*"))

    def test_offline_runs_are_sent_by_wandb_itself(self, place, server):
        place.write(MIRRORED.replace("mode: online", "mode: offline"))
        self.run(place, server, "run", "rates.yaml", "--workers", "0")
        [folder] = place.out.glob("rates-*")
        assert server.requests == ()
        kept = sorted(map(str, folder.glob("wandb/offline-run-*")))
        sync = [sys.executable, "-m", "wandb", "sync", *kept]
        secret = {"WANDB_BASE_URL": server.url, "WANDB_API_KEY": CANARY}
        subprocess.run(
            sync, cwd=place.folder, env={**os.environ, **secret}, check=True,
            capture_output=True, timeout=PATIENCE_SECONDS,
        )  # fmt: skip
        assert_tells(seen_online(server), folder)
        evaluation = next(it for it in server.runs.values() if it.name == "rates-evaluation")
        model = next(it for it in evaluation.artifacts if it.name == f"{folder.name}-model")
        assert model.files == {"model.keras": (folder / "model.keras").read_bytes()}

        again = self.run(place, server, "mirror", str(folder))
        assert again.stdout == (
            f"{folder.name}: W&B has all of it already\n  4 runs in the W&B project p\n"
        )

    @pytest.mark.extended
    def test_a_mirror_that_cannot_be_completed_says_so(self, place, server):
        place.write(RATES)
        self.run(place, server, "run", "rates.yaml", "--workers", "0")
        [folder] = place.out.glob("rates-*")
        spec = place.write(MIRRORED)
        server.fail("500")
        told = self.run(place, server, "mirror", str(folder), "--spec", str(spec))
        assert told.returncode == 3
        assert "warning: W&B failed (" in told.stderr
        assert "4 runs kept for the W&B project p" in told.stdout
        server.heal()
        told = self.run(place, server, "mirror", str(folder))
        assert told.stdout == (f"{folder.name}: 4 runs sent\n  4 runs in the W&B project p\n")
