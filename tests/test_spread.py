"""Mean, standard deviation and Student's t, against SciPy and by hand."""

from __future__ import annotations

import pytest
from scipy.stats import t

from lenetml.report.spread import Spread, spread_of, t_quantile


@pytest.mark.parametrize("degrees", [*range(1, 40), 99, 100, 998, 999])
def test_t_is_that_of_scipy(degrees: int) -> None:
    assert t_quantile(degrees) == pytest.approx(t.ppf(0.975, degrees), rel=1e-12)


def test_three_results_by_hand() -> None:
    spread = spread_of([0.1, 0.2, None, 0.3])
    assert (spread.n, spread.mean) == (3, pytest.approx(0.2, abs=1e-15))
    assert spread.deviation == pytest.approx(0.1, abs=1e-15)
    assert spread.half_width == pytest.approx(4.302652729749464 * 0.1 / 3**0.5, abs=1e-12)


def test_too_few_results_have_no_spread() -> None:
    assert spread_of([]) == spread_of([None]) == Spread(0)
    assert spread_of([0.5]) == Spread(1, 0.5)


def test_equal_results_have_none_either() -> None:
    assert spread_of([0.5, 0.5]) == Spread(2, 0.5, 0.0, 0.0)
