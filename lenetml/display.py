"""Progress on stderr: a live view on a terminal, plain lines elsewhere, or nothing."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from typing import TYPE_CHECKING, TextIO

from lenetml.record import TrialRecord
from lenetml.telling import ENDING, kind_of_stage, tell_search, tell_trial
from lenetml.terminal import Terminal, open_console

if TYPE_CHECKING:
    from lenetml.following import SearchStart
    from lenetml.search.loop import TrialStart

REPEAT_SECONDS = 2.0


@contextmanager
def make_display(*, quiet: bool) -> Iterator[Silent | Terminal]:
    """Give the display that fits: nothing, a live view, or plain lines."""
    with _own_stderr() as stream:
        console = None if quiet else open_console(stream)
        if console is None:
            yield Silent(stream) if quiet else Lines(stream)
            return
        with Terminal(console) as display:
            yield display


class Silent:
    """Shows nothing but warnings."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def stage(self, text: str) -> None:
        """Something begins that may take a while."""

    def search_started(self, start: SearchStart) -> None:
        """The search of a spec begins, or goes on after earlier trials."""

    def trial_started(self, start: TrialStart) -> None:
        """A trial begins, or goes on."""

    def epoch_ended(
        self, number: int, execution: int, epoch: int, metrics: Mapping[str, float]
    ) -> None:
        """An epoch of a trial is over."""

    def trial_ended(self, trial: TrialRecord) -> None:
        """A trial is over, or over for now."""

    def warn(self, text: str) -> None:
        """Something did not go as asked."""
        self._write(f"warning: {text}")

    def ending(self) -> None:
        """The user wants an end; called from another thread."""
        self._write(ENDING)

    def _write(self, line: str) -> None:
        print(line, file=self._stream, flush=True)


class Lines(Silent):
    """One line a stage and a trial, for logs; of stages that only count on, one in a while.

    Args:
        stream: Where to.
        clock: Gives seconds.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(stream)
        self._clock = clock
        self._name = ""
        self._trials: int | None = None
        self._stage, self._since = "", 0.0
        self._held: str | None = None

    def stage(self, text: str) -> None:
        """Write the stage, or hold it back where it tells little more than the one before."""
        if kind_of_stage(text) != kind_of_stage(self._stage):
            self._let_go()
        elif self._clock() - self._since < REPEAT_SECONDS:
            self._held = text
            return
        self._stage, self._since, self._held = text, self._clock(), None
        self._write(text)

    def search_started(self, start: SearchStart) -> None:
        """Write what is searched."""
        self._let_go()
        self._name, self._trials = start.name, start.trials
        self._write(tell_search(start))

    def trial_ended(self, trial: TrialRecord) -> None:
        """Write how a trial ended."""
        of = f" of {self._trials}" if self._trials else ""
        self._write(f"{self._name}: trial {trial.number}{of}: {tell_trial(trial)}")

    def _let_go(self) -> None:
        """Write what was held back: it was the last of its kind."""
        if self._held is not None:
            self._write(self._held)
        self._held = None


class _Unfailing(TextIOWrapper):
    """A stream whose reader may leave, and whose disk may be full: the search goes on."""

    def write(self, text: str) -> int:
        with suppress(OSError):
            super().write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            super().flush()


@contextmanager
def _own_stderr() -> Iterator[TextIO]:
    """Stderr under another number: TensorFlow is loaded with the first one led to nowhere."""
    number = os.open(os.devnull, os.O_WRONLY) if sys.stderr is None else os.dup(2)
    binary = open(number, "wb")  # noqa: SIM115
    stream = _Unfailing(binary, errors="backslashreplace", line_buffering=True)
    try:
        yield stream
    finally:
        with suppress(OSError):
            stream.close()
