"""A test part that stays sealed until somebody opens it, once."""

from __future__ import annotations

import hashlib
import json
import shutil

import pytest
from experiments import (
    LIVES,
    RATES,
    Place,
    apart_from,
    contents,
    journal_of,
    names_of,
    write_journal,
)

from lenetml.errors import FolderError, UsageError
from lenetml.record import read_record, record_schema
from lenetml.search.journal import JOURNAL_NAME
from lenetml.trial.data import LoadedData
from lenetml.unsealing import open_sealed

pytestmark = pytest.mark.slow

BASELINE = """\
name: plain
seed: 5
data: {path: digits.npz, split: {train: 90, val: 60, test: 60}}
architecture: [flatten]
training: {epochs: 1}
energy: false
"""
OPEN = RATES.replace("trials: 3", "trials: 2, baseline: plain.yaml") + "evaluation: {seeds: 1}\n"
SEALED = OPEN.replace("seeds: 1", "seeds: 1, test: sealed")


ADVICE = "    put it back, or start over with --fresh"


class Sealed:
    """A place with a run whose test part is sealed.

    Args:
        folder: Of the place.
        name: Of the spec.
    """

    def __init__(self, folder, name="rates"):
        self.place = Place(folder)
        (self.folder,) = self.place.out.glob(f"{name}-*")

    @property
    def record(self):
        return read_record(self.folder)

    def open(self, text=SEALED, *changes, warn=pytest.fail):
        self.stages = []
        spec = self.place.load(text, *changes)
        return open_sealed(self.folder, spec, self.stages.append, warn)

    def refusal(self):
        """What opening it says, which must cost no look and change no file."""
        looks, before = self.place.looks(), contents(self.folder)
        with pytest.raises(FolderError) as caught:
            self.open()
        assert self.place.looks() == looks
        assert contents(self.folder) == before
        return str(caught.value)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = Place(tmp_path_factory.mktemp("sealed"))
    place.write(BASELINE)
    place.run(SEALED)
    return place.folder


@pytest.fixture
def sealed(folder, tmp_path):
    """A copy of the sealed run, to be opened."""
    shutil.copytree(folder, tmp_path / "copy")
    return Sealed(tmp_path / "copy")


def test_a_sealed_run_has_looked_at_nothing(sealed):
    record = sealed.record
    assert (record.test, record.test_reason) == (None, "sealed")
    (seed,) = record.seeds
    assert (seed.status, seed.test) == ("completed", None)
    (baseline,) = record.baselines
    assert (baseline.difference_pp, baseline.mcnemar) == (None, None)
    # The look is the baseline's, which is not sealed.
    assert [look["run"] for look in sealed.place.looks()] == [baseline.folder]
    assert "test_opened" not in names_of(journal_of(sealed.folder))
    assert not list((sealed.folder / "predictions").glob("test*"))
    assert not sealed.place.run(SEALED).is_new
    assert sealed.record == record


def test_opened_it_is_the_run_that_was_never_sealed(sealed):
    model = sealed.folder / "model.keras"
    before = (model.stat().st_ino, model.stat().st_mtime_ns)
    finished = sealed.open()
    assert finished.is_new
    assert sealed.stages[0] == "rates: loading the data"
    assert sealed.stages[-1] == "rates: opening the test part for trial 2"
    whole = sealed.place.run(OPEN).record
    keys = LIVES | {"spec", "spec_sha256", "test.look", "seeds.test.look"}
    assert apart_from(keys, finished.record) == apart_from(keys, whole)
    assert finished.record.spec["evaluation"]["test"] == "sealed"
    assert sealed.record == finished.record
    test = finished.record.test
    assert [look["look"] for look in sealed.place.looks()] == [1, 2, 3]
    assert (test.look, finished.record.seeds[0].test.look, whole.test.look) == (2, 2, 3)
    assert not (sealed.folder / "weights").exists()
    assert (model.stat().st_ino, model.stat().st_mtime_ns) == before
    sha256 = hashlib.sha256(model.read_bytes()).hexdigest()
    assert sha256 == finished.record.best.model_sha256


