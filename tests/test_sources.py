"""Named data sets that lie in a folder as files of their full size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawings import told

from lenetml.errors import DataError
from lenetml.spec.datasets import NAMED
from lenetml.spec.sections import Data
from lenetml.trial.data import load_data
from lenetml.trial.sources import read_named


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a data set of black images, each class as often as every other."""
    monkeypatch.setenv("LENETML_DATA_DIR", str(tmp_path))

    def write_npz(name, **changes):
        facts = NAMED[name]
        shape = facts.input_shape if facts.input_shape[2] == 3 else facts.input_shape[:2]
        arrays = {}
        for part, n in (("train", facts.pool), ("test", facts.own_test)):
            arrays[f"x_{part}"] = np.zeros((n, *shape), dtype=np.uint8)
            arrays[f"y_{part}"] = np.arange(n, dtype=np.uint8) % 10
        if name == "cifar10":
            arrays = {k: a[:, None] if k.startswith("y") else a for k, a in arrays.items()}
        np.savez_compressed(tmp_path / f"{name}.npz", **(arrays | changes))

    return write_npz


@pytest.mark.parametrize("name", ["fashion_mnist", "cifar10"])
def test_a_named_data_set_is_read_from_the_folder(write, name):
    write(name)
    facts, said = NAMED[name], []
    source = read_named(facts, said.append)
    assert source.pool.images.shape == (facts.pool, *facts.input_shape)
    assert source.own_test.images.shape == (facts.own_test, *facts.input_shape)
    assert source.pool.labels[:11].tolist() == [*range(10), 0]
    assert (source.name, source.classes) == (f"{name}.npz", facts.classes)
    assert (source.name_of, source.digests) == (None, None)
    assert said[0].startswith("reading ")


def test_cifar10_in_another_size_and_without_colours(write):
    write("cifar10")
    split = {"train": 200, "val": 100, "test": 100}
    data = Data(dataset="cifar10", image_size=(8, 8), color_mode="grayscale", split=split)
    loaded = load_data(data, 1, Path())
    assert loaded.input_shape == (8, 8, 1)
    assert loaded.classes == NAMED["cifar10"].classes
    assert loaded.record.class_counts.test == [10] * 10
    assert loaded.record.duplicates_within == 199 + 99 + 99


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"x_train": np.zeros((50_000, 28, 28), dtype=np.uint8)},
            "cifar10.npz: x_train is not that of cifar10\n"
            "    found: uint8 (50000, 28, 28)\n"
            "    needed: uint8 (50000, 32, 32, 3)",
        ),
        (
            {"y_test": np.full((10_000, 1), 3)},
            "cifar10.npz: y_test has no example of class 0 (airplane)",
        ),
        (
            {"y_train": np.arange(50_000)[:, None] % 11},
            "cifar10.npz: y_train has labels out of range\n"
            "    found: 10 at 10, 4545 in all\n"
            "    allowed: 0 .. 9",
        ),
    ],
)
def test_cifar10_that_is_none(write, tmp_path, changes, message):
    write("cifar10", **changes)
    with pytest.raises(DataError) as caught:
        read_named(NAMED["cifar10"], lambda text: None)
    assert told(caught.value, tmp_path) == message
