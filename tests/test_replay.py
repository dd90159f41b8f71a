"""A journal told again: cut after every event, a search becomes the one that was never cut."""

from __future__ import annotations

from functools import partial

import pytest
from scripted import ScriptedWorkers
from searches import CHANGES, STRATEGIES, CopiedJournal, data_of, search, shown, spec_of

from lenetml.errors import FolderError
from lenetml.search.asks import Ask
from lenetml.search.journal import JOURNAL_NAME, encode, read_journal
from lenetml.search.replay import check_holds, replay
from lenetml.search.strategy import make_asker

# With three in flight they are cut at as many events.
LONG = {(name, (1, False)) for name in ("bayesian", "both", "executions", "screening")}


@pytest.mark.parametrize(
    ("name", "n_slots", "fails"),
    [
        pytest.param(name, *how, marks=pytest.mark.extended if (name, how) in LONG else ())
        for name in STRATEGIES
        for how in ((1, False), (3, True))
    ],
)
def test_a_search_cut_at_any_event_becomes_the_one_that_was_not(tmp_path, name, n_slots, fails):
    spec = spec_of(tmp_path, STRATEGIES[name], **CHANGES.get(name, {}))
    whole, copies = tmp_path / "whole", tmp_path / "copies"
    copies.mkdir()
    expected = search(
        spec, whole, ScriptedWorkers(n_slots, fails),
        open_journal=partial(CopiedJournal, copies=copies),
    )  # fmt: skip
    assert len(expected.trials) >= 4
    assert not fails or "failed" in {trial.status for trial in expected.trials}
    kept = files_of(whole)
    # Every ask of Bayesian search takes a while.
    for folder in sorted(copies.iterdir())[:: 3 if name == "bayesian" else 1]:
        result = search(spec, folder, ScriptedWorkers(n_slots, fails))
        assert shown(result) == shown(expected), folder.name
        assert result.ended == expected.ended
        assert files_of(folder) == kept, folder.name


