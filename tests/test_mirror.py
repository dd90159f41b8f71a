"""The mirror, offline, disabled and without a server; what it wrote is read back."""

from __future__ import annotations

import gc
import os
import platform
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from wandb_files import read_runs

from lenetml.mirror import open_mirror
from lenetml.record import Metrics, TrialRecord
from lenetml.search.loop import TrialStart
from lenetml.spec.sections import Wandb

CANARY = "c0ffee0123456789c0ffee0123456789deadbeef"
GROUP = "gmnet-1a2b3c4d"
VALUES = {"activation": "tanh", "conv": [18, 0.1], "batch_norm": True, "learning_rate": 0.001}
HISTORY = {
    "loss": [0.5, 0.25],
    "accuracy": [0.8, 0.9],
    "val_loss": [0.75, 0.5],
    "val_accuracy": [0.7, 0.85],
}
SYNC = "send with, in the run's folder: wandb sync wandb/offline-run-*"
VAL = Metrics(n=20, correct=17, accuracy=0.85, precision=0.86, recall=0.84, f1=0.83, loss=0.5)


def trial_record(number: int = 1, **changes) -> TrialRecord:
    facts = {
        "number": number,
        "status": "completed",
        "values": VALUES,
        "seed": 4711,
        "objective": 0.85,
        "epochs": 2,
        "epochs_limit": 2,
        "best_epoch": 2,
        "history": HISTORY,
        "val": VAL,
        "parameters": 61706,
        "macs": 416520,
        "images_trained": 100,
        "seconds": 1.5,
        "core_seconds": 1.25,
        "guessing": False,
        "reason": None,
    }
    return TrialRecord(**(facts | changes))


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home without any trace of W&B, and no variable of it."""
    folder = tmp_path / "home"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(folder))
    monkeypatch.delenv("NETRC", raising=False)
    return folder


@pytest.fixture
def run_folder(tmp_path, home, monkeypatch):
    """The folder of a run, which is not the working folder."""
    folder = tmp_path / "runs" / GROUP
    folder.mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return folder


@pytest.fixture
def warnings():
    return []


def closed_port() -> int:
    """A port of this machine where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(number=1, values=VALUES, seed=4711, executions=1, history=None):
    return TrialStart(number, values, seed, 3, executions, history or {})


def mirror_one_trial(mirror, number=1, **changes):
    mirror.trial_started(start(number))
    for epoch in (1, 2):
        metrics = {name: series[epoch - 1] for name, series in HISTORY.items()}
        mirror.epoch_ended(number, 1, epoch, metrics)
    mirror.trial_ended(trial_record(number, **changes))


def kill_wandbs_process() -> None:
    for process in gc.get_objects():
        if isinstance(process, subprocess.Popen) and "wandb-core" in str(process.args):
            process.kill()
            process.wait()


def history_rows():
    return [
        {"epoch": i + 1, **{name: series[i] for name, series in HISTORY.items()}} for i in range(2)
    ]


def contents(folder: Path) -> bytes:
    return b"\n".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_a_trial_reads_back_as_it_was_told(run_folder, warnings):
    section = Wandb(project="GMNet-sweep", entity="a-team", mode="offline", tags=["mnist", "demo"])
    mirror = open_mirror(section, run_folder, GROUP, "gmnet", warnings.append)
    mirror_one_trial(mirror)
    said = mirror.close()
    told = read_runs(run_folder)["gmnet-trial-01"]
    assert told.run.project == "GMNet-sweep"
    assert told.run.entity == "a-team"
    assert told.run.run_group == GROUP
    assert told.run.job_type == "trial"
    assert list(told.run.tags) == ["mnist", "demo"]
    assert told.config == VALUES | {"seed": 4711}
    assert told.history == history_rows()
    assert told.exit_code == 0
    last = {name: series[-1] for name, series in HISTORY.items()}
    assert told.summary == last | {
        "epoch": 2,
        "status": "completed",
        "objective": 0.85,
        "best_epoch": 2,
        "parameters": 61706,
        "macs": 416520,
        "seconds": 1.5,
        "val_accuracy": 0.85,
        "val_precision": 0.86,
        "val_recall": 0.84,
        "val_f1": 0.83,
    }
    assert warnings == []
    assert said == f"1 trial kept for the W&B project GMNet-sweep; {SYNC}"


