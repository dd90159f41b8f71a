"""Which images a folder holds."""

from __future__ import annotations

import os
import unicodedata

import pytest
from drawings import told

from lenetml.errors import DataError
from lenetml.spec.imagefiles import list_images, listed, shown

LAYOUT = "    allowed: one folder of images per class, or train and test with one per class in each"
SUFFIXES = "    allowed: .bmp, .gif, .jpeg, .jpg, .png, .tif, .tiff, .webp"


def touch(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def test_a_folder_per_class_sorted_by_name(tmp_path):
    root = touch(tmp_path, "dog/b.PNG", "dog/a.jpeg", "cat/10.gif", "cat/9.webp", "Ape/x.tif")
    images = list_images(root)
    assert images.classes == ("Ape", "cat", "dog")
    assert [(file.name, file.label) for file in images.pool] == [
        ("Ape/x.tif", 0),
        ("cat/10.gif", 1),
        ("cat/9.webp", 1),
        ("dog/a.jpeg", 2),
        ("dog/b.PNG", 2),
    ]
    assert images.pool[0].path == root / "Ape" / "x.tif"
    assert images.own_test is None


def test_train_and_test(tmp_path):
    root = touch(tmp_path, "train/a/1.png", "train/b/2.png", "test/b/3.png", "test/a/4.png")
    images = list_images(root)
    assert [file.name for file in images.pool] == ["train/a/1.png", "train/b/2.png"]
    assert [(file.name, file.label) for file in images.own_test] == [
        ("test/a/4.png", 0),
        ("test/b/3.png", 1),
    ]


def test_one_of_train_and_test_alone_is_a_class(tmp_path):
    images = list_images(touch(tmp_path, "train/1.png", "tram/2.png"))
    assert images.classes == ("train", "tram")


def test_hidden_files_are_passed_over(tmp_path):
    root = touch(
        tmp_path, "a/1.png", "b/2.png", ".DS_Store", ".git/x", "a/._1.png", "b/Thumbs.db",
        "__MACOSX/a/._1.png", "b/@eaDir/2.png", "b/Icon\r", "desktop.ini",
    )  # fmt: skip
    assert [file.name for file in list_images(root).pool] == ["a/1.png", "b/2.png"]


def test_names_are_composed(tmp_path):
    apart = unicodedata.normalize("NFD", "maçã")
    images = list_images(touch(tmp_path, f"{apart}/1.png", "mal/2.png", "maz/3.png"))
    assert images.classes == ("mal", "maz", "maçã")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ["a/1.png", "b/2.png", "readme.md"],
            f"photos/readme.md is a file where only folders belong\n{LAYOUT}\n"
            "    move it away, or into the folder of its class",
        ),
        (
            ["a/1.png", "b/1.png", "b/notes.txt"],
            f"photos/b/notes.txt is no image that can be read\n{SUFFIXES}\n"
            "    move it out of photos/b, or save images as one of these kinds",
        ),
        (
            ["a/1.png", "b/1.HEIC", "b/2.heic", "b/img"],
            f"photos/b/1.HEIC is no image that can be read\n{SUFFIXES}\n"
            "    move it and 2 more out of photos/b, or save images as one of these kinds",
        ),
        (
            ["extracted/a/1.png", "extracted/b/2.png"],
            f"photos/extracted/a is a folder where only images belong\n{LAYOUT}\n"
            "    if the folders in photos/extracted are the classes, let path lead there",
        ),
        (
            ["Train/a/1.png", "Train/b/1.png", "Test/a/1.png", "Test/b/1.png"],
            f"photos/Test/a is a folder where only images belong\n{LAYOUT}\n"
            "    name the folders train and test, in small letters",
        ),
        (
            ["a/1.png", "b/.hidden"],
            f"photos/b holds no image\n{SUFFIXES}\n"
            "    put images of the class there, or remove the folder",
        ),
        (["a/1.png"], f"photos needs at least two classes\n    found: a\n{LAYOUT}"),
        ([".x"], f"photos needs at least two classes\n    found: none\n{LAYOUT}"),
        (
            ["train/a/1.png", "train/b/1.png", "test/a/1.png", "test/b/1.png", "val/a/1.png"],
            f"photos/val stands beside train and test\n{LAYOUT}\n"
            "    move it away, or its images into train: the split takes the validation part there",
        ),
        (
            ["train/a/1.png", "train/b/1.png", "train/c/1.png", "test/a/1.png", "test/b/1.png"],
            "photos/test lacks the class c\n"
            "    found: a, b\n"
            "    needed: the same classes in train and test",
        ),
        (
            ["train/a/1.png", "train/b/1.png", "test/a/1.png", "test/b/1.png", "test/c/1.png"],
            "photos/train lacks the class c\n"
            "    found: a, b\n"
            "    needed: the same classes in train and test",
        ),
        (
            ["a\n/1.png", "b/2.png"],
            "photos/a\ufffd cannot be the name of a class\n"
            "    some of its characters cannot be seen; name the folder anew",
        ),
        (
            [unicodedata.normalize(form, "maçã/1.png") for form in ("NFC", "NFD")],
            "photos has two folders for the class maçã\n"
            "    their names differ only in how an accent is stored; make them one folder",
        ),
    ],
)
def test_refused_layouts(tmp_path, names, message):
    with pytest.raises(DataError) as caught:
        list_images(touch(tmp_path / "photos", *names))
    assert told(caught.value, tmp_path) == message


