"""A Ray cluster for tests: several nodes on this machine's loopback, held by a process of its own.

As a module: `open_cluster`. As a program: makes the nodes and obeys one word a line.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from contextlib import contextmanager
from importlib.util import find_spec
from tempfile import TemporaryDirectory

import psutil
import pytest

# Ray reads these once, when it is imported: addresses of the loopback alone, a token for every
# message, no statistics.
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
os.environ["RAY_AUTH_MODE"] = "token"
os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(16))
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="the extra ray is not installed")
# A node that is gone is noticed in a second or two instead of half a minute.
HEALTH_CHECKS = {
    "health_check_initial_delay_ms": 500,
    "health_check_period_ms": 500,
    "health_check_timeout_ms": 1000,
    "health_check_failure_threshold": 2,
}
END_SECONDS = 30


class Nodes:
    """A running cluster."""

    def __init__(self, process):
        self._process = process
        self.address = self._answer()

    def add(self):
        self._tell("add")

    def remove(self):
        """Take the node away that came last, as if its machine had lost its power."""
        self._tell("remove")

    def end(self):
        """End all nodes, the head too, in the same way."""
        for process in psutil.Process(self._process.pid).children(recursive=True):
            if process.name() in ("gcs_server", "raylet"):
                process.kill()

    def workers(self):
        """The processes of our workers."""
        return [
            process
            for process in psutil.Process(self._process.pid).children(recursive=True)
            if process.name().startswith("ray::_Worker")
        ]

    def _tell(self, word):
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()
        self._answer()

    def _answer(self):
        # Ray prints too.
        return next(line for line in self._process.stdout if line.startswith("> "))[2:].strip()


@contextmanager
def open_cluster(*cpus):
    """Start a cluster of nodes with so many CPUs each."""
    process = subprocess.Popen(
        [sys.executable, __file__, *map(str, cpus)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield Nodes(process)
    finally:
        children = psutil.Process(process.pid).children(recursive=True)
        process.stdin.close()
        process.stdout.close()
        process.wait(END_SECONDS)
        for child in children:
            if child.is_running():
                child.kill()


def obey(cpus, folder):
    from ray.cluster_utils import Cluster

    cluster = Cluster()
    cluster.add_node(
        num_cpus=cpus[0], include_dashboard=False, temp_dir=folder, _system_config=HEALTH_CHECKS
    )
    nodes = [cluster.add_node(num_cpus=n) for n in cpus[1:]]
    print(f"> {cluster.address}", flush=True)
    for line in sys.stdin:
        if line.strip() == "add":
            nodes.append(cluster.add_node(num_cpus=1))
        else:
            cluster.remove_node(nodes.pop(), allow_graceful=False)
        print("> done", flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    # Ray's sockets lie in it, and their paths must be short.
    with TemporaryDirectory(prefix="ray", dir="/tmp", ignore_cleanup_errors=True) as folder:
        obey([int(text) for text in sys.argv[1:]], folder)
