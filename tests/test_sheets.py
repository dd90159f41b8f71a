"""Tables in a terminal and as Markdown."""

from __future__ import annotations

from lenetml.report.sheets import (
    Sheet,
    as_markdown,
    as_text,
    fill,
    foreign,
    joined,
    linked,
    own,
    quoted,
)

SHEET = Sheet(
    "Cost",
    [own("Model"), own("Trials")],
    [[foreign("a | b"), own("1,000")], [foreign("*c*"), own("9")]],
    [fill("%(model)s is 5 %% off.", {"model": foreign("a | b")}), own("Done.")],
)


def test_in_a_terminal_columns_are_aligned():
    assert as_text(SHEET) == (
        "COST\nModel  Trials\na | b   1,000\n*c*         9\na | b is 5 % off.\nDone.\n"
    )


def test_as_markdown_foreign_texts_are_escaped():
    assert as_markdown(SHEET) == (
        "## Cost\n\n| Model | Trials |\n|---|---:|\n| a \\| b | 1,000 |\n| \\*c\\* | 9 |\n\n"
        "a \\| b is 5 % off.\n\nDone.\n"
    )


def test_without_rows_there_is_no_table():
    sheet = Sheet("Cost", SHEET.head, [], [own("Nothing.")])
    assert as_text(sheet) == "COST\nNothing.\n"
    assert as_markdown(sheet) == "## Cost\n\nNothing.\n"


def test_texts_move_no_terminal_about():
    assert foreign("a\x1b[31m\r\nb\u202e").plain == "a[31m b"
    assert quoted("a\x1b[31m\nb").plain == "a[31m b"


def test_values_are_written_as_in_a_spec():
    values = [True, 0.1, [3, 3], "tanh", None]
    assert [quoted(value).plain for value in values] == ["true", "0.1", "[3, 3]", "tanh", "—"]
    assert [quoted(value).markdown for value in values] == [
        "`true`", "`0.1`", "`[3, 3]`", "`tanh`", "—",
    ]  # fmt: skip


def test_links_are_for_pages_alone():
    link = linked(foreign("a*"), "b/card.en.md")
    assert (link.plain, link.markdown) == ("a*", "[a\\*](b/card.en.md)")
    assert linked(own("a"), None) == own("a")


def test_several_texts_are_joined():
    assert joined([foreign("a"), foreign("*")]).markdown == "a; \\*"
