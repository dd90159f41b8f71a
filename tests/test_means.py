"""Means of two specs over their seeds, against SciPy."""

from __future__ import annotations

import pytest
from scipy.stats import ttest_ind

from lenetml.trial.means import compare_means

THIS = [0.91, 0.93, 0.92, 0.95, 0.90]
OTHER = [0.90, 0.89, 0.91, 0.90, 0.88, 0.90]


def test_welchs_interval_is_that_of_scipy() -> None:
    found = compare_means(THIS, OTHER)
    assert found is not None
    interval = ttest_ind(THIS, OTHER, equal_var=False).confidence_interval(0.95)
    assert found.interval_pp == pytest.approx([100 * interval.low, 100 * interval.high], abs=1e-9)
    assert found.difference_pp == pytest.approx(100 * (0.922 - 5.38 / 6), abs=1e-9)
    assert (found.n_this, found.n_other) == (5, 6)


def test_the_other_way_round_it_is_the_negative() -> None:
    found, turned = compare_means(THIS, OTHER), compare_means(OTHER, THIS)
    assert found is not None and turned is not None
    assert turned.interval_pp == pytest.approx([-x for x in reversed(found.interval_pp)], abs=1e-9)


def test_five_seeds_of_each_are_needed() -> None:
    assert compare_means(THIS[:4], OTHER) is None
    assert compare_means(THIS, []) is None


def test_results_without_spread_have_an_interval_without_width() -> None:
    found = compare_means([0.5] * 5, [0.25] * 5)
    assert found is not None and found.interval_pp == [25.0, 25.0]
