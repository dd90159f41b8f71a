"""The folder of a run: made new, recognized when finished, never overwritten or mixed."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lenetml.errors import FolderError
from lenetml.files import write_atomically
from lenetml.record import RECORD_NAME, Record, read_record, write_record
from lenetml.search.journal import JOURNAL_NAME, read_journal, refuse_if_held
from lenetml.search.keeping import trial_name

SPEC_NAME = "spec.yaml"
MODEL_NAME = "model.keras"
PENDING = "pending"
PLACES = {".npz": "predictions", ".png": "figures"}
LOOKS_NAME = "test-looks.jsonl"
HASH_LENGTH = 8


@dataclass(frozen=True)
class RunFolder:
    """A folder that is ready for a run, or holds a finished one.

    Args:
        path: `<out>/<name>-<hash>`.
        record: Of the finished run; None: it is new, or did not end.
    """

    path: Path
    record: Record | None

    @property
    def pending(self) -> Path:
        """Where files of the winner wait for the record that tells of them."""
        return self.path / PENDING

    def file(self, kind: str, name: str) -> Path:
        """Where `weights`, `predictions` or `states` of a training are kept."""
        return self.path / kind / f"{name}.npz"

    def trial_file(self, kind: str, number: int) -> Path:
        """Where `weights` or `predictions` of a trial are kept."""
        return self.file(kind, trial_name(number))


def open_folder(
    out: Path,
    name: str,
    spec_sha256: str,
    spec_text: str,
    start_over: str,
    *,
    fresh: bool,
    reuse: bool = False,
) -> RunFolder:
    """Make the folder of a run, or find it as an earlier life left it.

    Args:
        out: The folder of all runs; made where it is not there.
        name: The name of the spec.
        spec_sha256: The hash over what decides the result.
        spec_text: The spec as given; an earlier life's stays until this one begins.
        start_over: The command line that starts over, for advice.
        fresh: Start over; the old folder is kept under another name.
        reuse: Start over only where the old run did not end.

    Raises:
        FolderError: The folder holds something else, or a run that goes on just now, or it
            cannot be written.
    """
    path = out / f"{name}-{spec_sha256[:HASH_LENGTH]}"
    try:
        if path.is_symlink() or (path.exists() and not path.is_dir()):
            raise FolderError(f"{path} is not a folder of lenetml", "move it away, or give --out")
        if (path / JOURNAL_NAME).exists():
            refuse_if_held(path / JOURNAL_NAME)
        if fresh and path.exists() and not (reuse and _is_finished(path)):
            path.rename(_free_name(path))
        _refuse_links(path)
        record = _known_record(path, spec_sha256, start_over)
        if settle(path):
            record = read_record(path)
        if not (path / SPEC_NAME).exists():
            path.mkdir(parents=True, exist_ok=True)
            write_atomically(path / SPEC_NAME, spec_text.encode())
    except OSError as error:
        raise FolderError(f"{path} cannot be used: {error.strerror}", "give --out DIR") from None
    return RunFolder(path, record)


def make_ready(path: Path, spec_text: str | None = None) -> None:
    """Make what a life needs in the folder of its run.

    Args:
        path: Of the folder.
        spec_text: The spec as given now; None: it is that of the life before.

    Raises:
        FolderError: It cannot be written.
    """
    try:
        for kind in ("weights", "predictions", "states", PENDING):
            (path / kind).mkdir(exist_ok=True)
    except OSError as error:
        raise FolderError(f"{path} cannot be used: {error.strerror}") from None
    if spec_text is not None:
        write_atomically(path / SPEC_NAME, spec_text.encode())


def commit(path: Path, record: Record) -> None:
    """Keep a record and the files that wait for it: all of them, or none.

    So a run that is cut short shows a record and the network that it is about, the old ones or
    the new ones.

    Raises:
        FolderError: The record cannot be written.
    """
    (path / PENDING).mkdir(exist_ok=True)
    write_record(record, path / PENDING)
    settle(path)


def settle(path: Path) -> bool:
    """Put what waits for a record in its place where that is there, and drop it elsewhere.

    Returns:
        Whether there was a record.
    """
    pending = path / PENDING
    is_whole = (pending / RECORD_NAME).exists()
    # The record comes last: cut short before, the next life goes on here.
    waiting = sorted(pending.iterdir(), key=lambda it: it.name == RECORD_NAME) if is_whole else []
    for file in waiting:
        place = path / PLACES.get(file.suffix, "")
        place.mkdir(exist_ok=True)
        file.replace(place / file.name)
    shutil.rmtree(pending, ignore_errors=True)
    return is_whole


def is_of_last_life(path: Path, record: Record) -> bool:
    """Whether a run did not go on after its record was written."""
    events = read_journal(path / JOURNAL_NAME)
    n_lives = sum(event["event"] == "search_continued" for event in events)
    return bool(n_lives == len(record.search.continuations))


def drop_leftovers(path: Path, record: Record) -> None:
    """Delete what a finished run does not need.

    All of it stays where the journal goes on behind the record, or where more time would let the
    search go on from any of its trials; and weights as long as the test part is sealed.
    """
    if not is_of_last_life(path, record) or record.search.ended == "time_limit":
        return
    shutil.rmtree(path / "states", ignore_errors=True)
    if record.test is not None:
        shutil.rmtree(path / "weights", ignore_errors=True)


def note_look(
    out: Path, identity: str, fingerprint: str, run: str, winner: int, moment: str
) -> int:
    """Note, before it happens, that a test part is opened; a look that is noted stays the same.

    Args:
        out: The folder of all runs.
        identity: Of this look, as the run's journal has it.
        fingerprint: Of the test part.
        run: The name of the run's folder.
        winner: The number of the chosen trial.
        moment: Date and time, ISO 8601.

    Returns:
        Which look at this test part it is, from 1, as far as is recorded there.

    Raises:
        FolderError: The look cannot be noted.
    """
    path = out / LOOKS_NAME
    try:
        with path.open("a+b") as file:
            # Two runs that end at once must not both be the same look.
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            noted = file.read()
            looks = [_look_of(line) for line in noted.splitlines()]
            known: list[int] = [it["look"] for it in looks if it.get("id") == identity]
            if known:
                return known[0]
            look: int = 1 + sum(it.get("fingerprint") == fingerprint for it in looks)
            entry = {
                "id": identity,
                "fingerprint": fingerprint,
                "run": run,
                "winner": winner,
                "at": moment,
            }
            line = json.dumps(entry | {"look": look}).encode() + b"\n"
            is_torn = noted and not noted.endswith(b"\n")
            file.write(b"\n" + line if is_torn else line)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise FolderError(
            f"{path} cannot be written: {error.strerror}",
            "the test part stays closed until the look at it is noted there",
        ) from None
    return look


def _refuse_links(path: Path) -> None:
    """Refuse links in a run's folder, through which files elsewhere would be overwritten."""
    for folder, folders, files in os.walk(path):
        # W&B's SDK makes links of its own.
        if Path(folder) == path and "wandb" in folders:
            folders.remove("wandb")
        for name in (*folders, *files):
            if (Path(folder) / name).is_symlink():
                raise FolderError(f"{Path(folder) / name} is a link", "a run's folder holds none")