def test_the_look_is_noted_before(sealed, monkeypatch):
    seen = []
    open_test = LoadedData.open_test

    def watched(data):
        events = [event["event"] for event in journal_of(sealed.folder)]
        seen.append((len(sealed.place.looks()), "test_opened" in events))
        return open_test(data)

    monkeypatch.setattr(LoadedData, "open_test", watched)
    sealed.open()
    assert seen[0] == (2, True)


def test_a_second_time_shows_the_first(sealed):
    first = sealed.open()
    looks = sealed.place.looks()
    again = sealed.open()
    assert (again.is_new, again.record, sealed.stages) == (False, first.record, [])
    assert again.cards == first.cards
    assert not sealed.place.run(SEALED).is_new
    assert sealed.record == first.record
    assert sealed.place.looks() == looks


def test_cut_short_while_it_looked_it_has_looked_once(sealed, folder):
    first = sealed.open()
    events = journal_of(sealed.folder)
    opened = [event["event"] for event in events].index("test_opened")
    write_journal(sealed.folder, events[: opened + 1])
    (before,) = (folder / "runs").glob("rates-*")
    shutil.copy(before / "record.json", sealed.folder)
    shutil.copytree(before / "weights", sealed.folder / "weights")
    again = sealed.open()
    assert (again.is_new, again.record) == (True, first.record)
    assert len(sealed.place.looks()) == 2


def test_none_but_the_chosen_network_is_tested(sealed):
    model = sealed.folder / "model.keras"
    (other,) = sealed.place.out.glob("plain-*")
    shutil.copy(other / "model.keras", model)
    assert sealed.refusal() == f"{model} is not the one that the record tells of\n{ADVICE}"
    model.unlink()
    assert sealed.refusal() == f"{model} is gone\n{ADVICE}"


def test_what_is_gone_or_damaged_costs_no_look(sealed):
    weights = sealed.folder / "weights" / "trial-002-seed-1.npz"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    assert sealed.refusal() == f"{weights} is damaged\n{ADVICE}"
    shutil.copy(sealed.folder / "predictions" / "trial-001.npz", weights)
    assert sealed.refusal() == f"{weights} is damaged\n{ADVICE}"
    weights.unlink()
    assert sealed.refusal() == f"{weights} is gone\n{ADVICE}"
    weights.write_bytes(whole)
    (other,) = sealed.place.out.glob("plain-*")
    predictions = other / "predictions" / "test.npz"
    predictions.unlink()
    assert sealed.refusal() == f"{predictions} is gone\n{ADVICE}"


def test_a_journal_without_the_trainings_of_the_seeds_is_damage(sealed):
    events = journal_of(sealed.folder)
    write_journal(sealed.folder, [it for it in events if it["event"] != "execution_ended"])
    assert sealed.refusal() == (
        f"{sealed.folder / JOURNAL_NAME} lacks trainings that the record tells of\n"
        "    put an intact copy in its place, or start over with --fresh"
    )


def test_a_line_that_was_torn_is_named(sealed):
    path, told = sealed.folder / JOURNAL_NAME, []
    n_lines = len(path.read_bytes().splitlines())
    path.write_bytes(path.read_bytes() + b"01234567 {")
    sealed.open(warn=told.append)
    assert told == [
        f"{path}:{n_lines + 1}: this last line was cut short (10 bytes) and is dropped; what it "
        "told is done again"
    ]


def test_the_spec_stays_as_it_was_given(sealed):
    path = sealed.folder / "spec.yaml"
    as_given = path.read_bytes().replace(b"\n", b"\r\n")
    path.write_bytes(as_given)
    sealed.open()
    assert path.read_bytes() == as_given


def test_what_opening_it_takes_is_not_recorded_and_the_schema_says_so(sealed):
    before = sealed.record
    assert sealed.open().record.cost == before.cost
    kinds = json.loads(record_schema())["$defs"]
    for kind in ("CostRecord", "EnergyRecord"):
        assert "opening a sealed test part" in kinds[kind]["description"]


