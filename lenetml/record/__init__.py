"""The record of an experiment: every fact, and the only input of cards and reports.

`record.json` is a `Record` as JSON. Units are in the names; ratios are between 0 and 1; what was
not measured is `null` with a reason beside it, never zero.
"""

from lenetml.record.data import ClassCounts, DataRecord
from lenetml.record.document import RECORD_NAME, Record, read_record, record_schema, write_record
from lenetml.record.evaluation import (
    BaselineRecord,
    BestRecord,
    CutOff,
    EarlierTest,
    LayerRecord,
    MeanDifference,
    Rivals,
    SeedRecord,
    SelectedFrom,
)
from lenetml.record.metrics import ClassMetrics, MacroMetrics, McNemar, Metrics, TestRecord
from lenetml.record.mirror import MirrorRecord
from lenetml.record.resources import CostRecord, EnergyRecord, EnvironmentRecord
from lenetml.record.search import (
    Continuation,
    ExecutionRecord,
    Hyperparameter,
    HyperparameterImportance,
    Importance,
    SearchRecord,
    TrialRecord,
)

__all__ = [
    "BaselineRecord",
    "BestRecord",
    "ClassCounts",
    "ClassMetrics",
    "Continuation",
    "CostRecord",
    "CutOff",
    "DataRecord",
    "EarlierTest",
    "EnergyRecord",
    "EnvironmentRecord",
    "ExecutionRecord",
    "Hyperparameter",
    "HyperparameterImportance",
    "Importance",
    "LayerRecord",
    "MacroMetrics",
    "McNemar",
    "MeanDifference",
    "Metrics",
    "MirrorRecord",
    "RECORD_NAME",
    "Record",
    "Rivals",
    "SearchRecord",
    "SeedRecord",
    "SelectedFrom",
    "TestRecord",
    "TrialRecord",
    "read_record",
    "record_schema",
    "write_record",
]