def test_a_failed_trial_is_marked_as_failed(run_folder, warnings):
    section = Wandb(project="p", mode="offline")
    mirror = open_mirror(section, run_folder, GROUP, "gmnet", warnings.append)
    mirror.trial_started(start(3))
    mirror.epoch_ended(3, 1, 1, {"loss": float("nan")})
    mirror.trial_ended(
        trial_record(
            3, status="failed", reason="non_finite", history={}, objective=None, val=None,
            best_epoch=None,
        )
    )  # fmt: skip
    mirror.close()
    told = read_runs(run_folder)["gmnet-trial-03"]
    assert told.exit_code == 1
    assert told.summary["status"] == "failed"
    assert told.summary["reason"] == "non_finite"
    assert "objective" not in told.summary
    assert len(told.history) == 1


def test_trials_may_overlap_and_may_be_told_only_at_their_end(run_folder, warnings):
    section = Wandb(project="p", mode="offline")
    mirror = open_mirror(section, run_folder, GROUP, "gmnet", warnings.append)
    mirror.trial_started(start(1, {"units": 10}, seed=1))
    mirror.trial_started(start(2, {"units": 20}, seed=2))
    mirror.epoch_ended(2, 1, 1, {"loss": 2.0})
    mirror.epoch_ended(1, 1, 1, {"loss": 1.0})
    mirror.trial_ended(trial_record(2, history={"loss": [2.0, 1.5]}))
    mirror.trial_ended(trial_record(5))
    said = mirror.close()
    runs = read_runs(run_folder)
    assert list(runs) == ["gmnet-trial-01", "gmnet-trial-02", "gmnet-trial-05"]
    assert [told.exit_code for told in runs.values()] == [1, 0, 0]
    assert [told.config["seed"] for told in runs.values()] == [1, 2, 4711]
    assert runs["gmnet-trial-01"].history == [{"epoch": 1, "loss": 1.0}]
    assert runs["gmnet-trial-02"].history == [{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": 1.5}]
    assert runs["gmnet-trial-05"].history == history_rows()
    assert said.startswith("3 trials kept for the W&B project p; ")


def test_ids_are_stable_and_a_repeated_trial_replaces_its_first_try(run_folder, warnings):
    section = Wandb(project="p", mode="offline")
    ids = []
    for loss in (1.0, 2.0):
        mirror = open_mirror(section, run_folder, GROUP, "gmnet", warnings.append)
        mirror.trial_started(start(1))
        mirror.epoch_ended(1, 1, 1, {"loss": loss})
        mirror.close()
        ids += [told.run.run_id for told in read_runs(run_folder).values()]
    assert len(ids) == 2
    assert ids[0] == ids[1]
    assert read_runs(run_folder)["gmnet-trial-01"].history == [{"epoch": 1, "loss": 2.0}]


def test_a_trial_that_goes_on_is_one_whole_run(run_folder, warnings):
    """As of a promotion by hyperband, in the same life and in the next one."""
    section = Wandb(project="p", mode="offline")
    longer = {name: [*series, 0.5] for name, series in HISTORY.items()}
    mirror = open_mirror(section, run_folder, GROUP, "gmnet", warnings.append)
    mirror_one_trial(mirror, status="stopped")
    mirror_one_trial(mirror, 2, status="stopped")
    mirror.trial_started(start(1, history=HISTORY))
    mirror.epoch_ended(1, 1, 3, dict.fromkeys(HISTORY, 0.5))
    mirror.trial_ended(trial_record(1, history=longer))
    assert mirror.close() == f"2 trials kept for the W&B project p; {SYNC}"

    mirror = open_mirror(section, run_folder, GROUP, "gmnet", warnings.append)
    mirror.trial_started(start(2, history=HISTORY))
    mirror.epoch_ended(2, 1, 3, dict.fromkeys(HISTORY, 0.5))
    mirror.trial_ended(trial_record(2, history=longer))
    assert mirror.close() == f"2 trials kept for the W&B project p; {SYNC}"

    assert len(list(run_folder.glob("wandb/offline-run-*"))) == 2
    for told in read_runs(run_folder).values():
        assert told.history == [*history_rows(), {"epoch": 3, **dict.fromkeys(HISTORY, 0.5)}]
        assert (told.exit_code, told.summary["status"]) == (0, "completed")
    assert warnings == []


def test_a_trial_of_several_trainings_is_told_at_its_end(run_folder, warnings):
    section = Wandb(project="p", mode="offline")
    mirror = open_mirror(section, run_folder, GROUP, "gmnet", warnings.append)
    mirror.trial_started(start(1, executions=2, history={"loss": [9.0]}))
    mirror.epoch_ended(1, 2, 2, {"loss": 8.0})
    mirror.epoch_ended(1, 1, 2, {"loss": 7.0})
    mirror.trial_ended(trial_record(1, seed=5))
    mirror.close()
    told = read_runs(run_folder)["gmnet-trial-01"]
    assert told.history == history_rows()
    assert told.config["seed"] == 5


def test_a_training_that_begins_again_leaves_no_row_twice(run_folder, warnings):
    section = Wandb(project="p", mode="offline")
    mirror = open_mirror(section, run_folder, GROUP, "gmnet", warnings.append)
    mirror.trial_started(start(1))
    for epoch in (1, 2, 1, 2, 3):
        mirror.epoch_ended(1, 1, epoch, {"loss": float(epoch)})
    mirror.trial_ended(trial_record(1, history={"loss": [1.0, 2.0, 3.0]}))
    mirror.close()
    rows = [{"epoch": epoch, "loss": float(epoch)} for epoch in (1, 2, 3)]
    assert read_runs(run_folder)["gmnet-trial-01"].history == rows


def test_trials_of_earlier_lives_are_counted(run_folder, warnings):
    section = Wandb(project="p", mode="offline")
    for number in (1, 2):
        mirror = open_mirror(section, run_folder, GROUP, "gmnet", warnings.append)
        mirror_one_trial(mirror, number)
        said = mirror.close()
    assert said == f"2 trials kept for the W&B project p; {SYNC}"


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
    mirror = open_mirror(section, run_folder, GROUP, "gmnet", warnings.append)
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
    mirror = open_mirror(section, run_folder, GROUP, "gmnet", warnings.append)
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
    mirror = open_mirror(section, run_folder, GROUP, "gmnet", warnings.append)
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
    mirror = open_mirror(Wandb(project="p"), run_folder, GROUP, "gmnet", warnings.append)
    mirror_one_trial(mirror)
    assert mirror.close() == f"1 trial kept for the W&B project p; {SYNC}"
    assert warnings == []
    assert list(read_runs(run_folder)) == ["gmnet-trial-01"]


def test_auto_is_what_the_user_says_where_that_is_offline(run_folder, warnings, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    mirror = open_mirror(Wandb(project="p"), run_folder, GROUP, "gmnet", warnings.append)
    mirror_one_trial(mirror)
    assert mirror.close() == f"1 trial kept for the W&B project p; {SYNC}"
    assert warnings == []


def test_auto_is_what_the_user_says_where_that_is_disabled(run_folder, warnings, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "disabled")
    mirror = open_mirror(Wandb(project="p"), run_folder, GROUP, "gmnet", warnings.append)
    mirror_one_trial(mirror)
    assert mirror.close() is None
    assert warnings == []
    assert list(run_folder.iterdir()) == []


def test_online_without_a_key_warns_once_and_is_offline(run_folder, warnings):
    section = Wandb(project="p", mode="online")
    mirror = open_mirror(section, run_folder, GROUP, "gmnet", warnings.append)
    mirror_one_trial(mirror)
    mirror_one_trial(mirror, 2)
    mirror.close()
    assert warnings == ["W&B has no key (WANDB_API_KEY or `wandb login`); the mirror is offline"]
    assert list(read_runs(run_folder)) == ["gmnet-trial-01", "gmnet-trial-02"]


def test_a_malformed_key_warns_once_and_is_offline(run_folder, warnings, monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", "short")
    mirror = open_mirror(Wandb(project="p"), run_folder, GROUP, "gmnet", warnings.append)
    mirror_one_trial(mirror)
    mirror.close()
    assert len(warnings) == 1
    assert warnings[0].startswith("W&B failed (AuthenticationError: WANDB_API_KEY invalid: ")
    assert warnings[0].endswith("; the mirror goes on offline")
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
    mirror = open_mirror(Wandb(project="p"), run_folder, GROUP, "gmnet", warnings.append)
    mirror_one_trial(mirror)
    mirror_one_trial(mirror, 2)
    said = mirror.close()
    assert len(warnings) == 1
    assert warnings[0].startswith("W&B failed (CommError: ")
    assert warnings[0].endswith("; the mirror goes on offline")
    runs = read_runs(run_folder)
    assert list(runs) == ["gmnet-trial-01", "gmnet-trial-02"]
    for told in runs.values():
        assert told.history == history_rows()
        assert told.exit_code == 0
    assert said == f"2 trials kept for the W&B project p; {SYNC}"
    assert CANARY.encode() not in contents(run_folder)
    assert [path.name for path in home.iterdir()] == ([".netrc"] if source == "netrc" else [])
    assert capfd.readouterr() == ("", "")


def test_the_death_of_wandbs_process_loses_no_trial(run_folder, warnings):
    section = Wandb(project="p", mode="offline")
    mirror = open_mirror(section, run_folder, GROUP, "gmnet", warnings.append)
    mirror.trial_started(start(1))
    mirror.epoch_ended(1, 1, 1, {"loss": 1.0})
    kill_wandbs_process()
    mirror.epoch_ended(1, 1, 2, {"loss": 0.5})
    mirror.trial_ended(trial_record(1, history={"loss": [1.0, 0.5]}))
    mirror_one_trial(mirror, 2)
    said = mirror.close()
    runs = read_runs(run_folder)
    assert runs["gmnet-trial-01"].history == [{"epoch": 1, "loss": 1.0}, {"epoch": 2, "loss": 0.5}]
    assert runs["gmnet-trial-02"].history == history_rows()
    assert len(warnings) == 1
    assert warnings[0].endswith("; the mirror goes on offline")
    assert said == f"2 trials kept for the W&B project p; {SYNC}"


def test_a_second_fault_ends_the_mirror_and_nothing_else(run_folder, warnings):
    section = Wandb(project="p", mode="offline")
    mirror = open_mirror(section, run_folder, GROUP, "gmnet", warnings.append)
    mirror_one_trial(mirror, 1)
    for number in (2, 3, 4):
        mirror.trial_started(start(number))
        kill_wandbs_process()
        mirror.epoch_ended(number, 1, 1, {"loss": 1.0})
        mirror.trial_ended(trial_record(number))
    said = mirror.close()
    assert len(warnings) == 1
    assert said.startswith("2 trials kept for the W&B project p; send with")
    assert "; the mirror was given up (" in said


def test_a_project_that_wandb_refuses_is_said_once(run_folder, warnings):
    section = Wandb(project="what?", mode="offline")
    mirror = open_mirror(section, run_folder, GROUP, "gmnet", warnings.append)
    mirror_one_trial(mirror)
    mirror_one_trial(mirror, 2)
    said = mirror.close()
    assert len(warnings) == 1
    assert "what?" in warnings[0]
    assert warnings[0].endswith("; nothing more is mirrored")
    assert said.startswith("the mirror was given up (")


@pytest.mark.parametrize("section", [None, Wandb(project="p", mode="disabled")])
def test_switched_off_nothing_is_touched(run_folder, home, section):
    code = f"""
import sys
from pathlib import Path
from lenetml.mirror import open_mirror
from lenetml.search.loop import TrialStart
from lenetml.spec.sections import Wandb
section = {"None" if section is None else "Wandb(project='p', mode='disabled')"}
mirror = open_mirror(section, Path({str(run_folder)!r}), "group", "name", print)
mirror.trial_started(TrialStart(1, {{"units": 3}}, 7, 3, 1, {{}}))
mirror.epoch_ended(1, 1, 1, {{"loss": 1.0}})
print(mirror.close(), "wandb" in sys.modules)
"""
    package = str(Path(__file__).parents[1])
    answer = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": package},
    )  # fmt: skip
    assert answer.stdout == "None False\n"
    assert list(run_folder.iterdir()) == []
    assert list(home.iterdir()) == []
