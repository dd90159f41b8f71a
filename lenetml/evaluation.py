"""After the search: choose the winner, keep its network, open the test part, compare baselines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lenetml import facts
from lenetml.errors import SearchError
from lenetml.facts import Finished, KeptModel
from lenetml.files import write_atomically
from lenetml.folder import MODEL_NAME, RunFolder, note_look
from lenetml.record import BaselineRecord, TestRecord, TrialRecord
from lenetml.search.journal import JOURNAL_NAME, Journal
from lenetml.search.loop import SearchResult, choose
from lenetml.spec import Spec
from lenetml.trial.data import LoadedData
from lenetml.trial.evaluate import pack_predictions, test_record
from lenetml.trial.kept import unpack_weights, write_model
from lenetml.trial.model import build_model, predict

if TYPE_CHECKING:
    import keras


def choose_winner(spec: Spec, result: SearchResult, folder: Path) -> TrialRecord:
    """Choose the winner on validation.

    Raises:
        SearchError: No trial succeeded.
    """
    winner = choose(result.trials, facts.objective_of(spec)[1])
    if winner is None:
        reasons = [f"trial {trial.number}: {trial.reason}" for trial in result.trials]
        raise SearchError(
            f"{spec.document.name}: no trial succeeded",
            *reasons[:10],
            f"the journal is {folder / JOURNAL_NAME}",
        )
    return winner


def keep_winner(
    spec: Spec, data: LoadedData, folder: RunFolder, winner: TrialRecord
) -> tuple[keras.Model, KeptModel]:
    """Write the winner's network with the weights that were chosen."""
    layers = spec.concrete(winner.values).architecture
    network = build_model(layers, data.input_shape, len(data.classes), winner.seed)
    kept = folder.trial_file("weights", winner.number).read_bytes()
    network.set_weights(unpack_weights(kept))
    size_bytes, sha256 = write_model(network, folder.path / MODEL_NAME)
    trainable = sum(math.prod(weight.shape) for weight in network.trainable_weights)
    return network, KeptModel(size_bytes, sha256, trainable)


def open_test(
    network: keras.Model, data: LoadedData, folder: Path, journal: Journal, winner: TrialRecord
) -> TestRecord:
    """Look at the test part, once, after the look is on disk.

    Args:
        network: The winner's.
        data: The data.
        folder: The folder of the run; looks are noted beside it.
        journal: The run's.
        winner: The chosen trial.
    """
    moment = facts.now()
    fingerprint = data.record.test_fingerprint
    look = note_look(folder.parent, fingerprint, folder.name, winner.number, moment)
    journal.append("test_opened", fingerprint=fingerprint, winner=winner.number, look=look)
    test = data.open_test()
    probabilities = predict(network, test.images)
    kept = pack_predictions(test.labels, probabilities)
    write_atomically(folder / "predictions" / facts.TEST_PREDICTIONS, kept)
    tested = test_record(test.labels, probabilities, data.classes, look, moment)
    journal.append("tested", correct=tested.correct, n=tested.n)
    return tested


def compare_baselines(
    others: Sequence[Finished], test: TestRecord, folder: Path, data: LoadedData
) -> list[BaselineRecord]:
    """Compare with the baselines' winners, and keep their predictions beside the winner's."""
    predictions = folder / "predictions"
    baselines = []
    for other in others:
        theirs = (other.folder / "predictions" / facts.TEST_PREDICTIONS).read_bytes()
        write_atomically(predictions / f"test-{other.record.name}.npz", theirs)
        ours = (predictions / facts.TEST_PREDICTIONS).read_bytes()
        labels = data.open_test().labels
        baselines.append(facts.baseline_facts(other, test, ours, theirs, labels))
    return baselines
