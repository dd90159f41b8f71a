"""Catalogues: every message of template and code is translated, and no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po

from lenetml.report import language
from lenetml.report.language import load_translations, templates_folder

Message = str | tuple[str, ...]


def used_messages() -> Iterator[Message]:
    options = {"trimmed": "true", "newstyle_gettext": "true"}
    for template in templates_folder().glob("*.j2"):
        with template.open("rb") as file:
            for _, message, _, _ in extract("jinja2.ext:babel_extract", file, options=options):
                yield message
    for module in Path(language.__file__).parent.rglob("*.py"):
        with module.open("rb") as file:
            for _, message, _, _ in extract("python", file):
                yield message


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    with (templates_folder() / "pt.po").open("rb") as file:
        return read_po(file)


def forms(text: Message) -> tuple[str, ...]:
    return text if isinstance(text, tuple) else (text,)


def test_every_message_is_in_the_catalogue_and_no_other(catalogue: Catalog) -> None:
    known = {message.id for message in catalogue if message.id}
    used = set(used_messages())
    assert used - known == set()
    assert known - used == set()


def test_no_translation_is_empty_or_doubtful(catalogue: Catalog) -> None:
    for message in catalogue:
        if message.id:
            assert not message.fuzzy, message.id
            assert all(form.strip() for form in forms(message.string)), message.id
            assert len(forms(message.string)) == len(forms(message.id)), message.id


def test_placeholders_are_the_same_in_both_languages(catalogue: Catalog) -> None:
    def places(text: str) -> list[str]:
        return sorted(re.findall(r"%(?:\(\w+\)s|%)", text))

    for message in catalogue:
        if message.id:
            for given, translated in zip(forms(message.id), forms(message.string), strict=True):
                assert places(given) == places(translated), given


def test_portuguese_counts_zero_and_one_as_singular() -> None:
    ngettext = load_translations("pt").ngettext
    assert [ngettext("%(n)s trial", "%(n)s trials", n) for n in (0, 1, 2)] == [
        "%(n)s tentativa",
        "%(n)s tentativa",
        "%(n)s tentativas",
    ]


def test_english_needs_no_catalogue() -> None:
    assert load_translations("en").gettext("Seed") == "Seed"
    assert load_translations("pt").gettext("Seed") == "Semente aleatória"
