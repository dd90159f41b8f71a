"""Strict YAML: text in, a tree of nodes out in which every key and value knows its place.

Numbers and booleans are those of YAML 1.2 (`1e-3` is a number, `no` is text, `010` is 10).
Refused, each with its place: duplicate keys, anchors, aliases, tags, merges, `.nan` and `.inf`,
characters that cannot be seen, more than one document, more than 1 MB, 20,000 values or 50 levels.
yaml is known to this file alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from lenetml.spec.decimals import is_behind_comma
from lenetml.spec.nodes import Complaint, Entry, Mapping, Node, Scalar, Sequence, Span
from lenetml.spec.problems import shortened
from lenetml.spec.unreadable import COMPARE, NO_ESCAPE, explain

MAX_BYTES = 1_000_000
MAX_VALUES = 20_000
MAX_DEPTH = 50
# More than any key takes; beyond 15 digits a whole number need not be the real one it stands for.
MAX_DIGITS = 15
_AS_TEXT = f"a whole number has at most {MAX_DIGITS} digits; a text of digits needs quotes"

_INTEGER = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_REAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
# Controls, line breaks of other systems, marks that turn the direction of writing, and the like:
# what a reader would not see. A zero-width joiner is part of many emoji and stays.
_UNSEEN = re.compile(
    "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f\\u061c\\u200b\\u200e\\u200f\\u2028-\\u202e"
    "\\u2060-\\u206f\\ud800-\\udfff\\ufeff\\ufff9-\\ufffb\\ufffe\\uffff]"
)
_NO_CHARACTER = re.compile(r"\\U(?!00(0|10))[0-9a-fA-F]{8}")
_COMMENT_WITHOUT_SPACE = re.compile(r"[ \t]+(#[^\s#]\S*)")


def decode(content: bytes) -> tuple[str, list[Complaint]]:
    """Read bytes as UTF-8, with or without a byte order mark.

    Returns:
        The text, up to the first byte that is none, and a complaint about that byte.
    """
    if len(content) > MAX_BYTES:
        return "", [Complaint("the file is larger than 1 MB; a spec is a few kB", Span())]
    try:
        return content.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        text = content[: error.start].decode("utf-8-sig")
        note = f"found: the byte {content[error.start]:02X}; save the file as UTF-8"
        return text, [Complaint("this is not UTF-8", _place(text, len(text)), (note,))]


def split_lines(text: str) -> list[str]:
    """The lines of a text, as places count them."""
    return re.split(r"\r\n|\r|\n", text)


def parse(text: str) -> tuple[Node | None, list[Complaint]]:
    """Read YAML text.

    Returns:
        The tree, or None where the text cannot be read to its end, and all complaints.
    """
    if unseen := _UNSEEN.search(text):
        return None, [_unseen(unseen[0], _place(text, unseen.start()))]
    builder = _Builder(text)
    try:
        return builder.build(yaml.parse(text, Loader=yaml.SafeLoader)), builder.complaints
    except _Stopped:
        return None, builder.complaints
    except yaml.MarkedYAMLError as error:
        return None, [*builder.complaints, _explain(error, text)]
    except (ValueError, OverflowError):
        # PyYAML 6.0.3 reads "\UFFFFFFFF" without looking whether there is such a character.
        # The other number that is too long for Python stands in a line %YAML.
        complaint = Complaint("this is not YAML", builder.last, (COMPARE,))
        if escape := _NO_CHARACTER.search(text):
            place = _place(text, escape.start(), len(escape[0]))
            complaint = Complaint("this escape stands for no character", place, (NO_ESCAPE,))
        return None, [*builder.complaints, complaint]


def _unseen(character: str, span: Span) -> Complaint:
    note = "it cannot be seen; take it away, or write the line again"
    code = f"U+{ord(character):04X}"
    return Complaint(f"the character {code} is not allowed in a spec", span, (note,))


class _Stopped(Exception):
    """The text is larger than a spec may be; the complaint is noted."""


@dataclass
class _Builder:
    """Turns yaml's events into nodes, and notes what is not allowed."""

    text: str
    complaints: list[Complaint] = field(default_factory=list)
    last: Span = Span()
    n_values: int = 0

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
                    note = "a second one starts here; give it a file of its own"
                    self._complain("a spec is one document", event, note)
        return root

    def _node(self, event: Any, events: Iterator[Any], depth: int) -> Node:
        self.last = _span(event)
        self.n_values += 1
        if depth > MAX_DEPTH or self.n_values > MAX_VALUES:
            limit = f"nested deeper than {MAX_DEPTH} levels"
            if depth <= MAX_DEPTH:
                limit = f"more than {MAX_VALUES:,} keys and values"
            self._complain(limit, event)
            raise _Stopped
        if isinstance(event, yaml.AliasEvent):
            self._refuse("aliases", f"*{event.anchor}", event)
            return Scalar(None, _span(event))
        if event.anchor is not None:
            self._refuse("anchors", f"&{event.anchor}", event)
        if event.tag is not None:
            self._refuse("tags", event.tag.replace("tag:yaml.org,2002:", "!!"), event)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            items = []
            while not isinstance(inner := next(events), yaml.SequenceEndEvent):
                items.append(self._node(inner, events, depth + 1))
            return Sequence(tuple(items), _span(event))
        return self._mapping(event, events, depth)

    def _mapping(self, start: Any, events: Iterator[Any], depth: int) -> Mapping:
        entries: list[Entry] = []
        places: dict[str, Span] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            key = self._node(event, events, depth + 1)
            value = self._node(next(events), events, depth + 1)
            if not isinstance(key, Scalar) or not isinstance(event, yaml.ScalarEvent):
                self._complain("a key must be a word", event, "write key: value")
                continue
            entry = Entry(event.value, key.span, value)
            name = entry.key
            if name == "<<":
                self._complain("merges are not allowed: <<", event, "write the keys out")
            elif name in places and not is_behind_comma(entry):
                note = f"the first stands in line {places[name].line}; take one of them away"
                self._complain(f'"{shortened(name)}" stands twice', event, note)
            else:
                places[name] = key.span
                entries.append(entry)
        return Mapping(tuple(entries), _span(start))

    def _scalar(self, event: Any) -> Scalar:
        value = self._number_or_word(event) if event.style is None else event.value
        if isinstance(value, str):
            # An escape in a quoted text may stand for what the text itself may not hold.
            if unseen := re.search(_UNSEEN.pattern + "|\r", value):
                self.complaints.append(_unseen(unseen[0], _span(event)))
            comment = _COMMENT_WITHOUT_SPACE.match(self.text, event.end_mark.index)
            if event.style is None and comment:
                message = f'"{shortened(comment[1])}" is a comment here, not part of the text'
                note = "a text with # in it needs quotes; a comment has a space after its #"
                place = _place(self.text, comment.start(1), len(comment[1]))
                self.complaints.append(Complaint(message, place, (note,), "warning"))
        return Scalar(value, _span(event))

    def _number_or_word(self, event: Any) -> Any:
        text = event.value
        if text in _WORDS:
            return _WORDS[text]
        if _INTEGER.fullmatch(text) or _BASED.fullmatch(text):
            if len(text.lstrip("+-0xo")) <= MAX_DIGITS:
                return int(text, 0) if _BASED.fullmatch(text) else int(text)
            self._complain(f"{shortened(text, 24)} has too many digits", event, _AS_TEXT)
        elif _REAL.fullmatch(text):
            if (value := float(text)) not in (float("inf"), float("-inf")):
                return value
            self._complain(f"{shortened(text, 24)} is too large for a number", event)
        elif _NOT_FINITE.fullmatch(text):
            self._complain(f"{text} is not a number that a spec may hold", event)
        return text

    def _refuse(self, what: str, found: str, event: Any) -> None:
        note = "write the value itself; a text that begins so needs quotes"
        self._complain(f"{what} are not allowed: {shortened(found)}", event, note)

    def _complain(self, message: str, event: Any, *notes: str) -> None:
        self.complaints.append(Complaint(message, _span(event), notes))


def _span(event: Any) -> Span:
    start, end = event.start_mark, event.end_mark
    width = end.column - start.column if end.line == start.line else 1
    return Span(start.line + 1, start.column + 1, max(width, 1))


def _place(text: str, index: int, width: int = 1) -> Span:
    lines = split_lines(text[:index])
    return Span(len(lines), len(lines[-1]) + 1, width)


def _explain(error: yaml.MarkedYAMLError, text: str) -> Complaint:
    said = f"{error.context or ''} {error.problem or ''}"
    begins_there = "scanning a" in said and "escape" not in said
    mark = (begins_there and error.context_mark) or error.problem_mark or error.context_mark
    assert mark is not None
    opened = error.context_mark.line + 1 if error.context_mark else mark.line + 1
    return explain(said, Span(mark.line + 1, mark.column + 1), opened, split_lines(text))
