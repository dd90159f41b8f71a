"""The test part: opened once, after the choice and after the look is on disk; and baselines."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lenetml import facts
from lenetml.choosing import Training, is_same_network, network_of, read_network, seed_name
from lenetml.facts import Finished
from lenetml.files import read_arrays, write_atomically
from lenetml.folder import RunFolder, note_look
from lenetml.lives import now
from lenetml.record import (
    BaselineRecord,
    EarlierTest,
    ExecutionRecord,
    Record,
    SeedRecord,
    TestRecord,
    TrialRecord,
)
from lenetml.trial.data import LoadedData
from lenetml.trial.evaluate import pack_predictions, score_test
from lenetml.trial.model import predict

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class _Look:
    """A look at the test part: its own name, and when it began."""

    identity: str
    moment: str


@dataclass(frozen=True)
class Tested:
    """What the test part said.

    Args:
        test: Of the winner; None: the part stays sealed.
        reason: Why it does.
        seeds: The winner's values under further seeds.
        earlier: What was found before more trials were added.
    """

    test: TestRecord | None
    reason: str | None
    seeds: tuple[SeedRecord, ...]
    earlier: tuple[EarlierTest, ...]


def test_winner(
    training: Training,
    network: keras.Model,
    winner: TrialRecord,
    seeds: Sequence[ExecutionRecord],
    *,
    is_sealed: bool,
) -> Tested:
    """Look at the test part, once, after the look is on disk; not at all where it is sealed.

    What an earlier life of the run tested is not tested again: the same winner keeps its result,
    and another winner leaves it among the earlier ones. A seal that was opened for a winner is
    open for it.

    Args:
        training: The run.
        network: The winner's.
        winner: The chosen trial.
        seeds: Its values under further seeds, as trained.
        is_sealed: The test part stays closed for a winner that it was not opened for.
    """
    before = training.folder.record
    earlier = _earlier_tests(before, winner)
    test = before.test if is_same_network(before, winner) else None
    if is_sealed and test is None:
        untested = tuple(facts.seed_facts(each, None) for each in seeds)
        return Tested(None, facts.SEALED, untested, earlier)
    known = before.seeds if before and test else []
    if test is None or len(seeds) > len(known):
        # What is gone, or damaged, must cost no look.
        new = range(len(known) + 1, len(seeds) + 1)
        further = {number: _seed_network(training, winner, number, seeds) for number in new}
        look, moment = _look_of_earlier_life(training, winner, before) or _note_look(
            training, _Look(uuid.uuid4().hex, now()), winner
        )
        test = test or _test(training, network, winner, look, moment)
        known = [
            *known,
            *(
                _test_seed(training, network, number, seeds[number - 1], look, moment)
                for number, network in further.items()
            ),
        ]
    return Tested(test, None, tuple(known), earlier)


def _earlier_tests(before: Record | None, winner: TrialRecord) -> tuple[EarlierTest, ...]:
    if before is None:
        return ()
    if before.test is None or is_same_network(before, winner):
        return tuple(before.earlier_tests)
    last = EarlierTest(
        trials=len(before.trials),
        winner=before.best.number,
        epochs=before.best.epochs,
        values=before.best.values,
        test=before.test,
    )
    return (*before.earlier_tests, last)


def _test(
    training: Training, network: keras.Model, winner: TrialRecord, look: int, moment: str
) -> TestRecord:
    data, part = training.data, training.data.open_test()
    probabilities = predict(network, part.images)
    kept = pack_predictions(part.labels, probabilities)
    write_atomically(training.folder.pending / facts.TEST_PREDICTIONS, kept)
    tested = score_test(part.labels, probabilities, data.classes, look, moment)
    training.journal.append("tested", winner=winner.number, correct=tested.correct, n=tested.n)
    return tested


def _seed_network(
    training: Training, winner: TrialRecord, number: int, seeds: Sequence[ExecutionRecord]
) -> keras.Model | None:
    """The network of a further seed, from 1; None where its training failed."""
    execution = seeds[number - 1]
    if execution.status == "failed":
        return None
    weights = training.folder.file("weights", seed_name(winner.number, number))
    return read_network(training.spec, training.data, winner.values, execution.seed, weights)


def _test_seed(
    training: Training,
    network: keras.Model | None,
    number: int,
    execution: ExecutionRecord,
    look: int,
    moment: str,
) -> SeedRecord:
    """Test the network of a further seed."""
    if network is None:
        return facts.seed_facts(execution, None)
    data, part = training.data, training.data.open_test()
    probabilities = predict(network, part.images)
    path = training.folder.pending / f"test-seed-{number}.npz"
    write_atomically(path, pack_predictions(part.labels, probabilities))
    tested = score_test(part.labels, probabilities, data.classes, look, moment)
    return facts.seed_facts(execution, tested)


def _note_look(training: Training, look: _Look, winner: TrialRecord) -> tuple[int, str]:
    """Note a look in the journal and beside the folder, before anything is looked at."""
    fingerprint, folder = training.data.record.test_fingerprint, training.folder.path
    training.journal.append(
        "test_opened",
        id=look.identity,
        fingerprint=fingerprint,
        winner=winner.number,
        seed=winner.seed,
        best_epoch=winner.best_epoch,
        at=look.moment,
    )
    number = note_look(
        folder.parent, look.identity, fingerprint, folder.name, winner.number, look.moment
    )
    return number, look.moment


def _look_of_earlier_life(
    training: Training, winner: TrialRecord, before: Record | None
) -> tuple[int, str] | None:
    """The look that an earlier life began at the same network, and did not record.

    A life that was cut short while it looked did look: it is counted once.
    """
    tests = [before.test, *(seed.test for seed in before.seeds)] if before else []
    recorded = [test.look for test in tests if test]
    opened = (event for event in training.journal.events if event["event"] == "test_opened")
    for event in reversed(list(opened)):
        if (event["winner"], event["seed"], event["best_epoch"]) == network_of(winner):
            look = _Look(event["id"], event["at"])
            number = note_look(
                training.folder.path.parent, look.identity, event["fingerprint"],
                training.folder.path.name, winner.number, look.moment,
            )  # fmt: skip
            return None if number in recorded else (number, look.moment)
    return None


def compare_baselines(
    others: Sequence[Finished],
    test: TestRecord | None,
    seeds: Sequence[SeedRecord],
    folder: RunFolder,
    data: LoadedData,
) -> list[BaselineRecord]:
    """Compare with the baselines' winners, and keep their predictions beside the winner's.

    Args:
        others: The baselines.
        test: The winner on the test part.
        seeds: Its values under further seeds.
        folder: Of the run.
        data: Of all of them.

    Raises:
        FolderError: Predictions of one of the two are gone, or damaged.
    """
    tested_now = folder.pending / facts.TEST_PREDICTIONS
    tested_before = _kept_test(folder.path)
    baselines = []
    for other in others:
        if test is None or other.record.test is None:
            baselines.append(facts.untested_baseline(other))
            continue
        theirs = read_arrays(_kept_test(other.folder), bytes)
        ours = read_arrays(tested_now if tested_now.exists() else tested_before, bytes)
        labels = data.open_test().labels
        baselines.append(facts.baseline_facts(other, test, seeds, ours, theirs, labels))
        folder.pending.mkdir(exist_ok=True)
        write_atomically(folder.pending / f"test-{other.record.name}.npz", theirs)
    return baselines


def check_baselines(others: Sequence[Finished]) -> None:
    """Find out before a search whether there is what its winner will be compared with.

    Raises:
        FolderError: Predictions of a baseline are gone, or damaged.
    """
    for other in others:
        if other.record.test is not None:
            read_arrays(_kept_test(other.folder), bytes)


def _kept_test(folder: Path) -> Path:
    return folder / "predictions" / facts.TEST_PREDICTIONS
