"""How many points Hyperband draws for its largest bracket, by Keras Tuner's arithmetic.

Source: Li et al., "Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization",
2018; the rounding is that of Keras Tuner 1.4.8.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice

from lenetml.spec.domains import SearchSpace, all_points
from lenetml.spec.draft import Draft, Finding
from lenetml.spec.feasibility import network_of, possibility
from lenetml.spec.sections import DEFAULT_FACTOR

MAX_TRIED = 20_000
"""Points of a space that are looked at; of more than that, enough are taken to be possible."""


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
    if any(domain.size is None for domain in drawn.values()):
        return
    needed = largest_bracket(epochs, search.factor or DEFAULT_FACTOR)
    network = network_of(draft)
    is_possible = possibility(network, draft.space, drawn) if network else None
    n_points = n_possible = 0
    for point in islice(all_points(drawn), MAX_TRIED):
        n_points += 1
        n_possible += is_possible is None or is_possible(point)
        if n_possible == needed:
            return
    if n_points < MAX_TRIED:
        limit = " that can be built" if n_possible < n_points else ""
        message = f"hyperband draws {needed:,} points, the search space has {n_possible:,}{limit}"
        notes = (f"found: epochs {epochs}", "write fewer epochs, or strategy: grid")
        yield Finding(("search", "strategy"), message, notes)
