"""Ctrl-C and SIGTERM: once and twice, by the command line in child processes."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import time

import pytest
from command_line import HEARS_SIGINT, LIMIT_SECONDS, LONG, finish, start, write_specs
from wandb_files import read_runs

from lenetml.search.journal import JOURNAL_NAME, read_journal
from lenetml.signals import Interrupts
from lenetml.telling import ENDING

ON_TERMINAL = "import fcntl, termios; fcntl.ioctl(2, termios.TIOCSCTTY, 0)\n" + HEARS_SIGINT
SHOWN_CURSOR = "\x1b[?25h"
# An epoch of it takes longer than the patience behind a second Ctrl-C.
SLOW = LONG.replace("name: long", "name: slow").replace(
    "[flatten]", "[conv2d: {filters: 600, kernel_size: 5, padding: same}, "
    "conv2d: {filters: 600, kernel_size: 5, padding: same}, flatten]",
)  # fmt: skip
MIRRORED = LONG + "wandb: {project: p, mode: offline}\n"


@pytest.fixture
def folder(tmp_path):
    """A working folder with specs."""
    folder = write_specs(tmp_path)
    (folder / "slow.yaml").write_text(SLOW)
    (folder / "mirrored.yaml").write_text(MIRRORED)
    return folder


class OnTerminal:
    """A command in a terminal of its own, which hears Ctrl-C as a user's does."""

    def __init__(self, folder, *arguments):
        self._ours, theirs = pty.openpty()
        self.child = start(
            folder, *arguments, code=ON_TERMINAL, stderr=theirs, own_group=True, TERM="xterm"
        )
        os.close(theirs)
        self.shown = ""

    def read_until(self, pattern):
        """Read what is shown until it matches; give it as soon as it does."""
        while not re.search(pattern, self.shown):
            self._read()

    def press_ctrl_c(self):
        os.write(self._ours, b"\x03")

    def finish(self):
        """Give the exit code when the command has ended, with all that was shown."""
        try:
            while True:
                self._read()
        except OSError:  # a terminal without writers
            os.close(self._ours)
        self.child.stdout.close()
        return self.child.wait(LIMIT_SECONDS)

    def _read(self):
        part = os.read(self._ours, 4096)
        if not part:
            raise OSError("nobody writes any more")
        self.shown += part.decode(errors="replace")


def wait_for(folder, child, n_trainings):
    """Wait until so many trainings began; give the journal."""
    while child.poll() is None:
        for journal in folder.glob(f"runs/*/{JOURNAL_NAME}"):
            if journal.read_bytes().count(b'"training_started"') >= n_trainings:
                return journal
        time.sleep(0.05)
    raise AssertionError(finish(child))


