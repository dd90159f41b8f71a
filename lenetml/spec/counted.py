"""How many points of a small search space can be built: what a search has to draw from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from lenetml.spec.domains import SearchSpace, all_points
from lenetml.spec.draft import Draft, Finding
from lenetml.spec.feasibility import network_of, possibility

MAX_TRIED = 20_000
"""Points of a space that are looked at; of more than that, enough are taken to be possible."""


@dataclass(frozen=True)
class Counted:
    """All points of a search space, and those of them that can be built."""

    n_points: int
    n_possible: int

    @property
    def in_words(self) -> str:
        """What the search space has."""
        limit = " that can be built" if self.n_possible < self.n_points else ""
        points = "point" if self.n_possible == 1 else "points"
        return f"{self.n_possible:,} {points}{limit}"


def count_fewer(draft: Draft, drawn: SearchSpace, needed: int) -> Counted | None:
    """Count the points of a search space that has too few.

    Args:
        draft: A spec without other mistakes.
        drawn: The domains that are drawn from.
        needed: So many that can be built are enough.

    Returns:
        None where there are enough, or more points than can be looked at.
    """
    if any(domain.size is None for domain in drawn.values()):
        return None
    network = network_of(draft)
    is_possible = possibility(network, draft.space, drawn) if network else None
    n_points = n_possible = 0
    for point in islice(all_points(drawn), MAX_TRIED + 1):
        n_points += 1
        n_possible += is_possible is None or is_possible(point)
        if n_possible == needed:
            return None
    return Counted(n_points, n_possible) if n_points <= MAX_TRIED else None


def check_trials(draft: Draft, drawn: SearchSpace) -> Iterator[Finding]:
    """Find trials for which the search space has no points left.

    Args:
        draft: A spec without other mistakes.
        drawn: The domains that are drawn from.
    """
    search = draft.document.search
    if search is None or search.trials is None:
        return
    counted = count_fewer(draft, drawn, search.trials)
    if counted is not None:
        message = f"the search space has {counted.in_words}; the search ends there"
        notes = (f"found: trials {search.trials:,}",)
        yield Finding(("search", "trials"), message, notes, severity="warning")
