"""The command line in child processes: what it prints where, and how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

import lenetml
from lenetml.record import read_record
from lenetml.search.journal import JOURNAL_NAME, read_journal

TINY = """\
name: tiny
data: {dataset: digits, split: {train: 800, val: 100, test: 100}}
architecture: [flatten]
training: {epochs: 1, learning_rate: 0.01}
energy: false
"""
WRONG = TINY.replace("epochs: 1", "epochs: 1, bach: 3")
FAILING = (
    TINY.replace("name: tiny", "name: failing")
    .replace("0.01", "1.0e+30")
    .replace("[flatten]", "[flatten, dense: {units: 9}]")
)
# More trials than anybody waits for; their number may be changed for the same folder.
LONG = """\
name: long
data: {dataset: digits, split: {train: 800, val: 100, test: 100}}
search_space: {rate: {min: 0.001, max: 0.01}}
architecture: [flatten]
training: {epochs: 100, learning_rate: $rate}
search: {strategy: random, trials: 100000}
energy: false
"""
UNKNOWN_KEY = """\
wrong.yaml:4:23: unknown key "bach" in training
    4 | training: {epochs: 1, bach: 3, learning_rate: 0.01}
      |                       ^^^^
"""
# A shell that starts the tests in the background makes their children deaf to SIGINT.
HEARS_SIGINT = """
import signal, runpy
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("lenetml", run_name="__main__", alter_sys=True)
"""
# Stands for a full disk: no file may grow larger.
SMALL_FILES = """
import resource, runpy
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, resource.RLIM_INFINITY))
runpy.run_module("lenetml", run_name="__main__", alter_sys=True)
"""
# What `validate` must not load (design, section 3).
TELLS_MODULES = """
import sys, runpy
try:
    runpy.run_module("lenetml", run_name="__main__", alter_sys=True)
finally:
    print("loaded", *sys.modules, file=sys.stderr)
"""
NOT_FOR_VALIDATE = {
    "tensorflow", "keras", "keras_tuner", "numpy", "sklearn", "matplotlib", "wandb", "codecarbon",
    "jinja2", "babel", "ray", "pebble", "PIL",
}  # fmt: skip
LIMIT_SECONDS = 120  # a child that hangs shall fail its test, and not stop all others


def environment(folder, **changes):
    """An environment without W&B, data or a cache, and with nothing to download from."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("WANDB_", "LENETML_", "GITHUB_", "COV_"))
    }
    ours = {"HOME": str(folder / "home"), "KERAS_HOME": str(folder / "keras"), "NO_COLOR": "1"}
    nowhere = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
    return kept | ours | nowhere | changes


def start(folder, *arguments, code=None, stderr=subprocess.PIPE, **changes):
    way = ["-c", code] if code else ["-m", "lenetml"]
    return subprocess.Popen(
        [sys.executable, *way, *map(os.fspath, arguments)],
        cwd=folder,
        env=environment(folder, **changes),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )


def finish(child):
    out, err = child.communicate(timeout=LIMIT_SECONDS)
    return child.returncode, out, err


def call(folder, *arguments, **options):
    """Give the exit code, stdout and stderr of one command."""
    return finish(start(folder, *arguments, **options))


def write_specs(folder):
    for name, text in {
        "tiny": TINY, "wrong": WRONG, "failing": FAILING, "long": LONG,
        "grid": LONG.replace("random", "grid").replace("min: 0.001, max: 0.01", "values: [0.1]"),
        "mnist": TINY.replace("dataset: digits, split: {train: 800, val: 100, test: 100}",
                              "dataset: mnist"),
    }.items():  # fmt: skip
        (folder / f"{name}.yaml").write_text(text)
    for name in ("home", "keras", "data"):
        (folder / name).mkdir()
    return folder


@pytest.fixture
def folder(tmp_path):
    """A working folder with specs."""
    return write_specs(tmp_path)


