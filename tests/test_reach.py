"""What `lenetml doctor` says of W&B."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from mirrored import CANARY, make_home
from test_mirror_faults import closed_port
from wandb_server import WandbServer

from lenetml.mirror.reach import look_around


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    return make_home(tmp_path, monkeypatch)


@pytest.fixture
def server(monkeypatch):
    with WandbServer() as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        yield server


def test_a_key_and_a_server(server, monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", CANARY)
    reach = look_around()
    assert (reach.key, reach.mode, reach.answers) == ("WANDB_API_KEY", "online", True)
    assert (reach.server, reach.key_reason, reach.server_reason) == (server.url, None, None)
    assert CANARY not in str([request.headers for request in server.requests])
    assert [request.method for request in server.requests] == ["GET"]


def test_a_key_of_wandb_login(server, home):
    netrc = home / ".netrc"
    netrc.write_text(f"machine 127.0.0.1:{server.port}\n  login user\n  password {CANARY}\n")
    netrc.chmod(0o600)
    assert look_around().key == "wandb login"


def test_no_key(server):
    reach = look_around()
    assert (reach.key, reach.mode, reach.answers) == (None, "offline", True)


def test_a_key_that_is_none(server, monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", "short")
    reach = look_around()
    assert (reach.key, reach.mode, reach.answers) == (None, "offline", True)
    assert reach.key_reason.startswith("WANDB_API_KEY invalid")
    assert "short" not in reach.key_reason


@pytest.mark.parametrize("mode", ["offline", "disabled"])
def test_what_the_user_wishes(server, monkeypatch, mode):
    monkeypatch.setenv("WANDB_API_KEY", CANARY)
    monkeypatch.setenv("WANDB_MODE", mode)
    assert look_around().mode == mode


def test_a_server_that_hangs_is_not_waited_for(server):
    server.fail("hang")
    reach = look_around()
    assert (reach.answers, reach.server_reason) == (False, "no answer within 2 seconds")


def test_a_server_that_is_not_there(monkeypatch):
    monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{closed_port()}")
    reach = look_around()
    assert not reach.answers
    assert "refused" in reach.server_reason


def test_the_command_line(server):
    def call(*words):
        command = [sys.executable, "-m", "lenetml", "doctor", *words]
        return subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)

    assert call().stdout == (
        "W&B\n"
        "  key     not found: set WANDB_API_KEY, or wandb login\n"
        "  mode    offline, where a spec does not say otherwise\n"
        f"  server  {server.url} answers\n"
    )
    assert json.loads(call("--json").stdout) == {
        "key": None, "mode": "offline", "server": server.url, "answers": True,
        "key_reason": None, "server_reason": None,
    }  # fmt: skip


def test_the_exit_code_where_online_leads_nowhere(server, monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", CANARY)
    server.fail("refuse")
    answer = subprocess.run(
        [sys.executable, "-m", "lenetml", "doctor"], capture_output=True, text=True, env=os.environ
    )
    assert answer.returncode == 3
    assert "  server  http://127.0.0.1:" in answer.stdout
    assert " does not answer: " in answer.stdout


@pytest.mark.parametrize("address", ["foo", "http://"])
def test_an_address_that_is_none(monkeypatch, address):
    monkeypatch.setenv("WANDB_BASE_URL", address)
    reach = look_around()
    assert (reach.key, reach.answers) == (None, False)
