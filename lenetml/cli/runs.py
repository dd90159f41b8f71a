"""Verbs of runs: make one, open its test set, write its cards."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lenetml.cli.app import Json, Quiet, Run, Set, Specs, app, require_folder
from lenetml.errors import UsageError
from lenetml.output import Failure, print_json, print_result, result_document, show_problems
from lenetml.running import DEFAULT_OUT, Wishes, attempt, open_run, run_specs

if TYPE_CHECKING:
    from lenetml.facts import Finished
    from lenetml.spec import Spec


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
    as_json: Json = False,
    quiet: Quiet = False,
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


@app.command("test")
def open_test(
    folder: Run,
    spec: Annotated[
        Path | None, typer.Option(metavar="SPEC", help="The run's spec, where it has moved.")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Open the test set that a spec kept sealed, once, and write the cards again."""
    require_folder(folder)
    print_result(open_run(folder, spec, quiet=quiet), as_json=as_json)


@app.command()
def card(
    folder: Run,
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
    require_folder(folder)
    for path in write_cards(folder, read_record(folder), language):
        print(path)


def _load(path: Path, changes: list[str], quiet: bool) -> Spec:
    """Read a spec that is right, and show its warnings."""
    from lenetml.spec import load_spec

    spec = load_spec(path, changes)
    if not quiet:
        show_problems(spec.warnings)
    return spec
