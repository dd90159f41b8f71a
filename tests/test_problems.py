"""The three forms of a problem: text, JSON, workflow annotation with its summary."""

from __future__ import annotations

import json

import pytest

from lenetml.spec.nodes import Span
from lenetml.spec.problems import (
    Problem,
    as_annotation,
    as_json,
    as_summary,
    did_you_mean,
    in_order,
    shortened,
)

PROBLEM = Problem(
    "specs/gmnet.yaml",
    Span(14, 14, 7),
    'unknown key "filtres" in conv2d',
    ("allowed: filters, kernel_size", 'did you mean "filters"?'),
    "  - conv2d: {filtres: 6, kernel_size: 5}",
)
OPTION = Problem(
    "a.yaml", Span(origin="--set training.epochs"), "epochs must be at least 1", ("found: 0",), "x"
)
HOSTILE = Problem(
    "a,b:c%.yaml",
    Span(1, 2, 3),
    "100 % | <img src=x onerror=alert(1)> [a](b) `c` **d** _e_ ~~f~~ &lt;\n::error::g",
    ("found: a, b: c\r\n", "|---|"),
)


def test_text_shows_the_place_with_a_caret_and_the_notes():
    assert str(PROBLEM) == (
        'specs/gmnet.yaml:14:14: unknown key "filtres" in conv2d\n'
        "    14 |   - conv2d: {filtres: 6, kernel_size: 5}\n"
        "       |              ^^^^^^^\n"
        "    allowed: filters, kernel_size\n"
        '    did you mean "filters"?'
    )


def test_text_of_a_warning_says_so():
    warning = Problem("a.yaml", Span(2, 1), "look", (), "b: 1", "warning")
    assert str(warning) == "a.yaml:2:1: warning: look\n    2 | b: 1\n      | ^"
    assert not warning.is_error


def test_text_of_an_option_has_no_place():
    assert str(OPTION) == "--set training.epochs: epochs must be at least 1\n    found: 0"


def test_a_blank_line_is_not_shown():
    assert str(Problem("a.yaml", Span(1, 1), "empty", (), "  ")) == "a.yaml:1:1: empty"


@pytest.mark.parametrize("column", [1, 50, 51, 52, 200, 399, 400])
def test_a_long_line_is_cut_around_the_place(column):
    line = "".join(chr(ord("a") + i % 26) for i in range(400))
    shown, caret = str(Problem("f", Span(1, column, 5), "m", (), line)).splitlines()[1:]
    assert len(shown) <= len("    1 | ") + 106
    start = caret.index("^")
    marked = line[column - 1 : column + 4]
    assert shown[start : start + len(marked)] == marked
    assert caret.count("^") == len(marked)


def test_what_cannot_be_seen_is_made_visible():
    text = str(Problem("f", Span(1, 4, 1), "m", (), "a:\t\x1b[31m\u202e"))
    assert text.splitlines()[1] == "    1 | a: \ufffd[31m\ufffd"


def test_json_has_the_same_facts():
    assert as_json(PROBLEM) == {
        "path": "specs/gmnet.yaml",
        "line": 14,
        "column": 14,
        "width": 7,
        "option": None,
        "severity": "error",
        "message": 'unknown key "filtres" in conv2d',
        "notes": ["allowed: filters, kernel_size", 'did you mean "filters"?'],
    }
    assert as_json(OPTION)["option"] == "--set training.epochs"
    assert as_json(OPTION)["line"] is None
    assert json.loads(json.dumps(as_json(HOSTILE)))["message"] == HOSTILE.message


def test_annotation():
    assert as_annotation(PROBLEM) == (
        "::error file=specs/gmnet.yaml,line=14,col=14,endColumn=21::"
        'unknown key "filtres" in conv2d%0Aallowed: filters, kernel_size%0Adid you mean "filters"?'
    )


def test_annotation_of_an_option_names_it():
    assert as_annotation(OPTION) == (
        "::error file=a.yaml::--set training.epochs: epochs must be at least 1%0Afound: 0"
    )


def test_annotation_escapes_what_would_end_it():
    command = as_annotation(HOSTILE)
    assert "\n" not in command and "\r" not in command
    assert command.startswith("::error file=a%2Cb%3Ac%25.yaml,line=1,col=2,endColumn=5::100 %25 |")
    # Commas and colons end a property alone; in the message they stay.
    assert command.endswith("%0A::error::g%0Afound: a, b: c%0D%0A%0A|---|")


def test_summary_is_a_table_in_which_nothing_is_markup():
    head, rule, *rows = as_summary([PROBLEM, HOSTILE, OPTION]).splitlines()
    assert head == "| place | severity | problem |"
    assert rule == "|---|---|---|"
    assert len(rows) == 3
    assert rows[0] == (
        "| specs/gmnet.yaml:14:14 | error | unknown key &#34;filtres&#34; in conv2d<br>"
        "allowed: filters, kernel&#95;size<br>did you mean &#34;filters&#34;? |"
    )
    assert rows[2].startswith("| --set training.epochs | error |")
    for row in rows:
        assert row.count("|") == 4
        assert set("`*_[]~\\<>&#;") & set(row.replace("<br>", "")) <= set("&#;")


def test_order_is_that_of_lines_with_options_first_and_repeats_dropped():
    first, second = Problem("f", Span(2, 9), "b"), Problem("f", Span(10, 1), "a")
    assert in_order([second, first, OPTION, first]) == [OPTION, first, second]


def test_shortened_keeps_one_line():
    assert shortened("a\nb\tc") == "a\\nb\\tc"
    assert shortened("x" * 61) == "x" * 57 + "..."
    assert shortened("x" * 60) == "x" * 60


def test_did_you_mean_names_the_nearest_or_nothing():
    assert did_you_mean("filtres", ["filters", "units"]) == ('did you mean "filters"?',)
    assert did_you_mean("zzz", ["filters", "units"]) == ()


def test_what_cannot_be_seen_is_written_as_an_escape():
    assert shortened("a\x00b\nc\u202ed\u2028e\x7f") == "a\\x00b\\nc\\u202ed\\u2028e\\x7f"
    assert shortened("caf\u00e9 \U0001f468\u200d\U0001f4bb") == "café \U0001f468\u200d\U0001f4bb"
