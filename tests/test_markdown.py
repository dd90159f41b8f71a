"""Foreign text in Markdown: shown as it is, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from lenetml.report.markdown import code, escape, plain

MARKDOWN = MarkdownIt().enable(["table", "strikethrough"])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Folhas saudáveis, 95% (n = 3).", "Folhas saudáveis, 95% (n = 3)."),
        ("a\n# b | <i>", "a \\# b \\| &lt;i&gt;"),
        ("learn_rate *x* `y` [z](u)", "learn\\_rate \\*x\\* \\`y\\` \\[z\\](u)"),
        ("- item", "\\- item"),
        ("1. item", "1\\. item"),
        ("2) item", "2\\) item"),
        ("1.5 graus", "1.5 graus"),
        ("AT&T &copy;", "AT&amp;T &amp;copy;"),
        ("\u202eabc\u200b\x00\ud800 \t d", "abc d"),
        ("see https://example.org/a_b?c=d.", "see <https://example.org/a_b?c=d>."),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ("https://x.org/>|<b>", "<https://x.org/>&gt;\\|&lt;b&gt;"),
    ],
)
def test_a_text_is_escaped_no_more_than_it_must_be(text: str, shown: str) -> None:
    assert escape(text) == shown


@given(
    st.text(alphabet=st.one_of(st.sampled_from("\\`*_{}[]()#+-.!|<>&~$=1 \n\t"), st.characters()))
)
def test_any_text_is_one_paragraph_of_itself(text: str) -> None:
    tokens = MARKDOWN.parse(escape(text))
    shown = "".join(child.content for token in tokens for child in token.children or [])
    assert shown == plain(text)
    assert [token.type for token in tokens] in (
        [],
        ["paragraph_open", "inline", "paragraph_close"],
    )
    assert all(child.type == "text" for token in tokens for child in token.children or [])


@given(st.text())
def test_any_text_stays_in_its_cell(text: str) -> None:
    tokens = MARKDOWN.parse(f"| a | b |\n|---|---|\n| {escape(text)} | {code(text)} |\n")
    assert sum(token.type == "td_open" for token in tokens) == 2
    assert sum(token.type == "tr_open" for token in tokens) == 2


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("relu", "`relu`"),
        (0.001, "`0.001`"),
        (True, "`true`"),
        ([18, 0.1], "`[18, 0.1]`"),
        ([18, 0.123456, "a"], '`[18, 0.1235, "a"]`'),
        (0.00123456, "`0.001235`"),
        (12345.678, "`12346.0`"),
        (1234567, "`1234567`"),
        ("a|b", "a\\|b"),
        ("a`b", "a\\`b"),
        (None, "—"),
    ],
)
def test_code_shows_values_as_a_spec_writes_them(value: object, shown: str) -> None:
    assert code(value) == shown
