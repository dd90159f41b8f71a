"""Starting and ending processes without being interrupted half way by Ctrl-C or SIGTERM."""

from __future__ import annotations

import multiprocessing.resource_tracker
import signal
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Act on signals that come meanwhile afterwards; in the main thread alone.

    A process that is started meanwhile never hears of them: its driver tells it when to end.
    """
    # Python 3.11 lets them through again when it starts its tracker with the first process.
    multiprocessing.resource_tracker.ensure_running()
    held: list[int] = []
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    # Another thread may take a signal, and Python would act on it in this one all the same.
    handlers = [signal.signal(each, lambda number, _: held.append(number)) for each in SIGNALS]
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for each, handler in zip(SIGNALS, handlers, strict=True):
            signal.signal(each, handler)
        for each, handler in zip(SIGNALS, handlers, strict=True):
            if each in held and callable(handler):
                handler(each, None)
            elif each in held:
                signal.raise_signal(each)
