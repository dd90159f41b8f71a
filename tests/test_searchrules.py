"""Rules of the section `search`, where the cases in `cases/` do not show them."""

from __future__ import annotations

import pytest
from spec_texts import messages


@pytest.mark.parametrize(
    ("epochs", "is_right"), [(1, False), (2, False), (3, True), ("$e.1", True)]
)
def test_screening_is_shorter_than_the_longest_training(tmp_path, epochs, is_right):
    space = {"e": {"values": [[9, 2], [8, 3]]}} if epochs == "$e.1" else None
    found = messages(
        tmp_path,
        search_space=space,
        training={"epochs": epochs},
        augmentation={"rotation_range": "$e.0"} if space else None,
        search={"strategy": "grid", "screening": {"epochs": 2}},
    )
    message = "epochs of screening must be fewer than those of training"
    assert found == ([] if is_right else [message])
