from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, log_loss, precision_recall_fscore_support

from lenetml.trial.evaluate import (
    is_guessing,
    mcnemar,
    metrics,
    objective_value,
    pack_predictions,
    score_test,
    unpack_predictions,
)

CLASSES = ("cat", "dog", "fox", "owl")
# Four images of three classes that occur; "owl" has no example and "fox" is never predicted.
LABELS = np.array([0, 0, 1, 2])
PROBABILITIES = np.array(
    [
        [0.7, 0.1, 0.1, 0.1],
        [0.2, 0.5, 0.2, 0.1],
        [0.1, 0.8, 0.1, 0.0],
        [0.1, 0.2, 0.3, 0.4],
    ],
    np.float32,
)


def random_predictions(n: int, n_classes: int, skill: float, seed: int = 1):
    """Labels, and probabilities that favour them by `skill`."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(n_classes, size=n)
    logits = draw.normal(size=(n, n_classes)) + skill * np.eye(n_classes)[labels]
    powers = np.exp(logits)
    return labels, (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


def predictions_with(n_correct: int, n: int):
    """Labels 0 and probabilities of two classes, of which `n_correct` are right."""
    wrong = np.arange(n) >= n_correct
    return np.zeros(n, np.int64), np.eye(2, dtype=np.float32)[wrong.astype(int)] * 0.8 + 0.1


def test_metrics_worked_by_hand():
    scores = metrics(LABELS, PROBABILITIES)
    # cat: precision 1/1, recall 1/2; dog: 1/2, 1/1; fox: never predicted, recall 0.
    assert (scores.n, scores.correct, scores.accuracy) == (4, 2, 0.5)
    assert scores.precision == pytest.approx((2 * 1 + 1 * 0.5 + 1 * 0) / 4)
    assert scores.recall == 0.5
    assert scores.f1 == pytest.approx((2 * (2 / 3) + 1 * (2 / 3) + 1 * 0) / 4)
    assert scores.loss == pytest.approx(-sum(map(math.log, [0.7, 0.2, 0.8, 0.3])) / 4, rel=1e-6)


def test_scores_of_the_test_part_worked_by_hand():
    record = score_test(LABELS, PROBABILITIES, CLASSES, look=2, opened_at="2030-01-02T03:04:05Z")
    assert record.confusion == [[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]]
    cat, dog, fox, owl = record.per_class
    assert (cat.precision, cat.recall, cat.support) == (1.0, 0.5, 2)
    assert (dog.precision, dog.recall, dog.support) == (0.5, 1.0, 1)
    assert cat.f1 == dog.f1 == pytest.approx(2 / 3)
    assert (fox.precision, fox.recall, fox.f1, fox.support) == (None, 0.0, 0.0, 1)
    assert (owl.precision, owl.recall, owl.f1, owl.support) == (0.0, None, None, 0)
    assert record.macro.precision == pytest.approx((1 + 0.5) / 4)
    assert record.macro.recall == pytest.approx((0.5 + 1) / 4)
    assert record.macro.f1 == pytest.approx((2 / 3 + 2 / 3) / 4)
    assert (record.look, record.opened_at) == (2, "2030-01-02T03:04:05Z")
    assert record.model_dump(include=set(metrics(LABELS, PROBABILITIES).model_dump())) == (
        metrics(LABELS, PROBABILITIES).model_dump()
    )


@pytest.mark.parametrize("skill", [0.0, 2.0])
def test_metrics_agree_with_scikit_learn(skill):
    labels, probabilities = random_predictions(500, 7, skill)
    predicted = probabilities.argmax(axis=1)
    record = score_test(labels, probabilities, "abcdefg", 1, "")
    weighted = precision_recall_fscore_support(
        labels, predicted, average="weighted", zero_division=0
    )
    macro = precision_recall_fscore_support(labels, predicted, average="macro", zero_division=0)
    assert (record.precision, record.recall, record.f1) == pytest.approx(weighted[:3], abs=1e-12)
    assert tuple(record.macro.model_dump().values()) == pytest.approx(macro[:3], abs=1e-12)
    assert record.confusion == confusion_matrix(labels, predicted).tolist()
    assert record.loss == pytest.approx(log_loss(labels, probabilities), abs=1e-6)


def test_weighted_recall_is_accuracy():
    scores = metrics(*random_predictions(999, 10, 1.0))
    assert scores.recall == scores.accuracy == scores.correct / scores.n


def test_loss_of_a_certain_mistake_is_finite():
    scores = metrics(np.array([0]), np.array([[0.0, 1.0]], np.float32))
    assert scores.loss == pytest.approx(-math.log(1e-7))


@pytest.mark.parametrize(
    ("n_correct", "n", "low", "high"),
    [
        (9607, 10_000, 0.956711, 0.964335),
        # Wilson's own formula at the edges: z^2 / (n + z^2) with z = 1.959964.
        (0, 10, 0.0, 0.277533),
        (10, 10, 0.722467, 1.0),
    ],
)
def test_wilson_interval(n_correct, n, low, high):
    record = score_test(*predictions_with(n_correct, n), ("a", "b"), 1, "")
    assert record.accuracy_interval == pytest.approx([low, high], abs=1e-6)


def test_objective_value():
    scores = metrics(LABELS, PROBABILITIES)
    values = {
        name: objective_value(name, LABELS, PROBABILITIES)
        for name in ("val_accuracy", "val_loss", "val_f1")
    }
    assert values == {
        "val_accuracy": scores.accuracy,
        "val_loss": scores.loss,
        "val_f1": scores.f1,
    }


def test_mcnemar_worked_by_hand():
    labels = np.zeros(12, np.int64)
    this = np.array([0] * 4 + [0] * 6 + [1] + [1])
    other = np.array([0] * 4 + [1] * 6 + [0] + [1])
    result = mcnemar(labels, this, other)
    assert (result.only_this_correct, result.only_other_correct) == (6, 1)
    # Two-sided: twice the chance of at most 1 of 7.
    assert result.p_value == pytest.approx(2 * (1 + 7) / 2**7)


def test_mcnemar_of_equal_networks():
    labels = np.array([0, 1, 1])
    assert mcnemar(labels, labels, labels).p_value == 1.0


@pytest.mark.parametrize(
    ("n_correct", "n_trials", "guessing"),
    [
        # Of ten images five are of the commonest class; at least 8, 9 and 10 right by chance:
        # 56, 11 and 1 of 1024.
        (5, 1, True),
        (8, 1, True),
        (9, 1, False),
        (9, 5, True),
        (10, 5, False),
    ],
)
def test_is_guessing(n_correct, n_trials, guessing):
    labels = np.array([0] * 5 + [1] * 5)
    predicted = np.where(np.arange(10) < n_correct, labels, 1 - labels)
    assert is_guessing(labels, predicted, n_trials) is guessing


def test_naming_the_commonest_class_is_guessing():
    labels = np.array([0] * 900 + [1] * 100)
    assert is_guessing(labels, np.zeros(1000, np.int64), 1)


@pytest.mark.parametrize("skill", [0.0, 2.0, 12.0])
@pytest.mark.parametrize("n_classes", [2, 10, 300])
def test_packed_predictions_keep_what_counts(n_classes, skill):
    labels, probabilities = random_predictions(2000, n_classes, skill)
    kept = unpack_predictions(pack_predictions(labels, probabilities))
    assert kept.classes.tolist() == probabilities.argmax(axis=1).tolist()
    assert kept.loss == pytest.approx(metrics(labels, probabilities).loss, abs=1e-4)
    assert kept.confidence == pytest.approx(probabilities.max(axis=1), abs=1e-4)
    true_probability = probabilities[np.arange(2000), labels]
    assert kept.true_probability == pytest.approx(true_probability, abs=1e-4)


def test_packed_predictions_are_small():
    labels, probabilities = random_predictions(10_000, 10, 6.0)
    assert len(pack_predictions(labels, probabilities)) < 0.15 * probabilities.nbytes
