"""Specs as files: what `lenetml validate` says of each, word by word.

`pytest tests/test_cases.py --rewrite` writes the texts anew, to be read in the diff.
"""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from lenetml import cli

CASES = Path(__file__).parent / "cases"
SPECS = Path(__file__).parents[1] / "specs"
INVALID = sorted(path.stem for path in (CASES / "invalid").glob("*.yaml"))
VALID = sorted(path.stem for path in (CASES / "valid").glob("*.yaml"))


def options_of(case: Path) -> list[str]:
    """The options that the first line of a case asks for: `# lenetml validate --set seed=2`."""
    first = case.read_text(encoding="utf-8", errors="replace").partition("\n")[0]
    return shlex.split(first.partition("# lenetml validate ")[2])


@pytest.fixture
def validate(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run `lenetml validate` beside a spec; gives exit code, stdout and stderr."""

    def run(path: Path) -> tuple[int, str, str]:
        monkeypatch.chdir(path.parent)
        command = ["lenetml", "validate", path.name, *options_of(path)]
        monkeypatch.setattr("sys.argv", command)
        with pytest.raises(SystemExit) as leaving:
            cli.main()
        said = capsys.readouterr()
        return int(leaving.value.code or 0), said.out, said.err

    return run


def check_words(said: str, golden: Path, request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--rewrite"):
        golden.write_text(said, encoding="utf-8")
        if not said:
            golden.unlink()
    assert said == (golden.read_text(encoding="utf-8") if golden.exists() else "")


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_spec_is_refused_in_these_words(name, validate, request):
    path = CASES / "invalid" / f"{name}.yaml"
    code, out, err = validate(path)
    assert (code, out) == (1, "")
    assert err
    check_words(err, path.with_suffix(".txt"), request)


@pytest.mark.parametrize("name", VALID)
def test_a_valid_spec_has_at_most_these_warnings(name, validate, request):
    path = CASES / "valid" / f"{name}.yaml"
    code, out, err = validate(path)
    assert (code, out) == (0, f"{path.name}: valid\n")
    check_words(err, path.with_suffix(".txt"), request)


def test_every_spec_that_comes_with_the_project_is_valid(validate):
    for path in sorted(SPECS.glob("*.yaml")):
        assert validate(path)[:2] == (0, f"{path.name}: valid\n")


def test_every_text_has_its_case():
    for golden in CASES.glob("*valid/*.txt"):
        assert golden.with_suffix(".yaml").exists(), golden.name
