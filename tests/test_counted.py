"""How many points a search space has: all of a small one are looked at, of a larger one none."""

from __future__ import annotations

import pytest
from spec_texts import messages


@pytest.mark.parametrize(
    ("n_points", "said"),
    [
        (5, ["the search space has 5 points; the search ends there"]),
        (6, ["the search space has 6 points; the search ends there"]),
        (7, []),
    ],
)
def test_the_largest_space_that_is_looked_at_counts(tmp_path, monkeypatch, n_points, said):
    monkeypatch.setattr("lenetml.spec.counted.MAX_TRIED", 6)
    found = messages(
        tmp_path,
        search_space={"u": {"min": 1, "max": n_points}},
        architecture=["flatten", {"dense": {"units": "$u"}}],
        search={"strategy": "random", "trials": 9},
    )
    assert found == said
