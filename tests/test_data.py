"""Loading and dividing: real MNIST and digits, small stand-ins for all that can go wrong."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from drawings import folder_of, noise, save, told
from drawings import npz as drawn_npz
from drawings import small_arrays as drawn_arrays
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from lenetml.errors import DataError, MissingError
from lenetml.spec.datasets import NAMED, DatasetFacts
from lenetml.spec.sections import Data, Split
from lenetml.spec.userdata import read_facts
from lenetml.trial.data import choose, load_data
from lenetml.trial.sources import read_named

HERE = Path()
SMALL = DatasetFacts("mnist", (4, 4, 1), ("cat", "dog"), pool=6, own_test=4)
GMNET = Data(dataset="mnist", split=Split(train=45_000, val=15_000, test=10_000))


@pytest.fixture
def mnist(mnist_folder, monkeypatch):
    """The real MNIST, as the machine of a user has it."""
    monkeypatch.setenv("LENETML_DATA_DIR", str(mnist_folder))


def small_arrays(**changes):
    arrays = {
        "x_train": np.arange(96, dtype=np.uint8).reshape(6, 4, 4),
        "y_train": np.array([0, 1, 0, 1, 0, 1], dtype=np.uint8),
        "x_test": np.arange(100, 164, dtype=np.uint8).reshape(4, 4, 4),
        "y_test": np.array([1, 0, 1, 0], dtype=np.uint8),
    }
    return {key: array for key, array in (arrays | changes).items() if array is not None}


def npz(**changes) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **small_arrays(**changes))
    return file.getvalue()


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Read bytes as the `mnist.npz` of a data set as small as `SMALL`."""
    monkeypatch.setenv("LENETML_DATA_DIR", str(tmp_path))

    def read_bytes(content: bytes):
        (tmp_path / "mnist.npz").write_bytes(content)
        return read_named(SMALL, lambda text: None)

    return read_bytes


def refusal(read, content: bytes, tmp_path: Path) -> str:
    with pytest.raises(DataError) as caught:
        read(content)
    return str(caught.value).replace(f"{tmp_path}{os.sep}", "")


def test_mnist_is_divided_by_count(mnist):
    loaded = load_data(GMNET, 42, HERE)
    record = loaded.record
    assert (record.train, record.val, record.test, record.unused) == (45_000, 15_000, 10_000, 0)
    assert loaded.train.images.shape == (45_000, 28, 28, 1)
    assert loaded.train.images.dtype == np.uint8
    assert loaded.val.labels.dtype == np.int64
    assert len(loaded.open_test()) == 10_000
    assert record.class_counts.test == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    for pool, val in zip(
        np.add(record.class_counts.train, record.class_counts.val),
        record.class_counts.val,
        strict=True,
    ):
        assert abs(val - pool / 4) < 1


def test_mnist_has_no_duplicates_and_a_known_fingerprint(mnist):
    record = load_data(GMNET, 42, HERE).record
    assert (record.duplicates_within, record.duplicates_across) == (0, 0)
    assert record.fingerprint.startswith("0ca25098011d851a")
    assert record.test_fingerprint.startswith("d7beb96ef32db4ee")
    assert (record.dataset, record.source) == ("mnist", "mnist.npz")


def test_the_same_seed_gives_the_same_parts_everywhere(mnist):
    first, again = load_data(GMNET, 42, HERE), load_data(GMNET, 42, HERE)
    other = load_data(GMNET, 43, HERE)
    assert np.array_equal(first.val.images, again.val.images)
    assert not np.array_equal(first.val.labels, other.val.labels)
    assert first.record.fingerprint == other.record.fingerprint
    assert first.record.split_seed != other.record.split_seed
    assert first.val.labels[:12].tolist() == [4, 9, 3, 3, 6, 9, 2, 2, 7, 8, 6, 9]


def test_a_count_takes_some_of_the_own_test_part(mnist):
    some = Data(dataset="mnist", split=Split(train=1000, val=500, test=100))
    loaded = load_data(some, 1, HERE)
    assert len(loaded.open_test()) == 100
    assert loaded.record.unused == 70_000 - 1600
    whole = load_data(GMNET, 1, HERE).record
    assert loaded.record.fingerprint == whole.fingerprint
    assert loaded.record.test_fingerprint != whole.test_fingerprint
    for count, of_all in zip(loaded.record.class_counts.test, whole.class_counts.test, strict=True):
        assert abs(count - of_all / 100) < 1


