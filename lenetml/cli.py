"""The command line: verbs, and with `display.py` the only place that prints.

Data go to stdout, everything else to stderr. What is heavy is imported inside the verb that needs
it, after all that can be wrong without it.
"""

from __future__ import annotations

import io
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

from lenetml import __version__
from lenetml.errors import LenetmlError, SpecError, UsageError, plain_faults

if TYPE_CHECKING:
    from lenetml.facts import Finished
    from lenetml.spec import Problem, Spec

INTERRUPTED = 130
MAX_SHOWN = 20
DEFAULT_OUT = Path("runs")
T = TypeVar("T")

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="One YAML spec in; a tuned, tested small network and its model card out.",
)

Specs = Annotated[list[Path], typer.Argument(metavar="SPEC...", help="YAML specs.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Change a value of every SPEC; repeatable."),
]


@dataclass(frozen=True)
class Failure:
    """A spec without a result, and why."""

    spec: Path
    error: str
    exit_code: int


def main() -> NoReturn:
    """Run the command line and leave with its exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A path need not be UTF-8; escaped like this it is right in JSON, too.
        sys.stdout.reconfigure(errors="backslashreplace")
    # Whoever reads may stop early, as in `lenetml schema | head`: end there without a word.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        with plain_faults():
            app()
    except LenetmlError as error:
        _show_error(error)
        sys.exit(error.exit_code)
    sys.exit()


def _version(wanted: bool) -> None:
    if wanted:
        print(f"lenetml {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


@app.command()
def run(
    specs: Specs,
    out: Annotated[Path, typer.Option(help="Folder of all runs.")] = DEFAULT_OUT,
    changes: Set = None,
    fresh: Annotated[bool, typer.Option(help="Start over; the old folder is kept.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    quiet: Annotated[bool, typer.Option(help="Show no progress.")] = False,
) -> None:
    """Check, search, test the winner once, and write its cards."""
    loaded = [_attempt(path, partial(_load, path, changes or [], quiet)) for path in specs]
    right = [spec for spec in loaded if not isinstance(spec, Failure)]
    not_run = "not run: another spec is not right"
    results: list[Finished | Failure] = [
        spec if isinstance(spec, Failure) else Failure(path, not_run, 1)
        for path, spec in zip(specs, loaded, strict=True)
    ]
    if len(right) == len(specs):
        results = _run_all(specs, right, out, fresh, quiet, _as_given(out, as_json, quiet))
    failures = [result for result in results if isinstance(result, Failure)]
    finished = [result for result in results if not isinstance(result, Failure)]
    if as_json:
        _print_json([_as_document(result) for result in results])
    elif finished:
        from lenetml.display import tell_result

        print("\n\n".join(map(tell_result, finished)))
    raise typer.Exit(max((failure.exit_code for failure in failures), default=0))


@app.command()
def validate(
    specs: Specs,
    changes: Set = None,
    form: Annotated[
        str, typer.Option("--format", metavar="text|json|github", help="How to show problems.")
    ] = "text",
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Find every problem of every spec, in milliseconds and without training."""
    from lenetml.spec import check_spec

    form = "json" if as_json else form
    if form not in ("text", "json", "github"):
        raise UsageError(f"--format {form}: there is no such format", "allowed: text, json, github")
    found: list[list[Problem] | Failure] = []
    for path in specs:
        check = _attempt(path, partial(check_spec, path, changes or []))
        found.append(check if isinstance(check, Failure) else check[1])
        if form == "text" and not isinstance(check, Failure):
            _show_problems(check[1])
            if check[0] is not None:
                print(f"{path}: valid")
    if form == "json":
        _print_json(list(map(_check_document, specs, found)))
    elif form == "github":
        _annotate(found)
    raise typer.Exit(max(map(_check_code, found)))


@app.command()
def card(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")],
    language: Annotated[
        list[str] | None, typer.Option(metavar="en|pt", help="Only this language; repeatable.")
    ] = None,
) -> None:
    """Write the cards of a finished run again, from its record."""
    from lenetml.record import read_record
    from lenetml.report.card import write_cards

    for name in language or []:
        if name not in ("en", "pt"):
            raise UsageError(f"--language {name}: there is no such language", "allowed: en, pt")
    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no such folder")
    for path in write_cards(folder, read_record(folder), language):
        print(path)


