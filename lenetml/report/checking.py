"""Whether cards on disk are those of their record, and whether their authors said everything."""

from __future__ import annotations

import os
import platform
import shlex
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from importlib.metadata import version
from itertools import zip_longest
from pathlib import Path
from typing import cast

from lenetml import __version__
from lenetml.errors import CardError
from lenetml.files import sha256_of
from lenetml.record import Record
from lenetml.report.card import card_languages, render_card
from lenetml.report.figures import listing
from lenetml.report.figures.drawing import draw_figure
from lenetml.report.language import load_translations
from lenetml.report.said import choose_texts
from lenetml.spec.types import Language

MAX_LENGTH = 80
MODEL_NAME = "model.keras"
AGAIN = ": it shows images, which only the run has; lenetml run SPEC draws it again"


def check_cards(folder: Path, record: Record, languages: Sequence[str] | None = None) -> list[Path]:
    """Compare cards, figures and the model with what the record says, and write nothing.

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
    asked = languages or card_languages(folder, record)
    faults = [fault for each in asked for fault in _find_faults(folder, record, each)]
    others = list(_find_others(folder, record))
    advice = []
    if faults:
        line = shlex.join(
            ["lenetml", "card", str(folder)]
            + [word for each in languages or () for word in ("--language", each)]
        )
        advice = [f"to write it again: {line}; what people have to say belongs into the spec"]
    if faults or others:
        what = "card" if faults else "file"
        raise CardError(
            f"{folder} holds a {what} that is not that of its record", *faults, *others, *advice
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
        if name in listing.KEPT:
            continue
        if not path.is_file():
            yield f"{figure.file} is gone"
        elif _draws_alike(record) and path.read_bytes() != draw_figure(
            name, record, known, gettext
        ):
            yield f"{figure.file} is another picture"


def _find_others(folder: Path, record: Record) -> Iterator[str]:
    """Tell which files that cards do not bring are gone, or are others than the record knows."""
    for name in sorted(listing.kept_names(record)):
        file = listing.file_of(name, "en")
        if not (folder / file).is_file():
            yield f"{file} is gone{AGAIN}"
        elif record.pictures.get(name, found := sha256_of(folder / file)) != found:
            yield f"{file} is another picture{AGAIN}"
    model = folder / MODEL_NAME
    if model.is_file() and (found := sha256_of(model)) != record.best.model_sha256:
        yield f"{model.name} is another network: its SHA-256 is {found}; put the run's own back"


def _compare(card: Path, wanted: str) -> Iterator[str]:
    """Tell the first line that differs, and how many others do."""
    found = card.read_bytes()
    if found == wanted.encode():
        return
    pairs = found.decode(errors="backslashreplace").split("\n"), wanted.split("\n")
    number, (here, there) = next(
        (number, pair)
        for number, pair in enumerate(zip_longest(*pairs), start=1)
        if pair[0] != pair[1]
    )
    alike = SequenceMatcher(None, *pairs, autojunk=False).get_matching_blocks()
    n_more = max(map(len, pairs)) - sum(block.size for block in alike) - 1
    n_alike = len(os.path.commonprefix([here or "", there or ""]))
    yield f"{card.name}:{number}: found: {_show(here, n_alike)}"
    yield f"{card.name}:{number}: by the record: {_show(there, n_alike)}"
    if n_more:
        yield f"{card.name}: and {n_more} more {'line' if n_more == 1 else 'lines'}"


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
