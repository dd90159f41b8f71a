"""Conditional search spaces from the spec to the card: every drawn network is built and trained."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from lenetml.trial.threads import use_one_thread

use_one_thread()

import keras_tuner  # noqa: E402

import lenetml  # noqa: E402
from lenetml.experiment import Options, run  # noqa: E402
from lenetml.record import read_record  # noqa: E402
from lenetml.search.hiring import Hiring  # noqa: E402
from lenetml.search.hyperparameters import to_values  # noqa: E402
from lenetml.search.oracle import random_asker  # noqa: E402
from lenetml.spec.domains import all_points, is_active  # noqa: E402

pytestmark = pytest.mark.slow

CASES = Path(__file__).parent / "cases" / "valid"


class Silent:
    """Hears how an experiment goes, and says nothing."""

    def __getattr__(self, name):
        return lambda *_, **__: None


def points_of(spec, n):
    """So many points as random search draws them."""
    asker = random_asker(spec.space, lambda point: True, seed=1)
    return [asker.ask().point for _ in range(n)]


@pytest.mark.parametrize(("name", "n"), [("units-per-layer", 12), ("conditional", 20)])
def test_the_hypermodel_builds_what_random_search_draws(name, n):
    spec = lenetml.load_spec(CASES / f"{name}.yaml")
    hypermodel = lenetml.HyperModel(spec)
    points = points_of(spec, n)
    assert len(points) == n
    assert len({tuple(point) for point in points}) > 2
    for point in points:
        hp = keras_tuner.HyperParameters()
        hypermodel.declare_hyperparameters(hp)
        hp.values = to_values(point, spec.space)
        model = hypermodel.build(hp)
        assert hp.values == to_values(point, spec.space)
        layers = spec.concrete(point).architecture
        units = [layer.units for layer in layers if layer.layer == "dense"]
        built = [layer.units for layer in model.layers if hasattr(layer, "units")]
        assert built[:-1] == units
        optimizer = spec.concrete(point).training.optimizer
        assert type(model.optimizer).__name__.lower() == optimizer


def test_every_point_of_the_conditional_case_is_concrete():
    spec = lenetml.load_spec(CASES / "conditional.yaml")
    points = list(all_points(spec.space))
    # adam, or sgd with 2 momenta; no dropout, or 5 rates at depth 1 or 2, twice.
    assert len(points) == 3 * (1 + 2 * 5 * 2)
    for point in points:
        concrete = spec.concrete(point)
        rates = [layer.rate for layer in concrete.architecture if layer.layer == "dropout"]
        assert rates == [point.get("rate")] * point.get("depth", 0)
        assert concrete.training.momentum == point.get("momentum")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The conditional case, run to its card: sgd without dropout, and adam with it."""
    folder = tmp_path_factory.mktemp("conditional")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("WANDB_")]:
            patch.delenv(name)
        changes = (
            "search.trials=2", "training.epochs=1", "seed=3", "energy=false",
            "data.split={train: 200, val: 100, test: 100}", "card.languages=[en, pt]",
        )  # fmt: skip
        spec = lenetml.load_spec(CASES / "conditional.yaml", changes)
        options = Options(folder, "lenetml run", "lenetml run", hiring=Hiring(0))
        return spec, run(spec, options, Silent(), threading.Event())


def test_trials_hold_the_values_that_exist(finished):
    spec, end = finished
    record = read_record(end.folder)
    assert len(record.trials) == 2
    for trial in record.trials:
        assert trial.status == "completed"
        names = [name for name in spec.space if is_active(spec.space[name], trial.values)]
        assert sorted(trial.values) == sorted(names)
    first, second = (set(trial.values) for trial in record.trials)
    assert first - second == {"momentum"}
    assert second - first == {"rate", "depth"}


def test_the_record_says_what_exists_when(finished):
    _, end = finished
    record = read_record(end.folder)
    space = {each.name: each for each in record.search.space}
    assert space["momentum"].when == {"optimizer": ["sgd"]}
    assert space["rate"].when == {"regular.0": [True]}
    assert space["depth"].when == {"regular.1": [1, 2]}
    assert (space["rate"].low, space["rate"].high, space["rate"].step) == (0.1, 0.5, 0.1)
    assert record.search.space_size == 63


@pytest.mark.parametrize("language", ["en", "pt"])
def test_values_that_do_not_exist_are_dashes_in_the_card(finished, language):
    _, end = finished
    record = read_record(end.folder)
    text = (end.folder / f"card.{language}.md").read_text(encoding="utf-8")
    tables = [line for line in text.splitlines() if line.startswith("| ")]
    [header] = [line for line in tables if "`momentum`" in line and "`val_accuracy`" in line]
    columns = [cell.strip() for cell in header.strip("|").split("|")]
    n_dashes = 0
    for trial in record.trials:
        cells = [
            [cell.strip() for cell in line.strip("| ").split("|")]
            for line in tables[tables.index(header) + 1 :]
        ]
        row = next(each for each in cells if each[0] == str(trial.number))
        for name in ("optimizer", "momentum", "regular", "rate", "depth"):
            cell = row[columns.index(f"`{name}`")]
            assert (cell == "—") == (name not in trial.values)
            n_dashes += cell == "—"
    assert n_dashes > 0