def test_digits_come_scaled_to_bytes():
    loaded = load_data(Data(dataset="digits"), 7, HERE)
    assert loaded.input_shape == (8, 8, 1)
    assert [len(part) for part in (loaded.train, loaded.val, loaded.open_test())] == [
        1078,
        360,
        359,
    ]
    bunch = load_digits()
    pixels = sorted(np.rint(bunch.images / 16 * 255).astype(np.uint8).reshape(1797, -1).tolist())
    parts = (loaded.train, loaded.val, loaded.open_test())
    assert sorted(np.concatenate([p.images for p in parts]).reshape(1797, -1).tolist()) == pixels
    assert max(map(max, pixels)) == 255
    assert not loaded.record.has_own_test


def test_the_test_part_is_no_public_field():
    loaded = load_data(Data(dataset="digits"), 7, HERE)
    public = [value for name, value in vars(loaded).items() if not name.startswith("_")]
    assert not any(value is loaded.open_test() for value in public)
    assert " _test=" not in repr(loaded)


def test_without_stratify_classes_are_not_looked_at():
    data = Data(dataset="digits", split=Split(train=3, val=2, test=2), stratify=False)
    loaded = load_data(data, 1, HERE)
    assert [len(p) for p in (loaded.train, loaded.val, loaded.open_test())] == [3, 2, 2]
    assert not loaded.record.stratified


def test_a_class_with_too_few_examples_is_named():
    data = Data(dataset="digits", split=Split(train=100, val=5, test=5))
    with pytest.raises(DataError) as caught:
        load_data(data, 1, HERE)
    assert str(caught.value) == (
        "class 0 has too few examples for the split\n"
        "    found: 178 of 1797 examples, so none among the 5 of val\n"
        "    allowed: larger parts, or stratify: false"
    )


def test_a_split_that_the_data_cannot_give():
    data = Data(dataset="digits", split=Split(train=1500, val=300, test=300))
    with pytest.raises(DataError) as caught:
        load_data(data, 1, HERE)
    assert str(caught.value) == (
        "data.split: the parts of the split must not exceed the data\n"
        "    found: train 1500 + val 300 + test 300 = 2100\n"
        "    digits has 1797 images"
    )


def test_named_images_in_another_size_and_colour(mnist):
    data = GMNET.model_copy(update={"image_size": (32, 32), "fit": "pad", "color_mode": "rgb"})
    changed, plain = load_data(data, 42, HERE), load_data(GMNET, 42, HERE)
    assert changed.input_shape == (32, 32, 3)
    assert changed.record.input_shape == [32, 32, 3]
    assert np.array_equal(changed.val.images[:, 2:30, 2:30, 1:2], plain.val.images)
    assert changed.val.images.sum(dtype=int) == 3 * plain.val.images.sum(dtype=int)
    assert changed.record.fingerprint != plain.record.fingerprint
    assert changed.record.test_fingerprint == plain.record.test_fingerprint


def test_images_that_would_take_too_much_memory():
    with pytest.raises(DataError) as caught:
        load_data(Data(dataset="digits", image_size=(2000, 2000)), 1, HERE)
    assert str(caught.value) == (
        "digits is too large: all images are kept in memory\n"
        "    found: 1797 images of 2000 x 2000 x 1, 6.7 GiB\n"
        "    allowed: 2 GiB; image_size makes images smaller"
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            Data(dataset="digits", input_shape=[28, 28, 1]),
            "data.input_shape differs from the data\n"
            "    found: [28, 28, 1]\n"
            "    digits has [8, 8, 1]",
        ),
        (
            Data(dataset="digits", image_size=(8, 9), input_shape=[8, 8, 1]),
            "data.input_shape differs from the data\n"
            "    found: [8, 8, 1]\n"
            "    digits has [8, 9, 1]",
        ),
        (
            Data(dataset="digits", classes=["zero", "one"]),
            "data.classes differ from the data\n"
            "    found: zero, one\n"
            "    digits has 0, 1, 2, 3, 4, 5, 6, 7, 8, 9",
        ),
        (
            Data(path="photos"),
            "data.path: photos is not there\n"
            "    looked for: specs/photos; a path in a spec begins in the folder of the spec",
        ),
    ],
)
def test_the_spec_and_the_data_must_agree(data, message):
    with pytest.raises(DataError) as caught:
        load_data(data, 1, Path("specs"))
    assert str(caught.value) == message


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Twelve images of two classes."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    names = [f"{name}/{number:02}.png" for name in ("cat", "dog") for number in range(6)]
    folder_of(tmp_path / "photos", names)
    return tmp_path


