"""The part of a record on what follows the search: the winner, its seeds and its baselines."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from lenetml.record.metrics import McNemar, Metrics, TestRecord
from lenetml.values import Value


class LayerRecord(Value):
    """One layer of the chosen network."""

    layer: str
    arguments: dict[str, Any] = Field(
        default={}, description="As a spec writes them, defaults filled in."
    )
    output_shape: list[int]
    parameters: int
    macs: int


class SelectedFrom(Value):
    """How many candidates a selected validation value is the best of."""

    trials: int
    epochs: int


class Rivals(Value):
    """The other completed trials, compared with the chosen one on the validation images."""

    runner_up: int = Field(description="The best of them, as the search ranks them.")
    mcnemar: McNemar = Field(description="The chosen trial (this) and the runner-up (other).")
    compared: int = Field(description="How many other trials there are.")
    indistinguishable: int = Field(
        description="Those whose exact McNemar test against the chosen one gives p of 0.05 or more."
    )


class CutOff(Value):
    """Training images whose content augmentation moves out of the frame."""

    share: float = Field(
        description="Of images that lose more than 5 % of what differs from their background "
        "at an end of the shift or zoom ranges, each alone."
    )
    images: int = Field(description="How many were looked at.")


class BestRecord(Value):
    """The chosen trial."""

    number: int
    values: dict[str, Any]
    val: Metrics
    selected_by: Literal["best", "one_standard_error", "confirm"] = "best"
    best_epoch: int
    epochs: int
    epochs_limit: int
    selected_from: SelectedFrom
    architecture: list[LayerRecord]
    parameters: int
    trainable_parameters: int
    macs: int
    training: dict[str, Any] = Field(
        description="The training section at this point, defaults filled in: the keys that its "
        "optimizer and schedule read."
    )
    augmentation: dict[str, Any] = Field(description="The augmentation section at this point.")
    rivals: Rivals | None = Field(default=None, description="null: no other trial completed.")
    cut_off: CutOff | None = Field(
        default=None,
        description="null: nothing is shifted or enlarged, or images have no background.",
    )
    model_bytes: int
    model_sha256: str


class EarlierTest(Value):
    """What was found on the test part before more trials were added."""

    trials: int = Field(description="Trials of the search at that time.")
    winner: int
    epochs: int = Field(description="That the winner had run.")
    values: dict[str, Any]
    test: TestRecord


class SeedRecord(Value):
    """The winner's configuration under another seed; it never replaces the winner."""

    seed: int
    status: Literal["completed", "failed"]
    best_epoch: int | None
    epochs: int
    val: Metrics | None
    test: TestRecord | None
    images_trained: int
    seconds: float
    core_seconds: float | None
    reason: str | None


class MeanDifference(Value):
    """Mean test accuracies of two specs over their seeds, at least five of each."""

    n_this: int
    n_other: int
    difference_pp: float = Field(description="This mean less the other, in percentage points.")
    interval_pp: list[float] = Field(description="Welch's 95 % interval of it [low, high].")


class BaselineRecord(Value):
    """Another spec's winner on the same test images."""

    name: str
    title: Any
    spec_sha256: str
    folder: str
    test: TestRecord | None
    parameters: int
    macs: int
    difference_pp: float | None = Field(
        description="This test accuracy less the baseline's, in percentage points."
    )
    mcnemar: McNemar | None
    seeds: list[float] = Field(
        default=[], description="Test accuracies of the baseline under further seeds."
    )
    mean_difference: MeanDifference | None = Field(
        default=None, description="null: one of the two has fewer than five tested seeds."
    )
