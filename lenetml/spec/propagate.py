"""How much of a search space can be built, exactly and without trying every combination.

Shapes are carried through the unrolled architecture together with the share of points that lead
to them. A hyperparameter splits the points where it is first needed, and is forgotten after its
last use, so that points which have become alike go on as one.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from lenetml.spec.domains import Point, SearchSpace, all_values, is_active
from lenetml.spec.layers import Item, Layer
from lenetml.spec.places import marker_at
from lenetml.spec.shapes import DoesNotFit, Shape, advance
from lenetml.spec.space import (
    LEFT_OUT,
    Reference,
    looks_like_reference,
    name_of_repetition,
    read_reference,
)
from lenetml.spec.unroll import Entry, Guard, layer_at

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Share:
    """A share of all points that have the same shape and the same live values.

    Args:
        size: From 0 to 1, as random search draws.
        values: The live values, and of all others an example; `LEFT_OUT` where a name does not
            exist.
    """

    size: float
    values: Values


def impossible_share(
    entries: Sequence[Entry], space: SearchSpace, base: Point, input_shape: Shape
) -> tuple[float, dict[str, Any] | None]:
    """The share of points whose network cannot be built, and the values of one of them.

    Args:
        entries: The unrolled architecture.
        space: The drawn domains; all that reach a shape are finite.
        base: A value for every name, for those that reach no shape.
        input_shape: Height, width, channels.
    """
    needed = [_with_parents(names_of(entry, space), space) for entry in entries]
    shares: dict[tuple[Shape, Hashable], Share] = {(input_shape, ()): Share(1.0, {})}
    lost: list[Share] = []
    for index, entry in enumerate(entries):
        later = {name for names in needed[index + 1 :] for name in names}
        steps = Steps(entry, names_of(entry, space), base)
        following: dict[tuple[Shape, Hashable], Share] = {}
        for (shape, _), share in shares.items():
            for part in _split(share, needed[index], space):
                try:
                    reached = steps.take(shape, part.values)
                except DoesNotFit:
                    lost.append(part)
                    continue
                key = (reached, _live(part.values, later))
                before = following.get(key)
                size = part.size + (before.size if before else 0.0)
                following[key] = Share(size, before.values if before else part.values)
        shares = following
    for (shape, _), share in shares.items():
        if len(shape) != 1:
            lost.append(share)
    if not lost:
        return 0.0, None
    example = {name: value for name, value in lost[0].values.items() if value is not LEFT_OUT}
    total = 1.0 if not any(len(shape) == 1 for shape, _ in shares) else _sum(lost)
    return total, example


def names_of(entry: Entry, space: SearchSpace) -> tuple[str, ...]:
    """The drawn hyperparameters that decide what a layer makes of a shape, or if it is there."""
    names = [name for guard in entry.guards for name in _guard_names(guard, space)]
    for key, value in entry.arguments.items():
        marker = marker_at((*entry.path, key))
        if marker is not None and marker.reaches_shape:
            names += _names_in(value, entry.repetition, space)
    for inner in entry.inner:
        names += names_of(inner, space)
    return tuple(dict.fromkeys(names))


def can_be_built(steps: Sequence[Steps], values: Values, input_shape: Shape) -> bool:
    """Whether the network of some values can be built.

    Args:
        steps: One an entry, in turn.
        values: Of all names that reach a shape; `LEFT_OUT` where a name does not exist.
        input_shape: Height, width, channels.
    """
    shape = input_shape
    for step in steps:
        try:
            shape = step.take(shape, values)
        except DoesNotFit:
            return False
    return len(shape) == 1


class Steps:
    """What an entry makes of shapes, worked out once for each shape and values."""

    def __init__(self, entry: Entry, names: tuple[str, ...], base: Point) -> None:
        self._entry, self._names, self._base = entry, names, base
        self._layers: dict[Hashable, Layer | None] = {}
        # Reasons, not exceptions: those would keep all their frames in memory.
        self._reached: dict[Hashable, Shape | str] = {}

    def take(self, shape: Shape, values: Values) -> Shape:
        key = _live(values, set(self._names))
        if (shape, key) not in self._reached:
            self._reached[shape, key] = self._advance(shape, key, values)
        found = self._reached[shape, key]
        if isinstance(found, str):
            raise DoesNotFit(found)
        return found

    def _advance(self, shape: Shape, key: Hashable, values: Values) -> Shape | str:
        if key not in self._layers:
            self._layers[key] = self._build(values)
        layer = self._layers[key]
        if layer is None:
            return shape
        try:
            return advance(layer, shape).output_shape
        except DoesNotFit as error:
            return str(error)

    def _build(self, values: Values) -> Layer | None:
        known = {**self._base, **values}
        point = {name: value for name, value in known.items() if value is not LEFT_OUT}
        if not all(guard.holds(point) for guard in self._entry.guards):
            return None
        ((name, arguments),) = layer_at(self._entry, point).items()
        layer: Layer = _ITEM.validate_python({name: arguments})
        return layer


def _split(share: Share, names: tuple[str, ...], space: SearchSpace) -> Iterator[Share]:
    """Split a share by every value of the names that it has no value for yet."""
    missing = [name for name in names if name not in share.values]
    if not missing:
        yield share
        return
    name = missing[0]
    point = {key: value for key, value in share.values.items() if value is not LEFT_OUT}
    domain = space[name]
    values = all_values(domain) if is_active(domain, point) else (LEFT_OUT,)
    for value in values:
        part = Share(share.size / len(values), {**share.values, name: value})
        yield from _split(part, names, space)


def _with_parents(names: tuple[str, ...], space: SearchSpace) -> tuple[str, ...]:
    """Names with all that their existence depends on, parents first."""
    wanted = set(names) | {each.name for name in names for each in space[name].when}
    return tuple(name for name in space if name in wanted)


def _live(values: Values, names: set[str]) -> Hashable:
    return tuple(
        (name, tuple(value) if isinstance(value, list) else value)
        for name, value in values.items()
        if name in names
    )


def _guard_names(guard: Guard, space: SearchSpace) -> list[str]:
    if isinstance(guard.value, Mapping):
        return [name.partition(".")[0] for name in guard.value]
    return _names_in(guard.value, guard.repetition, space)


def _names_in(value: Any, repetition: int | None, space: SearchSpace) -> list[str]:
    if isinstance(value, list):
        return [name for item in value for name in _names_in(item, repetition, space)]
    reference: Reference | None = read_reference(value) if looks_like_reference(value) else None
    if reference is None:
        return []
    if reference.is_each and reference.name not in space:
        return [name_of_repetition(reference.name, repetition)]
    return [reference.name]


def _sum(shares: list[Share]) -> float:
    return sum(share.size for share in shares)


_ITEM: TypeAdapter[Any] = TypeAdapter(Item)
