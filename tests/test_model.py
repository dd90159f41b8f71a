from __future__ import annotations

import math
import typing
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits

from lenetml.spec.layers import LAYERS, Repeat
from lenetml.spec.sections import ConcreteSpec, Training
from lenetml.spec.types import Activation
from lenetml.trial.keras_layers import KERAS_LAYERS
from lenetml.trial.model import (
    LearningRate,
    build_model,
    compile_model,
    make_loss,
    make_optimizer,
    predict,
)
from lenetml.trial.sources import Part
from lenetml.trial.threads import use_one_thread
from lenetml.trial.train import train_trial

use_one_thread()

LENET = [
    {"conv2d": {"filters": 6, "kernel_size": 5, "padding": "same", "activation": "tanh"}},
    {"pooling2d": {"kind": "average"}},
    {"conv2d": {"filters": 16, "kernel_size": 5, "activation": "tanh"}},
    {"pooling2d": {"kind": "average"}},
    "flatten",
    {"dense": {"units": 120, "activation": "tanh"}},
    {"dense": {"units": 84, "activation": "tanh"}},
]


RESIDUAL = {
    "residual": {
        "layers": [
            {"conv2d": {"filters": 4, "kernel_size": 3, "strides": 2, "padding": "same"}},
            {"activation": {"function": "relu"}},
            {"residual": {"layers": [{"depthwise_conv2d": {"kernel_size": 3, "padding": "same"}}]}},
            {"separable_conv2d": {"filters": 6, "kernel_size": 3, "padding": "same"}},
        ]
    }
}


def read_spec(architecture):
    spec = {
        "name": "a",
        "data": {"dataset": "digits"},
        "architecture": architecture,
        "training": {"epochs": 1, "learning_rate": 0.01},
    }
    return ConcreteSpec.model_validate(spec)


def build(architecture, input_shape=(8, 8, 1), n_classes=10, seed=1):
    return build_model(read_spec(architecture).architecture, input_shape, n_classes, seed)


def read_training(**settings):
    return Training.model_validate({"epochs": 10, **settings})


def same_weights(one, other):
    pairs = zip(one.get_weights(), other.get_weights(), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def test_lenet5():
    model = build(LENET, (28, 28, 1))
    assert model.count_params() == 61_706
    assert [tuple(layer.output.shape[1:]) for layer in model.layers] == [
        (28, 28, 1),
        (28, 28, 6),
        (14, 14, 6),
        (10, 10, 16),
        (5, 5, 16),
        (400,),
        (120,),
        (84,),
        (10,),
    ]


def test_output_is_softmax_in_float32():
    model = build(["flatten"])
    images = np.random.default_rng(1).integers(256, size=(7, 8, 8, 1), dtype=np.uint8)
    probabilities = predict(model, images)
    assert probabilities.dtype == np.float32
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(7), abs=1e-6)


def test_every_layer_kind_can_be_built():
    assert set(KERAS_LAYERS) == set(LAYERS.values()) - {Repeat}


def test_arguments_reach_keras():
    model = build(
        [
            {"conv2d": {"filters": 3, "kernel_size": [3, 2], "strides": [2, 1], "use_bias": False}},
            {"batch_normalization": {"momentum": 0.9, "epsilon": 0.01}},
            {"activation": {"function": "leaky_relu"}},
            {"pooling2d": {"kind": "max", "pool_size": 3, "strides": 1, "padding": "same"}},
            {"dropout": {"rate": 0.25}},
            "flatten",
            {"dense": {"units": 5, "activation": "selu", "use_bias": False}},
        ]
    )
    conv, norm, activation, pooling, dropout, _, dense, output = model.layers[1:]
    assert (conv.filters, conv.kernel_size, conv.strides) == (3, (3, 2), (2, 1))
    assert (conv.padding, conv.use_bias) == ("valid", False)
    assert (norm.momentum, norm.epsilon) == (0.9, 0.01)
    assert activation.activation is keras.activations.leaky_relu
    assert isinstance(pooling, keras.layers.MaxPooling2D)
    assert (pooling.pool_size, pooling.strides, pooling.padding) == ((3, 3), (1, 1), "same")
    assert dropout.rate == 0.25
    assert (dense.units, dense.activation, dense.use_bias) == (5, keras.activations.selu, False)
    assert (output.units, output.activation) == (10, keras.activations.softmax)
    assert [layer.name for layer in model.layers[1:]] == [
        "conv2d_1",
        "batch_normalization_2",
        "activation_3",
        "pooling2d_4",
        "dropout_5",
        "flatten_6",
        "dense_7",
        "output",
    ]


