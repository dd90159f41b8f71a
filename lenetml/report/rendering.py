"""Templates and what they may call: the door of Jinja."""

from __future__ import annotations

import re
from functools import cache, partial

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from lenetml.report.language import load_translations, templates_folder
from lenetml.report.markdown import code, escape, plain
from lenetml.report.words import FORMATS
from lenetml.spec.types import Language

_MARKDOWN = re.compile(
    r"`(?P<code>[^`]*)`|\\(?P<escaped>.)|(?P<entity>&(?:lt|gt|amp);)"
    r"|<(?P<link>https?:[^>]*)>|\*+|(?P<text>.)"
)


@cache
def template_environment(language: Language, *, is_html: bool) -> Environment:
    """Give what renders the templates of a language.

    Args:
        language: Of the words and the numbers.
        is_html: Whether every text is escaped for HTML; Markdown has its own filters.
    """
    environment = Environment(
        loader=FileSystemLoader(templates_folder()),
        extensions=["jinja2.ext.i18n"],
        undefined=StrictUndefined,
        finalize=_only_text,
        autoescape=is_html,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.filters |= {"plain": plain} if is_html else {"md": escape, "code": code}
    for name, write in FORMATS.items():
        environment.filters[name] = partial(write, language=language)
    install = environment.install_gettext_translations  # type: ignore[attr-defined]
    install(load_translations(language), newstyle=True)
    return environment


def as_html(markdown: str) -> Markup:
    """Show a sentence of a card in HTML: code as code, what was escaped as it is, no emphasis."""
    return Markup("").join(
        Markup("<code>{}</code>").format(span["code"])
        if span["code"] is not None
        else Markup(span["entity"])
        if span["entity"]
        else (span["escaped"] or span["link"] or span["text"] or "")
        for span in _MARKDOWN.finditer(markdown)
    )


def _only_text(value: object) -> str:
    """Refuse what no filter has written: a bare number or None in the template is a bug."""
    if not isinstance(value, str):
        raise TypeError(f"the template prints {value!r} without a filter")
    return value
