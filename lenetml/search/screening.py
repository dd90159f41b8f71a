"""Screening: every trial trains a few epochs first, and only the best go on to their end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Literal

from lenetml.search.asks import Ask, Asker, Direction, Ending, cost_of
from lenetml.spec.domains import Point


class Screened:
    """The trials of another asker in two parts: all of them for a start, then the best to the end.

    A trial that has run all its epochs in the first part is ranked with the others and not asked
    for again. The other asker hears of the first part alone.

    Args:
        asker: Proposes the trials; what it proposes must not depend on their scores.
        epochs: Of every trial in the first part, at least 1.
        keep: Trials that are the best; at least 1.
        direction: Whether more or less of a score is better.
        epochs_of: The epochs that a point asks for.
    """

    def __init__(
        self,
        asker: Asker,
        epochs: int,
        keep: int,
        direction: Direction,
        epochs_of: Callable[[Point], int],
    ) -> None:
        self._asker, self._epochs, self._keep = asker, epochs, keep
        self._direction: Direction = direction
        self._epochs_of = epochs_of
        self._n_in_flight = 0
        self._scored: list[tuple[float, Ask]] = []
        self._ending: Ending | None = None
        self._second: Iterator[Ask] | None = None

    def ask(self) -> Ask | Literal["idle"] | Ending:
        """Propose a trial for its first part, then one of the best for its second."""
        if self._ending is None:
            answer = self._asker.ask()
            if isinstance(answer, Ask):
                self._n_in_flight += 1
                return replace(answer, until=self._epochs)
            if answer == "idle":
                return answer
            self._ending = answer
        if self._second is None:
            if self._n_in_flight:
                return "idle"
            self._second = self._best()
        return next(self._second, self._ending)

    def tell(self, ask: Ask, score: float | None) -> None:
        """Say how a part of a trial ended."""
        if ask.first_epoch:
            return
        self._n_in_flight -= 1
        self._asker.tell(ask, score)
        if score is not None:
            self._scored.append((cost_of(score, self._direction), ask))

    def correct(self, ask: Ask, point: dict[str, Any]) -> Ask:
        """Put other values in the place of those proposed last."""
        if not ask.first_epoch:
            self._asker.correct(ask, point)
        return replace(ask, point=point)

    def _best(self) -> Iterator[Ask]:
        """The second parts, best first; of equal ones the earlier trial."""
        ranked = sorted(self._scored, key=lambda each: (each[0], each[1].number))
        for _, ask in ranked[: self._keep]:
            if self._epochs_of(ask.point) > self._epochs:
                yield replace(ask, first_epoch=self._epochs, until=None)