def test_arguments_of_convolutions_of_single_channels_reach_keras():
    common = {"kernel_size": [3, 2], "strides": 2, "padding": "same", "depth_multiplier": 3}
    common |= {"activation": "relu6", "use_bias": False}
    model = build(
        [
            {"depthwise_conv2d": common},
            {"separable_conv2d": common | {"filters": 5}},
            {"global_pooling2d": {"kind": "average"}},
        ]
    )
    depthwise, separable, pooling = model.layers[1:-1]
    assert isinstance(depthwise, keras.layers.DepthwiseConv2D)
    assert isinstance(separable, keras.layers.SeparableConv2D)
    for layer in (depthwise, separable):
        assert (layer.kernel_size, layer.strides, layer.padding) == ((3, 2), (2, 2), "same")
        assert (layer.depth_multiplier, layer.use_bias) == (3, False)
        assert layer.activation is keras.activations.relu6
    assert separable.filters == 5
    assert isinstance(pooling, keras.layers.GlobalAveragePooling2D)
    pooling = build([{"global_pooling2d": {"kind": "max"}}]).layers[1]
    assert isinstance(pooling, keras.layers.GlobalMaxPooling2D)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("strides", [(1, 2), (3, 1), (2, 5)])
@pytest.mark.parametrize("window", [(3, 2), (1, 4)])
def test_strides_that_differ_are_those_of_a_convolution_of_each_channel(padding, strides, window):
    arguments = {"kernel_size": list(window), "strides": list(strides), "padding": padding}
    items = [{"depthwise_conv2d": {**arguments, "depth_multiplier": 2}}, "flatten"]
    model = build(items, (8, 11, 3))
    images = np.random.default_rng(1).random((2, 8, 11, 3), np.float32)
    kernel, bias = model.get_layer("depthwise_conv2d_1").weights
    bias.assign(np.arange(6))
    each = [
        keras.ops.conv(images[..., [c]], kernel[:, :, c : c + 1], strides=strides, padding=padding)
        for c in range(3)
    ]
    expected = np.concatenate(each, axis=-1) + np.arange(6)
    found = keras.Model(model.input, model.get_layer("flatten_2").input)(images)
    assert found.numpy() == pytest.approx(expected, abs=1e-5)


def test_strides_that_differ_mix_the_channels_afterwards():
    arguments = {"filters": 4, "kernel_size": 3, "strides": [1, 2], "padding": "same"}
    model = build([{"separable_conv2d": arguments}, "flatten"], (8, 11, 3))
    layer = model.get_layer("separable_conv2d_1")
    images = np.random.default_rng(1).random((2, 8, 11, 3), np.float32)
    kernel, mixing, _ = layer.weights
    each = [
        keras.ops.conv(images[..., [c]], kernel[:, :, c : c + 1], strides=(1, 2), padding="same")
        for c in range(3)
    ]
    expected = np.einsum("nhwc,cf->nhwf", np.concatenate(each, axis=-1), mixing[0, 0])
    found = keras.Model(model.input, model.get_layer("flatten_2").input)(images)
    assert found.numpy() == pytest.approx(expected, abs=1e-5)


def test_a_residual_adds_its_input_to_the_output_of_its_layers():
    model = build([RESIDUAL, "flatten"], (8, 8, 2))
    assert {layer.name for layer in model.layers[1:]} == {
        "residual_1_conv2d_1",
        "residual_1_activation_2",
        "residual_1_residual_3_depthwise_conv2d_1",
        "residual_1_residual_3",
        "residual_1_separable_conv2d_4",
        "residual_1_shortcut",
        "residual_1",
        "flatten_2",
        "output",
    }
    images = np.random.default_rng(1).random((3, 8, 8, 2), np.float32)
    halved = model.get_layer("residual_1_conv2d_1")(images)
    rectified = keras.ops.relu(halved)
    inner = rectified + model.get_layer("residual_1_residual_3_depthwise_conv2d_1")(rectified)
    outer = model.get_layer("residual_1_separable_conv2d_4")(inner)
    # 8 x 8 x 2 becomes 4 x 4 x 6: every second place, mixed by a kernel of 1 x 1, with bias.
    shortcut = model.get_layer("residual_1_shortcut")
    kernel, bias = shortcut.weights
    bias.assign(np.arange(6))
    straight = np.einsum("nhwc,cf->nhwf", images[:, ::2, ::2], kernel[0, 0]) + np.arange(6)
    found = keras.Model(model.input, model.get_layer("residual_1").output)(images)
    assert found.numpy() == pytest.approx(straight + outer.numpy(), abs=1e-5)
    assert (found.numpy() < 0).any()


