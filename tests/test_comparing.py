"""Runs compared from their folders: predictions paired, whatever they leave open, and bad input."""

from __future__ import annotations

import math
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from lenetml.comparing import compare_folders
from lenetml.errors import FolderError, UsageError
from lenetml.files import PUT_BACK
from lenetml.record import Record, write_record
from lenetml.report.comparison import LEAST_SEEDS, comparison_document
from lenetml.report.comparison_view import write_page
from lenetml.trial import means
from lenetml.trial.evaluate import pack_predictions, score_test

CASES = Path(__file__).parent / "cases"
RECORD = Record.model_validate_json((CASES / "record.json").read_bytes())
SEED = Record.model_validate_json((CASES / "record-more.json").read_bytes()).seeds[0]
N_CLASSES = 4


def make_run(folder, labels, probabilities, seeds=(), **changes):
    """A folder as a run leaves it, with a record whose test is that of these predictions."""
    probabilities = np.asarray(probabilities, dtype=np.float32)
    names = [str(number) for number in range(probabilities.shape[1])]
    test = score_test(np.asarray(labels), probabilities, names, 1, "2026-11-20T10:00:00+00:00")
    further = [
        SEED.model_copy(
            update={"test": test.model_copy(update={"accuracy": accuracy}), "seed": number + 1}
        )
        for number, accuracy in enumerate(seeds)
    ]
    spec = RECORD.spec | {"title": folder.name}
    (folder / "predictions").mkdir(parents=True)
    packed = pack_predictions(np.asarray(labels), probabilities)
    (folder / "predictions" / "test.npz").write_bytes(packed)
    changes = {"name": folder.name, "spec": spec, "test": test, "seeds": further} | changes
    write_record(RECORD.model_copy(update=changes), folder)
    return folder


def drawn(seed, n, strength):
    """Labels that are the same for every strength, and probabilities that know more or less."""
    labels = np.random.default_rng(0).integers(N_CLASSES, size=n)
    scores = np.random.default_rng(seed).normal(size=(n, N_CLASSES))
    scores[np.arange(n), labels] += strength
    exponentials = np.exp(scores)
    return labels, exponentials / exponentials.sum(axis=1, keepdims=True)


def exact_mcnemar(labels, this, other):
    """Counts and p by adding up the binomial distribution of the discordant images."""
    rows = [list(map(int, row)) for row in zip(labels, this, other, strict=True)]
    only_this = sum(a == y != b for y, a, b in rows)
    only_other = sum(b == y != a for y, a, b in rows)
    n = only_this + only_other
    tail = sum(math.comb(n, k) for k in range(min(only_this, only_other) + 1))
    return only_this, only_other, min(1.0, 2 * tail / 2**n)


def test_pairs_are_mcnemars_and_corrected_by_holm(tmp_path):
    runs = {name: drawn(seed, 300, strength) for seed, (name, strength) in enumerate(
        {"weak": 0.7, "middle": 1.2, "strong": 1.5}.items()
    )}  # fmt: skip
    folders = [make_run(tmp_path / name, *run) for name, run in runs.items()]
    comparison = compare_folders(folders)
    pairs = comparison.pairs
    assert "correção de Holm vale para os 3 testes" in write_page(comparison, "pt", tmp_path)
    expected = [
        exact_mcnemar(runs[first][0], runs[first][1].argmax(1), runs[second][1].argmax(1))
        for first, second in (("weak", "middle"), ("weak", "strong"), ("middle", "strong"))
    ]
    found = [(it.mcnemar.only_this_correct, it.mcnemar.only_other_correct) for it in pairs]
    assert found == [(here, there) for here, there, _ in expected]
    p_values = [p_value for *_, p_value in expected]
    assert [it.mcnemar.p_value for it in pairs] == pytest.approx(p_values, rel=1e-9)
    assert [it.p_holm for it in pairs] == pytest.approx(holm_by_rank(p_values), rel=1e-9)
    accuracies = [(run.argmax(1) == labels).mean() for labels, run in runs.values()]
    differences = [accuracies[a] - accuracies[b] for a, b in ((0, 1), (0, 2), (1, 2))]
    assert [it.difference_pp for it in pairs] == pytest.approx(100 * np.array(differences))


