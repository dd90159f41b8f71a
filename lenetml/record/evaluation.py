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
