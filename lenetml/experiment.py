"""The story of an experiment: load, search, choose, evaluate, record, write the cards.

TensorFlow must be set to one thread (`trial.threads.use_one_thread`) before this is imported.
"""

from __future__ import annotations

import math
import shutil
import time
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import keras

from lenetml import __version__, facts
from lenetml.errors import NotYetError, SearchError
from lenetml.facts import Finished
from lenetml.folder import MODEL_NAME, SPEC_NAME, RunFolder, note_look, open_folder
from lenetml.mirror import Mirror, open_mirror
from lenetml.record import (
    BaselineRecord,
    Record,
    TestRecord,
    TrialRecord,
    write_atomically,
    write_record,
)
from lenetml.report.card import write_cards
from lenetml.search.journal import JOURNAL_NAME, Journal
from lenetml.search.loop import Direction, Listener, SearchResult, choose, run_search
from lenetml.search.oracle import Asker, FixedNetwork, random_search
from lenetml.search.trainer import is_possible, planner, trainer
from lenetml.spec import Spec
from lenetml.spec.domains import Choice
from lenetml.spec.sections import ConcreteSpec
from lenetml.sweep import sweep_configuration, write_sweep
from lenetml.trial.data import LoadedData, load_data
from lenetml.trial.energy import open_meter, with_country
from lenetml.trial.environment import core_seconds, environment
from lenetml.trial.evaluate import pack_predictions, test_record
from lenetml.trial.kept import unpack_weights, write_model
from lenetml.trial.model import build_model, predict


class Follower(Listener, Protocol):
    """Somebody who follows an experiment: the command line's display."""

    def stage(self, text: str) -> None:
        """Something begins that may take a while."""

    def search_started(self, name: str, trials: int, direction: Direction) -> None:
        """The search of a spec begins; it has so many trials at most."""

    def warn(self, text: str) -> None:
        """Something did not go as asked, and the experiment goes on."""


@dataclass(frozen=True)
class Options:
    """How to run, beside the spec.

    Args:
        out: The folder of all runs.
        command: The command line, for the record.
        fresh: Start over beside an old folder, which is kept.
    """

    out: Path
    command: str
    fresh: bool = False


def run(spec: Spec, options: Options, follower: Follower) -> Finished:
    """Run a spec to its cards, or show the finished run of the same spec.

    Args:
        spec: Checked, and fit for `run` (`readiness`).
        options: How to run.
        follower: Hears what happens.

    Raises:
        DataError, MissingError: The data are not right, or not there.
        FolderError: The run's folder cannot be used.
        NotYetError: The finished run has another number of trials.
        SearchError: No trial succeeded.
    """
    others = [run(other, replace(options, fresh=False), follower) for other in spec.baselines]
    follower.stage(f"{spec.document.name}: loading the data")
    data = load_data(spec.document.data, spec.document.seed, spec.path.parent, follower.stage)
    sha256 = spec.result_hash(data.record.fingerprint)
    folder = open_folder(options.out, spec.document.name, sha256, spec.text, options.fresh)
    if folder.record is not None:
        return _show(spec, folder.path, folder.record)
    with Journal(folder.path / JOURNAL_NAME) as journal:
        record = _experiment(spec, sha256, data, others, folder, journal, options, follower)
        follower.stage(f"{spec.document.name}: writing the cards")
        write_record(record, folder.path)
        cards = write_cards(folder.path, record)
        journal.append("finished", winner=record.best.number)
    shutil.rmtree(folder.path / "weights")
    return Finished(folder.path, record, tuple(cards), is_new=True)


def _experiment(
    spec: Spec,
    sha256: str,
    data: LoadedData,
    others: list[Finished],
    folder: RunFolder,
    journal: Journal,
    options: Options,
    follower: Follower,
) -> Record:
    """Search, choose, evaluate and gather the record."""
    document, started_at, machine = spec.document, _now(), environment()
    begun_seconds, begun_core_seconds = time.perf_counter(), core_seconds()
    journal.append(
        "search_started",
        lenetml=__version__,
        name=document.name,
        spec_sha256=sha256,
        fingerprint=data.record.fingerprint,
        overrides=spec.overrides,
        versions=machine.versions,
        at=started_at,
    )
    write_sweep(
        folder.path,
        sweep_configuration(document.name, spec.space, document.search, document.wandb),
    )
    with (
        closing(open_meter(document.energy)) as meter,
        closing(_mirror(document, folder.path, follower)) as mirror,
    ):
        search = facts.Span(meter)
        result = _search(spec, data, folder, journal, mirror, follower)
        search.close()
        winner = _choose(spec, result, folder.path)
        follower.stage(f"{document.name}: testing the winner, trial {winner.number}")
        network, model = _keep_winner(spec, data, folder, winner)
        test = _open_test(network, data, folder.path, journal, options.out, winner)
        baselines = _compare(others, test, folder.path, data)
        total, told = meter.close(), mirror.close()
    trials = facts.mark_guessing(result.trials, data, folder.trial_file)
    return Record(
        lenetml=__version__,
        name=document.name,
        spec_sha256=sha256,
        seed=document.seed,
        status="completed",
        overrides=list(spec.overrides),
        started_at=started_at,
        spec=spec.canonical(),
        data=data.record,
        search=facts.search_facts(spec, result, search.seconds),
        trials=trials,
        best=facts.best_facts(winner, trials, spec.concrete(winner.values), data, model),
        test=test,
        test_reason=None,
        seeds=[],
        baselines=baselines,
        energy=facts.energy_facts(meter, total, search, winner, trials, document.energy),
        energy_reason=meter.reason,
        cost=facts.cost_facts(
            trials, time.perf_counter() - begun_seconds, core_seconds() - begun_core_seconds
        ),
        environment=machine,
        mirror=told,
        command=options.command,
    )


