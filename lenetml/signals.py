"""Ctrl-C and SIGTERM: once, everything ends after the epochs under way; twice, at once."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
EXIT_CODE = 130
# A compiled epoch in this very process hears nothing; after this long it is left where it is.
GRACE_SECONDS = 3.0
SHOW_CURSOR = "\x1b[?25h\n"


class Interrupts:
    """How often the user wanted an end.

    Args:
        on_first: Is called once, in a thread of its own, in the moment that the first comes.
        farewell: Is written to stderr where the second cannot end what runs.
    """

    def __init__(self, on_first: Callable[[], None], farewell: str) -> None:
        self._on_first = on_first
        self._farewell: str | None = farewell
        self._n_heard = 0
        self._n_acted_on = 0
        self._has_raised = False

    def is_set(self) -> bool:
        """Whether the user wants everything to end after the epochs under way."""
        return self._n_heard > 0

    def hear(self) -> None:
        """Take in a signal, in the very moment that it comes."""
        self._n_heard += 1
        if self._n_heard == 1:
            self._on_first()
        else:
            time.sleep(GRACE_SECONDS)
            self._leave()

    def no_farewell(self) -> None:
        """Leave the farewell to the main thread, which ended what ran."""
        self._farewell = None

    def act(self, number: int, frame: FrameType | None) -> None:
        """Take in a signal as soon as Python runs; the second one ends what runs."""
        self._n_acted_on += 1
        # Two signals that came while a compiled epoch ran are told as one; where they are told one
        # after the other, a second interrupt would end the closing of workers half way.
        if max(self._n_acted_on, self._n_heard) > 1 and not self._has_raised:
            self._has_raised = True
            raise KeyboardInterrupt

    def _leave(self) -> None:
        if self._farewell is not None:
            restored = SHOW_CURSOR if os.isatty(2) else ""
            with suppress(OSError):
                os.write(2, f"{restored}{self._farewell}\n".encode(errors="backslashreplace"))
        os._exit(EXIT_CODE)


@contextmanager
def interrupts(on_first: Callable[[], None], farewell: str) -> Iterator[Interrupts]:
    """Turn Ctrl-C and SIGTERM into something to ask for.

    Must be entered in the main thread. After it was left, a further signal ends the process where
    one came before.

    Args:
        on_first: Is called once, in a thread of its own, in the moment that the first comes.
        farewell: Is written to stderr where the second cannot end what runs.
    """
    heard = Interrupts(on_first, farewell)
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    threading.Thread(target=_listen, args=[reading, heard], daemon=True).start()
    before = [signal.signal(number, heard.act) for number in SIGNALS]
    wakeup = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        yield heard
    finally:
        heard.no_farewell()
        signal.set_wakeup_fd(wakeup)
        for number, handler in zip(SIGNALS, before, strict=True):
            signal.signal(number, signal.SIG_DFL if heard.is_set() else handler)
        os.close(writing)


def _listen(reading: int, heard: Interrupts) -> None:
    """Hear of each signal when it comes; other signals with a handler come here, too."""
    while numbers := os.read(reading, 1):
        if numbers[0] in SIGNALS:
            heard.hear()
    os.close(reading)
