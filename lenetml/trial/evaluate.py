"""Every number that is said about predictions, from one array of probabilities.

The predicted class is the one of the highest probability. Accuracy, precision, recall and F1 all
come from one confusion matrix, so that they cannot disagree. Where a class was never predicted or
has no example, its value is undefined: None for the class itself, 0 in a mean.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from lenetml.record import ClassMetrics, MacroMetrics, McNemar, Metrics, TestRecord

Labels = NDArray[np.int64]
Probabilities = NDArray[np.float32]

DIRECTION: dict[str, Literal["max", "min"]] = {
    "val_accuracy": "max",
    "val_loss": "min",
    "val_f1": "max",
}
# Keras's own bound: no single image costs more than 16.1.
LEAST_PROBABILITY = 1e-7
GUESSING_LEVEL = 0.05
SURPRISE_STEPS = 10_000


def metrics(labels: Labels, probabilities: Probabilities) -> Metrics:
    """Score predictions; precision, recall and F1 are means weighted by support.

    Args:
        labels: Shape `(n,)`, at least one.
        probabilities: Shape `(n, n_classes)`, finite.
    """
    table = _Table.of(labels, probabilities)
    return Metrics(**_summary(table, labels, probabilities))


def score_test(
    labels: Labels,
    probabilities: Probabilities,
    classes: Sequence[str],
    look: int,
    opened_at: str,
) -> TestRecord:
    """Score the predictions on the test part.

    Args:
        labels: Shape `(n,)`, at least one.
        probabilities: Shape `(n, n_classes)`, finite.
        classes: Names of the classes.
        look: Which look at this test part it is, from 1.
        opened_at: When the test part was opened, ISO 8601.
    """
    table = _Table.of(labels, probabilities)
    n, n_correct = len(labels), int(table.correct.sum())
    interval = binomtest(n_correct, n).proportion_ci(method="wilson")
    return TestRecord(
        **_summary(table, labels, probabilities),
        accuracy_interval=[float(interval.low), float(interval.high)],
        macro=MacroMetrics(
            precision=float(np.nan_to_num(table.precision).mean()),
            recall=float(np.nan_to_num(table.recall).mean()),
            f1=float(np.nan_to_num(table.f1).mean()),
        ),
        per_class=[
            ClassMetrics(
                name=name,
                precision=_none_if_nan(table.precision[i]),
                recall=_none_if_nan(table.recall[i]),
                f1=_none_if_nan(table.f1[i]),
                support=int(table.support[i]),
            )
            for i, name in enumerate(classes)
        ],
        confusion=table.confusion.tolist(),
        look=look,
        opened_at=opened_at,
    )


def objective_value(name: str, labels: Labels, probabilities: Probabilities) -> float:
    """Give `val_accuracy`, `val_loss` or `val_f1` (weighted) of predictions on validation."""
    if name == "val_loss":
        return _loss(labels, probabilities)
    table = _Table.of(labels, probabilities)
    return table.accuracy if name == "val_accuracy" else table.weighted(table.f1)


def mcnemar(labels: Labels, this: NDArray[np.int64], other: NDArray[np.int64]) -> McNemar:
    """Compare two networks' predicted classes of the same images: exact, two-sided.

    Args:
        labels: True classes, shape `(n,)`.
        this: Predicted classes of one network, shape `(n,)`.
        other: Predicted classes of the other network, shape `(n,)`.
    """
    only_this = int(np.count_nonzero((this == labels) & (other != labels)))
    only_other = int(np.count_nonzero((this != labels) & (other == labels)))
    differing = only_this + only_other
    p_value = float(binomtest(only_this, differing).pvalue) if differing else 1.0
    return McNemar(only_this_correct=only_this, only_other_correct=only_other, p_value=p_value)


def is_guessing(labels: Labels, predicted: NDArray[np.int64], n_trials: int) -> bool:
    """Say whether predictions cannot be told from always naming the commonest class.

    A one-sided exact binomial test of the accuracy against the commonest class's share, at 5 %,
    divided by the number of trials (Bonferroni).

    Args:
        labels: True classes, shape `(n,)`.
        predicted: Predicted classes, shape `(n,)`.
        n_trials: Trials of the search, at least 1.
    """
    n_correct = int(np.count_nonzero(labels == predicted))
    majority = float(np.bincount(labels).max() / len(labels))
    test = binomtest(n_correct, len(labels), majority, alternative="greater")
    return bool(test.pvalue * n_trials > GUESSING_LEVEL)


@dataclass(frozen=True, eq=False)
class Predictions:
    """What is kept of the predictions of a part.

    Args:
        classes: Predicted class of each image, int64, shape `(n,)`.
        confidence: Probability of the predicted class, float64, shape `(n,)`.
        true_probability: Probability of the true class, float64, shape `(n,)`.
    """

    classes: NDArray[np.int64]
    confidence: NDArray[np.float64]
    true_probability: NDArray[np.float64]

    @property
    def loss(self) -> float:
        """Mean cross-entropy, to 1e-4."""
        return float(-np.log(self.true_probability).mean())


def pack_predictions(labels: Labels, probabilities: Probabilities) -> bytes:
    """Pack predictions small: predicted class, its probability, and that of the true class.

    Classes are kept exactly; probabilities as negative logarithms in steps of 1e-4, so that the
    loss of every image, and their mean, stays within half a step.

    Args:
        labels: True classes, shape `(n,)`.
        probabilities: Shape `(n, n_classes)`, finite.

    Returns:
        A compressed `.npz`.
    """
    predicted = probabilities.argmax(axis=1)
    content = io.BytesIO()
    np.savez_compressed(
        content,
        classes=predicted.astype(np.min_scalar_type(probabilities.shape[1] - 1)),
        surprise=_to_steps(_surprise(predicted, probabilities)),
        true_surprise=_to_steps(_surprise(labels, probabilities)),
    )
    return content.getvalue()


def unpack_predictions(content: bytes) -> Predictions:
    """Read what `pack_predictions` wrote."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return Predictions(
            classes=arrays["classes"].astype(np.int64),
            confidence=np.exp(-arrays["surprise"] / SURPRISE_STEPS),
            true_probability=np.exp(-arrays["true_surprise"] / SURPRISE_STEPS),
        )


