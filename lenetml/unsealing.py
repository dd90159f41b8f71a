"""The verb `test`: open a test part that the spec kept sealed, once, and say what it showed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lenetml.choosing import Training, chosen_trial
from lenetml.errors import FolderError, UsageError
from lenetml.evaluation import check_baselines, compare_baselines, test_winner
from lenetml.facts import Finished
from lenetml.finished import show_again
from lenetml.folder import (
    MODEL_NAME,
    RunFolder,
    commit,
    drop_leftovers,
    is_of_last_life,
    make_ready,
    settle,
)
from lenetml.lives import tell_torn
from lenetml.mirror.ledger import Ledger
from lenetml.mirroring import mirror_winner
from lenetml.pictures import draw_pictures
from lenetml.record import RECORD_NAME, ExecutionRecord, Record, read_record
from lenetml.report.card import card_languages, write_cards
from lenetml.report.page import renew_page
from lenetml.search.crew import Key
from lenetml.search.further import further_executions
from lenetml.search.journal import JOURNAL_NAME, Journal, refuse_if_held
from lenetml.search.strategy import task_of
from lenetml.spec import Spec
from lenetml.trial.data import LoadedData, load_data
from lenetml.trial.kept import read_model


def open_sealed(
    folder: Path, spec: Spec, stage: Callable[[str], None], warn: Callable[[str], None]
) -> Finished:
    """Test the winner of a finished run, and the networks of its further seeds.

    A test part that was opened before is not opened again: its result is given.

    Args:
        folder: Of the finished run.
        spec: The run's, with its overrides.
        stage: Is told what begins.
        warn: Takes what went wrong with W&B, or what a life that was cut short has lost.

    Raises:
        UsageError: The spec, or the data, are not those of the run.
        DataError, MissingError: The data are not right, or not there.
        FolderError: The folder holds no finished run, or a file of it is gone, is another one,
            or cannot be written.
    """
    refuse_if_held(folder / JOURNAL_NAME)
    settle(folder)
    record = read_record(folder)
    beside = [folder.parent / baseline.folder for baseline in record.baselines]

    def load() -> LoadedData:
        stage(f"{record.name}: loading the data")
        return _load(spec, folder, record, stage)

    if record.test is not None:
        left = [path for path in beside if (path / RECORD_NAME).exists()]
        return show_again(folder, record, [_finished(path) for path in left], load)
    data = load()
    winner = chosen_trial(record)
    others = [_finished(path) for path in beside]
    with Journal(folder / JOURNAL_NAME) as journal:
        tell_torn(journal, warn)
        if not is_of_last_life(folder, record):
            # Its winner may be another one soon.
            raise FolderError(
                f"the search in {folder} went on, and did not end",
                "let it end with the command that went on with it, and open the test then",
            )
        stage(f"{record.name}: opening the test part for trial {winner.number}")
        opened = RunFolder(folder, record)
        training = Training(spec, data, opened, journal, task_of(spec, data), None, {}, stage)
        # None but the very network that was chosen may have the look.
        network, _ = read_model(folder / MODEL_NAME, record.best.model_sha256)
        check_baselines(others)
        seeds = _seeds(journal, winner.number, len(record.seeds))
        make_ready(folder)
        tested = test_winner(training, network, winner, seeds, is_sealed=False)
        changes = {
            "test": tested.test,
            "test_reason": None,
            "seeds": list(tested.seeds),
            "baselines": compare_baselines(others, tested.test, tested.seeds, opened, data),
        }
        record = record.model_copy(update=changes)
        record = draw_pictures(opened, record, data)
        commit(folder, record)
        journal.append("finished", winner=winner.number)
        cards = write_cards(folder, record, card_languages(folder, record))
        renew_page(folder, record)
        ledger = Ledger(journal.events, journal.append)
        mirror_winner(spec.document.wandb, folder, record, ledger, warn)
    drop_leftovers(folder, record)
    return Finished(folder, record, tuple(cards), is_new=True)


def _load(spec: Spec, folder: Path, record: Record, stage: Callable[[str], None]) -> LoadedData:
    """Load the data of a run, which must be those that it was made with."""
    data = load_data(spec.document.data, spec.document.seed, spec.path.parent, stage)
    if spec.result_hash(data.record.fingerprint) != record.spec_sha256:
        raise UsageError(
            f"{spec.path} is not the spec of {folder}, or the data are others",
            "give the spec, and the data, that the run was made with: --spec SPEC",
        )
    return data


def _finished(path: Path) -> Finished:
    return Finished(path, read_record(path), (), is_new=False)


def _seeds(journal: Journal, winner: int, n_seeds: int) -> list[ExecutionRecord]:
    """How the further seeds of the winner were trained, by the journal."""
    executions = further_executions(journal.events)
    keys = [Key("seed", winner, number) for number in range(1, n_seeds + 1)]
    if not executions.keys() >= set(keys):
        raise FolderError(
            f"{journal.path} lacks trainings that the record tells of",
            "put an intact copy in its place, or start over with --fresh",
        )
    return [executions[key] for key in keys]