class TestWithoutTraining:
    """What ends before TensorFlow is loaded."""

    def test_version(self, folder):
        assert call(folder, "--version") == (0, f"lenetml {lenetml.__version__}\n", "")

    def test_help_lists_what_works(self, folder):
        code, out, err = call(folder, "--help", COLUMNS="100")
        assert (code, err) == (0, "")
        assert re.findall(r"^│ (\w+)  ", out, flags=re.M) == ["run", "validate", "card", "schema"]

    def test_a_wrong_spec(self, folder):
        code, out, err = call(folder, "run", "wrong.yaml")
        assert (code, out) == (1, "")
        assert err.startswith(UNKNOWN_KEY)
        assert not (folder / "runs").exists()

    def test_all_wrong_specs_are_told_before_anything_is_run(self, folder):
        code, out, err = call(folder, "run", "tiny.yaml", "wrong.yaml", "none.yaml")
        assert (code, out) == (2, "")
        assert err.startswith(UNKNOWN_KEY)
        assert err.endswith("\nlenetml: none.yaml: there is no such file\n")
        assert not (folder / "runs").exists()

    def test_specs_without_a_result_have_their_place_in_the_document(self, folder):
        code, out, _ = call(folder, "run", "tiny.yaml", "wrong.yaml", "none.yaml", "--json")
        assert code == 2
        right, wrong, none = json.loads(out)
        not_run = "not run: another spec is not right"
        assert right == {"spec": "tiny.yaml", "error": not_run, "exit_code": 1}
        assert (wrong["spec"], wrong["exit_code"]) == ("wrong.yaml", 1)
        assert wrong["error"].startswith(UNKNOWN_KEY)
        message = "none.yaml: there is no such file"
        assert none == {"spec": "none.yaml", "error": message, "exit_code": 2}
        code, out, _ = call(folder, "run", "none.yaml", "--json")
        assert (code, json.loads(out)) == (2, none)

    def test_what_cannot_be_run_yet(self, folder):
        assert call(folder, "run", "grid.yaml") == (
            1,
            "",
            "lenetml: grid.yaml: this version of lenetml cannot run search.strategy: grid\n"
            "    the spec is right: validate accepts it, a later version will run it\n",
        )

    def test_a_file_that_is_not_there(self, folder):
        message = "lenetml: none.yaml: there is no such file\n"
        assert call(folder, "run", "none.yaml") == (2, "", message)
        assert call(folder, "validate", "none.yaml") == (2, "", message)

    def test_a_wrong_override(self, folder):
        assert call(folder, "run", "tiny.yaml", "--set", "epochs") == (
            2,
            "",
            "lenetml: --set epochs: this is no path=value\n    such as --set training.epochs=5\n",
        )
        code, out, err = call(folder, "run", "tiny.yaml", "--set", "training.epochs=0")
        assert (code, out) == (1, "")
        assert err.startswith("--set training.epochs: epochs of training must be at least 1\n")

    @pytest.mark.parametrize("arguments", [("run",), ("run", "--sett", "a=1"), ("sing",)])
    def test_wrong_usage(self, folder, arguments):
        code, out, err = call(folder, *arguments)
        assert (code, out) == (2, "")
        assert err.startswith("Usage: ")
        assert "Traceback" not in err

    def test_validate(self, folder):
        assert call(folder, "validate", "tiny.yaml") == (0, "tiny.yaml: valid\n", "")
        code, out, err = call(folder, "validate", "tiny.yaml", "wrong.yaml")
        assert (code, out) == (1, "tiny.yaml: valid\n")
        assert err.startswith(UNKNOWN_KEY)

    def test_validate_tells_every_file(self, folder):
        code, out, err = call(
            folder, "validate", "none.yaml", "wrong.yaml", "tiny.yaml", "tiny.yaml"
        )
        assert (code, out) == (2, "tiny.yaml: valid\ntiny.yaml: valid\n")
        assert err.startswith(f"lenetml: none.yaml: there is no such file\n{UNKNOWN_KEY}")

    def test_validate_tells_every_file_to_programs(self, folder):
        code, out, _ = call(folder, "validate", "none.yaml", "tiny.yaml", "tiny.yaml", "--json")
        right = {"path": "tiny.yaml", "valid": True, "problems": []}
        message = "none.yaml: there is no such file"
        none = {"path": "none.yaml", "valid": False, "error": message, "problems": []}
        assert (code, json.loads(out)) == (2, [none, right, right])
        code, out, _ = call(folder, "validate", "tiny.yaml", "none.yaml", "--format", "github")
        assert (code, out) == (2, f"::error file=none.yaml,line=1,col=1,endColumn=2::{message}\n")

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
    def test_a_full_disk_elsewhere(self, folder):
        code, _, err = call(
            folder, "validate", "wrong.yaml", "--format", "github", GITHUB_STEP_SUMMARY="/dev/full"
        )
        assert (code, err) == (1, "lenetml: No space left on device\n")

    @pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
    def test_a_file_that_must_not_be_written(self, folder):
        summary = folder / "summary.md"
        summary.touch(mode=0o444)
        code, _, err = call(
            folder, "validate", "wrong.yaml", "--format", "github", GITHUB_STEP_SUMMARY=str(summary)
        )
        assert (code, err) == (1, f"lenetml: {summary}: Permission denied\n")

    def test_validate_for_programs(self, folder):
        code, out, err = call(folder, "validate", "tiny.yaml", "--json")
        assert (code, err) == (0, "")
        assert json.loads(out) == {"path": "tiny.yaml", "valid": True, "problems": []}
        code, out, err = call(folder, "validate", "tiny.yaml", "wrong.yaml", "--format", "json")
        assert (code, err) == (1, "")
        right, wrong = json.loads(out)
        assert (right["valid"], wrong["valid"]) == (True, False)
        assert len(wrong["problems"]) == 1

    def test_validate_for_github(self, folder):
        summary = folder / "summary.md"
        code, out, err = call(
            folder, "validate", "wrong.yaml", "--format", "github", GITHUB_STEP_SUMMARY=str(summary)
        )
        assert (code, err) == (1, "")
        assert out.startswith("::error file=wrong.yaml,line=4,")
        assert "bach" in summary.read_text()

    def test_validate_in_another_form(self, folder):
        assert call(folder, "validate", "tiny.yaml", "--format", "xml") == (
            2,
            "",
            "lenetml: --format xml: there is no such format\n    allowed: text, json, github\n",
        )

    def test_validate_loads_nothing_heavy(self, folder):
        _, _, err = call(folder, "validate", "tiny.yaml", "wrong.yaml", code=TELLS_MODULES)
        loaded = set(err.splitlines()[-1].split())
        assert "lenetml.spec.load" in loaded
        assert loaded & NOT_FOR_VALIDATE == set()

    def test_schema(self, folder):
        for options, title in (((), "lenetml spec"), (("--record",), "Record")):
            code, out, err = call(folder, "schema", *options)
            assert (code, err) == (0, "")
            Draft202012Validator.check_schema(json.loads(out))
            assert json.loads(out)["title"] == title

    @pytest.mark.parametrize(
        "arguments", [("schema",), ("schema", "--record"), ("--help",), ("validate", "tiny.yaml")]
    )
    def test_a_reader_that_stops_early_hears_nothing(self, folder, arguments):
        """As in `lenetml schema | head`: the child ends by SIGPIPE like other programs."""
        child = start(folder, *arguments)
        child.stdout.close()
        assert (child.wait(LIMIT_SECONDS), child.stderr.read()) == (-signal.SIGPIPE, "")
        child.stderr.close()

    def test_no_cards_without_a_run(self, folder):
        assert call(folder, "card", "nowhere") == (
            2, "", "lenetml: nowhere: there is no such folder\n",
        )  # fmt: skip
        assert call(folder, "card", "home") == (
            1, "", "lenetml: home/record.json is not there\n    a finished run has one\n",
        )  # fmt: skip
        assert call(folder, "card", "home", "--language", "de") == (
            2, "", "lenetml: --language de: there is no such language\n    allowed: en, pt\n",
        )  # fmt: skip


