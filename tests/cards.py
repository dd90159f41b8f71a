"""Records made by hand and what tests read from their cards."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from markdown_it import MarkdownIt

from lenetml.record import Record

CASES = Path(__file__).parent / "cases"
LANGUAGES = ("en", "pt")
MARKDOWN = MarkdownIt().enable(["table", "strikethrough"])
ENGLISH = re.compile(
    r"\b(accuracy|and|any|are|baseline|batch|best|by|card|chosen|class|confusion|epochs?|estimated|"
    r"examples|for|from|images|interrupted|is|it|layer|learning|loss|measured|not|of|on|optimistic|"
    r"optimizer|or|parameters|precision|rate|run|search|seed|set|size|spec|split|support|test|that|"
    r"of|set|share|held|lower|upper|drawn|shown|rows?|values?|among|more|than|"
    r"the|this|to|train(ed|ing)|trials?|validation|was|weight(s|ed)|were|with|without|yes)\b",
    re.IGNORECASE,
)
# A search that ended as it should; one by several trainings a trial, confirmed, cut short, gone on
# with, with seeds; a Hyperband search whose test part stays sealed.
RECORDS = {
    name: Record.model_validate_json((CASES / f"record{name}.json").read_bytes())
    for name in ("", "-more", "-sealed")
}


def with_spec(record: Record, **changes: Any) -> Record:
    return record.model_copy(update={"spec": record.spec | changes})


def front_matter(card: str) -> dict[str, Any]:
    return yaml.safe_load(card.removeprefix("---\n").split("\n---\n", 1)[0])


def body_of(card: str) -> str:
    """A card without front matter."""
    return card.split("\n---\n", 1)[1]


def prose(card: str) -> str:
    """A card without front matter, code, comments and addresses."""
    body = body_of(card)
    return re.sub(r"```.*?```|`[^`\n]*`|<!--.*?-->|<http[^>]*>|\]\([^)]*\)", " ", body, flags=re.S)


def foreign_bits(card: str) -> list[str]:
    """What in a Portuguese card is English: words, and points before decimals."""
    text = re.sub(r"\d+\.\d+\.\d+\S*|(Linux|macOS)\S*|Show Your Work", " ", prose(card))
    return [*re.findall(r"\d\.\d(?!\d\d)", text), *(it[0] for it in ENGLISH.finditer(text))]


def tables(card: str) -> list[tuple[int, int]]:
    """Rows and columns of each table."""
    found = re.findall(r"(?:^\|.*\n)+", card, flags=re.M)
    return [
        (table.count("\n"), len(re.findall(r"(?<!\\)\|", table.splitlines()[0]))) for table in found
    ]


def cells_of(row: str) -> list[str]:
    return row.removeprefix("| ").removesuffix(" |").split(" | ")


def cells(card: str, first: str) -> list[list[str]]:
    """The rows of a table that begin with a cell, as their cells."""
    rows = [cells_of(row) for row in card.splitlines() if row.startswith("|")]
    return [row for row in rows if row[0] == first]


def change_best(record: Record, **changes: Any) -> Record:
    return record.model_copy(update={"best": record.best.model_copy(update=changes)})
