"""Domains: the values that a hyperparameter may take.

`values` and `value` give a `Choice`, `min` and `max` a `Range`. A point of the search space gives
each hyperparameter that exists there one value of its domain; tied values are lists. `declared.py`
reads domains from the text of a spec.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, TypeAlias

from lenetml.spec.problems import shortened

# Texts that need quotes in YAML to be texts, or that are easily taken for numbers.
_LIKE_A_VALUE = re.compile(r"|~|null|true|false|[-+.,]*[0-9][-+.,_%e0-9 ]*", re.IGNORECASE)


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
        found = value if self.position is None else value[self.position]
        return any(is_same(found, wanted) for wanted in self.values)


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
        return isinstance(self.values[0], list)

    @property
    def size(self) -> int | None:
        """The number of values."""
        return len(self.values)


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


def all_values(domain: Domain) -> Sequence[Any]:
    """Every value of a finite domain, in order."""
    if isinstance(domain, Choice):
        return domain.values
    if domain.is_whole:
        return range(int(domain.low), int(domain.high) + 1, int(domain.step or 1))
    assert domain.size is not None and domain.step is not None
    step = domain.step
    return tuple(on_grid(domain, domain.low + index * step) for index in range(domain.size))


def all_points(space: SearchSpace) -> Iterator[dict[str, Any]]:
    """Every point of a finite space, the first name slowest.

    Args:
        space: The domains, each after those that its conditions name.
    """
    points: list[tuple[dict[str, Any], list[str]]] = [({}, list(space))]
    while points:
        point, left = points.pop()
        if not left:
            yield point
        elif not is_active(space[left[0]], point):
            points.append((point, left[1:]))
        else:
            values = reversed(all_values(space[left[0]]))
            points += [({**point, left[0]: value}, left[1:]) for value in values]


def on_grid(domain: Range, value: float) -> int | float:
    """The multiple of the step that is nearest, without the noise of floating point."""
    if domain.step is None:
        return value
    if isinstance(domain.step, int):
        return round(value / domain.step) * domain.step
    return float(round(value / domain.step) * Fraction(repr(domain.step)))


def joined(conditions: Iterable[Condition]) -> tuple[Condition, ...]:
    """Several conditions as at most one for each place: its values are those that all admit."""
    result: dict[tuple[str, int | None], Condition] = {}
    for each in conditions:
        place = (each.name, each.position)
        if place in result:
            allowed = tuple(value for value in result[place].values if _is_in(value, each.values))
            each = replace(each, values=allowed)
        result[place] = each
    return tuple(result.values())


def with_parents(conditions: Iterable[Condition], space: SearchSpace) -> tuple[Condition, ...]:
    """Conditions with those under which the named hyperparameters exist themselves."""
    found = list(conditions)
    return joined([*found, *(inner for each in found for inner in space[each.name].when)])


def implies(given: Iterable[Condition], wanted: Iterable[Condition], space: SearchSpace) -> bool:
    """Whether the wanted conditions hold wherever the given ones do, by looking at every value.

    Args:
        given: With those of their parents.
        wanted: The same; all are on finite domains.
        space: All domains.
    """
    given = list(given)
    for name in {each.name for each in given}:
        if not admitted(name, given, space):
            return True
    return all(
        all(each.admits(value) for value in admitted(each.name, given, space)) for each in wanted
    )


def admitted(name: str, given: Iterable[Condition], space: SearchSpace) -> list[Any]:
    """The values of a hyperparameter that all of the conditions on it admit."""
    on_it = [each for each in given if each.name == name]
    # The values asked for are fewer than those of the domain, which may be a long range.
    whole = [each.values for each in on_it if each.position is None]
    candidates = whole[0] if whole else all_values(space[name])
    return [value for value in candidates if all(each.admits(value) for each in on_it)]


def _is_in(value: Any, values: tuple[Any, ...]) -> bool:
    return any(is_same(value, other) for other in values)


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
    if position is None:
        whole = all(kind_of(value) == "whole" for value in domain.values)
        return replace(domain, values=tuple(map(float, domain.values))) if whole else None
    if not all(kind_of(value[position]) == "whole" for value in domain.values):
        return None
    rows = [list(value) for value in domain.values]
    for row in rows:
        row[position] = float(row[position])
    return replace(domain, values=tuple(rows))


def is_same(value: object, other: object) -> bool:
    """Whether two values are the same to a spec: 1 is 1.0, and true is not 1."""
    return value == other and isinstance(value, bool) == isinstance(other, bool)


def own_value(domain: Domain, position: int | None, wanted: Any) -> Any:
    """The domain's own value that is the same as `wanted`, or None where it has none.

    Args:
        domain: Tied values where there is a position.
        position: The position of tied values that is meant.
        wanted: What a condition asks for.
    """
    if isinstance(domain, Choice):
        values = [value if position is None else value[position] for value in domain.values]
        return next((value for value in values if is_same(value, wanted)), None)
    if domain.size is None or kind_of(wanted) not in ("whole", "real"):
        return None
    if not domain.low <= wanted <= domain.high:
        return None
    nearest = on_grid(domain, wanted) if domain.step else round(wanted)
    return nearest if is_same(nearest, wanted) else None


def kind_of(value: object) -> str:
    """The kind of a value: boolean, whole, real, text, list, or nothing."""
    if isinstance(value, bool):
        return "boolean"
    for kind, types in (("whole", int), ("real", float), ("text", str), ("list", list)):
        if isinstance(value, types):
            return kind
    return "nothing"


def written(value: Any) -> str:
    """A value as it would stand in YAML, cut where it is long."""
    return shortened(_written(value), 80)


def _written(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "nothing"}[value]
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_written(inner)}" for key, inner in value.items()) + "}"
    return f'"{value}"' if isinstance(value, str) and _LIKE_A_VALUE.fullmatch(value) else str(value)
