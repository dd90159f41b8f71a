"""Runs by the command line in child processes: what they print where, and what they leave."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
from pathlib import Path

import pytest
from command_line import LIMIT_SECONDS, TINY, call, finish, read_terminal, start, write_specs

from lenetml.record import read_record
from lenetml.running import Wishes
from lenetml.search.journal import JOURNAL_NAME, encode, read_journal

pytestmark = pytest.mark.slow

# Stands for a full disk: no file may grow larger.
SMALL_FILES = """
import resource, runpy
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, resource.RLIM_INFINITY))
runpy.run_module("lenetml", run_name="__main__", alter_sys=True)
"""


@pytest.fixture
def folder(tmp_path):
    """A working folder with specs."""
    return write_specs(tmp_path)


def short_result(record, run, how="done"):
    low, high = record.test.accuracy_interval
    return (
        f"tiny: {how}\n"
        f"  test accuracy {record.test.accuracy:.4f}  (95 % {low:.4f} to {high:.4f}, "
        f"{record.test.correct} of 100; look 1 at this test set)\n"
        f"  trial 1 of 1\n"
        f"  {run}/card.en.md\n"
        f"  {run}\n"
    )


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A working folder in which `tiny` was run, and how that went."""
    folder = write_specs(tmp_path_factory.mktemp("told"))
    return folder, call(folder, "run", "tiny.yaml", "--set", "training.batch_size=50")


@pytest.fixture(scope="module")
def run(told):
    """The run's folder, as the command line names it."""
    (path,) = (told[0] / "runs").glob("tiny-*")
    return path.relative_to(told[0])


def test_a_run(told, run):
    folder, (code, out, err) = told
    record = read_record(folder / run)
    assert code == 0
    assert out == short_result(record, run)
    assert re.sub(r"\d+ s;", "1 s;", err) == (
        "loading TensorFlow\n"
        "tiny: loading the data\n"
        "tiny: 1 trial\n"
        f"tiny: trial 1 of 1: {record.trials[0].objective:.4f} at epoch 1 of 1, 1 s; "
        "no hyperparameters\n"
        "tiny: evaluating the winner, trial 1\n"
        "tiny: writing the cards\n"
    )
    assert record.overrides == ["training.batch_size=50"]
    assert record.best.training["batch_size"] == 50
    assert record.command == "lenetml run tiny.yaml --set training.batch_size=50"


def test_the_same_run_again(told, run):
    folder, _ = told
    again = call(folder, "run", "tiny.yaml", "--set", "training.batch_size=50")
    assert again == (
        0,
        short_result(read_record(folder / run), run, "was done before"),
        "loading TensorFlow\ntiny: loading the data\n",
    )


def test_the_result_for_programs(told, run):
    folder, _ = told
    changes = ("--set", "training.batch_size=50")
    code, out, err = call(folder, "run", "tiny.yaml", "--json", "--quiet", *changes)
    assert (code, err) == (0, "")
    assert json.loads(out) == {
        "folder": str(run),
        "cards": [f"{run}/card.en.md"],
        "new": False,
        "record": json.loads((folder / run / "record.json").read_text()),
    }


def test_a_result_that_nobody_reads_is_kept(folder):
    child = start(folder, "run", "tiny.yaml", "--quiet", "--json")
    child.stdout.close()
    assert (child.wait(LIMIT_SECONDS), child.stderr.read()) == (-signal.SIGPIPE, "")
    child.stderr.close()
    assert [path.name for path in folder.glob("runs/tiny-*/card.*")] == ["card.en.md"]


def test_cards_are_written_again(told, run):
    folder, _ = told
    card = folder / run / "card.en.md"
    before = card.read_bytes()
    card.unlink()
    assert call(folder, "card", run) == (0, f"{run}/card.en.md\n", "")
    assert card.read_bytes() == before
    code, out, err = call(folder, "card", run, "--language", "pt")
    assert (code, out, err) == (0, f"{run}/card.pt.md\n", "")
    (folder / run / "card.pt.md").unlink()


def test_several_specs(folder):
    """The first fails, the second is run all the same, and the worst code is given."""
    code, out, err = call(folder, "run", "failing.yaml", "tiny.yaml", "--json", "--quiet")
    assert code == 4
    failed, document = json.loads(out)
    assert document["record"]["name"] == "tiny"
    (failing,) = (folder / "runs").glob("failing-*")
    message = (
        "failing: no trial succeeded\n"
        "    trial 1: the loss is no longer finite in epoch 1\n"
        f"    the journal is {failing.relative_to(folder)}/journal.jsonl"
    )
    assert failed == {"spec": "failing.yaml", "error": message, "exit_code": 4}
    assert err == f"lenetml: {message}\n"


def test_one_that_fails_is_a_document_too(folder):
    code, out, err = call(folder, "run", "failing.yaml", "--json")
    assert (code, json.loads(out)["exit_code"]) == (4, 4)
    assert err.startswith("loading TensorFlow\nfailing: loading the data\n")
    code, out, err = call(folder, "run", "failing.yaml", "--quiet", "--fresh")
    assert (code, out) == (4, "")


def test_names_that_are_no_utf_8(folder):
    (folder / b"t\xff.yaml".decode("utf-8", "surrogateescape")).write_text(TINY)
    code, out, err = call(folder, "run", b"t\xff.yaml", "--out", b"s\xff", "--quiet", "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert document["record"]["command"] == (
        "lenetml run 't\\udcff.yaml' --out 's\\udcff' --quiet --json"
    )
    assert document["folder"].startswith("s\udcff/tiny-")


