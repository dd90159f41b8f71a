"""The largest bracket of Hyperband, against Keras Tuner's own oracle."""

from __future__ import annotations

import keras_tuner
import pytest

from lenetml.spec.brackets import largest_bracket


@pytest.mark.parametrize("factor", [2, 3, 4, 10])
@pytest.mark.parametrize("epochs", [1, 2, 3, 9, 10, 20, 27, 30, 81, 100, 243])
def test_it_is_the_size_that_keras_tuner_draws(epochs, factor):
    oracle = keras_tuner.oracles.HyperbandOracle(
        objective=keras_tuner.Objective("val_accuracy", "max"), max_epochs=epochs, factor=factor
    )
    brackets = oracle._get_num_brackets()
    sizes = [oracle._get_size(number, round_num=0) for number in range(brackets)]
    assert largest_bracket(epochs, factor) == max(sizes)
