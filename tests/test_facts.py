"""The parts of a record, each from what happened."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from lenetml import facts
from lenetml.record import read_record
from lenetml.search.loop import SearchResult
from lenetml.spec import load_spec
from lenetml.spec.sections import Energy
from lenetml.trial.energy import Methods, Reading
from lenetml.trial.evaluate import pack_predictions
from lenetml.trial.sources import Part

RECORD = read_record(Path(__file__).parent / "cases")
TRIAL = RECORD.trials[0].model_copy(update={"status": "completed"})
METHODS = Methods("estimated", "no GPU", "estimated from the size of the memory", False)
SPEC = """\
name: net
data: {dataset: digits}
search_space:
  kernel: {values: [3, 9]}
  units: {min: 8, max: 15}
  activation: {values: [relu, tanh]}
architecture:
  - conv2d: {filters: 4, kernel_size: $kernel, activation: $activation}
  - flatten
  - dense: {units: $units}
training: {epochs: 3}
search: {strategy: random, trials: 2, objective: val_loss}
"""


# What a hyperparameter is where nothing is said of it.
PLAIN = {"values": None, "low": None, "high": None, "step": None, "is_log": False, "when": {}}


class Meter:
    """Reads what it is given."""

    methods = METHODS

    def __init__(self, *kwh):
        self.readings = [None if k is None else Reading(k, 0.0, 0.0) for k in kwh]

    def sample(self):
        return self.readings.pop(0)


@pytest.fixture
def spec_of(tmp_path):
    def load(*changes, text=SPEC):
        (tmp_path / "net.yaml").write_text(text)
        return load_spec(tmp_path / "net.yaml", changes)

    return load


@pytest.mark.parametrize(
    ("name", "direction"), [("val_accuracy", "max"), ("val_f1", "max"), ("val_loss", "min")]
)
def test_objective(spec_of, name, direction):
    assert facts.objective_of(spec_of(f"search.objective={name}")) == (name, direction)


def test_objective_without_a_search(spec_of):
    fixed = "name: n\ndata: {dataset: digits}\narchitecture: [flatten]\ntraining: {epochs: 1}\n"
    assert facts.objective_of(spec_of(text=fixed)) == ("val_accuracy", "max")


def test_search(spec_of):
    result = SearchResult((TRIAL,), "trials")
    assert facts.search_facts(spec_of(), result, 12.5).model_dump() == {
        "strategy": "random",
        "objective": "val_loss",
        "direction": "min",
        "trials_asked": 2,
        "ended": "trials",
        "seconds": 12.5,
        "space": [
            PLAIN | {"name": "kernel", "values": [3, 9]},
            PLAIN | {"name": "units", "low": 8, "high": 15},
            PLAIN | {"name": "activation", "values": ["relu", "tanh"]},
        ],
        "space_size": 32,
        "impossible_share": 0.5,
    }


def test_search_of_a_space_without_end(spec_of):
    text = SPEC.replace("epochs: 3", "epochs: 3, learning_rate: $rate").replace(
        "  units:", "  rate: {min: 0.001, max: 0.1}\n  units:"
    )
    found = facts.search_facts(spec_of(text=text), SearchResult((), "exhausted"), 1.0)
    assert found.space_size is None
    assert found.space[1].model_dump() == PLAIN | {"name": "rate", "low": 0.001, "high": 0.1}
    assert found.ended == "exhausted"


def test_no_search(spec_of):
    fixed = "name: n\ndata: {dataset: digits}\narchitecture: [flatten]\ntraining: {epochs: 1}\n"
    found = facts.search_facts(spec_of(text=fixed), SearchResult((TRIAL,), "exhausted"), 1.0)
    assert (found.strategy, found.trials_asked, found.space) == (None, 1, [])
    assert (found.space_size, found.impossible_share) == (1, 0.0)


def test_guessing_is_marked_for_completed_trials_alone(tmp_path):
    labels = np.repeat(np.arange(2), 50)
    data = SimpleNamespace(val=Part(np.zeros((100, 1, 1, 1), np.uint8), labels))
    right = np.eye(2, dtype="float32")[labels]
    always_first = np.eye(2, dtype="float32")[np.zeros(100, int)]
    for number, probabilities in ((1, right), (2, always_first)):
        (tmp_path / f"{number}").write_bytes(pack_predictions(labels, probabilities))
    trials = [
        TRIAL.model_copy(update={"number": number, "status": status, "guessing": None})
        for number, status in ((1, "completed"), (2, "completed"), (3, "failed"))
    ]
    marked = facts.mark_guessing(trials, data, lambda kind, number: tmp_path / str(number))
    assert [trial.guessing for trial in marked] == [False, True, None]
    assert [trial.model_copy(update={"guessing": None}) for trial in marked] == trials


@pytest.mark.parametrize(("restore", "candidates"), [("best", 12), ("last", 2)])
def test_each_epoch_that_could_be_chosen_is_a_candidate(spec_of, restore, candidates):
    trials = [
        TRIAL.model_copy(update={"number": number, "epochs": epochs, "status": status})
        for number, epochs, status in ((1, 5, "completed"), (2, 7, "completed"), (3, 3, "failed"))
    ]
    point = {"kernel": 3, "units": 8, "activation": "relu"}
    concrete = spec_of(f"training.restore={restore}").concrete(point)
    data = SimpleNamespace(input_shape=(8, 8, 1), classes=tuple("0123456789"))
    best = facts.best_facts(trials[0], trials, concrete, data, facts.KeptModel(1, "0", 1))
    assert best.selected_from.model_dump() == {"trials": 2, "epochs": candidates}


def best_of(spec, **point):
    data = SimpleNamespace(input_shape=(8, 8, 1), classes=tuple("0123456789"))
    return facts.best_facts(TRIAL, [TRIAL], spec.concrete(point), data, facts.KeptModel(1, "0", 1))


@pytest.mark.parametrize(
    ("optimizer", "schedule", "read"),
    [
        ("adam", "constant", {"weight_decay": 0.0}),
        ("adamw", "cosine", {"weight_decay": 0.004}),
        ("sgd", "constant", {"momentum": 0.9, "weight_decay": 0.0}),
        ("rmsprop", "exponential", {
            "momentum": 0.9, "weight_decay": 0.0, "learning_rate_decay": 0.5,
        }),
    ],
)  # fmt: skip
def test_keys_that_the_trial_does_not_read_are_left_out(spec_of, optimizer, schedule, read):
    text = SPEC.replace(
        "search_space:",
        "search_space:\n  optimizer: {values: [adam, adamw, sgd, rmsprop]}\n"
        "  schedule: {values: [constant, cosine, exponential]}",
    ).replace(
        "epochs: 3",
        "epochs: 3, optimizer: $optimizer, learning_rate_schedule: $schedule, momentum: 0.9, "
        "learning_rate_decay: 0.5",
    )
    point = {"kernel": 3, "units": 8, "activation": "relu"}
    best = best_of(spec_of(text=text), optimizer=optimizer, schedule=schedule, **point)
    keys = ("momentum", "weight_decay", "learning_rate_decay")
    assert {key: best.training[key] for key in keys if key in best.training} == read
    assert best.training["optimizer"] == optimizer
    assert best.training["epochs"] == 3


def test_layers_have_all_their_arguments(spec_of):
    text = SPEC.replace(
        "  - flatten",
        "  - pooling2d: {kind: max}\n"
        "  - residual: {layers: [pooling2d: {kind: max, padding: same}]}\n"
        "  - flatten",
    )
    best = best_of(spec_of(text=text), kernel=3, units=8, activation="tanh")
    pooling = {"kind": "max", "pool_size": [2, 2], "strides": [2, 2]}
    assert [(layer.layer, layer.arguments) for layer in best.architecture] == [
        ("conv2d", {
            "filters": 4, "kernel_size": [3, 3], "strides": [1, 1], "padding": "valid",
            "activation": "tanh", "use_bias": True,
        }),
        ("pooling2d", pooling | {"padding": "valid"}),
        ("residual", {"layers": [{"pooling2d": pooling | {"padding": "same"}}]}),
        ("flatten", {}),
        ("dense", {"units": 8, "activation": "linear", "use_bias": True}),
        ("output", {"units": 10, "activation": "softmax", "use_bias": True}),
    ]  # fmt: skip


def test_a_span_is_what_the_meter_says_between_its_ends():
    span = facts.Span(Meter(0.25, 1.0))
    span.close()
    assert span.kwh == 0.75
    assert span.seconds > 0


@pytest.mark.parametrize("readings", [(None, 1.0), (1.0, None), (None, None)])
def test_a_span_without_a_meter(readings):
    span = facts.Span(Meter(*readings))
    span.close()
    assert span.kwh is None


def trials_of(*core_seconds):
    return [TRIAL.model_copy(update={"core_seconds": seconds}) for seconds in core_seconds]


def test_energy():
    search = facts.Span(Meter(0.0, 0.6))
    search.close()
    trials = trials_of(10.0, 20.0, 30.0)
    total = Reading(0.5, 0.0, 0.25)
    energy = facts.energy_facts(Meter(), total, search, trials[1], trials, Energy(country="BRA"))
    assert energy.kwh == pytest.approx(0.75)
    assert energy.search == pytest.approx(0.6)
    assert energy.evaluation == pytest.approx(0.15)
    assert energy.chosen_trial_share == pytest.approx(0.6 * 20 / 60)
    assert energy.seeds == 0
    assert energy.country == "BRA"
    assert energy.kg_co2eq == pytest.approx(0.75 * energy.grid_g_per_kwh / 1000)


def test_energy_without_a_country():
    search = facts.Span(Meter(0.0, 0.6))
    search.close()
    energy = facts.energy_facts(Meter(), Reading(1.0, 0.0, 0.0), search, TRIAL, [TRIAL], Energy())
    assert (energy.country, energy.kg_co2eq, energy.grid_year) == (None, None, None)


def test_no_energy_where_that_of_the_search_is_not_known():
    search = facts.Span(Meter(0.5, None))
    search.close()
    total = Reading(1.0, 0.0, 0.0)
    assert facts.energy_facts(Meter(), total, search, TRIAL, [TRIAL], None) is None


def test_no_energy():
    search = facts.Span(Meter(None))
    assert facts.energy_facts(Meter(), None, search, TRIAL, [TRIAL], None) is None


def test_cost():
    trials = [TRIAL.model_copy(update={"images_trained": n}) for n in (100, 0, 50)]
    assert facts.cost_facts(trials, 3.0, 4.0).model_dump() == {
        "seconds": 3.0, "core_seconds": 4.0, "images_trained": 150,
    }  # fmt: skip
