"""The mirror of a run that is over: what W&B does not know yet of its trials and its winner."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lenetml.errors import UsageError
from lenetml.folder import is_of_last_life
from lenetml.lives import first_event, identity_of, spec_of_run
from lenetml.mirror.ledger import Ledger
from lenetml.mirror.live import Mirror, open_mirror
from lenetml.mirror.told import tell_evaluation, tell_trial
from lenetml.record import RECORD_NAME, Record, TrialRecord, read_record, write_record
from lenetml.report.card import write_cards
from lenetml.search.journal import JOURNAL_NAME, Journal
from lenetml.spec import load_spec
from lenetml.spec.sections import Wandb

Event = Mapping[str, Any]
Warn = Callable[[str], None]


@dataclass(frozen=True)
class Mirrored:
    """What W&B has of a run now.

    Args:
        folder: Of the run.
        project: W&B's.
        n_told: Runs that were told just now.
        n_sent: Runs that W&B's server has.
        n_kept: Runs that wait in the folder.
        fault: What went wrong with W&B, where something did.
    """

    folder: Path
    project: str
    n_told: int
    n_sent: int
    n_kept: int
    fault: str | None


def mirror_run(
    folder: Path, spec: Path | None, stage: Callable[[str], None], warn: Warn
) -> Mirrored:
    """Send, or complete, the mirror of a finished or interrupted run; each run of W&B's once.

    Args:
        folder: Of the run.
        spec: A spec of this run, whose `wandb` section counts; None: the run's own.
        stage: Is told what begins.
        warn: Takes the one warning that there may be.

    Raises:
        UsageError: No `wandb` section asks for a mirror, or the spec is not that of the run.
        FolderError: The folder holds no run, or a run that goes on just now.
        SpecError: The spec is not right.
    """
    first = first_event(folder)
    section = _section_of(folder, spec, first)
    with Journal(folder / JOURNAL_NAME) as journal:
        ledger = Ledger(journal.events, journal.append)
        with closing(
            open_mirror(section, folder, first["name"], identity_of(first), ledger, warn)
        ) as mirror:
            unknown = [
                told
                for told in map(tell_trial, _trials_of(journal.events))
                if not mirror.knows(told)
            ]
            for number, told in enumerate(unknown, start=1):
                stage(f"{first['name']}: telling W&B of trial {number} of {len(unknown)}")
                mirror.tell(told)
            if (record := _record_of(folder)) is not None:
                stage(f"{first['name']}: telling W&B of the evaluation")
                _tell_winner(mirror, folder, _renew(mirror, section, folder, record))
            n_sent, n_kept = mirror.counts()
            fault = mirror.fault
    return Mirrored(folder, section.project, ledger.n_added, n_sent, n_kept, fault)


def mirror_winner(
    section: Wandb | None, folder: Path, record: Record, ledger: Ledger, warn: Warn
) -> None:
    """Tell W&B of the evaluation, where its trials were told, in the same mode.

    Args:
        section: Of the spec.
        folder: Of the run, with its cards.
        record: Of the run.
        ledger: What W&B was told already.
        warn: Takes the one warning that there may be.
    """
    if section is None or record.mirror is None or record.mirror.mode is None:
        return
    section = section.model_copy(update={"mode": record.mirror.mode})
    identity = identity_of(first_event(folder))
    with closing(open_mirror(section, folder, record.name, identity, ledger, warn)) as mirror:
        _tell_winner(mirror, folder, record)


def _tell_winner(mirror: Mirror, folder: Path, record: Record) -> None:
    told = tell_evaluation(record, folder)
    if not mirror.knows(told):
        mirror.tell(told)


def _renew(mirror: Mirror, section: Wandb, folder: Path, record: Record) -> Record:
    """Put into record and cards what W&B has now, and the section that asked for it."""
    changes = {
        "mirror": mirror.outcome(record.best.number),
        "spec": {**record.spec, "wandb": section.model_dump(mode="json", exclude_none=True)},
    }
    renewed = record.model_copy(update=changes)
    if renewed != record:
        write_record(renewed, folder)
        write_cards(folder, renewed)
    return renewed


def _record_of(folder: Path) -> Record | None:
    """The record, where the search did not go on behind it."""
    if not (folder / RECORD_NAME).exists():
        return None
    record = read_record(folder)
    return record if is_of_last_life(folder, record) else None


def _trials_of(events: Sequence[Event]) -> list[TrialRecord]:
    """The latest record of each trial that ended, or ended for now, in order."""
    latest = {
        event["record"]["number"]: event["record"]
        for event in events
        if event["event"] == "trial_ended"
    }
    return [TrialRecord.model_validate(latest[number]) for number in sorted(latest)]


def _section_of(folder: Path, given: Path | None, first: Event) -> Wandb:
    """The section that asks for the mirror."""
    section: Wandb | None
    if given is None and (folder / RECORD_NAME).exists():
        written = read_record(folder).spec.get("wandb")
        section = written and Wandb.model_validate(written)
    else:
        path, overrides = spec_of_run(folder)
        spec = load_spec(given or path, overrides)
        if spec.result_hash(first["fingerprint"]) != first["spec_sha256"]:
            raise UsageError(f"{spec.path} is not the spec of {folder}")
        section = spec.document.wandb
    if section is None or section.mode == "disabled":
        raise UsageError(
            f"{folder}: its spec asks for no W&B mirror",
            "add a section such as `wandb: {project: NAME}` to the spec, and give it: "
            "lenetml mirror RUN --spec SPEC",
        )
    return section
