"""What the readers of data give: images with their classes, and where each came from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Progress: TypeAlias = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Part:
    """Images and their classes, in one order.

    Args:
        images: uint8, shape `(n, height, width, channels)`.
        labels: int64, shape `(n,)`, values in `0 .. n_classes - 1`.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: NDArray[np.intp]) -> Part:
        """Copy the examples at these places."""
        return Part(self.images[indices], self.labels[indices])


@dataclass(frozen=True, eq=False)
class Source:
    """All images of a data set.

    Args:
        name: The file or package that they came from.
        pool: What training and validation come from; everything where `own_test` is None.
        own_test: The test part that the data set comes with.
        classes: Their names, in the order of the labels.
        name_of: Names an example of the user's, counted through pool and own test part:
            `cat/a.png`, `x_train[17]`; None: nobody could mend the data.
        digests: SHA-256 of the files of images that were changed when they were read, uint8,
            shape `(n, 32)`, counted in the same way; None: they are as they were.
    """

    name: str
    pool: Part
    own_test: Part | None
    classes: tuple[str, ...]
    name_of: Callable[[int], str] | None = None
    digests: NDArray[np.uint8] | None = None

    def take(self, indices: NDArray[np.intp]) -> Part:
        """Copy examples, counted through pool and own test part, that stand in one of the two."""
        n_pool = len(self.pool)
        if self.own_test is None or indices[0] < n_pool:
            return self.pool.take(indices)
        return self.own_test.take(indices - n_pool)


@dataclass(frozen=True, eq=False)
class TrialParts:
    """What workers see of the data: never the test part."""

    train: Part
    val: Part
    classes: tuple[str, ...]
    input_shape: tuple[int, int, int]
