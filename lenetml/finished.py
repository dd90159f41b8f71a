"""A finished run whose spec is run again: it goes on, or it is shown as it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from lenetml.evaluation import compare_baselines
from lenetml.facts import Finished, untested_baseline
from lenetml.files import read_unchanged, write_atomically
from lenetml.folder import MODEL_NAME, SPEC_NAME, RunFolder, commit, drop_leftovers
from lenetml.pictures import draw_pictures, lacks_pictures
from lenetml.record import BaselineRecord, Record, TestRecord, write_record
from lenetml.report.card import drop_cards, write_cards
from lenetml.report.page import renew_page
from lenetml.search.strategy import seconds_of
from lenetml.spec import Spec
from lenetml.trial.data import LoadedData
from lenetml.trial.energy import with_country


def wants_more(spec: Spec, record: Record) -> bool:
    """Whether a spec asks for more than its finished run did."""
    search = spec.document.search
    if spec.document.evaluation.seeds > len(record.seeds):
        return True
    if search is None:
        return False
    if record.search.ended == "time_limit":
        limit = seconds_of(search.time_limit)
        return limit is None or limit > record.search.seconds
    more_trials = search.trials is None or search.trials > record.search.trials_asked
    return more_trials and record.search.ended == "trials"


def tell_fewer(spec: Spec, record: Record, warn: Callable[[str], None]) -> None:
    """Say where a finished run has more than its spec asks for now."""
    search, name = spec.document.search, spec.document.name
    asked = {
        "trials": (search.trials if search else None, len(record.trials)),
        "seeds": (spec.document.evaluation.seeds, len(record.seeds)),
    }
    for what, (wanted, done) in asked.items():
        if wanted is not None and wanted < done:
            warn(f"{name} has {done} {what} already, and keeps them; the spec says {wanted}")


def show(
    spec: Spec, folder: Path, record: Record, others: Sequence[Finished], data: LoadedData
) -> Finished:
    """Give a finished run again; what does not decide its result may have been mended since.

    Args:
        spec: As given now.
        folder: Of the run.
        record: Of the run.
        others: Its baselines.
        data: Of all of them.

    Raises:
        FolderError: As `show_again`.
    """
    energy, section = record.energy, spec.document.energy
    if energy is not None and section is not None:
        energy = with_country(energy, section.country)
    changes = {"spec": spec.canonical(), "overrides": list(spec.overrides), "energy": energy}
    mended = record.model_copy(update=changes)
    if mended != record:
        write_record(mended, folder)
        write_atomically(folder / SPEC_NAME, spec.text.encode())
    return show_again(folder, mended, others, lambda: data)


def show_again(
    folder: Path, record: Record, others: Sequence[Finished], load: Callable[[], LoadedData]
) -> Finished:
    """Give a finished run, compared with what its baselines showed by now.

    What a life that was cut short behind its record left undone is done.

    Args:
        folder: Of the run.
        record: Of the run.
        others: Its baselines, as far as they are there.
        load: Gives the data, if they are needed.

    Raises:
        FolderError: The model or predictions to compare are gone, or others, or something cannot
            be written.
    """
    known = {each.spec_sha256: each for each in record.baselines}
    # A sealed one may have been opened since, and another may have got more seeds.
    newer = [
        other
        for other in others
        if _shown(untested_baseline(other)) != _shown(known[other.record.spec_sha256])
    ]
    if newer:
        compared = compare_baselines(
            newer, record.test, record.seeds, RunFolder(folder, record), load()
        )
        renewed = {each.spec_sha256: each for each in compared}
        baselines = [renewed.get(each.spec_sha256, each) for each in record.baselines]
        record = record.model_copy(update={"baselines": baselines})
        commit(folder, record)
    if lacks_pictures(folder, record):
        record = draw_pictures(RunFolder(folder, record), record, load())
        commit(folder, record)
    read_unchanged(folder / MODEL_NAME, record.best.model_sha256)
    cards = write_cards(folder, record)
    renew_page(folder, record)
    drop_cards(folder, record)
    drop_leftovers(folder, record)
    return Finished(folder, record, tuple(cards), is_new=False)


def _shown(baseline: BaselineRecord) -> tuple[TestRecord | None, list[float]]:
    """What a baseline showed on the test part."""
    return baseline.test, baseline.seeds