@app.command()
def schema(
    record: Annotated[bool, typer.Option("--record", help="Of record.json.")] = False,
) -> None:
    """Print the JSON Schema of a spec, for editors, or of a record."""
    from lenetml.record import record_schema
    from lenetml.spec.schema import spec_schema

    print(record_schema() if record else spec_schema())


def _load(path: Path, changes: list[str], quiet: bool) -> Spec:
    """Read a spec that is right and can be run."""
    from lenetml.readiness import refuse_what_cannot_run
    from lenetml.spec import load_spec

    spec = load_spec(path, changes)
    refuse_what_cannot_run(spec)
    if not quiet:
        _show_problems(spec.warnings)
    return spec


def _run_all(
    paths: list[Path], specs: list[Spec], out: Path, fresh: bool, quiet: bool, given: list[str]
) -> list[Finished | Failure]:
    """Run one spec after the other; an interrupt leaves those that ended before it."""
    from lenetml.display import make_display

    results: list[Finished | Failure] = []
    # A connection of W&B's that breaks must not end the run.
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    try:
        with make_display(quiet=quiet) as display:
            display.stage("loading TensorFlow")
            from lenetml.trial.threads import use_one_thread

            use_one_thread()
            from lenetml import experiment
            from lenetml.trial.environment import tell_command

            options = experiment.Options(out, tell_command(sys.argv[1:]), fresh, repeated=given)
            for path, spec in zip(paths, specs, strict=True):
                results.append(_attempt(path, partial(experiment.run, spec, options, display)))
    except KeyboardInterrupt as interrupt:
        _say("; ".join(["lenetml: interrupted", *getattr(interrupt, "__notes__", ())]))
        results += [Failure(path, "interrupted", INTERRUPTED) for path in paths[len(results) :]]
    finally:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    return results


def _as_given(out: Path, as_json: bool, quiet: bool) -> list[str]:
    """Write the options of `run` that hold for every spec, as far as they were given."""
    flags = [flag for flag, is_on in (("--json", as_json), ("--quiet", quiet)) if is_on]
    return flags if out == DEFAULT_OUT else ["--out", str(out), *flags]


def _attempt(path: Path, action: Callable[[], T]) -> T | Failure:
    """Do something for a spec; an error is shown, so that the next spec has its turn."""
    try:
        with plain_faults():
            return action()
    except LenetmlError as error:
        _show_error(error)
        return Failure(path, str(error), error.exit_code)


def _show_error(error: LenetmlError) -> None:
    if isinstance(error, SpecError):
        _show_problems(error.problems)
    else:
        _say(f"lenetml: {error}")


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _print_json(documents: list[dict[str, Any]]) -> None:
    """Print one document as it is, and several as a list."""
    document = documents[0] if len(documents) == 1 else documents
    print(json.dumps(document, indent=2, ensure_ascii=False))


def _show_problems(problems: Sequence[Problem]) -> None:
    for problem in problems[:MAX_SHOWN]:
        _say(f"{problem}\n")
    if len(problems) > MAX_SHOWN:
        _say(f"and {len(problems) - MAX_SHOWN} more; --format json shows all\n")


def _check_code(check: list[Problem] | Failure) -> int:
    if isinstance(check, Failure):
        return check.exit_code
    return 1 if any(problem.is_error for problem in check) else 0


def _check_document(path: Path, check: list[Problem] | Failure) -> dict[str, Any]:
    from lenetml.spec.problems import as_json

    if isinstance(check, Failure):
        return {"path": str(path), "valid": False, "error": check.error, "problems": []}
    is_valid = _check_code(check) == 0
    return {"path": str(path), "valid": is_valid, "problems": list(map(as_json, check))}


def _annotate(checks: list[list[Problem] | Failure]) -> None:
    """Write workflow commands, and the whole table to the step summary where there is one."""
    from lenetml.spec.nodes import Span
    from lenetml.spec.problems import Problem, as_annotation, as_summary

    problems: list[Problem] = []
    for it in checks:
        problems += [Problem(str(it.spec), Span(), it.error)] if isinstance(it, Failure) else it
    for problem in problems:
        print(as_annotation(problem))
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary and problems:
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(as_summary(problems))


def _as_document(result: Finished | Failure) -> dict[str, Any]:
    if isinstance(result, Failure):
        return {"spec": str(result.spec), "error": result.error, "exit_code": result.exit_code}
    return {
        "folder": str(result.folder),
        "cards": [str(path) for path in result.cards],
        "new": result.is_new,
        "record": result.record.model_dump(mode="json"),
    }
