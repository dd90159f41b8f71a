"""From a file to a spec: what a spec knows, which files cannot be read, and what stays unloaded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError
from spec_texts import SEARCH, SMALL, spec_of, write_spec

from lenetml.errors import SpecError, UsageError
from lenetml.spec import check_spec, load_spec

ROOT = Path(__file__).parents[1]
CASES = Path(__file__).parent / "cases"
HEAVY = {
    "tensorflow", "keras", "keras_tuner", "numpy", "sklearn", "matplotlib", "wandb", "codecarbon",
    "jinja2", "babel", "ray", "pebble", "PIL",
}  # fmt: skip


def test_a_spec_knows_its_text_its_space_and_its_data(tmp_path):
    path = write_spec(
        tmp_path, search=SEARCH, search_space={"u": {"values": [8, 16]}},
        architecture=["flatten", {"dense": {"units": "$u"}}],
    )  # fmt: skip
    spec = load_spec(path)
    assert spec.path == path
    assert spec.text == path.read_text()
    assert list(spec.space) == ["u"]
    assert spec.facts.name == "digits"
    assert spec.document.architecture[1].units == 8
    assert spec.feasibility.impossible_share == 0
    assert (spec.baselines, spec.warnings, spec.overrides) == ((), (), ())


def test_a_spec_cannot_be_changed(tmp_path):
    spec = spec_of(tmp_path)
    with pytest.raises(AttributeError):
        spec.path = tmp_path
    with pytest.raises(ValidationError):
        spec.document.seed = 2


def test_a_point_makes_it_concrete(tmp_path):
    spec = spec_of(
        tmp_path, search=SEARCH, training={"epochs": "$e"},
        search_space={"n": {"min": 0, "max": 2}, "e": {"values": [1, 5]}, "r": {"values": [0, 1]}},
        architecture=[
            {"repeat": {"times": "$n", "layers": ["batch_normalization"]}},
            {"dropout": {"rate": 0.5, "when": {"r": 1}}},
            "flatten",
        ],
    )  # fmt: skip
    concrete = spec.concrete({"n": 2, "e": 5, "r": 0})
    assert [layer.layer for layer in concrete.architecture] == [
        "batch_normalization", "batch_normalization", "flatten",
    ]  # fmt: skip
    assert concrete.training.epochs == 5
    assert [layer.layer for layer in spec.concrete({"n": 0, "e": 1, "r": 1}).architecture] == [
        "dropout", "flatten",
    ]  # fmt: skip


def test_load_raises_every_error_and_no_warning(tmp_path):
    path = write_spec(tmp_path, seed=0, training={}, augmentation={"shear_range": 0.5})
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    assert [problem.message for problem in caught.value.problems] == [
        "training needs epochs",
        "seed must be at least 1",
    ]
    assert str(caught.value).count(str(path)) == 2


def test_problems_are_in_order_of_line(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("seed: 0\ntraining: {epochs: 0}\narchitecture: [x]\ndata: {}\nname: A\n")
    lines = [problem.span.line for problem in check_spec(path)[1]]
    assert lines == [1, 2, 3, 4, 5]


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(UsageError) as caught:
        check_spec(tmp_path / "x.yaml")
    assert caught.value.message == f"{tmp_path / 'x.yaml'}: there is no such file"
    with pytest.raises(UsageError, match="is a folder; a spec is a .yaml file"):
        check_spec(tmp_path)
    with pytest.raises(UsageError, match="there is no such file"):
        check_spec(write_spec(tmp_path) / "x.yaml")
    with pytest.raises(UsageError, match="cannot be read: File name too long"):
        check_spec(tmp_path / ("x" * 300))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_files_that_may_not_be_read(tmp_path):
    path = write_spec(tmp_path)
    path.chmod(0)
    with pytest.raises(UsageError, match="cannot be read: Permission denied"):
        check_spec(path)


@pytest.mark.parametrize(
    "content",
    [b"", b"---\n", b"~", b"{}", b"# x", b"[]", b"3", b"\xff", b"\0", b"a", b"a: {", b"x" * 2**21],
)
def test_files_that_are_no_specs_are_refused(tmp_path, content):
    path = tmp_path / "x.yaml"
    path.write_bytes(content)
    spec, [problem] = check_spec(path)
    assert spec is None
    assert problem.is_error


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_may_end_as_they_like(tmp_path, end):
    path = tmp_path / "x.yaml"
    lines = ["name: x", "data: {dataset: digits}", "architecture:", "- flatten", "training:"]
    path.write_bytes(end.join([*lines, "  epochs: 0", ""]).encode("utf-8-sig"))
    _, [problem] = check_spec(path)
    assert (problem.span.line, problem.span.column, problem.source) == (6, 11, "  epochs: 0")


def test_null_stands_for_nothing_in_no_place(tmp_path):
    optional = {
        "data": ["path", "image_size", "color_mode", "split", "input_shape", "classes"],
        "training": ["learning_rate_decay", "momentum", "weight_decay", "early_stopping"],
        "search": ["trials", "time_limit", "baseline", "screening", "confirm", "bayesian"],
        "card": ["authors", "license", "caveats"],
        "wandb": ["entity"],
    }
    for section, keys in optional.items():
        for key in keys:
            whole = SMALL | {"search": {"strategy": "grid"}, "wandb": {"project": "p"}, "card": {}}
            changes = {section: whole[section] | {key: None}}
            _, problems = check_spec(write_spec(tmp_path, **(whole | changes)))
            assert [problem.message for problem in problems] == [f"{key} of {section} is empty"]


def loaded_by(*arguments: str, **environment: str) -> tuple[int, set[str]]:
    """Exit code of a command line in a process of its own, and the libraries that it loaded."""
    code = (
        "import sys, json\n"
        "from lenetml import cli\n"
        "try:\n"
        "    cli.main()\n"
        "except SystemExit as leaving:\n"
        "    code = leaving.code or 0\n"
        "names = sorted({name.partition('.')[0] for name in sys.modules})\n"
        "sys.stderr.write('\\nLOADED ' + json.dumps([code, names]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=os.environ | environment,
    )
    code, names = json.loads(done.stderr.rpartition("LOADED ")[2])
    return code, set(names)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--help"], 0),
        (["validate", "--help"], 0),
        (["validate", "specs/gmnet.yaml"], 0),
        (["validate", "specs/gmnet.yaml", "specs/lenet5.yaml", "--format", "json"], 0),
        (["validate", "specs/digits.yaml", "--format", "github"], 0),
        (["validate", "specs/gmnet.yaml", "--set", "training.epochs=0", "--format", "github"], 1),
        (["validate", "tests/cases/invalid/several-at-once.yaml"], 1),
        (["validate", "tests/cases/valid/own-data.yaml"], 0),
        (["validate", "nowhere.yaml"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_validate_loads_nothing_heavy(arguments, code, tmp_path):
    summary = tmp_path / "summary.md"
    found, names = loaded_by(*arguments, GITHUB_STEP_SUMMARY=str(summary))
    assert found == code
    assert names & HEAVY == set()
    assert "lenetml" in names
    assert summary.exists() == ("github" in arguments and code == 1)
