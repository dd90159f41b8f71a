"""The record of an experiment: every fact, and the only input of cards and reports.

`record.json` is a `Record` as JSON. Units are in the names; ratios are between 0 and 1; what was
not measured is `null` with a reason beside it, never zero.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from lenetml.errors import FolderError
from lenetml.files import write_atomically
from lenetml.values import Value

RECORD_NAME = "record.json"


class ClassCounts(Value):
    """Examples of each class in each part, in the order of `DataRecord.classes`."""

    train: list[int]
    val: list[int]
    test: list[int]


class DataRecord(Value):
    """The data as loaded and divided."""

    dataset: str = Field(description="Name of the data set, or the path given in the spec.")
    source: str = Field(description="Name of the file or package that the images came from.")
    fingerprint: str = Field(description="SHA-256 of all pixels, labels and shapes.")
    test_fingerprint: str = Field(description="SHA-256 of the test part alone.")
    classes: list[str]
    input_shape: list[int] = Field(description="Height, width, channels.")
    has_own_test: bool = Field(description="The data set comes with its own test part.")
    stratified: bool
    split_seed: int
    train: int
    val: int
    test: int
    unused: int = Field(description="Examples that no part of the split takes.")
    class_counts: ClassCounts
    duplicates_within: int = Field(description="Exact repeats of an earlier image in its part.")
    duplicates_across: int = Field(description="Images of val or test that stand in another part.")


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
    """A search that went on."""

    at: str
    changed_versions: dict[str, list[str]] = Field(
        description="Versions that differ from those that the search began with: before, now."
    )
    corrected_asks: int = Field(
        description="Trials whose values this version would have chosen otherwise."
    )


class SearchRecord(Value):
    """The search as a whole."""

    strategy: str | None = Field(description="null: the spec is one fixed network.")
    objective: str
    direction: Literal["max", "min"]
    trials_asked: int
    ended: Literal["trials", "exhausted", "time_limit"]
    seconds: float = Field(description="Of all continuations together.")
    continuations: list[Continuation] = Field(
        default=[], description="Each time that the search went on after an interruption."
    )
    space: list[Hyperparameter]
    space_size: int | None = Field(
        description="Points of a finite space; null: not finite, or not counted."
    )
    impossible_share: float = Field(description="Share of drawn points that cannot be built.")


class Metrics(Value):
    """What one array of predictions says; precision, recall and f1 are weighted by support."""

    n: int
    correct: int
    accuracy: float
    precision: float
    recall: float
    f1: float
    loss: float | None = Field(description="Mean cross-entropy, natural logarithm.")


class MacroMetrics(Value):
    """Unweighted means over the classes."""

    precision: float
    recall: float
    f1: float


class ClassMetrics(Value):
    """One class; null where it is undefined (never predicted, or no example)."""

    name: str
    precision: float | None
    recall: float | None
    f1: float | None
    support: int


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
    core_seconds: float | None = Field(description="null: its worker died, so nobody knows.")
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
    core_seconds: float | None = Field(description="null: its worker died, so nobody knows.")
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


class TestRecord(Metrics):
    """The winner on the test part, from one array of predictions."""

    accuracy_interval: list[float] = Field(
        description="Wilson 95 % interval of the accuracy [low, high]; leaves out the spread "
        "of training."
    )
    macro: MacroMetrics
    per_class: list[ClassMetrics]
    confusion: list[list[int]] = Field(description="Rows: true class; columns: predicted.")
    look: int = Field(description="Which look at this test part it was, as far as recorded here.")
    opened_at: str


class McNemar(Value):
    """Paired exact test of two trained networks on the same images."""

    only_this_correct: int
    only_other_correct: int
    p_value: float


class EarlierTest(Value):
    """What was found on the test part before more trials were added."""

    trials: int = Field(description="Trials of the search at that time.")
    winner: int
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


class EnergyRecord(Value):
    """Energy of the whole machine while the experiment ran."""

    kwh: float
    cpu_kwh: float
    gpu_kwh: float
    ram_kwh: float
    kg_co2eq: float | None
    method: Literal["measured", "estimated"]
    cpu_method: str
    gpu_method: str
    ram_method: str
    country: str | None
    grid_g_per_kwh: float | None
    grid_year: int | None
    search: float = Field(description="kWh of the search.")
    chosen_trial_share: float = Field(description="kWh: the search's, shared by CPU time.")
    seeds: float = Field(description="kWh of the seed runs.")
    evaluation: float = Field(description="kWh of everything after the search.")
    tracker: str


class CostRecord(Value):
    """What search and evaluation took, without loading the data and the runs of baselines."""

    seconds: float
    core_seconds: float
    images_trained: int


class EnvironmentRecord(Value):
    """Where and with what the experiment ran."""

    versions: dict[str, str]
    platform: str
    cpu: str
    isa: str
    cores: int
    memory_bytes: int
    gpus: list[str]
    onednn: bool
    threads_per_trial: int


class Record(Value):
    """Everything known after an experiment."""

    format: Literal[1] = 1
    lenetml: str
    name: str
    spec_sha256: str
    seed: int
    status: Literal["completed", "interrupted"]
    overrides: list[str]
    started_at: str
    spec: dict[str, Any] = Field(description="The canonical spec, defaults filled in.")
    data: DataRecord
    search: SearchRecord
    trials: list[TrialRecord]
    best: BestRecord
    test: TestRecord | None
    test_reason: str | None
    earlier_tests: list[EarlierTest] = []
    seeds: list[SeedRecord]
    baselines: list[BaselineRecord]
    energy: EnergyRecord | None
    energy_reason: str | None
    cost: CostRecord
    environment: EnvironmentRecord
    mirror: str | None = Field(description="What became of the W&B mirror; null: none asked for.")
    command: str


def write_record(record: Record, folder: Path) -> None:
    """Write `record.json` whole or not at all."""
    write_atomically(folder / RECORD_NAME, record.model_dump_json(indent=2).encode() + b"\n")


def read_record(folder: Path) -> Record:
    """Read the record of a finished run.

    Raises:
        FolderError: There is no record, or it is damaged or of another format.
    """
    path = folder / RECORD_NAME
    try:
        return Record.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise FolderError(f"{path} is not there", "a finished run has one") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise FolderError(f"{path} is not a record", f"{place}: {first['msg']}") from None


def record_schema() -> str:
    """The JSON Schema of `record.json`, as text."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(schema | Record.model_json_schema(), indent=2)