def test_a_residual_without_layers_doubles_its_input():
    model = build([{"residual": {"layers": []}}, "flatten"])
    images = np.random.default_rng(1).random((2, 8, 8, 1), np.float32)
    doubled = keras.Model(model.input, model.get_layer("residual_1").output)(images)
    assert np.array_equal(doubled.numpy(), 2 * images)


def seeds_in(config):
    """All seeds in the configuration of a model."""
    if isinstance(config, dict):
        yield from ([config["seed"]] if isinstance(config.get("seed"), int) else [])
        config = list(config.values())
    for inner in config if isinstance(config, list | tuple) else []:
        yield from seeds_in(inner)


def test_every_random_number_has_a_seed_of_its_own():
    twice = {"residual": {"layers": [RESIDUAL, {"dropout": {"rate": 0.5}}]}}
    seeds = list(seeds_in(build([RESIDUAL, RESIDUAL, twice, "flatten"]).get_config()))
    # A residual draws a convolution, a depthwise and a separable one (two kernels), a shortcut;
    # the third one draws another shortcut and a dropout, and there is the output.
    assert len(seeds) == 5 + 5 + (5 + 2) + 1
    assert len(set(seeds)) == len(seeds)


def test_a_residual_network_learns_alike_under_the_same_seed():
    images, labels = load_digits(return_X_y=True)
    images = np.rint(images * 255 / 16).astype(np.uint8).reshape(-1, 8, 8, 1)
    data = SimpleNamespace(
        train=Part(images[:1000], labels[:1000]),
        val=Part(images[1000:1300], labels[1000:1300]),
        classes=tuple("0123456789"),
        input_shape=(8, 8, 1),
    )
    spec = read_spec([RESIDUAL, {"activation": {"function": "relu"}}, "flatten"])
    first, again = train_trial(spec, data, 1), train_trial(spec, data, 1)
    # Guessing is right for one of ten.
    assert first.objective > 0.5
    assert all(np.array_equal(a, b) for a, b in zip(first.weights, again.weights, strict=True))


@pytest.mark.parametrize("name", typing.get_args(Activation))
def test_keras_knows_every_activation(name):
    assert callable(keras.activations.get(name))


def test_same_seed_same_weights_whatever_ran_before():
    first = build(LENET, (28, 28, 1), seed=5)
    keras.utils.set_random_seed(99)
    np.random.default_rng(3)
    build(LENET, (28, 28, 1), seed=6)
    assert same_weights(first, build(LENET, (28, 28, 1), seed=5))


def test_other_seed_other_weights():
    assert not same_weights(build(["flatten"], seed=5), build(["flatten"], seed=6))


def test_equal_layers_start_from_different_weights():
    dense = {"dense": {"units": 64}}
    model = build(["flatten", dense, dense])
    assert not np.array_equal(model.layers[2].get_weights()[0], model.layers[3].get_weights()[0])


def test_dropout_follows_from_the_seed():
    def drop(seed):
        model = build(["flatten", {"dropout": {"rate": 0.5}}], seed=seed)
        return model.get_layer("dropout_2")(np.ones((1, 64), np.float32), training=True).numpy()

    assert np.array_equal(drop(3), drop(3))
    assert not np.array_equal(drop(3), drop(4))


def test_predictions_do_not_depend_on_the_size_of_the_batch(monkeypatch):
    model = build(LENET[:2] + ["flatten"])
    images = np.random.default_rng(1).integers(256, size=(50, 8, 8, 1), dtype=np.uint8)
    whole = predict(model, images)
    monkeypatch.setattr("lenetml.trial.model.MAX_VALUES_AT_ONCE", 7 * 8 * 8 * 6)
    assert predict(model, images) == pytest.approx(whole, abs=1e-6)
    expected = model(images.astype(np.float32) / 255, training=False).numpy()
    assert whole == pytest.approx(expected, abs=1e-6)


def rates(steps, steps_per_epoch=4, **settings):
    """The learning rate at each of these steps."""
    rate = make_optimizer(read_training(**settings), steps_per_epoch)._learning_rate
    return [float(rate(step)) for step in steps]


def test_constant_rate_is_a_number():
    optimizer = make_optimizer(read_training(learning_rate=0.02), 4)
    assert float(optimizer.learning_rate) == pytest.approx(0.02)


