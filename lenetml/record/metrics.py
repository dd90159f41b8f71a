"""Scores of one array of predictions, as a record holds them."""

from __future__ import annotations

from pydantic import Field

from lenetml.values import Value


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
