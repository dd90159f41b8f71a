"""Parts rounded each with its own digits, so that their sum still is the total that is printed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product


def round_parts(parts: Sequence[float], digits: Sequence[int], total: int) -> list[float]:
    """Round parts to significant digits so that their sum, rounded like the total, is the total.

    Each part goes up or down to a neighbour with its digits; of all ways that hold, the one
    nearest to the parts themselves is taken. Where none holds, since a part has fewer digits than
    the total, each part is rounded by itself.

    Args:
        parts: Not negative, and not many.
        digits: Significant digits of each part.
        total: Significant digits of their sum.
    """
    exact = math.fsum(parts)
    whole = _round(exact, total)
    # Short of half a step, where nobody agrees about rounding.
    margin = 0.499 * _step(exact, total)

    def badness(rounded: tuple[float, ...]) -> tuple[bool, float]:
        distance = math.fsum(abs(a - b) for a, b in zip(rounded, parts, strict=True))
        return abs(math.fsum(rounded) - whole) > margin, distance

    choices = [_neighbours(part, n) for part, n in zip(parts, digits, strict=True)]
    best = min(product(*choices), key=badness)
    return list(best)


def _round(value: float, digits: int) -> float:
    return float(f"{value:.{digits - 1}e}")


def _neighbours(value: float, digits: int) -> set[float]:
    """The numbers with so many digits below and above a value."""
    if value == 0:
        return {0.0}
    step = _step(value, digits)
    below = math.floor(value / step)
    return {_round(below * step, digits), _round((below + 1) * step, digits)}


def _step(value: float, digits: int) -> float:
    """By how much numbers with so many digits lie apart."""
    return 10.0 ** (math.floor(math.log10(value)) - digits + 1) if value else 0.0
