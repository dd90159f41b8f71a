"""What to try next: the contract of everything that proposes trials, and the simplest of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

Ending = Literal["trials", "exhausted"]
Direction = Literal["max", "min"]


def cost_of(objective: float, direction: Direction) -> float:
    """An objective as a number of which less is better."""
    return objective if direction == "min" else -objective


@dataclass(frozen=True)
class Ask:
    """A trial to run, or to go on with.

    Args:
        number: Of the trial, from 1.
        point: Its values.
        first_epoch: Epochs that it has run already; it goes on from there.
        until: The epoch to end after for now; None: its last.
    """

    number: int
    point: dict[str, Any]
    first_epoch: int = 0
    until: int | None = None


class Asker(Protocol):
    """Something that proposes trials and hears how they ended.

    What it answers depends on nothing but the order of the calls, so that a journal of them can
    be replayed into a new one.
    """

    def ask(self) -> Ask | Literal["idle"] | Ending:
        """Propose a trial, or say why there is none.

        `idle`: ask again after the next `tell`. `trials`: as many as wanted were asked for.
        `exhausted`: there is no more to try.
        """

    def tell(self, ask: Ask, score: float | None) -> None:
        """Say how a trial ended; None where it failed. Every ask is told once."""

    def correct(self, ask: Ask, point: dict[str, Any]) -> Ask:
        """Put other values in the place of those proposed last, as a journal has them."""


class FixedNetwork:
    """The only point of a spec without a search."""

    def __init__(self, point: dict[str, Any]) -> None:
        self._point: dict[str, Any] | None = point

    def ask(self) -> Ask | Literal["idle"] | Ending:
        """Propose the one trial, once."""
        point, self._point = self._point, None
        return "exhausted" if point is None else Ask(1, point)

    def tell(self, ask: Ask, score: float | None) -> None:
        """There is nothing to learn from it."""

    def correct(self, ask: Ask, point: dict[str, Any]) -> Ask:
        """Take the other values."""
        return Ask(ask.number, point)


class Limited:
    """So many trials of another asker, and no more.

    Args:
        asker: Proposes them; every ask of it is a trial of its own.
        trials: At least 1.
    """

    def __init__(self, asker: Asker, trials: int) -> None:
        self._asker, self._left = asker, trials
        self.tell, self.correct = asker.tell, asker.correct

    def ask(self) -> Ask | Literal["idle"] | Ending:
        """Ask the other one, as long as trials are left."""
        if self._left == 0:
            return "trials"
        answer = self._asker.ask()
        if isinstance(answer, Ask):
            self._left -= 1
        return answer