def test_cosine_falls_to_zero_over_all_epochs():
    settings = {"learning_rate": 0.1, "learning_rate_schedule": "cosine"}
    assert rates([0, 10, 20, 40], **settings) == pytest.approx(
        [0.1, 0.05 * (1 + math.cos(math.pi / 4)), 0.05, 0.0], abs=1e-8
    )


def test_exponential_is_a_factor_per_epoch():
    settings = {"learning_rate": 0.1, "learning_rate_schedule": "exponential"}
    assert rates([0, 4, 6], learning_rate_decay=0.5, **settings) == pytest.approx(
        [0.1, 0.05, 0.1 * 0.5**1.5]
    )
    assert rates([4], **settings) == pytest.approx([0.095])


def test_warmup_is_linear_and_the_schedule_begins_after_it():
    settings = {"learning_rate": 0.1, "warmup_epochs": 2}
    assert rates([0, 3, 7, 8, 30], **settings) == pytest.approx([0.0125, 0.05, 0.1, 0.1, 0.1])
    cosine = rates([3, 8, 24, 40], learning_rate_schedule="cosine", **settings)
    assert cosine == pytest.approx([0.05, 0.1, 0.05, 0.0], abs=1e-8)
    exponential = rates(
        [3, 8, 12], learning_rate_schedule="exponential", learning_rate_decay=0.5, **settings
    )
    assert exponential == pytest.approx([0.05, 0.1, 0.05])


def test_warmup_longer_than_the_training():
    settings = {"learning_rate": 0.1, "learning_rate_schedule": "cosine", "warmup_epochs": 20}
    assert rates([39], **settings) == pytest.approx([0.05])


def test_warmup_of_half_an_epoch():
    assert rates([0, 1, 2], learning_rate=0.1, warmup_epochs=0.5) == pytest.approx([0.05, 0.1, 0.1])


def test_schedule_can_be_saved():
    rate = LearningRate("cosine", 0.1, 0.95, 10, 1.0, 4)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(rate))
    assert float(again(17)) == float(rate(17))


@pytest.mark.parametrize(
    ("settings", "kind", "expected"),
    [
        ({"optimizer": "adam"}, keras.optimizers.Adam, {"weight_decay": None}),
        (
            {"optimizer": "adam", "weight_decay": 0.1, "momentum": 0.9},
            keras.optimizers.Adam,
            {"weight_decay": 0.1},
        ),
        ({"optimizer": "adamw"}, keras.optimizers.AdamW, {"weight_decay": 0.004}),
        (
            {"optimizer": "adamw", "weight_decay": 0.0},
            keras.optimizers.AdamW,
            {"weight_decay": 0.0},
        ),
        ({"optimizer": "sgd"}, keras.optimizers.SGD, {"momentum": 0.0, "weight_decay": None}),
        (
            {"optimizer": "sgd", "momentum": 0.9, "weight_decay": 0.0},
            keras.optimizers.SGD,
            {"momentum": 0.9, "weight_decay": None},
        ),
        ({"optimizer": "rmsprop", "momentum": 0.5}, keras.optimizers.RMSprop, {"momentum": 0.5}),
    ],
)
def test_optimizers(settings, kind, expected):
    optimizer = make_optimizer(read_training(**settings), 4)
    assert type(optimizer) is kind
    assert {name: getattr(optimizer, name) for name in expected} == expected


def test_label_smoothing_reaches_the_loss():
    true, predicted = np.array([[0.0, 1.0]]), np.array([[0.25, 0.75]])
    plain, smooth = -math.log(0.75), -0.9 * math.log(0.75) - 0.1 * math.log(0.25)
    assert float(make_loss(read_training())(true, predicted)) == pytest.approx(plain)
    loss = make_loss(read_training(label_smoothing=0.2))
    assert float(loss(true, predicted)) == pytest.approx(smooth)


def test_compiled_model_can_be_fitted():
    model = build(["flatten"])
    compile_model(model, read_training(optimizer="sgd", learning_rate=1.0), steps_per_epoch=1)
    data = SimpleNamespace(
        x=np.eye(64, dtype=np.float32)[:10].reshape(10, 8, 8, 1), y=np.eye(10, dtype=np.float32)
    )
    history = model.fit(data.x, data.y, epochs=30, verbose=0).history
    assert set(history) == {"loss", "accuracy"}
    assert history["loss"][-1] < history["loss"][0] / 2
