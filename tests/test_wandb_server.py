"""The stub of the W&B server, asked by the real SDK: what it keeps of runs, and how it fails."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest
from mirrored import CANARY
from wandb_scripts import (
    HASTY_AT_THE_BEGINNING,
    HASTY_AT_THE_END,
    PATIENCE_SECONDS,
    PATIENT,
    run_script,
    run_to_the_end,
    served,
    started,
    wait_until,
)

pytestmark = pytest.mark.extended

EVERYTHING = """
import numpy as np
run = begin(id="r1", name="trial 1", group="g", job_type="trial", tags=["a", "b"], notes="why",
            entity="team", config={"x": 1, "deep": {"y": [2, 3]}})
for loss in (0.5, 0.25):
    run.log({"loss": loss})
run.summary["best"] = 0.25
run.log({"chart": wandb.plot.confusion_matrix(
    y_true=[0, 1, 1], preds=[0, 1, 0], class_names=["no", "yes"])})
run.log({"digit": wandb.Image(np.zeros((4, 4), dtype="uint8"))})
open("one.txt", "w").write("1")
open("two.txt", "w").write("22")
model = wandb.Artifact("model", "model", description="both", metadata={"n": 2})
model.add_file("one.txt")
model.add_file("two.txt", name="deep/two.txt")
run.log_artifact(model, aliases=["best"]).wait(timeout=30)
run.finish(exit_code=3)
"""
LIVES = """
for losses, given in [((1, 2, 3), {}), ((4, 5), {}), ((6,), {"resume": "must"})]:
    run = begin(id="r1", name="same", **given)
    for loss in losses:
        run.log({"loss": loss})
    run.finish()
"""
SAME_ARTIFACT = """
open("one.txt", "w").write("1")
for name in ("r1", "r2"):
    run = begin(id=name, name=name)
    model = wandb.Artifact("model", "model")
    model.add_file("one.txt")
    run.log_artifact(model)
    run.finish()
"""
USED_ARTIFACT = """
open("one.txt", "w").write("1")
run = begin(id="r1", name="r1")
data = wandb.Artifact("data", "dataset")
data.add_file("one.txt")
run.use_artifact(data)
run.finish()
"""
OFFLINE = """
open("one.txt", "w").write("1")
run = begin(id="r1", name="later", group="g", mode="offline", config={"x": 1})
for loss in (2, 1):
    run.log({"loss": loss})
model = wandb.Artifact("model", "model")
model.add_file("one.txt")
run.log_artifact(model)
run.finish()
"""
SHORT = """
try:
    run = begin(id="r1", name="short")
    print("begun")
    run.log({"loss": 1})
    run.finish()
    print("finished")
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.fixture
def server(tmp_path, monkeypatch):
    with served(tmp_path, monkeypatch) as server:
        yield server


def test_everything_of_an_online_run(server, tmp_path):
    run_script(tmp_path, PATIENT + EVERYTHING)
    told = server.runs["r1"]
    assert (told.entity, told.project, told.group, told.job_type) == ("team", "p", "g", "trial")
    assert (told.name, told.tags, told.notes) == ("trial 1", ("a", "b"), "why")
    assert (told.host, told.program, told.sweep) == (None, None, None)
    assert told.config == {"x": 1, "deep": {"y": [2, 3]}}
    assert told.history[:2] == ({"loss": 0.5}, {"loss": 0.25})
    assert [sorted(row) for row in told.history[2:]] == [["chart_table"], ["digit"]]
    assert [row["_step"] for row in told.raw_history] == [0, 1, 2, 3]
    assert (told.summary["loss"], told.summary["best"]) == (0.25, 0.25)
    assert (told.complete, told.exit_code, told.n_begun) == (True, 3, 1)
    assert "chart" in told.raw_config["_wandb"]["visualize"]
    image = told.files[told.history[3]["digit"]["path"]]
    assert image.startswith(b"\x89PNG")
    table = json.loads(told.files[told.history[2]["chart_table"]["path"]])
    assert table["data"] == [
        ["no", "no", 1], ["no", "yes", 0], ["yes", "no", 1], ["yes", "yes", 1],
    ]  # fmt: skip
    assert json.loads(told.files["wandb-summary.json"])["best"] == 0.25


def test_the_artifact_of_an_online_run(server, tmp_path):
    run_script(tmp_path, PATIENT + EVERYTHING)
    table, model = sorted(server.runs["r1"].artifacts, key=lambda artifact: artifact.type)[::-1]
    assert (table.type, table.committed) == ("run_table", True)
    assert (model.name, model.type, model.description) == ("model", "model", "both")
    assert (model.metadata, set(model.aliases)) == ({"n": 2}, {"best", "latest"})
    assert model.files == {"one.txt": b"1", "deep/two.txt": b"22"}
    assert model.digests == {
        path: base64.b64encode(hashlib.md5(content).digest()).decode()
        for path, content in model.files.items()
    }


