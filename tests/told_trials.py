"""Trials as a search tells its listeners of them."""

from __future__ import annotations

from lenetml.record import Metrics, TrialRecord
from lenetml.search.loop import TrialStart

VALUES = {"activation": "tanh", "conv": [18, 0.1], "batch_norm": True, "learning_rate": 0.001}
HISTORY = {
    "loss": [0.5, 0.25],
    "accuracy": [0.8, 0.9],
    "val_loss": [0.75, 0.5],
    "val_accuracy": [0.7, 0.85],
}
VAL = Metrics(n=20, correct=17, accuracy=0.85, precision=0.86, recall=0.84, f1=0.83, loss=0.5)


def trial_start(number=1, values=VALUES, seed=4711, epochs=3, executions=1, history=None):
    """A trial that begins, or goes on where it has a history."""
    return TrialStart(number, values, seed, epochs, executions, history or {})


def trial_record(number=1, **changes):
    """A trial that ended well, or as the changes say."""
    facts = {
        "number": number,
        "status": "completed",
        "values": VALUES,
        "seed": 4711,
        "objective": 0.85,
        "epochs": 2,
        "epochs_limit": 2,
        "best_epoch": 2,
        "history": HISTORY,
        "val": VAL,
        "parameters": 61706,
        "macs": 416520,
        "images_trained": 100,
        "seconds": 1.5,
        "core_seconds": 1.25,
        "guessing": False,
        "reason": None,
    }
    return TrialRecord(**(facts | changes))


def failed_trial(number=1, **changes):
    """A trial that failed."""
    facts = {"objective": None, "best_epoch": None, "val": None, "history": {}}
    return trial_record(number, status="failed", reason="non_finite", **(facts | changes))
