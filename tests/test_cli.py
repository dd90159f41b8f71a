"""The command line in child processes, as far as nothing is trained: usage, validate, schema."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path

import pytest
from command_line import LIMIT_SECONDS, UNKNOWN_KEY, call, start, write_specs
from jsonschema import Draft202012Validator

import lenetml

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


@pytest.fixture
def folder(tmp_path):
    """A working folder with specs."""
    return write_specs(tmp_path)


def test_version(folder):
    assert call(folder, "--version") == (0, f"lenetml {lenetml.__version__}\n", "")


def test_help_lists_what_works(folder):
    code, out, err = call(folder, "--help", COLUMNS="100")
    assert (code, err) == (0, "")
    assert re.findall(r"^│ (\w+)  ", out, flags=re.M) == [
        "run", "test", "card", "report", "compare", "validate", "schema",
        "mirror", "sweep", "trial", "doctor",
    ]  # fmt: skip


def test_help_loads_nothing_that_it_does_not_need(folder):
    _, _, err = call(folder, "--help", code=TELLS_MODULES)
    loaded = set(err.splitlines()[-1].split())
    assert {name for name in loaded if name.startswith("lenetml")} == {
        "lenetml", "lenetml.cli", "lenetml.cli.app", "lenetml.cli.wandb", "lenetml.cli.runs",
        "lenetml.cli.specs", "lenetml.errors", "lenetml.output", "lenetml.running",
    }  # fmt: skip
    assert loaded & {"pydantic", "yaml", *NOT_FOR_VALIDATE} == set()


def test_help_of_run(folder):
    """Flags have no opposite, and every option has its sentence."""
    code, out, err = call(folder, "run", "--help", COLUMNS="140")
    assert (code, err) == (0, "")
    options = dict(re.findall(r"^│ (--\S+) +(?:\S.*?) {2,}(\S.*?) +│$", out, flags=re.M))
    assert options == {
        "--out": "Folder of all runs. [default: runs]",
        "--set": "Change a value of every SPEC; repeatable.",
        "--workers": "Trainings side by side; else as many as fit. 0: one, in this process.",
        "--ray": "Train on a running Ray cluster.",
        "--fresh": "Start over; the old folder is kept.",
        "--accept-versions": "Go on with the journal's values where others are drawn now.",
        "--json": "Print one JSON document.",
        "--quiet": "Show no progress.",
        "--help": "Show this message and exit.",
    }


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--workers", "-1"), "Invalid value for '--workers': Input should be greater than or"),
        (("--workers", "two"), "Invalid value for '--workers': Input should be a valid integer"),
        (("--ray",), "Option '--ray' requires an argument."),
        (("--no-fresh",), "No such option: --no-fresh"),
    ],
)
def test_options_that_are_none(folder, options, complaint):
    code, out, err = call(folder, "run", "tiny.yaml", *options, COLUMNS="140")
    assert (code, out) == (2, "")
    assert complaint in err


def test_trainings_in_this_process_and_elsewhere(folder):
    assert call(folder, "run", "tiny.yaml", "--workers", "0", "--ray", "auto") == (
        2, "", "lenetml: --workers 0 trains in this process, and --ray elsewhere: give one\n",
    )  # fmt: skip


def test_a_wrong_spec(folder):
    code, out, err = call(folder, "run", "wrong.yaml")
    assert (code, out) == (1, "")
    assert err.startswith(UNKNOWN_KEY)
    assert not (folder / "runs").exists()


def test_all_wrong_specs_are_told_before_anything_is_run(folder):
    code, out, err = call(folder, "run", "tiny.yaml", "wrong.yaml", "none.yaml")
    assert (code, out) == (2, "")
    assert err.startswith(UNKNOWN_KEY)
    assert err.endswith("\nlenetml: none.yaml: there is no such file\n")
    assert not (folder / "runs").exists()


def test_specs_without_a_result_have_their_place_in_the_document(folder):
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


def test_a_file_that_is_not_there(folder):
    message = "lenetml: none.yaml: there is no such file\n"
    assert call(folder, "run", "none.yaml") == (2, "", message)
    assert call(folder, "validate", "none.yaml") == (2, "", message)


def test_a_wrong_override(folder):
    assert call(folder, "run", "tiny.yaml", "--set", "epochs") == (
        2,
        "",
        "lenetml: --set epochs: this is no path=value\n    such as --set training.epochs=5\n",
    )
    code, out, err = call(folder, "run", "tiny.yaml", "--set", "training.epochs=0")
    assert (code, out) == (1, "")
    assert err.startswith("--set training.epochs: epochs of training must be at least 1\n")


@pytest.mark.parametrize("arguments", [("run",), ("run", "--sett", "a=1"), ("sing",)])
def test_wrong_usage(folder, arguments):
    code, out, err = call(folder, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("Usage: ")
    assert "Traceback" not in err


def test_validate(folder):
    assert call(folder, "validate", "tiny.yaml") == (0, "tiny.yaml: valid\n", "")
    code, out, err = call(folder, "validate", "tiny.yaml", "wrong.yaml")
    assert (code, out) == (1, "tiny.yaml: valid\n")
    assert err.startswith(UNKNOWN_KEY)


def test_validate_tells_every_file(folder):
    code, out, err = call(folder, "validate", "none.yaml", "wrong.yaml", "tiny.yaml", "tiny.yaml")
    assert (code, out) == (2, "tiny.yaml: valid\ntiny.yaml: valid\n")
    assert err.startswith(f"lenetml: none.yaml: there is no such file\n{UNKNOWN_KEY}")


def test_validate_tells_every_file_to_programs(folder):
    code, out, _ = call(folder, "validate", "none.yaml", "tiny.yaml", "tiny.yaml", "--json")
    right = {"path": "tiny.yaml", "valid": True, "problems": []}
    message = "none.yaml: there is no such file"
    none = {"path": "none.yaml", "valid": False, "error": message, "problems": []}
    assert (code, json.loads(out)) == (2, [none, right, right])
    code, out, _ = call(folder, "validate", "tiny.yaml", "none.yaml", "--format", "github")
    assert (code, out) == (2, f"::error file=none.yaml,line=1,col=1,endColumn=2::{message}\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_elsewhere(folder):
    code, _, err = call(
        folder, "validate", "wrong.yaml", "--format", "github", GITHUB_STEP_SUMMARY="/dev/full"
    )
    assert (code, err) == (1, "lenetml: No space left on device\n")


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_file_that_must_not_be_written(folder):
    summary = folder / "summary.md"
    summary.touch(mode=0o444)
    code, _, err = call(
        folder, "validate", "wrong.yaml", "--format", "github", GITHUB_STEP_SUMMARY=str(summary)
    )
    assert (code, err) == (1, f"lenetml: {summary}: Permission denied\n")


def test_validate_for_programs(folder):
    code, out, err = call(folder, "validate", "tiny.yaml", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == {"path": "tiny.yaml", "valid": True, "problems": []}
    code, out, err = call(folder, "validate", "tiny.yaml", "wrong.yaml", "--format", "json")
    assert (code, err) == (1, "")
    right, wrong = json.loads(out)
    assert (right["valid"], wrong["valid"]) == (True, False)
    assert len(wrong["problems"]) == 1


def test_validate_for_github(folder):
    summary = folder / "summary.md"
    code, out, err = call(
        folder, "validate", "wrong.yaml", "--format", "github", GITHUB_STEP_SUMMARY=str(summary)
    )
    assert (code, err) == (1, "")
    assert out.startswith("::error file=wrong.yaml,line=4,")
    assert "bach" in summary.read_text()


def test_validate_in_another_form(folder):
    assert call(folder, "validate", "tiny.yaml", "--format", "xml") == (
        2,
        "",
        "lenetml: --format xml: there is no such format\n    allowed: text, json, github\n",
    )


def test_validate_loads_nothing_heavy(folder):
    _, _, err = call(folder, "validate", "tiny.yaml", "wrong.yaml", code=TELLS_MODULES)
    loaded = set(err.splitlines()[-1].split())
    assert "lenetml.spec.load" in loaded
    assert loaded & NOT_FOR_VALIDATE == set()


def test_schema(folder):
    for options, title in (((), "lenetml spec"), (("--record",), "Record")):
        code, out, err = call(folder, "schema", *options)
        assert (code, err) == (0, "")
        Draft202012Validator.check_schema(json.loads(out))
        assert json.loads(out)["title"] == title


@pytest.mark.parametrize(
    "arguments", [("schema",), ("schema", "--record"), ("--help",), ("validate", "tiny.yaml")]
)
def test_a_reader_that_stops_early_hears_nothing(folder, arguments):
    """As in `lenetml schema | head`: the child ends by SIGPIPE like other programs."""
    child = start(folder, *arguments)
    child.stdout.close()
    assert (child.wait(LIMIT_SECONDS), child.stderr.read()) == (-signal.SIGPIPE, "")
    child.stderr.close()


def test_no_cards_without_a_run(folder):
    assert call(folder, "card", "nowhere") == (
        2, "", "lenetml: nowhere: there is no such folder\n",
    )  # fmt: skip
    assert call(folder, "card", "home") == (
        1, "", "lenetml: home/record.json is not there\n    a finished run has one\n",
    )  # fmt: skip
    assert call(folder, "card", "home", "--language", "de") == (
        2, "", "lenetml: --language de: there is no such language\n    allowed: en, pt\n",
    )  # fmt: skip


@pytest.mark.parametrize(("arguments", "code", "message"), [
    (["home"], 2, "there is nothing to compare with\n    lenetml compare RUN RUN..."),
    (["home", "nowhere"], 2, "nowhere: there is no such folder"),
    (["home", "home"], 1, "home/record.json is not there\n    a finished run has one"),
    (["home", "data", "--language", "de"], 2,
     "--language de: there is no such language\n    allowed: en, pt"),
    (["home", "data", "--format", "html"], 2,
     "--format html: there is no such format\n    allowed: text, markdown, json"),
])  # fmt: skip
def test_what_cannot_be_compared(folder, arguments, code, message):
    assert call(folder, "compare", *arguments) == (code, "", f"lenetml: {message}\n")
