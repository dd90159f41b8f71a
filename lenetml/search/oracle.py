"""What to try next by Keras Tuner: its random, Bayesian and Hyperband oracles, asked and told.

They are driven from one thread. Impossible points, and points already tried, are passed over
inside the oracle, deterministically, so that they are never trials. Nothing is written by Keras
Tuner: what an oracle answers follows from its seed and the order of the calls alone.
"""

from __future__ import annotations

import math
import random
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import keras_tuner
import numpy as np
from keras_tuner.engine.trial import TrialStatus
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from lenetml.search.asks import Ask, Direction, Ending
from lenetml.search.hyperparameters import fixed_space, to_point, to_values
from lenetml.spec.domains import Point, SearchSpace, all_points
from lenetml.spec.sections import Bayesian
from lenetml.values import derive_seed

# A draw that meets only passed-over points this often in a row looks at what is left instead.
MAX_PASSED_OVER = 1000
MAX_ENUMERATED = 100_000
# New points that are compared where the Gaussian process proposes an old or impossible one.
N_REPLACEMENTS = 50

IsPossible = Callable[[Point], bool]
Values = dict[str, Any]


class _Passing:
    """Makes an oracle of Keras Tuner pass over points, and keeps it from writing and stopping."""

    def __init__(
        self,
        space: SearchSpace,
        is_possible: IsPossible,
        objective: keras_tuner.Objective,
        seed: int,
        **settings: Any,
    ) -> None:
        super().__init__(
            objective=objective,  # type: ignore[call-arg]
            seed=seed,
            hyperparameters=fixed_space(space),
            allow_new_entries=False,
            max_retries_per_trial=0,
            **settings,
        )
        self._space, self._is_possible = space, is_possible
        self._max_collisions, self.verbose = MAX_PASSED_OVER, 0
        self._left: list[Values] | None = None

    def failure_score(self, worst: float | None) -> float | None:
        """The score to tell for a failed trial, given the worst so far; None: that it failed."""
        return None

    def save(self) -> None:
        """Write nothing: the journal is the state."""

    def _save_trial(self, trial: Any) -> None:
        """Write nothing: the journal is the state."""

    def _check_consecutive_failures(self) -> None:
        """Go on after any number of failures; Keras Tuner 1.4.8 reads all trials to count them."""

    def _duplicate(self, values: Values) -> bool:
        """What Keras Tuner 1.4.8 asks before it takes a draw: pass over it, and draw again?"""
        is_tried = super()._duplicate(values)  # type: ignore[misc]
        return is_tried or not self._is_possible(to_point(values, self._space))

    def _random_values(self) -> Values | None:
        """Draw a possible new point: of what is left, where draws of a small space find no more."""
        if self._left is None:
            values: Values | None = super()._random_values()  # type: ignore[misc]
            if values is not None:
                return values
            n_most = math.prod(float(domain.size or math.inf) for domain in self._space.values())
            points = all_points(self._space) if n_most <= MAX_ENUMERATED else ()
            every = (to_values(point, self._space) for point in points)
            self._left = [values for values in every if not self._duplicate(values)]
        return self._draw_of(self._left)

    def _draw_of(self, left: list[Values]) -> Values | None:
        """Draw a point, and drop from the list those tried that are met on the way."""
        self._seed_state: int
        chance = random.Random(self._seed_state)
        self._seed_state += 1
        while left:
            index = chance.randrange(len(left))
            if not self._duplicate(left[index]):
                return dict(left[index])
            left[index] = left[-1]
            left.pop()
        return None


class RandomOracle(_Passing, keras_tuner.oracles.RandomSearchOracle):  # type: ignore[misc]
    """Random search; it ends when nothing is left."""


