"""The verb `compare`: runs read, checked to be several, and their kept predictions paired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lenetml.errors import FolderError, UsageError
from lenetml.files import PUT_BACK, read_arrays
from lenetml.record import TestRecord, read_record
from lenetml.report.comparison import ComparedRun, Comparison, Paired, compare_runs
from lenetml.trial.evaluate import Predictions, mcnemar, unpack_predictions
from lenetml.trial.means import compare_means

# Of two classes of equal probability neither has more than a half, to the digits kept.
SURE = 0.501


def compare_folders(folders: Sequence[Path]) -> Comparison:
    """Compare finished runs.

    Args:
        folders: Of the runs, at least two, each there.

    Raises:
        UsageError: One of them is given twice.
        FolderError: One holds no finished run, or its predictions are gone or damaged.
    """
    runs = [ComparedRun(folder, read_record(folder)) for folder in folders]
    for this, other in combinations(runs, 2):
        if this.folder.resolve() == other.folder.resolve():
            raise UsageError(f"{other.folder} is given twice", "a run is compared with others")
        if this.record == other.record:
            raise UsageError(f"{other.folder} is a copy of {this.folder}")

    @cache
    def answers_of(place: int) -> _Answers:
        run = runs[place]
        assert run.record.test is not None
        return _read_answers(run.folder, run.record.test)

    def pair(first: int, second: int) -> Paired:
        paired = _compare(answers_of(first), answers_of(second))
        means = compare_means(runs[first].seed_accuracies, runs[second].seed_accuracies)
        return replace(paired, means=means)

    return compare_runs(runs, pair)


@dataclass(frozen=True, eq=False)
class _Answers:
    """The predicted class of each image, and where it is known to be right, or to be wrong."""

    classes: NDArray[np.int64]
    right: NDArray[np.bool_]
    wrong: NDArray[np.bool_]


def _read_answers(folder: Path, test: TestRecord) -> _Answers:
    path = folder / "predictions" / "test.npz"
    predictions = read_arrays(path, unpack_predictions)
    answers = _judge(predictions, test)
    if len(predictions.classes) != test.n or answers is None:
        raise FolderError(f"{path} is not what the record tells of", PUT_BACK)
    return answers


def _judge(predictions: Predictions, test: TestRecord) -> _Answers | None:
    """Find which predictions are right, from their probabilities and the record's counts.

    A class that is right has the probability of the true one. The converse fails only where two
    classes are equally probable; then the confusion matrix says whether there was such a case.

    Returns:
        None where the counts are not those of the predictions.
    """
    alike = predictions.confidence == predictions.true_probability
    right, wrong = np.zeros_like(alike), ~alike
    for number, row in enumerate(test.confusion):
        candidates = alike & (predictions.classes == number)
        sure = candidates & (predictions.confidence > SURE)
        if not sure.sum() <= row[number] <= candidates.sum():
            return None
        if candidates.sum() == row[number]:
            right |= candidates
        else:
            right |= sure
            wrong |= (candidates & ~sure) if sure.sum() == row[number] else False
    return _Answers(predictions.classes, right, wrong)


def _compare(this: _Answers, other: _Answers) -> Paired:
    """Compare two networks by McNemar's test, where all their answers are known to be or not."""
    this, other = _learn(this, other), _learn(other, this)
    n_undecided = int(np.count_nonzero(~(this.right | this.wrong) | ~(other.right | other.wrong)))
    if n_undecided:
        return Paired(None, n_undecided)
    is_right = np.ones(len(this.right), dtype=np.int64)
    return Paired(mcnemar(is_right, this.right.astype(np.int64), other.right.astype(np.int64)))


def _learn(answers: _Answers, others: _Answers) -> _Answers:
    """Settle what is not known where the other network's answer is."""
    is_same = answers.classes == others.classes
    right = answers.right | (is_same & others.right)
    wrong = answers.wrong | (is_same & others.wrong) | (~is_same & others.right)
    return _Answers(answers.classes, right, wrong)
