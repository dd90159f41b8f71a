"""What can go wrong in a way that the user can mend, drawn as a tree.

    LenetmlError
    ├── SpecError         1  the spec is not right; holds every problem found
    ├── DataError         1  the data are not right: file and place
    ├── FolderError       1  the folder of a run is damaged, foreign or busy
    ├── CardError         1  a card is not that of its record, or lacks texts of its authors
    ├── UsageError        2  wrong usage, or a file that is not there
    ├── MissingError      3  something is not installed or not reachable
    ├── SearchError       4  no trial succeeded
    ├── Interrupted     130  the user wanted an end; a run goes on with the same command
    └── TrialError        -  one trial cannot go on; the search records the reason and continues

The number is the exit code. The command line catches this tree and nothing else: any other
exception is a bug of lenetml and keeps its traceback.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from lenetml.spec.problems import Problem


class LenetmlError(Exception):
    """An error that the user can act on.

    Args:
        message: What is wrong and where, in one sentence.
        *notes: What was found, what is allowed, what to do: one line each.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *notes: str) -> None:
        super().__init__(message)
        self.message = message
        self.notes = notes

    def __str__(self) -> str:
        return "\n".join([self.message, *(f"    {note}" for note in self.notes)])


class SpecError(LenetmlError):
    """A spec has problems; `problems` holds all of them, in order of line."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class DataError(LenetmlError):
    """The data are not as they must be."""


class FolderError(LenetmlError):
    """The folder of a run cannot be used."""


class CardError(LenetmlError):
    """A card is not that of its record, or lacks what only its authors can say."""


class UsageError(LenetmlError):
    """Wrong usage, or a file that is not there."""

    exit_code = 2


class MissingError(LenetmlError):
    """Something is not installed or not reachable; the notes say how to get it."""

    exit_code = 3


class SearchError(LenetmlError):
    """No trial of a search succeeded."""

    exit_code = 4


class Interrupted(LenetmlError):
    """The user wanted an end, and everything ended in order."""

    exit_code = 130


class TrialError(LenetmlError):
    """One trial cannot go on.

    Args:
        reason: A short word for the journal: `non_finite`, `out_of_memory`, `infeasible`.
        message: What happened, in one sentence.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@contextmanager
def plain_faults() -> Iterator[None]:
    """Make a full disk, or a file that must not be touched, an error that the user can act on.

    Raises:
        FolderError: Names the file where the system does.
    """
    try:
        yield
    except OSError as error:
        if not (isinstance(error, PermissionError) or error.errno == errno.ENOSPC):
            raise
        place = f"{error.filename}: " if error.filename else ""
        raise FolderError(f"{place}{error.strerror}") from None
