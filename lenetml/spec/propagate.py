"""How much of a search space can be built, exactly and without trying every combination.

Shapes are carried through the unrolled architecture together with the share of points that lead
to them. A hyperparameter splits the points where it is first needed, and is forgotten after its
last use, so that points which have become alike go on as one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from lenetml.spec.domains import Point, SearchSpace, all_values, is_active
from lenetml.spec.layers import LAYERS, Layer
from lenetml.spec.places import marker_at
from lenetml.spec.shapes import DoesNotFit, Shape, advance, shortcut
from lenetml.spec.space import (
    LEFT_OUT,
    Reference,
    looks_like_reference,
    name_of_repetition,
    read_reference,
)
from lenetml.spec.unroll import Entry, Guard, arguments_at

Names = tuple[str, ...]
Values = tuple[Any, ...]

MAX_WORK = 360_000
"""Steps from shape to shape after which an exact answer would take longer than half a second."""
LAYER_WORK = 8
"""What it takes to make a layer out of values, in steps."""


@dataclass(frozen=True)
class Share:
    """A share of all points that have the same shape and the same live values.

    Args:
        size: From 0 to 1, as random search draws.
        example: What was drawn to come here, the last first: name, value and all before; None:
            nothing yet.
    """

    size: float
    example: tuple[str, Any, Any] | None


def impossible_share(
    steps: Sequence[Step], space: SearchSpace, input_shape: Shape
) -> tuple[float, dict[str, Any] | None] | None:
    """The share of points whose network cannot be built, and the values of one of them.

    Args:
        steps: One a layer of the unrolled architecture.
        space: The drawn domains; all that reach a shape are finite.
        input_shape: Height, width, channels.

    Returns:
        None where that is more work than `MAX_WORK`.
    """
    needed = [_with_parents(step.names, space) for step in steps]
    known: Names = ()
    shares: dict[tuple[Shape, Values], Share] = {(input_shape, ()): Share(1.0, None)}
    lost: list[Share] = []
    work = 0
    for index, step in enumerate(steps):
        later = {name for names in needed[index + 1 :] for name in names}
        fresh = tuple(name for name in needed[index] if name not in known)
        drawn = known + fresh
        kept = tuple(name for name in drawn if name in later)
        used_by, live_of = picker(drawn, step.names), picker(drawn, kept)
        following: dict[tuple[Shape, Values], Share] = {}
        for (shape, before), share in shares.items():
            for values, part in _split(before, share, known, fresh, space):
                work += 1 + len(step.inner)
                if work + LAYER_WORK * step.n_layers > MAX_WORK:
                    return None
                reached = step.take(shape, used_by(values))
                if reached is None:
                    lost.append(part)
                    continue
                key = (reached, live_of(values))
                same = following.get(key)
                following[key] = Share(same.size + part.size, same.example) if same else part
        work += LAYER_WORK * step.n_layers
        shares, known = following, kept
    unfinished = [share for (shape, _), share in shares.items() if len(shape) != 1]
    lost += unfinished
    if not lost:
        return 0.0, None
    total = 1.0 if len(unfinished) == len(shares) else sum(share.size for share in lost)
    return total, _as_point(lost[0].example)


def names_of(entry: Entry, space: SearchSpace) -> Names:
    """The drawn hyperparameters that decide what a layer makes of a shape, or if it is there."""
    names = [name for guard in entry.guards for name in _guard_names(guard, space)]
    for key, value in entry.arguments.items():
        marker = marker_at((*entry.path, key))
        if marker is not None and marker.reaches_shape:
            names += _names_in(value, entry.repetition, space)
    for inner in entry.inner:
        names += names_of(inner, space)
    return tuple(dict.fromkeys(names))


def can_be_built(steps: Sequence[Step], values: Mapping[str, Any], input_shape: Shape) -> bool:
    """Whether the network of some values can be built.

    Args:
        steps: One a layer of the unrolled architecture.
        values: Of all names that reach a shape; `LEFT_OUT` where a name does not exist.
        input_shape: Height, width, channels.
    """
    shape = input_shape
    for step in steps:
        reached = step.take(shape, tuple(_hashable(values[name]) for name in step.names))
        if reached is None:
            return False
        shape = reached
    return len(shape) == 1


class Step:
    """What one layer that may be there makes of a shape, worked out once for shape and values.

    Args:
        entry: The layer.
        space: The drawn domains.
        base: A value for every name, for those that reach no shape.
    """

    def __init__(self, entry: Entry, space: SearchSpace, base: Point) -> None:
        self.names = names_of(entry, space)
        self._entry, self._base = entry, base
        self.inner = [Step(each, space, base) for each in entry.inner]
        self._used_by = [picker(self.names, step.names) for step in self.inner]
        self._present: dict[Values, bool] = {}
        self._layers: dict[Values, Layer] = {}
        self.n_layers = 0
        self._reached: dict[tuple[Shape, Values], Shape | None] = {}
        self._sums: dict[tuple[Shape, Shape], bool] = {}

    def take(self, shape: Shape, values: Values) -> Shape | None:
        """The shape behind the layer; None: it does not fit.

        Args:
            shape: In front of it.
            values: Of `names`, in turn; `LEFT_OUT` where a name does not exist.
        """
        try:
            return self._reached[shape, values]
        except KeyError:
            reached = self._advance(shape, values)
            self._reached[shape, values] = reached
            return reached

    def _advance(self, shape: Shape, values: Values) -> Shape | None:
        if self._entry.guards and not self._is_there(values):
            return shape
        if self._entry.name == "residual":
            return self._add(shape, values)
        if values not in self._layers:
            arguments = arguments_at(self._entry, self._point(values))
            self._layers[values] = LAYERS[self._entry.name].model_validate(arguments)
            self.n_layers += 1
        try:
            return advance(self._layers[values], shape).output_shape
        except DoesNotFit:
            return None

    def _is_there(self, values: Values) -> bool:
        if values not in self._present:
            point = self._point(values)
            self._present[values] = all(guard.holds(point) for guard in self._entry.guards)
        return self._present[values]

    def _point(self, values: Values) -> Point:
        own = zip(self.names, values, strict=True)
        known = {
            **self._base,
            **{name: list(value) if isinstance(value, tuple) else value for name, value in own},
        }
        return {name: value for name, value in known.items() if value is not LEFT_OUT}

    def _add(self, shape: Shape, values: Values) -> Shape | None:
        """A residual, by its inner layers: all their combinations are no layers of their own."""
        if len(shape) != 3:
            return None
        inner: Shape = shape
        for step, used_by in zip(self.inner, self._used_by, strict=True):
            reached = step.take(inner, used_by(values))
            if reached is None:
                return None
            inner = reached
        self.n_layers = sum(step.n_layers for step in self.inner)
        if (shape, inner) not in self._sums:
            self._sums[shape, inner] = _can_be_added(shape, inner)
        return inner if self._sums[shape, inner] else None


def _can_be_added(outer: Shape, inner: Shape) -> bool:
    try:
        shortcut(outer, inner)
    except DoesNotFit:
        return False
    return True


def picker(names: Names, wanted: Names) -> Callable[[Values], Values]:
    """A function that picks the values of some names out of those of more."""
    places = [names.index(name) for name in wanted]
    if len(places) > 1:
        return itemgetter(*places)
    if not places:
        return lambda values: ()
    [place] = places
    return lambda values: (values[place],)


def _split(
    values: Values, share: Share, known: Names, fresh: Names, space: SearchSpace
) -> Iterator[tuple[Values, Share]]:
    """Split a share by every value of the names that are drawn now."""
    if not fresh:
        yield values, share
        return
    name, *rest = fresh
    domain = space[name]
    drawn: Sequence[Any] = (LEFT_OUT,)
    if not domain.when or is_active(domain, _existing(known, values)):
        drawn = all_values(domain)
    size = share.size / len(drawn)
    for each in drawn:
        value = _hashable(each)
        part = Share(size, (name, value, share.example))
        yield from _split((*values, value), part, (*known, name), tuple(rest), space)


def _existing(names: Names, values: Values) -> dict[str, Any]:
    return {name: value for name, value in zip(names, values, strict=True) if value is not LEFT_OUT}


def _as_point(example: tuple[str, Any, Any] | None) -> dict[str, Any]:
    point: dict[str, Any] = {}
    while example is not None:
        name, value, example = example
        if value is not LEFT_OUT:
            point[name] = list(value) if isinstance(value, tuple) else value
    return dict(reversed(point.items()))


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _with_parents(names: Names, space: SearchSpace) -> Names:
    """Names with all that their existence depends on, parents first."""
    wanted = set(names) | {each.name for name in names for each in space[name].when}
    return tuple(name for name in space if name in wanted)


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
