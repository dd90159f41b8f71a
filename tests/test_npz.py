"""Arrays of the user's `.npz`: right, or refused."""

from __future__ import annotations

import random

import numpy as np
import pytest
from drawings import noise, npz, small_arrays

from lenetml.errors import DataError
from lenetml.spec.sections import Data
from lenetml.trial.npz import read_user_npz

NPZ = Data(path="small.npz")


@pytest.fixture
def read(tmp_path):
    def read_bytes(content: bytes, data: Data = NPZ):
        (tmp_path / "small.npz").write_bytes(content)
        return read_user_npz(tmp_path / "small.npz", data)

    return read_bytes


def test_arrays_are_read_as_they_are(read):
    source = read(npz())
    arrays = small_arrays()
    assert np.array_equal(source.pool.images[..., 0], arrays["x_train"])
    assert np.array_equal(source.own_test.images[..., 0], arrays["x_test"])
    assert source.pool.labels.tolist() == [0, 1, 0, 1, 0, 1]
    assert source.own_test.labels.tolist() == [1, 0, 1, 0]
    assert (source.pool.images.dtype, source.pool.labels.dtype) == (np.uint8, np.int64)
    assert (source.name, source.classes, source.digests) == ("small.npz", ("0", "1"), None)
    assert [source.name_of(index) for index in (0, 5, 6)] == [
        "x_train[0]",
        "x_train[5]",
        "x_test[0]",
    ]


def test_without_a_test_part(read):
    source = read(npz(x_test=None, y_test=None), Data(path="small.npz", classes=["cat", "dog"]))
    assert source.own_test is None
    assert source.classes == ("cat", "dog")


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(6, 4, 4), (6, 3, 5, 1), (6, 3, 5, 3)])
def test_shapes_and_orders(read, shape, order):
    images = np.asarray(noise(*shape), order=order)
    source = read(npz(x_train=images, x_test=None, y_test=None))
    assert np.array_equal(source.pool.images.reshape(shape), images)
    assert source.pool.images.flags.c_contiguous


@pytest.mark.parametrize("dtype", ["u1", ">i2", "<i4", ">u8"])
def test_labels_of_every_width(read, dtype):
    labels = np.array([[0], [1], [0], [1], [0], [1]]).astype(dtype)
    assert read(npz(y_train=labels)).pool.labels.tolist() == [0, 1, 0, 1, 0, 1]


def test_arrays_longer_than_a_chunk(read, monkeypatch):
    monkeypatch.setattr("lenetml.trial.npz._CHUNK_BYTES", 7)
    assert np.array_equal(read(npz()).pool.images[..., 0], small_arrays()["x_train"])


def test_damage_is_refused_or_without_effect(read):
    """Cuts, holes, insertions and wrong bytes in 300 ways, repeatable by their seed."""
    chance = random.Random(5)
    whole, expected = npz(), read(npz())
    refused = 0
    for _ in range(300):
        content = bytearray(whole)
        place, length = chance.randrange(len(content)), chance.randrange(1, 20)
        kind = chance.choice(["cut", "hole", "insertion", "noise", "bit"])
        if kind == "cut":
            del content[place:]
        elif kind == "hole":
            del content[place : place + length]
        elif kind == "insertion":
            content[place:place] = chance.randbytes(length)
        elif kind == "noise":
            content[place : place + length] = chance.randbytes(length)
        else:
            content[place] ^= 1 << chance.randrange(8)
        try:
            source = read(bytes(content))
        except DataError:
            refused += 1
            continue
        assert np.array_equal(source.pool.images, expected.pool.images)
        assert np.array_equal(source.pool.labels, expected.pool.labels)
        assert np.array_equal(source.own_test.images, expected.own_test.images)
        assert np.array_equal(source.own_test.labels, expected.own_test.labels)
    assert refused > 200
