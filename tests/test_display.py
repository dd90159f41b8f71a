"""What the display shows on stderr."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from lenetml.display import Live, make_display, tell_trial
from lenetml.record import read_record

COMPLETED = read_record(Path(__file__).parent / "cases").trials[0].model_copy(
    update={
        "number": 2, "values": {"units": 8, "conv": [18, 0.1]}, "objective": 0.87654,
        "best_epoch": 3, "epochs": 5, "seconds": 12.6, "status": "completed", "reason": None,
    }
)  # fmt: skip
FAILED = COMPLETED.model_copy(
    update={"status": "failed", "objective": None, "reason": "non_finite"}
)


def follow(display):
    """What an experiment of two trials tells its display."""
    display.stage("net: loading the data")
    display.search_started("net", 2, "max")
    display.trial_started(1, {"units": 4}, 7, 20)
    display.epoch_ended(1, 1, {"loss": 1.0})
    display.trial_ended(FAILED.model_copy(update={"number": 1}))
    display.trial_started(2, {"units": 8}, 8, 20)
    display.epoch_ended(2, 1, {"loss": 1.0})
    display.trial_ended(COMPLETED)
    display.warn("W&B failed [twice]")


def test_a_completed_trial():
    assert tell_trial(COMPLETED) == "0.8765 at epoch 3 of 5, 13 s; units 8, conv [18, 0.1]"


def test_a_trial_without_hyperparameters():
    trial = COMPLETED.model_copy(update={"values": {}})
    assert tell_trial(trial) == "0.8765 at epoch 3 of 5, 13 s; no hyperparameters"


def test_a_failed_trial():
    assert tell_trial(FAILED) == "failed (non_finite); units 8, conv [18, 0.1]"


def test_lines_where_there_is_no_terminal(capsys):
    with make_display(quiet=False) as display:
        follow(display)
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        "net: loading the data\n"
        "net: trial 1 of 2: failed (non_finite); units 8, conv [18, 0.1]\n"
        "net: trial 2 of 2: 0.8765 at epoch 3 of 5, 13 s; units 8, conv [18, 0.1]\n"
        "warning: W&B failed [twice]\n"
    )


def test_quiet_shows_warnings_alone(capsys):
    with make_display(quiet=True) as display:
        follow(display)
    assert capsys.readouterr() == ("", "warning: W&B failed [twice]\n")


def on_terminal(tell):
    """What a terminal of 120 columns is sent."""
    screen = io.StringIO()
    with Live(Console(file=screen, force_terminal=True, width=120, no_color=True)) as display:
        tell(display)
        display._progress.refresh()
    return screen.getvalue()


def test_a_terminal_shows_a_bar_and_each_trial():
    shown = on_terminal(follow)
    assert "trial 1: failed (non_finite); units 8, conv [18, 0.1]" in shown
    assert "trial 2: 0.8765 at epoch 3 of 5, 13 s; units 8, conv [18, 0.1]" in shown
    assert "trial 2 of 2, epoch 1" in shown
    assert "warning: W&B failed [twice]" in shown


@pytest.mark.parametrize(("direction", "best"), [("max", "0.7500"), ("min", "0.0000")])
def test_the_best_so_far(direction, best):
    def tell(display):
        display.search_started("net", 5, direction)
        for objective in (0.25, 0.0, 0.75, None, 0.5):
            display.trial_ended(COMPLETED.model_copy(update={"objective": objective}))
        display.trial_started(5, {}, 7, 20)
        display.epoch_ended(5, 1, {})

    assert f"trial 5 of 5, epoch 1 of 20, best {best}" in on_terminal(tell)


def test_another_search_begins_without_a_best():
    def tell(display):
        follow(display)
        display.search_started("other", 1, "max")
        display.epoch_ended(1, 4, {})

    assert "trial 1 of 1, epoch 4 " in on_terminal(tell)
