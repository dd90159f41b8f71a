"""Those who follow an experiment, and what they hear of a search that begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from lenetml.record import TrialRecord
from lenetml.search.asks import Direction
from lenetml.search.loop import Listener


@dataclass(frozen=True)
class SearchStart:
    """A search that begins, or goes on.

    Args:
        name: Of the spec.
        trials: At most so many; None: nobody knows.
        n_slots: Trainings side by side.
        direction: Whether more or less of the objective is better.
        earlier: Trials of earlier lives.
    """

    name: str
    trials: int | None
    n_slots: int
    direction: Direction
    earlier: tuple[TrialRecord, ...] = ()


class Follower(Listener, Protocol):
    """Somebody who follows an experiment: the command line's display."""

    def stage(self, text: str) -> None:
        """Something begins that may take a while."""

    def search_started(self, start: SearchStart) -> None:
        """The search of a spec begins, or goes on."""

    def warn(self, text: str) -> None:
        """Something did not go as asked, and the experiment goes on."""
