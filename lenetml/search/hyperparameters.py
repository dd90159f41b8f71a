"""A spec's search space as Keras Tuner's hyperparameters, and their values back as a point.

The whole space is declared at once, up front; nothing is added later.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import keras_tuner

from lenetml.spec.domains import Choice, Domain, Point, SearchSpace


def declare(
    hyperparameters: keras_tuner.HyperParameters, space: SearchSpace, default: Point | None = None
) -> None:
    """Register every domain under its name, in the order of the spec.

    Args:
        hyperparameters: Filled in place.
        space: The domains.
        default: The values to begin with; the first of each domain where left out.
    """
    for name, domain in space.items():
        start = None if default is None else default[name]
        if isinstance(domain, Choice):
            _declare_choice(hyperparameters, name, domain, start)
        elif domain.is_whole:
            hyperparameters.Int(name, int(domain.low), int(domain.high), default=start)
        else:
            hyperparameters.Float(name, float(domain.low), float(domain.high), default=start)


def to_point(values: Mapping[str, Any], space: SearchSpace) -> dict[str, Any]:
    """Read a point from Keras Tuner's values; what is not of the space is left out."""
    return {name: _decode(values[name], domain) for name, domain in space.items() if name in values}


def to_values(point: Point, space: SearchSpace) -> dict[str, Any]:
    """Write a point as Keras Tuner's values."""
    return {name: _encode(point[name], space[name]) for name in point}


def _declare_choice(
    hyperparameters: keras_tuner.HyperParameters, name: str, domain: Choice, start: Any
) -> None:
    values = [_encode(value, domain) for value in domain.values]
    first = values[0] if start is None else _encode(start, domain)
    if len(values) == 1:
        hyperparameters.Fixed(name, values[0])
    elif isinstance(values[0], bool):
        # A Choice would turn true into 1 (Keras Tuner 1.4.8).
        hyperparameters.Boolean(name, default=first)
    else:
        is_ordered = isinstance(values[0], int | float)
        hyperparameters.Choice(name, values, ordered=is_ordered, default=first)


def _encode(value: Any, domain: Domain) -> Any:
    """Tied values travel as JSON text: a Choice takes no lists."""
    return json.dumps(value) if isinstance(value, list) else value


def _decode(value: Any, domain: Domain) -> Any:
    if isinstance(domain, Choice) and domain.is_tied:
        return json.loads(value)
    return value
