"""The report as a file: what it holds in each language, what cannot escape, how large it gets."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from reports import (
    ENGLISH,
    HOSTILE,
    PIXEL,
    hostile,
    of_many,
    read,
    remade,
    without_search,
)

from lenetml.record import Record
from lenetml.report.markdown import code, escape
from lenetml.report.page import MAX_BYTES, MAX_CLASSES, render_page, write_page
from lenetml.report.pagedata import MAX_POINTS
from lenetml.report.rendering import as_html

RECORDS = {name: read(name) for name in ("", "-more", "-sealed")}
VOID = {"meta", "input", "img", "br", "link"}


class Page(HTMLParser):
    """A page as its tags, and the texts of its elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[tuple[tuple[str, ...], str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((tuple(self.open), data))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def contents(self, tag: str) -> list[str]:
        """What stands in each element of a kind, as far as that holds no other."""
        return [text for path, text in self.texts if path[-1:] == (tag,)]

    def data(self) -> Any:
        return json.loads(self.contents("script")[0])


def bodies(page: str) -> list[str]:
    return re.findall(r"<main .*?</main>", page, flags=re.S)


def prose(body: str) -> str:
    """The words of a body that are lenetml's own: no code, no spec, no names of the record."""
    text = re.sub(r"<(code|pre|header|tbody)\b.*?</\1>", " ", body, flags=re.S)
    return re.sub(r"<[^>]*>", " ", text)


@pytest.mark.parametrize("record", [*RECORDS.values(), without_search()], ids=[*RECORDS, "fixed"])
def test_both_languages_have_the_same_elements(record: Record) -> None:
    page = render_page(record, {})
    parsed = Page(page)
    assert parsed.open == []
    english, portuguese = (Page(body).tags for body in bodies(page))
    assert [tag for tag, _ in english] == [tag for tag, _ in portuguese]
    assert len([tag for tag, _ in english if tag == "h2"]) >= 8
    ids = [attributes["id"] for _, attributes in parsed.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    named = {attributes.get("aria-labelledby") for _, attributes in parsed.tags} - {None}
    assert named <= set(ids)


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_nothing_is_fetched_and_nothing_is_linked(record: Record) -> None:
    page = Page(render_page(record, {"misclassified": PIXEL}))
    for tag, attributes in page.tags:
        assert attributes.keys() & {"src", "href", "action", "srcset", "style"} == set(), tag
        assert not any(name.startswith("on") for name in attributes), tag
    assert page.of("link") == page.of("a") == page.of("iframe") == []
    (style,) = page.contents("style")
    assert "url(" not in style and "@import" not in style
    _, script = page.contents("script")
    assert "http" not in script
    assert page.data()["pictures"]["misclassified"].startswith("data:image/png;base64,iVBOR")


def test_the_policy_allows_this_script_and_style_and_no_address() -> None:
    page = Page(render_page(RECORDS[""], {}))
    (policy,) = (
        it["content"] for it in page.of("meta") if it.get("http-equiv") == "Content-Security-Policy"
    )
    rules = dict(rule.strip().split(" ", 1) for rule in str(policy).split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    assert rules.keys() == {
        "default-src", "img-src", "style-src", "script-src", "base-uri", "form-action",
    }  # fmt: skip
    for kind in ("style", "script"):
        text = page.contents(kind)[-1]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules[f"{kind}-src"] == f"'sha256-{digest}'"


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_change_no_element(text: str) -> None:
    clean, page = (Page(render_page(hostile(it), {})) for it in ("x", text))
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in clean.tags]
    assert page.open == []
    for (_, attributes), (_, others) in zip(page.tags, clean.tags, strict=True):
        assert attributes.keys() == others.keys()
    cells = page.data()["trials"][0]["cells"]["en"]
    assert len(cells) == len(page.data()["columns"])


def test_what_moves_text_about_is_shown_in_the_spec() -> None:
    page = render_page(hostile("\u202egnp\u200b"), {})
    assert "\u202e" not in page and "\u200b" not in page
    assert "\\u202egnp\\u200b" in page


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_portuguese_has_decimal_commas_and_no_english(record: Record) -> None:
    page = render_page(record, {})
    text = prose(bodies(page)[1])
    assert [match[0] for match in ENGLISH.finditer(text)] == []
    assert re.findall(r"\d\.\d(?!\d\d)", re.sub(r"lenetml \S+", "", text)) == []
    words = Page(page).data()["words"]
    assert words["pt"].keys() == words["en"].keys()
    assert [it for it in words["pt"].values() if ENGLISH.search(re.sub(r"%\(\w+\)s", "", it))] == []
    cells = [trial["cells"]["pt"] for trial in Page(page).data()["trials"]]
    objective = len(Page(page).data()["axes"]) + 1
    assert all(re.fullmatch(r"—|0,\d{4}( ± 0,\d{4})?", row[objective]) for row in cells)


def test_one_language_needs_no_switch() -> None:
    record = RECORDS[""]
    card = record.spec["card"] | {"languages": ["pt"]}
    alone = record.model_copy(update={"spec": record.spec | {"card": card}})
    page = Page(render_page(alone, {}))
    assert page.of("html") == [{"lang": "pt-BR"}]
    assert page.of("nav") == []
    assert [it["id"] for it in page.of("main")] == ["pt"]


def test_a_failed_trial_has_no_number() -> None:
    trial = Page(render_page(RECORDS[""], {})).data()["trials"][1]
    assert trial["status"] == "failed"
    assert trial["at"][-1] is None
    assert trial["accuracy"] is None
    assert trial["cells"]["en"][8:10] == ["—", "—"]
    assert trial["cells"]["en"][-1] == "diverged: the loss was not finite"


def test_a_thousand_long_trials_stay_below_the_limit() -> None:
    page = render_page(of_many(1000, 200), {"misclassified": b"\x00" * 1_500_000})
    assert len(page.encode()) < MAX_BYTES
    trials = Page(page).data()["trials"]
    assert sum(len(trial["curves"].get("loss", [])) for trial in trials) < 1.05 * MAX_POINTS / 4
    for trial in trials:
        epochs = trial["curves"]["epochs"]
        assert trial["bestEpoch"] is None or {1, 200, trial["bestEpoch"]} <= set(epochs)
        assert all(len(trial["curves"][name]) == len(epochs) for name in trial["curves"])
    assert "Of every 3 epochs one is shown" in page


def test_a_picture_that_is_too_large_is_left_out_and_named() -> None:
    page = render_page(RECORDS[""], {"misclassified": b"\x00" * MAX_BYTES, "augmentation": PIXEL})
    assert list(Page(page).data()["pictures"]) == ["augmentation"]
    assert "it is figures/misclassified.png beside it" in page
    assert len(page.encode()) < MAX_BYTES


@pytest.mark.parametrize("n", [MAX_CLASSES, MAX_CLASSES + 1, 1000])
def test_many_classes(n: int) -> None:
    def change(document: dict[str, Any]) -> None:
        first = document["test"]["per_class"][0]
        document["test"]["per_class"] = [first | {"name": f"class {i}"} for i in range(n)]
        row = [7] + [0] * (n - 2) + [3]
        document["test"]["confusion"] = [row] * n

    page = render_page(remade(RECORDS[""], change), {})
    assert len(page.encode()) < MAX_BYTES
    assert ('class="confusion"' in page) == (n <= MAX_CLASSES)
    assert ("too many classes" in page) == (n > MAX_CLASSES)


def test_confusions_have_their_share_of_the_row() -> None:
    page = render_page(RECORDS[""], {})
    assert '<td class="s8" title="95.6%">172</td>' in page
    assert '<td class="s8" title="95,6%">172</td>' in page
    assert '<td class="s0" title="0.0%">0</td>' in page


def test_ten_thousand_trials_stay_below_the_limit() -> None:
    record = of_many(10_000, 10)
    page = render_page(record, {"misclassified": b"\x00" * 300_000})
    assert len(page.encode()) < MAX_BYTES
    assert bodies(page)[0].count("the best have theirs here") == 1
    curves = {it["number"]: it["curves"] for it in Page(page).data()["trials"]}
    assert curves[record.best.number]["epochs"][-1] == 10


def test_what_to_know_stands_in_both_languages() -> None:
    english, portuguese = bodies(render_page(RECORDS[""], {}))
    assert "leaves out the spread of training.</li>" in english
    assert "O que é preciso saber" in portuguese
    for record in RECORDS.values():
        body = bodies(render_page(record, {}))[0]
        for name in ("en-spread", "en-earlier", "en-baselines"):
            facts = {"en-spread": record.seeds, "en-earlier": record.earlier_tests}
            assert (f'id="{name}"' in body) == bool(facts.get(name, record.baselines))


def test_sentences_of_a_card_are_shown_as_they_are() -> None:
    text = escape("a_b <i> & `x` https://a.org/b?c=1&d=2") + " *zoom* " + code("kernel_size")
    assert as_html(text) == (
        "a_b &lt;i&gt; &amp; `x` https://a.org/b?c=1&amp;d=2 zoom <code>kernel_size</code>"
    )


def test_the_file_is_written_with_the_pictures_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "misclassified.png").write_bytes(PIXEL)
    path = write_page(tmp_path, RECORDS[""])
    assert path == tmp_path / "report.html"
    assert list(Page(path.read_text(encoding="utf-8")).data()["pictures"]) == ["misclassified"]
    assert [it.name for it in tmp_path.iterdir() if it.name.startswith(".")] == []
