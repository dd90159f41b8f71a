from __future__ import annotations

import gc
import math
import resource
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.datasets import load_digits

from lenetml.errors import TrialError
from lenetml.spec.sections import ConcreteSpec
from lenetml.trial.evaluate import metrics
from lenetml.trial.model import build_model, compile_model, predict
from lenetml.trial.pipeline import training_batches
from lenetml.trial.sources import Part
from lenetml.trial.threads import use_one_thread
from lenetml.trial.train import Carried, train_trial

use_one_thread()

SMALL = [{"conv2d": {"filters": 4, "kernel_size": 3, "activation": "relu"}}, "flatten"]
ALL_KINDS = [
    *SMALL[:1],
    "batch_normalization",
    {"pooling2d": {"kind": "max"}},
    {"activation": {"function": "tanh"}},
    {"dropout": {"rate": 0.2}},
    "flatten",
    {"dense": {"units": 16, "activation": "relu"}},
]
VARIED = {"rotation_range": 10.0, "width_shift_range": 0.1}


@pytest.fixture(scope="module")
def digits():
    """Real digits of 8 x 8: 1,000 to train, 300 to validate."""
    images, labels = load_digits(return_X_y=True)
    images = np.rint(images * 255 / 16).astype(np.uint8).reshape(-1, 8, 8, 1)
    labels = labels.astype(np.int64)
    return SimpleNamespace(
        train=Part(images[:1000], labels[:1000]),
        val=Part(images[1000:1300], labels[1000:1300]),
        classes=tuple("0123456789"),
        input_shape=(8, 8, 1),
    )


def read_spec(architecture=SMALL, augmentation=None, **training):
    return ConcreteSpec.model_validate(
        {
            "name": "digits",
            "data": {"dataset": "digits"},
            "architecture": architecture,
            "augmentation": augmentation or {},
            "training": {"epochs": 3, **training},
        }
    )