@dataclass(frozen=True, eq=False)
class _Table:
    """A confusion matrix (rows true, columns predicted) and what follows from it."""

    confusion: NDArray[np.int64]

    @classmethod
    def of(cls, labels: Labels, probabilities: Probabilities) -> _Table:
        n_classes = probabilities.shape[1]
        cells = labels * n_classes + probabilities.argmax(axis=1)
        counts = np.bincount(cells, minlength=n_classes * n_classes)
        return cls(counts.reshape(n_classes, n_classes))

    @property
    def correct(self) -> NDArray[np.int64]:
        return self.confusion.diagonal()

    @property
    def support(self) -> NDArray[np.int64]:
        return np.asarray(self.confusion.sum(axis=1))

    @property
    def predicted(self) -> NDArray[np.int64]:
        return np.asarray(self.confusion.sum(axis=0))

    @property
    def accuracy(self) -> float:
        return float(self.correct.sum() / self.confusion.sum())

    @property
    def precision(self) -> NDArray[np.float64]:
        return _ratio(self.correct, self.predicted)

    @property
    def recall(self) -> NDArray[np.float64]:
        return _ratio(self.correct, self.support)

    @property
    def f1(self) -> NDArray[np.float64]:
        both = np.where(self.support > 0, self.support + self.predicted, 0)
        return _ratio(2 * self.correct, both)

    def weighted(self, values: NDArray[np.float64]) -> float:
        return float(np.average(np.nan_to_num(values), weights=self.support))


def _ratio(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    """Divide; nan where there is nothing to divide by."""
    return np.asarray(np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0))


def _none_if_nan(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _summary(table: _Table, labels: Labels, probabilities: Probabilities) -> dict[str, Any]:
    return {
        "n": len(labels),
        "correct": int(table.correct.sum()),
        "accuracy": table.accuracy,
        "precision": table.weighted(table.precision),
        "recall": table.accuracy,
        "f1": table.weighted(table.f1),
        "loss": _loss(labels, probabilities),
    }


def _surprise(classes: NDArray[np.int64], probabilities: Probabilities) -> NDArray[np.float64]:
    """Give the negative logarithm of each image's probability of one class."""
    chosen = probabilities[np.arange(len(classes)), classes].astype(np.float64)
    return np.asarray(-np.log(np.clip(chosen, LEAST_PROBABILITY, 1.0)))


def _loss(labels: Labels, probabilities: Probabilities) -> float:
    return float(_surprise(labels, probabilities).mean())


def _to_steps(surprise: NDArray[np.float64]) -> NDArray[np.int32]:
    return np.rint(surprise * SURPRISE_STEPS).astype(np.int32)
