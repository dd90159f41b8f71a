"""An architecture unrolled: every layer that may be there, in turn, with what decides if it is.

Repeats become their layers as often as they may come; each copy is guarded by the conditions of
its items and by the number of times. At a point, the layers whose guards hold are the network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lenetml.spec.domains import Condition, Point, SearchSpace
from lenetml.spec.nodes import Path
from lenetml.spec.presence import read_when
from lenetml.spec.references import LEFT_OUT, as_reference, look_up, substitute, values_of

CONTAINERS = ("repeat", "residual")


@dataclass(frozen=True)
class Guard:
    """One thing that decides whether a layer is there.

    Args:
        value: A `when`, or the times of a repeat; either may be a reference.
        repetition: The repetition of the innermost repeat around it.
        more_than: Times must be more than this; None: the value is a `when`.
    """

    value: Any
    repetition: int | None
    more_than: int | None = None

    def holds(self, point: Point) -> bool:
        """Whether it holds at a point; a name that does not exist there makes it false."""
        if isinstance(self.value, Mapping):
            return all(each.holds(point) for each in self.conditions)
        found = substitute(self.value, lambda ref: look_up(point, ref, self.repetition))
        if found is LEFT_OUT:
            return False
        return bool(found) if self.more_than is None else bool(found > self.more_than)

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """What must hold, of a `when` that is a mapping."""
        return read_when(self.value)


@dataclass(frozen=True)
class Entry:
    """A layer that may be there.

    Args:
        path: Of its item in the spec.
        name: Its kind.
        arguments: As written, with references, without `when` and without inner layers.
        repetition: Of the innermost repeat around it, from 0; None: there is none.
        guards: All must hold.
        inner: The layers inside, of a residual.
    """

    path: Path
    name: str
    arguments: dict[str, Any]
    repetition: int | None
    guards: tuple[Guard, ...]
    inner: tuple[Entry, ...] = ()


def unroll(
    items: list[Any],
    times_of: Callable[[Any, int | None], int],
    path: Path = ("architecture",),
    repetition: int | None = None,
    guards: tuple[Guard, ...] = (),
) -> Iterator[Entry]:
    """Give every layer that may be there.

    Args:
        items: The items of an architecture, with references; bare names are allowed.
        times_of: How often a repeat may come, of what is written as its times.
        path: Of the list of items.
        repetition: Of the innermost repeat around the items.
        guards: Of the items around them.
    """
    for index, item in enumerate(items):
        name, arguments = (item, {}) if isinstance(item, str) else next(iter(item.items()))
        place, own = (*path, index, name), guards
        when = arguments.get("when", True)
        if when is not True:
            own = (*guards, Guard(when, repetition))
        if name == "repeat":
            times = arguments["times"]
            for number in range(times_of(times, repetition)):
                counted = own
                if as_reference(times) is not None:
                    counted = (*own, Guard(times, repetition, more_than=number))
                yield from unroll(
                    arguments["layers"], times_of, (*place, "layers"), number, counted
                )
            continue
        inside: tuple[Entry, ...] = ()
        if name == "residual":
            inside = tuple(unroll(arguments["layers"], times_of, (*place, "layers"), repetition))
        rest = {key: arguments[key] for key in arguments if key not in ("when", "layers")}
        yield Entry(place, name, rest, repetition, own, inside)


def most_times(space: SearchSpace) -> Callable[[Any, int | None], int]:
    """How often a repeat comes at most, by the domains."""

    def times_of(times: Any, repetition: int | None) -> int:
        reference = as_reference(times)
        if reference is None:
            return int(times)
        return int(max(values_of(reference, space, repetition)))

    return times_of


def expand(items: list[Any], point: Point) -> Iterator[tuple[Path, Any]]:
    """Give the layers in turn at a point, each with the path of the item that it comes from."""

    def times_of(times: Any, repetition: int | None) -> int:
        found = substitute(times, lambda ref: look_up(point, ref, repetition))
        return 0 if found is LEFT_OUT else int(found)

    for entry in unroll(items, times_of):
        if all(guard.holds(point) for guard in entry.guards):
            yield entry.path, layer_at(entry, point)


def layer_at(entry: Entry, point: Point) -> dict[str, Any]:
    """An entry as a layer without references, at a point where it is there."""
    arguments = arguments_at(entry, point)
    if entry.name == "residual":
        arguments["layers"] = [
            layer_at(inner, point)
            for inner in entry.inner
            if all(guard.holds(point) for guard in inner.guards)
        ]
    return {entry.name: arguments}


def arguments_at(entry: Entry, point: Point) -> dict[str, Any]:
    """The arguments of an entry without references, and without its inner layers."""
    arguments: dict[str, Any] = substitute(
        entry.arguments, lambda ref: look_up(point, ref, entry.repetition)
    )
    return arguments


def resolve(data: Mapping[str, Any], point: Point) -> dict[str, Any]:
    """Turn a spec's data with references into data without, at one point.

    Layers whose `when` is false are gone, and each `repeat` is replaced by its layers in turn.
    """
    resolved = dict(data)
    for section in ("augmentation", "training"):
        if section in data:
            resolved[section] = substitute(data[section], lambda ref: look_up(point, ref))
    resolved["architecture"] = [item for _, item in expand(data["architecture"], point)]
    return resolved