def test_a_folder_of_the_user(folder):
    heard = []
    data = Data(path="photos", split=Split(train=6, val=4, test=2))
    loaded = load_data(data, 3, folder, heard.append)
    record = loaded.record
    assert heard == [f"reading {folder / 'photos'}"]
    assert (record.dataset, record.source) == ("photos", "photos")
    assert (loaded.classes, loaded.input_shape) == (("cat", "dog"), (4, 4, 1))
    assert (record.train, record.val, record.test, record.unused) == (6, 4, 2, 0)
    assert record.class_counts.val == [2, 2]
    assert not record.has_own_test


def test_an_npz_of_the_user_with_a_test_part(tmp_path):
    (tmp_path / "small.npz").write_bytes(drawn_npz())
    data = Data(path="small.npz", split=Split(train=4, val=2), classes=["cat", "dog"])
    loaded = load_data(data, 3, tmp_path)
    assert loaded.record.has_own_test
    assert (len(loaded.train), len(loaded.val), len(loaded.open_test())) == (4, 2, 4)
    assert loaded.classes == ("cat", "dog")
    assert np.array_equal(loaded.open_test().images[..., 0], drawn_arrays()["x_test"])


def test_names_of_classes_count_for_the_fingerprint(tmp_path):
    (tmp_path / "small.npz").write_bytes(drawn_npz())
    data = Data(path="small.npz", split=Split(train=4, val=2))
    plain = load_data(data, 3, tmp_path).record
    named = load_data(data.model_copy(update={"classes": ["cat", "dog"]}), 3, tmp_path).record
    assert plain.fingerprint != named.fingerprint
    assert plain.test_fingerprint == named.test_fingerprint


def test_another_size_is_no_other_test_part(folder):
    records = [
        load_data(Data(path="photos", image_size=size), 3, folder).record
        for size in (None, (3, 3), (3, 3), (5, 5))
    ]
    assert len({record.fingerprint for record in records}) == 3
    assert len({record.test_fingerprint for record in records}) == 1
    other_seed = load_data(Data(path="photos"), 4, folder).record
    assert other_seed.fingerprint == records[0].fingerprint
    assert other_seed.test_fingerprint != records[0].test_fingerprint


def test_duplicates_of_the_user_are_refused_unless_kept(folder):
    for number in range(6):
        save(folder / "photos" / "cat" / f"{number:02}.png", noise(4, 4))
    with pytest.raises(DataError) as caught:
        load_data(Data(path="photos"), 3, folder)
    lines = told(caught.value, folder).splitlines()
    assert lines[0] == "photos: the same image stands in two parts"
    assert lines[1].startswith("    found: cat/00.png (")
    assert lines[-1] == "    keep one of each, or write duplicates: keep"
    record = load_data(Data(path="photos", duplicates="keep"), 3, folder).record
    assert (record.duplicates_within, record.duplicates_across) == (3, 2)


def test_an_image_of_the_user_with_two_labels(tmp_path):
    images = drawn_arrays()["x_train"].copy()
    images[3] = images[2]
    (tmp_path / "small.npz").write_bytes(drawn_npz(x_train=images))
    with pytest.raises(DataError) as caught:
        load_data(Data(path="small.npz", split=Split(train=4, val=2)), 3, tmp_path)
    assert told(caught.value, tmp_path) == (
        "small.npz: the same image has two labels\n"
        "    found: x_train[2] (0) and x_train[3] (1)\n"
        "    keep one of each, or write duplicates: keep"
    )


def test_facts_and_data_of_the_user_agree(folder):
    save(folder / "photos" / "dog" / "07.jpg", noise(9, 9, 3))
    data = Data(path="photos", image_size=(7, 6), color_mode="rgb")
    facts, loaded = read_facts(folder / "photos", data), load_data(data, 1, folder)
    assert (facts.input_shape, facts.classes) == (loaded.input_shape, loaded.classes)
    assert facts.pool == sum((loaded.record.train, loaded.record.val, loaded.record.test))


