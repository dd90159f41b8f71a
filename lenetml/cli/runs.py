"""Verbs of runs: make one, open its test set, write its cards and report, compare several."""

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
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail where a text of the authors is missing.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail where a card is not its record's.")
    ] = False,
) -> None:
    """Write the cards of a finished run again, from its record, or check them."""
    from lenetml.record import read_record
    from lenetml.report.card import write_cards
    from lenetml.report.checking import check_cards, check_texts

    for name in language or []:
        if name not in ("en", "pt"):
            raise UsageError(f"--language {name}: there is no such language", "allowed: en, pt")
    require_folder(folder)
    record = read_record(folder)
    for path in (check_cards if check else write_cards)(folder, record, language):
        print(f"{path} agrees with record.json" if check else path)
    if strict:
        check_texts(record)


@app.command()
def report(folder: Run) -> None:
    """Write one self-contained HTML file to look at a finished run's search."""
    from lenetml.record import read_record
    from lenetml.report.page import write_page

    require_folder(folder)
    print(write_page(folder, read_record(folder)))


@app.command()
def compare(
    folders: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Folders of finished runs, at least two.")
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.md", help="Write the page of Markdown, too.")
    ] = None,
    form: Annotated[
        str, typer.Option("--format", metavar="text|markdown|json", help="What to print.")
    ] = "text",
    language: Annotated[str, typer.Option(metavar="en|pt", help="Of table and page.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Put runs side by side, and say what cannot be compared."""
    form = "json" if as_json else form
    if form not in ("text", "markdown", "json"):
        raise UsageError(
            f"--format {form}: there is no such format", "allowed: text, markdown, json"
        )
    if language not in ("en", "pt"):
        raise UsageError(f"--language {language}: there is no such language", "allowed: en, pt")
    if len(folders) < 2:
        raise UsageError("there is nothing to compare with", "lenetml compare RUN RUN...")
    for folder in folders:
        require_folder(folder)
    from lenetml.comparing import compare_folders
    from lenetml.files import write_atomically
    from lenetml.report.comparison import comparison_document
    from lenetml.report.comparison_view import write_page, write_text

    comparison = compare_folders(folders)
    if out is not None:
        write_atomically(out, write_page(comparison, language, out.parent).encode())
    if form == "json":
        print_json([comparison_document(comparison)])
    elif form == "markdown":
        print(write_page(comparison, language, Path()), end="")
    else:
        print(write_text(comparison, language), end="")


def _load(path: Path, changes: list[str], quiet: bool) -> Spec:
    """Read a spec that is right, and show its warnings."""
    from lenetml.spec import load_spec

    spec = load_spec(path, changes)
    if not quiet:
        show_problems(spec.warnings)
    return spec