def test_data_that_are_nowhere(folder):
    code, out, err = call(
        folder, "run", "mnist.yaml", "--quiet", LENETML_DATA_DIR=str(folder / "data")
    )
    assert (code, out) == (3, "")
    first, looked, *ways = err.splitlines()
    assert first == "lenetml: mnist is not here and cannot be downloaded"
    places = f"    looked in: {folder / 'data'}, {folder / 'keras' / 'datasets'}; then: "
    assert looked.startswith(places)
    assert ways == [
        "    put mnist.npz into a folder and set LENETML_DATA_DIR to that folder,",
        f"    or put it into Keras's cache, {folder / 'keras' / 'datasets'},",
        "    or connect to the internet, so that Keras's loader downloads it",
    ]
    assert not (folder / "runs").exists()


def test_a_full_disk(folder):
    """The run ends, and goes on as soon as there is room."""
    wide = ("--set", "architecture=[flatten, dense: {units: 99}]")
    code, out, err = call(folder, "run", "tiny.yaml", "--quiet", *wide, code=SMALL_FILES)
    (run,) = (folder / "runs").glob("tiny-*")
    weights = run.relative_to(folder) / "weights" / "trial-001.npz"
    message = f"lenetml: {weights} cannot be written: File too large\n"
    assert (code, out, err) == (1, "", message)
    events = [event["event"] for event in read_journal(run / JOURNAL_NAME)]
    assert events[-2:] == ["training_started", "spent"]
    code, out, err = call(folder, "run", "tiny.yaml", "--quiet", *wide)
    assert (code, err) == (0, "")
    assert out.startswith("tiny: done\n")


def test_trials_side_by_side(folder):
    code, out, err = call(folder, "run", "search.yaml", "--workers", "2")
    assert code == 0
    assert out.startswith("search: done\n")
    first, data, search, *trials, testing, cards = err.splitlines()
    assert (first, data) == ("loading TensorFlow", "search: loading the data")
    assert search == "search: 4 trials, 2 at a time"
    assert [re.sub(r"\d\.\d+|\d+ s", "x", line) for line in sorted(trials)] == [
        f"search: trial {number} of 4: x at epoch 3 of 3, x; rate x" for number in (1, 2, 3, 4)
    ]
    record = read_record(next((folder / "runs").glob("search-*")))
    assert record.command == "lenetml run search.yaml --workers 2"
    assert testing == f"search: evaluating the winner, trial {record.best.number}"
    assert cards == "search: writing the cards"


def test_a_grid_knows_no_number_of_trials(folder):
    code, out, err = call(folder, "run", "grid.yaml", "--workers", "0")
    assert code == 0
    assert "search: searching\nsearch: trial 1: " in err


def test_a_journal_of_another_version(folder):
    """Its values are taken where that was asked for, in this life and in the next."""
    # A sealed run keeps its weights.
    again = ("run", "search.yaml", "--quiet", "--workers", "0", "--set", "evaluation.test=sealed")
    assert call(folder, *again)[0] == 0
    (run,) = (folder / "runs").glob("search-*")
    events = read_journal(run / JOURNAL_NAME)
    until = next(i for i, event in enumerate(events) if event["event"] == "trial_ended")
    asked = next(event for event in events if event["event"] == "asked")
    asked["values"]["rate"] = 0.005
    events[until]["record"]["values"]["rate"] = 0.005
    (run / JOURNAL_NAME).write_bytes(b"".join(map(encode, events[: until + 1])))
    (run / "record.json").unlink()
    code, out, err = call(folder, *again)
    assert (code, out) == (1, "")
    assert err.startswith("lenetml: the search would not go on as it began\n")
    assert "    --accept-versions goes on with the values of the journal" in err
    code, out, err = call(folder, *again, "--accept-versions")
    assert (code, err) == (0, "")
    record = read_record(run)
    assert record.trials[0].values == {"rate": 0.005}
    assert [each.corrected_asks for each in record.search.continuations] == [1]


def test_on_a_terminal(folder):
    """What runs, and each trial, on stderr, in colour where it is welcome; stdout stays data."""
    for out, no_colour in (("one", "1"), ("two", "")):
        ours, theirs = pty.openpty()
        child = start(
            folder, "run", "search.yaml", "--out", out, "--workers", "2", stderr=theirs,
            NO_COLOR=no_colour, TERM="xterm", COLUMNS="120",
        )  # fmt: skip
        os.close(theirs)
        shown = read_terminal(ours)
        code, data, _ = finish(child)
        assert code == 0
        assert data.startswith("search: done\n")
        assert "\x1b[" not in data
        assert " loading TensorFlow  " in shown
        assert "search: 4 trials, 2 at a time\r\n" in shown
        assert re.search(r"trial 1 +starting +rate 0\.0", shown)
        assert re.search(r"trial 4: 0\.\d+ at epoch \d of 3, ", shown)
        assert bool(re.search(r"\x1b\[[39]\d", shown)) == (no_colour == "")
        assert shown.endswith("\x1b[?25h\r\x1b[1A\x1b[2K")


def test_what_is_repeated_in_advice():
    assert Wishes().as_given() == []
    wishes = Wishes(
        Path("there"), fresh=True, quiet=True, as_json=True, workers=0, ray="auto",
        accept_versions=True,
    )  # fmt: skip
    assert wishes.as_given() == [
        "--out", "there", "--workers", "0", "--ray", "auto", "--accept-versions", "--json",
        "--quiet",
    ]  # fmt: skip