@settings(deadline=None)
@given(
    labels=st.lists(st.integers(min_value=0, max_value=4), min_size=1, max_size=200),
    seed=st.integers(min_value=1, max_value=2**32 - 1),
    shares=st.tuples(*[st.integers(min_value=1, max_value=10)] * 3),
    stratify=st.booleans(),
)
def test_parts_are_disjoint_sorted_exact_and_proportional(labels, seed, shares, stratify):
    labels = np.unique(labels, return_inverse=True)[1].astype(np.int64)
    sizes = {
        name: max(1, share * len(labels) // 40)
        for name, share in zip(("train", "val", "test"), shares, strict=True)
    }
    if sum(sizes.values()) > len(labels):
        return
    names = [f"class{index}" for index in range(5)] if stratify else None
    try:
        chosen = choose(labels, sizes, names, seed)
    except DataError as error:
        assert stratify and "has too few examples for the split" in error.message
        return
    assert [len(indices) for indices in chosen] == list(sizes.values())
    together = np.concatenate(chosen)
    assert len(np.unique(together)) == len(together)
    assert together.min() >= 0 and together.max() < len(labels)
    for indices, again in zip(chosen, choose(labels, sizes, names, seed), strict=True):
        assert np.all(np.diff(indices) > 0)
        assert np.array_equal(indices, again)
    if stratify:
        quotas = np.bincount(labels) * len(chosen[0]) / len(labels)
        assert np.all(np.abs(np.bincount(labels[chosen[0]]) - quotas) < 1)


def test_a_small_file_is_read_as_it_is(read):
    source = read(npz())
    assert np.array_equal(source.pool.images[..., 0], small_arrays()["x_train"])
    assert source.pool.labels.tolist() == [0, 1, 0, 1, 0, 1]
    assert source.own_test.labels.tolist() == [1, 0, 1, 0]


def test_labels_may_be_a_column_and_images_have_a_channel(read):
    arrays = small_arrays()
    source = read(
        npz(x_test=arrays["x_test"][..., None], y_train=arrays["y_train"][:, None].astype(">i4"))
    )
    assert source.pool.labels.tolist() == [0, 1, 0, 1, 0, 1]
    assert source.own_test.images.shape == (4, 4, 4, 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"y_test": None},
            "mnist.npz lacks y_test\n"
            "    found: x_train, y_train, x_test\n"
            "    needed: x_train, y_train, x_test, y_test",
        ),
        (
            {"x_train": small_arrays()["x_train"].astype(np.uint16)},
            "mnist.npz: x_train is not that of mnist\n"
            "    found: uint16 (6, 4, 4)\n"
            "    needed: uint8 (6, 4, 4, 1) or (6, 4, 4)",
        ),
        (
            {"x_test": np.zeros((5, 4, 4), dtype=np.uint8)},
            "mnist.npz: x_test is not that of mnist\n"
            "    found: uint8 (5, 4, 4)\n"
            "    needed: uint8 (4, 4, 4, 1) or (4, 4, 4)",
        ),
        (
            {"y_test": np.array([0.0, 1.0, 0.0, 1.0])},
            "mnist.npz: y_test is not that of mnist\n"
            "    found: float64 (4,)\n"
            "    needed: whole numbers (4,) or (4, 1)",
        ),
        (
            {"y_test": np.array([0, "x", 1, None], dtype=object)},
            "mnist.npz: y_test holds pickled objects, which are never read\n"
            "    needed: whole numbers; save it with an integer type",
        ),
        (
            {"y_train": np.array([0, 1, 0, 2, 0, -1])},
            "mnist.npz: y_train has labels out of range\n"
            "    found: 2 at 3, 2 in all\n"
            "    allowed: 0 .. 1",
        ),
        (
            {"y_test": np.zeros(4, dtype=np.int64)},
            "mnist.npz: y_test has no example of class 1 (dog)",
        ),
    ],
)
def test_refused_arrays(read, tmp_path, changes, message):
    assert refusal(read, npz(**changes), tmp_path) == message


