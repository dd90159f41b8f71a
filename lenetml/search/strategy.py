"""A spec's search: what proposes its trials, and what each of them is."""

from __future__ import annotations

from collections.abc import Callable

from lenetml.search.asks import Ask, Asker, Direction, FixedNetwork, Limited
from lenetml.search.grid import GridAsker
from lenetml.search.loop import Task
from lenetml.search.oracle import bayesian_asker, hyperband_asker, random_asker
from lenetml.search.screening import Screened
from lenetml.search.trials import TrialPlan
from lenetml.spec import Spec
from lenetml.spec.domains import Point, all_points
from lenetml.spec.sections import DEFAULT_FACTOR, DEFAULT_ITERATIONS, ConcreteSpec, Search
from lenetml.spec.shapes import Impossible, LayerShape, trace
from lenetml.trial.data import LoadedData
from lenetml.trial.evaluate import DIRECTION
from lenetml.values import derive_seed

SECONDS = {"s": 1, "m": 60, "h": 3600}


def task_of(spec: Spec, data: LoadedData) -> Task:
    """What is searched, and how its trials are trained and compared."""
    search = spec.document.search or Search(strategy="random")
    return Task(
        plan=planner(spec, data),
        objective=search.objective,
        direction=DIRECTION[search.objective],
        executions=search.executions_per_trial,
        time_limit=seconds_of(search.time_limit),
    )


def make_asker(spec: Spec, data: LoadedData) -> Asker:
    """Make what proposes the trials of a spec: a new one answers as any other new one."""
    search = spec.document.search
    if search is None or all(domain.size == 1 for domain in spec.space.values()):
        return FixedNetwork(next(all_points(spec.space)))
    seed, possible, direction = spec.document.seed, is_possible(spec, data), _direction(search)
    if search.strategy == "hyperband":
        epochs = spec.document.training.epochs
        assert isinstance(epochs, int)
        return hyperband_asker(
            spec.space, possible, search.objective, direction, seed, epochs,
            search.factor or DEFAULT_FACTOR, search.iterations or DEFAULT_ITERATIONS,
        )  # fmt: skip
    asker: Asker
    if search.strategy == "grid":
        asker = GridAsker(spec.space, possible)
    elif search.strategy == "bayesian":
        asker = bayesian_asker(
            spec.space, possible, search.objective, direction, seed, search.bayesian
        )
    else:
        asker = random_asker(spec.space, possible, seed)
    if search.trials is not None:
        asker = Limited(asker, search.trials)
    if search.screening is None:
        return asker

    def epochs_of(point: Point) -> int:
        return spec.concrete(point).training.epochs

    return Screened(asker, search.screening.epochs, search.screening.keep, direction, epochs_of)


def layer_shapes(concrete: ConcreteSpec, data: LoadedData) -> tuple[LayerShape, ...]:
    """Follow an image through the network of a point: one entry a layer, the output layer last.

    Raises:
        Impossible: The network cannot be built.
    """
    return trace(concrete.architecture, data.input_shape, len(data.classes))


def is_possible(spec: Spec, data: LoadedData) -> Callable[[Point], bool]:
    """Say of any point of the spec whether its network can be built on these data."""

    def check(point: Point) -> bool:
        try:
            layer_shapes(spec.concrete(point), data)
        except Impossible:
            return False
        return True

    return check


def planner(spec: Spec, data: LoadedData) -> Callable[[Ask], TrialPlan]:
    """Say of any trial what it will be."""
    search = spec.document.search
    n_executions = search.executions_per_trial if search else 1

    def plan(ask: Ask) -> TrialPlan:
        concrete = spec.concrete(ask.point)
        shapes = layer_shapes(concrete, data)
        first = derive_seed(concrete.seed, "trial", ask.number)
        further = (
            derive_seed(concrete.seed, "trial", ask.number, "execution", execution)
            for execution in range(2, n_executions + 1)
        )
        return TrialPlan(
            concrete=concrete,
            seeds=(first, *further),
            images_per_epoch=len(data.train.labels),
            parameters=sum(shape.parameters for shape in shapes),
            macs=sum(shape.macs for shape in shapes),
        )

    return plan


def n_winners(search: Search | None) -> int | None:
    """Trials whose weights may still be wanted at the end of a search; None: any."""
    if search is None:
        return 1
    goes_on = search.strategy == "hyperband" or search.screening is not None
    if goes_on or search.select == "one_standard_error":
        return None
    return search.confirm.top if search.confirm else 1


def n_side_by_side(spec: Spec) -> int | None:
    """How many trainings of a run can go on at once at most; None: as many as one likes."""
    search, n_seeds = spec.document.search, spec.document.evaluation.seeds
    if search is None or all(domain.size == 1 for domain in spec.space.values()):
        n_trials: int | None = 1
    else:
        n_trials = search.trials
    if n_trials is None:
        return None
    n_executions = search.executions_per_trial if search else 1
    confirm = search.confirm if search else None
    return max(
        n_trials * n_executions,
        min(confirm.top, n_trials) * confirm.seeds if confirm else 0,
        n_seeds,
    )


def time_of_one(spec: Spec) -> float | None:
    """Seconds that one training may take."""
    return seconds_of(spec.document.search.trial_time_limit) if spec.document.search else None


def seconds_of(limit: str | None) -> float | None:
    """A time such as `45m` in seconds."""
    return None if limit is None else int(limit[:-1]) * SECONDS[limit[-1]]


def _direction(search: Search) -> Direction:
    return DIRECTION[search.objective]
