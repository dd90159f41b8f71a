"""What stands around a place in an architecture, and so decides whether the place is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lenetml.spec.domains import Condition, SearchSpace, values_at
from lenetml.spec.nodes import Path
from lenetml.spec.presence import read_when
from lenetml.spec.references import as_reference


@dataclass(frozen=True)
class Surroundings:
    """What stands around a place.

    Args:
        written_times: Of the innermost repeat, which may be a reference; None: there is no repeat.
        conditions: All that must hold for the place to be there: the `when` of every item around
            it, its own item included, and that every repeat comes at least once.
    """

    written_times: Any
    conditions: tuple[Condition, ...]


def surroundings_of(data: Mapping[str, Any], path: Path, space: SearchSpace) -> Surroundings:
    """Find what stands around a place in an architecture.

    Args:
        data: The plain data; items are written `{kind: {arguments}}`.
        path: Of the place.
        space: The declared domains.
    """
    times: Any = None
    conditions: list[Condition] = []
    node: Any = data
    for depth, part in enumerate(path):
        node = node[part]
        if depth and isinstance(path[depth - 1], int):
            conditions += _holding(node.get("when", True), space)
            if part == "repeat" and path[depth + 1] == "layers":
                times = node["times"]
                conditions += more_than(times, 0, space)
    return Surroundings(times, tuple(conditions))


def more_than(times: Any, number: int, space: SearchSpace) -> tuple[Condition, ...]:
    """The conditions under which a repeat comes more often than `number`.

    Args:
        times: As written.
        number: From 0.
        space: The declared domains.

    Returns:
        Of `$name.each` no more than that the name exists.
    """
    reference = as_reference(times)
    if reference is None:
        return ()
    domain, position = space[reference.name], reference.position
    if reference.is_each:
        return domain.when
    values = values_at(domain, position)
    more = tuple(value for value in values if value > number)
    return domain.when if len(more) == len(values) else (Condition(reference.name, position, more),)


def _holding(when: Any, space: SearchSpace) -> tuple[Condition, ...]:
    """What holds where a `when` does; of `$name.each`, that the name exists."""
    reference = as_reference(when)
    is_each = reference is not None and reference.is_each
    return space[reference.name].when if reference and is_each else read_when(when)
