"""The tree of a spec's text: every key and value knows its place, in the file or on the command
line. Trees are found in, and changed by giving a new one; nothing here knows YAML.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

Severity: TypeAlias = Literal["error", "warning"]


@dataclass(frozen=True)
class Span:
    """A place in the text: line and column from 1, and how many characters it covers.

    A value that came from the command line has its option as `origin` instead.
    """

    line: int = 1
    column: int = 1
    width: int = 1
    origin: str = ""


@dataclass(frozen=True)
class Scalar:
    """A single value."""

    value: Any
    span: Span


@dataclass(frozen=True)
class Sequence:
    """A list."""

    items: tuple[Node, ...]
    span: Span


@dataclass(frozen=True)
class Entry:
    """One key of a mapping and what stands behind it."""

    key: str
    span: Span
    node: Node


@dataclass(frozen=True)
class Mapping:
    """Keys and values, in the order of the text."""

    entries: tuple[Entry, ...]
    span: Span

    def entry(self, key: str) -> Entry | None:
        """The entry of a key, or None."""
        return self._by_key.get(key)

    @cached_property
    def _by_key(self) -> dict[str, Entry]:
        return {entry.key: entry for entry in self.entries}


Node: TypeAlias = Scalar | Sequence | Mapping
Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True)
class Complaint:
    """Something that is not allowed, or worth a warning, before there is a tree to point into."""

    message: str
    span: Span
    notes: tuple[str, ...] = ()
    severity: Severity = "error"


class Refused(Exception):
    """A part of the text that cannot be read, with the complaint about it."""

    def __init__(self, place: Node | Entry, message: str, *notes: str) -> None:
        super().__init__(message)
        self.complaint = Complaint(message, place.span, notes)


def plain(node: Node) -> Any:
    """The plain value of a node: dict, list, text, number, boolean or None."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return {entry.key: plain(entry.node) for entry in node.entries}


def find(root: Node, path: Path) -> tuple[Span, Node, bool]:
    """Find the place of a value by the path to it.

    Returns:
        The span of the key and the node of the last part of the path that is there, and whether
        that was the whole path.
    """
    span, node = root.span, root
    for part in path:
        if isinstance(node, Mapping):
            entry = node.entry(str(part))
            if entry is None:
                return span, node, False
            span, node = entry.span, entry.node
        elif isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
            span = node.span
        else:
            return span, node, False
    return span, node, True


def replace(root: Node, path: Path, new: Node) -> Node:
    """Give the tree with the value at `path` replaced; missing keys on the way are added.

    A bare layer name on the way becomes `name: {...}`.

    Raises:
        KeyError: The path goes through a single value or past the end of a list; holds the part.
    """
    if not path:
        return new
    part, rest = path[0], path[1:]
    if isinstance(root, Sequence):
        if not isinstance(part, int) or part >= len(root.items):
            raise KeyError(part)
        items = list(root.items)
        items[part] = replace(items[part], rest, new)
        return Sequence(tuple(items), root.span)
    key = str(part)
    if isinstance(root, Scalar) and root.value not in (None, key):
        raise KeyError(part)
    entries = list(root.entries) if isinstance(root, Mapping) else []
    for index, entry in enumerate(entries):
        if entry.key == key:
            entries[index] = Entry(key, new.span, replace(entry.node, rest, new))
            return Mapping(tuple(entries), root.span)
    entries.append(Entry(key, new.span, replace(Mapping((), new.span), rest, new)))
    return Mapping(tuple(entries), root.span)
