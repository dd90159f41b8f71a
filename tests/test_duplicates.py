"""Images that stand in the data more than once: counted, and in a user's own data refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lenetml.errors import DataError
from lenetml.trial.duplicates import count_duplicates, refuse_duplicates
from lenetml.trial.parts import Part, Source

PLACE = Path("photos")


def part(values, labels=None):
    """Images of one pixel."""
    images = np.array(values, dtype=np.uint8).reshape(-1, 1, 1, 1)
    return Part(images, np.array(labels or [0] * len(values), dtype=np.int64))


def refuse(pool, own_test=None, **chosen):
    source = Source("photos", pool, own_test, ("cat", "dog"), name_of="img{}.png".format)
    refuse_duplicates(PLACE, source, {name: np.array(at) for name, at in chosen.items()})


def refusal(*args, **chosen):
    with pytest.raises(DataError) as caught:
        refuse(*args, **chosen)
    return str(caught.value)


def test_duplicates_are_counted_within_and_across():
    counts = count_duplicates([part([1, 1, 2]), part([2, 3]), part([3, 3, 1, 4])])
    # Within: one in train, one in test. Across: image 2 in val; images 3, 3 and 1 in test.
    assert counts == {"duplicates_within": 2, "duplicates_across": 4}


def test_repeats_of_one_part_and_label_are_let_pass():
    refuse(part([1, 1, 2, 3]), train=[0, 1], val=[2], test=[3])


def test_an_image_in_two_parts():
    assert refusal(part([1, 2, 1, 2]), train=[0], val=[1, 2], test=[3]) == (
        "photos: the same image stands in two parts\n"
        "    found: img0.png (train) and img2.png (val)\n"
        "    found: img1.png (val) and img3.png (test)\n"
        "    keep one of each, or write duplicates: keep"
    )


def test_an_image_in_the_own_test_part():
    assert refusal(part([1, 2]), part([3, 2]), train=[0], val=[1], test=[2, 3]) == (
        "photos: the same image stands in two parts\n"
        "    found: img1.png (val) and img3.png (test)\n"
        "    keep one of each, or write duplicates: keep"
    )


def test_an_image_with_two_labels_even_where_no_part_takes_it():
    assert refusal(part([1, 2, 1], [0, 0, 1]), train=[0], val=[1]) == (
        "photos: the same image has two labels\n"
        "    found: img0.png (cat) and img2.png (dog)\n"
        "    keep one of each, or write duplicates: keep"
    )


def test_a_repeat_that_no_part_takes_hides_nothing():
    refuse(part([1, 1, 2]), train=[1], val=[2])
    assert "img1.png (train) and img2.png (val)" in refusal(part([1, 1, 1]), train=[1], val=[2])


def test_many_are_cut_short():
    lines = refusal(part([7] * 9), train=[0], val=range(1, 9)).splitlines()
    assert len(lines) == 8
    assert lines[-2:] == ["    and 3 more", "    keep one of each, or write duplicates: keep"]
