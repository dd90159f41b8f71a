"""Facts of the named data sets, against the spec language and the data themselves."""

from __future__ import annotations

from typing import get_args

import numpy as np
from sklearn.datasets import load_digits

from lenetml.spec.datasets import NAMED
from lenetml.spec.sections import Data


def test_every_name_of_the_spec_language_has_facts():
    literal, _ = get_args(Data.model_fields["dataset"].annotation)
    assert set(get_args(literal)) == set(NAMED)
    assert [facts.name for facts in NAMED.values()] == list(NAMED)


def test_classes_are_ten_different_names():
    for facts in NAMED.values():
        assert len(set(facts.classes)) == 10
    assert NAMED["mnist"].classes == tuple("0123456789")


def test_digits_are_as_scikit_learn_has_them():
    images = load_digits().images
    facts = NAMED["digits"]
    assert (facts.pool, *facts.input_shape) == (*images.shape, 1)
    assert facts.own_test is None


def test_mnist_is_as_the_file_has_it(mnist_folder):
    facts = NAMED["mnist"]
    with np.load(mnist_folder / "mnist.npz") as arrays:
        assert arrays["x_train"].shape == (facts.pool, *facts.input_shape[:2])
        assert arrays["x_test"].shape == (facts.own_test, *facts.input_shape[:2])
