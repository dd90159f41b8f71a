"""The public door to Keras Tuner: a spec as a `HyperModel` for any of its stock tuners."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import keras
import keras_tuner
import numpy as np
from keras_tuner.errors import FailedTrialError

from lenetml.errors import UsageError
from lenetml.search.hyperparameters import declare, to_point
from lenetml.spec import Spec
from lenetml.spec.domains import Point, corners
from lenetml.spec.shapes import Impossible, trace
from lenetml.trial.model import LearningRate, build_model, compile_model
from lenetml.trial.pipeline import training_batches
from lenetml.trial.sources import Part

MAX_LOOKED_AT = 100_000


class HyperModel(keras_tuner.HyperModel):  # type: ignore[misc]
    """A spec's networks and how they are trained, for `keras_tuner.RandomSearch` and its like.

        tuner = keras_tuner.RandomSearch(HyperModel(load_spec(path)), "val_accuracy")
        tuner.search(x_train, y_train, validation_data=(x_val, y_val))

    The whole space is declared up front, beginning with a point whose network can be built;
    at an impossible point `build` raises Keras Tuner's `FailedTrialError`.

    Args:
        spec: A checked spec of a named data set.

    Raises:
        UsageError: The shape of the spec's images is not known.
    """

    def __init__(self, spec: Spec) -> None:
        super().__init__(name=spec.document.name)
        if spec.facts is None:
            raise UsageError(f"{spec.path}: the shape of the images is not known")
        self._spec = spec
        self._facts = spec.facts
        self._start = _feasible_start(spec)

    def declare_hyperparameters(self, hp: keras_tuner.HyperParameters) -> None:
        """Register the whole search space; Keras Tuner calls it before anything is built."""
        declare(hp, self._spec.space, self._start)

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Build and compile the network of a point.

        It takes float32 images `(n, h, w, c)` in `[0, 1]`; `fit` scales uint8 images to that.

        Raises:
            FailedTrialError: The network cannot be built.
        """
        self.declare_hyperparameters(hp)
        concrete = self._spec.concrete(to_point(hp.values, self._spec.space))
        shape, n_classes = self._facts.input_shape, len(self._facts.classes)
        try:
            trace(concrete.architecture, shape, n_classes)
        except Impossible as error:
            raise FailedTrialError(f"layer {error.index + 1}: its input {error.reason}") from None
        model = build_model(concrete.architecture, shape, n_classes, concrete.seed)
        compile_model(model, concrete.training, steps_per_epoch=1)
        # Hyperband loads the optimizer's state with the weights, for which it must be there.
        model.optimizer.build(model.trainable_variables)
        return model

    def fit(
        self, hp: keras_tuner.HyperParameters, model: keras.Model, *args: Any, **kwargs: Any
    ) -> Any:
        """Train as the spec says; what the tuner gives (`epochs`, ...) goes before.

        Args:
            hp: The point.
            model: From `build`.
            *args: `x` and `y`: uint8 images `(n, h, w, c)` and labels `(n,)`.
            **kwargs: As for `keras.Model.fit`; `validation_data` is `(x, y)` like the training
                data, or left out.

        Returns:
            Keras's `History`.
        """
        concrete = self._spec.concrete(to_point(hp.values, self._spec.space))
        x, y = args if args else (kwargs.pop("x"), kwargs.pop("y"))
        part, n_classes = Part(np.asarray(x), np.asarray(y)), len(self._facts.classes)
        batch_size = kwargs.pop("batch_size", concrete.training.batch_size)
        epochs = kwargs.pop("epochs", concrete.training.epochs)
        first = kwargs.get("initial_epoch", 0)
        steps = math.ceil(len(part.labels) / batch_size)
        # Only now is the length of an epoch known, which a schedule counts in; Keras 3.15 has no
        # public way to it, and compiling anew would lose the state of a training that goes on.
        rate = model.optimizer._learning_rate
        if isinstance(rate, LearningRate):
            rate.steps_per_epoch = steps
        batches = training_batches(
            part, n_classes, batch_size, concrete.augmentation, concrete.seed,
            epochs=epochs - first, first_epoch=first,
        )  # fmt: skip
        if kwargs.get("validation_data") is not None:
            images, labels = kwargs["validation_data"]
            targets = np.eye(n_classes, dtype="float32")[np.asarray(labels)]
            kwargs["validation_data"] = (np.asarray(images, "float32") / 255, targets)
            kwargs.setdefault("validation_batch_size", 1000)
        # The batches are shuffled already: Keras 3.15 warns that it would not.
        kwargs["shuffle"] = False
        return model.fit(batches, epochs=epochs, steps_per_epoch=steps, **kwargs)


def _feasible_start(spec: Spec) -> Point:
    """The first point, in order of the spec, whose network can be built."""
    assert spec.facts is not None
    for point in itertools.islice(_points(spec), MAX_LOOKED_AT):
        try:
            layers = spec.concrete(point).architecture
            trace(layers, spec.facts.input_shape, len(spec.facts.classes))
        except Impossible:
            continue
        return point
    raise UsageError(f"{spec.path}: found no point whose network can be built")


def _points(spec: Spec) -> Iterator[dict[str, Any]]:
    for values in itertools.product(*map(corners, spec.space.values())):
        yield dict(zip(spec.space, values, strict=True))
