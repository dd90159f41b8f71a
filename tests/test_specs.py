"""The specs that come with the project: each is right, can be run, and trains."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from lenetml.trial.threads import use_one_thread

use_one_thread()

from lenetml.search.strategy import make_asker, planner, task_of  # noqa: E402
from lenetml.spec import check_spec, load_spec  # noqa: E402
from lenetml.spec.sections import Split  # noqa: E402
from lenetml.trial.data import load_data  # noqa: E402
from lenetml.trial.train import train_trial  # noqa: E402

SPECS = sorted((Path(__file__).parents[1] / "specs").glob("*.yaml"))
NAMES = [path.stem for path in SPECS]
FEW = Split(train=600, val=200, test=100)
N_CLASSES = 10
# Share of what random search draws that cannot be built.
IMPOSSIBLE = {"lenet5": 1 / 6}
# The originals' shear of less than a degree.
ODD_SHEAR = {"lenet5-augmented", "lenet5-augmented-original", "padocanet", "padocanet-original"}
# Normalizations that stand behind an activation, as in the originals.
BENT = {"gmnet": 2, "lenet5-modified": 2, "padocanet": 1, "padocanet-original": 2, "ivannet": 2}


def test_all_are_here():
    assert sorted(NAMES) == [
        "digits", "gmnet", "ivannet", "lenet5", "lenet5-augmented", "lenet5-augmented-original",
        "lenet5-modified", "lenet5-original", "padocanet", "padocanet-original",
    ]  # fmt: skip


@pytest.mark.parametrize("path", SPECS, ids=NAMES)
def test_it_is_right(path):
    spec, problems = check_spec(path)
    assert [str(problem) for problem in problems if problem.is_error] == []
    assert spec.document.name == path.stem
    assert spec.feasibility.n_sampled is None
    share = IMPOSSIBLE.get(path.stem, 0)
    assert spec.feasibility.impossible_share == pytest.approx(share)
    said = [problem.message.partition(" ")[0] for problem in problems]
    assert said.count("shear_range") == (path.stem in ODD_SHEAR)
    assert said.count("conv2d") == (share > 0)
    assert said.count("batch_normalization") == BENT.get(path.stem, 0)
    assert len(said) == (share > 0) + (path.stem in ODD_SHEAR) + BENT.get(path.stem, 0)


@pytest.fixture(scope="module")
def few(mnist_folder):
    """A few digits of the data set that a spec names."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LENETML_DATA_DIR", str(mnist_folder))
        loaded = {}

        def load(spec):
            name = spec.document.data.dataset
            if name not in loaded:
                data = spec.document.data.model_copy(update={"split": FEW})
                loaded[name] = load_data(data, spec.document.seed, spec.path.parent)
            return loaded[name]

        yield load


@pytest.mark.slow
@pytest.mark.parametrize("path", SPECS, ids=NAMES)
def test_its_first_trial_trains(path, few):
    spec = load_spec(path)
    data = few(spec)
    objective = task_of(spec, data).objective
    ask = make_asker(spec, data).ask()
    plan = planner(spec, data)(ask)
    concrete = spec.concrete(ask.point)
    one_epoch = concrete.training.model_copy(update={"epochs": 1})
    result = train_trial(
        concrete.model_copy(update={"training": one_epoch}), data, plan.seeds[0], objective
    )
    assert (result.epochs, result.best_epoch, result.images_trained) == (1, 1, 600)
    assert sum(weight.size for weight in result.weights) == plan.parameters
    assert all(math.isfinite(value) for [value] in result.history.values())
    assert result.val_probabilities.shape == (200, N_CLASSES)
    assert result.val_probabilities.sum(axis=1) == pytest.approx(1, abs=1e-4)
    assert 0 <= result.objective <= 1
