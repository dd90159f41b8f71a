"""Lives cut short behind a finished run: what its folder holds stays what its record tells of."""

from __future__ import annotations

import hashlib
import threading

import keras
import numpy as np
import pytest
from experiments import RATES, Follower, Place, StopsAfter, quiet_home

from lenetml.errors import FolderError, Interrupted
from lenetml.trial.evaluate import unpack_predictions
from lenetml.unsealing import open_sealed

pytestmark = pytest.mark.slow

SEALED = RATES.replace("energy: false", "energy: false\nevaluation: {test: sealed}")


@pytest.fixture(autouse=True, scope="module")
def nobody_at_home(tmp_path_factory):
    with quiet_home(tmp_path_factory.mktemp("home")):
        yield


def unseal(folder, place, change):
    return open_sealed(folder, place.load(SEALED, change), lambda text: None, pytest.fail)


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


class KilledAt(Follower):
    """Ends a life at a stage, without a word."""

    def __init__(self, words):
        super().__init__()
        self._words = words

    def stage(self, text):
        super().stage(text)
        if self._words in text:
            raise Killed


class StopsAt(Follower):
    """Wants an end from a stage on."""

    def __init__(self, words):
        super().__init__()
        self._words, self.stop = words, threading.Event()

    def stage(self, text):
        super().stage(text)
        if self._words in text:
            self.stop.set()


def assert_whole(place, text, finished):
    """The network and the predictions in a folder are those of its record."""
    record, folder = finished.record, finished.folder
    content = (folder / "model.keras").read_bytes()
    assert hashlib.sha256(content).hexdigest() == record.best.model_sha256
    data = place.data(text)
    network = keras.models.load_model(folder / "model.keras", compile=False)
    images = data.val.images.astype("float32") / 255
    right = network.predict(images, verbose=0).argmax(axis=1) == data.val.labels
    assert int(right.sum()) == record.best.val.correct
    kept = unpack_predictions((folder / "predictions" / "test.npz").read_bytes())
    assert np.count_nonzero(kept.classes == data.open_test().labels) == record.test.correct


def test_fewer_trials_again_keep_what_more_trials_had_begun(tmp_path):
    place = Place(tmp_path)
    place.run(RATES, "search.trials=1")
    with pytest.raises(Interrupted):
        place.run(RATES, "search.trials=3", follower=StopsAfter(1))
    shown = place.run(RATES, "search.trials=1")
    assert (shown.is_new, shown.record.best.number) == (False, 1)
    assert_whole(place, RATES, shown)
    more = place.run(RATES, "search.trials=3")
    assert more.record.best.number == 2
    assert_whole(place, RATES, more)


@pytest.mark.parametrize("words", ["evaluating the winner", "writing the cards"])
def test_a_kill_leaves_the_old_record_with_its_files(tmp_path, words):
    place = Place(tmp_path)
    place.run(RATES, "search.trials=1")
    with pytest.raises(Killed):
        place.run(RATES, "search.trials=3", follower=KilledAt(words))
    shown = place.run(RATES, "search.trials=1")
    assert shown.record.best.number == 1
    assert_whole(place, RATES, shown)
    more = place.run(RATES, "search.trials=3")
    assert (more.record.best.number, more.record.test.look) == (2, 2)
    assert_whole(place, RATES, more)


def test_a_sealed_run_that_went_on_is_not_opened_before_it_ended(tmp_path):
    place = Place(tmp_path)
    first = place.run(SEALED, "search.trials=1")
    with pytest.raises(Killed):
        place.run(SEALED, "search.trials=3", follower=KilledAt("writing the cards"))
    with pytest.raises(FolderError, match="went on, and did not end"):
        unseal(first.folder, place, "search.trials=1")
    place.run(SEALED, "search.trials=3")
    opened = unseal(first.folder, place, "search.trials=3")
    assert (opened.record.best.number, opened.record.test.look) == (2, 1)
    assert_whole(place, SEALED, opened)


def test_seeds_whose_weights_are_gone_are_trained_again(tmp_path):
    place = Place(tmp_path)
    place.run(RATES, "search.trials=1")
    with pytest.raises(Interrupted):
        place.run(RATES, "search.trials=1", "evaluation.seeds=2", follower=StopsAt("1 of 2 done"))
    # This life ends in order, and keeps no weights.
    assert place.run(RATES, "search.trials=3").record.best.number == 2
    seeds = place.run(RATES, "search.trials=3", "evaluation.seeds=2").record.seeds
    assert [seed.test is not None for seed in seeds] == [True, True]


def test_a_grid_without_its_limit_goes_on(tmp_path):
    place = Place(tmp_path)
    few = place.run(RATES, "search.trials=1")
    whole = place.run(RATES.replace(", trials: 3", ""))
    assert (whole.folder, whole.is_new) == (few.folder, True)
    assert (len(whole.record.trials), whole.record.search.ended) == (3, "exhausted")


def test_no_life_begins_where_the_user_wants_an_end(tmp_path):
    place, stop = Place(tmp_path), threading.Event()
    before = place.run(RATES, "search.trials=1").folder
    stop.set()
    with pytest.raises(Interrupted, match="interrupted before it began"):
        place.run(RATES, "search.trials=1", stop=stop, fresh=True)
    assert list(place.out.glob("rates-*")) == [before]
