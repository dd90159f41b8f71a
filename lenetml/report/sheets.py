"""Tables and sentences that are shown twice: aligned in a terminal, and as Markdown.

What lenetml writes itself is the same in both; a foreign text loses there what could move a
terminal about, and is escaped here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lenetml.report.markdown import code, escape, literal, plain
from lenetml.report.words import MISSING


@dataclass(frozen=True)
class Text:
    """A text in its two forms."""

    plain: str
    markdown: str


NOTHING = Text(MISSING, MISSING)


@dataclass(frozen=True)
class Sheet:
    """A heading, a table under it, and sentences below.

    Args:
        heading: Of the section.
        head: Names of the columns.
        rows: As long as the head; none: there is no table.
        notes: Sentences, each a paragraph of its own.
        n_words: So many first columns are words; the others are numbers, or stand right like them.
    """

    heading: str
    head: Sequence[Text] = ()
    rows: Sequence[Sequence[Text]] = ()
    notes: Sequence[Text] = ()
    n_words: int = 1


def own(text: str) -> Text:
    """Take a text of lenetml's, or a number, as it is."""
    return Text(text, text)


def foreign(text: str) -> Text:
    """Take a text that somebody else wrote."""
    return Text(plain(text), escape(text))


def quoted(value: Any) -> Text:
    """Take a name or a value of a spec; None is an em dash."""
    return Text(MISSING if value is None else plain(literal(value)), code(value))


def linked(text: Text, address: str | None) -> Text:
    """Make a text lead to a file beside the page, by an address that is quoted already."""
    return Text(text.plain, f"[{text.markdown}]({address})") if address else text


def fill(pattern: str, texts: Mapping[str, Text]) -> Text:
    """Fill the places of a sentence, `%(name)s`, with texts."""
    return Text(
        pattern % {name: text.plain for name, text in texts.items()},
        pattern % {name: text.markdown for name, text in texts.items()},
    )


def joined(texts: Sequence[Text]) -> Text:
    """Write several texts one after the other."""
    return Text("; ".join(it.plain for it in texts), "; ".join(it.markdown for it in texts))


def as_markdown(sheet: Sheet) -> str:
    """Write a sheet as a section of a page."""
    parts = [f"## {sheet.heading}\n"]
    if sheet.rows:
        ends = ["---" if place < sheet.n_words else "---:" for place in range(len(sheet.head))]
        rows = [[cell.markdown for cell in row] for row in (sheet.head, *sheet.rows)]
        lines = [f"| {' | '.join(row)} |" for row in rows]
        parts.append("\n".join([lines[0], f"|{'|'.join(ends)}|", *lines[1:], ""]))
    return "\n".join([*parts, *(f"{note.markdown}\n" for note in sheet.notes)])


def as_text(sheet: Sheet) -> str:
    """Write a sheet for a terminal."""
    lines = [sheet.heading.upper()]
    if sheet.rows:
        rows = [[cell.plain for cell in row] for row in (sheet.head, *sheet.rows)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = [
                cell.ljust(width) if place < sheet.n_words else cell.rjust(width)
                for place, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            lines.append("  ".join(cells).rstrip())
    return "\n".join([*lines, *(note.plain for note in sheet.notes)]) + "\n"
