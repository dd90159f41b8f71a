"""Two specs compared by what each gives under several seeds."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from scipy.stats import t

from lenetml.record import MeanDifference

LEAST_SEEDS = 5


def compare_means(this: Sequence[float], other: Sequence[float]) -> MeanDifference | None:
    """Compare mean accuracies, with Welch's 95 % interval of their difference.

    Args:
        this: Test accuracies of one spec, one a seed.
        other: Those of the other spec.

    Returns:
        None where one of the two has fewer than five.
    """
    if min(len(this), len(other)) < LEAST_SEEDS:
        return None
    difference = statistics.fmean(this) - statistics.fmean(other)
    errors = [statistics.variance(each) / len(each) for each in (this, other)]
    half_width = 0.0
    if error := sum(errors):
        # Welch and Satterthwaite's degrees of freedom.
        degrees = error**2 / sum(
            part**2 / (len(each) - 1) for part, each in zip(errors, (this, other), strict=True)
        )
        half_width = float(t.ppf(0.975, degrees)) * math.sqrt(error)
    return MeanDifference(
        n_this=len(this),
        n_other=len(other),
        difference_pp=100 * difference,
        interval_pp=[100 * (difference - half_width), 100 * (difference + half_width)],
    )
