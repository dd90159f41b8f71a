"""Domains: the values that a hyperparameter may take.

`values` and `value` give a `Choice`, `min` and `max` a `Range`. A point of the search space gives
each hyperparameter one value of its domain; tied values are lists.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from lenetml.spec.nodes import Complaint, Entry, Node, Scalar, Sequence, plain
from lenetml.spec.nodes import Mapping as MappingNode
from lenetml.spec.problems import did_you_mean, shortened

NAME = re.compile(r"[a-z][a-z0-9_]*")
MAX_VALUES = 1000
DOMAIN_KEYS = ("values", "min", "max", "value")


@dataclass(frozen=True)
class Choice:
    """One of several values, of one kind; a single value is a constant.

    Args:
        values: Numbers, texts, booleans, or tied values: lists of one length.
    """

    values: tuple[Any, ...]

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
    """All numbers from `low` to `high`, both included; whole numbers if both are whole."""

    low: int | float
    high: int | float

    @property
    def is_whole(self) -> bool:
        """Whether only whole numbers are drawn."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def size(self) -> int | None:
        """The number of values; None where it is not finite."""
        return int(self.high) - int(self.low) + 1 if self.is_whole else None


Domain: TypeAlias = Choice | Range
SearchSpace: TypeAlias = Mapping[str, Domain]
Point: TypeAlias = Mapping[str, Any]


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
        whole = all(_kind(value) == "whole" for value in domain.values)
        return Choice(tuple(float(value) for value in domain.values)) if whole else None
    if not all(_kind(value[position]) == "whole" for value in domain.values):
        return None
    rows = [list(value) for value in domain.values]
    for row in rows:
        row[position] = float(row[position])
    return Choice(tuple(rows))


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
    if not domain.is_whole or _kind(wanted) not in ("whole", "real"):
        return None
    return int(wanted) if domain.low <= wanted <= domain.high and wanted == int(wanted) else None


def read_space(node: Node) -> tuple[dict[str, Domain], list[Complaint]]:
    """Read the section `search_space`.

    Returns:
        The domains that could be read, by name, and all complaints about the others.
    """
    if not isinstance(node, MappingNode):
        note = "write name: {values: [...]}, each name on a line of its own"
        return {}, [Complaint("search_space must map names to domains", node.span, (note,))]
    space: dict[str, Domain] = {}
    complaints: list[Complaint] = []
    for entry in node.entries:
        if not NAME.fullmatch(entry.key):
            message = f'"{shortened(entry.key)}" cannot be a hyperparameter\'s name'
            notes = ("a name is lower-case letters, digits and _, and starts with a letter",)
            complaints.append(Complaint(message, entry.span, notes))
        try:
            space[entry.key] = _read_domain(entry)
        except _Refused as refusal:
            complaints.append(refusal.complaint)
    return space, complaints


class _Refused(Exception):
    """A domain that cannot be read, with the complaint about it."""

    def __init__(self, node: Node | Entry, message: str, *notes: str) -> None:
        super().__init__(message)
        self.complaint = Complaint(message, node.span, notes)


def _read_domain(entry: Entry) -> Domain:
    node, name = entry.node, shortened(entry.key)
    if not isinstance(node, MappingNode):
        value = written(plain(node))
        hints = {Sequence: f"{{values: {value}}}", Scalar: f"{{value: {value}}}"}
        hint = "{values: [...]}" if value == "nothing" else hints[type(node)]
        raise _Refused(node, f"{name} must have a domain", f"write {name}: {hint}")
    for inner in node.entries:
        if inner.key not in DOMAIN_KEYS:
            notes = ("allowed: " + ", ".join(DOMAIN_KEYS), *did_you_mean(inner.key, DOMAIN_KEYS))
            key = shortened(inner.key)
            raise _Refused(inner, f'unknown key "{key}" in the domain of {name}', *notes)
    keys = {inner.key: inner.node for inner in node.entries}
    if set(keys) == {"values"}:
        return _read_values(name, keys["values"])
    if set(keys) == {"value"}:
        return Choice((_read_value(name, keys["value"]),))
    if set(keys) == {"min", "max"}:
        return _read_range(name, keys["min"], keys["max"])
    found = "found: " + (", ".join(keys) or "nothing")
    raise _Refused(
        entry, f"{name} must have one domain", found, "allowed: values, or min and max, or value"
    )


def _read_values(name: str, node: Node) -> Choice:
    if not isinstance(node, Sequence) or not node.items:
        found = f"found: {written(plain(node))}"
        raise _Refused(node, f"values of {name} must be a list with at least one value", found)
    if len(node.items) > MAX_VALUES:
        raise _Refused(node, f"{name} has more than {MAX_VALUES:,} values")
    values = [_read_value(name, item) for item in node.items]
    kinds = {_kind(value) for value in values}
    if len(kinds - {"whole", "real"}) + bool(kinds & {"whole", "real"}) > 1:
        raise _Refused(
            node,
            f"values of {name} must be of one kind",
            f"found: {written(values)}",
        )
    if kinds == {"list"}:
        values = _unify_tied(name, node, values)
    elif kinds == {"whole", "real"}:
        values = [float(value) for value in values]
    for index, value in enumerate(values):
        if value in values[:index]:
            number = _kind(value) in ("whole", "real")
            notes = ("a decimal number has a point: 0.2",) if number else ()
            said = written(plain(node.items[index]))
            raise _Refused(node.items[index], f"{said} is twice in values of {name}", *notes)
    return Choice(tuple(values))


def _unify_tied(name: str, node: Sequence, values: list[list[Any]]) -> list[list[Any]]:
    """Check that tied values have one length and one kind a position; mixed numbers are reals."""
    for item, value in zip(node.items, values, strict=True):
        if len(value) != len(values[0]):
            raise _Refused(
                item,
                f"tied values of {name} must have one length",
                f"found: {len(values[0])} in the first, {len(value)} here",
            )
    columns = []
    for position, column in enumerate(zip(*values, strict=True)):
        kinds = {_kind(value) for value in column}
        if kinds == {"whole", "real"}:
            column = tuple(float(value) for value in column)
        elif len(kinds) > 1 or kinds == {"list"}:
            raise _Refused(node, f"tied values of {name} must be of one kind at .{position}")
        columns.append(column)
    return [list(row) for row in zip(*columns, strict=True)]


def _read_value(name: str, node: Node) -> Any:
    value = plain(node)
    items = value if isinstance(value, list) else [value]
    if isinstance(value, dict) or value is None or not items:
        raise _Refused(node, f"a value of {name} must be a number, a text, true, false or a list")
    if any(isinstance(item, dict | list) or item is None for item in items):
        raise _Refused(node, f"a list in {name} must hold numbers, texts, true or false")
    return value


def _read_range(name: str, low_node: Node, high_node: Node) -> Range:
    ends = []
    for key, node in (("min", low_node), ("max", high_node)):
        value = plain(node)
        if _kind(value) not in ("whole", "real"):
            raise _Refused(node, f"{key} of {name} must be a number", f"found: {written(value)}")
        ends.append(value)
    low, high = ends
    if not low < high:
        raise _Refused(
            low_node,
            f"min of {name} must be less than max",
            f"found: min {written(low)}, max {written(high)}",
        )
    if {_kind(low), _kind(high)} == {"whole", "real"}:
        low, high = float(low), float(high)
    return Range(low, high)


def _kind(value: object) -> str:
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
    return f'"{value}"' if isinstance(value, str) and not value else str(value)
