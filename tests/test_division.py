"""Sizes of the parts: defaults, counts, fractions, rounding, and every refusal."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenetml.spec.division import Division, DivisionError, apportion, divide
from lenetml.spec.sections import Split

POOL = st.integers(min_value=1, max_value=100_000)
PERCENT = st.integers(min_value=1, max_value=98)


def test_default_beside_an_own_test_part():
    assert divide(None, 60_000, 10_000, "mnist") == Division(48_000, 12_000, 10_000, 0)


def test_default_of_everything():
    assert divide(None, 1_797, None, "digits") == Division(1_078, 360, 359, 0)


def test_counts_leave_the_rest_unused():
    split = Split(train=45_000, val=10_000, test=9_000)
    assert divide(split, 60_000, 10_000, "mnist") == Division(45_000, 10_000, 9_000, 6_000)


def test_test_may_be_left_out_beside_an_own_test_part():
    split = Split(train=45_000, val=15_000)
    assert divide(split, 60_000, 10_000, "mnist") == Division(45_000, 15_000, 10_000, 0)


def test_fractions_beside_a_count_of_the_own_test_part():
    split = Split(train=0.5, val=0.25, test=100)
    assert divide(split, 60_000, 10_000, "mnist") == Division(30_000, 15_000, 100, 24_900)


def test_fractions_may_leave_a_rest():
    split = Split(train=0.5, val=0.2, test=0.1)
    assert divide(split, 1_797, None, "digits") == Division(899, 359, 180, 359)


@pytest.mark.parametrize(
    ("split", "own_test", "key", "lines"),
    [
        (
            Split(train=50_000, val=15_000),
            10_000,
            "",
            [
                "the parts of the split must not exceed the data",
                "found: train 50000 + val 15000 = 65000",
                "mnist has 60000 images beside its own test part",
            ],
        ),
        (
            Split(train=0.8, val=0.15, test=0.1),
            None,
            "",
            [
                "the parts of the split must not exceed the data",
                "found: train 0.8 + val 0.15 + test 0.1 = 1.05",
                "mnist has 60000 images",
            ],
        ),
        (
            Split(train=0.8, val=15_000),
            10_000,
            "",
            ["train and val must be all counts or all fractions", "found: train 0.8, val 15000"],
        ),
        (
            Split(train=100, val=50, test=0.1),
            None,
            "",
            [
                "train, val and test must be all counts or all fractions",
                "found: train 100, val 50, test 0.1",
            ],
        ),
        (
            Split(train=0.8, val=0.2),
            None,
            "",
            [
                "the split needs a test part",
                "mnist has 60000 images and no test part of its own",
                "allowed: train, val and test, all counts or all fractions",
            ],
        ),
        (
            Split(train=0.8, val=0.2, test=0.5),
            10_000,
            "test",
            [
                "test must be a count, or left out",
                "found: test 0.5",
                "mnist has 10000 images in its own test part; left out, all of them are taken",
            ],
        ),
        (
            Split(train=0.8, val=0.2, test=10_001),
            10_000,
            "test",
            [
                "the test part must not exceed the data",
                "found: test 10001",
                "mnist has 10000 images in its own test part",
            ],
        ),
        (
            Split(train=0.9, val=0.000001),
            10_000,
            "val",
            [
                "val would get no image",
                "found: val 1e-06",
                "mnist has 60000 images beside its own test part",
            ],
        ),
    ],
)
def test_refusals(split, own_test, key, lines):
    with pytest.raises(DivisionError) as caught:
        divide(split, 60_000, own_test, "mnist")
    assert caught.value.key == key
    assert [caught.value.message, *caught.value.notes] == lines
    assert str(caught.value) == lines[0]


@given(pool=POOL, first=PERCENT, data=st.data())
def test_fractions_that_sum_to_one_take_everything(pool, first, data):
    second = data.draw(st.integers(min_value=1, max_value=99 - first))
    percents = (first, second, 100 - first - second)
    split = Split(**dict(zip(("train", "val", "test"), (p / 100 for p in percents), strict=True)))
    try:
        division = divide(split, pool, None, "photos")
    except DivisionError as error:
        assert error.message == f"{error.key} would get no image"
        return
    assert division.unused == 0
    sizes = (division.train, division.val, division.test)
    assert sum(sizes) == pool
    for size, percent in zip(sizes, percents, strict=True):
        assert abs(size - Fraction(percent * pool, 100)) < 1


@given(pool=POOL, train=POOL, val=POOL, test=POOL)
def test_counts_are_taken_as_they_are_or_refused(pool, train, val, test):
    split = Split(train=train, val=val, test=test)
    rest = pool - train - val - test
    if rest < 0:
        with pytest.raises(DivisionError, match="must not exceed the data"):
            divide(split, pool, None, "photos")
    else:
        assert divide(split, pool, None, "photos") == Division(train, val, test, rest)


@given(
    weights=st.lists(st.integers(min_value=0, max_value=1000), min_size=1).filter(any),
    total=st.integers(min_value=0, max_value=5000),
)
def test_apportioned_sizes_sum_up_and_stay_beside_their_quota(weights, total):
    sizes = apportion(weights, total)
    assert sum(sizes) == total
    for size, weight in zip(sizes, weights, strict=True):
        assert abs(size - Fraction(weight * total, sum(weights))) < 1


def test_ties_go_to_the_first():
    assert apportion([1, 1, 1], 4) == [2, 1, 1]
