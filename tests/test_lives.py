"""The starts of a run in its journal."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lenetml import __version__
from lenetml.errors import FolderError
from lenetml.lives import (
    begin_life,
    changed_versions,
    continuations,
    first_event,
    identity_of,
    spec_of_run,
)
from lenetml.record import Continuation
from lenetml.search.journal import Journal, read_journal


def begin(path, versions, corrected=0):
    with Journal(path) as journal:
        return begin_life(
            journal, "net", "specs/net.yaml", "ab" * 32, "cd" * 32, ["seed=3"], versions, corrected
        )


def test_the_first_start_says_what_is_run(tmp_path):
    path = tmp_path / "journal.jsonl"
    began = begin(path, {"numpy": "2.1"})
    assert read_journal(path) == [
        {
            "event": "search_started",
            "name": "net",
            "spec": "specs/net.yaml",
            "spec_sha256": "ab" * 32,
            "fingerprint": "cd" * 32,
            "overrides": ["seed=3"],
            "at": began,
            "pid": os.getpid(),
            "lenetml": __version__,
            "versions": {"numpy": "2.1"},
        }
    ]
    assert continuations(read_journal(path)) == []


def test_later_starts_say_what_is_other(tmp_path):
    path = tmp_path / "journal.jsonl"
    began = begin(path, {"numpy": "2.1", "keras": "3.1"})
    assert begin(path, {"numpy": "2.1", "keras": "3.1"}) == began
    assert begin(path, {"numpy": "2.2", "keras": "3.1"}, corrected=4) == began
    # What differs is told against the first start, not the one before.
    assert begin(path, {"numpy": "2.2", "keras": "3.1"}) == began
    events = read_journal(path)
    assert [event["event"] for event in events[1:]] == ["search_continued"] * 3
    changed = {"numpy": ["2.1", "2.2"]}
    told = [({}, 0), (changed, 4), (changed, 0)]
    assert continuations(events) == [
        Continuation(at=event["at"], changed_versions=changes, corrected_asks=corrected)
        for event, (changes, corrected) in zip(events[1:], told, strict=True)
    ]


def test_no_start():
    assert continuations([]) == []


@pytest.mark.parametrize(
    ("before", "now", "changes"),
    [
        ({}, {}, {}),
        ({"a": "1"}, {"a": "1"}, {}),
        ({"b": "1", "a": "1"}, {"b": "2", "a": "3"}, {"a": ["1", "3"], "b": ["1", "2"]}),
        ({"a": "1"}, {}, {"a": ["1", "none"]}),
        ({}, {"a": "1"}, {"a": ["none", "1"]}),
    ],
)
def test_changed_versions(before, now, changes):
    found = changed_versions(before, now)
    assert found == changes
    assert list(found) == sorted(found)


def test_what_a_run_is_known_by(tmp_path):
    path = tmp_path / "journal.jsonl"
    begin(path, {"numpy": "2.1"})
    identity = identity_of(first_event(tmp_path))
    begin(path, {"numpy": "2.2"})
    assert identity_of(first_event(tmp_path)) == identity
    other = first_event(tmp_path) | {"at": "another moment"}
    assert identity_of(other) != identity


def test_the_spec_of_a_run_is_the_given_one_or_the_copy(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    begin(tmp_path / "journal.jsonl", {})
    assert spec_of_run(tmp_path) == (tmp_path / "spec.yaml", ["seed=3"])
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "net.yaml").touch()
    assert spec_of_run(tmp_path) == (Path("specs/net.yaml"), ["seed=3"])


def test_a_folder_without_a_run(tmp_path):
    with pytest.raises(FolderError, match="holds no run"):
        spec_of_run(tmp_path)
