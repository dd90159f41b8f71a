"""The journal: a search's only state. One event a line, `crc32 json`, in one synced write."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from lenetml.errors import FolderError

JOURNAL_NAME = "journal.jsonl"


@dataclass(frozen=True)
class Torn:
    """The last line of a journal, which was cut short.

    Args:
        line: Its number, from 1.
        n_bytes: What there was of it.
    """

    line: int
    n_bytes: int


class Journal:
    """The open journal of a run; only one process can hold it.

    Args:
        path: The file; made where it is not there.

    Attributes:
        events: What it held when it was opened.
        torn: The line that was dropped then; None: there was none.

    Raises:
        FolderError: Another process holds it, or it is damaged before its last line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._noted = b""
        self._clocks: Mapping[str, Callable[[], float]] = {}
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            _lock(self._file, fcntl.LOCK_EX, path)
            content = os.pread(self._file, os.fstat(self._file).st_size, 0)
            self.events, self.torn = decode(content, path)
            if self.torn:
                os.ftruncate(self._file, len(content) - self.torn.n_bytes)
        except FolderError:
            os.close(self._file)
            raise

    def note(self, event: str, **facts: Any) -> None:
        """Write an event with the next one: for what would be asked for again without it."""
        self._noted += encode({"event": event, **facts})

    @contextmanager
    def timed(self, **clocks: Callable[[], float]) -> Iterator[None]:
        """Have every event that is appended meanwhile tell what these clocks show."""
        self._clocks = clocks
        yield
        # Left by an exception, they go on: what is appended on the way out belongs to it.
        self._clocks = {}

    def append(self, event: str, **facts: Any) -> None:
        """Write one event, and those noted before it, and wait until they are on disk.

        Args:
            event: What happened, such as `trial_ended`.
            **facts: Plain values; numbers must be finite.

        Raises:
            FolderError: It cannot be written whole; the disk may be full. The journal is as it
                was before.
        """
        facts |= {name: clock() for name, clock in self._clocks.items()}
        lines = self._noted + encode({"event": event, **facts})
        length = os.fstat(self._file).st_size
        try:
            if os.write(self._file, lines) < len(lines):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(self._file)
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._file, length)
            raise FolderError(f"{self.path} cannot be written: {error.strerror}") from None
        self._noted = b""

    def close(self) -> None:
        """Close the file, which frees the lock."""
        os.close(self._file)

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def refuse_if_held(path: Path) -> None:
    """Refuse a journal that a process holds; it need not be writable.

    Raises:
        FolderError: Another process holds it.
    """
    with path.open("rb") as file:
        _lock(file.fileno(), fcntl.LOCK_SH, path)


def encode(event: Mapping[str, Any]) -> bytes:
    """One line of a journal."""
    text = json.dumps(event, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    return b"%08x " % zlib.crc32(text) + text + b"\n"


def read_journal(path: Path) -> list[dict[str, Any]]:
    """Read all events of a journal; a torn last line is none.

    Raises:
        FolderError: It is damaged before its last line; the first damaged line is named.
    """
    return decode(path.read_bytes(), path)[0]


def decode(content: bytes, path: Path) -> tuple[list[dict[str, Any]], Torn | None]:
    """Read the lines of a journal.

    A line is written with one call, so a machine that stops tears the last one at most: that one
    never counted. A line that is damaged elsewhere is no accident of writing.

    Args:
        content: Of the file.
        path: Its name, for the message.

    Raises:
        FolderError: A line before the last is damaged; the first one is named.
    """
    events = []
    lines = content.splitlines(keepends=True)
    for number, line in enumerate(lines, start=1):
        crc, _, text = line.partition(b" ")
        if line.endswith(b"\n") and crc == b"%08x" % zlib.crc32(text[:-1]):
            events.append(json.loads(text))
        elif number == len(lines):
            return events, Torn(number, len(line))
        else:
            raise FolderError(
                f"{path}:{number}: this line is damaged",
                "nothing was changed or deleted; what stands before it is whole",
                "put an intact copy in its place, or start over with --fresh",
            )
    return events, None


def _lock(file: int, kind: int, path: Path) -> None:
    """Lock an open journal; the kernel frees the lock when the process dies, however it dies."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        raise FolderError(
            f"{path.parent} is in use",
            f"{_holder(path)} writes there; wait until it ends, or give --out",
        ) from None


def _holder(path: Path) -> str:
    """Who holds a journal, by its last note of a process."""
    numbers = [event["pid"] for event in read_journal(path) if "pid" in event]
    return f"the lenetml of process {numbers[-1]}" if numbers else "another lenetml"
