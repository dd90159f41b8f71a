"""The public door to Keras Tuner: a spec as a `HyperModel` for any of its stock tuners."""

from __future__ import annotations

import itertools
import math
from typing import Any

import keras
import keras_tuner
import numpy as np
from keras_tuner.errors import FailedTrialError, FatalError
from numpy.typing import ArrayLike

from lenetml.errors import UsageError
from lenetml.search.hyperparameters import declare, to_point
from lenetml.spec import Spec
from lenetml.spec.datasets import DatasetFacts
from lenetml.spec.domains import Choice, Point, all_points, corners
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
        self,
        hp: keras_tuner.HyperParameters,
        model: keras.Model,
        x: ArrayLike | None = None,
        y: ArrayLike | None = None,
        **kwargs: Any,
    ) -> Any:
        """Train as the spec says; what the tuner gives (`epochs`, ...) goes before.

        Args:
            hp: The point.
            model: From `build`.
            x: uint8 images, `(n, h, w, c)` or, where c is 1, `(n, h, w)`.
            y: Labels, whole numbers from 0, `(n,)` or `(n, 1)`.
            **kwargs: As for `keras.Model.fit`; `validation_data` is `(x, y)` like the training
                data, or left out.

        Returns:
            Keras's `History`.

        Raises:
            UsageError: The images or labels are others.
        """
        concrete = self._spec.concrete(to_point(hp.values, self._spec.space))
        part, n_classes = _check_part("x and y", (x, y), self._facts), len(self._facts.classes)
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
            val = _check_part("validation_data", kwargs["validation_data"], self._facts)
            targets = np.eye(n_classes, dtype="float32")[val.labels]
            kwargs["validation_data"] = (val.images.astype("float32") / 255, targets)
            kwargs.setdefault("validation_batch_size", 1000)
        # The batches are shuffled already: Keras 3.15 warns that it would not.
        kwargs["shuffle"] = False
        return model.fit(batches, epochs=epochs, steps_per_epoch=steps, **kwargs)


class _DataUsageError(UsageError, FatalError):  # type: ignore[misc]
    """Wrong data; of Keras Tuner's kind too, so that it ends a search instead of one trial."""


def _check_part(name: str, given: Any, facts: DatasetFacts) -> Part:
    """Check images and labels that somebody gives."""
    if not isinstance(given, tuple | list) or len(given) != 2 or any(it is None for it in given):
        raise _DataUsageError(f"{name}: images and labels are needed, as two arrays")
    images, labels = map(np.asarray, given)
    *sides, channels = facts.input_shape
    n, n_classes = len(labels) if labels.ndim else 0, len(facts.classes)
    allowed = [(*sides, channels), tuple(sides)][: 2 if channels == 1 else 1]
    fits = images.shape[:1] == (n,) and images.shape[1:] in allowed
    if images.dtype != np.uint8 or not fits or n == 0:
        raise _DataUsageError(
            f"{name}: the images do not suit the spec",
            f"found: {images.dtype} {images.shape} with labels {labels.shape}",
            f"allowed: uint8 {' or '.join(f'(n, {str(shape)[1:]}' for shape in allowed)}",
        )
    is_whole = np.issubdtype(labels.dtype, np.integer) and labels.shape in [(n,), (n, 1)]
    if not is_whole or labels.min() < 0 or labels.max() >= n_classes:
        extremes = f", from {labels.min()} to {labels.max()}" if is_whole else ""
        raise _DataUsageError(
            f"{name}: the labels do not suit the spec",
            f"found: {labels.dtype} {labels.shape}{extremes}",
            f"allowed: whole numbers (n,) or (n, 1), from 0 to {n_classes - 1}",
        )
    return Part(images.reshape(n, *facts.input_shape), labels.reshape(n).astype(np.int64))


def _feasible_start(spec: Spec) -> Point:
    """The first point, in order of the spec, whose network can be built."""
    assert spec.facts is not None
    ends = {name: Choice(corners(domain), when=domain.when) for name, domain in spec.space.items()}
    for point in itertools.islice(all_points(ends), MAX_LOOKED_AT):
        try:
            layers = spec.concrete(point).architecture
            trace(layers, spec.facts.input_shape, len(spec.facts.classes))
        except Impossible:
            continue
        return point
    raise UsageError(f"{spec.path}: found no point whose network can be built")
