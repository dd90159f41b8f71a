"""Headers of `.npy` files: what numpy writes, and what nobody should believe."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from drawings import npz, small_arrays, told
from hypothesis import given
from hypothesis import strategies as st

from lenetml.errors import DataError
from lenetml.spec.npyheaders import open_npz, read_headers

KEYS = ("x_train", "y_train", "x_test", "y_test")


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("npz") / "small.npz"


def headers_of(path, content):
    path.write_bytes(content)
    with open_npz(path) as archive:
        return read_headers(archive, path, KEYS)


def refusal(path, content):
    with pytest.raises(DataError) as caught:
        headers_of(path, content)
    return told(caught.value, path.parent)


def with_header(old: bytes, new: bytes) -> bytes:
    """A right zip in which the file of `x_test` is changed."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for key, array in small_arrays().items():
            raw = io.BytesIO()
            np.lib.format.write_array(raw, array)
            content = raw.getvalue()
            content = content.replace(old, new) if key == "x_test" else content
            archive.writestr(f"{key}.npy", content)
    return file.getvalue()


@pytest.mark.parametrize("dtype", ["u1", "<i8", ">u4", "f2", "c16", "?", "<U3", ">U3", "S5"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_headers_are_as_numpy_writes_them(scratch, dtype, order):
    array = np.zeros((2, 3, 4), dtype=dtype, order=order)
    header = headers_of(scratch, npz(x_train=array))["x_train"]
    assert header.shape == array.shape
    assert (header.size_bytes, header.is_fortran) == (array.nbytes, order == "F")
    assert np.dtype(header.descr) == array.dtype
    if array.dtype.kind in "uifc?":
        assert str(header) == f"{array.dtype.name} (2, 3, 4)"


def test_an_empty_shape(scratch):
    assert headers_of(scratch, npz(y_test=np.int64(3)))["y_test"].shape == ()


def test_a_header_that_claims_more_than_there_is(scratch):
    assert refusal(scratch, with_header(b"(4, 4, 4), }", b"(4, 4, 44),}")) == (
        "small.npz: x_test does not hold what its header claims\n"
        "    found: 192 bytes for uint8 (4, 4, 44), which takes 832\n"
        "    get the file again"
    )


def test_a_header_that_claims_terabytes_costs_nothing(scratch):
    lie = with_header(b"'|u1', 'fortran_order': False, 'shape': (4, 4, 4), }",
                      b"'<f8', 'fortran_order': False, 'shape': (10**12,),}")  # fmt: skip
    assert refusal(scratch, lie).startswith("small.npz is damaged, or is no .npz file")
    lie = with_header(b"(4, 4, 4), }            ", b"(900000000000, 4, 4),}  ")
    assert refusal(scratch, lie) == (
        "small.npz: x_test does not hold what its header claims\n"
        "    found: 192 bytes for uint8 (900000000000, 4, 4), which takes 14400000000128\n"
        "    get the file again"
    )


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (b"(4, 4, 4), }", b"(4, 4, 4(, }", "an array has no readable header"),
        (b"(4, 4, 4), }", b"(4, 4, 04), ", "an array has no readable header"),
        (b"(4, 4, 4), }", b"(4, 4,-4), }", "an array has no readable header"),
        (b"(4, 4, 4), }", b"[4, 4, 4], }", "an array has no readable header"),
        (b"(4, 4, 4), }", b"'aaaaaaaa',}", "an array has no readable header"),
        (b"'shape'", b"'shope'", "an array has no readable header"),
        (b"'|u1'", b"'|u!'", "x_test has items of an unknown kind: |u!"),
        (b"\x93NUMPY", b"\x93NUMPI", "x_test is no array"),
        (b"NUMPY\x01\x00", b"NUMPY\x03\x00", "an array of the unknown format (3, 0)"),
        (b"NUMPY\x01\x00\x76\x00", b"NUMPY\x01\x00\xff\xff", "an array has no readable header"),
    ],
)
def test_a_header_that_is_none(scratch, old, new, found):
    assert refusal(scratch, with_header(old, new)) == (
        f"small.npz is damaged, or is no .npz file\n    {found}\n    get the file again"
    )


def test_dates_and_records_are_no_numbers(scratch):
    content = npz(y_test=np.zeros(4, dtype="M8[s]"))
    assert "y_test has items of an unknown kind: <M8[s]" in refusal(scratch, content)
    content = npz(y_test=np.zeros(4, dtype=[("a", "u1")]))
    assert "y_test has items of an unknown kind: [('a', '|u1')]" in refusal(scratch, content)


def test_an_array_without_its_suffix(scratch):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for key in KEYS:
            archive.writestr(key, b"x")
    assert "x_train is no .npy file" in refusal(scratch, file.getvalue())


def test_an_unusual_compression(scratch):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_LZMA) as archive:
        for key in KEYS:
            archive.writestr(f"{key}.npy", b"x")
    assert "x_train is compressed in an unknown way" in refusal(scratch, file.getvalue())


def test_a_directory_that_lost_its_end_is_noticed(scratch):
    """The comment of an entry may swallow the entries behind it, which `zipfile` lets pass."""
    content = bytearray(npz())
    second = content.index(b"PK\x01\x02", content.index(b"PK\x01\x02") + 4)
    content[second + 32] = 0xFF
    assert refusal(scratch, bytes(content)) == (
        "small.npz is damaged, or is no .npz file\n"
        "    its list of 4 ends after 2\n"
        "    get the file again"
    )


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(DataError, match="cannot be read"), open_npz(tmp_path):
        pass


@given(header=st.one_of(st.binary(max_size=200), st.text("{}()[]'\",: 0123456789-du", max_size=60)))
def test_any_header_is_refused_or_read(scratch, header):
    text = header if isinstance(header, bytes) else header.encode()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for key in KEYS:
            start = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little")
            archive.writestr(f"{key}.npy", start + text)
    assert refusal(scratch, file.getvalue()).startswith("small.npz")
