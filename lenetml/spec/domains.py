"""Domains: the values that a hyperparameter may take, and the points of a search space.

`values` and `value` give a `Choice`, `min` and `max` a `Range`. A point of the search space gives
each hyperparameter that exists there one value of its domain; tied values are lists. `declared.py`
reads domains from the text of a spec.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any, TypeAlias

from lenetml.spec.kinds import NUMBERS, identity, kind_of


@dataclass(frozen=True)
class Condition:
    """What must hold of another hyperparameter.

    Args:
        name: The other one.
        position: The position of its tied values that is meant; None: its value.
        values: One of these.
    """

    name: str
    position: int | None
    values: tuple[Any, ...]

    @property
    def place(self) -> str:
        """What it asks for, as written: `name` or `name.0`."""
        return self.name if self.position is None else f"{self.name}.{self.position}"

    def holds(self, point: Point) -> bool:
        """Whether it holds at a point; a name that does not exist there makes it false."""
        return self.name in point and self.admits(point[self.name])

    def admits(self, value: Any) -> bool:
        """Whether it holds of a value of the other hyperparameter."""
        return self.is_for(value if self.position is None else value[self.position])

    def is_for(self, found: Any) -> bool:
        """Whether it asks for a value, which stands at its position."""
        return identity(found) in self._wanted

    @cached_property
    def _wanted(self) -> frozenset[Any]:
        return frozenset(map(identity, self.values))


@dataclass(frozen=True)
class Choice:
    """One of several values, of one kind; a single value is a constant.

    Args:
        values: Numbers, texts, booleans, or tied values: lists of one length.
        when: All conditions under which the hyperparameter exists, those of its parents too.
    """

    values: tuple[Any, ...]
    when: tuple[Condition, ...] = ()

    @property
    def is_tied(self) -> bool:
        """Whether each value is a list, drawn as a whole."""
        return self.width > 0

    @property
    def width(self) -> int:
        """The number of positions of each tied value; 0: values are single."""
        return len(self.values[0]) if isinstance(self.values[0], list) else 0

    @property
    def size(self) -> int | None:
        """The number of values."""
        return len(self.values)

    @cached_property
    def own(self) -> Mapping[int | None, Mapping[Any, Any]]:
        """The values by their identity: whole ones behind None, and those of each position."""
        columns: dict[int | None, tuple[Any, ...]] = {None: self.values}
        columns.update(enumerate(zip(*self.values, strict=True)) if self.width else ())
        return {
            position: {identity(value): value for value in values}
            for position, values in columns.items()
        }


@dataclass(frozen=True)
class Range:
    """All numbers from `low` to `high`, both included; whole numbers if both are whole.

    Args:
        low: The smallest.
        high: The largest.
        step: Only multiples of it, which both ends are; None: every number.
        is_log: Drawn evenly on a logarithmic scale.
        when: All conditions under which the hyperparameter exists, those of its parents too.
    """

    low: int | float
    high: int | float
    step: int | float | None = None
    is_log: bool = False
    when: tuple[Condition, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether only whole numbers are drawn."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def width(self) -> int:
        """0: its values are single."""
        return 0

    @property
    def size(self) -> int | None:
        """The number of values; None where it is not finite."""
        if self.is_whole:
            return int((self.high - self.low) // (self.step or 1)) + 1
        return None if self.step is None else round((self.high - self.low) / self.step) + 1


Domain: TypeAlias = Choice | Range
SearchSpace: TypeAlias = Mapping[str, Domain]
Point: TypeAlias = Mapping[str, Any]


def is_active(domain: Domain, point: Point) -> bool:
    """Whether a hyperparameter of this domain exists at a point."""
    return all(condition.holds(point) for condition in domain.when)


def value_at(domain: Domain, index: int) -> Any:
    """The value of a finite domain at an index in its order."""
    if isinstance(domain, Choice):
        return domain.values[index]
    return on_grid(domain, domain.low + index * (domain.step or 1))


def all_values(domain: Domain) -> Sequence[Any]:
    """Every value of a finite domain, in order."""
    if isinstance(domain, Choice):
        return domain.values
    if domain.is_whole:
        return range(int(domain.low), int(domain.high) + 1, int(domain.step or 1))
    assert domain.size is not None
    return tuple(value_at(domain, index) for index in range(domain.size))


def values_at(domain: Domain, position: int | None) -> Sequence[Any]:
    """Every value of a finite domain at a position of its tied values, each once, in order.

    Args:
        domain: Tied values where there is a position.
        position: None: whole values.
    """
    if position is None or isinstance(domain, Range):
        return all_values(domain)
    return tuple(domain.own[position].values())


def all_points(space: SearchSpace) -> Iterator[dict[str, Any]]:
    """Every point of a finite space, the first name slowest; they are made one by one.

    Args:
        space: The domains, each after those that its conditions name.
    """
    names = list(space)
    branches: list[Iterator[dict[str, Any]]] = [iter([{}])]
    while branches:
        point = next(branches[-1], None)
        if point is None:
            branches.pop()
        elif len(branches) > len(names):
            yield point
        else:
            name = names[len(branches) - 1]
            branches.append(_with_each(point, name, space[name]))


def _with_each(point: dict[str, Any], name: str, domain: Domain) -> Iterator[dict[str, Any]]:
    """A point with each value of one more name, or as it is where that does not exist."""
    if not is_active(domain, point):
        yield point
        return
    assert domain.size is not None
    for index in range(domain.size):
        yield {**point, name: value_at(domain, index)}


def on_grid(domain: Range, value: float) -> int | float:
    """The multiple of the step that is nearest, without the noise of floating point."""
    if domain.step is None:
        return value
    if isinstance(domain.step, int):
        return round(value / domain.step) * domain.step
    return float(round(value / domain.step) * Fraction(repr(domain.step)))


def corners(domain: Domain) -> tuple[Any, ...]:
    """The values that show whether the whole domain is legal somewhere: all, or both ends."""
    return domain.values if isinstance(domain, Choice) else (domain.low, domain.high)


def corner_path(domain: Domain, index: int, written: Any) -> tuple[str | int, ...]:
    """The path, inside the text of a domain, of the value that `corners` gives at `index`."""
    if isinstance(domain, Range):
        return ("max",) if index else ("min",)
    return ("values", index) if "values" in written else ("value",)


def as_real(domain: Choice, position: int | None) -> Choice | None:
    """The same values as reals, for places that take reals: 1 and 1.0 are equal there.

    Args:
        domain: The values.
        position: The position of tied values that is meant; None: the values are single.

    Returns:
        The new values, or None where they are no whole numbers.
    """
    if not all(kind_of(value) == "whole" for value in values_at(domain, position)):
        return None
    if position is None:
        return replace(domain, values=tuple(map(float, domain.values)))
    rows = [list(value) for value in domain.values]
    for row in rows:
        row[position] = float(row[position])
    return replace(domain, values=tuple(rows))


def own_value(domain: Domain, position: int | None, wanted: Any) -> Any:
    """The domain's own value that is the same as `wanted`, or None where it has none.

    Args:
        domain: Tied values where there is a position.
        position: The position of tied values that is meant.
        wanted: What a condition asks for.
    """
    if isinstance(domain, Choice):
        return domain.own[position].get(identity(wanted))
    if domain.size is None or kind_of(wanted) not in NUMBERS:
        return None
    if not domain.low <= wanted <= domain.high:
        return None
    nearest = on_grid(domain, wanted) if domain.step else round(wanted)
    return nearest if nearest == wanted else None
