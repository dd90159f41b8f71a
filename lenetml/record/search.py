"""The part of a record on the search: its space, its trials and how it ended."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from lenetml.record.metrics import Metrics
from lenetml.values import Value


class Hyperparameter(Value):
    """One hyperparameter of the search space, as the spec declares it."""

    name: str
    values: list[Any] | None = Field(description="All values, or null where it is a range.")
    low: int | float | None = None
    high: int | float | None = None
    step: int | float | None = Field(default=None, description="Only multiples of it are drawn.")
    is_log: bool = Field(default=False, description="Drawn evenly on a logarithmic scale.")
    when: dict[str, list[Any]] = Field(
        default={}, description="It exists only where each of these has one of the values."
    )


class Continuation(Value):
    """A run that went on."""

    at: str
    changed_versions: dict[str, list[str]] = Field(
        description="Versions that differ from those that the search began with: before, now."
    )
    corrected_asks: int = Field(
        description="Trials whose values this version would have chosen otherwise."
    )


class HyperparameterImportance(Value):
    """By how much R² on held-out trials drops where one hyperparameter's values are dealt anew."""

    name: str
    drop: float = Field(description="Mean over the repeats.")
    low: float = Field(description="Least of the repeats.")
    high: float = Field(description="Largest of the repeats.")


class Importance(Value):
    """Permutation importance of hyperparameters, by random forests on held-out trials."""

    trials: int = Field(description="Completed trials that the forests saw, at least 30.")
    r2: float = Field(
        description="How well the forests predict ranks of held-out trials: 1 is perfectly, 0 or "
        "less not at all, and then importance says nothing."
    )
    repeats: int = Field(description="Of the division into five parts, with other seeds.")
    hyperparameters: list[HyperparameterImportance]


class SearchRecord(Value):
    """The search as a whole."""

    strategy: str | None = Field(description="null: the spec is one fixed network.")
    objective: str
    direction: Literal["max", "min"]
    trials_asked: int
    ended: Literal["trials", "exhausted", "time_limit"]
    seconds: float = Field(description="Of all continuations together.")
    continuations: list[Continuation] = Field(
        default=[],
        description="Each time that the run went on: after an interruption, or for more.",
    )
    space: list[Hyperparameter]
    space_size: int | None = Field(
        description="Points of a finite space; null: not finite, or not counted."
    )
    impossible_share: float = Field(description="Share of drawn points that cannot be built.")
    importance: Importance | None = Field(
        default=None, description="null: fewer than 30 trials completed, or all came out alike."
    )


class ExecutionRecord(Value):
    """One training of a trial's values, whatever became of it."""

    seed: int
    status: Literal["completed", "failed", "stopped"] = Field(
        description="stopped: it ended before its last epoch, as the strategy wanted."
    )
    objective: float | None
    epochs: int = Field(description="Epochs run.")
    best_epoch: int | None = Field(description="From 1; the epoch of the kept weights.")
    history: dict[str, list[float]]
    val: Metrics | None
    images_trained: int
    seconds: float
    core_seconds: float | None = Field(description="null: its worker died or was ended.")
    reason: str | None
    message: str | None = None


class TrialRecord(Value):
    """One trial, whatever became of it."""

    number: int
    status: Literal["completed", "failed", "stopped", "interrupted"]
    values: dict[str, Any]
    seed: int
    objective: float | None
    epochs: int = Field(description="Epochs run.")
    epochs_limit: int = Field(description="Epochs that the values ask for.")
    best_epoch: int | None = Field(description="From 1; the epoch of the kept weights.")
    history: dict[str, list[float]] = Field(
        description="Per epoch: loss, accuracy, val_loss, val_accuracy, and what is searched for."
    )
    val: Metrics | None
    parameters: int
    macs: int
    images_trained: int
    seconds: float
    core_seconds: float | None = Field(description="null: its worker died or was ended.")
    guessing: bool | None = Field(
        description="Not distinguishable from guessing: one-sided binomial test of val against "
        "the majority rate, corrected for the number of trials."
    )
    reason: str | None
    message: str | None = None
    executions: list[ExecutionRecord] = Field(
        default=[],
        description="Where a trial is trained more than once: every training. Its objective is "
        "their mean; history, seed and scores are those of the best.",
    )
    confirmed: list[float | None] = Field(
        default=[], description="The objective under further seeds; null: that training failed."
    )
