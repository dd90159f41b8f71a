"""What the authors say in a card, and what they left out."""

from __future__ import annotations

import re

import pytest
from cards import RECORDS, with_spec

from lenetml.record import Record
from lenetml.report.card import render_card


@pytest.fixture(scope="module")
def record() -> Record:
    return RECORDS[""]


@pytest.mark.parametrize(
    ("language", "mark"),
    [
        ("en", "*Not provided by the authors.*"),
        ("pt", "*Não informado pelos autores.*"),
    ],
)
def test_what_the_authors_left_out_is_marked_and_listed(
    record: Record, language: str, mark: str
) -> None:
    texts = {"title", "description", "card"}
    spec = {key: value for key, value in record.spec.items() if key not in texts}
    bare = record.model_copy(update={"spec": spec | {"card": {"languages": ["en"]}}})
    card = render_card(bare, language)
    hidden = re.findall(r"<!-- lenetml:missing (\S+) -->", card)
    listed = re.findall(r"^- .+ \(`(\S+)`\)$", card, flags=re.M)
    assert sorted(hidden) == sorted(listed)
    assert card.count(mark) == len(listed) == 14
    assert "leafnet\n" in card


def test_a_whole_card_misses_nothing(record: Record) -> None:
    use = {"primary_uses": "a", "primary_users": "b", "out_of_scope": "c"}
    ethics = {"data": "d", "risks": "e", "mitigations": "f"}
    card = record.spec["card"] | {"intended_use": use, "ethical_considerations": ethics}
    whole = with_spec(record, card=card)
    card = render_card(whole, "en")
    assert "lenetml:missing" not in card
    assert "None: the authors gave every text" in card


def test_a_text_in_another_language_is_marked_and_not_translated(record: Record) -> None:
    assert "Estudantes e professores. *(in Portuguese)*" in render_card(record, "en")
    assert "LeafNet, a small network for leaves, 2026." in render_card(record, "pt")
    assert "leafnet_2026> *(em inglês)*" in render_card(record, "pt")
    texts = {"factors": {"pt": ["luz", "idade"]}}
    listed = with_spec(record, card=record.spec["card"] | texts)
    assert "*(in Portuguese)*\n\n- luz\n- idade\n" in render_card(listed, "en")
