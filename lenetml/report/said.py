"""What the authors say in a spec, chosen for the language of a card and never invented.

A text is a text, a list of texts, or one of these per language. One that is only there in another
language is taken as it is and marked; one that is not there at all stays missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lenetml.record import Record
from lenetml.report.language import Gettext
from lenetml.spec.sections import Card
from lenetml.spec.types import Language


@dataclass(frozen=True)
class Said:
    """A text of the authors, as a card in one language shows it.

    Args:
        key: The key of the spec that holds it, such as `card.intended_use.primary_uses`.
        label: Its name in the language of the card.
        parts: Paragraphs or items, not escaped; none where the text is missing.
        is_list: Whether the parts are items.
        language: The language of the text where it is not the card's.
    """

    key: str
    label: str
    parts: tuple[str, ...]
    is_list: bool = False
    language: Language | None = None

    @property
    def is_missing(self) -> bool:
        """Whether the authors gave nothing."""
        return not self.parts


def choose_text(key: str, label: str, text: Any, language: Language) -> Said:
    """Take the text of a language, or else the one that is there."""
    foreign: Language | None = None
    if isinstance(text, Mapping):
        foreign = None if language in text else next(iter(text))
        text = text[foreign or language]
    if text is None:
        return Said(key, label, ())
    if isinstance(text, str):
        return Said(key, label, (text,), language=foreign)
    return Said(key, label, tuple(text), is_list=True, language=foreign)


def choose_texts(record: Record, language: Language, gettext: Gettext) -> dict[str, Said]:
    """Take every text that only people can give, by its key, in the order of the card."""
    labels = _label_texts(gettext)
    return {
        key: choose_text(key, labels[key], text, language) for key, text in _texts(record).items()
    }


def _texts(record: Record) -> dict[str, Any]:
    card = Card.model_validate(record.spec["card"])
    return {
        "description": record.spec.get("description"),
        "card.license": card.license,
        "card.intended_use.primary_uses": card.intended_use.primary_uses,
        "card.intended_use.primary_users": card.intended_use.primary_users,
        "card.intended_use.out_of_scope": card.intended_use.out_of_scope,
        "card.factors": card.factors,
        "card.ethical_considerations.data": card.ethical_considerations.data,
        "card.ethical_considerations.risks": card.ethical_considerations.risks,
        "card.ethical_considerations.mitigations": card.ethical_considerations.mitigations,
        "card.caveats": card.caveats,
        "card.citation": card.citation,
        "card.references": card.references,
        "card.authors": card.authors,
        "card.contact": card.contact,
    }


def _label_texts(_: Gettext) -> dict[str, str]:
    return {
        "description": _("Description"),
        "card.license": _("License"),
        "card.intended_use.primary_uses": _("Primary intended uses"),
        "card.intended_use.primary_users": _("Primary intended users"),
        "card.intended_use.out_of_scope": _("Out-of-scope uses"),
        "card.factors": _("Relevant factors"),
        "card.ethical_considerations.data": _("Use of data"),
        "card.ethical_considerations.risks": _("Risks and harms"),
        "card.ethical_considerations.mitigations": _("Mitigations"),
        "card.caveats": _("Caveats and recommendations of the authors"),
        "card.citation": _("Citation"),
        "card.references": _("References"),
        "card.authors": _("Authors"),
        "card.contact": _("Contact"),
    }