def wait_until_empty(group):
    """Wait until no process of a group is left; the workers look after their driver each second."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    raise AssertionError("somebody is left")


def ended_in_order(journal):
    """Whether a journal says that its search was interrupted, with every training accounted for."""
    events = read_journal(journal)
    kinds = [event["event"] for event in events]
    end = next(event for event in events if event["event"] == "search_ended")
    assert kinds.count("training_started") == kinds.count("training_interrupted")
    return end["reason"] == "interrupted"


@pytest.mark.slow
class TestOnce:
    """Everything ends after the epochs under way."""

    def test_ctrl_c_reaches_the_whole_group(self, folder):
        """Workers and W&B do not hear it: the driver tells them when to end."""
        child = start(
            folder, "run", "mirrored.yaml", "tiny.yaml", "--workers", "2", "--fresh",
            code=HEARS_SIGINT, own_group=True,
        )  # fmt: skip
        journal = wait_for(folder, child, 2)
        os.killpg(child.pid, signal.SIGINT)
        code, out, err = finish(child)
        run = journal.parent.relative_to(folder)
        assert (code, out) == (130, "")
        assert err == (
            "loading TensorFlow\nlong: loading the data\nlong: 100 trials, 2 at a time\n"
            f"{ENDING}\n"
            f"lenetml: long: interrupted; {run}/{JOURNAL_NAME} holds what was finished\n"
            "    to go on: lenetml run mirrored.yaml tiny.yaml --workers 2\n"
            "lenetml: interrupted before tiny.yaml\n"
            "    to go on: lenetml run mirrored.yaml tiny.yaml --workers 2\n"
        )
        assert ended_in_order(journal)
        wait_until_empty(child.pid)
        mirrored = read_runs(journal.parent)
        assert list(mirrored) == ["long-trial-01", "long-trial-02"]
        for told in mirrored.values():
            assert told.exit_code == 1
            assert [row["epoch"] for row in told.history] == list(range(1, len(told.history) + 1))
            assert told.history

    @pytest.mark.parametrize(("workers", "kill"), [("0", os.kill), ("2", os.killpg)])
    def test_sigterm(self, folder, workers, kill):
        """To the driver alone, and to the whole group, as service managers and clusters do."""
        child = start(folder, "run", "long.yaml", "--workers", workers, "--json", own_group=True)
        journal = wait_for(folder, child, max(1, int(workers)))
        kill(child.pid, signal.SIGTERM)
        code, out, err = finish(child)
        assert code == 130
        assert '"exit_code": 130' in out
        assert f"{ENDING}\n" in err
        assert "warning" not in err
        assert err.endswith(f"    to go on: lenetml run long.yaml --workers {workers} --json\n")
        assert ended_in_order(journal)
        wait_until_empty(child.pid)

    def test_on_a_terminal(self, folder):
        command = OnTerminal(folder, "run", "long.yaml", "--workers", "2")
        command.read_until(r"trial 2  epoch +\d+ of")
        command.press_ctrl_c()
        command.read_until(re.escape(ENDING))
        assert command.finish() == 130
        assert "    to go on: lenetml run long.yaml --workers 2\r\n" in command.shown
        assert command.shown.rindex(SHOWN_CURSOR) > command.shown.rindex("\x1b[?25l")
        (journal,) = folder.glob(f"runs/*/{JOURNAL_NAME}")
        assert ended_in_order(journal)
        wait_until_empty(command.child.pid)

    def test_before_anything_is_trained(self, folder):
        command = OnTerminal(folder, "run", "tiny.yaml")
        command.read_until("loading TensorFlow")
        command.press_ctrl_c()
        command.read_until(re.escape(ENDING))
        assert command.finish() == 130
        assert "interrupted" in command.shown
        assert "    to go on: lenetml run tiny.yaml\r\n" in command.shown


@pytest.mark.slow
class TestTwice:
    """Everything ends at once."""

    @pytest.mark.parametrize(
        ("spec", "workers", "shown"),
        [
            ("long.yaml", "2", r"trial 2  epoch +\d+ of"),
            ("slow.yaml", "2", "trial 2  starting"),
            ("slow.yaml", "0", "trial 1  starting"),
        ],
    )
    def test_on_a_terminal(self, folder, spec, workers, shown):
        command = OnTerminal(folder, "run", spec, "--workers", workers, "--fresh")
        command.read_until(shown)
        command.press_ctrl_c()
        command.read_until(re.escape(ENDING))
        command.press_ctrl_c()
        assert command.finish() == 130
        advice = f"    to go on: lenetml run {spec} --workers {workers}\r\n"
        assert command.shown.endswith(f"lenetml: interrupted at once\r\n{advice}")
        assert command.shown.rindex(SHOWN_CURSOR) > command.shown.rindex("\x1b[?25l")
        wait_until_empty(command.child.pid)
        (journal,) = folder.glob(f"runs/*/{JOURNAL_NAME}")
        assert read_journal(journal)[-1]["event"] in ("training_started", "spent")


def test_what_ends_everything_is_raised_once():
    """Else it would end that very end half way, and leave workers behind."""
    heard = Interrupts(lambda: None, "bye")
    heard.act(signal.SIGINT, None)
    with pytest.raises(KeyboardInterrupt):
        heard.act(signal.SIGINT, None)
    heard.act(signal.SIGTERM, None)


def test_signals_are_heard_and_given_back():
    """In a process of its own: the handlers are those of the whole process."""
    code = """
import os, signal, threading
from lenetml.signals import interrupts
before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
with interrupts(print, "bye") as stop:
    print(stop.is_set())
print(before == [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)])
told = threading.Event()
try:
    with interrupts(lambda: (print("ending", flush=True), told.set()), "bye") as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        told.wait()
        print(stop.is_set())
        os.kill(os.getpid(), signal.SIGINT)
        threading.Event().wait()
except KeyboardInterrupt:
    print("at once", flush=True)
os.kill(os.getpid(), signal.SIGINT)
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.stdout == "False\nTrue\nending\nTrue\nat once\n"
    assert (answer.stderr, answer.returncode) == ("", -signal.SIGINT)
