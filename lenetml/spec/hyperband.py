"""How many points Hyperband draws for its largest bracket, by Keras Tuner's arithmetic.

Source: Li et al., "Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization",
2018; the rounding is that of Keras Tuner 1.4.8.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from lenetml.spec.counted import count_fewer
from lenetml.spec.domains import SearchSpace
from lenetml.spec.draft import Draft, Finding
from lenetml.spec.sections import DEFAULT_FACTOR


def largest_bracket(epochs: int, factor: int) -> int:
    """The number of configurations in the first round of the largest bracket.

    Args:
        epochs: The most that a trial may get, at least 1.
        factor: Every round keeps one in so many.
    """
    n_brackets, left = 0, float(epochs)
    while left >= 1:
        left /= factor
        n_brackets += 1
    end = math.ceil(1 + math.log(epochs, factor))
    return math.ceil(end / n_brackets * float(factor) ** (n_brackets - 1))


def check_brackets(draft: Draft, drawn: SearchSpace) -> Iterator[Finding]:
    """Find a space that is too small for Hyperband: it would stop without promoting anyone.

    Args:
        draft: A spec without other mistakes.
        drawn: The domains that are drawn from.
    """
    search, epochs = draft.document.search, draft.document.training.epochs
    if search is None or search.strategy != "hyperband":
        return
    needed = largest_bracket(epochs, search.factor or DEFAULT_FACTOR)
    counted = count_fewer(draft, drawn, needed)
    if counted is not None:
        message = f"hyperband draws {needed:,} points, the search space has {counted.in_words}"
        notes = (f"found: epochs {epochs}", "write fewer epochs, or strategy: grid")
        yield Finding(("search", "strategy"), message, notes)