def test_cut_short_behind_its_record_it_is_finished_by_the_next(sealed, folder):
    finished = sealed.open()
    whole = contents(sealed.folder)
    waiting = sealed.folder / "pending"
    waiting.mkdir()
    (before,) = (folder / "runs").glob("rates-*")
    shutil.copytree(before / "weights", sealed.folder / "weights")
    for path in [sealed.folder / "record.json", *sealed.folder.glob("predictions/test*")]:
        path.replace(waiting / path.name)
    shutil.copy(before / "record.json", sealed.folder)
    again = sealed.open()
    assert (again.is_new, again.record) == (False, finished.record)
    assert contents(sealed.folder) == whole
    assert not (sealed.folder / "weights").exists()


def test_cut_short_before_its_record_leaves_nothing_beside_the_old_one(sealed):
    waiting = sealed.folder / "pending"
    waiting.mkdir()
    (waiting / "test.npz").write_bytes(b"predictions")
    assert not sealed.place.run(SEALED).is_new
    assert not (sealed.folder / "predictions" / "test.npz").exists()


@pytest.mark.parametrize("by", ["run", "test"])
def test_a_baseline_that_is_opened_later_is_compared_then(tmp_path, by):
    place = Place(tmp_path)
    baseline = f"{BASELINE}evaluation: {{test: sealed}}\n"
    place.write(baseline)
    place.run(OPEN if by == "run" else SEALED)
    main, other = Sealed(tmp_path), Sealed(tmp_path, "plain")
    if by == "test":
        main.open()
    (untested,) = main.record.baselines
    assert (untested.test, untested.difference_pp, untested.mcnemar) == (None, None, None)
    tested = other.open(baseline).record.test
    looks, before = place.looks(), main.record
    again = main.open() if by == "test" else place.run(OPEN)
    (compared,) = again.record.baselines
    difference = 100 * (before.test.accuracy - tested.accuracy)
    assert (compared.test, compared.difference_pp) == (tested, pytest.approx(difference, abs=1e-9))
    assert compared.mcnemar is not None
    assert (again.is_new, main.record) == (False, again.record)
    assert apart_from({"baselines"}, again.record) == apart_from({"baselines"}, before)
    kept = (main.folder / "predictions" / "test-plain.npz").read_bytes()
    assert kept == (other.folder / "predictions" / "test.npz").read_bytes()
    assert place.looks() == looks
    # Once more there is nothing to do, with the baseline or without it.
    files = contents(main.folder)
    main.open() if by == "test" else place.run(OPEN)
    if by == "test":
        shutil.rmtree(other.folder)
        assert main.open().record == again.record
    assert contents(main.folder) == files


def test_another_spec_is_refused(sealed):
    with pytest.raises(UsageError) as caught:
        sealed.open(SEALED, "training.epochs=4")
    assert str(caught.value) == (
        f"{sealed.place.folder / 'rates.yaml'} is not the spec of {sealed.folder}, or the data "
        "are others\n"
        "    give the spec, and the data, that the run was made with: --spec SPEC"
    )
    assert len(sealed.place.looks()) == 1


def test_other_data_are_refused(sealed):
    sealed.place.draw(change=1)
    with pytest.raises(UsageError, match="or the data are others"):
        sealed.open()
    assert len(sealed.place.looks()) == 1


def test_more_trials_keep_the_result_of_the_same_winner(sealed):
    opened = sealed.open().record
    finished = sealed.place.run(SEALED, "search.trials=3", "evaluation.seeds=2")
    assert (finished.is_new, finished.record.best.number) == (True, 2)
    assert (finished.record.test, finished.record.test_reason) == (opened.test, None)
    first, second = finished.record.seeds
    assert first == opened.seeds[0]
    # The seal is open for this winner, so its further seeds are tested: another look.
    assert (first.test.look, second.test.look) == (2, 3)


def test_another_winner_is_sealed_again(tmp_path):
    place = Place(tmp_path)
    place.write(BASELINE)
    place.run(SEALED, "search.trials=1")
    sealed = Sealed(tmp_path)
    first = sealed.open(SEALED, "search.trials=1").record
    second = place.run(SEALED).record
    assert (second.best.number, second.test, second.test_reason) == (2, None, "sealed")
    assert [each.test for each in second.earlier_tests] == [first.test]
    third = sealed.open().record
    assert (third.test.look, third.earlier_tests) == (3, second.earlier_tests)
