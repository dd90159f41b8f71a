"""How much each hyperparameter tells of a trial's rank: a forest, asked on held-out trials."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lenetml.record import HyperparameterImportance, Importance, TrialRecord

LEAST_TRIALS = 30
# More tell next to nothing new, and forests of thousands take minutes.
MAX_TRIALS = 500
N_FOLDS = 5
N_REPEATS = 5
N_TREES = 100

Floats = NDArray[np.float64]


def find_importance(
    names: Sequence[str], trials: Sequence[TrialRecord], seed: int
) -> Importance | None:
    """Find how much worse a random forest ranks unseen trials when it is misled about a value.

    In turn every fifth of the trials is held out; a forest learns the others' ranks by objective
    and predicts those of the fifth, as they are and with the values of one hyperparameter dealt
    out anew among them. (Breiman, Random Forests, 2001, section 10, on held-out data.)

    Args:
        names: The hyperparameters.
        trials: All trials; completed ones count, and of more than 500 so many by chance.
        seed: At least 1.

    Returns:
        None where fewer than 30 trials are completed, or all have the same objective.
    """
    done = [each for each in trials if each.status == "completed" and each.objective is not None]
    if len(done) < LEAST_TRIALS or len({each.objective for each in done}) == 1:
        return None
    if len(done) > MAX_TRIALS:
        random = np.random.Generator(np.random.PCG64(seed))
        done = [done[i] for i in np.sort(random.permutation(len(done))[:MAX_TRIALS])]
    ranks = _ranks(np.array([each.objective for each in done]))
    columns = [_encode([each.values.get(name) for each in done]) for name in names]
    repeats = np.array([_repeat(columns, ranks, seed + i) for i in range(N_REPEATS)])
    drops = repeats[:, 1:]
    return Importance(
        trials=len(done),
        r2=float(repeats[:, 0].mean()),
        repeats=N_REPEATS,
        hyperparameters=[
            HyperparameterImportance(
                name=name,
                drop=float(drops[:, i].mean()),
                low=float(drops[:, i].min()),
                high=float(drops[:, i].max()),
            )
            for i, name in enumerate(names)
        ],
    )


def _repeat(columns: Sequence[Floats], ranks: Floats, seed: int) -> list[float]:
    """R² on held-out trials, and by how much it drops for each hyperparameter."""
    # Importing scikit-learn's forests takes a second that most runs need not spend.
    from sklearn.ensemble import RandomForestRegressor

    random = np.random.Generator(np.random.PCG64(seed))
    folds = random.permutation(len(ranks)) % N_FOLDS
    errors = np.zeros(len(columns) + 1)
    for fold in range(N_FOLDS):
        held, learnt = folds == fold, folds != fold
        forest = RandomForestRegressor(N_TREES, random_state=int(random.integers(2**31)), n_jobs=1)
        forest.fit(np.hstack([column[learnt] for column in columns]), ranks[learnt])
        order = random.permutation(int(held.sum()))
        for misled in range(-1, len(columns)):
            shown = [
                column[held][order] if i == misled else column[held]
                for i, column in enumerate(columns)
            ]
            predicted = forest.predict(np.hstack(shown))
            errors[misled + 1] += float(((predicted - ranks[held]) ** 2).sum())
    r2 = 1 - errors / float(((ranks - ranks.mean()) ** 2).sum())
    return [r2[0], *(r2[0] - r2[1:])]


def _encode(values: Sequence[Any]) -> Floats:
    """Columns for a forest, shape `(n, k)`: a number as itself, a category as one of k."""
    there = [value for value in values if value is not None]
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in there):
        # What does not exist in a trial stands below everything that does.
        absent = min(there, default=0.0) - 1
        return np.array([[absent if value is None else value] for value in values], dtype=float)
    written = [json.dumps(value, sort_keys=True) for value in values]
    kinds = sorted(set(written))
    return np.array([[value == kind for kind in kinds] for value in written], dtype=float)


def _ranks(values: Floats) -> Floats:
    """Ranks from 1; equal values share the mean of theirs."""
    _, where, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[where])
