"""What to try next: Keras Tuner's oracle, asked and told from one thread.

Impossible points, and points already tried, are passed over inside the oracle, deterministically,
so that they are never trials. Its own files are not written: the journal is the state.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import keras_tuner
from keras_tuner.engine import trial as trial_module

from lenetml.search.hyperparameters import declare, to_point, to_values
from lenetml.spec.domains import Point, SearchSpace, all_points
from lenetml.values import derive_seed

# A draw that meets only passed-over points this often in a row looks at what is left instead.
MAX_PASSED_OVER = 1000
MAX_ENUMERATED = 100_000
NO_FAILURE_LIMIT = 10**9

IsPossible = Callable[[Point], bool]


@dataclass(frozen=True)
class Ask:
    """One trial to run: its number, from 1, and its point."""

    number: int
    point: dict[str, Any]


class Asker(Protocol):
    """Something that proposes trials and hears how they ended."""

    def ask(self) -> Ask | Literal["trials", "exhausted"]:
        """Propose a trial, or say why there is none: enough trials, or no point left."""

    def tell(self, ask: Ask, score: float | None) -> None:
        """Say how a trial ended; None where it failed."""


@dataclass
class FixedNetwork:
    """The only point of a spec without a search."""

    point: dict[str, Any]
    is_asked: bool = False

    def ask(self) -> Ask | Literal["trials", "exhausted"]:
        """Propose the one trial, once."""
        if self.is_asked:
            return "exhausted"
        self.is_asked = True
        return Ask(1, self.point)

    def tell(self, ask: Ask, score: float | None) -> None:
        """There is nothing to learn from it."""


class RandomOracle(keras_tuner.oracles.RandomSearchOracle):  # type: ignore[misc]
    """Keras Tuner's random search, which passes over impossible points and ends when none is left.

    Args:
        space: The domains.
        is_possible: Whether a point can be built.
        objective: Name and direction.
        max_trials: Trials to propose at most.
        seed: From 1 to 2**32 - 1.
    """

    def __init__(
        self,
        space: SearchSpace,
        is_possible: IsPossible,
        objective: keras_tuner.Objective,
        max_trials: int,
        seed: int,
    ) -> None:
        hyperparameters = keras_tuner.HyperParameters()
        declare(hyperparameters, space)
        super().__init__(
            objective=objective,
            max_trials=max_trials,
            seed=seed,
            hyperparameters=hyperparameters,
            allow_new_entries=False,
            max_retries_per_trial=0,
            max_consecutive_failed_trials=NO_FAILURE_LIMIT,
        )
        self._space = space
        self._is_possible = is_possible
        self._max_collisions = MAX_PASSED_OVER
        self.verbose = 0

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Draw a point that is possible and new."""
        values = self._random_values() or self._draw_of_what_is_left()
        status = trial_module.TrialStatus
        return {"status": status.RUNNING if values else status.STOPPED, "values": values}

    def save(self) -> None:
        """Write nothing: the journal is the state."""

    def _save_trial(self, trial: Any) -> None:
        """Write nothing: the journal is the state."""

    def _duplicate(self, values: dict[str, Any]) -> bool:
        """What Keras Tuner 1.4.8 asks before it takes a draw: pass over it, and draw again?"""
        if super()._duplicate(values):
            return True
        return not self._is_possible(to_point(values, self._space))

    def _all_points(self) -> Iterable[Point]:
        """Every point of a small finite space; nothing where it is large or not finite."""
        sizes = [domain.size for domain in self._space.values()]
        finite = [size for size in sizes if size is not None]
        if len(finite) < len(sizes) or math.prod(finite) > MAX_ENUMERATED:
            return ()
        return all_points(self._space)

    def _draw_of_what_is_left(self) -> dict[str, Any] | None:
        points = (to_values(point, self._space) for point in self._all_points())
        left = [values for values in points if not self._duplicate(values)]
        if not left:
            return None
        self._seed_state += 1
        return random.Random(self._seed_state).choice(left)


class OracleAsker:
    """Asks an oracle of Keras Tuner, one trial after the other."""

    def __init__(self, oracle: keras_tuner.engine.oracle.Oracle, space: SearchSpace) -> None:
        self._oracle = oracle
        self._space = space
        self._trials: dict[int, Any] = {}

    def ask(self) -> Ask | Literal["trials", "exhausted"]:
        """Propose the next trial."""
        number = len(self._trials) + 1
        # A slot of its own for each ask: a slot with an ongoing trial would get it again.
        trial = self._oracle.create_trial(f"slot-{number}")
        if trial.status != trial_module.TrialStatus.RUNNING:
            is_full = number > self._oracle.max_trials
            return "trials" if is_full else "exhausted"
        self._trials[number] = trial
        return Ask(number, to_point(trial.hyperparameters.values, self._space))

    def tell(self, ask: Ask, score: float | None) -> None:
        """Say how a trial ended."""
        trial = self._trials[ask.number]
        status = trial_module.TrialStatus
        if score is None:
            trial.status = status.FAILED
        else:
            self._oracle.update_trial(trial.trial_id, {self._oracle.objective.name: score})
            trial.status = status.COMPLETED
        self._oracle.end_trial(trial)


def random_search(
    space: SearchSpace,
    is_possible: IsPossible,
    objective: str,
    direction: Literal["max", "min"],
    trials: int,
    seed: int,
) -> Asker:
    """Make a random search.

    Args:
        space: The domains.
        is_possible: Whether a point can be built.
        objective: The name that is told.
        direction: Whether more or less of it is better.
        trials: Trials to propose at most.
        seed: The seed of the spec.
    """
    oracle = RandomOracle(
        space,
        is_possible,
        keras_tuner.Objective(objective, direction),
        trials,
        derive_seed(seed, "oracle"),
    )
    return OracleAsker(oracle, space)
