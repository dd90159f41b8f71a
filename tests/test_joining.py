"""A Ray cluster is joined, or it is told why not."""

from __future__ import annotations

import signal
import sys

import pytest
from ray_nodes import needs_ray, open_cluster

from lenetml.errors import MissingError, UsageError
from lenetml.search.joining import join

START = "    to start one: ray start --head --include-dashboard=false --disable-usage-stats"


@pytest.fixture(autouse=True)
def tidy():
    """See that Ray leaves nothing of its own behind in this process."""
    before = signal.getsignal(signal.SIGTERM), sys.excepthook
    yield
    assert (signal.getsignal(signal.SIGTERM), sys.excepthook) == before


@pytest.mark.slow
@needs_ray
def test_the_cluster_of_this_machine_is_joined(monkeypatch):
    with open_cluster(1) as nodes:
        monkeypatch.setenv("RAY_ADDRESS", nodes.address)
        ray = join("auto")
        assert ray.cluster_resources()["CPU"] == 1
        ray.shutdown()


@needs_ray
@pytest.mark.parametrize("address", ["127.0.0.1:1", "127.0.0.1:99999", "auto"])
def test_no_cluster_is_told(address, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(MissingError) as caught:
        join(address)
    assert str(caught.value) == f"no Ray cluster answers\n{START}"


@pytest.mark.slow
@needs_ray
def test_a_cluster_of_another_ray_is_told(monkeypatch):
    import ray
    from ray._private.utils import check_version_info

    def init(*_, **__):
        check_version_info({"ray_version": "2.0.0", "python_version": "3.9.1"}, "10.0.0.1")

    monkeypatch.setattr(ray, "init", init)
    with pytest.raises(MissingError) as caught:
        join("auto")
    here = ".".join(map(str, sys.version_info[:3]))
    assert str(caught.value) == (
        "the Ray cluster has other versions\n"
        f"    Ray: {ray.__version__} here, 2.0.0 there\n"
        f"    Python: {here} here, 3.9.1 there"
    )


@pytest.mark.parametrize("address", ["", "local", "6379", "ray://127.0.0.1:10001", "host:port"])
def test_an_address_is_a_host_and_a_port(address):
    with pytest.raises(UsageError) as caught:
        join(address)
    assert str(caught.value) == (
        f"--ray takes auto, or HOST:PORT of the head of a cluster\n    found: {address}"
    )


def test_without_ray_it_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingError) as caught:
        join("auto")
    assert str(caught.value) == (
        "ray is not installed\n    to install it: pip install 'lenetml[ray]'"
    )
