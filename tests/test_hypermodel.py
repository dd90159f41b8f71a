"""The public hypermodel: alone, and in Keras Tuner's stock tuners as they come."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits

from lenetml.trial.threads import use_one_thread

use_one_thread()

import keras  # noqa: E402
import keras_tuner  # noqa: E402
from keras_tuner.errors import FailedTrialError  # noqa: E402

import lenetml  # noqa: E402
from lenetml.errors import UsageError  # noqa: E402

pytestmark = pytest.mark.slow

# The first point, valid and 3, cannot be built: 8 x 8, 4 x 4, and no room for a kernel of 5.
SPEC = """\
name: tuned
data: {dataset: digits}
search_space:
  padding: {values: [valid, same]}
  times: {values: [3, 1]}
  batch_norm: {values: [true, false]}
  pool: {values: [[average, 2], [max, 4]]}
  rate: {min: 0.001, max: 0.01}
architecture:
  - repeat: {times: $times, layers: [conv2d: {filters: 4, kernel_size: 5, padding: $padding}]}
  - batch_normalization: {when: $batch_norm}
  - pooling2d: {kind: $pool.0, pool_size: $pool.1}
  - flatten
augmentation: {rotation_range: 10}
training: {epochs: 2, batch_size: 64, learning_rate: $rate, learning_rate_schedule: cosine}
search: {strategy: random, trials: 3}
"""
FIRST_POSSIBLE = {"padding": "valid", "times": 1, "batch_norm": True, "pool": '["average", 2]'}
N_TRAIN, N_VAL, N_STEPS = 200, 100, 4

train_starts = []


class Watch(keras.callbacks.Callback):
    """Keeps how far the optimizer was when a training began; Keras Tuner copies callbacks."""

    def on_train_begin(self, logs=None):
        optimizer = self.model.optimizer
        rate = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
        train_starts.append((int(optimizer.iterations), rate))


@pytest.fixture(scope="module")
def digits():
    """Images uint8 and labels: 200 to train, 100 to validate."""
    bunch = load_digits()
    images = np.rint(bunch.images * (255 / 16)).astype(np.uint8)[..., None]
    end = N_TRAIN + N_VAL
    train = images[:N_TRAIN], bunch.target[:N_TRAIN]
    return train, (images[N_TRAIN:end], bunch.target[N_TRAIN:end])


@pytest.fixture
def hypermodel_of(tmp_path):
    def load(text=SPEC):
        (tmp_path / "tuned.yaml").write_text(text)
        return lenetml.HyperModel(lenetml.load_spec(tmp_path / "tuned.yaml"))

    return load


@pytest.fixture
def hypermodel(hypermodel_of):
    return hypermodel_of()


def hyperparameters(hypermodel, **values):
    hp = keras_tuner.HyperParameters()
    hypermodel.declare_hyperparameters(hp)
    hp.values.update(values)
    return hp


def fit(hypermodel, hp, digits, **arguments):
    (x, y), validation = digits
    model = hypermodel.build(hp)
    history = hypermodel.fit(hp, model, x, y, validation_data=validation, verbose=0, **arguments)
    return model, history


def test_it_begins_with_a_point_that_can_be_built(hypermodel):
    hp = hyperparameters(hypermodel)
    assert hp.values == {**FIRST_POSSIBLE, "rate": 0.001}
    assert hypermodel.build(hp).input_shape == (None, 8, 8, 1)


def test_building_adds_nothing_to_the_space(hypermodel):
    hp = hyperparameters(hypermodel)
    space = [str(parameter) for parameter in hp.space]
    hypermodel.build(hp)
    assert [str(parameter) for parameter in hp.space] == space
    assert len(space) == 5


def test_an_impossible_point_is_a_failed_trial(hypermodel):
    hp = hyperparameters(hypermodel, padding="valid", times=3)
    with pytest.raises(FailedTrialError) as caught:
        hypermodel.build(hp)
    assert str(caught.value) == "layer 2: its input is 4 x 4 x 4, smaller than its 5 x 5 kernel"


def test_images_of_unknown_shape_are_refused(hypermodel_of, tmp_path):
    # The shapes are not known until the data are there, so `validate` says nothing.
    text = SPEC.replace("{dataset: digits}", "{path: mine.npz}")
    with pytest.raises(UsageError) as caught:
        hypermodel_of(text)
    message = f"{tmp_path / 'tuned.yaml'}: the shape of the images is not known"
    assert str(caught.value) == message


@pytest.fixture(scope="module")
def trained(digits, tmp_path_factory):
    """A network trained as the spec says, its history, and how its training began."""
    path = tmp_path_factory.mktemp("spec") / "tuned.yaml"
    path.write_text(SPEC)
    hypermodel = lenetml.HyperModel(lenetml.load_spec(path))
    train_starts.clear()
    model, history = fit(hypermodel, hyperparameters(hypermodel), digits, callbacks=[Watch()])
    return model, history, [*train_starts]


def test_it_trains_as_the_spec_says(trained):
    model, history, starts = trained
    assert history.epoch == [0, 1]
    assert sorted(history.history) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert int(model.optimizer.iterations) == 2 * N_STEPS
    # The cosine ends where the epochs of the spec end, however long an epoch is.
    assert starts == [(0, pytest.approx(0.001))]
    assert float(model.optimizer.learning_rate) == pytest.approx(0, abs=1e-9)


def test_validation_is_that_of_the_given_images(trained, digits):
    model, history, _ = trained
    images, labels = digits[1]
    probabilities = model.predict(images.astype("float32") / 255, verbose=0)
    accuracy = (probabilities.argmax(axis=1) == labels).mean()
    loss = -np.log(probabilities[np.arange(N_VAL), labels]).mean()
    assert history.history["val_accuracy"][-1] == pytest.approx(accuracy, abs=1e-6)
    assert history.history["val_loss"][-1] == pytest.approx(loss, abs=1e-4)


def test_the_same_point_gives_the_same_network(trained, hypermodel, digits):
    _, history, _ = trained
    assert fit(hypermodel, hyperparameters(hypermodel), digits)[1].history == history.history


def test_what_the_tuner_gives_goes_before(hypermodel, digits):
    train_starts.clear()
    model, history = fit(
        hypermodel, hyperparameters(hypermodel), digits,
        epochs=5, initial_epoch=2, batch_size=100, callbacks=[Watch()],
    )  # fmt: skip
    assert history.epoch == [2, 3, 4]
    assert int(model.optimizer.iterations) == 3 * 2
    assert len(train_starts) == 1


def test_a_training_that_goes_on_sees_the_epochs_that_are_left(hypermodel, digits):
    """Two epochs in one go, and one after the other, are the same training."""
    hp = hyperparameters(hypermodel, batch_norm=False)
    _, whole = fit(hypermodel, hp, digits, epochs=2)
    model, first = fit(hypermodel, hp, digits, epochs=1)
    (x, y), validation = digits
    second = hypermodel.fit(
        hp, model, x, y, validation_data=validation, verbose=0, epochs=2, initial_epoch=1
    )
    for name, values in whole.history.items():
        assert values == pytest.approx(first.history[name] + second.history[name], abs=1e-5)


def test_images_can_be_given_by_name_and_without_validation(hypermodel, digits):
    (x, y), _ = digits
    hp = hyperparameters(hypermodel)
    history = hypermodel.fit(hp, hypermodel.build(hp), x=x, y=y, epochs=1, verbose=0)
    assert sorted(history.history) == ["accuracy", "loss"]


def test_images_without_channels_and_labels_in_a_column_are_the_same(hypermodel, digits):
    (x, y), (x_val, y_val) = digits
    hp = hyperparameters(hypermodel)
    expected = fit(hypermodel, hp, digits, epochs=1)[1].history
    flat = (x[..., 0], y[:, None].astype("uint8")), (x_val[..., 0], y_val[:, None])
    assert fit(hypermodel, hp, flat, epochs=1)[1].history == expected


@pytest.mark.parametrize(
    ("change", "what", "found"),
    [
        (lambda x, y: (x / 255, y), "images", "float64 (200, 8, 8, 1) with labels (200,)"),
        (lambda x, y: (x[:, :7], y), "images", "uint8 (200, 7, 8, 1) with labels (200,)"),
        (lambda x, y: (x.reshape(200, 64), y), "images", "uint8 (200, 64) with labels (200,)"),
        (lambda x, y: (x[:9], y), "images", "uint8 (9, 8, 8, 1) with labels (200,)"),
        (lambda x, y: (x[:0], y[:0]), "images", "uint8 (0, 8, 8, 1) with labels (0,)"),
        (lambda x, y: (x, y.astype(float)), "labels", "float64 (200,)"),
        (lambda x, y: (x, np.eye(10, dtype=int)[y]), "labels", "int64 (200, 10)"),
        (lambda x, y: (x, y + 1), "labels", "int64 (200,), from 1 to 10"),
        (lambda x, y: (x, y - 1), "labels", "int64 (200,), from -1 to 8"),
    ],
)
@pytest.mark.parametrize("name", ["x and y", "validation_data"])
def test_other_images_and_labels_are_refused(hypermodel, digits, change, what, found, name):
    train, _ = digits
    wrong = change(*train)
    (x, y), val = (wrong, train) if name == "x and y" else (train, wrong)
    hp = hyperparameters(hypermodel)
    with pytest.raises(UsageError) as caught:
        hypermodel.fit(hp, hypermodel.build(hp), x, y, validation_data=val, verbose=0)
    allowed = {
        "images": "uint8 (n, 8, 8, 1) or (n, 8, 8)",
        "labels": "whole numbers (n,) or (n, 1), from 0 to 9",
    }
    assert str(caught.value) == (
        f"{name}: the {what} do not suit the spec\n    found: {found}\n    allowed: {allowed[what]}"
    )


def test_images_without_labels_are_refused(hypermodel, digits):
    (x, y), _ = digits
    hp = hyperparameters(hypermodel)
    model = hypermodel.build(hp)
    with pytest.raises(UsageError, match="^x and y: images and labels are needed"):
        hypermodel.fit(hp, model, x)
    with pytest.raises(UsageError, match="^validation_data: images and labels are needed"):
        hypermodel.fit(hp, model, x, y, validation_data=(x, y, np.ones(200)))


def test_wrong_images_end_a_search_at_once(hypermodel, digits, tmp_path):
    (x, y), _ = digits
    tuner = keras_tuner.RandomSearch(hypermodel, "val_accuracy", 3, seed=1, directory=tmp_path)
    with pytest.raises(UsageError, match="found: float64"):
        tuner.search(x / 255, y, verbose=0)
    assert len(tuner.oracle.trials) == 1


SHARED = {"objective": "val_accuracy", "seed": 1}
TUNERS = {
    "RandomSearch": {"max_trials": 2},
    "BayesianOptimization": {"max_trials": 3, "num_initial_points": 2},
    "GridSearch": {"max_trials": 2},
    "Hyperband": {"max_epochs": 2, "factor": 2},
}


@pytest.mark.parametrize("name", TUNERS)
def test_stock_tuners(name, hypermodel, digits, tmp_path):
    train_starts.clear()
    (x, y), validation = digits
    tuner = getattr(keras_tuner, name)(
        hypermodel, directory=tmp_path, project_name="t", max_consecutive_failed_trials=9,
        **SHARED, **TUNERS[name],
    )  # fmt: skip
    tuner.search(x, y, validation_data=validation, verbose=0, callbacks=[Watch()])

    trials = tuner.oracle.trials.values()
    is_impossible = [
        trial.hyperparameters.values["padding"] == "valid"
        and trial.hyperparameters.values["times"] == 3
        for trial in trials
    ]
    statuses = [trial.status for trial in trials]
    assert statuses == ["FAILED" if impossible else "COMPLETED" for impossible in is_impossible]
    assert statuses.count("COMPLETED") >= 1
    best = tuner.oracle.get_best_trials(1)[0]
    assert 0 < best.score <= 1
    # The space is what was declared, and each tuner's own.
    own = {key for key in best.hyperparameters.values if not key.startswith("tuner/")}
    assert own == {"padding", "times", "batch_norm", "pool", "rate"}
    model = tuner.get_best_models(1)[0]
    images, labels = validation
    predicted = model.predict(images.astype("float32") / 255, verbose=0).argmax(axis=1)
    assert (predicted == labels).mean() == pytest.approx(best.score, abs=1e-6)
    if name == "Hyperband":
        # A promoted trial goes on: with the steps behind it, and with half of the cosine.
        promoted = [trial.hyperparameters.values for trial in trials]
        rates = [values["rate"] for values in promoted if "tuner/trial_id" in values]
        assert len(rates) >= 1
        for rate in rates:
            assert (N_STEPS, pytest.approx(rate / 2, rel=1e-4)) in train_starts
