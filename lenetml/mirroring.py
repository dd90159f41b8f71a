"""The mirror of a run that is over: what W&B does not know yet of its trials and its winner."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lenetml.errors import SpecError, UsageError
from lenetml.files import read_unchanged
from lenetml.folder import MODEL_NAME, SPEC_NAME, is_of_last_life, settle
from lenetml.lives import first_event, identity_of, spec_of_run, tell_torn
from lenetml.mirror.ledger import Ledger
from lenetml.mirror.live import Mirror, open_mirror, wished_mode
from lenetml.mirror.told import EVALUATION, Told, tell_evaluation
from lenetml.record import RECORD_NAME, Record, TrialRecord, read_record, write_record
from lenetml.report.card import render_card, write_cards
from lenetml.search.journal import JOURNAL_NAME, Journal, refuse_if_held
from lenetml.spec import Spec, load_spec
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

    def on_trial(number: int, of: int) -> None:
        stage(f"{first['name']}: telling W&B of trial {number} of {of}")

    refuse_if_held(folder / JOURNAL_NAME)
    settle(folder)
    section = _section_of(folder, spec, first)
    with Journal(folder / JOURNAL_NAME) as journal:
        tell_torn(journal, warn)
        ledger = Ledger(journal.events, journal.append)
        with open_mirror(
            section, folder, first["name"], identity_of(first), ledger, warn
        ) as mirror:
            mirror.complete(_trials_of(journal.events), on_trial)
            if (record := _record_of(folder)) is not None:
                _tell_winner(mirror, folder, _renew(mirror, section, folder, record))
            n_sent, n_kept = mirror.counts()
            fault = mirror.fault
    return Mirrored(folder, section.project, ledger.n_added, n_sent, n_kept, fault)


def mirror_winner(
    section: Wandb | None, folder: Path, record: Record, ledger: Ledger, warn: Warn
) -> None:
    """Tell W&B of the evaluation, where its trials were told, and no more openly than these.

    Args:
        section: Of the spec.
        folder: Of the run, with its cards.
        record: Of the run.
        ledger: What W&B was told already.
        warn: Takes the one warning that there may be.
    """
    if section is None or record.mirror is None or record.mirror.mode is None:
        return
    known = ledger.entries.get(EVALUATION)
    with _evaluation(folder, record) as told:
        if known is not None and known.sha256 == told.sha256():
            return
    wished = wished_mode(section)
    if wished != "disabled" and record.mirror.mode == "offline":
        wished = "offline"
    section = section.model_copy(update={"mode": wished})
    identity = identity_of(first_event(folder))
    with open_mirror(section, folder, record.name, identity, ledger, warn) as mirror:
        _tell_winner(mirror, folder, record)


def complete_mirror(section: Wandb | None, folder: Path, record: Record, warn: Warn) -> None:
    """Tell W&B of the evaluation of a run that was finished before, where that was left undone.

    Args:
        section: Of the spec.
        folder: Of the run, with its cards.
        record: Of the run.
        warn: Takes the one warning that there may be.
    """
    if section is not None and record.mirror is not None:
        with Journal(folder / JOURNAL_NAME) as journal:
            ledger = Ledger(journal.events, journal.append)
            mirror_winner(section, folder, record, ledger, warn)


def _tell_winner(mirror: Mirror, folder: Path, record: Record) -> None:
    with _evaluation(folder, record) as told:
        if not mirror.knows(told):
            mirror.tell(told)


@contextmanager
def _evaluation(folder: Path, record: Record) -> Iterator[Told]:
    """What W&B is told of the winner; its cards leave out the command line, which is private."""
    read_unchanged(folder / MODEL_NAME, record.best.model_sha256)
    sent = record.model_copy(update={"command": ""})
    with TemporaryDirectory() as place:
        cards = [Path(place) / path.name for path in sorted(folder.glob("card.*.md"))]
        for card in cards:
            card.write_text(render_card(sent, card.name.split(".")[1]), encoding="utf-8")
        yield tell_evaluation(record, folder, cards)


def _renew(mirror: Mirror, section: Wandb, folder: Path, record: Record) -> Record:
    """Put into record and cards what W&B has now, and the section that asked for it."""
    changes = {
        "mirror": mirror.outcome(record.best.number),
        "spec": {**record.spec, "wandb": section.model_dump(mode="json", exclude_none=True)},
    }
    renewed = record.model_copy(update=changes)
    if renewed != record:
        write_record(renewed, folder)
    # A death between the two leaves cards behind their record.
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
    if given is None and (record := _record_of(folder)) is not None:
        written = record.spec.get("wandb")
        section = written and Wandb.model_validate(written)
    else:
        section = _spec_of(folder, given, first).document.wandb
    if section is not None and section.mode == "auto" and wished_mode(section) == "disabled":
        raise UsageError("WANDB_MODE is disabled", "unset it, or set it to online or offline")
    if section is None or section.mode == "disabled":
        raise UsageError(
            f"{folder}: its spec asks for no W&B mirror",
            "add a section such as `wandb: {project: NAME}` to the spec, and give it: "
            "lenetml mirror RUN --spec SPEC",
        )
    return section


def _spec_of(folder: Path, given: Path | None, first: Event) -> Spec:
    """The spec that is given, or the run's, or the copy in the folder where that was changed."""
    path, overrides = spec_of_run(folder)
    kept = folder / SPEC_NAME
    for each in [given] if given else [path, kept]:
        try:
            spec = load_spec(each, overrides)
        except SpecError:
            if each in (given, kept):
                raise
            continue
        if spec.result_hash(first["fingerprint"]) == first["spec_sha256"]:
            return spec
    raise UsageError(f"{given or kept} is not the spec of {folder}")
