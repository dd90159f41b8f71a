"""The mirror where W&B is off, unreachable, without a key, dead, or set up otherwise."""

from __future__ import annotations

import gc
import os
import platform
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from mirrored import (
    CANARY,
    GROUP,
    SYNC,
    contents,
    history_rows,
    make_home,
    make_run_folder,
    mirror_one_trial,
    open_the_mirror,
)
from told_trials import trial_record, trial_start
from wandb_files import read_runs

from lenetml.spec.sections import Wandb


@pytest.fixture
def home(tmp_path, monkeypatch):
    return make_home(tmp_path, monkeypatch)


@pytest.fixture
def run_folder(tmp_path, home, monkeypatch):
    return make_run_folder(tmp_path, monkeypatch)


@pytest.fixture
def warnings():
    return []


def closed_port() -> int:
    """A port of this machine where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def kill_wandbs_process() -> None:
    for process in gc.get_objects():
        if isinstance(process, subprocess.Popen) and "wandb-core" in str(process.args):
            process.kill()
            process.wait()


def test_variables_of_the_user_redirect_nothing(run_folder, warnings, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "disabled")
    monkeypatch.setenv("WANDB_PROJECT", "stray-project")
    monkeypatch.setenv("WANDB_ENTITY", "stray-entity")
    monkeypatch.setenv("WANDB_RUN_GROUP", "stray-group")
    monkeypatch.setenv("WANDB_TAGS", "stray-tag")
    monkeypatch.setenv("WANDB_NOTES", "stray-notes")
    monkeypatch.setenv("WANDB_DIR", str(run_folder.parent / "stray"))
    before = dict(os.environ)
    section = Wandb(project="p", mode="offline")
    mirror = open_the_mirror(section, run_folder, warnings.append)
    mirror_one_trial(mirror)
    mirror.close()
    assert dict(os.environ) == before
    told = read_runs(run_folder)["gmnet-trial-01"]
    assert (told.run.project, told.run.run_group) == ("p", GROUP)
    assert "stray" not in str(told.run)


def test_a_settings_file_of_the_user_names_no_other_team(run_folder, home, warnings):
    settings = home / ".config" / "wandb" / "settings"
    settings.parent.mkdir(parents=True)
    settings.write_text("[default]\nentity = stray\nproject = stray\nmode = disabled\n")
    section = Wandb(project="p", mode="offline")
    mirror = open_the_mirror(section, run_folder, warnings.append)
    mirror_one_trial(mirror)
    mirror.close()
    assert "stray" not in str(read_runs(run_folder)["gmnet-trial-01"].run)


def test_no_key_no_host_name_and_nothing_outside_the_folder(
    run_folder, home, warnings, monkeypatch, capfd
):
    # Host names such as "vm" are too short to look for; wandb asks by this function.
    monkeypatch.setattr(socket, "gethostname", lambda: "canary-host-name")
    monkeypatch.setenv("WANDB_API_KEY", CANARY)
    section = Wandb(project="p", mode="offline")
    mirror = open_the_mirror(section, run_folder, warnings.append)
    mirror_one_trial(mirror)
    mirror.close()
    written = contents(run_folder)
    assert b"gmnet-trial-01" in written
    assert CANARY.encode() not in written
    assert b"canary-host-name" not in written
    sent = b"".join(path.read_bytes() for path in run_folder.rglob("*.wandb"))
    for private in (platform.node(), sys.argv[0], str(Path.cwd()), sys.executable):
        assert len(private) < 4 or private.encode() not in sent
    assert [path.name for path in run_folder.iterdir()] == ["wandb"]
    assert [path.name[:12] for path in (run_folder / "wandb").iterdir()] == ["offline-run-"]
    assert not any(path.is_symlink() for path in run_folder.rglob("*"))
    assert list(home.iterdir()) == []
    assert list(Path.cwd().iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_auto_without_a_key_is_offline_and_says_nothing(run_folder, warnings):
    mirror = open_the_mirror(Wandb(project="p"), run_folder, warnings.append)
    mirror_one_trial(mirror)
    mirror.close()
    assert mirror.counts() == (0, 1)
    assert warnings == []
    assert list(read_runs(run_folder)) == ["gmnet-trial-01"]


def test_auto_is_what_the_user_says_where_that_is_offline(run_folder, warnings, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    mirror = open_the_mirror(Wandb(project="p"), run_folder, warnings.append)
    mirror_one_trial(mirror)
    mirror.close()
    assert mirror.counts() == (0, 1)
    assert warnings == []


def test_auto_is_what_the_user_says_where_that_is_disabled(run_folder, warnings, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "disabled")
    mirror = open_the_mirror(Wandb(project="p"), run_folder, warnings.append)
    mirror_one_trial(mirror)
    mirror.close()
    assert mirror.outcome(1) is None
    assert warnings == []
    assert list(run_folder.iterdir()) == []


def test_online_without_a_key_warns_once_and_is_offline(run_folder, warnings):
    section = Wandb(project="p", mode="online")
    mirror = open_the_mirror(section, run_folder, warnings.append)
    mirror_one_trial(mirror)
    mirror_one_trial(mirror, 2)
    mirror.close()
    assert warnings == ["W&B has no key (WANDB_API_KEY or `wandb login`); the mirror is offline"]
    assert list(read_runs(run_folder)) == ["gmnet-trial-01", "gmnet-trial-02"]


def test_a_malformed_key_warns_once_and_is_offline(run_folder, warnings, monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", "short")
    mirror = open_the_mirror(Wandb(project="p"), run_folder, warnings.append)
    mirror_one_trial(mirror)
    mirror.close()
    assert len(warnings) == 1
    assert warnings[0].startswith("W&B failed (AuthenticationError: WANDB_API_KEY invalid: ")
    assert warnings[0].endswith(SYNC)
    assert list(read_runs(run_folder)) == ["gmnet-trial-01"]


@pytest.mark.slow
@pytest.mark.parametrize("source", ["variable", "netrc"])
def test_without_a_server_the_same_run_goes_on_offline(
    run_folder, home, warnings, monkeypatch, capfd, source
):
    port = closed_port()
    monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{port}")
    if source == "variable":
        monkeypatch.setenv("WANDB_API_KEY", CANARY)
    else:
        netrc = home / ".netrc"
        netrc.write_text(f"machine 127.0.0.1:{port}\n  login user\n  password {CANARY}\n")
        netrc.chmod(0o600)
    mirror = open_the_mirror(Wandb(project="p"), run_folder, warnings.append)
    mirror_one_trial(mirror)
    mirror_one_trial(mirror, 2)
    mirror.close()
    assert len(warnings) == 1
    assert warnings[0].startswith("W&B failed (CommError: ")
    assert warnings[0].endswith(SYNC)
    runs = read_runs(run_folder)
    assert list(runs) == ["gmnet-trial-01", "gmnet-trial-02"]
    for told in runs.values():
        assert told.history == history_rows()
        assert told.exit_code == 0
    assert mirror.counts() == (0, 2)
    assert CANARY.encode() not in contents(run_folder)
    assert [path.name for path in home.iterdir()] == ([".netrc"] if source == "netrc" else [])
    assert capfd.readouterr() == ("", "")


def test_the_death_of_wandbs_process_loses_no_trial(run_folder, warnings):
    section = Wandb(project="p", mode="offline")
    mirror = open_the_mirror(section, run_folder, warnings.append)
    mirror.trial_started(trial_start(1))
    mirror.epoch_ended(1, 1, 1, {"loss": 1.0})
    kill_wandbs_process()
    mirror.epoch_ended(1, 1, 2, {"loss": 0.5})
    mirror.trial_ended(trial_record(1, history={"loss": [1.0, 0.5]}))
    mirror_one_trial(mirror, 2)
    mirror.close()
    runs = read_runs(run_folder)
    assert runs["gmnet-trial-01"].history == [{"epoch": 1, "loss": 1.0}, {"epoch": 2, "loss": 0.5}]
    assert runs["gmnet-trial-02"].history == history_rows()
    assert len(warnings) == 1
    assert warnings[0].endswith(SYNC)
    assert mirror.counts() == (0, 2)


def test_a_second_fault_ends_the_mirror_and_nothing_else(run_folder, warnings):
    section = Wandb(project="p", mode="offline")
    mirror = open_the_mirror(section, run_folder, warnings.append)
    mirror_one_trial(mirror, 1)
    for number in (2, 3, 4):
        mirror.trial_started(trial_start(number))
        kill_wandbs_process()
        mirror.epoch_ended(number, 1, 1, {"loss": 1.0})
        mirror.trial_ended(trial_record(number))
    mirror.close()
    assert len(warnings) == 1
    assert mirror.counts() == (0, 2)
    assert mirror.outcome(1).mode is None


def test_a_project_that_wandb_refuses_is_said_once(run_folder, warnings):
    section = Wandb(project="what?", mode="offline")
    mirror = open_the_mirror(section, run_folder, warnings.append)
    mirror_one_trial(mirror)
    mirror_one_trial(mirror, 2)
    mirror.close()
    assert len(warnings) == 1
    assert "what?" in warnings[0]
    assert warnings[0].endswith("; nothing more is mirrored")
    assert (mirror.counts(), mirror.outcome(1).mode) == ((0, 0), None)


@pytest.mark.parametrize("section", [None, Wandb(project="p", mode="disabled")])
def test_switched_off_nothing_is_touched(run_folder, home, section):
    code = f"""
