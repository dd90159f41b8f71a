"""Model cards: one template, one record and one catalogue give a card in each language.

A card is a function of its record: the same record gives the same bytes, so a card on disk can be
compared with what its record says.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from lenetml.files import write_atomically
from lenetml.record import Record
from lenetml.report.figures import draw_confusion, draw_learning_curves
from lenetml.report.language import load_translations, templates_folder
from lenetml.report.markdown import code, escape
from lenetml.report.view import view_record
from lenetml.report.words import FORMATS, LOCALES
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
    text = _environment(known).get_template(TEMPLATE).render(view)
    return re.sub(r"\n{3,}", "\n\n", text)


def _write_card(folder: Path, record: Record, language: Language) -> Path:
    gettext = load_translations(language).gettext
    figures = folder / "figures"
    figures.mkdir(exist_ok=True)
    chosen = next(trial for trial in record.trials if trial.number == record.best.number)
    curves = draw_learning_curves(chosen, language, gettext)
    _write(figures / f"learning-curves.{language}.png", curves)
    if record.test is not None:
        matrix = draw_confusion(record.test, language, gettext)
        _write(figures / f"confusion-matrix.{language}.png", matrix)
    card = folder / f"card.{language}.md"
    _write(card, render_card(record, language).encode())
    return card


def _write(path: Path, content: bytes) -> None:
    """Write what is not there already: a finished run can be shown where nothing can be written."""
    if not path.is_file() or path.read_bytes() != content:
        write_atomically(path, content)


@cache
def _environment(language: Language) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(templates_folder()),
        extensions=["jinja2.ext.i18n"],
        undefined=StrictUndefined,
        finalize=_only_text,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.filters["md"] = escape
    environment.filters["code"] = code
    for name, write in FORMATS.items():
        environment.filters[name] = partial(write, language=language)
    install = environment.install_gettext_translations  # type: ignore[attr-defined]
    install(load_translations(language), newstyle=True)
    return environment


def _only_text(value: object) -> str:
    """Refuse what no filter has written: a bare number or None in the template is a bug."""
    if not isinstance(value, str):
        raise TypeError(f"the template prints {value!r} without a filter")
    return value
