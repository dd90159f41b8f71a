"""The verb `trial`: one trial, with a display and whoever may stop it around it."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lenetml.errors import Interrupted, SearchError
from lenetml.mirror.agent import is_under_agent
from lenetml.spec.given import parse_given, point_of, read_given

if TYPE_CHECKING:
    from lenetml.single import SingleTrial
    from lenetml.spec import Spec

STDIN = Path("-")


def read_point(path: Path | None, spec: Spec) -> dict[str, Any]:
    """Read the point that a file of values means.

    Args:
        path: A JSON file, or `-` for stdin; None: the spec has constants alone.
        spec: Checked.

    Raises:
        UsageError: The file is not there.
        SpecError: It is not JSON, or its values are none of the spec's space.
    """
    if path is None:
        return point_of({}, spec.space, str(spec.path))
    place = "stdin" if path == STDIN else str(path)
    content = sys.stdin.buffer.read() if path == STDIN else read_given(path)
    return point_of(parse_given(content, place), spec.space, place)


def try_point(spec: Spec, point: dict[str, Any], *, quiet: bool) -> SingleTrial:
    """Train one trial; a first Ctrl-C or SIGTERM ends it after the epoch under way.

    Args:
        spec: Checked.
        point: Of its space.
        quiet: Show no progress.

    Raises:
        Interrupted: The user, and no agent, wanted an end.
        LenetmlError: As `single.run_trial`.
    """
    from lenetml.display import make_display
    from lenetml.signals import interrupts

    at_once = Interrupted("interrupted at once")
    # A connection of W&B's that breaks must not end the trial.
    before = signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    try:
        with (
            make_display(quiet=quiet) as display,
            interrupts(display.ending, f"lenetml: {at_once}") as stop,
        ):
            display.stage("loading TensorFlow")
            from lenetml.trial.threads import use_one_thread

            use_one_thread()
            from lenetml.single import run_trial

            trial = run_trial(spec, point, display, stop)
    except KeyboardInterrupt:
        raise at_once from None
    finally:
        signal.signal(signal.SIGPIPE, before)
    if trial.record is not None and trial.status == "stopped" and not is_under_agent():
        epochs = f"{trial.record.epochs} of {trial.record.epochs_limit} epochs"
        raise Interrupted(f"{trial.name}: interrupted after {epochs}; one trial does not go on")
    return trial


def exit_code_of(trial: SingleTrial) -> int:
    """The exit code of a trial that was tried.

    An agent gives up after a few codes other than 0, and hears from its run how a trial ended.
    """
    is_good = trial.status in ("completed", "stopped")
    return 0 if is_good or is_under_agent() else SearchError.exit_code
