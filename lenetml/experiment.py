"""The story of an experiment: load, search, choose, test, record, write the cards.

A run that goes on is the same story: the journal is told again to a new oracle, and what it holds
is not done twice. TensorFlow must be set to one thread (`trial.threads.use_one_thread`) before
this is imported.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

from lenetml import __version__, costs, facts
from lenetml.choosing import Training, choose, keep_winner, train_seeds
from lenetml.errors import Interrupted
from lenetml.evaluation import check_baselines, compare_baselines, test_winner
from lenetml.facts import Finished
from lenetml.finished import show, tell_fewer, wants_more
from lenetml.folder import RunFolder, commit, drop_leftovers, make_ready, open_folder
from lenetml.following import Follower, SearchStart
from lenetml.lives import (
    begin_life,
    changed_versions,
    continuations,
    first_event,
    identity_of,
    tell_torn,
)
from lenetml.mirror.ledger import Ledger
from lenetml.mirror.live import open_mirror
from lenetml.mirror.sweep import sweep_of, write_sweep
from lenetml.mirroring import complete_mirror, mirror_winner
from lenetml.pictures import draw_pictures
from lenetml.record import Record
from lenetml.report.card import card_languages, write_cards
from lenetml.report.page import renew_page
from lenetml.search.asks import Asker
from lenetml.search.crew import Crew, Stop
from lenetml.search.further import further_executions
from lenetml.search.hiring import Hiring, hire
from lenetml.search.journal import JOURNAL_NAME, Journal, read_journal
from lenetml.search.keeping import Keeping
from lenetml.search.loop import run_search
from lenetml.search.replay import Past, check_holds, replay
from lenetml.search.rivals import compare_rivals
from lenetml.search.strategy import (
    make_asker,
    n_side_by_side,
    n_winners,
    task_of,
    time_of_one,
)
from lenetml.spec import Spec
from lenetml.spending import Books
from lenetml.trial.data import LoadedData, load_data
from lenetml.trial.energy import open_meter
from lenetml.trial.environment import commit_of, environment


@dataclass(frozen=True)
class Options:
    """How to run, beside the spec.

    Args:
        out: The folder of all runs.
        command: The command line, for the record.
        fresh: Start over beside an old folder, which is kept.
        reuse: Start over only where the old run did not end.
        hiring: How many workers, and where.
        accept_versions: Go on with the journal's values where this version would choose others.
        go_on: The command line that goes on after an interrupt, for advice.
        repeated: Options of the command line that go into the advice to start over.
    """

    out: Path
    command: str
    go_on: str
    fresh: bool = False
    reuse: bool = False
    hiring: Hiring = field(default_factory=Hiring)
    accept_versions: bool = False
    repeated: Sequence[str] = ()


@dataclass(frozen=True)
class _Run:
    """One life of a run."""

    spec: Spec
    sha256: str
    data: LoadedData
    folder: RunFolder
    journal: Journal
    ledger: Ledger
    options: Options
    follower: Follower
    stop: Stop

    @property
    def name(self) -> str:
        return self.spec.document.name


def run(spec: Spec, options: Options, follower: Follower, stop: Stop) -> Finished:
    """Run a spec to its cards, go on with a run of it, or show the finished one.

    Args:
        spec: Checked.
        options: How to run.
        follower: Hears what happens.
        stop: Whether to end after the epochs under way.

    Raises:
        DataError, MissingError: The data, or workers, are not right, or not there.
        FolderError: The run's folder cannot be used.
        SearchError: No trial succeeded.
        Interrupted: The user wanted an end.
    """
    others = [run(other, replace(options, reuse=True), follower, stop) for other in spec.baselines]
    name = spec.document.name
    follower.stage(f"{name}: loading the data")
    data = load_data(spec.document.data, spec.document.seed, spec.path.parent, follower.stage)
    sha256 = spec.result_hash(data.record.fingerprint)
    start_over = _line(spec, options, "--fresh")
    if stop.is_set():
        raise Interrupted(f"{name}: interrupted before it began", f"to go on: {options.go_on}")
    folder = open_folder(
        options.out, name, sha256, spec.text, start_over, fresh=options.fresh, reuse=options.reuse
    )
    if folder.record is not None and not wants_more(spec, folder.record):
        tell_fewer(spec, folder.record, follower.warn)
        shown = show(spec, folder.path, folder.record, others, data)
        complete_mirror(spec.document.wandb, folder.path, shown.record, follower.warn)
        return shown
    with Journal(folder.path / JOURNAL_NAME) as journal:
        ledger = Ledger(journal.events, journal.append)
        record = _experiment(
            _Run(spec, sha256, data, folder, journal, ledger, options, follower, stop), others
        )
        follower.stage(f"{name}: writing the cards")
        record = draw_pictures(folder, record, data)
        commit(folder.path, record)
        journal.append("finished", winner=record.best.number)
        cards = write_cards(folder.path, record, card_languages(folder.path, record))
        renew_page(folder.path, record)
        mirror_winner(spec.document.wandb, folder.path, record, ledger, follower.warn)
    drop_leftovers(folder.path, record)
    return Finished(folder.path, record, tuple(cards), is_new=True)


def _experiment(run: _Run, others: Sequence[Finished]) -> Record:
    """Search, choose, evaluate and gather the record."""
    spec, data, folder, journal = run.spec, run.data, run.folder, run.journal
    document, machine, task = spec.document, environment(), task_of(spec, data)
    asker = make_asker(spec, data)
    check_baselines(others)
    past = _recall(run, asker)
    check_holds(past, folder.record.trials if folder.record else ())
    # Whatever refuses to go on has changed nothing until here.
    make_ready(folder.path, spec.text)
    began = begin_life(
        journal, run.name, str(spec.path), run.sha256, data.record.fingerprint, spec.overrides,
        machine.versions, past.corrected,
    )  # fmt: skip
    write_sweep(folder.path, sweep_of(spec))
    keeping = Keeping(folder.file, task.direction, task.executions, n_winners(document.search))
    keeping.remember(past.trials.values())
    parts, limit = data.for_workers(), time_of_one(spec)
    with (
        closing(open_meter(document.energy)) as meter,
        open_mirror(
            document.wandb,
            folder.path,
            run.name,
            identity_of(first_event(folder.path)),
            run.ledger,
            run.follower.warn,
        ) as mirror,
        closing(hire(run.options.hiring, parts, n_side_by_side(spec), run.stop, limit)) as workers,
        nullcontext(
            Crew(workers, journal, run.stop, past.attempts, limit, run.follower.warn)
        ) as crew,
        closing(
            Books(meter, journal, lambda: crew.core_seconds if workers.is_in_driver else 0.0)
        ) as books,
    ):
        mirror.complete(past.trials.values())
        books.begin("search")
        wanted = document.search.trials if document.search else 1
        earlier = tuple(past.trials.values())
        run.follower.search_started(
            SearchStart(run.name, wanted, workers.n_slots, task.direction, earlier)
        )
        machine = machine.model_copy(update={"workers": workers.n_slots})
        listeners = (mirror, run.follower, books)
        result = run_search(task, asker, crew, journal, keeping, past, listeners)
        training = Training(
            spec, data, folder, journal, task, crew, past.executions, run.follower.stage,
            books.note_when_due, run.follower.warn,
        )  # fmt: skip
        chosen = None if result.ended == "interrupted" else choose(training, result)
        books.begin("seeds")
        seeds = None if chosen is None else train_seeds(training, chosen.winner)
        books.begin("evaluation")
        if chosen is None or seeds is None:
            raise _interrupted(run)
        run.follower.stage(f"{run.name}: evaluating the winner, trial {chosen.winner.number}")
        # What must be read comes before the look at the test part.
        trials = facts.mark_guessing(chosen.trials, data, folder.trial_file)
        rivals = compare_rivals(
            chosen.winner, trials, task.direction, data.val.labels, folder.trial_file
        )
        network, model = keep_winner(spec, data, folder, chosen.winner)
        is_sealed = document.evaluation.test == "sealed"
        tested = test_winner(training, network, chosen.winner, seeds, is_sealed=is_sealed)
        baselines = compare_baselines(others, tested.test, tested.seeds, folder, data)
        spent, mirrored = books.note(), mirror.outcome(chosen.winner.number)
    concrete = spec.concrete(chosen.winner.values)
    events = read_journal(journal.path)
    further = further_executions(events).items()
    confirming = [each for key, each in further if key.kind == "confirm"]
    return Record(
        lenetml=__version__,
        name=run.name,
        spec_sha256=run.sha256,
        seed=document.seed,
        status="completed",
        overrides=list(spec.overrides),
        started_at=began,
        spec=spec.canonical(),
        data=data.record,
        search=facts.search_facts(spec, task, result, continuations(events)),
        trials=trials,
        best=facts.best_facts(
            chosen.winner, trials, concrete, data, model, chosen.selected_by, rivals
        ),
        test=tested.test,
        test_reason=tested.reason,
        earlier_tests=list(tested.earlier),
        seeds=list(tested.seeds),
        baselines=baselines,
        energy=costs.energy_facts(meter, spent, chosen.winner, trials, document.energy, confirming),
        energy_reason=costs.energy_reason(meter, spent),
        cost=costs.cost_facts(trials, events, spent),
        environment=machine,
        mirror=mirrored,
        command=run.options.command,
        spec_commit=commit_of(spec.path),
    )


def _recall(run: _Run, asker: Asker) -> Past:
    """Tell the asker what earlier lives did, and say so."""
    journal, follower = run.journal, run.follower
    tell_torn(journal, follower.warn)
    if not journal.events:
        return Past()
    follower.stage(f"{run.name}: going on where it was")

    def tell(n_trials: int) -> None:
        if n_trials % 100 == 0:
            follower.stage(f"{run.name}: going on where it was, {n_trials} trials replayed")

    past = replay(journal.events, asker, accepts=run.options.accept_versions, on_progress=tell)
    changed = changed_versions(journal.events[0]["versions"], environment().versions)
    if changed:
        listed = ", ".join(f"{name} {old} to {new}" for name, (old, new) in changed.items())
        follower.warn(f"the search began with other versions: {listed}")
    return past


def _interrupted(run: _Run) -> Interrupted:
    return Interrupted(
        f"{run.name}: interrupted; {run.folder.path / JOURNAL_NAME} holds what was finished",
        f"to go on: {run.options.go_on}",
    )


def _line(spec: Spec, options: Options, *further: str) -> str:
    """The command line that runs a spec again."""
    changes = [part for change in spec.overrides for part in ("--set", change)]
    return shlex.join(["lenetml", "run", str(spec.path), *options.repeated, *changes, *further])