def short_result(record, run, how="done"):
    low, high = record.test.accuracy_interval
    return (
        f"tiny: {how}\n"
        f"  test accuracy {record.test.accuracy:.4f}  (95 % {low:.4f} to {high:.4f}, "
        f"{record.test.correct} of 100, look 1)\n"
        f"  trial 1 of 1\n"
        f"  {run}/card.en.md\n"
        f"  {run}\n"
    )


@pytest.mark.slow
class TestTraining:
    """What trains, or looks at what was trained."""

    @pytest.fixture(scope="module")
    @staticmethod
    def told(tmp_path_factory):
        """A working folder in which `tiny` was run, and how that went."""
        folder = write_specs(tmp_path_factory.mktemp("told"))
        return folder, call(folder, "run", "tiny.yaml", "--set", "training.batch_size=50")

    @pytest.fixture(scope="module")
    @staticmethod
    def run(told):
        """The run's folder, as the command line names it."""
        (path,) = (told[0] / "runs").glob("tiny-*")
        return path.relative_to(told[0])

    def test_a_run(self, told, run):
        folder, (code, out, err) = told
        record = read_record(folder / run)
        assert code == 0
        assert out == short_result(record, run)
        assert re.sub(r"\d+ s;", "1 s;", err) == (
            "loading TensorFlow\n"
            "tiny: loading the data\n"
            f"tiny: trial 1 of 1: {record.trials[0].objective:.4f} at epoch 1 of 1, 1 s; "
            "no hyperparameters\n"
            "tiny: testing the winner, trial 1\n"
            "tiny: writing the cards\n"
        )
        assert record.overrides == ["training.batch_size=50"]
        assert record.best.training["batch_size"] == 50
        assert record.command == "lenetml run tiny.yaml --set training.batch_size=50"

    def test_the_same_run_again(self, told, run):
        folder, _ = told
        again = call(folder, "run", "tiny.yaml", "--set", "training.batch_size=50")
        assert again == (
            0,
            short_result(read_record(folder / run), run, "was done before"),
            "loading TensorFlow\ntiny: loading the data\n",
        )

    def test_the_result_for_programs(self, told, run):
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

    def test_a_result_that_nobody_reads_is_kept(self, folder):
        child = start(folder, "run", "tiny.yaml", "--quiet", "--json")
        child.stdout.close()
        assert (child.wait(LIMIT_SECONDS), child.stderr.read()) == (-signal.SIGPIPE, "")
        child.stderr.close()
        assert [path.name for path in folder.glob("runs/tiny-*/card.*")] == ["card.en.md"]

    def test_cards_are_written_again(self, told, run):
        folder, _ = told
        card = folder / run / "card.en.md"
        before = card.read_bytes()
        card.unlink()
        assert call(folder, "card", run) == (0, f"{run}/card.en.md\n", "")
        assert card.read_bytes() == before
        code, out, err = call(folder, "card", run, "--language", "pt")
        assert (code, out, err) == (0, f"{run}/card.pt.md\n", "")
        (folder / run / "card.pt.md").unlink()

    def test_several_specs(self, folder):
        """The first fails, the second is run all the same, and the worst code is given."""
        code, out, err = call(folder, "run", "failing.yaml", "tiny.yaml", "--json", "--quiet")
        assert code == 4
        failed, document = json.loads(out)
        assert document["record"]["name"] == "tiny"
        (failing,) = (folder / "runs").glob("failing-*")
        message = (
            "failing: no trial succeeded\n"
            "    trial 1: non_finite\n"
            f"    the journal is {failing.relative_to(folder)}/journal.jsonl"
        )
        assert failed == {"spec": "failing.yaml", "error": message, "exit_code": 4}
        assert err == f"lenetml: {message}\n"

    def test_one_that_fails_is_a_document_too(self, folder):
        code, out, err = call(folder, "run", "failing.yaml", "--json")
        assert (code, json.loads(out)["exit_code"]) == (4, 4)
        assert err.startswith("loading TensorFlow\nfailing: loading the data\n")
        code, out, err = call(folder, "run", "failing.yaml", "--quiet", "--fresh")
        assert (code, out) == (4, "")

    def test_names_that_are_no_utf_8(self, folder):
        (folder / b"t\xff.yaml".decode("utf-8", "surrogateescape")).write_text(TINY)
        code, out, err = call(folder, "run", b"t\xff.yaml", "--out", b"s\xff", "--quiet", "--json")
        assert (code, err) == (0, "")
        document = json.loads(out)
        assert document["record"]["command"] == (
            "lenetml run 't\\udcff.yaml' --out 's\\udcff' --quiet --json"
        )
        assert document["folder"].startswith("s\udcff/tiny-")

    def test_data_that_are_nowhere(self, folder):
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

    def test_a_full_disk(self, folder):
        wide = ("--set", "architecture=[flatten, dense: {units: 99}]")
        code, out, err = call(folder, "run", "tiny.yaml", "--quiet", *wide, code=SMALL_FILES)
        (run,) = (folder / "runs").glob("tiny-*")
        weights = run.relative_to(folder) / "weights" / "trial-001.npz"
        message = f"lenetml: {weights} cannot be written: File too large\n"
        assert (code, out, err) == (1, "", message)
        *_, trial, end = read_journal(run / JOURNAL_NAME)
        assert (trial["event"], trial["status"]) == ("trial_ended", "interrupted")
        assert end == {"event": "search_ended", "reason": "interrupted"}

    def test_on_a_terminal(self, told, run):
        """A bar and each trial on stderr, in colour where it is welcome; stdout stays data."""
        folder, _ = told
        for out, no_colour in (("one", "1"), ("two", "")):
            ours, theirs = pty.openpty()
            child = start(
                folder, "run", "tiny.yaml", "--out", out, stderr=theirs,
                NO_COLOR=no_colour, TERM="xterm", COLUMNS="120",
            )  # fmt: skip
            os.close(theirs)
            shown = read_terminal(ours)
            code, data, _ = finish(child)
            assert code == 0
            assert data.startswith("tiny: done\n")
            assert "\x1b[" not in data
            assert "trial 1: 0." in shown
            assert "loading TensorFlow" in shown
            assert ("\x1b[3" in shown) == (no_colour == "")

    def test_an_interrupt(self, folder):
        """Ctrl-C amid a trial; a second run into the same folder before, and others after it."""
        child = start(folder, "run", "tiny.yaml", "long.yaml", "--json", code=HEARS_SIGINT)
        journal = wait_for_trial(folder, child)
        run = journal.parent.relative_to(folder)
        for fresh in ((), ("--fresh",)):
            code, out, err = call(folder, "run", "long.yaml", "--quiet", *fresh)
            assert (code, out, err) == (
                1, "", f"lenetml: {run} is in use\n    another lenetml writes there; "
                "wait until it ends\n",
            )  # fmt: skip
        wait_for_trial(folder, child)
        time.sleep(0.5)  # into its epochs, which take longer
        child.send_signal(signal.SIGINT)
        code, out, err = finish(child)
        assert code == 130
        done, interrupted = json.loads(out)
        assert done["record"]["name"] == "tiny"
        assert interrupted == {"spec": "long.yaml", "error": "interrupted", "exit_code": 130}
        assert err.endswith(f"lenetml: interrupted; {run}/{JOURNAL_NAME} holds what was finished\n")
        assert "Traceback" not in err
        *_, trial, end = read_journal(journal)
        assert (trial["event"], trial["status"]) == ("trial_ended", "interrupted")
        assert end == {"event": "search_ended", "reason": "interrupted"}

        before = {p: p.read_bytes() for p in journal.parent.rglob("*") if p.is_file()}
        assert call(folder, "run", "long.yaml", "--quiet") == (
            1, "", f"lenetml: {run} holds a run that did not end\n"
            "    nothing in it was changed; this version cannot continue it\n"
            "    to start over and keep it under another name: "
            "lenetml run long.yaml --quiet --fresh\n",
        )  # fmt: skip
        assert {p: p.read_bytes() for p in journal.parent.rglob("*") if p.is_file()} == before

        one = ("--set", "search.trials=1")
        code, out, err = call(folder, "run", "long.yaml", "--quiet", "--fresh", *one)
        assert (code, err) == (0, "")
        assert out.startswith("long: done\n")
        old = folder / f"{run}.old-1"
        assert {path.relative_to(old): path.read_bytes() for path in old.rglob("*.jsonl")} == {
            Path(JOURNAL_NAME): before[journal]
        }


def read_terminal(terminal):
    """Read what a child writes to its terminal, until it ends."""
    shown = b""
    # Linux ends a terminal without writers with an error, macOS with nothing.
    with contextlib.suppress(OSError):
        while part := os.read(terminal, 4096):
            shown += part
    os.close(terminal)
    return shown.decode()


def wait_for_trial(folder, child):
    """Wait until a trial has just begun; give the journal."""
    known = None
    while child.poll() is None:
        for journal in folder.glob(f"runs/long-*/{JOURNAL_NAME}"):
            last = journal.read_bytes().splitlines()[-1:]
            if known not in (None, last) and b'"trial_started"' in last[0]:
                return journal
            known = last
        time.sleep(0.05)
    raise AssertionError(finish(child))
