"""The live view: frames as a terminal shows them, and what stays above them."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console
from rich.text import Text
from told_trials import failed_trial, trial_record, trial_start

from lenetml.following import SearchStart
from lenetml.progress import Progress
from lenetml.telling import ENDING
from lenetml.terminal import Terminal, draw_search, open_console

VALUES = {"units": 8, "rate": 0.0012345, "activation": "sigmoid", "batch_norm": True}


def midway(trials=40, n_done=11, executions=1):
    """A search in which a trial has ended and two run."""
    progress = Progress("digits", trials, 2, "max", n_done)
    for number in (12, 13):
        start = trial_start(number, VALUES, epochs=20, executions=executions)
        progress = progress.trial_started(start, 0)
    progress = progress.epoch_ended(12, 1, 1, {"val_accuracy": 0.5}, 1)
    progress = progress.trial_ended(trial_record(12, objective=0.95425), 10)
    start = trial_start(14, VALUES, epochs=20, executions=executions)
    progress = progress.trial_started(start, 10)
    return progress.epoch_ended(13, 1, 9, {"val_accuracy": 0.91234}, 10)


def frame(progress, now=10, width=80, height=24):
    """The lines of one frame."""
    screen = io.StringIO()
    console = Console(file=screen, width=width, height=height, force_terminal=True, no_color=True)
    console.print(draw_search(progress, now, Text("*"), width, height))
    return [line.rstrip() for line in re.sub(r"\x1b\[[\d;]*m", "", screen.getvalue()).split("\n")]


def test_a_frame_of_80_columns():
    assert frame(midway()) == [
        "* digits ━━━         12 of 40  best 0.9542 (trial 12)  9.3 a minute  3 min left",
        "  trial 13  epoch  9 of 20  val_accuracy 0.9123  units 8, rate 0.001234, activa…",
        "  trial 14  starting                             units 8, rate 0.001234, activa…",
        "",
    ]


def test_a_frame_of_120_columns():
    line = "units 8, rate 0.001234, activation sigmoid, batch_norm true"
    assert frame(midway(), width=120) == [
        "* digits ━━━━━━━                  12 of 40  best 0.9542 (trial 12)  9.3 a minute  "
        "3 min left",
        f"  trial 13  epoch  9 of 20  val_accuracy 0.9123  {line}",
        f"  trial 14  starting                             {line}",
        "",
    ]


def test_without_an_end_there_is_no_bar():
    first, *_ = frame(midway(trials=None))
    assert first == "* digits 12 trials  best 0.9542 (trial 12)  9.3 a minute"


def test_which_training_of_a_trial():
    _, first, second, _ = frame(midway(executions=3))
    assert first.startswith("  trial 13 (1 of 3)  epoch  9 of 20  val_accuracy 0.9123  units")
    assert second.startswith("  trial 14           starting  ")


def test_towards_an_early_end_no_time_is_left():
    first, *_ = frame(midway(), now=None, width=100)
    assert first.endswith("  12 of 40  best 0.9542 (trial 12)  ending")


def test_more_trainings_than_half_a_screen():
    progress = Progress("net", None, 64, "max", 0)
    for number in range(1, 65):
        progress = progress.trial_started(trial_start(number, {}), 0)
    lines = frame(progress, height=10)
    assert lines[1:] == [f"  trial {number}  starting" for number in range(1, 6)] + [
        "  and 59 more",
        "",
    ]


def test_a_name_and_values_longer_than_the_screen():
    progress = Progress("a-very-long-name-" * 5, 9, 1, "max", 0)
    progress = progress.trial_started(trial_start(1, {"units": 8} | dict.fromkeys("abcdef", 0)), 0)
    for width in (20, 40, 80):
        assert all(len(line) <= width for line in frame(progress, width=width))


def test_only_a_terminal_gets_a_live_view(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert open_console(io.StringIO()) is None


class TestTerminal:
    """What a terminal is sent over time."""

    @pytest.fixture
    def screen(self):
        return io.StringIO()

    @pytest.fixture
    def display(self, screen):
        self.now = 0.0
        console = Console(file=screen, force_terminal=True, width=120, no_color=True)
        with Terminal(console, lambda: self.now) as display:
            yield display

    def test_a_search(self, display, screen):
        display.search_started(SearchStart("net", 2, 2, "max"))
        display.trial_started(trial_start(1))
        display.trial_started(trial_start(2))
        display.epoch_ended(2, 1, 1, {"val_accuracy": 0.5})
        display._live.refresh()
        assert "trial 2  epoch 1 of 3  val_accuracy 0.5000" in screen.getvalue()
        display.trial_ended(failed_trial(1, values={"conv": [18, 0.1]}))
        display.trial_ended(trial_record(2, values={"units": 8}))
        display.warn("W&B failed [twice]")
        display.ending()
        display._live.refresh()
        lines = screen.getvalue()
        assert "net: 2 trials, 2 at a time\n" in lines
        assert "trial 1: failed: non_finite; conv [18, 0.1]\n" in lines
        assert "trial 2: 0.8500 at epoch 2 of 2, 2 s; units 8\n" in lines
        assert "warning: W&B failed [twice]\n" in lines
        assert f"{ENDING}\n" in lines
        assert "2 of 2  best 0.8500 (trial 2)  ending" in lines

    def test_a_stage_and_how_long_it_lasts(self, display, screen):
        display.stage("reading images: 1,000 of 10,000")
        self.now = 65
        display.stage("reading images: 2,000 of 10,000")
        display._live.refresh()
        assert screen.getvalue().endswith(" reading images: 2,000 of 10,000  1 min")
        display.stage("loading")
        display._live.refresh()
        assert screen.getvalue().endswith(" loading  0 s")

    def test_the_best_trial_of_earlier_lives(self, display, screen):
        earlier = (trial_record(1, objective=0.9), trial_record(2, objective=0.5), failed_trial(3))
        display.search_started(SearchStart("net", 4, 1, "max", earlier))
        display.trial_started(trial_start(4))
        display.trial_ended(trial_record(4, objective=0.8))
        display._live.refresh()
        assert "4 of 4  best 0.9000 (trial 1)" in screen.getvalue()

    def test_results_go_to_stdout_as_they_are(self, display, capsys):
        print("data")
        assert capsys.readouterr().out == "data\n"


def test_the_cursor_is_there_again_after_an_error():
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80)
    with pytest.raises(KeyboardInterrupt), Terminal(console) as display:
        display.stage("loading")
        raise KeyboardInterrupt
    shown = screen.getvalue()
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")