def _mirror(document: ConcreteSpec, folder: Path, follower: Follower) -> Mirror:
    return open_mirror(document.wandb, folder, folder.name, document.name, follower.warn)


def _search(
    spec: Spec,
    data: LoadedData,
    folder: RunFolder,
    journal: Journal,
    mirror: Mirror,
    follower: Follower,
) -> SearchResult:
    """Run all trials."""
    asker = _asker(spec, data)
    trials = spec.document.search.trials if spec.document.search else None
    objective, direction = facts.objective_of(spec)
    follower.search_started(spec.document.name, trials or 1, direction)
    train = trainer(spec, data, objective, folder.trial_file)
    return run_search(asker, journal, planner(spec, data), train, (mirror, follower))


def _asker(spec: Spec, data: LoadedData) -> Asker:
    """Say what to try next: one network, or what the strategy proposes."""
    search = spec.document.search
    constants = {
        name: domain.values[0]
        for name, domain in spec.space.items()
        if isinstance(domain, Choice) and domain.size == 1
    }
    if search is None or search.trials is None or len(constants) == len(spec.space):
        return FixedNetwork(constants)
    objective, direction = facts.objective_of(spec)
    possible = is_possible(spec, data)
    return random_search(
        spec.space, possible, objective, direction, search.trials, spec.document.seed
    )


def _choose(spec: Spec, result: SearchResult, folder: Path) -> TrialRecord:
    """Choose the winner on validation."""
    winner = choose(result.trials, facts.objective_of(spec)[1])
    if winner is None:
        reasons = [f"trial {trial.number}: {trial.reason}" for trial in result.trials]
        raise SearchError(
            f"{spec.document.name}: no trial succeeded",
            *reasons[:10],
            f"the journal is {folder / JOURNAL_NAME}",
        )
    return winner


def _keep_winner(
    spec: Spec, data: LoadedData, folder: RunFolder, winner: TrialRecord
) -> tuple[keras.Model, facts.KeptModel]:
    """Write the winner's network with the weights that were chosen."""
    layers = spec.concrete(winner.values).architecture
    network = build_model(layers, data.input_shape, len(data.classes), winner.seed)
    kept = folder.trial_file("weights", winner.number).read_bytes()
    network.set_weights(unpack_weights(kept))
    size_bytes, sha256 = write_model(network, folder.path / MODEL_NAME)
    trainable = sum(math.prod(weight.shape) for weight in network.trainable_weights)
    return network, facts.KeptModel(size_bytes, sha256, trainable)


def _open_test(
    network: keras.Model,
    data: LoadedData,
    folder: Path,
    journal: Journal,
    out: Path,
    winner: TrialRecord,
) -> TestRecord:
    """Look at the test part, once, after the look is on disk."""
    moment = _now()
    fingerprint = data.record.test_fingerprint
    look = note_look(out, fingerprint, folder.name, winner.number, moment)
    journal.append("test_opened", fingerprint=fingerprint, winner=winner.number, look=look)
    test = data.open_test()
    probabilities = predict(network, test.images)
    kept = pack_predictions(test.labels, probabilities)
    write_atomically(folder / "predictions" / facts.TEST_PREDICTIONS, kept)
    tested = test_record(test.labels, probabilities, data.classes, look, moment)
    journal.append("tested", correct=tested.correct, n=tested.n)
    return tested


def _compare(
    others: list[Finished], test: TestRecord, folder: Path, data: LoadedData
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


def _show(spec: Spec, folder: Path, record: Record) -> Finished:
    """Give a finished run again; what does not decide its result may have been mended since."""
    asked = spec.document.search.trials if spec.document.search else None
    if asked is not None and asked != record.search.trials_asked:
        raise NotYetError(
            f"{folder} holds {record.search.trials_asked} trials, the spec asks for {asked}",
            "this version cannot continue a finished search",
            "--fresh starts over and keeps the old folder",
        )
    energy, section = record.energy, spec.document.energy
    if energy is not None and section is not None:
        energy = with_country(energy, section.country)
    changes = {"spec": spec.canonical(), "overrides": list(spec.overrides), "energy": energy}
    mended = record.model_copy(update=changes)
    if mended != record:
        write_record(mended, folder)
        write_atomically(folder / SPEC_NAME, spec.text.encode())
    return Finished(folder, mended, tuple(write_cards(folder, mended)), is_new=False)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
