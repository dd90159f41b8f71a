"""Texts that want to break a card leave it as it is, beside themselves."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest
from cards import LANGUAGES, MARKDOWN, RECORDS, body_of, front_matter
from hostile import TEXTS

from lenetml.record import Record
from lenetml.report.card import render_card
from lenetml.report.markdown import plain
from lenetml.report.metadata import write_metadata

# What text may turn into by itself: text, code, and the link that an address is.
OWN = {"text", "text_special", "code_inline", "link_open", "link_close", "softbreak"}


def fill(value: Any, text: str) -> Any:
    """A value with every text in it replaced."""
    if isinstance(value, str):
        return text
    if isinstance(value, dict):
        return {key: fill(each, text) for key, each in value.items()}
    return [fill(each, text) for each in value] if isinstance(value, list) else value


def filled(text: str) -> Record:
    """A record that says this text wherever what lenetml did not write can stand."""
    facts = RECORDS["-more"].model_dump(mode="json")
    languages = facts["spec"]["card"].pop("languages")
    for key in ("title", "description", "card"):
        facts["spec"][key] = fill(facts["spec"][key], text)
    facts["spec"]["card"]["languages"] = languages
    facts["data"] |= {"classes": fill(facts["data"]["classes"], text)}
    facts["data"] |= {"dataset": text, "source": text}
    for each in (*facts["test"]["per_class"], *facts["best"]["architecture"]):
        each |= {key: text for key in ("name", "layer") if key in each}
    facts["best"]["architecture"][0]["arguments"] = {text: text}
    facts["best"]["values"] = {text: text}
    space = facts["search"]["space"]
    space[0] |= {"name": text, "values": [text]}
    space[-1]["when"] = {text: [text]}
    facts["trials"][1]["reason"] = text
    facts["trials"][1]["values"] = fill(facts["trials"][1]["values"], text)
    for trial in facts["trials"]:
        # The first column is a hyperparameter of this name.
        trial["values"] = {text: text} | trial["values"]
    facts["baselines"][0]["title"] = text
    facts["seeds"][2]["reason"] = text
    facts["search"]["continuations"][1]["changed_versions"] = {text: [text, text]}
    facts["environment"] |= {"cpu": text, "platform": text, "versions": {text: text}}
    for key in ("cpu_method", "gpu_method", "ram_method", "tracker"):
        facts["energy"][key] = text
    facts |= {"command": text, "overrides": [text]}
    facts["spec"]["wandb"]["project"] = text
    facts["mirror"]["winner_url"] = text
    return Record.model_validate(facts)


def structure(card: str) -> list[str]:
    """Kinds of all blocks in turn, and of all that stands in them beside plain text."""
    kinds = []
    for token in MARKDOWN.parse(body_of(card)):
        kinds.append(f"{token.type} {token.tag}")
        kinds += [child.type for child in token.children or [] if child.type not in OWN]
    return kinds


@cache
def harmless(language: str) -> str:
    return render_card(filled("harmless"), language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("text", TEXTS, ids=range(1, len(TEXTS) + 1))
def test_no_text_breaks_out_of_its_place(language: str, text: str) -> None:
    card = render_card(filled(text), language)
    assert structure(card) == structure(harmless(language))
    body = body_of(card)
    assert not re.search(r"<(?!!-- |https?://)|[\x00-\x09\x0b-\x1f\u200b\u202e\u2028\u2029]", body)
    allowed = ("figures/", "http://", "https://")
    for token in MARKDOWN.parse(body):
        for child in token.children or []:
            if child.type in ("link_open", "image"):
                target = child.attrGet("href") or child.attrGet("src")
                assert str(target).startswith(allowed)
            if child.type == "image":
                assert str(child.attrGet("src")).startswith("figures/")
            assert child.type != "html_inline" or child.content.startswith("<!-- lenetml:missing")


@pytest.mark.parametrize("text", TEXTS, ids=range(1, len(TEXTS) + 1))
def test_yaml_gives_a_text_of_the_front_matter_back(text: str) -> None:
    given = front_matter(write_metadata(filled(text), "en"))
    usual = front_matter(harmless("en"))
    line = plain(text)
    assert given.keys() | {"license", "license_name"} == usual.keys()
    # Only the Hub's own identifiers are a license there; a text without letters is none.
    assert given.get("license") == ("other" if line else None)
    assert given.get("license_name", "") == line
    (model,) = given.pop("model-index")
    assert model["results"][0]["dataset"] == {"type": line, "name": line, "split": "test"}
    assert given["co2_eq_emissions"]["source"] == f"{line}, measured"
    assert given["co2_eq_emissions"]["hardware_used"] == line


def test_there_are_fifty_of_them() -> None:
    assert len(set(TEXTS)) == 50