import sys
from pathlib import Path
from lenetml.mirror.ledger import Ledger
from lenetml.mirror.live import open_mirror
from lenetml.search.loop import TrialStart
from lenetml.spec.sections import Wandb
section = {"None" if section is None else "Wandb(project='p', mode='disabled')"}
ledger = Ledger([], print)
mirror = open_mirror(section, Path({str(run_folder)!r}), "net", "a search", ledger, print)
mirror.trial_started(TrialStart(1, {{"units": 3}}, 7, 3, 1, {{}}))
mirror.epoch_ended(1, 1, 1, {{"loss": 1.0}})
mirror.close()
print(mirror.outcome(1), "wandb" in sys.modules)
"""
    package = str(Path(__file__).parents[1])
    answer = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": package},
    )  # fmt: skip
    assert answer.stdout == "None False\n"
    assert list(run_folder.iterdir()) == []
    assert list(home.iterdir()) == []


def test_threads_of_others_are_heard():
    code = """
import threading
from lenetml.mirror.discretion import hush_threads
hush_threads()
hush_threads()
module = {"__name__": "wandb.sdk", "thread": None}
exec("def end(): raise ConnectionError('of wandb')", module)
def own(): raise ConnectionError('of our own')
for target in (module["end"], own):
    thread = threading.Thread(target=target)
    thread.start()
    thread.join()
"""
    package = str(Path(__file__).parents[1])
    answer = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": package},
    )  # fmt: skip
    assert "of our own" in answer.stderr
    assert "of wandb" not in answer.stderr
