"""What a layer that may be there makes of a shape, as a function of the values that decide it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any, TypeAlias

from lenetml.spec.domains import Point, SearchSpace
from lenetml.spec.layers import LAYERS, Layer
from lenetml.spec.places import marker_at
from lenetml.spec.references import LEFT_OUT, Reference, as_reference, name_of_repetition
from lenetml.spec.shapes import DoesNotFit, Shape, advance, shortcut
from lenetml.spec.unroll import Entry, Guard, arguments_at

Names: TypeAlias = tuple[str, ...]
Values: TypeAlias = tuple[Any, ...]


class Step:
    """What one layer that may be there makes of a shape, worked out once for shape and values.

    Args:
        entry: The layer.
        space: The drawn domains.
        base: A value for every name, for those that reach no shape.
    """

    def __init__(self, entry: Entry, space: SearchSpace, base: Point) -> None:
        arguments = _argument_names(entry, space)
        self.names = names_of(entry, space)
        self._entry, self._base, self._own_names = entry, base, arguments
        self._own = picker(self.names, arguments)
        self.inner = [Step(each, space, base) for each in entry.inner]
        self._used_by = [picker(self.names, step.names) for step in self.inner]
        self._guards = [_as_test(guard, self.names, space) for guard in entry.guards]
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
        for holds in self._guards:
            if not holds(values):
                return shape
        if self._entry.name == "residual":
            return self._add(shape, values)
        try:
            return advance(self._layer(self._own(values)), shape).output_shape
        except DoesNotFit:
            return None

    def _layer(self, values: Values) -> Layer:
        """The layer with some values of the names in its arguments."""
        if values not in self._layers:
            own = zip(self._own_names, values, strict=True)
            point = {name: list(it) if isinstance(it, tuple) else it for name, it in own}
            arguments = arguments_at(self._entry, {**self._base, **point})
            self._layers[values] = LAYERS[self._entry.name].model_validate(arguments)
            self.n_layers += 1
        return self._layers[values]

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


def names_of(entry: Entry, space: SearchSpace) -> Names:
    """The drawn hyperparameters that decide what a layer makes of a shape, or if it is there."""
    names = [name for guard in entry.guards for name in _guard_names(guard, space)]
    names += _argument_names(entry, space)
    for inner in entry.inner:
        names += names_of(inner, space)
    return tuple(dict.fromkeys(names))


def _argument_names(entry: Entry, space: SearchSpace) -> Names:
    """Those in the arguments that decide the shape."""
    names: list[str] = []
    for key, value in entry.arguments.items():
        marker = marker_at((*entry.path, key))
        if marker is not None and marker.reaches_shape:
            names += _names_in(value, entry.repetition, space)
    return tuple(dict.fromkeys(names))


def picker(names: Names, wanted: Names) -> Callable[[Values], Values]:
    """A function that picks the values of some names out of those of more."""
    places = [names.index(name) for name in wanted]
    if len(places) > 1:
        return itemgetter(*places)
    if not places:
        return lambda values: ()
    [place] = places
    return lambda values: (values[place],)


def hashable(value: Any) -> Any:
    """A value that can be looked up: a tied value as a tuple."""
    return tuple(value) if isinstance(value, list) else value


def _can_be_added(outer: Shape, inner: Shape) -> bool:
    try:
        shortcut(outer, inner)
    except DoesNotFit:
        return False
    return True


def _as_test(guard: Guard, names: Names, space: SearchSpace) -> Callable[[Values], bool]:
    """A guard as a function of the values of some names, for it is asked many times."""
    if isinstance(guard.value, Mapping):
        asked = [(names.index(each.name), each) for each in guard.conditions]
        return lambda values: all(
            values[place] is not LEFT_OUT and each.admits(values[place]) for place, each in asked
        )
    reference, least = as_reference(guard.value), guard.more_than
    if reference is None:
        return lambda values: bool(guard.value)
    name, position = _drawn(reference, guard.repetition, space)
    place = names.index(name)

    def holds(values: Values) -> bool:
        value = values[place]
        if value is LEFT_OUT:
            return False
        found = value if position is None else value[position]
        return bool(found if least is None else found > least)

    return holds


def _guard_names(guard: Guard, space: SearchSpace) -> list[str]:
    if isinstance(guard.value, Mapping):
        return [each.name for each in guard.conditions]
    return _names_in(guard.value, guard.repetition, space)


def _names_in(value: Any, repetition: int | None, space: SearchSpace) -> list[str]:
    if isinstance(value, list):
        return [name for item in value for name in _names_in(item, repetition, space)]
    reference = as_reference(value)
    return [] if reference is None else [_drawn(reference, repetition, space)[0]]


def _drawn(
    reference: Reference, repetition: int | None, space: SearchSpace
) -> tuple[str, int | None]:
    """The drawn name that a reference means in a repetition, and the position of its values."""
    if not reference.is_each:
        return reference.name, reference.position
    if reference.name in space:
        return reference.name, repetition
    return name_of_repetition(reference.name, repetition), None
