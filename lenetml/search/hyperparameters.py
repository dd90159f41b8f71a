"""A spec's search space as Keras Tuner's hyperparameters, and their values back as a point.

The whole space is declared at once, up front; nothing is added later.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

import keras_tuner

from lenetml.spec.conditions import admitted
from lenetml.spec.domains import Choice, Domain, Point, Range, SearchSpace, on_grid


def declare(
    hyperparameters: keras_tuner.HyperParameters, space: SearchSpace, default: Point | None = None
) -> None:
    """Register every domain under its name, in the order of the spec, with its conditions.

    Args:
        hyperparameters: Filled in place.
        space: The domains, each after those that its conditions name.
        default: The values to begin with; the first of each domain where left out.
    """
    for name, domain in space.items():
        start = None if default is None else default.get(name)
        kind = _kind_of(name, domain, None if start is None else _encode(start, domain))
        # Nested scopes do not work on top-level parents (Keras Tuner 1.4.8); objects do, and its
        # public door to conditions is the written form.
        whole = {**kind.get_config(), "conditions": _parents(domain, space)}
        hyperparameters.merge([type(kind).from_config(whole)], overwrite=False)


class _FixedSpace(keras_tuner.HyperParameters):  # type: ignore[misc]
    """Shares its space with its copies; Keras Tuner 1.4.8 makes one for every trial."""

    def copy(self) -> _FixedSpace:
        other = copy.copy(self)
        other.values = dict(self.values)
        return other


def fixed_space(space: SearchSpace) -> keras_tuner.HyperParameters:
    """Declare a space to which nothing is added: its copies have only values of their own."""
    hyperparameters = _FixedSpace()
    declare(hyperparameters, space)
    return hyperparameters


def to_point(values: Mapping[str, Any], space: SearchSpace) -> dict[str, Any]:
    """Read a point from Keras Tuner's values; what is not of the space is left out."""
    return {name: _decode(values[name], domain) for name, domain in space.items() if name in values}


def to_values(point: Point, space: SearchSpace) -> dict[str, Any]:
    """Write a point as Keras Tuner's values."""
    return {name: _encode(value, space[name]) for name, value in point.items()}


def _kind_of(name: str, domain: Domain, start: Any) -> Any:
    """The kind of hyperparameter that draws from a domain."""
    kinds = keras_tuner.engine.hyperparameters
    if isinstance(domain, Range):
        kind, number = (kinds.Int, int) if domain.is_whole else (kinds.Float, float)
        high = domain.high
        if _has_real_steps(domain):
            # Keras Tuner 1.4.8 counts steps in floating point: (0.3 - 0.0) // 0.1 is 2.
            high += (domain.step or 0) / 2
        return kind(
            name,
            number(domain.low),
            number(high),
            step=domain.step,
            sampling="log" if domain.is_log else None,
            default=start,
        )
    values = [_encode(value, domain) for value in domain.values]
    if len(values) == 1:
        return kinds.Fixed(name, values[0])
    if isinstance(values[0], bool):
        # A Choice would turn true into 1 (Keras Tuner 1.4.8).
        return kinds.Boolean(name, default=values[0] if start is None else start)
    is_ordered = not isinstance(values[0], str)
    return kinds.Choice(name, values, ordered=is_ordered, default=start)


def _parents(domain: Domain, space: SearchSpace) -> list[Any]:
    """One condition for each parent: the values of it that all conditions on it admit."""
    parents = []
    for name in dict.fromkeys(each.name for each in domain.when):
        values = [_encode(value, space[name]) for value in admitted(name, domain.when, space)]
        parents.append({"class_name": "Parent", "config": {"name": name, "values": values}})
    return parents


def _encode(value: Any, domain: Domain) -> Any:
    """A value as Keras Tuner has it: tied values as JSON text, for a Choice takes no lists."""
    if isinstance(domain, Choice):
        return json.dumps(value) if domain.is_tied else value
    if not _has_real_steps(domain) or domain.step is None:
        return value
    # Keras Tuner 1.4.8 adds steps up in floating point: 0.1 + 2 * 0.1 is not 0.3.
    return domain.low + round((value - domain.low) / domain.step) * domain.step


def _decode(value: Any, domain: Domain) -> Any:
    if isinstance(domain, Choice):
        return json.loads(value) if domain.is_tied else value
    # The Bayesian search of Keras Tuner 1.4.8 gives numbers of NumPy.
    return on_grid(domain, value if domain.is_whole else float(value))


def _has_real_steps(domain: Range) -> bool:
    return domain.step is not None and not domain.is_whole