def files_of(folder):
    """What a search leaves behind beside its journal."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for kind in ("weights", "predictions", "states")
        for path in (folder / kind).iterdir()
    }


@pytest.mark.parametrize("name", ["random", "grid"])
def test_random_and_grid_give_the_same_for_any_number_of_workers(tmp_path, name):
    spec = spec_of(tmp_path, STRATEGIES[name])
    results = [
        shown(search(spec, tmp_path / f"{n}-{script}", ScriptedWorkers(n, True, script)))
        for n, script in [(1, 0), (2, 1), (3, 2), (8, 3)]
    ]
    assert results[0] == results[1] == results[2] == results[3]


@pytest.mark.parametrize("name", ["bayesian", "hyperband"])
def test_a_cut_search_with_another_order_loses_and_repeats_no_trial(tmp_path, name):
    spec = spec_of(tmp_path, STRATEGIES[name])
    whole, copies = tmp_path / "whole", tmp_path / "copies"
    copies.mkdir()
    search(
        spec, whole, ScriptedWorkers(3, True, script=1),
        open_journal=partial(CopiedJournal, copies=copies),
    )  # fmt: skip
    for folder in sorted(copies.iterdir())[::7]:
        before = (folder / JOURNAL_NAME).read_bytes()
        result = search(spec, folder, ScriptedWorkers(3, True, script=2))
        assert (folder / JOURNAL_NAME).read_bytes().startswith(before)
        numbers = [trial.number for trial in result.trials]
        assert numbers == list(range(1, len(numbers) + 1))
        points = [tuple(sorted(trial.values.items())) for trial in result.trials]
        assert len(set(points)) == len(points)


class Otherwise:
    """An asker of a version that draws other values from its third trial on."""

    def __init__(self, asker):
        self._asker = asker
        self.tell, self.correct = asker.tell, asker.correct

    def ask(self):
        answer = self._asker.ask()
        if isinstance(answer, Ask) and answer.number >= 3:
            return Ask(answer.number, {**answer.point, "learning_rate": 0.5})
        return answer


def test_an_oracle_that_answers_otherwise_is_refused(tmp_path):
    spec = spec_of(tmp_path, STRATEGIES["random"])
    folder = tmp_path / "run"
    search(spec, folder)
    before = (folder / JOURNAL_NAME).read_bytes()
    with pytest.raises(FolderError) as caught:
        search(spec, folder, change_asker=Otherwise)
    message = str(caught.value)
    assert message.startswith("the search would not go on as it began\n    found in the journal: ")
    assert "learning_rate 0.5" in message and "--accept-versions" in message
    assert (folder / JOURNAL_NAME).read_bytes() == before


def test_values_of_the_journal_can_be_accepted(tmp_path):
    spec = spec_of(tmp_path, STRATEGIES["random"])
    folder = tmp_path / "run"
    expected = search(spec, folder)
    lines = (folder / JOURNAL_NAME).read_bytes().splitlines(keepends=True)
    (folder / JOURNAL_NAME).write_bytes(b"".join(lines[:15]))
    asked = sum(b'"asked"' in line for line in lines[:15])
    result = search(spec, folder, accepts=True, change_asker=Otherwise)
    assert asked >= 3
    assert shown(result)[:asked] == shown(expected)[:asked]
    assert all(trial.values["learning_rate"] == 0.5 for trial in result.trials[asked:])
    assert len(result.trials) == len(expected.trials)


def test_as_many_trials_as_the_space_has_points_are_enough(tmp_path):
    """The journal says that the space is exhausted, which nobody asks any more."""
    space = {"size": {"values": [3, 5]}, "learning_rate": {"values": [0.1, 0.01]}}
    architecture = [{"conv2d": {"filters": 2, "kernel_size": "$size"}}, "flatten"]

    def run(trials, workers=None):
        spec = spec_of(
            tmp_path / f"{trials}", {"strategy": "random", "trials": trials},
            search_space=space, architecture=architecture,
        )  # fmt: skip
        return search(spec, tmp_path / "run", workers)

    found = [run(8), run(4), run(8)]
    assert [(result.ended, len(result.trials)) for result in found] == [
        ("exhausted", 4), ("trials", 4), ("exhausted", 4),
    ]  # fmt: skip
    assert shown(found[0]) == shown(found[1]) == shown(found[2])
    with pytest.raises(FolderError, match="holds trial 4 already, and search.trials is less"):
        run(3)


def test_a_trial_that_ends_without_having_begun_is_damage(tmp_path):
    spec, path = spec_of(tmp_path, STRATEGIES["random"]), tmp_path / "run" / JOURNAL_NAME
    search(spec, path.parent)
    lines = path.read_bytes().splitlines(keepends=True)
    assert b'"asked"' in lines[0]
    path.write_bytes(b"".join(lines[1:]))
    with pytest.raises(FolderError) as caught:
        search(spec, path.parent)
    assert str(caught.value) == (
        "the journal lacks lines: trial 1 ends in it, and did not begin\n"
        "    put an intact copy in its place, or start over with --fresh"
    )
    # That a training began, it can do without.
    started = [number for number, line in enumerate(lines) if b'"training_started"' in line]
    interrupted = {"event": "training_interrupted", "kind": "trial", "number": 1, "execution": 1}
    path.write_bytes(b"".join([*lines[: started[0]], encode(interrupted)]))
    assert len(search(spec, path.parent).trials) == 9


@pytest.mark.parametrize(("name", "n_lines"), [("random", 3), ("screening", 1)])
def test_a_journal_that_holds_less_than_the_record_is_damage(tmp_path, name, n_lines):
    """A trial is missing, or the second part of one."""
    spec, path = spec_of(tmp_path, STRATEGIES[name]), tmp_path / "run" / JOURNAL_NAME
    recorded = search(spec, path.parent).trials
    events = read_journal(path)[:-1]
    last = events[-1]["record"]
    check_holds(past_of(spec, events), recorded)
    with pytest.raises(FolderError) as caught:
        check_holds(past_of(spec, events[:-n_lines]), recorded)
    assert str(caught.value) == (
        f"the journal lacks lines: the record holds 9 epochs of trial {last['number']}\n"
        "    put an intact copy in its place, or start over with --fresh"
    )


def past_of(spec, events):
    return replay(
        events, make_asker(spec, data_of(spec)), accepts=False, on_progress=lambda n: None
    )


def test_more_trials_go_on_where_a_search_ended(tmp_path):
    few, more = ({"strategy": "random", "trials": n} for n in (4, 9))
    folder = tmp_path / "run"
    first = search(spec_of(tmp_path / "few", few), folder)
    workers = ScriptedWorkers()
    raised = search(spec_of(tmp_path / "more", more), folder, workers)
    whole = search(spec_of(tmp_path / "more", more), tmp_path / "whole")
    assert shown(raised)[:4] == shown(first)
    assert shown(raised) == shown(whole)
    assert len(workers.submitted) == 5
