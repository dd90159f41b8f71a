"""The other candidates of a choice, compared with the chosen trial on the same images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lenetml.files import read_arrays
from lenetml.record import Rivals, TrialRecord
from lenetml.search.asks import Direction
from lenetml.search.selection import ranked
from lenetml.trial.evaluate import mcnemar, unpack_predictions

LEVEL = 0.05


def compare_rivals(
    winner: TrialRecord,
    trials: Sequence[TrialRecord],
    direction: Direction,
    labels: NDArray[np.int64],
    file_of: Callable[[str, int], Path],
) -> Rivals | None:
    """Compare the winner with every other completed trial, image by image of validation.

    Args:
        winner: The chosen trial.
        trials: All of them.
        direction: Whether more or less of the objective is better.
        labels: True classes of the validation images, shape `(n,)`.
        file_of: Where `predictions` of a trial on these images are kept.

    Returns:
        None where there is nothing to compare.

    Raises:
        FolderError: Predictions are gone, or damaged.
    """

    def classes_of(trial: TrialRecord) -> NDArray[np.int64]:
        return read_arrays(file_of("predictions", trial.number), unpack_predictions).classes

    others = [
        trial
        for trial in ranked(trials, direction)
        if trial.status == "completed" and trial.number != winner.number
    ]
    if winner.status != "completed" or not others:
        return None
    ours = classes_of(winner)
    compared = [mcnemar(labels, ours, classes_of(other)) for other in others]
    return Rivals(
        runner_up=others[0].number,
        mcnemar=compared[0],
        compared=len(compared),
        indistinguishable=sum(each.p_value >= LEVEL for each in compared),
    )