def test_all_is_answered_and_the_key_is_in_no_body(server, tmp_path):
    run_script(tmp_path, PATIENT + EVERYTHING)
    assert server.unanswered == ()
    assert {request.status for request in server.requests} == {200}
    assert {request.operation for request in server.requests} == {
        "ArtifactByID",
        "ArtifactType",
        "CommitArtifact",
        "CreateArtifact",
        "CreateArtifactFiles",
        "CreateArtifactManifest",
        "CreateRunFiles",
        "ServerFeaturesQuery",
        "UpsertBucket",
        "Viewer",
        "file_stream",
        "upload",
    }
    assert b"trial 1" in b"".join(server.bodies)
    assert CANARY not in str(server.requests)


def test_the_same_id_again_overwrites_its_rows_and_a_resumed_run_appends(server, tmp_path):
    run_script(tmp_path, PATIENT + LIVES)
    told = server.runs["r1"]
    assert [row["loss"] for row in told.history] == [4, 5, 3, 6]
    assert [row["_step"] for row in told.raw_history] == [0, 1, 2, 3]
    assert (told.summary["loss"], told.n_begun, told.complete) == (6, 3, True)
    assert server.unanswered == ()


def test_the_same_id_again_appends_where_an_init_is_told_of_the_rows(tmp_path, monkeypatch):
    with served(tmp_path, monkeypatch, counts_on_upsert=True) as server:
        run_script(tmp_path, PATIENT + LIVES)
    told = server.runs["r1"]
    assert [row["loss"] for row in told.history] == [1, 2, 3, 4, 5, 6]
    assert [row["_step"] for row in told.raw_history][:5] == [0, 1, 2, 0, 1]
    assert told.n_begun == 3


def test_an_artifact_that_is_known_is_not_stored_again(server, tmp_path):
    run_script(tmp_path, PATIENT + SAME_ARTIFACT)
    (first,), (second,) = (server.runs[name].artifacts for name in ("r1", "r2"))
    assert first == second
    assert first.files == {"one.txt": b"1"}
    uploads = [request.path for request in server.requests if request.operation == "upload"]
    assert [path for path in uploads if path.startswith("/artifact-file")] == [
        "/artifact-file/stub-artifact-1/one.txt"
    ]


def test_an_artifact_is_used(server, tmp_path):
    run_script(tmp_path, PATIENT + USED_ARTIFACT)
    assert "UseArtifact" in {request.operation for request in server.requests}
    assert server.runs["r1"].artifacts == ()
    assert server.unanswered == ()


def test_an_offline_run_that_is_sent_twice_is_there_once(server, tmp_path):
    run_script(tmp_path, PATIENT + OFFLINE)
    assert server.requests == ()
    (folder,) = tmp_path.glob("wandb/offline-run-*")
    for n_begun in (1, 2):
        run_to_the_end(tmp_path, "-m", "wandb", "sync", "--include-synced", str(folder))
        (told,) = server.runs.values()
        assert (told.name, told.group, told.config) == ("later", "g", {"x": 1})
        assert told.history == ({"loss": 2}, {"loss": 1})
        assert [artifact.files for artifact in told.artifacts] == [{"one.txt": b"1"}]
        assert (told.complete, told.exit_code, told.n_begun) == (True, 0, n_begun)
    assert server.unanswered == ()


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("refuse", ["CommError Timed out while retrying: ", "connection refused"]),
        ("401", ["CommError the stub fails: 401"]),
        ("500", ["CommError Timed out while retrying: HTTP 500: the stub fails: 500"]),
        ("hang", ["CommError Timed out initializing run: "]),
    ],
)
def test_a_server_that_fails_from_the_beginning_fails_the_init(server, tmp_path, kind, found):
    server.fail(kind)
    printed = run_script(tmp_path, HASTY_AT_THE_BEGINNING + SHORT)
    assert [text for text in found if text in printed] == found
    assert "begun" not in printed
    assert server.runs == {}


def test_a_slow_server_is_waited_for(server, tmp_path):
    server.fail("slow", seconds=0.2)
    assert run_script(tmp_path, PATIENT + SHORT) == "begun\nfinished"
    assert server.runs["r1"].history == ({"loss": 1},)


@pytest.mark.parametrize("kind", ["refuse", "401", "500", "hang"])
def test_a_server_that_dies_in_the_middle_does_not_hold_the_end_up(server, tmp_path, kind):
    server.fail(kind, after=1, of="UpsertBucket")
    printed = run_script(tmp_path, HASTY_AT_THE_END + SHORT)
    assert printed.startswith("begun\n")
    assert not server.runs["r1"].complete
    assert server.runs["r1"].history == ()


def test_what_failed_for_a_while_arrives_once(server, tmp_path):
    server.fail("500", only="file_stream")
    with started(tmp_path, "-c", PATIENT + SHORT) as process:
        wait_until(lambda: 500 in {request.status for request in server.requests})
        server.heal()
        printed, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert printed.endswith("begun\nfinished\n")
    assert server.runs["r1"].history == ({"loss": 1},)
    assert (server.runs["r1"].complete, server.runs["r1"].exit_code) == (True, 0)
