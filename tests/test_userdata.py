"""Facts of the user's own data, and what is refused before any pixel is read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from drawings import folder_of, noise, npz, png, save, small_arrays, told

from lenetml.errors import DataError
from lenetml.spec.datasets import NAMED, DatasetFacts, changed_facts
from lenetml.spec.sections import Data
from lenetml.spec.userdata import is_there, read_facts, tell_unknown

NPZ = Data(path="small.npz")
PHOTOS = Data(path="photos")


@pytest.fixture
def facts_of(tmp_path):
    """Read the facts of an `.npz` of these arrays, or of a folder with these images."""

    def read(changes, data=NPZ):
        if isinstance(changes, dict):
            (tmp_path / "small.npz").write_bytes(npz(**changes))
            return read_facts(tmp_path / "small.npz", data)
        return read_facts(folder_of(tmp_path / "photos", changes, 3, 5), data)

    return read


def test_an_npz_with_a_test_part(facts_of):
    assert facts_of({}) == DatasetFacts("small.npz", (4, 4, 1), ("0", "1"), 6, 4)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((6, 3, 5), (3, 5, 1)), ((6, 3, 5, 1), (3, 5, 1)), ((6, 3, 5, 3), (3, 5, 3))],
)
def test_an_npz_without_a_test_part(facts_of, shape, expected):
    facts = facts_of({"x_train": noise(*shape), "x_test": None, "y_test": None})
    assert (facts.input_shape, facts.pool, facts.own_test) == (expected, 6, None)


@pytest.mark.parametrize("dtype", ["<i1", "u1", "<i2", ">u2", "<i4", ">u4", ">i8", "<u8", "=i8"])
def test_labels_of_every_width(facts_of, dtype):
    labels = np.array([0, 1, 2, 0, 1, 2])
    facts = facts_of({"y_train": labels.astype(dtype)[:, None], "x_test": None, "y_test": None})
    assert facts.classes == ("0", "1", "2")


def test_the_spec_names_the_classes_of_an_npz(facts_of):
    assert facts_of({}, Data(path="small.npz", classes=["cat", "dog"])).classes == ("cat", "dog")
    three = Data(path="small.npz", classes=["cat", "dog", "ape"])
    assert facts_of({}, three).classes == ("0", "1")


def test_image_size_and_color_mode_decide_the_shape(facts_of):
    changes = {"image_size": (32, 28), "color_mode": "rgb"}
    assert facts_of({}, NPZ.model_copy(update=changes)).input_shape == (32, 28, 3)
    photos = facts_of(["a/1.gif", "b/2.gif"], PHOTOS.model_copy(update=changes))
    assert photos.input_shape == (32, 28, 3)
    assert changed_facts(NAMED["cifar10"], Data(color_mode="grayscale")).input_shape == (32, 32, 1)
    assert changed_facts(NAMED["mnist"], Data(dataset="mnist")) == NAMED["mnist"]


def test_a_folder(facts_of):
    names = ["train/a/1.png", "train/a/2.png", "train/b/1.png", "test/a/1.png", "test/b/1.png"]
    assert facts_of(names, PHOTOS) == DatasetFacts("photos", (3, 5, 1), ("a", "b"), 3, 2)


def test_the_head_of_the_first_image_tells_what_the_spec_does_not(facts_of):
    sized = PHOTOS.model_copy(update={"image_size": (7, 7)})
    assert facts_of(["a/1.jpg", "b/1.gif"], sized).input_shape == (7, 7, 1)
    coloured = PHOTOS.model_copy(update={"color_mode": "rgb"})
    assert facts_of(["a/1.jpg", "b/1.gif"], coloured).input_shape == (3, 5, 3)


def test_a_shape_that_only_pixels_tell(facts_of):
    assert facts_of(["a/1.gif", "b/1.gif"], PHOTOS) is None
    given = PHOTOS.model_copy(update={"input_shape": [3, 5, 1]})
    assert facts_of(["a/1.gif", "b/1.gif"], given).input_shape == (3, 5, 1)


def test_what_the_spec_decides_goes_before_its_input_shape(facts_of):
    """So that `input_shape` is compared with what the images will be."""
    changes = {"input_shape": [3, 5, 1], "image_size": (8, 8)}
    assert facts_of(["a/1.gif", "b/1.gif"], PHOTOS.model_copy(update=changes)).input_shape == (
        8, 8, 1,
    )  # fmt: skip
    changes = {"input_shape": [3, 5, 1], "color_mode": "rgb"}
    assert facts_of(["a/1.gif", "b/1.gif"], PHOTOS.model_copy(update=changes)).input_shape == (
        3, 5, 3,
    )  # fmt: skip


def test_nothing_is_there(tmp_path):
    assert read_facts(tmp_path / "gone.npz", NPZ) is None
    assert read_facts(tmp_path / "small.npz" / "gone", NPZ) is None


def test_what_the_system_does_not_tell_is_not_taken_for_nothing(tmp_path):
    (tmp_path / "small.npz").symlink_to("small.npz")
    for name, reason in (
        ("small.npz", "Too many levels of symbolic links"),
        ("a" * 300, "File name too long"),
    ):
        with pytest.raises(DataError) as caught:
            is_there(tmp_path / name)
        assert told(caught.value, tmp_path) == f"{name} cannot be read\n    {reason}"


OPEN = "shapes are not checked: write input_shape: [height, width, channels] and classes: [...]"
GOES_ON = "validate does without the data, run does not"


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (
            Data(path="gone.npz"),
            [
                "gone.npz is not there",
                "looked for: specs/gone.npz; a path in a spec begins in the folder of the spec",
                OPEN,
                GOES_ON,
            ],
        ),
        (
            Data(path="~/photos", input_shape=[8, 8, 1]),
            [
                "~/photos is not there",
                "looked for: specs/~/photos; ~ does not stand for the home folder in a spec",
                OPEN,
                GOES_ON,
            ],
        ),
        (
            Data(path="photos", input_shape=[8, 8, 1], classes=["cat", "dog"]),
            [
                "photos is not there",
                "looked for: specs/photos; a path in a spec begins in the folder of the spec",
                GOES_ON,
            ],
        ),
    ],
)
def test_data_that_are_not_there_are_told(data, lines):
    message, notes = tell_unknown(Path("specs", data.path), data)
    assert [message, *notes] == lines


def test_pixels_that_nobody_looked_at_are_told(tmp_path):
    root = folder_of(tmp_path / "photos", ["a/1.gif", "b/1.gif"])
    assert tell_unknown(root, PHOTOS) == (
        "shapes are not checked: only the pixels of photos tell them",
        ("write image_size and color_mode, or input_shape: [height, width, channels]",),
    )


NEEDED = "needed: uint8 (n, height, width) or (n, height, width, 1 or 3)"
BYTES = "save pixels as whole numbers from 0 to 255, uint8"
LABELS = (
    "    needed: whole numbers (6,) or (6, 1)\n"
    "    number the classes from 0; their names belong to data.classes"
)
EVERY_CLASS = "needed: examples of every class; the first class is 0"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"y_train": None},
            "small.npz lacks y_train\n"
            "    found: x_train, x_test, y_test\n"
            "    needed: x_train, y_train and, or not, x_test, y_test",
        ),
        (
            {"y_test": None},
            "small.npz lacks y_test\n"
            "    found: x_train, y_train, x_test\n"
            "    needed: x_train, y_train and, or not, x_test, y_test",
        ),
        (
            {"x_val": noise(2, 4, 4), "a\x1b": noise(1)},
            "small.npz holds arrays that would not be read: x_val, a\ufffd\n"
            "    allowed: x_train, y_train, x_test, y_test\n"
            "    save the file without the others",
        ),
        (
            {"x_train": noise(6, 4, 4).astype(np.uint16)},
            "small.npz: x_train does not hold images\n"
            f"    found: uint16 (6, 4, 4)\n    {NEEDED}\n    {BYTES}",
        ),
        (
            {"x_test": noise(4, 4, 4) / 255},
            "small.npz: x_test does not hold images\n"
            f"    found: float64 (4, 4, 4)\n    {NEEDED}\n    {BYTES}",
        ),
        (
            {"x_train": noise(6, 16)},
            f"small.npz: x_train does not hold images\n    found: uint8 (6, 16)\n    {NEEDED}",
        ),
        (
            {"x_train": noise(6, 4, 4, 4)},
            f"small.npz: x_train does not hold images\n    found: uint8 (6, 4, 4, 4)\n    {NEEDED}",
        ),
        (
            {"x_train": noise(0, 4, 4)},
            f"small.npz: x_train does not hold images\n    found: uint8 (0, 4, 4)\n    {NEEDED}",
        ),
        (
            {"x_test": noise(4, 5, 4)},
            "small.npz: x_test has other images than x_train\n"
            "    found: uint8 (4, 5, 4) beside uint8 (6, 4, 4)\n"
            "    needed: the same height, width and channels, or image_size and color_mode",
        ),
        (
            {"y_train": np.array([0, 1, 0, 1, 0])},
            "small.npz: y_train does not hold the labels of x_train\n"
            f"    found: int64 (5,)\n{LABELS}",
        ),
        (
            {"y_train": np.array([True, False] * 3)},
            "small.npz: y_train does not hold the labels of x_train\n"
            f"    found: bool (6,)\n{LABELS}",
        ),
        (
            {"y_train": np.array(["cat", "dog"] * 3)},
            "small.npz: y_train does not hold the labels of x_train\n"
            f"    found: <U3 (6,)\n{LABELS}",
        ),
        (
            {"y_test": np.array([0, "x", 1, None], dtype=object)},
            "small.npz: y_test holds pickled objects, which are never read\n"
            "    needed: whole numbers; save it with an integer type",
        ),
        (
            {"y_train": np.array([0, 1, -3, 1, -1, 0])},
            "small.npz: y_train has labels out of range\n"
            "    found: -3 at 2, 2 in all\n"
            "    allowed: 0 .. 9999",
        ),
        (
            {"y_train": np.array([0, 1, 2**63, 1, 1, 0], dtype=np.uint64)},
            "small.npz: y_train has labels out of range\n"
            "    found: 9223372036854775808 at 2, 1 in all\n"
            "    allowed: 0 .. 9999",
        ),
        (
            {"y_test": np.array([0, 1, 1, 2])},
            "small.npz: y_test has labels out of range\n"
            "    found: 2 at 3, 1 in all\n"
            "    allowed: 0 .. 1",
        ),
        (
            {"y_train": np.array([0, 1, 4, 1, 1, 0])},
            "small.npz: y_train has no example of class 2\n"
            f"    found: 2 of the classes 0 .. 4 without an example\n    {EVERY_CLASS}",
        ),
        (
            {"y_test": np.array([1, 1, 1, 1])},
            "small.npz: y_test has no example of class 0\n"
            f"    found: 1 of the classes 0 .. 1 without an example\n    {EVERY_CLASS}",
        ),
        (
            {"y_train": np.zeros(6, dtype=np.int64)},
            "small.npz: y_train needs at least two classes\n"
            "    found: 0 everywhere\n"
            "    number the classes from 0; one alone cannot be told from another",
        ),
        (
            {"y_train": np.array([1, 2] * 3)},
            "small.npz: y_train has no example of class 0\n"
            f"    found: 1 of the classes 0 .. 2 without an example\n    {EVERY_CLASS}",
        ),
        (
            {"y_train": np.eye(2)[[0, 1] * 3]},
            "small.npz: y_train does not hold the labels of x_train\n"
            f"    found: float64 (6, 2)\n{LABELS}",
        ),
    ],
)
def test_refused_arrays(facts_of, tmp_path, changes, message):
    with pytest.raises(DataError) as caught:
        facts_of(changes)
    assert told(caught.value, tmp_path) == message


def test_sizes_of_train_and_test_may_differ_before_image_size(facts_of):
    sized = NPZ.model_copy(update={"image_size": (8, 8)})
    assert facts_of({"x_test": noise(4, 5, 4)}, sized).input_shape == (8, 8, 1)


def test_a_file_of_another_kind(tmp_path):
    path = save(tmp_path / "photo.png", noise(3, 5))
    with pytest.raises(DataError) as caught:
        read_facts(path, NPZ)
    assert told(caught.value, tmp_path) == (
        "photo.png is neither an .npz file nor a folder\n"
        "    needed: x_train, y_train in an .npz, or a folder of images per class"
    )


def test_sixteen_bits_are_refused_at_a_glance(facts_of, tmp_path):
    folder_of(tmp_path / "photos", ["a/1.png", "b/1.png"])
    (tmp_path / "photos" / "a" / "0.png").write_bytes(png(5, 3, 16, 0))
    with pytest.raises(DataError) as caught:
        read_facts(tmp_path / "photos", PHOTOS)
    assert told(caught.value, tmp_path) == (
        "photos/a/0.png has more than 8 bits per channel\n"
        "    allowed: 8 bits\n"
        "    save it with 8 bits a channel; which 8 of its bits count is yours to decide"
    )


def test_more_than_memory_is_refused_by_the_header(facts_of, tmp_path, monkeypatch):
    monkeypatch.setattr("lenetml.spec.userdata.MAX_DATA_BYTES", 200)
    with pytest.raises(DataError) as caught:
        facts_of({})
    assert told(caught.value, tmp_path) == (
        "small.npz is too large: all of it is kept in memory\n"
        "    found: 0.0 GiB\n"
        "    allowed: 1.86265e-07 GiB; save smaller or fewer images"
    )


def test_more_than_memory_after_image_size(facts_of):
    huge = Data(path="small.npz", image_size=(100_000, 100_000))
    with pytest.raises(DataError) as caught:
        facts_of({}, huge)
    assert str(caught.value) == (
        "small.npz is too large: all images are kept in memory\n"
        "    found: 10 images of 100000 x 100000 x 1, 93.1 GiB\n"
        "    allowed: 2 GiB; image_size makes images smaller"
    )


def test_neither_numpy_nor_pillow_is_loaded(tmp_path):
    np.savez(tmp_path / "small.npz", **small_arrays())
    folder_of(tmp_path / "photos", ["a/1.png", "b/1.png"])
    code = (
        "import sys; from pathlib import Path; from lenetml.spec.sections import Data;"
        "from lenetml.spec.userdata import read_facts;"
        "[print(read_facts(Path(p), Data(path=p)).pool) for p in sys.argv[1:]];"
        "print({'numpy', 'PIL'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "small.npz", tmp_path / "photos"],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["6", "2", "set()"]
