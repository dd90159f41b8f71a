"""The command line as a whole: its options, its way out, and what its verbs share.

Data go to stdout, everything else to stderr. With `display.py` and `output.py` the verbs are the
only place that prints. What is heavy is imported inside the verb that needs it, after all that can
be wrong without it.
"""

from __future__ import annotations

import io
import signal
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from lenetml import __version__
from lenetml.errors import LenetmlError, UsageError, plain_faults
from lenetml.output import show_error

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="One YAML spec in; a tuned, tested small network and its model card out.",
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]
Run = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Change a value of every SPEC; repeatable."),
]
Specs = Annotated[list[Path], typer.Argument(metavar="SPEC...", help="YAML specs.")]


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


def require_folder(folder: Path) -> None:
    """Refuse what is no folder.

    Raises:
        UsageError: It is not there, or a file.
    """
    if folder.is_file():
        raise UsageError(f"{folder} is a file", "give the folder of a run: runs/NAME-HASH")
    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no such folder")
