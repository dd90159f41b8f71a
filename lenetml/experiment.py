"""The story of an experiment: load, search, choose, evaluate, record, write the cards.

TensorFlow must be set to one thread (`trial.threads.use_one_thread`) before this is imported.
"""

from __future__ import annotations

import shlex
import shutil
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from lenetml import __version__, facts
from lenetml.errors import NotYetError
from lenetml.evaluation import choose_winner, compare_baselines, keep_winner, open_test
from lenetml.facts import Finished
from lenetml.files import write_atomically
from lenetml.folder import SPEC_NAME, RunFolder, open_folder
from lenetml.mirror import Mirror, open_mirror
from lenetml.record import Record, write_record
from lenetml.report.card import drop_cards, write_cards
from lenetml.search.journal import JOURNAL_NAME, Journal
from lenetml.search.loop import Direction, Listener, SearchResult, run_search
from lenetml.search.trainer import asker, planner, trainer
from lenetml.spec import Spec
from lenetml.sweep import sweep_configuration, write_sweep
from lenetml.trial.data import LoadedData, load_data
from lenetml.trial.energy import open_meter, with_country
from lenetml.trial.environment import core_seconds, environment


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
        reuse: Start over only where the old run did not end.
        repeated: Options of the command line that go into the advice to start over.
    """

    out: Path
    command: str
    fresh: bool = False
    reuse: bool = False
    repeated: Sequence[str] = ()


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
    others = [run(other, replace(options, reuse=True), follower) for other in spec.baselines]
    name = spec.document.name
    follower.stage(f"{name}: loading the data")
    data = load_data(spec.document.data, spec.document.seed, spec.path.parent, follower.stage)
    sha256 = spec.result_hash(data.record.fingerprint)
    start_over = _start_over(spec, options)
    folder = open_folder(
        options.out, name, sha256, spec.text, start_over, fresh=options.fresh, reuse=options.reuse
    )
    if folder.record is not None:
        return _show(spec, folder.path, folder.record, start_over)
    try:
        with Journal(folder.path / JOURNAL_NAME) as journal:
            record = _experiment(spec, sha256, data, others, folder, journal, options, follower)
            follower.stage(f"{name}: writing the cards")
            write_record(record, folder.path)
            cards = write_cards(folder.path, record)
            journal.append("finished", winner=record.best.number)
    except KeyboardInterrupt as interrupt:
        interrupt.add_note(f"{folder.path / JOURNAL_NAME} holds what was finished")
        raise
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
    document, started_at, machine = spec.document, facts.now(), environment()
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
        closing(
            open_mirror(document.wandb, folder.path, folder.path.name, document.name, follower.warn)
        ) as mirror,
    ):
        # The meter takes a second to start; what it does not measure is not counted as time.
        begun_seconds, begun_core_seconds = time.perf_counter(), core_seconds()
        search = facts.Span(meter)
        result = _search(spec, data, folder, journal, mirror, follower)
        search.close()
        winner = choose_winner(spec, result, folder.path)
        follower.stage(f"{document.name}: testing the winner, trial {winner.number}")
        network, model = keep_winner(spec, data, folder, winner)
        test = open_test(network, data, folder.path, journal, winner)
        baselines = compare_baselines(others, test, folder.path, data)
        seconds, cores = time.perf_counter() - begun_seconds, core_seconds() - begun_core_seconds
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
        cost=facts.cost_facts(trials, seconds, cores),
        environment=machine,
        mirror=told,
        command=options.command,
    )


def _search(
    spec: Spec,
    data: LoadedData,
    folder: RunFolder,
    journal: Journal,
    mirror: Mirror,
    follower: Follower,
) -> SearchResult:
    """Run all trials."""
    document = spec.document
    objective, direction = facts.objective_of(spec)
    trials = document.search.trials if document.search else None
    follower.search_started(document.name, trials or 1, direction)
    train = trainer(spec, data, objective, folder.trial_file)
    return run_search(
        asker(spec, data, objective, direction), journal, planner(spec, data), train,
        (mirror, follower),
    )  # fmt: skip


def _start_over(spec: Spec, options: Options) -> str:
    """The command line that starts a spec over."""
    changes = [part for change in spec.overrides for part in ("--set", change)]
    return shlex.join(["lenetml", "run", str(spec.path), *options.repeated, *changes, "--fresh"])


def _show(spec: Spec, folder: Path, record: Record, start_over: str) -> Finished:
    """Give a finished run again; what does not decide its result may have been mended since."""
    asked = spec.document.search.trials if spec.document.search else None
    if asked is not None and asked != record.search.trials_asked:
        raise NotYetError(
            f"{folder} holds a search with trials: {record.search.trials_asked}; "
            f"the spec says trials: {asked}",
            "this version cannot continue a finished search",
            f"to start over and keep the old folder: {start_over}",
        )
    energy, section = record.energy, spec.document.energy
    if energy is not None and section is not None:
        energy = with_country(energy, section.country)
    changes = {"spec": spec.canonical(), "overrides": list(spec.overrides), "energy": energy}
    mended = record.model_copy(update=changes)
    if mended != record:
        write_record(mended, folder)
        write_atomically(folder / SPEC_NAME, spec.text.encode())
    cards = write_cards(folder, mended)
    drop_cards(folder, mended)
    # They are still there where the run was cut short after its record; they are of no more use.
    shutil.rmtree(folder / "weights", ignore_errors=True)
    return Finished(folder, mended, tuple(cards), is_new=False)
