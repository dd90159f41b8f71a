"""The test part: opened once, after the choice and after the look is on disk; and baselines."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lenetml import facts
from lenetml.choosing import Training, is_same_network, seed_name
from lenetml.facts import Finished
from lenetml.files import write_atomically
from lenetml.folder import RunFolder, note_look
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
from lenetml.trial.evaluate import pack_predictions, test_record
from lenetml.trial.kept import unpack_weights
from lenetml.trial.model import build_model, predict

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
        look, moment = _look_of_earlier_life(training, winner, before) or _note_look(
            training, _Look(uuid.uuid4().hex, facts.now()), winner
        )
        test = test or _test(training, network, winner, look, moment)
        new = enumerate(seeds[len(known) :], start=len(known) + 1)
        known = [
            *known,
            *(_test_seed(training, winner, number, each, look, moment) for number, each in new),
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
    tested = test_record(part.labels, probabilities, data.classes, look, moment)
    training.journal.append("tested", winner=winner.number, correct=tested.correct, n=tested.n)
    return tested


def _test_seed(
    training: Training,
    winner: TrialRecord,
    number: int,
    execution: ExecutionRecord,
    look: int,
    moment: str,
) -> SeedRecord:
    """Test the network of a further seed."""
    if execution.status == "failed":
        return facts.seed_facts(execution, None)
    data, folder = training.data, training.folder
    layers = training.spec.concrete(winner.values).architecture
    network = build_model(layers, data.input_shape, len(data.classes), execution.seed)
    weights = folder.file("weights", seed_name(winner.number, number)).read_bytes()
    network.set_weights(unpack_weights(weights))
    part = data.open_test()
    probabilities = predict(network, part.images)
    path = folder.pending / f"test-seed-{number}.npz"
    write_atomically(path, pack_predictions(part.labels, probabilities))
    tested = test_record(part.labels, probabilities, data.classes, look, moment)
    return facts.seed_facts(execution, tested)


def _note_look(training: Training, look: _Look, winner: TrialRecord) -> tuple[int, str]:
    """Note a look in the journal and beside the folder, before anything is looked at."""
    fingerprint, folder = training.data.record.test_fingerprint, training.folder.path
    training.journal.append(
        "test_opened",
        id=look.identity,
        fingerprint=fingerprint,
        winner=winner.number,
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
    same = (winner.number, winner.best_epoch)
    for event in reversed(training.journal.events):
        if event["event"] == "test_opened" and (event["winner"], event["best_epoch"]) == same:
            look = _Look(event["id"], event["at"])
            number = note_look(
                training.folder.path.parent, look.identity, event["fingerprint"],
                training.folder.path.name, winner.number, look.moment,
            )  # fmt: skip
            return None if number in recorded else (number, look.moment)
    return None


def compare_baselines(
    others: Sequence[Finished], test: TestRecord | None, folder: RunFolder, data: LoadedData
) -> list[BaselineRecord]:
    """Compare with the baselines' winners, and keep their predictions beside the winner's."""
    tested_now = folder.pending / facts.TEST_PREDICTIONS
    tested_before = folder.path / "predictions" / facts.TEST_PREDICTIONS
    baselines = []
    for other in others:
        if test is None or other.record.test is None:
            baselines.append(facts.untested_baseline(other))
            continue
        theirs = (other.folder / "predictions" / facts.TEST_PREDICTIONS).read_bytes()
        write_atomically(folder.pending / f"test-{other.record.name}.npz", theirs)
        ours = (tested_now if tested_now.exists() else tested_before).read_bytes()
        labels = data.open_test().labels
        baselines.append(facts.baseline_facts(other, test, ours, theirs, labels))
    return baselines
