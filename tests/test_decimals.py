"""Decimal commas: numbers that braces part are put together, lists are asked about."""

from __future__ import annotations

import pytest

from lenetml.spec.decimals import decimals_remedy, join_decimals
from lenetml.spec.nodes import Span, find, plain
from lenetml.spec.source import parse


def joined(text):
    """The plain data, and the complaints about them."""
    root, complaints = parse(text)
    assert root is not None and not complaints
    root, complaints = join_decimals(root)
    return plain(root), [(it.message, *it.notes) for it in complaints]


@pytest.mark.parametrize(
    ("text", "number", "written"),
    [
        ("{rate: 0,25}", 0.25, "0.25"),
        ("{rate: 0,025, units: 3}", 0.025, "0.025"),
        ("{rate: 1, 5}", 1.5, "1.5"),
        ("{values: 0,2}", 0.2, "0.2"),
        ("{rate: 1,0e-3}", 0.001, "1.0e-3"),
    ],
)
def test_a_number_that_a_comma_parts_is_put_together(text, number, written):
    data, complaints = joined(text)
    assert next(iter(data.values())) == number
    assert complaints == [
        (
            f"{written.replace('.', ',')} is two values here",
            f"a decimal number has a point: {written}",
        )
    ]


def test_its_place_is_that_of_all_its_characters():
    root, _ = parse("a: {rate: 0,25}")
    root, (complaint,) = join_decimals(root)
    assert complaint.span == Span(1, 11, 4)
    assert find(root, ("a", "rate"))[1].span == complaint.span


def test_the_same_decimals_may_come_again():
    data, complaints = joined("- {train: 0,6, val: 0,2, test: 0,2}")
    assert data == [{"train": 0.6, "val": 0.2, "test": 0.2}]
    assert len(complaints) == 3


@pytest.mark.parametrize(
    "text",
    ["{3: 4}", "{rate: 0.5, 25}", "{rate: '0', 25}", "{25}", "{rate: 0, '25': x}", "[0,25]"]
    + ["{values: 4, 8, 16}", "{values: 1,5}", "{values: 0, 1}"],
)
def test_other_keys_of_digits_stay(text):
    root, _ = parse(text)
    assert joined(text) == (plain(root), [])


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("[0,2, 0,3]", "0.2, 0.3"),
        ("[0,01, 0,001]", "0.01, 0.001"),
        ("[0,2,0,3]", "0.2, 0.3"),
        ("[1,5, 2,5]", "1.5, 2.5"),
        ("[0,1, 0.2, 0]", "0.1, 0.2, 0"),
        ("[8,16,32,64]", None),
        ("[8, 16, 32]", None),
        ("[0, 1]", None),
        ("[0,\n1]", None),
        ("[relu,tanh]", None),
        ("[]", None),
    ],
)
def test_a_list_is_asked_about_where_commas_seem_to_part_numbers(text, numbers):
    root, _ = parse(text)
    expected = (f"a decimal number has a point: {numbers}",) if numbers else ()
    assert decimals_remedy(root) == expected
