"""Why a text is no YAML, in words: what the parser says, and what the line itself shows."""

from __future__ import annotations

import re

from lenetml.spec.meant import colon_remedy
from lenetml.spec.nodes import Complaint, Span
from lenetml.spec.problems import shortened

_WORD_BEFORE_BRACE = re.compile(r"[-\s]*?(\w+)(?: *|:)\{")
_GLUED_DASH = re.compile(r"\s*(-[A-Za-z_]\S*)")
# What yaml says, and what to tell the user; the first match counts.
_FITS_NOT = "the indentation does not fit"
_BEGINS = "a text cannot begin so"
_QUOTES = "put the whole text in quotes"
COMPARE = "compare the line with a spec that works"
NO_ESCAPE = "write \\\\, or single quotes"
_EXPLANATIONS = (
    ("'\\t'", "a tab cannot be used here", "indent with spaces"),
    ("mapping values", "a colon cannot stand here", "a text with a colon in it needs quotes"),
    ("quoted scalar found unexpected", "a quoted text is not closed", "close it with its quote"),
    ("unknown escape", "a \\ in double quotes begins an escape", NO_ESCAPE),
    ("expected escape", "this escape is not complete", NO_ESCAPE),
    ("could not find expected ':'", "a key without its colon", "write key: value"),
    ("expected ',' or ']'", "a comma or a closing ] is missing", "every [ needs its ]"),
    ("expected ',' or '}'", "a comma or a closing } is missing", "every { needs its }"),
    ("expected the node content", "a value is missing here", "write it, or take the key away"),
    ("sequence entries", "a list cannot begin here", "begin it on a line of its own"),
    ("mapping keys", "a ? cannot stand here", _QUOTES),
    ("found '-'", _FITS_NOT, "items of a list stand under each other"),
    ("sequence start", _FITS_NOT, "items of a list stand under each other"),
    ("expected <block end>", _FITS_NOT, "keys of one section stand under each other"),
    ("document start", _FITS_NOT, "keys of one section stand under each other"),
    ("directive", "a line cannot begin with %", _QUOTES),
    ("block scalar", _BEGINS, _QUOTES),
    ("an anchor", _BEGINS, _QUOTES),
    ("an alias", _BEGINS, _QUOTES),
    ("tag", _BEGINS, _QUOTES),
    ("cannot start any token", _BEGINS, _QUOTES),
)


def explain(said: str, span: Span, opened: int, lines: list[str]) -> Complaint:
    """Put a mistake of YAML into words.

    Args:
        said: What the parser says.
        span: Where it could not go on.
        opened: The line in which it began what it could not finish.
        lines: The lines of the text.
    """
    for phrase, message, remedy in _EXPLANATIONS:
        if phrase in said:
            if remedy.startswith("every") and opened != span.line:
                remedy += f"; this one stands in line {opened}"
            return _look_closer(Complaint(message, span, (remedy,)), lines)
    return Complaint("this is not YAML", span, (COMPARE,))


def _look_closer(complaint: Complaint, lines: list[str]) -> Complaint:
    """Tell apart mistakes that are one to YAML, by the text around the place."""
    message, span = complaint.message, complaint.span
    line, column = lines[span.line - 1], span.column - 1
    before, after = line[:column], line[column:]
    if glued := _GLUED_DASH.match(line):
        place = Span(span.line, glued.start(1) + 1, len(glued[1]))
        note = f"a dash needs a space after it: - {shortened(glued[1][1:])}"
        return Complaint("a dash without a space", place, (note,))
    if word := _WORD_BEFORE_BRACE.match(line):
        lost = "a colon without a space" if ":{" in word[0] else "a key without its colon"
        place = Span(span.line, word.start(1) + 1, len(word[1]))
        return Complaint(lost, place, colon_remedy(line[word.start(1) :]))
    if message.startswith("a comma") and (name := re.search(r"\$(\w*)$", before)):
        if after.startswith("["):
            note = f"write ${name[1]}, or ${name[1]}.0 for one position of tied values"
            note += f", or ${name[1]}.each in a repeat"
            return Complaint("brackets cannot follow a reference", span, (note,))
        if inner := re.match(r"\{(\w+)", after):
            note = f"write ${inner[1]}"
            return Complaint("braces cannot stand in a reference", span, (note,))
    if message == "a colon cannot stand here" and ": " not in before:
        key = Span(span.line, len(before) - len(before.lstrip()) + 1, len(before.strip()))
        number = next((n for n in range(span.line - 1, 0, -1) if _says(lines[n - 1])), 0)
        if number and not re.search(r":|^\s*-", above := lines[number - 1]):
            place = Span(number, len(above) - len(above.lstrip()) + 1, len(above.strip()))
            return Complaint("a key without its colon", place, ("write key: value",))
        return Complaint(_FITS_NOT, key, ("keys of one section stand under each other",))
    percent = next((n for n, text in enumerate(lines, 1) if text.startswith("%")), 0)
    if message == _FITS_NOT and percent:
        return Complaint("a line cannot begin with %", Span(percent), (_QUOTES,))
    if message == _FITS_NOT and after[:1] in ("]", "}"):
        opening = {"]": "[", "}": "{"}[after[0]]
        return Complaint(f"a {after[0]} without its {opening}", span, ("take it away",))
    if message == _FITS_NOT and before.strip(" -"):
        note = f"{_QUOTES}, of the other kind where it holds quotes"
        return Complaint("a text cannot go on behind a closed quote or bracket", span, (note,))
    return complaint


def _says(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")
