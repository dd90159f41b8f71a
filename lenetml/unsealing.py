"""The verb `test`: open a test part that the spec kept sealed, once, and say what it showed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lenetml.choosing import Training
from lenetml.errors import FolderError, UsageError
from lenetml.evaluation import compare_baselines, test_winner
from lenetml.facts import Finished
from lenetml.folder import (
    MODEL_NAME,
    SPEC_NAME,
    RunFolder,
    drop_leftovers,
    is_of_last_life,
    reopen,
    settle,
)
from lenetml.record import ExecutionRecord, read_record, write_record
from lenetml.report.card import write_cards
from lenetml.search.crew import Key
from lenetml.search.further import further_executions
from lenetml.search.journal import JOURNAL_NAME, Journal, read_journal
from lenetml.search.strategy import task_of
from lenetml.spec import Spec
from lenetml.trial.data import load_data
from lenetml.trial.kept import read_model


def open_sealed(folder: Path, spec: Spec, stage: Callable[[str], None]) -> Finished:
    """Test the winner of a finished run, and the networks of its further seeds.

    A test part that was opened before is not opened again: its result is given.

    Args:
        folder: Of the finished run.
        spec: The run's, with its overrides.
        stage: Is told what begins.

    Raises:
        UsageError: The spec, or the data, are not those of the run.
        DataError, MissingError: The data are not right, or not there.
        FolderError: The folder holds no finished run, or cannot be written.
    """
    record = read_record(folder)
    if record.test is not None:
        return Finished(folder, record, tuple(write_cards(folder, record)), is_new=False)
    stage(f"{record.name}: loading the data")
    data = load_data(spec.document.data, spec.document.seed, spec.path.parent, stage)
    if spec.result_hash(data.record.fingerprint) != record.spec_sha256:
        raise UsageError(
            f"{spec.path} is not the spec of {folder}, or the data are others",
            "give the spec, and the data, that the run was made with: --spec SPEC",
        )
    winner = next(trial for trial in record.trials if trial.number == record.best.number)
    opened = RunFolder(folder, record)
    others = [
        Finished(path, read_record(path), (), is_new=False)
        for path in (folder.parent / baseline.folder for baseline in record.baselines)
    ]
    with Journal(folder / JOURNAL_NAME) as journal:
        if not is_of_last_life(folder, record):
            # Its winner may be another one soon.
            raise FolderError(
                f"the search in {folder} went on, and did not end",
                "let it end with the command that went on with it, and open the test then",
            )
        settle(opened)
        reopen(opened, (folder / SPEC_NAME).read_text(encoding="utf-8"))
        stage(f"{record.name}: opening the test part for trial {winner.number}")
        training = Training(spec, data, opened, journal, task_of(spec, data), None, {}, stage)
        network, *_ = read_model(folder / MODEL_NAME)
        seeds = _seeds(journal, winner.number, len(record.seeds))
        tested = test_winner(training, network, winner, seeds, is_sealed=False)
        changes = {
            "test": tested.test,
            "test_reason": None,
            "seeds": list(tested.seeds),
            "baselines": compare_baselines(others, tested.test, opened, data),
        }
        record = record.model_copy(update=changes)
        write_record(record, folder)
        settle(RunFolder(folder, record))
        journal.append("finished", winner=winner.number)
        cards = write_cards(folder, record)
    drop_leftovers(folder, record)
    return Finished(folder, record, tuple(cards), is_new=True)


def spec_of_run(folder: Path) -> tuple[Path, list[str]]:
    """The file that the spec of a run was read from, as the user gave it, and its overrides.

    Raises:
        FolderError: The folder holds no run.
    """
    record = read_record(folder)
    return Path(read_journal(folder / JOURNAL_NAME)[0]["spec"]), record.overrides


def _seeds(journal: Journal, winner: int, n_seeds: int) -> list[ExecutionRecord]:
    """How the further seeds of the winner were trained, by the journal."""
    executions = further_executions(journal.events)
    return [executions[Key("seed", winner, number)] for number in range(1, n_seeds + 1)]
