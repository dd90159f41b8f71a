"""Progress on stderr: a live bar on a terminal, one line a trial elsewhere, or nothing.

And what trials and results are in a few words.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from lenetml.record import TrialRecord

if TYPE_CHECKING:
    from lenetml.facts import Finished
    from lenetml.search.asks import Direction
    from lenetml.search.loop import TrialStart

ENDING = "lenetml: ending after the epochs under way; once more ends at once"


@contextmanager
def make_display(*, quiet: bool) -> Iterator[Silent]:
    """Give the display that fits: nothing, a live bar, or plain lines."""
    if quiet:
        yield Silent()
        return
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Lines()
        return
    with Live(console) as display:
        yield display


class Silent:
    """Shows nothing but warnings."""

    def stage(self, text: str) -> None:
        """Something begins that may take a while."""

    def search_started(
        self, name: str, trials: int | None, done: int, n_slots: int, direction: Direction
    ) -> None:
        """The search of a spec begins."""

    def trial_started(self, start: TrialStart) -> None:
        """A trial begins, or goes on."""

    def epoch_ended(
        self, number: int, execution: int, epoch: int, metrics: Mapping[str, float]
    ) -> None:
        """An epoch of a trial is over."""

    def trial_ended(self, trial: TrialRecord) -> None:
        """A trial is over."""

    def warn(self, text: str) -> None:
        """Something did not go as asked."""
        print(f"warning: {text}", file=sys.stderr)

    def ending(self) -> None:
        """The user wants an end; called from another thread."""
        print(ENDING, file=sys.stderr, flush=True)


class Lines(Silent):
    """One line a stage and a trial, for logs."""

    def __init__(self) -> None:
        self._name = ""
        self._trials: int | None = None

    def stage(self, text: str) -> None:
        """Write the stage."""
        print(text, file=sys.stderr, flush=True)

    def search_started(
        self, name: str, trials: int | None, done: int, n_slots: int, direction: Direction
    ) -> None:
        """Remember what is searched."""
        self._name, self._trials = name, trials

    def trial_ended(self, trial: TrialRecord) -> None:
        """Write how a trial ended."""
        of = f" of {self._trials}" if self._trials else ""
        head = f"{self._name}: trial {trial.number}{of}"
        print(f"{head}: {tell_trial(trial)}", file=sys.stderr, flush=True)


class Live(Silent):
    """A bar of trials with the epoch, the best so far and the time left."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[state]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._task: Any = None
        self._trials: int | None = None
        self._epochs = 0
        self._better: Callable[[list[float]], float] = max
        self._objectives: list[float] = []

    def __enter__(self) -> Live:
        self._progress.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._progress.stop()

    def stage(self, text: str) -> None:
        """Show the stage in the place of the bar."""
        self._start_task(text, None)

    def search_started(
        self, name: str, trials: int | None, done: int, n_slots: int, direction: Direction
    ) -> None:
        """Begin a bar with one step a trial."""
        self._trials, self._objectives = trials, []
        self._better = max if direction == "max" else min
        self._start_task(name, trials)

    def trial_started(self, start: TrialStart) -> None:
        """Remember how long the trial may last."""
        self._epochs = start.epochs

    def epoch_ended(
        self, number: int, execution: int, epoch: int, metrics: Mapping[str, float]
    ) -> None:
        """Show the epoch and the best trial so far."""
        best = f", best {_ratio(self._better(self._objectives))}" if self._objectives else ""
        state = f"trial {number} of {self._trials}, epoch {epoch} of {self._epochs}{best}"
        completed = number - 1 + epoch / self._epochs
        self._progress.update(self._task, state=state, completed=completed)

    def trial_ended(self, trial: TrialRecord) -> None:
        """Write how the trial ended above the bar, and advance it."""
        self._console.print(escape(f"trial {trial.number}: {tell_trial(trial)}"), highlight=False)
        if trial.objective is not None:
            self._objectives.append(trial.objective)
        self._progress.update(self._task, completed=trial.number)

    def warn(self, text: str) -> None:
        """Write a warning above the bar."""
        self._console.print(escape(f"warning: {text}"), highlight=False)

    def _start_task(self, text: str, total: int | None) -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(escape(text), total=total, state="")


def tell_trial(trial: TrialRecord) -> str:
    """How a trial ended, in one line."""
    values = _values(trial.values)
    if trial.objective is None:
        return f"{trial.status} ({trial.reason}); {values}"
    return (
        f"{_ratio(trial.objective)} at epoch {trial.best_epoch} of {trial.epochs}, "
        f"{trial.seconds:.0f} s; {values or 'no hyperparameters'}"
    )


def tell_result(finished: Finished) -> str:
    """The short result at the end: what won, how good it is, where everything lies."""
    record = finished.record
    lines = [f"{record.name}: " + ("done" if finished.is_new else "was done before")]
    if record.test is not None:
        accuracy, low, high = map(_ratio, [record.test.accuracy, *record.test.accuracy_interval])
        images = f"{record.test.correct} of {record.test.n}, look {record.test.look}"
        lines.append(f"  test accuracy {accuracy}  (95 % {low} to {high}, {images})")
    values = _values(record.best.values)
    lines.append(
        f"  trial {record.best.number} of {len(record.trials)}" + (values and f": {values}")
    )
    lines += [f"  {path}" for path in (*finished.cards, finished.folder)]
    return "\n".join(lines)


def _values(values: Mapping[str, Any]) -> str:
    """Drawn values, reals to four significant digits."""
    return ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in values.items()
    )


def _ratio(value: float) -> str:
    """Four decimals, rounded by the decimal digits as the card does: 0.96425 is 0.9642."""
    return f"{Decimal(repr(value)):.4f}"