def with_header(old: bytes, new: bytes) -> bytes:
    """A valid zip whose `x_test` has a mended header."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for key, array in small_arrays().items():
            raw = io.BytesIO()
            np.lib.format.write_array(raw, array)
            content = raw.getvalue()
            archive.writestr(
                f"{key}.npy", content.replace(old, new) if key == "x_test" else content
            )
    return file.getvalue()


def test_a_header_that_claims_more_than_there_is(read, tmp_path):
    content = with_header(b"(4, 4, 4), }", b"(4, 4, 44),}")
    assert refusal(read, content, tmp_path) == (
        "mnist.npz: x_test does not hold what its header claims\n"
        "    found: 192 bytes for uint8 (4, 4, 44), which takes 832\n"
        "    get the file again"
    )


@pytest.mark.parametrize("header", [b"(4, 4, 4(, }", b"(4, 4, 04), "])
def test_a_header_that_is_none(read, tmp_path, header):
    assert refusal(read, with_header(b"(4, 4, 4), }", header), tmp_path) == (
        "mnist.npz is damaged, or is no .npz file\n"
        "    an array has no readable header\n"
        "    get the file again"
    )


def test_a_file_of_another_kind(read, tmp_path):
    assert refusal(read, b"not a zip file", tmp_path) == (
        "mnist.npz is damaged, or is no .npz file\n"
        "    File is not a zip file\n"
        "    get the file again"
    )


def test_every_cut_is_noticed(read):
    whole = npz()
    for length in range(len(whole)):
        with pytest.raises(DataError):
            read(whole[:length])


def test_every_flipped_byte_is_noticed_or_without_effect(read):
    whole = npz()
    expected = read(whole)
    noticed = 0
    for place in range(len(whole)):
        content = bytearray(whole)
        content[place] ^= 0xFF
        try:
            source = read(bytes(content))
        except DataError:
            noticed += 1
            continue
        assert np.array_equal(source.pool.images, expected.pool.images)
        assert np.array_equal(source.own_test.images, expected.own_test.images)
        assert np.array_equal(source.pool.labels, expected.pool.labels)
    assert noticed > len(whole) / 2


def test_the_cache_of_keras_is_looked_at_after_the_folder(tmp_path, monkeypatch):
    cache, folder = tmp_path / "keras" / "datasets", tmp_path / "folder"
    cache.mkdir(parents=True)
    folder.mkdir()
    monkeypatch.setenv("KERAS_HOME", str(cache.parent))
    monkeypatch.setenv("LENETML_DATA_DIR", str(folder))
    seen = []
    (cache / "mnist.npz").write_bytes(npz())
    read_named(SMALL, seen.append)
    (folder / "mnist.npz").write_bytes(npz())
    read_named(SMALL, seen.append)
    assert seen == [f"reading {cache / 'mnist.npz'}", f"reading {folder / 'mnist.npz'}"]


LOAD = """
import sys
from lenetml.errors import LenetmlError
from lenetml.spec.datasets import NAMED
from lenetml.trial.sources import read_named
try:
    read_named(NAMED[sys.argv[1]], lambda text: None)
except LenetmlError as error:
    print(f"{type(error).__name__} {error.exit_code}\\n{error}")
"""


def load_apart(name: str, home: Path) -> list[str]:
    """Load without a network, in a program of its own: Keras reads KERAS_HOME once."""
    kept = {key: value for key, value in os.environ.items() if key != "LENETML_DATA_DIR"}
    nowhere = dict.fromkeys(("https_proxy", "http_proxy"), "http://127.0.0.1:9")
    done = subprocess.run(
        [sys.executable, "-c", LOAD, name],
        env=kept | nowhere | {"KERAS_HOME": str(home), "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


@pytest.mark.slow
def test_nowhere_to_be_had_names_three_ways(tmp_path):
    lines = load_apart("mnist", tmp_path)
    assert lines[:2] == [
        f"{MissingError.__name__} 3",
        "mnist is not here and cannot be downloaded",
    ]
    looked = f"    looked in: {tmp_path / 'datasets'}; then: URL fetch failure on https://"
    assert lines[2].startswith(looked)
    assert lines[3:] == [
        "    put mnist.npz into a folder and set LENETML_DATA_DIR to that folder,",
        f"    or put it into Keras's cache, {tmp_path / 'datasets'},",
        "    or connect to the internet, so that Keras's loader downloads it",
    ]


@pytest.mark.slow
def test_a_damaged_cache_is_named(tmp_path):
    folder = tmp_path / "datasets" / "fashion-mnist"
    folder.mkdir(parents=True)
    for name in ("train-labels-idx1", "train-images-idx3", "t10k-labels-idx1", "t10k-images-idx3"):
        (folder / f"{name}-ubyte.gz").write_bytes(b"no gzip")
    lines = load_apart("fashion_mnist", tmp_path)
    assert lines[:2] == [
        "DataError 1",
        f"fashion_mnist in Keras's cache is damaged: {tmp_path / 'datasets'}",
    ]
    assert lines[-1] == "    delete it there, so that it is downloaded again"


def test_facts_and_digits_agree():
    source = read_named(NAMED["digits"], lambda text: None)
    assert len(source.pool) == NAMED["digits"].pool
    assert source.own_test is None
    assert source.name == "scikit-learn"
