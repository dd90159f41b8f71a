"""Signals while a process starts or ends: to the process, and by way of another thread."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest

from lenetml.search.undisturbed import undisturbed


@pytest.fixture
def heard():
    """What the handler of SIGTERM heard, in turn with what a test notes."""
    heard = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    yield heard
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("by_thread", [False, True])
def test_a_signal_is_acted_on_afterwards(heard, by_thread):
    mask, handler = signal.pthread_sigmask(signal.SIG_BLOCK, []), signal.getsignal(signal.SIGTERM)
    begins = threading.Event()

    def take():
        begins.wait()
        signal.raise_signal(signal.SIGTERM)

    # It began before, and so it takes signals.
    thread = threading.Thread(target=take)
    thread.start()
    with undisturbed():
        if not by_thread:
            signal.raise_signal(signal.SIGTERM)
        else:
            begins.set()
            thread.join()
        heard.append("undisturbed")
    assert heard[:2] == ["undisturbed", signal.SIGTERM]
    begins.set()
    thread.join()
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == mask
    assert signal.getsignal(signal.SIGTERM) is handler


def test_an_interrupt_comes_afterwards():
    done = []
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), undisturbed():
            signal.raise_signal(signal.SIGINT)
            done.append("all")
    finally:
        signal.signal(signal.SIGINT, before)
    assert done == ["all"]


def test_a_signal_without_a_handler_ends_the_process_afterwards():
    code = """
import os, signal
from lenetml.search.undisturbed import undisturbed
with undisturbed():
    os.kill(os.getpid(), signal.SIGTERM)
    print("done", flush=True)
print("later")
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (answer.stdout, answer.returncode) == ("done\n", -signal.SIGTERM), answer.stderr


def test_a_process_that_starts_meanwhile_never_hears_of_signals():
    with undisturbed():
        child = subprocess.run(
            [sys.executable, "-c", "import signal; print(*signal.pthread_sigmask(0, []))"],
            capture_output=True, text=True,
        )  # fmt: skip
    assert child.stdout == "2 15\n"
