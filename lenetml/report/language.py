"""Translations: the gettext catalogue of a language, compiled in memory from its .po file.

English is the language of the templates and of the code, so it needs no catalogue.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import TypeAlias

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

import lenetml
from lenetml.spec.types import Language

Gettext: TypeAlias = Callable[[str], str]


def templates_folder() -> Path:
    """Find the templates: inside the installed package, or beside it in a checkout."""
    package = Path(lenetml.__file__).parent
    packed = package / "templates"
    return packed if packed.is_dir() else package.parent / "templates"


@cache
def load_translations(language: Language) -> NullTranslations:
    """Load the catalogue of a language; texts that it lacks stay English."""
    if language == "en":
        return NullTranslations()
    compiled = BytesIO()
    with (templates_folder() / f"{language}.po").open("rb") as file:
        write_mo(compiled, read_po(file))
    compiled.seek(0)
    return GNUTranslations(compiled)