def same_weights(one, other):
    pairs = zip(one.weights, other.weights, strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def rebuild(spec, data, result, seed=1):
    model = build_model(spec.architecture, data.input_shape, len(data.classes), seed)
    model.set_weights(result.weights)
    return model


def test_a_trial_learns_and_reports(digits):
    told = []
    result = train_trial(
        read_spec(learning_rate=0.01), digits, 1, on_epoch=lambda *row: told.append(row)
    )
    assert list(result.history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert all(len(values) == 3 for values in result.history.values())
    assert result.history["loss"][2] < result.history["loss"][0] / 3
    assert result.objective == max(result.history["val_accuracy"]) > 0.9
    assert (result.epochs, result.images_trained, result.interrupted) == (3, 3000, False)
    assert sum(weight.size for weight in result.weights) == 4 * 10 + 144 * 10 + 10
    assert told == [
        (epoch + 1, {name: values[epoch] for name, values in result.history.items()})
        for epoch in range(3)
    ]


def test_same_seed_same_bits(digits):
    spec = read_spec(ALL_KINDS, VARIED, epochs=2)
    first = train_trial(spec, digits, 5)
    train_trial(read_spec(epochs=1), digits, 6)
    again = train_trial(spec, digits, 5)
    assert same_weights(first, again)
    assert first.history == again.history
    assert np.array_equal(first.val_probabilities, again.val_probabilities)
    assert not same_weights(first, train_trial(spec, digits, 7))


@pytest.mark.parametrize(
    "training",
    [
        {},
        {
            "optimizer": "sgd",
            "learning_rate": 0.05,
            "momentum": 0.9,
            "learning_rate_schedule": "cosine",
            "warmup_epochs": 0.5,
            "label_smoothing": 0.1,
        },
        {"optimizer": "adamw", "weight_decay": 0.1},
        {"optimizer": "rmsprop", "learning_rate_schedule": "exponential", "momentum": 0.3},
    ],
)
def test_the_compiled_loop_trains_as_keras_fit_does(digits, training):
    spec = read_spec(ALL_KINDS, VARIED, epochs=2, batch_size=48, restore="last", **training)
    result = train_trial(spec, digits, 3)
    model = build_model(spec.architecture, digits.input_shape, 10, 3)
    n_batches = math.ceil(1000 / 48)
    compile_model(model, spec.training, n_batches)
    batches = training_batches(digits.train, 10, 48, spec.augmentation, 3, epochs=2)
    history = model.fit(
        batches, epochs=2, steps_per_epoch=n_batches, shuffle=False, verbose=0
    ).history
    for ours, keras in zip(result.weights, model.get_weights(), strict=True):
        assert ours == pytest.approx(keras, abs=1e-4)
    assert result.history["loss"] == pytest.approx(history["loss"], rel=1e-4)
    assert result.history["accuracy"] == pytest.approx(history["accuracy"], abs=2e-3)


def test_scores_are_those_of_the_kept_predictions(digits):
    spec = read_spec(ALL_KINDS, label_smoothing=0.2)
    result = train_trial(spec, digits, 2, objective="val_f1")
    kept = result.best_epoch - 1
    scores = metrics(digits.val.labels, result.val_probabilities)
    assert result.history["val_loss"][kept] == scores.loss
    assert result.history["val_accuracy"][kept] == scores.accuracy
    assert result.history["val_f1"][kept] == scores.f1 == result.objective
    again = predict(rebuild(spec, digits, result), digits.val.images)
    assert np.array_equal(again, result.val_probabilities)


@pytest.mark.parametrize(("objective", "best"), [("val_accuracy", max), ("val_loss", min)])
def test_the_earliest_best_epoch_is_kept(digits, objective, best):
    # A rate this large makes the scores jump up and down.
    result = train_trial(read_spec(epochs=8, learning_rate=0.1), digits, 4, objective)
    values = result.history[objective]
    assert result.objective == best(values)
    assert result.best_epoch == values.index(best(values)) + 1 < 8


def test_restore_last_keeps_the_last_epoch(digits):
    settings = {"epochs": 8, "learning_rate": 0.1}
    best = train_trial(read_spec(**settings), digits, 4)
    last = train_trial(read_spec(restore="last", **settings), digits, 4)
    assert last.history == best.history
    assert last.best_epoch == 8 > best.best_epoch
    assert last.objective == last.history["val_accuracy"][-1]
    assert not same_weights(best, last)


def test_early_stopping(digits):
    # No accuracy can rise by 2, so the first epoch stays the reference.
    spec = read_spec(epochs=9, early_stopping={"patience": 2, "min_delta": 2.0})
    result = train_trial(spec, digits, 1)
    assert (result.epochs, result.interrupted) == (3, False)
    assert result.best_epoch == int(np.argmax(result.history["val_accuracy"])) + 1


def test_early_stopping_watches_the_objective(digits):
    spec = read_spec(epochs=4, early_stopping={"patience": 1})
    result = train_trial(spec, digits, 1, objective="val_loss")
    assert result.history["val_loss"] == sorted(result.history["val_loss"], reverse=True)
    assert result.epochs == 4


def test_should_stop_ends_the_trial_after_its_epoch(digits):
    result = train_trial(read_spec(), digits, 1, should_stop=lambda: True)
    assert (result.epochs, result.images_trained, result.interrupted) == (1, 1000, True)
    whole = train_trial(read_spec(), digits, 1)
    assert result.history["loss"] == whole.history["loss"][:1]


def test_a_trial_that_is_done_is_not_interrupted(digits):
    assert not train_trial(read_spec(epochs=1), digits, 1, should_stop=lambda: True).interrupted


IN_PARTS = {
    "adam": {"architecture": ALL_KINDS, "augmentation": VARIED},
    "schedule": {"learning_rate_schedule": "cosine", "warmup_epochs": 0.5, "optimizer": "sgd"},
    "patience": {"early_stopping": {"patience": 2, "min_delta": 0.5}, "epochs": 8},
    "last": {"restore": "last", "optimizer": "rmsprop", "momentum": 0.5},
    "worse": {"learning_rate": 0.3},
}


@pytest.mark.parametrize("settings", IN_PARTS.values(), ids=IN_PARTS.keys())
def test_a_trial_in_parts_gives_the_bits_of_one_in_one_go(digits, settings):
    spec = read_spec(**{"epochs": 4, **settings})
    whole = train_trial(spec, digits, 5)
    kept = part = train_trial(spec, digits, 5, until=1)
    for until in (2, None):
        carried = Carried(part.history, part.objective, part.best_epoch, part.variables)
        part = train_trial(spec, digits, 5, carried=carried, until=until)
        kept = part if part.weights is not None else kept
    assert part.history == whole.history
    assert (part.objective, part.best_epoch) == (whole.objective, whole.best_epoch)
    assert same_weights(kept, whole)
    assert np.array_equal(kept.val_probabilities, whole.val_probabilities)
    assert part.images_trained == 1000 * (whole.epochs - 2)
    assert (part.variables, part.interrupted) == (None, False)


def test_weights_of_an_earlier_part_stay_where_they_are_still_the_best(digits):
    spec = read_spec(epochs=2, learning_rate=0.01)
    part = train_trial(spec, digits, 5, until=1)
    carried = Carried(part.history, 1.0, 1, part.variables)
    rest = train_trial(spec, digits, 5, carried=carried)
    assert (rest.objective, rest.best_epoch, rest.epochs) == (1.0, 1, 2)
    assert rest.weights is rest.val_probabilities is None


def test_a_loss_that_is_not_finite_ends_the_trial(digits):
    told = []
    with pytest.raises(TrialError) as caught:
        train_trial(
            read_spec([*SMALL, {"dense": {"units": 8}}], learning_rate=1e30, optimizer="sgd"),
            digits,
            1,
            on_epoch=lambda *row: told.append(row),
        )
    assert caught.value.reason == "non_finite"
    assert str(caught.value) == "the loss is no longer finite in epoch 1"
    assert told == []


def test_predictions_that_are_not_finite_end_the_trial(digits):
    # One batch: its loss is finite, the weights after it are not.
    with pytest.raises(TrialError) as caught:
        train_trial(
            read_spec(
                ["flatten", {"dense": {"units": 8}}],
                learning_rate=1e38,
                optimizer="sgd",
                batch_size=1000,
            ),
            digits,
            1,
        )
    assert caught.value.reason == "non_finite"
    assert str(caught.value) == "the predictions are no longer finite after epoch 1"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds RLIMIT_AS")
def test_exhausted_memory_ends_the_trial(digits):
    wide = {"dense": {"units": 1_000_000}}
    spec = read_spec([{"pooling2d": {"kind": "max", "pool_size": 8}}, "flatten", wide, wide])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    # The second layer wants 4 TB; with the limit no machine tries to hand that out.
    resource.setrlimit(resource.RLIMIT_AS, (2**40, hard))
    try:
        with pytest.raises(TrialError) as caught:
            train_trial(spec, digits, 1)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    assert caught.value.reason == "out_of_memory"
    assert str(caught.value) == "the network does not fit into memory"


def test_other_exceptions_pass(digits):
    def fail(epoch, row):
        raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError, match="a bug"):
        train_trial(read_spec(), digits, 1, on_epoch=fail)


def test_trials_leave_nothing_behind(digits):
    # One graph left behind, as Keras 3.15's own `fit` does, is several thousand objects.
    spec = read_spec(epochs=1)
    for _ in range(2):
        train_trial(spec, digits, 1)
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(2):
        train_trial(spec, digits, 1)
    gc.collect()
    assert len(gc.get_objects()) - before < 500


def run_python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


@pytest.mark.slow
def test_one_thread_is_set_and_tensorflow_is_quiet():
    done = run_python(
        "from lenetml.trial.threads import use_one_thread\n"
        "use_one_thread(); use_one_thread()\n"
        "import tensorflow as tf\n"
        "tf.constant(1) + 1\n"
        "use_one_thread()\n"
        "threading = tf.config.threading\n"
        "print(threading.get_intra_op_parallelism_threads(),"
        " threading.get_inter_op_parallelism_threads())"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "1 1\n", "")


@pytest.mark.slow
def test_tensorflow_that_already_runs_is_an_error():
    done = run_python(
        "import tensorflow as tf\n"
        "tf.constant(1) + 1\n"
        "from lenetml.errors import UsageError\n"
        "from lenetml.trial.threads import use_one_thread\n"
        "try:\n"
        "    use_one_thread()\n"
        "except UsageError as error:\n"
        "    print(error)\n"
    )
    assert done.stdout.splitlines() == [
        "TensorFlow already runs with more than one thread",
        "    found: intra-op 0, inter-op 0 (0: as many as the machine has)",
        "    call lenetml.trial.threads.use_one_thread() before TensorFlow computes anything",
    ]
