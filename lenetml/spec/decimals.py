"""Decimal commas: between braces and brackets YAML takes `0,25` for two values.

In a mapping, `{rate: 0,25}`, the second of them cannot be anything else: the number is put
together, but for `{values: 4, 8}`, which lacks its brackets. In a list both may be meant, so that
only a remedy is offered where the list is wrong.
"""

from __future__ import annotations

import re
from itertools import pairwise

from lenetml.spec.nodes import Complaint, Entry, Mapping, Node, Scalar, Sequence, Span

_BEHIND_COMMA = re.compile(r"[0-9]+([eE][-+]?[0-9]+)?")


def is_behind_comma(entry: Entry) -> bool:
    """Whether a key of a mapping can only be what follows a decimal comma: digits alone."""
    is_alone = isinstance(entry.node, Scalar) and entry.node.value is None
    return is_alone and _BEHIND_COMMA.fullmatch(entry.key) is not None


def join_decimals(node: Node) -> tuple[Node, list[Complaint]]:
    """Put the numbers together that a comma parts in mappings.

    Returns:
        The tree with the numbers that were meant, and a complaint about each.
    """
    complaints: list[Complaint] = []
    return _joined(node, complaints), complaints


def _joined(node: Node, complaints: list[Complaint]) -> Node:
    if isinstance(node, Scalar):
        return node
    if isinstance(node, Sequence):
        return Sequence(tuple(_joined(item, complaints) for item in node.items), node.span)
    entries: list[Entry] = []
    for entry in node.entries:
        before = entries[-1] if entries else None
        if before is None or not is_behind_comma(entry) or not _is_parted(before, entry):
            entries.append(Entry(entry.key, entry.span, _joined(entry.node, complaints)))
            continue
        start, end = before.node.span, entry.span
        number = f"{_digits(before.node)}.{entry.key}"
        span = Span(start.line, start.column, max(end.column + end.width - start.column, 1))
        message = f"{number.replace('.', ',')} is two values here"
        note = f"a decimal number has a point: {number}"
        complaints.append(Complaint(message, span, (note,)))
        entries[-1] = Entry(before.key, before.span, Scalar(float(number), span))
    return Mapping(tuple(entries), node.span)


def decimals_remedy(node: Sequence) -> tuple[str, ...]:
    """Say how to write a list in which commas seem to part numbers, such as `[0,25, 1,5]`."""
    numbers: list[str] = []
    items = list(node.items)
    while items:
        item, *items = items
        if not isinstance(item, Scalar) or type(item.value) not in (int, float):
            return ()
        number = str(item.value)
        if _is_whole(item) and items and _is_whole(items[0]) and _touch(item, items[0]):
            number = f"{_digits(item)}.{_digits(items.pop(0))}"
        numbers.append(number)
    n_joined = len(node.items) - len(numbers)
    # `[8,16,32,64]` is written without spaces; `[1,5, 2,5]` tells two commas apart.
    has_spaces = not all(_touch(first, second) for first, second in pairwise(node.items))
    is_clear = any(number.startswith("0.") for number in numbers) or has_spaces
    if n_joined == 0 or not is_clear:
        return ()
    return (f"a decimal number has a point: {', '.join(numbers)}",)


def _is_parted(before: Entry, entry: Entry) -> bool:
    """Whether a comma has cut a number here; behind `values` it parts a list, but for `0,2`."""
    if before.key != "values" or not _is_whole(before.node):
        return _is_whole(before.node)
    end, start = before.node.span, entry.span
    return _digits(before.node).startswith("0") and end.column + end.width + 1 == start.column


def _is_whole(node: Node) -> bool:
    return isinstance(node, Scalar) and type(node.value) is int


def _digits(node: Node) -> str:
    """A whole number as it is written, with the zeros that it begins with."""
    assert isinstance(node, Scalar)
    return f"{node.value:0{node.span.width}d}"


def _touch(first: Node, second: Node) -> bool:
    """Whether nothing but a comma stands between two values."""
    one, two = first.span, second.span
    return one.line == two.line and one.column + one.width + 1 == two.column