def holm_by_rank(p_values):
    """Each p-value against all that are not larger: the definition, without a running maximum."""
    n, ordered = len(p_values), sorted(p_values)
    return [
        min(1.0, max((n - rank) * p for rank, p in enumerate(ordered) if p <= own))
        for own in p_values
    ]


def test_one_pair_needs_no_correction(tmp_path):
    folders = [make_run(tmp_path / name, *drawn(seed, 50, 1.0)) for seed, name in enumerate("ab")]
    (pair,) = compare_folders(folders).pairs
    assert pair.mcnemar is not None
    assert pair.p_holm is None
    assert "corrected by Holm" not in write_page(compare_folders(folders), "en", tmp_path)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_ties_are_settled_rightly_or_left_open(tmp_path_factory, data):
    """With coarse probabilities many images have two classes of equal probability."""
    n = data.draw(st.integers(1, 12))
    labels = data.draw(st.lists(st.integers(0, 2), min_size=n, max_size=n))
    weights = st.lists(st.sampled_from([1, 2, 6]), min_size=3, max_size=3)
    networks = [np.array(data.draw(st.lists(weights, min_size=n, max_size=n)), dtype=float)
                for _ in range(2)]  # fmt: skip
    networks = [network / network.sum(axis=1, keepdims=True) for network in networks]
    place = tmp_path_factory.mktemp("ties")
    folders = [
        make_run(place / name, labels, network)
        for name, network in zip("ab", networks, strict=True)
    ]
    (pair,) = compare_folders(folders).pairs
    only_this, only_other, p_value = exact_mcnemar(labels, *(each.argmax(1) for each in networks))
    if pair.mcnemar is None:
        assert pair.paired.n_undecided > 0
    else:
        found = pair.mcnemar
        assert (found.only_this_correct, found.only_other_correct) == (only_this, only_other)
        assert found.p_value == pytest.approx(p_value)


def test_a_tie_is_settled_by_the_counts_of_the_record(tmp_path):
    """Of the images taken for class 0, one is right: the sure one, not that with a tie."""
    labels = [0, 1, 1]
    tied = [[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]]
    folders = [
        make_run(tmp_path / "tied", labels, tied),
        make_run(tmp_path / "other", labels, [[0.9, 0.1], [0.1, 0.9], [0.9, 0.1]]),
    ]
    (pair,) = compare_folders(folders).pairs
    assert (pair.mcnemar.only_this_correct, pair.mcnemar.only_other_correct) == (1, 1)


def test_a_tie_is_settled_by_the_other_network(tmp_path):
    """Of two images with a tie one is right, and the other network knows which."""
    labels = [0, 1]
    folders = [
        make_run(tmp_path / "tied", labels, [[0.5, 0.5], [0.5, 0.5]]),
        make_run(tmp_path / "other", labels, [[0.9, 0.1], [0.1, 0.9]]),
    ]
    (pair,) = compare_folders(folders).pairs
    assert (pair.mcnemar.only_this_correct, pair.mcnemar.only_other_correct) == (0, 1)


def test_what_stays_open_is_said(tmp_path):
    labels = [0, 1]
    folders = [
        make_run(tmp_path / name, labels, probabilities)
        for name, probabilities in {
            "tied": [[0.5, 0.5, 0], [0.5, 0.5, 0]],
            "other": [[0, 0.1, 0.9], [0, 0.1, 0.9]],
        }.items()
    ]
    comparison = compare_folders(folders)
    (pair,) = comparison.pairs
    assert pair.mcnemar is None
    assert comparison_document(comparison)["pairs"][0]["undecided_images"] == 2
    assert (
        "tied and other: no paired test, since two classes were equally probable, and what was "
        "kept does not say which one is right; images: 2." in write_page(comparison, "en", tmp_path)
    )


