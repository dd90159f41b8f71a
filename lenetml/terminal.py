"""The live view of a search on a terminal, what runs below what ended: the one door to rich."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from lenetml.progress import Progress, Training, better
from lenetml.record import TrialRecord
from lenetml.telling import (
    ENDING,
    kind_of_stage,
    tell_ratio,
    tell_search,
    tell_span,
    tell_trial,
    tell_values,
)

if TYPE_CHECKING:
    from lenetml.following import SearchStart
    from lenetml.search.loop import TrialStart

FRAMES_PER_SECOND = 8
LEAST_BAR, WIDEST_BAR = 8, 24


def open_console(stream: TextIO) -> Console | None:
    """Give the console of a terminal that can show a live view; None: it is none."""
    console = Console(file=stream)
    # FORCE_COLOR makes a terminal of a log in rich's eyes.
    return console if stream.isatty() and console.is_interactive else None


class Terminal:
    """What runs now, below the trials that ended.

    Args:
        console: Of a terminal.
        clock: Gives seconds.
    """

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console, self._clock = console, clock
        self._spinner = Spinner("line" if console.options.ascii_only else "dots")
        self._stage, self._since = "", clock()
        self._is_ending = False
        # The thread that draws reads this alone: a frozen value, put in place at once.
        self._progress: Progress | None = None
        self._live = Live(
            console=console,
            get_renderable=self._frame,
            refresh_per_second=FRAMES_PER_SECOND,
            transient=True,
            redirect_stdout=False,
        )

    def __enter__(self) -> Terminal:
        self._live.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._live.stop()

    def stage(self, text: str) -> None:
        """Show the stage, and how long it has lasted."""
        if self._progress is not None or kind_of_stage(text) != kind_of_stage(self._stage):
            self._since = self._clock()
        self._stage, self._progress = text, None

    def search_started(self, start: SearchStart) -> None:
        """Write what is searched, and begin to show it."""
        self._write(tell_search(start))
        best = None
        for trial in start.earlier:
            best = better(best, trial, start.direction)
        self._progress = Progress(
            start.name, start.trials, start.n_slots, start.direction, len(start.earlier), best
        )

    def trial_started(self, start: TrialStart) -> None:
        """Show a trial."""
        assert self._progress is not None
        self._progress = self._progress.trial_started(start, self._clock())

    def epoch_ended(
        self, number: int, execution: int, epoch: int, metrics: Mapping[str, float]
    ) -> None:
        """Show how far a training is, and how good."""
        assert self._progress is not None
        self._progress = self._progress.epoch_ended(
            number, execution, epoch, metrics, self._clock()
        )

    def trial_ended(self, trial: TrialRecord) -> None:
        """Write how a trial ended above what runs."""
        assert self._progress is not None
        self._progress = self._progress.trial_ended(trial, self._clock())
        self._write(f"trial {trial.number}: {tell_trial(trial)}")

    def warn(self, text: str) -> None:
        """Write a warning above what runs."""
        self._write(f"warning: {text}")

    def ending(self) -> None:
        """The user wants an end; called from another thread."""
        self._is_ending = True
        self._write(ENDING)

    def _write(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _frame(self) -> RenderableType:
        """What is to be seen now; called from the thread that draws."""
        progress, now = self._progress, self._clock()
        if progress is not None:
            moment = None if self._is_ending else now
            return draw_search(progress, moment, self._spinner, *self._console.size)
        lasts = tell_span(now - self._since)
        return _beside(self._spinner, Text(f"{self._stage}  {lasts}")) if self._stage else ""


def draw_search(
    progress: Progress, now: float | None, spinner: RenderableType, width: int, height: int
) -> RenderableType:
    """Draw a line for the search, and one for each training, as many as half a screen holds.

    Args:
        progress: Where the search stands.
        now: The moment, by the clock of `progress`; None: the search is about to end.
        spinner: Shows that somebody is alive.
        width: Columns of the screen.
        height: Lines of the screen.
    """
    facts = Text("  ".join(_facts(progress, now)))
    columns: list[RenderableType] = [spinner, Text(progress.name)]
    if progress.trials is not None:
        room = width - 5 - len(progress.name) - len(facts)
        bar_width = min(max(room, LEAST_BAR), WIDEST_BAR)
        columns.append(ProgressBar(progress.trials, progress.completed, width=bar_width))
    trainings = progress.trainings
    n_shown = max(1, height // 2)
    rows = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(4):
        rows.add_column()
    for training in trainings[:n_shown]:
        rows.add_row(*map(_cut, _row(training)))
    n_hidden = len(trainings) - n_shown
    more = [Text(f"  and {n_hidden} more")] if n_hidden > 0 else []
    return Group(_beside(*columns, facts), rows, *more)


def _facts(progress: Progress, now: float | None) -> Iterator[str]:
    """What there is to say of a search in a few words."""
    if progress.trials is None:
        yield "1 trial" if progress.n_done == 1 else f"{progress.n_done} trials"
    else:
        yield f"{progress.n_done} of {progress.trials}"
    if progress.best:
        yield f"best {tell_ratio(progress.best.objective)} (trial {progress.best.number})"
    if now is None:
        yield "ending"
        return
    if (speed := progress.trials_per_minute) is not None and progress.trials != 1:
        yield f"{speed:.2g} a minute" if speed < 10 else f"{speed:.0f} a minute"
    if (seconds := progress.seconds_left(now)) is not None:
        yield f"{tell_span(seconds)} left"


def _row(training: Training) -> tuple[str, str, str, str]:
    """Which training, its epoch, how good it is, and its values."""
    start = training.start
    of = f" ({training.execution} of {start.executions})" if training.execution else ""
    which = f"  trial {start.number}" + (of if start.executions > 1 else "")
    width = len(str(start.epochs))
    epoch = f"epoch {training.epoch:>{width}} of {start.epochs}" if training.epoch else "starting"
    objective = ""
    if training.objective is not None:
        name, value = training.objective
        objective = f"{name} {tell_ratio(value)}"
    return which, epoch, objective, tell_values(start.values)


def _beside(*cells: RenderableType) -> Table:
    """Put things into one line; text that is too long for it is cut."""
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_row(*(_cut(cell.plain) if isinstance(cell, Text) else cell for cell in cells))
    return table


def _cut(text: str) -> Text:
    return Text(text, no_wrap=True, overflow="ellipsis")
