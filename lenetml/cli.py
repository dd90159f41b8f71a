"""The command line: verbs, and with `display.py` the only place that prints.

Data go to stdout, everything else to stderr. What is heavy is imported inside the verb that needs
it, after all that can be wrong without it.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from lenetml import __version__
from lenetml.errors import LenetmlError, SpecError, UsageError

if TYPE_CHECKING:
    from lenetml.facts import Finished
    from lenetml.spec import Problem, Spec

INTERRUPTED = 130
MAX_SHOWN = 20

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


def main() -> NoReturn:
    """Run the command line and leave with its exit code."""
    try:
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
    out: Annotated[Path, typer.Option(help="Folder of all runs.")] = Path("runs"),
    changes: Set = None,
    fresh: Annotated[bool, typer.Option(help="Start over; the old folder is kept.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    quiet: Annotated[bool, typer.Option(help="Show no progress.")] = False,
) -> None:
    """Check, search, test the winner once, and write its cards."""
    from lenetml.readiness import refuse_what_cannot_run
    from lenetml.spec import load_spec

    loaded: list[Spec] = []
    codes: list[int] = []
    for path in specs:
        with _shown(codes):
            spec = load_spec(path, changes or [])
            refuse_what_cannot_run(spec)
            loaded.append(spec)
            if not quiet:
                _show_problems(spec.warnings)
    if codes:
        raise typer.Exit(max(codes))
    try:
        finished = _run_all(loaded, out, fresh, quiet, codes)
    except KeyboardInterrupt:
        _say("lenetml: interrupted; the journal in the run's folder holds what was finished")
        raise typer.Exit(INTERRUPTED) from None
    documents = [_as_document(result) for result in finished]
    if as_json and len(specs) > 1:
        _print_json(documents)
    elif as_json and documents:
        _print_json(documents[0])
    elif finished:
        print("\n\n".join(map(_tell_result, finished)))
    if codes:
        raise typer.Exit(max(codes))


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
    found = {path: check_spec(path, changes or [])[1] for path in specs}
    if form == "json":
        documents = [_check_document(path, problems) for path, problems in found.items()]
        _print_json(documents if len(documents) > 1 else documents[0])
    elif form == "github":
        _annotate([problem for problems in found.values() for problem in problems])
    else:
        for path, problems in found.items():
            _show_problems(problems)
            if not any(problem.is_error for problem in problems):
                print(f"{path}: valid")
    if any(problem.is_error for problems in found.values() for problem in problems):
        raise typer.Exit(1)


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


def _run_all(
    specs: list[Spec], out: Path, fresh: bool, quiet: bool, codes: list[int]
) -> list[Finished]:
    """Run one spec after the other; one that fails leaves its exit code and not its result."""
    from lenetml.display import make_display

    with make_display(quiet=quiet) as display:
        display.stage("loading TensorFlow")
        from lenetml.trial.threads import use_one_thread

        use_one_thread()
        from lenetml import experiment

        options = experiment.Options(out, shlex.join(["lenetml", *sys.argv[1:]]), fresh)
        finished = []
        for spec in specs:
            with _shown(codes):
                finished.append(experiment.run(spec, options, display))
        return finished


@contextmanager
def _shown(codes: list[int]) -> Iterator[None]:
    """Show an error and keep its exit code, so that the next spec has its turn."""
    try:
        yield
    except LenetmlError as error:
        _show_error(error)
        codes.append(error.exit_code)


def _show_error(error: LenetmlError) -> None:
    if isinstance(error, SpecError):
        _show_problems(error.problems)
    else:
        _say(f"lenetml: {error}")


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _print_json(document: Any) -> None:
    print(json.dumps(document, indent=2, ensure_ascii=False))


def _show_problems(problems: Sequence[Problem]) -> None:
    for problem in problems[:MAX_SHOWN]:
        _say(f"{problem}\n")
    if len(problems) > MAX_SHOWN:
        _say(f"and {len(problems) - MAX_SHOWN} more; --format json shows all\n")


def _annotate(problems: Sequence[Problem]) -> None:
    """Write workflow commands, and the whole table to the step summary where there is one."""
    import os

    from lenetml.spec.problems import as_annotation, as_summary

    for problem in problems:
        print(as_annotation(problem))
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary and problems:
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(as_summary(problems))


def _check_document(path: Path, problems: Sequence[Problem]) -> dict[str, Any]:
    from lenetml.spec.problems import as_json

    is_valid = not any(problem.is_error for problem in problems)
    return {"path": str(path), "valid": is_valid, "problems": list(map(as_json, problems))}


def _as_document(finished: Finished) -> dict[str, Any]:
    return {
        "folder": str(finished.folder),
        "cards": [str(path) for path in finished.cards],
        "new": finished.is_new,
        "record": finished.record.model_dump(mode="json"),
    }


def _tell_result(finished: Finished) -> str:
    """The short result at the end: what won, how good it is, where everything lies."""
    record = finished.record
    lines = [f"{record.name}: " + ("done" if finished.is_new else "was done before")]
    if record.test is not None:
        low, high = record.test.accuracy_interval
        lines.append(
            f"  test accuracy {record.test.accuracy:.4f}  (95 % {low:.4f} to {high:.4f}, "
            f"{record.test.correct} of {record.test.n}, look {record.test.look})"
        )
    values = ", ".join(f"{name} {value}" for name, value in record.best.values.items())
    lines.append(
        f"  trial {record.best.number} of {len(record.trials)}" + (values and f": {values}")
    )
    lines += [f"  {path}" for path in (*finished.cards, finished.folder)]
    return "\n".join(lines)