def test_means_of_seeds(tmp_path):
    labels, probabilities = drawn(0, 40, 1.0)
    seeds = {
        "five": [0.91, 0.93, 0.92, 0.95, 0.94],
        "six": [0.90, 0.89, 0.91, 0.93, 0.88, 0.90],
        "four": [0.9, 0.9, 0.8, 0.7],
    }
    folders = [
        make_run(tmp_path / name, labels, probabilities, values) for name, values in seeds.items()
    ]
    comparison = compare_folders(folders)
    first, *others = [pair.means for pair in comparison.pairs]
    assert others == [None, None]
    welch = scipy.stats.ttest_ind(seeds["five"], seeds["six"], equal_var=False)
    interval = welch.confidence_interval(0.95)
    assert first.difference_pp == pytest.approx(100 * (0.93 - 5.41 / 6))
    assert first.interval_pp == pytest.approx([100 * interval.low, 100 * interval.high])
    spread = comparison.runs[0].spread
    half_width = scipy.stats.t.ppf(0.975, 4) * scipy.stats.sem(seeds["five"])
    assert (spread.n, spread.mean) == (5, pytest.approx(0.93))
    assert spread.half_width == pytest.approx(half_width, rel=1e-9)
    ends = f"{100 * interval.low:+.2f} to {100 * interval.high:+.2f}"
    assert f"| five | six | +2.83 | {ends} |" in write_page(comparison, "en", tmp_path)


def test_seeds_are_enough_where_the_story_says_so():
    assert LEAST_SEEDS == means.LEAST_SEEDS


def test_other_images_are_not_paired(tmp_path):
    """Nor are their seeds; and it is no matter that their predictions are gone."""
    labels, probabilities = drawn(0, 40, 1.0)
    data = RECORD.data.model_copy(update={"test_fingerprint": "e" * 64})
    seeds = [0.9, 0.8, 0.7, 0.9, 0.8]
    folders = [
        make_run(tmp_path / "here", labels, probabilities, seeds),
        make_run(tmp_path / "there", labels, probabilities, seeds, data=data),
    ]
    shutil.rmtree(folders[1] / "predictions")
    comparison = compare_folders(folders)
    (pair,) = comparison.pairs
    assert (pair.same_images, pair.mcnemar, pair.difference_pp, pair.means) == (False, *[None] * 3)
    assert (
        "Not evaluated on the same images, so that there is no paired test, and accuracies differ "
        "by the images, too: here and there." in write_page(comparison, "en", tmp_path)
    )


def test_a_sealed_run_has_its_place(tmp_path):
    labels, probabilities = drawn(0, 40, 1.0)
    sealed = {"test": None, "test_reason": "sealed"}
    folders = [
        make_run(tmp_path / "open", labels, probabilities),
        make_run(tmp_path / "shut", labels, probabilities, **sealed),
    ]
    comparison = compare_folders(folders)
    page = write_page(comparison, "pt", tmp_path)
    assert "| shut | — | — | — | — |" in page
    assert "shut não foi avaliado no conjunto de teste (a especificação o mantém lacrado)." in page
    assert [pair.same_images for pair in comparison.pairs] == [None]


@pytest.fixture
def pair_of_runs(tmp_path):
    return [make_run(tmp_path / name, *drawn(seed, 20, 1.0)) for seed, name in enumerate("ab")]


def test_a_run_is_given_once(pair_of_runs, tmp_path):
    again = tmp_path / "b" / ".." / "a"
    with pytest.raises(UsageError, match=re.escape(f"{again} is given twice")):
        compare_folders([*pair_of_runs, again])


def test_a_copy_is_no_other_run(pair_of_runs, tmp_path):
    copy = shutil.copytree(tmp_path / "a", tmp_path / "copy")
    with pytest.raises(UsageError) as error:
        compare_folders([*pair_of_runs, copy])
    assert str(error.value) == f"{copy} is a copy of {tmp_path / 'a'}"


def test_a_folder_that_is_no_run(pair_of_runs, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(FolderError) as error:
        compare_folders([*pair_of_runs, tmp_path / "empty"])
    path = tmp_path / "empty" / "record.json"
    assert str(error.value) == f"{path} is not there\n    a finished run has one"


def test_predictions_that_are_gone(pair_of_runs, tmp_path):
    path = tmp_path / "b" / "predictions" / "test.npz"
    path.unlink()
    with pytest.raises(FolderError) as error:
        compare_folders(pair_of_runs)
    assert str(error.value) == f"{path} is gone\n    {PUT_BACK}"


@pytest.mark.parametrize("n", [20, 21])
def test_predictions_of_another_run(pair_of_runs, tmp_path, n):
    """As many or not: their counts are not those of the record."""
    path = tmp_path / "b" / "predictions" / "test.npz"
    path.write_bytes(pack_predictions(*drawn(9, n, 0.0)))
    with pytest.raises(FolderError) as error:
        compare_folders(pair_of_runs)
    assert str(error.value) == f"{path} is not what the record tells of\n    {PUT_BACK}"
