"""Which points of a search space are impossible: networks that cannot be built."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from lenetml.spec.domains import Choice, Domain, Point, Range, SearchSpace, written
from lenetml.spec.layers import Item, Layer
from lenetml.spec.places import marker_at
from lenetml.spec.shapes import Impossible, LayerShape, Shape, trace
from lenetml.spec.source import Path
from lenetml.spec.space import Use, expand, look_up, substitute

MAX_ENUMERATED = 100_000
SAMPLES = 10_000
_ORDINALS = ("", "first ", "second ", "third ", "fourth ", "fifth ", "sixth ", "seventh ")


@dataclass(frozen=True)
class Misfit:
    """An example of an impossible point, and the layer that does not fit."""

    path: Path
    layer: str
    sentence: str


@dataclass(frozen=True)
class Feasibility:
    """How much of a search space can be built.

    Args:
        impossible_share: Share of what random search would draw.
        is_exact: Every combination was looked at, not a sample.
        misfit: An example, where there is one.
    """

    impossible_share: float
    is_exact: bool
    misfit: Misfit | None


def architecture_at(items: list[Any], point: Point) -> tuple[list[Path], list[Layer]]:
    """The layers of an architecture in turn at a point, each with its path in the spec."""
    placed = list(expand(substitute(items, lambda ref: look_up(point, ref)), point))
    layers = _ITEMS.validate_python([item for _, item in placed])
    return [path for path, _ in placed], list(layers)


def shapes_at(
    items: list[Any], point: Point, input_shape: Shape, n_classes: int
) -> tuple[LayerShape, ...]:
    """The shapes of a network at a point.

    Raises:
        Impossible: The network cannot be built.
    """
    return trace(architecture_at(items, point)[1], input_shape, n_classes)


def names_that_reach_shapes(uses: tuple[Use, ...]) -> tuple[str, ...]:
    """The hyperparameters that decide whether a network can be built."""
    names = (
        use.reference.name
        for use in uses
        if use.reference is not None
        and (marker := marker_at(use.path)) is not None
        and marker.reaches_shape
    )
    return tuple(dict.fromkeys(names))


def feasibility(
    items: list[Any],
    space: SearchSpace,
    uses: tuple[Use, ...],
    input_shape: Shape,
    n_classes: int,
) -> Feasibility:
    """Look at every combination of values that reach a shape, or at a sample of many.

    Args:
        items: The architecture with references.
        space: All domains, checked.
        uses: The places that hold references.
        input_shape: Height, width, channels.
        n_classes: The number of classes.
    """
    names = names_that_reach_shapes(uses)
    base = {name: _first(domain) for name, domain in space.items()}
    sizes = [space[name].size for name in names]
    total = math.prod(size for size in sizes if size is not None)
    is_exact = None not in sizes and total <= MAX_ENUMERATED
    points = _all_points(space, names) if is_exact else _sampled_points(space, names)
    impossible, count = 0, 0
    misfit = None
    for values in points:
        count += 1
        paths, layers = architecture_at(items, base | values)
        try:
            trace(layers, input_shape, n_classes)
        except Impossible as error:
            impossible += 1
            misfit = misfit or _describe(error, paths, layers, values)
    return Feasibility(impossible / count, is_exact, misfit)


def _first(domain: Domain) -> Any:
    return domain.values[0] if isinstance(domain, Choice) else domain.low


def _all_values(domain: Domain) -> tuple[Any, ...]:
    if isinstance(domain, Choice):
        return domain.values
    return tuple(range(int(domain.low), int(domain.high) + 1))


def _all_points(space: SearchSpace, names: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    for values in itertools.product(*(_all_values(space[name]) for name in names)):
        yield dict(zip(names, values, strict=True))


def _sampled_points(space: SearchSpace, names: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    # A seed of its own: a check must say the same every time.
    draw = random.Random(0)
    for _ in range(SAMPLES):
        yield {name: _drawn(space[name], draw) for name in names}


def _drawn(domain: Domain, draw: random.Random) -> Any:
    if isinstance(domain, Range):
        if domain.is_whole:
            return draw.randint(int(domain.low), int(domain.high))
        return draw.uniform(domain.low, domain.high)
    return draw.choice(domain.values)


def _describe(
    error: Impossible, paths: list[Path], layers: list[Layer], values: Mapping[str, Any]
) -> Misfit:
    given = ", ".join(f"{name} {written(value)}" for name, value in values.items())
    prefix = f"with {given} " if given else ""
    if error.index == len(layers):
        return Misfit(
            ("architecture",),
            "output layer",
            f"{prefix}the input of the output layer {error.reason}",
        )
    path = paths[error.index]
    kind = str(path[-1])
    same = [index for index, other in enumerate(paths) if other[-1] == kind]
    number = same.index(error.index) + 1
    ordinal = _ORDINALS[number] if number < len(_ORDINALS) else f"{number}th "
    which = ordinal if len(same) > 1 else ""
    return Misfit(path, kind, f"{prefix}the input of the {which}{kind} {error.reason}")


_ITEMS = TypeAdapter(list[Item])
