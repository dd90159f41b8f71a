"""The journal: every event whole and in order, any damage noticed, one holder at a time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenetml.errors import FolderError
from lenetml.search.journal import JOURNAL_NAME, Journal, Torn, encode, read_journal, refuse_if_held

EVENTS = [
    {"event": "search_started", "name": "números", "at": "2026-01-31T12:00:00+00:00"},
    {"event": "asked", "trial": 1, "values": {"activation": "relu", "conv": [18, 0.1]}},
    {"event": "trial_started", "trial": 1, "seed": 4711},
    {"event": "trial_ended", "number": 1, "status": "completed", "objective": 0.9},
    {"event": "asked", "trial": 2, "values": {"activation": "a\nb\r\u2028c", "conv": [36, 0.2]}},
    {"event": "trial_started", "trial": 2, "seed": 4712},
    {"event": "trial_ended", "number": 2, "status": "failed", "objective": None},
    {"event": "search_ended", "reason": "trials"},
    {"event": "test_opened", "look": 1},
    {"event": "finished", "winner": 1},
]
# Holds a journal until it is told to end, or killed.
HOLDER = """
import sys
from pathlib import Path
from lenetml.search.journal import Journal, Torn
with Journal(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
TRIER = """
import sys
from pathlib import Path
from lenetml.errors import FolderError
from lenetml.search.journal import Journal, Torn
try:
    Journal(Path(sys.argv[1]))
except FolderError as error:
    print(error)
"""
# Appends to a journal that may grow by 20 bytes, and then by as much as it takes.
CUT_SHORT = """
import resource, signal, sys
from pathlib import Path
from lenetml.errors import FolderError
from lenetml.search.journal import Journal, Torn
path = Path(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20, resource.RLIM_INFINITY))
with Journal(path) as journal:
    try:
        journal.append("asked", trial=3, values={"units": 300})
    except FolderError as error:
        print(error, flush=True)
    sys.stdin.readline()
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    journal.append("mirrored")
"""

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner),
    max_leaves=8,
)  # fmt: skip


@pytest.fixture
def path(tmp_path):
    """A journal of ten events."""
    path = tmp_path / JOURNAL_NAME
    with Journal(path) as journal:
        for event in EVENTS:
            journal.append(**event)
    return path


