"""How far results of the same configuration lie apart, and what their mean is known to."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Spread:
    """What several results have in common; None where there are too few of them.

    Args:
        n: How many there are.
        mean: Of all of them.
        deviation: Their standard deviation, with n - 1 in the denominator.
        half_width: Of the 95 % interval of the mean, by Student's t with n - 1 degrees of freedom.
    """

    n: int
    mean: float | None = None
    deviation: float | None = None
    half_width: float | None = None


def spread_of(results: Iterable[float | None]) -> Spread:
    """Sum up results; None is one that is not there, and is not counted."""
    known = [result for result in results if result is not None]
    n = len(known)
    if n == 0:
        return Spread(0)
    mean = statistics.fmean(known)
    if n == 1:
        return Spread(1, mean)
    deviation = statistics.stdev(known)
    return Spread(n, mean, deviation, t_quantile(n - 1) * deviation / math.sqrt(n))


@cache
def t_quantile(degrees: int) -> float:
    """The t that a Student's t of so many degrees of freedom stays within with 95 %: 2.776 for 4.

    Args:
        degrees: At least 1.
    """
    low, high = 0.0, math.pi / 2
    while (middle := (low + high) / 2) not in (low, high):
        if _share_within(middle, degrees) < CONFIDENCE:
            low = middle
        else:
            high = middle
    return math.tan(low) * math.sqrt(degrees)


def _share_within(angle: float, degrees: int) -> float:
    """The probability that |t| < tan(angle) sqrt(degrees); Abramowitz and Stegun, 26.7.3, 26.7.4"""
    cosine, is_odd = math.cos(angle), degrees % 2
    term, total = cosine if is_odd else 1.0, 0.0
    for power in range(is_odd, degrees - 1, 2):
        total += term
        term *= cosine**2 * (power + 1) / (power + 2)
    share = math.sin(angle) * total
    return 2 / math.pi * (angle + share) if is_odd else share
