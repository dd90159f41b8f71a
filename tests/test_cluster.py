"""Workers on a Ray cluster: machines that go and come, a cluster that is lost, its drivers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from ray_nodes import needs_ray, open_cluster
from test_workers import FOREVER, LEAVE_SECONDS, Kind, apart_from_time, digits, job, trained_here

from lenetml.errors import MissingError
from lenetml.search import cluster
from lenetml.search.cluster import ClusterWorkers
from lenetml.search.joining import JOIN, START, TOKEN

pytestmark = [pytest.mark.slow, needs_ray]
OPEN = """
from test_workers import Kind, digits, job
from lenetml.errors import MissingError
from lenetml.search.cluster import ClusterWorkers
try:
    kind = Kind(ClusterWorkers(digits(), ADDRESS), None)
    (running,) = kind.begin(job(10**6))
    print("at work", flush=True)
    kind.result(running)
except MissingError as error:
    print(error)
"""


def open_driver(address, **environment):
    """Start a driver of its own: Ray reads its settings once a process."""
    return subprocess.Popen(
        [sys.executable, "-c", OPEN.replace("ADDRESS", repr(address))],
        cwd=Path(__file__).parent,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_job_goes_on_elsewhere_when_its_node_is_gone(capfd):
    expected = apart_from_time(trained_here(job()))
    capfd.readouterr()
    with open_cluster(1, 1) as nodes:
        kind = Kind(ClusterWorkers(digits(), nodes.address), nodes.workers)
        assert kind.workers.n_slots == 2
        running = kind.begin(job(FOREVER), job(FOREVER))
        nodes.remove()
        kind.until(lambda: any(done.done() for done in running), running)
        (failed,) = [done.result() for done in running if done.done()]
        (other,) = [done for done in running if not done.done()]
        message = "its worker, or the machine that it ran on, died"
        assert (failed.reason, failed.message) == ("worker_died", message)
        # The machine that is left has one place, and the other job holds it.
        assert kind.workers.n_slots == 1
        again = kind.workers.submit(job(), lambda *_: None)
        assert kind.workers.wait([other, again], 2) == set()
        kind.workers.abandon(other)
        assert apart_from_time(kind.result(again)) == expected
        nodes.add()
        kind.until(lambda: kind.workers.n_slots == 2, [])
        kind.workers.close()
    assert capfd.readouterr() == ("", "")


def test_a_lost_cluster_is_told(capfd, monkeypatch):
    monkeypatch.setattr(cluster, "LOST_SECONDS", 1.0)
    with open_cluster(1) as nodes:
        kind = Kind(ClusterWorkers(digits(), nodes.address), nodes.workers)
        running = kind.begin(job(FOREVER))
        nodes.end()
        with pytest.raises(MissingError) as caught:
            kind.until(running[0].done, running)
        kind.workers.close()
    message = "the Ray cluster is lost: its head does not answer any more"
    assert str(caught.value) == f"{message}\n    {START}"
    assert capfd.readouterr() == ("", "")


def test_drivers_of_a_cluster(tmp_path, monkeypatch):
    """One that is killed, one with another token, one without, one with other versions."""
    (tmp_path / "lenetml-0.0.dist-info").mkdir()
    (tmp_path / "lenetml-0.0.dist-info" / "METADATA").write_text("Name: lenetml\nVersion: 0.0\n")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    with open_cluster(1) as nodes:
        with open_driver("auto", RAY_ADDRESS=nodes.address) as driver:
            assert driver.stdout.readline() == "at work\n"
            processes = nodes.workers()
            driver.kill()
        assert len(processes) == 1
        assert psutil.wait_procs(processes, LEAVE_SECONDS)[1] == []

        drivers = [
            open_driver(
                nodes.address, RAY_AUTH_TOKEN="of another cluster, long enough for a token"
            ),
            open_driver(nodes.address, RAY_AUTH_TOKEN="", HOME=str(tmp_path)),
            open_driver(nodes.address, PYTHONPATH=path),
        ]
        foreign, nameless, older = [driver.communicate()[0] for driver in drivers]
    assert foreign == f"the Ray cluster does not let us in\n    {TOKEN}\n    {JOIN}\n"
    assert nameless == f"the Ray cluster asks for a token, and none was found\n    {TOKEN}\n"
    assert older == (
        "a worker of the Ray cluster has other versions\n"
        "    lenetml: 0.0 here, 0.1.0 there\n"
        "    install the same on every machine, or results would depend on the machine\n"
    )
