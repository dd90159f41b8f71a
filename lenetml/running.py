"""The verbs of runs, with a display and the user's Ctrl-C around them."""

from __future__ import annotations

import shlex
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from lenetml.errors import Interrupted, LenetmlError, SpecError, UsageError, plain_faults
from lenetml.output import Failure, show_error

if TYPE_CHECKING:
    from lenetml.facts import Finished
    from lenetml.mirroring import Mirrored
    from lenetml.spec import Spec

DEFAULT_OUT = Path("runs")
INTERRUPTED = 130
T = TypeVar("T")


@dataclass(frozen=True)
class Wishes:
    """What the command line says beside the specs.

    Args:
        out: Folder of all runs.
        fresh: Start over.
        quiet: Show no progress.
        as_json: Print one JSON document.
        workers: Side by side; None: as many as this machine can hold.
        ray: Address of a Ray cluster.
        accept_versions: Go on with a journal that this version would have written otherwise.
    """

    out: Path = DEFAULT_OUT
    fresh: bool = False
    quiet: bool = False
    as_json: bool = False
    workers: int | None = None
    ray: str | None = None
    accept_versions: bool = False

    def as_given(self) -> list[str]:
        """The options that hold for every spec and every life, as they were given."""
        given = {"--out": self.out, "--workers": self.workers, "--ray": self.ray}
        defaults = {"--out": DEFAULT_OUT}
        words = [
            word
            for option, value in given.items()
            if value != defaults.get(option)
            for word in (option, str(value))
        ]
        flags = {
            "--accept-versions": self.accept_versions,
            "--json": self.as_json,
            "--quiet": self.quiet,
        }
        return [*words, *(flag for flag, is_on in flags.items() if is_on)]


def run_specs(paths: list[Path], specs: list[Spec], wishes: Wishes) -> list[Finished | Failure]:
    """Run one spec after the other; an interrupt leaves those that ended before it."""
    from lenetml.display import make_display
    from lenetml.signals import interrupts

    results: list[Finished | Failure] = []
    advice = f"to go on: {_line(paths, specs, wishes)}"
    at_once = Interrupted("interrupted at once", advice)
    # A connection of W&B's that breaks must not end the run.
    before = signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    try:
        with (
            make_display(quiet=wishes.quiet) as display,
            interrupts(display.ending, f"lenetml: {at_once}") as stop,
        ):
            display.stage("loading TensorFlow")
            from lenetml.trial.threads import use_one_thread

            use_one_thread()
            from lenetml import experiment
            from lenetml.search.hiring import Hiring
            from lenetml.trial.environment import tell_command

            options = experiment.Options(
                wishes.out,
                tell_command(sys.argv[1:]),
                _line(paths, specs, wishes),
                wishes.fresh,
                hiring=Hiring(wishes.workers, wishes.ray),
                accept_versions=wishes.accept_versions,
                repeated=wishes.as_given(),
            )
            for path, spec in zip(paths, specs, strict=True):
                if stop.is_set():
                    show_error(Interrupted(f"interrupted before {path}", advice))
                    break
                results.append(attempt(path, partial(experiment.run, spec, options, display, stop)))
    except KeyboardInterrupt:
        show_error(at_once)
    finally:
        signal.signal(signal.SIGPIPE, before)
    return results + [Failure(path, "interrupted", INTERRUPTED) for path in paths[len(results) :]]


def open_run(folder: Path, spec_path: Path | None, *, quiet: bool) -> Finished:
    """Open the test part of a finished run that its spec kept sealed.

    Args:
        folder: Of the run.
        spec_path: The run's spec; None: where it was when the run began.
        quiet: Show no progress.

    Raises:
        UsageError: The spec is not there, or is not that of the run.
        LenetmlError: As `unsealing.open_sealed`.
    """
    from lenetml.display import make_display

    with make_display(quiet=quiet) as display:
        display.stage("loading TensorFlow")
        from lenetml.trial.threads import use_one_thread

        use_one_thread()
        from lenetml.lives import spec_of_run
        from lenetml.spec import load_spec
        from lenetml.unsealing import open_sealed

        found, overrides = spec_of_run(folder)
        path = spec_path or found
        try:
            spec = load_spec(path, overrides)
        except SpecError as error:
            show_error(error)
            raise UsageError(
                f"{path} cannot be read as the spec of {folder}",
                "give it from where it lies: lenetml test RUN --spec SPEC",
            ) from None
        return open_sealed(folder, spec, display.stage, display.warn)


def mirror_folder(folder: Path, spec: Path | None, *, quiet: bool) -> Mirrored:
    """Send, or complete, the mirror of a run.

    Args:
        folder: Of the run.
        spec: A spec of this run, whose `wandb` section counts; None: the run's own.
        quiet: Show no progress.

    Raises:
        LenetmlError: As `mirroring.mirror_run`.
    """
    from lenetml.display import make_display
    from lenetml.mirroring import mirror_run

    before = signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    try:
        with make_display(quiet=quiet) as display:
            return mirror_run(folder, spec, display.stage, display.warn)
    except KeyboardInterrupt:
        words = ["lenetml", "mirror", str(folder), *(["--spec", str(spec)] if spec else [])]
        raise Interrupted("interrupted", f"to go on: {shlex.join(words)}") from None
    finally:
        signal.signal(signal.SIGPIPE, before)


def _line(paths: list[Path], specs: list[Spec], wishes: Wishes) -> str:
    """The command line that goes on with all specs; started over is not done again."""
    changes = [word for change in specs[0].overrides for word in ("--set", change)]
    return shlex.join(["lenetml", "run", *map(str, paths), *wishes.as_given(), *changes])


def attempt(path: Path, action: Callable[[], T]) -> T | Failure:
    """Do something for a spec; an error is shown, so that the next spec has its turn."""
    try:
        with plain_faults():
            return action()
    except LenetmlError as error:
        show_error(error)
        return Failure(path, str(error), error.exit_code)