def _look_of(line: bytes) -> dict[str, Any]:
    """A line of the looks; a torn one is still a look, but nobody knows at what."""
    try:
        look = json.loads(line)
    except ValueError:
        return {}
    return look if isinstance(look, dict) else {}


def _is_finished(path: Path) -> bool:
    return any((place / RECORD_NAME).exists() for place in (path, path / PENDING))


def _known_record(path: Path, spec_sha256: str, start_over: str) -> Record | None:
    """The record of a folder that is there; None where it is new or its run did not end."""
    # The spec is written first; a life that was cut short meanwhile leaves its scratch file.
    if not path.exists() or all(it.name.startswith(f".{SPEC_NAME}.") for it in path.iterdir()):
        return None
    if not (path / SPEC_NAME).exists():
        raise FolderError(f"{path} holds something else", "move it away, or give --out")
    record = read_record(path) if (path / RECORD_NAME).exists() else None
    if record is None and not (path / PENDING / RECORD_NAME).exists() and _was_finished(path):
        raise FolderError(
            f"{path / RECORD_NAME} is gone, and the run was finished",
            f"put it back, or start over and keep the folder: {start_over}",
        )
    known = record.spec_sha256 if record else _hash_in_journal(path / JOURNAL_NAME)
    if known not in (None, spec_sha256):
        raise FolderError(
            f"{path} holds a run of another spec",
            "give --out for another folder of runs",
            f"or start over and keep it under another name: {start_over}",
        )
    if record and not (path / JOURNAL_NAME).exists():
        raise FolderError(
            f"{path / JOURNAL_NAME} is gone, and the record is there",
            f"put it back, or start over and keep the folder: {start_over}",
        )
    return record


def _hash_in_journal(path: Path) -> Any:
    """The hash that a search began with; None where there is no event yet."""
    events = read_journal(path) if path.exists() else []
    return events[0]["spec_sha256"] if events else None


def _was_finished(path: Path) -> bool:
    journal = path / JOURNAL_NAME
    events = read_journal(journal) if journal.exists() else []
    return any(event["event"] == "finished" for event in events)


def _free_name(path: Path) -> Path:
    number = 1
    while (free := path.with_name(f"{path.name}.old-{number}")).exists():
        number += 1
    return free
