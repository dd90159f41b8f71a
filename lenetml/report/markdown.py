"""Foreign text made safe for a Markdown card.

Texts of a spec, names of classes and everything else that lenetml did not write itself may hold
anything. Here they lose what is invisible or moves other text about, come onto one line, and keep
every visible character: as itself, never as a heading, a table border, a link or HTML.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

from lenetml.report.words import MISSING, rounded

# Only what an autolink may hold, so that a link cannot leave its angle brackets.
_LINK = re.compile(r"https?://[A-Za-z0-9._~/?#@!&'()*+,;=:%-]*[A-Za-z0-9/_=~-]")
_SPECIAL = re.compile(r"[\\`*_\[\]|~$#]")
_ENTITIES = str.maketrans({"<": "&lt;", ">": "&gt;", "&": "&amp;"})
_BLOCK_START = re.compile(r"^(\d*)([-+=]|[.)](?= |$))")


def plain(text: str) -> str:
    """Put a text on one line, without control, format (bidi, zero width) and broken characters."""
    spaced = "".join(
        " " if character.isspace() else character
        for character in text
        if character.isspace() or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co")
    )
    return " ".join(spaced.split())


def escape(text: str) -> str:
    """Make Markdown that shows a text as it is; http and https addresses become links."""
    line = plain(text)
    pieces = []
    start = 0
    for link in _LINK.finditer(line):
        pieces += [_escape_line(line[start : link.start()]), f"<{link[0]}>"]
        start = link.end()
    pieces.append(_escape_line(line[start:]))
    return _BLOCK_START.sub(r"\1\\\2", "".join(pieces))


def code(value: Any) -> str:
    """Show a name or a value as code, values as YAML writes them; None is an em dash."""
    if value is None:
        return MISSING
    text = plain(literal(value))
    # A backtick would end the span and a bar the cell around it; "<" stands nowhere in a card.
    return escape(text) if not text or re.search(r"[`|<]", text) else f"`{text}`"


def literal(value: Any) -> str:
    """Write a value as in a spec, reals with at most the digits of `rounded`."""
    return value if isinstance(value, str) else json.dumps(_rounded(value), ensure_ascii=False)


def _rounded(value: Any) -> Any:
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return rounded(value) if isinstance(value, float) else value


def is_shortened(value: Any) -> bool:
    """Whether a value has more digits than are shown of it."""
    return bool(_rounded(value) != value)


def _escape_line(text: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", text.translate(_ENTITIES))
