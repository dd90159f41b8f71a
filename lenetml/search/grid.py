"""Every point of a finite search space in turn, in the order of the spec."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal

from lenetml.search.asks import Ask, Ending
from lenetml.spec.domains import Point, SearchSpace, all_values, is_active


class GridAsker:
    """Proposes every possible point, the first name slowest, however many are in flight.

    Args:
        space: Finite domains, each after those that its conditions name.
        is_possible: Whether a point can be built; the others are passed over.
    """

    def __init__(self, space: SearchSpace, is_possible: Callable[[Point], bool]) -> None:
        self._asks = enumerate(filter(is_possible, _points(space, tuple(space), {})), start=1)

    def ask(self) -> Ask | Literal["idle"] | Ending:
        """Propose the next point."""
        number, point = next(self._asks, (0, None))
        return "exhausted" if point is None else Ask(number, point)

    def tell(self, ask: Ask, score: float | None) -> None:
        """There is nothing to learn from it."""

    def correct(self, ask: Ask, point: dict[str, Any]) -> Ask:
        """Take the other values; the points after them stay the same."""
        return replace(ask, point=point)


def _points(
    space: SearchSpace, names: Sequence[str], chosen: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Every point that begins with the chosen values; a domain may be a range of millions."""
    if not names:
        yield chosen
    elif not is_active(space[names[0]], chosen):
        yield from _points(space, names[1:], chosen)
    else:
        for value in all_values(space[names[0]]):
            yield from _points(space, names[1:], {**chosen, names[0]: value})
