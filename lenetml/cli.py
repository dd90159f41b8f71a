"""The command line: verbs, and with `display.py` the only place that prints.

Data go to stdout, everything else to stderr. What is heavy is imported inside the verb that needs
it, after all that can be wrong without it.
"""

from __future__ import annotations

import io
import signal
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from lenetml import __version__
from lenetml.errors import LenetmlError, UsageError, plain_faults
from lenetml.output import (
    Failure,
    annotate,
    check_code,
    check_document,
    print_json,
    print_result,
    result_document,
    show_error,
    show_problems,
)
from lenetml.running import DEFAULT_OUT, Wishes, attempt, open_run, run_specs

if TYPE_CHECKING:
    from lenetml.facts import Finished
    from lenetml.spec import Problem, Spec

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
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A path need not be UTF-8; escaped like this it is right in JSON, too.
        sys.stdout.reconfigure(errors="backslashreplace")
    # Whoever reads may stop early, as in `lenetml schema | head`: end there without a word.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        with plain_faults():
            app()
    except LenetmlError as error:
        show_error(error)
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
    workers: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="N",
            help="Trainings side by side; else as many as fit. 0: one, in this process.",
        ),
    ] = None,
    ray: Annotated[
        str | None,
        typer.Option(metavar="auto|HOST:PORT", help="Train on a running Ray cluster."),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start over; the old folder is kept.")
    ] = False,
    accept_versions: Annotated[
        bool,
        typer.Option(
            "--accept-versions", help="Go on with the journal's values where others are drawn now."
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
) -> None:
    """Check, search, test the winner once, and write its cards; go on where a run was cut short."""
    if ray is not None and workers == 0:
        raise UsageError("--workers 0 trains in this process, and --ray elsewhere: give one")
    loaded = [attempt(path, partial(_load, path, changes or [], quiet)) for path in specs]
    right = [spec for spec in loaded if not isinstance(spec, Failure)]
    not_run = "not run: another spec is not right"
    results: list[Finished | Failure] = [
        spec if isinstance(spec, Failure) else Failure(path, not_run, 1)
        for path, spec in zip(specs, loaded, strict=True)
    ]
    if len(right) == len(specs):
        wishes = Wishes(out, fresh, quiet, as_json, workers, ray, accept_versions)
        results = run_specs(specs, right, wishes)
    failures = [result for result in results if isinstance(result, Failure)]
    finished = [result for result in results if not isinstance(result, Failure)]
    if as_json:
        print_json([result_document(result) for result in results])
    elif finished:
        from lenetml.telling import tell_result

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
        check = attempt(path, partial(check_spec, path, changes or []))
        found.append(check if isinstance(check, Failure) else check[1])
        if form == "text" and not isinstance(check, Failure):
            show_problems(check[1])
            if check[0] is not None:
                print(f"{path}: valid")
    if form == "json":
        print_json(list(map(check_document, specs, found)))
    elif form == "github":
        annotate(found)
    raise typer.Exit(max(map(check_code, found)))


@app.command("test")
def open_test(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")],
    spec: Annotated[
        Path | None, typer.Option(metavar="SPEC", help="The run's spec, where it has moved.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
) -> None:
    """Open the test set that a spec kept sealed, once, and write the cards again."""
    _require_folder(folder)
    print_result(open_run(folder, spec, quiet=quiet), as_json=as_json)


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
    _require_folder(folder)
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


def _require_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no such folder")


def _load(path: Path, changes: list[str], quiet: bool) -> Spec:
    """Read a spec that is right and can be run."""
    from lenetml.readiness import refuse_what_cannot_run
    from lenetml.spec import load_spec

    spec = load_spec(path, changes)
    refuse_what_cannot_run(spec)
    if not quiet:
        show_problems(spec.warnings)
    return spec