def child(code, path):
    return subprocess.Popen(
        [sys.executable, "-c", code, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_events_come_back_in_order(path):
    assert read_journal(path) == EVENTS


def test_each_line_is_the_checksum_and_the_event(path):
    lines = path.read_bytes().split(b"\n")
    assert lines.pop() == b""
    assert len(lines) == len(EVENTS)
    for line, event in zip(lines, EVENTS, strict=True):
        assert line[:8] == b"%08x" % zlib.crc32(line[9:])
        assert line[8:9] == b" "
        assert json.loads(line[9:]) == event


def test_a_second_journal_goes_on(path):
    with Journal(path) as journal:
        journal.append("mirrored")
    assert read_journal(path) == [*EVENTS, {"event": "mirrored"}]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_not_finite_is_not_written(path, value):
    with Journal(path) as journal, pytest.raises(ValueError, match="not JSON compliant"):
        journal.append("trial_ended", objective=value)
    assert read_journal(path) == EVENTS


@given(st.dictionaries(st.text("abcdef", min_size=1), VALUES))
def test_any_plain_event_is_one_line_and_comes_back(facts):
    line = encode(facts)
    assert line.count(b"\n") == 1
    assert b"\r" not in line
    assert json.loads(line[9:]) == facts


def test_any_flipped_byte_is_noticed_with_its_line(path):
    content = path.read_bytes()
    n_lines = content.count(b"\n")
    for position in range(len(content)):
        for flip in (0x01, 0x20, 0xFF):
            damaged = bytearray(content)
            damaged[position] ^= flip
            path.write_bytes(damaged)
            line = content.count(b"\n", 0, position) + 1
            if line == n_lines or (
                line == n_lines - 1 and content[position : position + 1] == b"\n"
            ):
                # The last line may as well have been cut short when the machine stopped; without
                # the end of the line before, the two are one.
                with Journal(path) as journal:
                    assert (journal.events, journal.torn.line) == (EVENTS[: line - 1], line)
                continue
            with pytest.raises(FolderError) as caught:
                Journal(path)
            assert caught.value.message == f"{path}:{line}: this line is damaged"
            assert path.read_bytes() == bytes(damaged)


def test_a_torn_last_line_is_dropped_and_named_wherever_it_is_cut(path):
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        n_whole = content.count(b"\n", 0, length)
        n_torn = length - (content.rfind(b"\n", 0, length) + 1)
        with Journal(path) as journal:
            assert journal.events == EVENTS[:n_whole]
            assert journal.torn == (Torn(n_whole + 1, n_torn) if n_torn else None)
            journal.append("mirrored")
        assert read_journal(path) == [*EVENTS[:n_whole], {"event": "mirrored"}]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_is_said_plainly():
    with Journal(Path("/dev/full")) as journal, pytest.raises(FolderError) as caught:
        journal.append("asked")
    assert str(caught.value) == "/dev/full cannot be written: No space left on device"


def test_a_line_that_is_cut_by_the_disk_is_said_plainly_and_taken_back(path):
    """A limit on the size of files stands for a disk that fills up amid a line."""
    cut_short = child(CUT_SHORT, path)
    assert cut_short.stdout.readline() == f"{path} cannot be written: No space left on device\n"
    assert read_journal(path) == EVENTS
    cut_short.communicate("\n")
    assert read_journal(path) == [*EVENTS, {"event": "mirrored"}]


def test_a_second_holder_is_refused(path):
    in_use = (
        f"{path.parent} is in use\n"
        "    another lenetml writes there; wait until it ends, or give --out"
    )
    with Journal(path), pytest.raises(FolderError) as caught:
        Journal(path)
    assert str(caught.value) == in_use


def test_the_holder_is_named(path):
    with Journal(path) as journal:
        journal.append("search_continued", pid=4711)
        with pytest.raises(FolderError) as caught:
            refuse_if_held(path)
    assert caught.value.notes == (
        "the lenetml of process 4711 writes there; wait until it ends, or give --out",
    )


def test_a_second_holder_is_refused_in_another_process(path):
    in_use = (
        f"{path.parent} is in use\n"
        "    another lenetml writes there; wait until it ends, or give --out"
    )
    with Journal(path):
        assert child(TRIER, path).communicate()[0] == f"{in_use}\n"
    assert child(TRIER, path).communicate()[0] == ""


def test_a_held_journal_is_recognized_and_a_free_one_not_touched(path):
    with Journal(path), pytest.raises(FolderError, match="is in use"):
        refuse_if_held(path)
    path.chmod(0o444)
    before = path.stat()
    refuse_if_held(path)
    assert (path.stat().st_mtime_ns, path.stat().st_size) == (before.st_mtime_ns, before.st_size)


def test_a_killed_holder_frees_the_journal(path):
    holder = child(HOLDER, path)
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(FolderError):
        Journal(path)
    os.kill(holder.pid, signal.SIGKILL)
    holder.communicate()
    with Journal(path) as journal:
        journal.append("mirrored")
    assert read_journal(path) == [*EVENTS, {"event": "mirrored"}]


def test_events_tell_what_clocks_show_and_one_on_the_way_out_of_an_error_too(tmp_path):
    shown = iter([1.5, 2.5, 3.5, 4.5])
    with Journal(tmp_path / JOURNAL_NAME) as journal:
        with journal.timed(seconds=lambda: next(shown)):
            journal.note("a")
            journal.append("b", number=1)
            journal.append("c")
        journal.append("d")
        with pytest.raises(ZeroDivisionError), journal.timed(seconds=lambda: next(shown)):
            raise ZeroDivisionError
        journal.append("e")
    told = [(event["event"], event.get("seconds")) for event in read_journal(journal.path)]
    assert told == [("a", None), ("b", 1.5), ("c", 2.5), ("d", None), ("e", 3.5)]