def test_links_stay_inside(tmp_path):
    root = touch(tmp_path / "photos", "a/1.png", "b/2.png")
    (root / "b" / "3.png").symlink_to(root / "a" / "1.png")
    assert [file.name for file in list_images(root).pool] == ["a/1.png", "b/2.png", "b/3.png"]
    outside = touch(tmp_path, "else/4.png")
    (root / "c").symlink_to(outside / "else", target_is_directory=True)
    with pytest.raises(DataError) as caught:
        list_images(root)
    assert told(caught.value, tmp_path) == (
        "photos/c is a link that leads out of photos\n    put the images themselves there"
    )


@pytest.mark.parametrize("target", ["../gone.png", "0.png"])
def test_a_link_to_nothing_or_to_itself(tmp_path, target):
    root = touch(tmp_path / "photos", "a/1.png", "b/2.png")
    (root / "a" / "0.png").symlink_to(target)
    with pytest.raises(DataError) as caught:
        list_images(root)
    assert told(caught.value, tmp_path) == "photos/a/0.png is a link to nothing\n    remove it"


@pytest.mark.parametrize("place", ["a/up", "up"])
def test_a_link_that_leads_in_a_circle_ends(tmp_path, place):
    root = touch(tmp_path / "photos", "a/1.png", "b/2.png")
    (root / place).symlink_to(root, target_is_directory=True)
    with pytest.raises(DataError, match="is a folder where only images belong"):
        list_images(root)


def test_a_pipe_is_not_waited_for(tmp_path):
    root = touch(tmp_path / "photos", "a/1.png", "b/2.png")
    os.mkfifo(root / "b" / "pipe.png")
    with pytest.raises(DataError) as caught:
        list_images(root)
    assert told(caught.value, tmp_path) == (
        "photos/b/pipe.png is neither a file nor a folder\n    remove it"
    )


def test_names_of_any_letters(tmp_path):
    names = ["big cat/a b.png", "big cat/-x.png", 'ü "q"/%s.png', 'ü "q"/new\nline.png']
    images = list_images(touch(tmp_path, *names))
    assert images.classes == ("big cat", 'ü "q"')
    assert [file.name for file in images.pool] == [
        "big cat/-x.png",
        "big cat/a b.png",
        'ü "q"/%s.png',
        'ü "q"/new\ufffdline.png',
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_must_not_be_read(tmp_path):
    root = touch(tmp_path / "photos", "a/1.png", "b/2.png")
    (root / "b").chmod(0)
    with pytest.raises(DataError) as caught:
        list_images(root)
    (root / "b").chmod(0o700)
    assert told(caught.value, tmp_path) == "photos/b cannot be read\n    Permission denied"


def test_a_folder_that_cannot_be_read(tmp_path):
    with pytest.raises(DataError) as caught:
        list_images(tmp_path / "gone")
    assert told(caught.value, tmp_path) == "gone cannot be read\n    No such file or directory"


def test_what_cannot_be_seen_becomes_visible():
    assert shown("a\x1b[31m\udcff.png") == "a\ufffd[31m\ufffd.png"


def test_a_list_of_names_is_cut_short():
    assert listed("abcde") == "a, b, c, d, e"
    assert listed(["a\x1b", *"bcdefg"]) == "a\ufffd, b, c, d, e and 2 more"
