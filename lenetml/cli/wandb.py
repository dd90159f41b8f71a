"""Verbs of W&B: mirror a run, describe a search to it, train a trial for its agents."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from lenetml.cli.app import Json, Quiet, Set, app, require_folder
from lenetml.errors import MissingError, UsageError
from lenetml.output import mirror_document, print_json, say, show_problems
from lenetml.running import mirror_folder


@app.command()
def mirror(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")],
    spec: Annotated[
        Path | None, typer.Option(metavar="SPEC", help="A spec of this run with a wandb section.")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Send, or complete, the W&B mirror of a finished or interrupted run."""
    require_folder(folder)
    result = mirror_folder(folder, spec, quiet=quiet)
    if as_json:
        print_json([mirror_document(result)])
    else:
        from lenetml.telling import tell_mirrored

        print(tell_mirrored(result))
    raise typer.Exit(MissingError.exit_code if result.fault else 0)


@app.command()
def sweep(
    spec: Annotated[Path, typer.Argument(metavar="SPEC", help="A YAML spec.")],
    changes: Set = None,
    as_json: Json = False,
) -> None:
    """Print the W&B sweep of a spec, for `wandb sweep`; its agents run `lenetml trial`."""
    from lenetml.mirror.sweep import launcher_here, sweep_of, sweep_text
    from lenetml.spec import load_spec

    loaded = load_spec(spec, changes or [])
    show_problems(loaded.warnings)
    if not loaded.space:
        raise UsageError(
            f"{spec}: there is nothing to sweep, since it has no search_space",
            f"lenetml run {spec} trains its one network",
        )
    if loaded.document.wandb is None:
        say(f"{spec}: no section wandb names a project: give one to wandb sweep, with --project")
    configuration = sweep_of(loaded, launcher_here())
    if as_json:
        print_json([configuration])
    else:
        print(sweep_text(configuration), end="")


@app.command()
def trial(
    spec: Annotated[Path, typer.Argument(metavar="SPEC", help="A YAML spec.")],
    values: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON object of its values; -: stdin.")
    ] = None,
    changes: Set = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train one trial with given values, as a W&B agent asks for it; no run's folder is made."""
    from lenetml.spec import load_spec
    from lenetml.trying import exit_code_of, read_point, try_point

    loaded = load_spec(spec, changes or [])
    if values is None and any(domain.size != 1 for domain in loaded.space.values()):
        raise UsageError(
            f"{spec} has hyperparameters, and no values are given for them",
            f"give them as JSON: lenetml trial {spec} --values FILE, or - for stdin",
        )
    result = try_point(loaded, read_point(values, loaded), quiet=quiet)
    if as_json:
        print_json([result.document()])
    else:
        print(result.in_words())
    raise typer.Exit(exit_code_of(result))


@app.command()
def doctor(
    as_json: Json = False,
) -> None:
    """Say what stands between this machine and W&B: a key, the mode, a server that answers."""
    from lenetml.mirror.reach import look_around
    from lenetml.telling import tell_reach

    reach = look_around()
    if as_json:
        print_json([asdict(reach)])
    else:
        print(tell_reach(reach))
    is_cut_off = reach.mode == "online" and not reach.answers
    raise typer.Exit(MissingError.exit_code if is_cut_off else 0)
