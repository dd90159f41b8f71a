"""Files of a run that are gone, cut, or changed: named, never a traceback, never other numbers."""

from __future__ import annotations

import io

import numpy as np
import pytest

from lenetml.errors import FolderError
from lenetml.files import read_arrays, read_kept

ADVICE = "    put it back, or start over with --fresh"
ARRAYS = [np.arange(12, dtype="float32").reshape(3, 4), np.zeros(2, dtype="uint8")]


def packed():
    content = io.BytesIO()
    np.savez(content, *ARRAYS)
    return content.getvalue()


def unpack(content):
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return [arrays["arr_0"], arrays["arr_1"]]


def refusal(path, unpack=unpack):
    with pytest.raises(FolderError) as caught:
        read_arrays(path, unpack)
    return str(caught.value)


def test_what_was_kept_comes_back(tmp_path):
    path = tmp_path / "kept.npz"
    path.write_bytes(packed())
    assert read_kept(path) == packed()
    for ours, theirs in zip(read_arrays(path, unpack), ARRAYS, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_file_that_is_gone(tmp_path):
    path = tmp_path / "kept.npz"
    assert refusal(path) == f"{path} is gone\n{ADVICE}"
    with pytest.raises(FolderError):
        read_kept(path)


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(FolderError) as caught:
        read_kept(tmp_path)
    assert str(caught.value) == f"{tmp_path} cannot be read: Is a directory"


def test_a_file_that_was_cut_anywhere(tmp_path):
    path, whole = tmp_path / "kept.npz", packed()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert refusal(path) == f"{path} is damaged\n{ADVICE}"


@pytest.mark.parametrize("change", [0x01, 0x20, 0xFF])
def test_a_file_with_one_byte_changed_is_refused_or_the_same(tmp_path, change):
    path, whole = tmp_path / "kept.npz", packed()
    n_refused = 0
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= change
        path.write_bytes(changed)
        try:
            arrays = read_arrays(path, unpack)
        except FolderError:
            n_refused += 1
        else:
            for ours, theirs in zip(arrays, ARRAYS, strict=True):
                np.testing.assert_array_equal(ours, theirs)
    # Times and the like are in the rest.
    assert n_refused > 0.7 * len(whole)


def test_a_file_of_something_else(tmp_path):
    path = tmp_path / "kept.npz"
    content = io.BytesIO()
    np.savez(content, other=ARRAYS[0])
    path.write_bytes(content.getvalue())
    assert refusal(path) == f"{path} is damaged\n{ADVICE}"
