"""The stub of the W&B server without the SDK: its faults, its threads, what it does not know."""

from __future__ import annotations

import http.client
import json
import threading

import pytest
from wandb_scripts import PATIENCE_SECONDS, wait_until
from wandb_server import WandbServer


def ask(server, path="/graphql", method="POST", query="query Viewer { viewer { id } }"):
    """Ask the stub without the SDK; gives the status."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_SECONDS)
    try:
        connection.request(method, path, json.dumps({"query": query}))
        return connection.getresponse().status
    finally:
        connection.close()


def test_faults_begin_and_end_when_they_are_told_to():
    with WandbServer() as server:
        server.fail("500", after=2)
        assert [ask(server) for _ in range(3)] == [200, 200, 500]
        server.fail("401", after=1, of="upload")
        assert [ask(server), ask(server, "/nowhere", "PUT"), ask(server)] == [200, 422, 401]
        server.fail("503", only="upload")
        assert [ask(server), ask(server, "/nowhere", "PUT")] == [200, 503]
        server.heal()
        assert ask(server) == 200
        assert [request.status for request in server.requests][-1] == 200


def test_a_port_that_refused_listens_again():
    with WandbServer() as server:
        server.fail("refuse")
        with pytest.raises(ConnectionRefusedError):
            ask(server)
        server.fail("refuse", after=1)
        assert ask(server) == 200
        with pytest.raises(ConnectionError):
            ask(server)
        server.heal()
        assert ask(server) == 200
        server.fail("refuse", only="upload")
        with pytest.raises(ConnectionError):
            ask(server, "/nowhere", "PUT")
        assert ask(server) == 200


def test_no_thread_outlives_the_server_even_where_it_hangs():
    before = set(threading.enumerate())
    failed = []

    def ask_in_vain(server):
        try:
            ask(server)
        except ConnectionError as error:
            failed.append(error)

    with WandbServer() as server:
        server.fail("hang")
        clients = [threading.Thread(target=ask_in_vain, args=(server,)) for _ in range(3)]
        for client in clients:
            client.start()
        wait_until(lambda: len(server.requests) == 3)
    for client in clients:
        client.join(PATIENCE_SECONDS)
    assert len(failed) == 3
    assert set(threading.enumerate()) <= before


def test_what_the_stub_does_not_know_is_said():
    with WandbServer() as server:
        assert ask(server, query="query Unheard { of }") == 422
        assert server.unanswered == ("Unheard",)


def test_a_mistake_of_the_stub_fails_the_test_that_met_it():
    expected = pytest.raises(AssertionError, match="the stub of the W&B server failed:")
    with expected, WandbServer() as server:
        assert ask(server, query="mutation CommitArtifact { commitArtifact }") == 422
