"""What is kept of networks, bit for bit, and readable in plain Keras."""

from __future__ import annotations

import hashlib
import zipfile

import numpy as np
import pytest

from lenetml.trial.threads import use_one_thread

use_one_thread()

import keras  # noqa: E402

from lenetml.errors import FolderError  # noqa: E402
from lenetml.spec.layers import BatchNormalization, Dense, Flatten  # noqa: E402
from lenetml.trial.kept import pack_weights, read_model, unpack_weights, write_model  # noqa: E402
from lenetml.trial.model import build_model  # noqa: E402

LAYERS = [BatchNormalization(), Flatten(), Dense(units=5, activation="relu")]


@pytest.fixture(scope="module")
def model():
    return build_model(LAYERS, (3, 4, 1), 3, seed=7)


def test_weights_come_back_bit_for_bit(model):
    weights = model.get_weights()
    back = unpack_weights(pack_weights(weights))
    assert len(back) == len(weights) == 8
    for ours, theirs in zip(weights, back, strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)


def test_more_than_ten_arrays_keep_their_order():
    weights = [np.full((2,), number) for number in range(25)]
    assert [int(array[0]) for array in unpack_weights(pack_weights(weights))] == list(range(25))


def test_pickled_objects_are_not_read():
    with pytest.raises(ValueError, match="allow_pickle=False"):
        unpack_weights(pack_weights([np.array([{}], dtype=object)]))


def test_a_model_is_written_whole_and_reads_back_in_keras(model, tmp_path):
    path = tmp_path / "model.keras"
    path.write_bytes(b"old")
    size_bytes, sha256 = write_model(model, path)
    content = path.read_bytes()
    assert (size_bytes, sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert [file.name for file in tmp_path.iterdir()] == ["model.keras"]
    images = np.random.default_rng(1).random((6, 3, 4, 1), dtype=np.float32)
    back = keras.saving.load_model(path, compile=False)
    np.testing.assert_array_equal(back(images), model(images))


def test_none_but_the_very_model_is_read(model, tmp_path):
    path = tmp_path / "model.keras"
    size_bytes, sha256 = write_model(model, path)
    back, n_bytes = read_model(path, sha256)
    assert n_bytes == size_bytes
    for ours, theirs in zip(model.get_weights(), back.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    advice = "    put it back, or start over with --fresh"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(FolderError) as caught:
        read_model(path, sha256)
    assert str(caught.value) == (f"{path} is not the one that the record tells of\n{advice}")
    path.unlink()
    with pytest.raises(FolderError) as caught:
        read_model(path, sha256)
    assert str(caught.value) == f"{path} is gone\n{advice}"


def test_a_fault_leaves_the_old_model(model, tmp_path, monkeypatch):
    path = tmp_path / "model.keras"
    path.write_bytes(b"old")

    def half(path):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(model, "save", half)
    with pytest.raises(FolderError) as caught:
        write_model(model, path)
    assert str(caught.value) == f"{path} cannot be written: No space left on device"
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["model.keras"]


def test_the_file_holds_no_path_and_no_name_of_this_machine(model, tmp_path):
    write_model(model, tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        said = archive.read("config.json") + archive.read("metadata.json")
    assert str(tmp_path).encode() not in said
