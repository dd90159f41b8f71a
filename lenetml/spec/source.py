"""Strict YAML: text in, a tree of nodes out in which every key and value knows its place.

Numbers and booleans are those of YAML 1.2 (`1e-3` is a number, `no` is text, `010` is 10).
Refused, each with its place: duplicate keys, anchors, aliases, tags, merges, `.nan` and `.inf`,
more than one document, more than 1 MB, more than 50 levels. yaml is known to this file alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import yaml

MAX_BYTES = 1_000_000
MAX_DEPTH = 50

_INTEGER = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_REAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
# More digits than any key takes; Python's own limit on long numbers would raise.
_MAX_DIGITS = 400


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
    """A single value; `is_plain` tells that it was written without quotes."""

    value: Any
    span: Span
    is_plain: bool = True


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
        return next((entry for entry in self.entries if entry.key == key), None)


Node: TypeAlias = Scalar | Sequence | Mapping
Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True)
class Complaint:
    """Something about the text itself that is not allowed."""

    message: str
    span: Span
    notes: tuple[str, ...] = ()


def parse(text: str) -> tuple[Node | None, list[Complaint]]:
    """Read YAML text.

    Returns:
        The tree, or None where the text cannot be read to its end, and all complaints.
    """
    if len(text.encode(errors="replace")) > MAX_BYTES:
        return None, [Complaint("the file is larger than 1 MB; a spec is a few kB", Span())]
    builder = _Builder()
    try:
        return builder.build(yaml.parse(text, Loader=yaml.SafeLoader)), builder.complaints
    except _TooDeep:
        return None, builder.complaints
    except yaml.reader.ReaderError as error:
        place = _span_at(text, error.position)
        message = f"the character U+{int(error.character):04X} is not allowed in a spec"
        return None, [*builder.complaints, Complaint(message, place)]
    except yaml.MarkedYAMLError as error:
        return None, [*builder.complaints, _explain(error)]


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
    if isinstance(root, Scalar) and root.value is not None:
        raise KeyError(part)
    entries = list(root.entries) if isinstance(root, Mapping) else []
    key = str(part)
    for index, entry in enumerate(entries):
        if entry.key == key:
            entries[index] = Entry(key, new.span, replace(entry.node, rest, new))
            return Mapping(tuple(entries), root.span)
    entries.append(Entry(key, new.span, replace(Mapping((), new.span), rest, new)))
    return Mapping(tuple(entries), root.span)


class _TooDeep(Exception):
    """The text is nested deeper than a spec may be."""


@dataclass
class _Builder:
    """Turns yaml's events into nodes, and notes what is not allowed."""

    complaints: list[Complaint] = field(default_factory=list)

    def build(self, events: Iterator[Any]) -> Node:
        root: Node = Mapping((), Span())
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
            elif isinstance(event, yaml.NodeEvent):
                node = self._node(event, events, depth=1)
                if documents == 1:
                    root = node
                elif documents == 2:
                    self._complain("a spec is one document; a second one starts here", event)
        return root

    def _node(self, event: Any, events: Iterator[Any], depth: int) -> Node:
        if depth > MAX_DEPTH:
            self._complain(f"nested deeper than {MAX_DEPTH} levels", event)
            raise _TooDeep
        if isinstance(event, yaml.AliasEvent):
            self._complain(f"aliases are not allowed: *{event.anchor}", event)
            return Scalar(None, _span(event))
        if event.anchor is not None:
            self._complain(f"anchors are not allowed: &{event.anchor}", event)
        if event.tag is not None:
            self._complain(f"tags are not allowed: {_short_tag(event.tag)}", event)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            items = []
            while not isinstance(inner := next(events), yaml.SequenceEndEvent):
                items.append(self._node(inner, events, depth + 1))
            return Sequence(tuple(items), _span(event))
        return self._mapping(event, events, depth)

    def _mapping(self, start: Any, events: Iterator[Any], depth: int) -> Mapping:
        entries: dict[str, Entry] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            key = self._node(event, events, depth + 1)
            value = self._node(next(events), events, depth + 1)
            if not isinstance(key, Scalar) or not isinstance(event, yaml.ScalarEvent):
                self._complain("a key must be a word", event)
                continue
            name = event.value
            if name == "<<":
                self._complain("merges are not allowed: <<", event)
            elif name in entries:
                first = entries[name].span
                self._complain(f'"{name}" stands twice; the first is in line {first.line}', event)
            else:
                entries[name] = Entry(name, key.span, value)
        return Mapping(tuple(entries.values()), _span(start))

    def _scalar(self, event: Any) -> Scalar:
        text, is_plain = event.value, event.style is None
        value: Any = text
        if is_plain and len(text) <= _MAX_DIGITS:
            if text in _WORDS:
                value = _WORDS[text]
            elif _INTEGER.fullmatch(text):
                value = int(text)
            elif _BASED.fullmatch(text):
                value = int(text, 0)
            elif _REAL.fullmatch(text):
                value = float(text)
                if value in (float("inf"), float("-inf")):
                    self._complain(f"{text} is too large for a number", event)
            elif _NOT_FINITE.fullmatch(text):
                self._complain(f"{text} is not a number that a spec may hold", event)
        return Scalar(value, _span(event), is_plain)

    def _complain(self, message: str, event: Any) -> None:
        self.complaints.append(Complaint(message, _span(event)))


def _span(event: Any) -> Span:
    start, end = event.start_mark, event.end_mark
    width = end.column - start.column if end.line == start.line else 1
    return Span(start.line + 1, start.column + 1, max(width, 1))


def _span_at(text: str, position: int) -> Span:
    before = text[:position]
    return Span(before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1)


def _short_tag(tag: str) -> str:
    return "!!" + tag.removeprefix("tag:yaml.org,2002:") if tag.startswith("tag:") else tag


# What yaml says, and what to tell the user; the first match counts.
_FITS_NOT = "the indentation does not fit"
_EXPLANATIONS = (
    ("'\\t'", "a tab cannot be used here", "indent with spaces"),
    ("mapping values", "a colon cannot stand here", "a text with a colon in it needs quotes"),
    ("unexpected end of stream", "a quoted text is not closed", "close it with the same quote"),
    ("could not find expected ':'", "a key without its colon", "write key: value"),
    ("expected ',' or ']'", "a comma or a closing ] is missing", "every [ needs its ]"),
    ("expected ',' or '}'", "a comma or a closing } is missing", "every { needs its }"),
    ("expected the node content", "a value is missing here", "write it, or take the key away"),
    ("but found '-'", _FITS_NOT, "items of a list stand under each other"),
    ("expected <block end>", _FITS_NOT, "keys of one section stand under each other"),
    ("cannot start any token", "this character cannot start a value", "put the text in quotes"),
)


def _explain(error: yaml.MarkedYAMLError) -> Complaint:
    mark = error.problem_mark or error.context_mark
    span = Span(mark.line + 1, mark.column + 1) if mark else Span()
    said = f"{error.context or ''} {error.problem or ''}"
    for phrase, message, remedy in _EXPLANATIONS:
        if phrase in said:
            return Complaint(message, span, (remedy,))
    return Complaint("this is not YAML", span, ("compare the line with a spec that works",))
