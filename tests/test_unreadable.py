"""Texts that are no YAML: what is said of a line, beyond what the parser says."""

from __future__ import annotations

import pytest

from lenetml.spec.nodes import Span
from lenetml.spec.source import parse


@pytest.mark.parametrize(
    ("text", "span", "message", "note"),
    [
        (
            "a:\n  - dense {b: 1, c: 2}", Span(2, 5, 5),
            "a key without its colon", "a colon is missing behind dense: write dense: {...}",
        ),
        (
            "a:\n  dense  {b: [1]}", Span(2, 3, 5),
            "a key without its colon", "a colon is missing behind dense: write dense: {...}",
        ),
        (
            "a:\n  - dense:{b: 1, c: 2}", Span(2, 5, 5),
            "a colon without a space", "a colon needs a space after it: dense: {...}",
        ),
        (
            "a:\n  - flatten\n  -dense", Span(3, 3, 6),
            "a dash without a space", "a dash needs a space after it: - dense",
        ),
        (
            "a: {b: $c[0]}", Span(1, 10),
            "brackets cannot follow a reference",
            "write $c, or $c.0 for one position of tied values, or $c.each in a repeat",
        ),
    ],
)  # fmt: skip
def test_the_line_itself_shows_what_is_wrong(text, span, message, note):
    root, (complaint,) = parse(text)
    assert root is None
    assert (complaint.span, complaint.message, complaint.notes) == (span, message, (note,))


@pytest.mark.parametrize("line", ["- dense: {b: 1}}", "- dense: {b: [1}"])
def test_a_colon_that_is_there_is_not_missed(line):
    _, (complaint,) = parse(line)
    assert "colon" not in complaint.message
