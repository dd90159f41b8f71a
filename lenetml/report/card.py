"""Model cards: one template, one record and one catalogue give a card in each language.

A card is a function of its record: the same record gives the same bytes, so a card on disk can be
compared with what its record says.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from lenetml.files import write_atomically
from lenetml.record import Record
from lenetml.report.figures import listing
from lenetml.report.figures.drawing import draw_figure
from lenetml.report.language import load_translations
from lenetml.report.rendering import template_environment
from lenetml.report.view import view_record
from lenetml.report.words import LOCALES
from lenetml.spec.types import Language

TEMPLATE = "card.md.j2"


def write_cards(folder: Path, record: Record, languages: Sequence[str] | None = None) -> list[Path]:
    """Write a card for each language into the folder of a run, and its figures beside it.

    Args:
        folder: The folder of the run; figures go to `figures/` in it.
        record: Everything known of the experiment.
        languages: `en`, `pt` or both; those that the spec asks for where left out.

    Returns:
        The cards, in the order of the languages.
    """
    chosen = record.spec["card"]["languages"] if languages is None else languages
    return [_write_card(folder, record, cast(Language, language)) for language in chosen]


def card_languages(folder: Path, record: Record) -> list[str]:
    """Name the languages that the spec asks for, and those of any other card that is there."""
    there = [each for each in LOCALES if (folder / f"card.{each}.md").exists()]
    return [*dict.fromkeys([*record.spec["card"]["languages"], *there])]


def drop_cards(folder: Path, record: Record) -> None:
    """Remove the cards of languages that the spec no longer asks for, and their figures."""
    for language in LOCALES.keys() - set(record.spec["card"]["languages"]):
        figures = folder.glob(f"figures/*.{language}.png")
        for path in (folder / f"card.{language}.md", *figures):
            path.unlink(missing_ok=True)


def render_card(record: Record, language: str) -> str:
    """Write the card of a record in a language, `en` or `pt`, as text."""
    known = cast(Language, language)
    view = view_record(record, known, load_translations(known))
    text = template_environment(known, is_html=False).get_template(TEMPLATE).render(view)
    return re.sub(r"\n{3,}", "\n\n", text)


def _write_card(folder: Path, record: Record, language: Language) -> Path:
    _write_figures(folder, record, language)
    card = folder / f"card.{language}.md"
    _write(card, render_card(record, language).encode())
    return card


def _write_figures(folder: Path, record: Record, language: Language) -> None:
    """Draw the figures of a card, and remove those that another winner has left."""
    (folder / "figures").mkdir(exist_ok=True)
    gettext = load_translations(language).gettext
    shown = listing.list_figures(record, language, gettext)
    for name in listing.NAMES - shown.keys():
        (folder / listing.file_of(name, language)).unlink(missing_ok=True)
    for name in shown.keys() - listing.KEPT:
        _write(folder / shown[name].file, draw_figure(name, record, language, gettext))


def _write(path: Path, content: bytes) -> None:
    """Write what is not there already: a finished run can be shown where nothing can be written."""
    if not path.is_file() or path.read_bytes() != content:
        write_atomically(path, content)
