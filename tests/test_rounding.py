"""Parts that are printed sum to the total that is printed."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenetml.report.rounding import round_parts


def rounded(value: float, digits: int) -> float:
    return float(f"{value:.{digits - 1}e}")


@pytest.mark.parametrize(
    ("parts", "digits", "shown"),
    [
        ([0.94, 0.0, 0.12], 2, [0.94, 0.0, 0.12]),
        ([0.445, 0.0, 0.445], 2, [0.44, 0.0, 0.45]),
        ([11.2, 1.9, 0.5], 3, [11.2, 1.9, 0.5]),
        ([0.0, 0.0, 0.0], 2, [0.0, 0.0, 0.0]),
    ],
)
def test_parts_by_hand(parts: list[float], digits: int, shown: list[float]) -> None:
    found = round_parts(parts, [digits] * 3, digits)
    assert sorted(found) == pytest.approx(sorted(shown), abs=1e-12)


@given(parts=st.lists(st.floats(1e-9, 1e3), min_size=3, max_size=3), digits=st.sampled_from([2, 3]))
def test_their_sum_is_the_total_and_each_stays_near(parts: list[float], digits: int) -> None:
    found = round_parts(parts, [digits] * 3, digits)
    total = math.fsum(parts)
    step = 10.0 ** (math.floor(math.log10(total)) - digits + 1)
    # Half a step of the total, and what floating point adds.
    assert abs(math.fsum(found) - rounded(total, digits)) <= 0.502 * step
    for shown, part in zip(found, parts, strict=True):
        assert shown == rounded(shown, digits)
        assert abs(shown - part) <= 10.0 ** (1 - digits) * part * 1.000001


def test_where_no_way_holds_each_part_is_rounded_by_itself() -> None:
    # 12 Wh in two digits cannot make a total of 47.8 in three.
    assert round_parts([34.94, 12.2, 0.61], [3, 2, 2], 3) == [34.9, 12.0, 0.61]
