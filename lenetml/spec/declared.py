"""The section `search_space`: domains read from the text, each complaint with its place.

The grammar is that of a flat sweep of Weights & Biases, so that one can be pasted; its forms that
mean something else here are refused with the form to write instead.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from lenetml.spec.decimals import decimals_remedy
from lenetml.spec.declaredwhen import with_conditions
from lenetml.spec.domains import Choice, Domain, Range
from lenetml.spec.elsewhere import sweep_remedy
from lenetml.spec.kinds import NUMBERS, identity, kind_of, written
from lenetml.spec.meant import colon_remedy, number_remedy
from lenetml.spec.nodes import Complaint, Entry, Node, Refused, Scalar, Sequence, plain
from lenetml.spec.nodes import Mapping as MappingNode
from lenetml.spec.problems import did_you_mean, shortened

NAME = re.compile(r"[a-z][a-z0-9_]*")
DOMAIN_KEYS = ("values", "min", "max", "q", "value", "distribution", "when")
MAX_VALUES = 1000
MAX_STEPS = 1_000_000_000

_LOG = "log_uniform_values"
DISTRIBUTIONS: dict[str, tuple[str, Callable[[Domain], bool]]] = {
    "categorical": ("values", lambda domain: isinstance(domain, Choice)),
    "constant": ("value", lambda domain: isinstance(domain, Choice) and domain.size == 1),
    "int_uniform": (
        "whole min and max",
        lambda domain: isinstance(domain, Range) and domain.is_whole and domain.step is None,
    ),
    "uniform": (
        "real min and max",
        lambda domain: isinstance(domain, Range) and not domain.is_whole and domain.step is None,
    ),
    "q_uniform": (
        "min, max and q",
        lambda domain: isinstance(domain, Range) and domain.step is not None,
    ),
    _LOG: ("min and max", lambda domain: isinstance(domain, Range) and domain.is_log),
}


def read_space(node: Node) -> tuple[dict[str, Domain], list[Complaint]]:
    """Read the section `search_space`.

    Returns:
        The domains that could be read, by name, each after those that its conditions name, and
        all complaints about the others.
    """
    if not isinstance(node, MappingNode):
        note = "write name: {values: [...]}, each name on a line of its own"
        return {}, [Complaint("search_space must map names to domains", node.span, (note,))]
    space: dict[str, Domain] = {}
    complaints: list[Complaint] = []
    for entry in node.entries:
        if not NAME.fullmatch(entry.key):
            message = f'"{shortened(entry.key)}" cannot be a hyperparameter\'s name'
            rule = "a name is lower-case letters, digits and _, and starts with a letter"
            better = re.sub("[^a-z0-9]+", "_", entry.key.lower()).strip("_")
            write = (f"write {shortened(better)}",) if NAME.fullmatch(better) else ()
            colon = colon_remedy(entry.key)
            complaints.append(Complaint(message, entry.span, colon or (rule, *write)))
            if colon:
                continue
        try:
            space[entry.key] = _read_domain(entry)
        except Refused as refusal:
            complaints.append(refusal.complaint)
    return with_conditions(node, space, complaints), complaints


def _read_domain(entry: Entry) -> Domain:
    node, name = entry.node, shortened(entry.key)
    if not isinstance(node, MappingNode):
        value = written(plain(node))
        hints = {Sequence: f"{{values: {value}}}", Scalar: f"{{value: {value}}}"}
        hint = "{values: [...]}" if value == "nothing" else hints[type(node)]
        raise Refused(node, f"{name} must have a domain", f"write {name}: {hint}")
    _refuse_bare_list(name, node)
    for inner in node.entries:
        if instead := sweep_remedy(inner.key):
            raise Refused(inner, f"{shortened(inner.key)} is no part of a domain", *instead)
        if inner.key not in DOMAIN_KEYS:
            near = did_you_mean(inner.key, DOMAIN_KEYS)
            if plain(inner.node) is None:
                near = (
                    f"a list stands in square brackets: {{values: [{shortened(inner.key)}, ...]}}",
                )
            notes = ("allowed: " + ", ".join(DOMAIN_KEYS), *near)
            key = shortened(inner.key)
            raise Refused(inner, f'unknown key "{key}" in the domain of {name}', *notes)
    keys = {inner.key: inner.node for inner in node.entries if inner.key != "when"}
    distribution = _read_distribution(keys.pop("distribution", None), keys)
    if set(keys) == {"values"}:
        domain: Domain = _read_values(name, keys["values"])
    elif set(keys) == {"value"}:
        domain = Choice((_read_value(name, keys["value"]),))
    elif set(keys) == {"min", "max"}:
        domain = _read_range(name, keys["min"], keys["max"], distribution == _LOG)
    elif set(keys) == {"min", "max", "q"} and distribution != _LOG:
        domain = _read_steps(name, keys["min"], keys["max"], keys["q"])
    elif set(keys) == {"min", "max", "q"}:
        raise Refused(
            _entry(node, "q"), f"q does not go with {_LOG}", "take q away, or write values"
        )
    else:
        found = "found: " + (", ".join(keys) or "nothing")
        allowed = "allowed: values, or min and max, or min, max and q, or value"
        raise Refused(entry, f"{name} must have one domain", found, allowed)
    if distribution is not None and not DISTRIBUTIONS[distribution][1](domain):
        note = f"{distribution} goes with {DISTRIBUTIONS[distribution][0]}"
        raise Refused(_entry(node, "distribution"), f"{name} is not {distribution}", note)
    return domain


def _refuse_bare_list(name: str, node: MappingNode) -> None:
    """Refuse a list whose brackets are missing: `{values: 4, 8}`."""
    first = node.entry("values")
    strays = [it.key for it in node.entries if it.key not in DOMAIN_KEYS and plain(it.node) is None]
    if strays and first is not None and isinstance(first.node, Scalar):
        items = ", ".join([written(first.node.value), *strays])
        note = f"write values: [{shortened(items)}]"
        raise Refused(first.node, f"values of {name} must be a list", note)


def _read_distribution(node: Node | None, keys: dict[str, Node]) -> str | None:
    if node is None:
        return None
    value = plain(node)
    if isinstance(value, str) and value in DISTRIBUTIONS:
        return value
    message = f"distribution cannot be {written(value)}"
    if value == "log_uniform":
        raise Refused(node, message, "its min and max are exponents", _without_exponents(keys))
    if isinstance(value, str) and (instead := sweep_remedy(value)):
        raise Refused(node, message, *instead)
    allowed = "allowed: " + ", ".join(DISTRIBUTIONS)
    raise Refused(node, message, allowed, *did_you_mean(str(value), DISTRIBUTIONS))


def _without_exponents(keys: dict[str, Node]) -> str:
    ends: list[Any] = [plain(keys[key]) if key in keys else None for key in ("min", "max")]
    if not all(kind_of(end) in NUMBERS and abs(end) < 100 for end in ends):
        return f"write distribution: {_LOG} with the values themselves"
    # Small positive ends are no exponents: somebody means these numbers themselves.
    are_meant = all(0 < end <= 1 for end in ends)
    low, high = (f"{end if are_meant else math.exp(end):.4g}" for end in ends)
    return f"write {{distribution: {_LOG}, min: {low}, max: {high}}}"


def _read_values(name: str, node: Node) -> Choice:
    if not isinstance(node, Sequence) or not node.items:
        value = plain(node)
        items = list(value) if isinstance(value, dict) else [written(value)]
        write = (f"write values: [{shortened(', '.join(items))}]",) if value else ()
        message = f"values of {name} must be a list with at least one value"
        raise Refused(node, message, f"found: {written(value)}", *write)
    if len(node.items) > MAX_VALUES:
        raise Refused(node, f"{name} has more than {MAX_VALUES:,} values")
    values = [_read_value(name, item) for item in node.items]
    kinds = {kind_of(value) for value in values}
    if len(kinds - {"whole", "real"}) + bool(kinds & {"whole", "real"}) > 1:
        raise Refused(
            node,
            f"values of {name} must be of one kind",
            f"found: {written(values)}",
        )
    if kinds == {"list"}:
        values = _unify_tied(name, node, values)
    elif kinds == {"whole", "real"}:
        values = [float(value) for value in values]
    seen = set()
    for index, value in enumerate(values):
        if identity(value) in seen:
            number = kind_of(value) in NUMBERS
            notes = decimals_remedy(node) or ("a decimal number has a point: 0.2",) * number
            said = written(plain(node.items[index]))
            raise Refused(node.items[index], f"{said} is twice in values of {name}", *notes)
        seen.add(identity(value))
    return Choice(tuple(values))


def _unify_tied(name: str, node: Sequence, values: list[list[Any]]) -> list[list[Any]]:
    """Check that tied values have one length and one kind a position; mixed numbers are reals."""
    for item, value in zip(node.items, values, strict=True):
        if len(value) != len(values[0]):
            raise Refused(
                item,
                f"tied values of {name} must have one length",
                f"found: {len(values[0])} in the first, {len(value)} here",
            )
    columns = []
    for position, column in enumerate(zip(*values, strict=True)):
        kinds = {kind_of(value) for value in column}
        if kinds == {"whole", "real"}:
            column = tuple(float(value) for value in column)
        elif len(kinds) > 1 or kinds == {"list"}:
            raise Refused(node, f"tied values of {name} must be of one kind at .{position}")
        columns.append(column)
    return [list(row) for row in zip(*columns, strict=True)]


def _read_value(name: str, node: Node) -> Any:
    value = plain(node)
    items = value if isinstance(value, list) else [value]
    if isinstance(value, dict) or value is None or not items:
        raise Refused(node, f"a value of {name} must be a number, a text, true, false or a list")
    if any(isinstance(item, dict | list) or item is None for item in items):
        raise Refused(node, f"a list in {name} must hold numbers, texts, true or false")
    return value


def _read_ends(name: str, **nodes: Node) -> list[int | float]:
    """Read numbers that are all whole or all real."""
    values = []
    for key, node in nodes.items():
        value = plain(node)
        if kind_of(value) not in NUMBERS:
            found = f"found: {written(value)}"
            remedy = number_remedy(value, whole=False)
            raise Refused(node, f"{key} of {name} must be a number", found, *remedy)
        values.append(value)
    low, high = values[:2]
    if not low < high:
        raise Refused(
            nodes["min"],
            f"min of {name} must be less than max",
            f"found: min {written(low)}, max {written(high)}",
        )
    if all(kind_of(value) == "whole" for value in values):
        return values
    return [float(value) for value in values]


def _read_range(name: str, low_node: Node, high_node: Node, is_log: bool) -> Range:
    low, high = _read_ends(name, min=low_node, max=high_node)
    if is_log and low <= 0:
        found = f"found: {written(plain(low_node))}"
        raise Refused(low_node, f"min of {name} must be more than 0 for {_LOG}", found)
    if is_log:
        return Range(float(low), float(high), is_log=True)
    return Range(low, high)


def _read_steps(name: str, low_node: Node, high_node: Node, step_node: Node) -> Range:
    low, high, step = _read_ends(name, min=low_node, max=high_node, q=step_node)
    if step <= 0:
        raise Refused(step_node, f"q of {name} must be more than 0", f"found: {written(step)}")
    if (high - low) / step > MAX_STEPS:
        note = "write min and max alone for all numbers between them"
        raise Refused(step_node, f"q of {name} makes more than {MAX_STEPS:,} steps", note)
    # The numbers as written: 0.3 is three times 0.1, though not in floating point.
    size = Fraction(repr(step))
    first = math.ceil(Fraction(repr(low)) / size)
    last = math.floor(Fraction(repr(high)) / size)
    for key, node, end, times in (("min", low_node, low, first), ("max", high_node, high, last)):
        if times * size != Fraction(repr(end)):
            better = written(int(times * size) if isinstance(step, int) else float(times * size))
            note = f"write {key}: {better}" if first < last else "q is larger than the range"
            found = (
                f"{key} {written(plain(node))} is not a multiple of q {written(plain(step_node))}"
            )
            raise Refused(node, found, note)
    return Range(low, high, step=step)


def _entry(node: MappingNode, key: str) -> Entry:
    entry = node.entry(key)
    assert entry is not None
    return entry
