"""Facts of a data set, and those of the named ones: shapes, classes and sizes before reading."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TypeAlias

from lenetml.errors import DataError
from lenetml.spec.sections import Data

ImageShape: TypeAlias = tuple[int, int, int]

MAX_DATA_BYTES = 2 * 2**30
_DIGITS = tuple("0123456789")


@dataclass(frozen=True)
class DatasetFacts:
    """What is known of a data set before it is at hand.

    Args:
        name: As in a spec.
        input_shape: Height, width, channels.
        classes: Names, in the order of the labels.
        pool: Images that training and validation come from, and the test part too where
            there is no own one.
        own_test: Images of the test part that the data set comes with; None: it has none.
    """

    name: str
    input_shape: ImageShape
    classes: tuple[str, ...]
    pool: int
    own_test: int | None


def changed_facts(facts: DatasetFacts, data: Data) -> DatasetFacts:
    """The facts after `image_size` and `color_mode` of the spec."""
    height, width = data.image_size or facts.input_shape[:2]
    channels = {None: facts.input_shape[2], "grayscale": 1, "rgb": 3}[data.color_mode]
    return replace(facts, input_shape=(height, width, channels))


def check_amount(facts: DatasetFacts) -> None:
    """Refuse more pixels than are kept in memory.

    Raises:
        DataError: All images together take more than `MAX_DATA_BYTES`.
    """
    n_images = facts.pool + (facts.own_test or 0)
    size_bytes = n_images * math.prod(facts.input_shape)
    if size_bytes > MAX_DATA_BYTES:
        shape = " x ".join(map(str, facts.input_shape))
        raise DataError(
            f"{facts.name} is too large: all images are kept in memory",
            f"found: {n_images} images of {shape}, {size_bytes / 2**30:,.1f} GiB",
            f"allowed: {MAX_DATA_BYTES / 2**30:g} GiB; image_size makes images smaller",
        )


NAMED: dict[str, DatasetFacts] = {
    facts.name: facts
    for facts in (
        DatasetFacts("mnist", (28, 28, 1), _DIGITS, pool=60_000, own_test=10_000),
        DatasetFacts(
            "fashion_mnist",
            (28, 28, 1),
            (
                "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
            ),
            pool=60_000,
            own_test=10_000,
        ),
        DatasetFacts(
            "cifar10",
            (32, 32, 3),
            (
                "airplane", "automobile", "bird", "cat", "deer",
                "dog", "frog", "horse", "ship", "truck",
            ),
            pool=50_000,
            own_test=10_000,
        ),
        DatasetFacts("digits", (8, 8, 1), _DIGITS, pool=1_797, own_test=None),
    )
}  # fmt: skip

# As the documentation of Keras 3.15 states them; of the others it states none.
STATED_LICENSES = {"mnist": "CC BY-SA 3.0", "fashion_mnist": "MIT"}
