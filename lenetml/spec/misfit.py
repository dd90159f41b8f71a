"""An impossible point in words: the layer that does not fit, and the values that make it so."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lenetml.spec.domains import Point, SearchSpace, all_values, is_active
from lenetml.spec.kinds import written
from lenetml.spec.layers import ITEMS, Layer
from lenetml.spec.nodes import Path
from lenetml.spec.shapes import Impossible, Shape, trace
from lenetml.spec.unroll import expand

MAX_TRIED = 200
_ORDINALS = ("", "first ", "second ", "third ", "fourth ", "fifth ", "sixth ", "seventh ")


@dataclass(frozen=True)
class Misfit:
    """An example of an impossible point, and the layer that does not fit."""

    path: Path
    layer: str
    sentence: str


@dataclass(frozen=True)
class Network:
    """An architecture with references, and what it is built for."""

    items: list[Any]
    input_shape: Shape
    n_classes: int


def find_misfit(
    network: Network, space: SearchSpace, base: Point, example: Mapping[str, Any]
) -> Misfit | None:
    """What does not fit at an impossible point, with no more values than it takes.

    Args:
        network: The architecture.
        space: The drawn domains.
        base: A value for every name, for those that reach no shape.
        example: The values of the names that reach a shape, where they exist.
    """
    found = _misfit_at(network, space, {**base, **example})
    if found is None:
        return None
    tellable = [name for name in example if not any(_depends(space, on=name))]
    dropped: list[str] = []
    for name in tellable:
        tried = [*dropped, name]
        if _is_all_the_same(found, tried, network, space, {**base, **example}):
            dropped = tried
    given = [f"{name} {written(example[name])}" for name in example if name not in dropped]
    prefix = f"with {', '.join(given)} " if given else ""
    return Misfit(found.path, found.layer, prefix + found.sentence)


def architecture_at(items: list[Any], point: Point) -> tuple[list[Path], list[Layer]]:
    """The layers of an architecture in turn at a point, each with its path in the spec."""
    placed = list(expand(items, point))
    layers = ITEMS.validate_python([item for _, item in placed])
    return [path for path, _ in placed], list(layers)


def _depends(space: SearchSpace, on: str) -> list[str]:
    return [name for name, domain in space.items() if on in {each.name for each in domain.when}]


def _is_all_the_same(
    found: Misfit, names: list[str], network: Network, space: SearchSpace, values: Point
) -> bool:
    """Whether the same does not fit, in the same words, for all values of some names."""
    sizes = [space[name].size for name in names]
    if None in sizes or math.prod(size for size in sizes if size is not None) > MAX_TRIED:
        return False
    return all(
        _misfit_at(network, space, {**values, **dict(zip(names, chosen, strict=True))}) == found
        for chosen in itertools.product(*(all_values(space[name]) for name in names))
    )


def _misfit_at(network: Network, space: SearchSpace, values: Point) -> Misfit | None:
    point = {name: values[name] for name in space if name in values}
    point = {name: value for name, value in point.items() if is_active(space[name], point)}
    paths, layers = architecture_at(network.items, point)
    try:
        trace(layers, network.input_shape, network.n_classes)
    except Impossible as error:
        return _describe(error, paths, layers)
    return None


def _describe(error: Impossible, paths: list[Path], layers: list[Layer]) -> Misfit:
    if error.index == len(layers):
        sentence = f"the input of the output layer {error.reason}"
        return Misfit(("architecture",), "the output layer", sentence)
    path = paths[error.index]
    kind = str(path[-1])
    same = [index for index, other in enumerate(paths) if other[-1] == kind]
    number = same.index(error.index) + 1
    ordinal = _ORDINALS[number] if number < len(_ORDINALS) else f"{number}th "
    which = f"the {ordinal}{kind}" if len(same) > 1 else kind
    return Misfit(path, kind, f"the input of {which} {error.reason}")
