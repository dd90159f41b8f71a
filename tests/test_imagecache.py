"""Kept images: found again, or read anew; never wrong, never in the way."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from drawings import noise

from lenetml.trial import imagecache

IMAGES = noise(5, 3, 4, 1)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "lenetml"


def test_what_was_kept_is_found(folder):
    assert imagecache.find("key") is None
    imagecache.keep("key", IMAGES)
    assert np.array_equal(imagecache.find("key"), IMAGES)
    assert imagecache.find("other") is None
    assert [path.name for path in folder.iterdir()] == ["key.images"]


def test_every_flipped_byte_and_every_cut_is_noticed(folder):
    imagecache.keep("key", IMAGES)
    path = folder / "key.images"
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place])
        assert imagecache.find("key") is None
        content = bytearray(whole)
        content[place] ^= 0x01
        path.write_bytes(content)
        found = imagecache.find("key")
        assert found is None or np.array_equal(found, IMAGES)
    path.write_bytes(whole + b"x")
    assert imagecache.find("key") is None


def test_an_entry_of_another_key_or_shape_is_not_believed(folder):
    imagecache.keep("key", IMAGES)
    whole = (folder / "key.images").read_bytes()
    (folder / "other.images").write_bytes(whole)
    assert imagecache.find("other") is None
    (folder / "key.images").write_bytes(whole.replace(b"[5, 3, 4, 1]", b"[5, 4, 3, 1]"))
    assert imagecache.find("key") is None


def test_a_damaged_entry_is_kept_anew(folder):
    imagecache.keep("key", IMAGES)
    (folder / "key.images").write_bytes(b"")
    imagecache.keep("key", IMAGES)
    assert np.array_equal(imagecache.find("key"), IMAGES)


def test_the_entries_longest_unused_go_first(folder, monkeypatch):
    for age, key in enumerate(["first", "second", "third"]):
        imagecache.keep(key, IMAGES)
        os.utime(folder / f"{key}.images", (1000 + age, 1000 + age))
    imagecache.find("first")
    size = (folder / "first.images").stat().st_size
    monkeypatch.setattr(imagecache, "MAX_CACHE_BYTES", 2 * size + 1)
    imagecache.keep("fourth", IMAGES)
    assert {path.stem for path in folder.iterdir()} == {"first", "fourth"}


def test_a_folder_that_cannot_be_written_does_no_harm(folder):
    folder.write_text("a file where the folder should be")
    imagecache.keep("key", IMAGES)
    assert imagecache.find("key") is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_does_no_harm(folder):
    imagecache.keep("key", IMAGES)
    folder.chmod(0o500)
    imagecache.keep("other", IMAGES)
    assert imagecache.find("other") is None
    assert np.array_equal(imagecache.find("key"), IMAGES)
    folder.chmod(0o700)


@pytest.mark.parametrize(
    ("platform", "expected"), [("linux", ".cache/lenetml"), ("darwin", "Library/Caches/lenetml")]
)
def test_where_the_cache_is(monkeypatch, platform, expected):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv("HOME", "/home/someone")
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
    assert imagecache.cache_folder() == Path("/home/someone", expected)
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert imagecache.cache_folder() == Path("/caches/lenetml")
