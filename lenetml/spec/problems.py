"""A problem of a spec: a frozen value, and its three forms: text, JSON, workflow annotation."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lenetml.spec.nodes import Severity, Span

# Controls, line breaks, and marks that turn the direction of writing.
_UNSEEN = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028-\\u202e\\u2066-\\u2069\\ud800-\\udfff]")


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, or worth a warning, and where.

    Args:
        path: The file as the user named it.
        span: The place in it; its `origin` replaces file and line for `--set`.
        message: What is wrong, in one sentence.
        notes: What was found, what is allowed, what to do: one line each.
        source: The line of the text that `span` points into.
    """

    path: str
    span: Span
    message: str
    notes: tuple[str, ...] = ()
    source: str = ""
    severity: Severity = "error"

    @property
    def is_error(self) -> bool:
        """Whether the spec cannot be used because of it."""
        return self.severity == "error"

    @property
    def place(self) -> str:
        """Where it is: `file:line:column`, or the option of the command line."""
        return self.span.origin or f"{self.path}:{self.span.line}:{self.span.column}"

    def __str__(self) -> str:
        label = "" if self.is_error else "warning: "
        lines = [f"{self.place}: {label}{self.message}", *self._excerpt()]
        return "\n".join([*lines, *(f"    {note}" for note in self.notes)])

    def _excerpt(self) -> list[str]:
        if self.span.origin or not self.source.strip():
            return []
        number = f"    {self.span.line} | "
        shown, column, width = _window(self.source, self.span.column, self.span.width)
        return [number + shown, " " * (len(number) - 2) + "| " + " " * (column - 1) + "^" * width]


def _window(line: str, column: int, width: int, most: int = 100) -> tuple[str, int, int]:
    """Cut a long line to the part around the place; what cannot be seen becomes visible."""
    line = "".join(" " if c.isspace() else c if c.isprintable() else "\ufffd" for c in line)
    start = max(0, column - 1 - most // 2) if len(line) > most else 0
    shown = line[start : start + most].rstrip()
    shift = 0
    if start:
        shown, shift = "..." + shown, 3
    if start + most < len(line):
        shown += "..."
    column = column - start + shift
    return shown, column, max(1, min(width, len(shown) - column + 1))


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Sort problems by place and drop repeats; those of `--set` come first."""
    unique = dict.fromkeys(problems)
    return sorted(unique, key=lambda p: (not p.span.origin, p.span.line, p.span.column))


def shortened(text: str, most: int = 60) -> str:
    """A text of the user's for use in a message: on one line, visible, cut where it is long."""
    line = _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
    return line if len(line) <= most else line[: most - 3] + "..."


def nearest(word: object, known: Iterable[str]) -> str | None:
    """The known word that is nearest, or None where none is near."""
    # Letters first, then their case: "Relu" means "relu" and not "elu".
    by_letters = {name.lower(): name for name in known}
    letters = str(word).lower()
    near = difflib.get_close_matches(letters, list(by_letters), n=1, cutoff=0.6)
    if not near:
        # "zoom" means "zoom_range", and "validation" means "val", where no other word is alike.
        alike = [it for it in by_letters if min(len(it), len(letters)) > 2]
        near = [it for it in alike if it in letters or letters in it]
    return by_letters[near[0]] if len(near) == 1 else None


def did_you_mean(word: object, known: Iterable[str]) -> tuple[str, ...]:
    """A line that names the nearest known word, or nothing where none is near."""
    near = nearest(word, known)
    return () if near is None else (f'did you mean "{near}"?',)


def as_json(problem: Problem) -> dict[str, Any]:
    """A problem as one JSON object; one of `--set` has an option instead of a place."""
    span, in_file = problem.span, not problem.span.origin
    return {
        "path": problem.path,
        "line": span.line if in_file else None,
        "column": span.column if in_file else None,
        "width": span.width if in_file else None,
        "option": span.origin or None,
        "severity": problem.severity,
        "message": problem.message,
        "notes": list(problem.notes),
    }


def as_annotation(problem: Problem) -> str:
    """A problem as a workflow command, which GitHub shows beside the line.

    Source: "Workflow commands for GitHub Actions", setting an error message.
    """
    span = problem.span
    place, lines = f"file={_property(problem.path)}", [problem.message, *problem.notes]
    if span.origin:
        lines[0] = f"{span.origin}: {lines[0]}"
    else:
        place += f",line={span.line},col={span.column},endColumn={span.column + span.width}"
    text = "\n".join(lines)
    return f"::{problem.severity} {place}::{_escape(text)}"


def as_summary(problems: Sequence[Problem]) -> str:
    """All problems as a Markdown table: GitHub shows only ten annotations a step."""
    rows = ["| place | severity | problem |", "|---|---|---|"]
    for problem in problems:
        text = "<br>".join(map(_cell, [problem.message, *problem.notes]))
        rows.append(f"| {_cell(problem.place)} | {problem.severity} | {text} |")
    return "\n".join(rows) + "\n"


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")


def _cell(text: str) -> str:
    """Text into which neither Markdown nor HTML reads anything: an entity is never markup."""
    line = re.sub(r"\s+", " ", text)
    return re.sub(r"[^\w ./,;:?()=+-]|_", lambda found: f"&#{ord(found[0])};", line)
