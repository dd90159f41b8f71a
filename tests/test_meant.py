"""What was meant by texts that cannot stand: numbers, booleans, pairs, conditions, lost colons."""

from __future__ import annotations

import pytest

from lenetml.spec.meant import (
    boolean_meant,
    colon_remedy,
    condition_remedy,
    number_remedy,
    pair_remedy,
    percent_remedy,
)

POINT = "a decimal number has a point: "
FRACTION = "percentages are written as fractions: "
QUOTES = "a number has no quotes: "
DIGITS = "a whole number is written in digits alone"


@pytest.mark.parametrize(
    ("value", "remedy"),
    [
        ("0,001", POINT + "0.001"),
        (",5", POINT + ".5"),
        ("-1,5", POINT + "-1.5"),
        ("1,5e-3", POINT + "1.5e-3"),
        ("60%", FRACTION + "0.6"),
        ("7 %", FRACTION + "0.07"),
        ("12,5%", FRACTION + "0.125"),
        ("100%", FRACTION + "1"),
        ("0.5", QUOTES + "0.5"),
        ("1e-3", QUOTES + "1e-3"),
        ("45_000", DIGITS + ": 45000"),
        ("low", None),
        ("1,2,3", None),
        ("", None),
        (None, None),
        (True, None),
        ([0.5], None),
    ],
)
def test_a_number(value, remedy):
    assert number_remedy(value, whole=False) == ((remedy,) if remedy else ())


@pytest.mark.parametrize(
    ("value", "remedy"),
    [
        ("8", QUOTES + "8"),
        ("45.000", DIGITS + ": 45000"),
        ("1,000,000", DIGITS + ": 1000000"),
        ("45 000", DIGITS + ": 45000"),
        (45.0, DIGITS),
        (45.5, None),
        ("45,5", None),
        ("60%", None),
        (True, None),
    ],
)
def test_a_whole_number(value, remedy):
    assert number_remedy(value, whole=True) == ((remedy,) if remedy else ())


@pytest.mark.parametrize(
    ("value", "remedy"),
    [(5, "0.05"), (60, "0.6"), (12.5, "0.125"), (100, "1"), (1.5, None), (101, None), (True, None)],
)
def test_a_percentage(value, remedy):
    assert percent_remedy(value) == ((FRACTION + remedy,) if remedy else ())


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        *((value, "true") for value in ("yes", "Y", "ON", "true", "True", "1", 1)),
        *((value, "false") for value in ("no", "n", "Off", "false", "0", 0)),
        *((value, None) for value in ("maybe", "", 2, 1.0, True, False, None, [1])),
    ],
)
def test_a_boolean(value, meant):
    assert boolean_meant(value) == meant


@pytest.mark.parametrize(
    ("value", "remedy"),
    [
        ("3x3", "write [3, 3]"),
        ("3 x 5", "write [3, 5]"),
        ("(3, 5)", "write [3, 5]"),
        ("(3", "write a pair in square brackets"),
        ("(3, 5, 7)", None),
        ("three", None),
        (3, None),
    ],
)
def test_a_pair(value, remedy):
    assert pair_remedy(value) == ((remedy,) if remedy else ())


@pytest.mark.parametrize(
    ("value", "remedy"),
    [
        ("filters == 8", "write when: {filters: 8}"),
        ("$kind.0=max", "write when: {kind.0: max}"),
        ("filters > 8", None),
        (8, None),
    ],
)
def test_a_condition(value, remedy):
    assert condition_remedy(value) == ((remedy,) if remedy else ())


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("units:10", "a colon needs a space after it: units: 10"),
        ("dense:{units", "a colon needs a space after it: dense: {...}"),
        ("dense {units", "a colon is missing behind dense: write dense: {...}"),
        ("dense{units", "a colon is missing behind dense: write dense: {...}"),
        ("units=10", "a key ends with a colon: units: 10"),
        ("units = 10", "a key ends with a colon: units: 10"),
        ("units", None),
        ("$u:1", None),
    ],
)
def test_a_colon(text, remedy):
    assert colon_remedy(text) == ((remedy,) if remedy else ())
