"""Words of other tools, and what stands for them in a spec."""

from __future__ import annotations

import pytest

from lenetml.spec.declared import DISTRIBUTIONS, DOMAIN_KEYS
from lenetml.spec.elsewhere import keras_remedy, sweep_remedy
from lenetml.spec.layers import LAYERS


@pytest.mark.parametrize(
    ("word", "remedy"),
    [
        ("MaxPooling2D", "write pooling2d: {kind: max}"),
        ("global_average_pooling2d", "write global_pooling2d: {kind: average}"),
        ("LeakyReLU", "write activation: {function: leaky_relu}"),
        ("relu6", "write activation: {function: relu6}"),
        ("InputLayer", "the shape of the images is that of the data: take it away"),
        ("lstm", None),
    ],
)
def test_words_of_keras(word, remedy):
    assert keras_remedy(word) == ((remedy,) if remedy else ())


@pytest.mark.parametrize("word", ["loguniform", "log-uniform", "LogUniform", "LOG"])
def test_a_logarithmic_scale_has_one_name(word):
    assert sweep_remedy(word) == ("write distribution: log_uniform_values",)


def test_no_word_of_a_spec_is_sent_elsewhere():
    layers = set(LAYERS) - {"activation"}
    assert [name for name in layers if keras_remedy(name)] == []
    assert [word for word in (*DOMAIN_KEYS, *DISTRIBUTIONS) if sweep_remedy(word)] == []
