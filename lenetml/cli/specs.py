"""Verbs of specs: check them, and say what they may hold."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from lenetml.cli.app import Set, Specs, app
from lenetml.errors import UsageError
from lenetml.output import (
    Failure,
    annotate,
    check_code,
    check_document,
    print_json,
    show_problems,
)
from lenetml.running import attempt

if TYPE_CHECKING:
    from lenetml.spec import Problem


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


@app.command()
def schema(
    record: Annotated[bool, typer.Option("--record", help="Of record.json.")] = False,
) -> None:
    """Print the JSON Schema of a spec, for editors, or of a record."""
    from lenetml.record import record_schema
    from lenetml.spec.schema import spec_schema

    print(record_schema() if record else spec_schema())
