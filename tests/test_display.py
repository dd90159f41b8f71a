"""What the display shows where there is no terminal, and which display is chosen."""

from __future__ import annotations

import io
import os
import pty
from contextlib import contextmanager
from pathlib import Path

import pytest
from told_trials import failed_trial, trial_record, trial_start

from lenetml.display import Lines, make_display
from lenetml.following import SearchStart
from lenetml.telling import ENDING
from lenetml.terminal import Terminal

TRIAL = trial_record(2, values={"units": 8}, objective=0.87654)


def follow(display):
    """What an experiment of two trials tells its display."""
    display.stage("net: loading the data")
    display.search_started(SearchStart("net", 2, 2, "max"))
    display.trial_started(trial_start(1))
    display.trial_started(trial_start(2))
    display.epoch_ended(1, 1, 1, {"loss": 1.0})
    display.trial_ended(failed_trial(1, values={"units": 4}))
    display.trial_ended(TRIAL)
    display.warn("W&B failed [twice]")
    display.ending()


def test_lines_where_there_is_no_terminal(capfd, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    with make_display(quiet=False) as display:
        follow(display)
    assert capfd.readouterr() == (
        "",
        "net: loading the data\n"
        "net: 2 trials, 2 at a time\n"
        "net: trial 1 of 2: failed: non_finite; units 4\n"
        "net: trial 2 of 2: 0.8765 at epoch 2 of 2, 2 s; units 8\n"
        "warning: W&B failed [twice]\n"
        f"{ENDING}\n",
    )


def test_quiet_shows_warnings_alone(capfd):
    with make_display(quiet=True) as display:
        follow(display)
    assert capfd.readouterr() == ("", f"warning: W&B failed [twice]\n{ENDING}\n")


def test_what_is_written_while_stderr_leads_to_nowhere_is_seen(capfd):
    """TensorFlow is loaded like that."""
    with make_display(quiet=False) as display:
        stderr, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        try:
            display.ending()
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            os.close(nowhere)
    assert capfd.readouterr().err == f"{ENDING}\n"


def test_without_a_stderr_nothing_is_shown(monkeypatch, capfd):
    monkeypatch.setattr("sys.stderr", None)
    with make_display(quiet=False) as display:
        follow(display)
    assert capfd.readouterr() == ("", "")


@contextmanager
def stderr_led_to(writing):
    before = os.dup(2)
    os.dup2(writing, 2)
    os.close(writing)
    try:
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)


@pytest.mark.parametrize("quiet", [False, True])
def test_a_reader_that_leaves_does_not_end_the_search(quiet):
    reading, writing = os.pipe()
    with stderr_led_to(writing), make_display(quiet=quiet) as display:
        os.close(reading)
        follow(display)


def test_a_terminal_that_is_closed_does_not_end_the_search(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    ours, theirs = pty.openpty()
    with stderr_led_to(theirs), make_display(quiet=False) as display:
        assert isinstance(display, Terminal)
        os.close(ours)
        follow(display)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is full")
def test_a_full_disk_under_the_log_does_not_end_the_search():
    full = os.open("/dev/full", os.O_WRONLY)
    with stderr_led_to(full), make_display(quiet=False) as display:
        # More than any buffer holds.
        for _ in range(1000):
            follow(display)


def test_a_search_of_nobody_knows_how_many(capfd):
    with make_display(quiet=False) as display:
        display.search_started(SearchStart("net", None, 1, "max"))
        display.trial_ended(TRIAL)
    assert capfd.readouterr().err == (
        "net: searching\nnet: trial 2: 0.8765 at epoch 2 of 2, 2 s; units 8\n"
    )


class TestStagesThatCountOn:
    """Of those that differ in their numbers alone, one in two seconds is written, and the last."""

    @pytest.fixture
    def log(self):
        return io.StringIO()

    @pytest.fixture
    def at(self, log):
        """Tell a stage at a moment."""
        moment = 0.0
        lines = Lines(log, lambda: moment)

        def tell(seconds, text):
            nonlocal moment
            moment = seconds
            lines.stage(text)

        tell.lines = lines
        return tell

    def test_they_do_not_flood_a_log(self, at, log):
        for number in range(1, 1001):
            at(number / 200, f"net: going on where it was, {number} trials replayed")
        at(6, "net: testing the winner, trial 3")
        told = [line.split(", ")[1] for line in log.getvalue().splitlines()]
        assert told == [
            "1 trials replayed", "401 trials replayed", "801 trials replayed",
            "1000 trials replayed", "trial 3",
        ]  # fmt: skip

    def test_a_search_lets_the_last_one_go(self, at, log):
        at(0, "reading images: 1,000 of 10,000")
        at(1, "reading images: 10,000 of 10,000")
        at.lines.search_started(SearchStart("net", 2, 1, "max"))
        assert log.getvalue().splitlines() == [
            "reading images: 1,000 of 10,000", "reading images: 10,000 of 10,000", "net: 2 trials",
        ]  # fmt: skip

    def test_others_are_written_at_once(self, at, log):
        stages = ["a: loading the data", "b: loading the data", "a: loading the data"]
        for stage in stages:
            at(0, stage)
        assert log.getvalue().splitlines() == stages