class BayesianOracle(_Passing, keras_tuner.oracles.BayesianOptimizationOracle):  # type: ignore[misc]
    """Bayesian search that proposes no point twice."""

    def failure_score(self, worst: float | None) -> float | None:
        """The worst score so far, so that the neighbourhood of the failed trial is avoided."""
        return worst

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Propose as Keras Tuner does; an old or impossible proposal is replaced."""
        if not self._nonfixed_space():
            return dict(self._random_populate_space())
        # With several threads, sums round by the number of cores.
        with warnings.catch_warnings(), threadpool_limits(limits=1):
            # Fits that do not quite converge are usual, and good enough to propose by.
            warnings.simplefilter("ignore")
            proposed: dict[str, Any] = super().populate_space(trial_id)
            if proposed["values"] is not None and self._duplicate(proposed["values"]):
                return self._replacement()
            return proposed

    def _replacement(self) -> dict[str, Any]:
        """The best of some new random points, by the bound that proposals minimize."""
        drawn = [values for _ in range(N_REPLACEMENTS) if (values := self._random_values())]
        if not drawn:
            return {"status": TrialStatus.STOPPED, "values": None}
        vectors = np.array([self._vector_of(values) for values in drawn])
        means, deviations = self.gpr.predict(vectors, return_std=True)
        best = int(np.argmin(means - self.beta * deviations))
        return {"status": TrialStatus.RUNNING, "values": drawn[best]}

    def _vector_of(self, values: Values) -> list[float]:
        """The place of a point in the unit cube, as Keras Tuner has it: defaults where absent."""
        return [hp.value_to_prob(values.get(hp.name, hp.default)) for hp in self._nonfixed_space()]


class HyperbandOracle(_Passing, keras_tuner.oracles.HyperbandOracle):  # type: ignore[misc]
    """Hyperband that promotes the best of those that did not fail."""

    def failure_score(self, worst: float | None) -> float | None:
        """A score that ranks last: Keras Tuner 1.4.8 promotes nobody once some have none.

        The worst so far would not do, for it may rank before trials that are told later.
        """
        return -math.inf if self.objective.direction == "max" else math.inf


class OracleAsker:
    """Asks one of the oracles above.

    Keras Tuner knows each rung of a configuration as a trial of its own; here it is one trial
    that goes on.
    """

    def __init__(
        self, oracle: RandomOracle | BayesianOracle | HyperbandOracle, space: SearchSpace
    ) -> None:
        self._oracle, self._space = oracle, space
        self._numbers: dict[str, int] = {}
        self._in_flight: dict[int, Any] = {}
        self._failed: set[int] = set()
        self._worst: float | None = None
        self._n_trials = 0

    def ask(self) -> Ask | Literal["idle"] | Ending:
        """Propose a trial, or the next rung of one."""
        while True:
            # A slot of its own for each ask: a slot with an ongoing trial would get it again.
            trial = self._oracle.create_trial(f"slot-{len(self._oracle.trials)}")
            if trial.status != TrialStatus.RUNNING:
                return "idle" if trial.status == TrialStatus.IDLE else "exhausted"
            number = self._number_of(trial)
            if number not in self._failed:
                break
            self._end(trial, None)
        self._in_flight[number] = trial
        values = trial.hyperparameters.values
        first_epoch, until = values.get("tuner/initial_epoch", 0), values.get("tuner/epochs")
        return Ask(number, to_point(values, self._space), first_epoch, until)

    def tell(self, ask: Ask, score: float | None) -> None:
        """Say how a trial, or a rung of it, ended."""
        if score is None:
            self._failed.add(ask.number)
        else:
            worse = min if self._oracle.objective.direction == "max" else max
            self._worst = score if self._worst is None else worse(score, self._worst)
        self._end(self._in_flight.pop(ask.number), score)

    def correct(self, ask: Ask, point: dict[str, Any]) -> Ask:
        """Put other values in the place of those proposed last."""
        trial = self._in_flight[ask.number]
        held = trial.hyperparameters
        own = {name: value for name, value in held.values.items() if name not in self._space}
        held.values = {**to_values(point, self._space), **own}
        # Keras Tuner 1.4.8 then knows these values as tried, and no longer the others.
        self._oracle._record_values(trial)
        return replace(ask, point=point)

    def _number_of(self, trial: Any) -> int:
        """The number of a configuration: that of the rung before, or a new one."""
        before = trial.hyperparameters.values.get("tuner/trial_id")
        if before is None:
            self._n_trials += 1
        number = self._n_trials if before is None else self._numbers[before]
        self._numbers[trial.trial_id] = number
        return number

    def _end(self, trial: Any, score: float | None) -> None:
        told = self._oracle.failure_score(self._worst) if score is None else score
        if told is None:
            trial.status = TrialStatus.FAILED
        else:
            self._oracle.update_trial(trial.trial_id, {self._oracle.objective.name: told})
            trial.status = TrialStatus.COMPLETED
        self._oracle.end_trial(trial)


def random_asker(space: SearchSpace, is_possible: IsPossible, seed: int) -> OracleAsker:
    """Make a random search; its points do not depend on what is told, nor when.

    Args:
        space: The domains.
        is_possible: Whether a point can be built.
        seed: The seed of the spec.
    """
    objective = keras_tuner.Objective("any", "max")
    seed = derive_seed(seed, "oracle")
    return OracleAsker(RandomOracle(space, is_possible, objective, seed, max_trials=None), space)


def bayesian_asker(
    space: SearchSpace,
    is_possible: IsPossible,
    objective: str,
    direction: Direction,
    seed: int,
    settings: Bayesian | None,
) -> OracleAsker:
    """Make a Bayesian search.

    Args:
        space: The domains.
        is_possible: Whether a point can be built.
        objective: The name of what is told.
        direction: Whether more or less of it is better.
        seed: The seed of the spec.
        settings: None for the defaults.
    """
    settings = settings or Bayesian()
    oracle = BayesianOracle(
        space,
        is_possible,
        keras_tuner.Objective(objective, direction),
        derive_seed(seed, "oracle"),
        max_trials=None,
        num_initial_points=settings.initial_points,
        alpha=settings.alpha,
        beta=settings.beta,
    )
    return OracleAsker(oracle, space)


def hyperband_asker(
    space: SearchSpace,
    is_possible: IsPossible,
    objective: str,
    direction: Direction,
    seed: int,
    max_epochs: int,
    factor: int,
    iterations: int,
) -> OracleAsker:
    """Make a Hyperband search; every ask says from which epoch to which.

    Args:
        space, is_possible, objective, direction, seed: As of a Bayesian search.
        max_epochs: The most that a trial may get.
        factor: One trial in so many goes on at each rung, at least 2.
        iterations: How many times all brackets are run.
    """
    oracle = HyperbandOracle(
        space,
        is_possible,
        keras_tuner.Objective(objective, direction),
        derive_seed(seed, "oracle"),
        max_epochs=max_epochs,
        factor=factor,
        hyperband_iterations=iterations,
    )
    return OracleAsker(oracle, space)
