"""Whether cards on disk are those of their record, and whether their authors said everything."""

from __future__ import annotations

import os
import platform
import shlex
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from itertools import zip_longest
from pathlib import Path
from typing import cast

from lenetml import __version__
from lenetml.errors import CardError
from lenetml.record import Record
from lenetml.report.card import render_card
from lenetml.report.figures import listing
from lenetml.report.figures.drawing import draw_figure
from lenetml.report.language import load_translations
from lenetml.report.said import choose_texts
from lenetml.report.words import LOCALES
from lenetml.spec.types import Language

MAX_LENGTH = 80


def check_cards(folder: Path, record: Record, languages: Sequence[str] | None = None) -> list[Path]:
    """Compare cards and figures with what the record says, and write nothing.

    Args:
        folder: Of the run.
        record: Of the run.
        languages: `en`, `pt` or both; where left out those of the spec, and any other card that
            is there.

    Returns:
        The cards.

    Raises:
        CardError: One of them is gone or differs: file, line, and what stands there.
    """
    there = [each for each in LOCALES if (folder / f"card.{each}.md").exists()]
    asked = languages or [*dict.fromkeys([*record.spec["card"]["languages"], *there])]
    # A picture that both languages share is told once.
    faults = dict.fromkeys(fault for each in asked for fault in _find_faults(folder, record, each))
    if faults:
        line = shlex.join(
            ["lenetml", "card", str(folder)]
            + [word for each in languages or () for word in ("--language", each)]
        )
        raise CardError(
            f"{folder} holds a card that is not that of its record",
            *faults,
            f"to write it again: {line}; what people have to say belongs into the spec",
        )
    return [folder / f"card.{each}.md" for each in asked]


def check_texts(record: Record) -> None:
    """Refuse a record whose authors left out a text that a card has a place for.

    Raises:
        CardError: Names the keys.
    """
    texts = choose_texts(record, "en", load_translations("en").gettext)
    missing = [f"{key}: {text.label.lower()}" for key, text in texts.items() if text.is_missing]
    if missing:
        raise CardError(
            f"the card of {record.name} lacks texts that only its authors can give",
            *missing,
            "write them into the spec, and run it again: nothing is trained anew for them",
        )


def _find_faults(folder: Path, record: Record, language: str) -> Iterator[str]:
    card = folder / f"card.{language}.md"
    if not card.is_file():
        yield f"{card.name} is gone"
    else:
        yield from _compare(card, render_card(record, language))
    known = cast(Language, language)
    gettext = load_translations(known).gettext
    for name, figure in listing.list_figures(record, known, gettext).items():
        path = folder / figure.file
        is_kept = name in listing.KEPT
        if not path.is_file():
            advice = ": it shows images, which only the run has; put it back" if is_kept else ""
            yield f"{figure.file} is gone{advice}"
        elif (
            not is_kept
            and _draws_alike(record)
            and path.read_bytes() != draw_figure(name, record, known, gettext)
        ):
            yield f"{figure.file} is another picture"


def _compare(card: Path, wanted: str) -> Iterator[str]:
    """Tell the first line that differs."""
    found = card.read_bytes()
    if found == wanted.encode():
        return
    lines = zip_longest(
        found.decode(errors="backslashreplace").split("\n"), wanted.split("\n"), fillvalue=None
    )
    number, (here, there) = next(
        (number, pair) for number, pair in enumerate(lines, start=1) if pair[0] != pair[1]
    )
    n_alike = len(os.path.commonprefix([here or "", there or ""]))
    yield f"{card.name}:{number}: found: {_show(here, n_alike)}"
    yield f"{card.name}:{number}: by the record: {_show(there, n_alike)}"


def _show(line: str | None, n_alike: int) -> str:
    """The part of a line around the place where it begins to differ."""
    if line is None:
        return "the end of the card"
    start = max(0, n_alike - MAX_LENGTH // 2) if len(line) > MAX_LENGTH else 0
    end = start + MAX_LENGTH
    return repr(f"{'…' if start else ''}{line[start:end]}{'…' if end < len(line) else ''}")


def _draws_alike(record: Record) -> bool:
    """Whether this machine draws what the record's did, to the byte."""
    environment = record.environment
    return (
        record.lenetml == __version__
        and environment.versions.get("matplotlib") == version("matplotlib")
        and platform.machine() in environment.platform
    )
