"""The parts of a record, each from what happened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from lenetml import costs, facts
from lenetml.record import Continuation, read_record
from lenetml.search.loop import SearchResult
from lenetml.search.strategy import task_of
from lenetml.search.trials import execution_of
from lenetml.spec import load_spec, sections
from lenetml.spending import Energy, Spent
from lenetml.trial.energy import Methods
from lenetml.trial.evaluate import pack_predictions
from lenetml.trial.sources import Part

RECORD = read_record(Path(__file__).parent / "cases")
TRIAL = RECORD.trials[0].model_copy(update={"status": "completed", "executions": []})
POINT = {"kernel": 3, "units": 8, "activation": "relu"}
SHAPES = SimpleNamespace(
    input_shape=(8, 8, 1),
    classes=tuple("0123456789"),
    train=SimpleNamespace(images=np.zeros((2, 8, 8, 1), np.uint8)),
)
MODEL = facts.KeptModel(1, "0", 1)
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


@pytest.fixture
def spec_of(tmp_path):
    def load(*changes, text=SPEC):
        (tmp_path / "net.yaml").write_text(text)
        return load_spec(tmp_path / "net.yaml", changes)

    return load


def search_facts(spec, result, continuations=()):
    return facts.search_facts(spec, task_of(spec, SHAPES), result, continuations)


@pytest.mark.parametrize(
    ("name", "direction"), [("val_accuracy", "max"), ("val_f1", "max"), ("val_loss", "min")]
)
def test_objective(spec_of, name, direction):
    found = search_facts(spec_of(f"search.objective={name}"), SearchResult((TRIAL,), "trials", 1.0))
    assert (found.objective, found.direction) == (name, direction)


def test_search(spec_of):
    result = SearchResult((TRIAL,), "trials", 12.5)
    life = Continuation(at="then", changed_versions={"numpy": ["1", "2"]}, corrected_asks=3)
    assert search_facts(spec_of(), result, [life]).model_dump() == {
        "strategy": "random",
        "objective": "val_loss",
        "direction": "min",
        "trials_asked": 2,
        "ended": "trials",
        "seconds": 12.5,
        "continuations": [
            {"at": "then", "changed_versions": {"numpy": ["1", "2"]}, "corrected_asks": 3}
        ],
        "space": [
            PLAIN | {"name": "kernel", "values": [3, 9]},
            PLAIN | {"name": "units", "low": 8, "high": 15},
            PLAIN | {"name": "activation", "values": ["relu", "tanh"]},
        ],
        "space_size": 32,
        "impossible_share": 0.5,
        "importance": None,
    }


def test_search_of_a_space_without_end(spec_of):
    text = SPEC.replace("epochs: 3", "epochs: 3, learning_rate: $rate").replace(
        "  units:", "  rate: {min: 0.001, max: 0.1}\n  units:"
    )
    found = search_facts(spec_of(text=text), SearchResult((), "exhausted", 1.0))
    assert found.space_size is None
    assert found.space[1].model_dump() == PLAIN | {"name": "rate", "low": 0.001, "high": 0.1}
    assert found.ended == "exhausted"


def test_no_search(spec_of):
    fixed = "name: n\ndata: {dataset: digits}\narchitecture: [flatten]\ntraining: {epochs: 1}\n"
    found = search_facts(spec_of(text=fixed), SearchResult((TRIAL,), "exhausted", 1.0))
    assert (found.strategy, found.trials_asked, found.space) == (None, 1, [])
    assert (found.space_size, found.impossible_share) == (1, 0.0)
    assert (found.objective, found.direction) == ("val_accuracy", "max")


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
    concrete = spec_of(f"training.restore={restore}").concrete(POINT)
    best = facts.best_facts(trials[0], trials, concrete, SHAPES, MODEL, "confirm")
    assert best.selected_by == "confirm"
    assert best.selected_from.model_dump() == {"trials": 2, "epochs": candidates}


@pytest.mark.parametrize(("restore", "candidates"), [("best", 9), ("last", 3)])
def test_each_training_of_a_trial_could_be_chosen(spec_of, restore, candidates):
    executions = [execution_of(TRIAL, 1).model_copy(update={"epochs": n}) for n in (2, 4, 3)]
    trial = TRIAL.model_copy(update={"executions": executions})
    concrete = spec_of(f"training.restore={restore}").concrete(POINT)
    best = facts.best_facts(trial, [trial], concrete, SHAPES, MODEL, "best")
    assert best.selected_from.model_dump() == {"trials": 1, "epochs": candidates}


def test_a_stopped_winner_was_chosen_from_stopped_ones(spec_of):
    trials = [
        TRIAL.model_copy(update={"number": number, "epochs": 2, "status": status})
        for number, status in ((1, "stopped"), (2, "failed"), (3, "stopped"))
    ]
    best = facts.best_facts(trials[0], trials, spec_of().concrete(POINT), SHAPES, MODEL, "best")
    assert best.selected_from.model_dump() == {"trials": 2, "epochs": 4}


def best_of(spec, **point):
    return facts.best_facts(TRIAL, [TRIAL], spec.concrete(point), SHAPES, MODEL, "best")


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
    best = best_of(spec_of(text=text), optimizer=optimizer, schedule=schedule, **POINT)
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


@dataclass
class Meter:
    """Says how it measured, or why it did not."""

    methods: Methods | None = METHODS
    reason: str | None = None


SPENT = Spent(
    seconds=90.0,
    core_seconds=7.0,
    energy=Energy(cpu_kwh=0.5, gpu_kwh=0.0, ram_kwh=0.5, search_kwh=0.6, seeds_kwh=0.25),
)


def trials_of(*core_seconds):
    return [TRIAL.model_copy(update={"core_seconds": seconds}) for seconds in core_seconds]


def test_energy():
    trials = trials_of(10.0, 20.0, None, 30.0)
    country = sections.Energy(country="BRA")
    energy = costs.energy_facts(Meter(), SPENT, trials[1], trials, country)
    assert (energy.kwh, energy.cpu_kwh, energy.ram_kwh) == (1.0, 0.5, 0.5)
    assert (energy.search, energy.seeds) == (0.6, 0.25)
    assert energy.evaluation == pytest.approx(0.15)
    assert energy.chosen_trial_share == pytest.approx(0.6 * 20 / 60)
    assert energy.country == "BRA"
    assert energy.kg_co2eq == pytest.approx(1.0 * energy.grid_g_per_kwh / 1000)
    assert costs.energy_reason(Meter(), SPENT) is None


def test_a_share_counts_every_training_of_a_trial_whose_sum_is_not_known():
    executions = [
        execution_of(TRIAL, 1).model_copy(update={"core_seconds": seconds})
        for seconds in (20.0, None)
    ]
    half_known = TRIAL.model_copy(update={"core_seconds": None, "executions": executions})
    trials = [half_known, *trials_of(20.0)]
    energy = costs.energy_facts(Meter(), SPENT, trials[1], trials, None)
    assert energy.chosen_trial_share == pytest.approx(0.6 * 20 / 40)
    assert (energy.country, energy.kg_co2eq, energy.grid_year) == (None, None, None)


def test_a_share_counts_what_confirmed_the_best_trials():
    trials = trials_of(10.0, 20.0)
    confirmed = [
        execution_of(TRIAL, 1).model_copy(update={"core_seconds": seconds})
        for seconds in (25.0, None, 45.0)
    ]
    energy = costs.energy_facts(Meter(), SPENT, trials[1], trials, None, confirmed)
    assert energy.chosen_trial_share == pytest.approx(0.6 * 20 / 100)


@pytest.mark.parametrize(
    ("meter", "energy", "reason"),
    [
        (Meter(None, "switched off"), Energy(), "switched off"),
        (Meter(None, "it broke"), None, "it broke"),
        (Meter(), None, "an earlier part of the run was not measured"),
    ],
)
def test_no_energy(meter, energy, reason):
    spent = Spent(1.0, 1.0, energy)
    assert costs.energy_facts(meter, spent, TRIAL, [TRIAL], None) is None
    assert costs.energy_reason(meter, spent) == reason


def test_cost():
    trials = [
        TRIAL.model_copy(update={"images_trained": images, "core_seconds": seconds})
        for images, seconds in ((100, 11.0), (0, None), (50, 22.0))
    ]
    seed = execution_of(TRIAL, 1).model_copy(update={"images_trained": 25, "core_seconds": 4.0})
    key = {"number": 1, "execution": 1}
    events = [
        {"event": "search_started"},
        {"event": "training_interrupted", "images_trained": 30, "core_seconds": 2.5},
        {"event": "worker_died", "images_trained": 20, "core_seconds": None},
        # Behind its last attempt a training fails, and its record tells what that took.
        {"event": "worker_died"},
        {"event": "execution_ended", "kind": "trial", **key, "record": seed.model_dump()},
        {"event": "execution_ended", "kind": "seed", **key, "record": seed.model_dump()},
    ]
    assert costs.cost_facts(trials, events, SPENT).model_dump() == {
        "seconds": 90.0, "core_seconds": 7.0 + 33.0 + 4.0 + 2.5, "images_trained": 225,
    }  # fmt: skip


def test_seeds():
    test = RECORD.test
    execution = execution_of(TRIAL, 1)
    seed = facts.seed_facts(execution, test)
    assert (seed.status, seed.seed, seed.val, seed.test) == (
        "completed", TRIAL.seed, TRIAL.val, test,
    )  # fmt: skip
    failed = execution.model_copy(update={"status": "failed", "val": None, "reason": "non_finite"})
    seed = facts.seed_facts(failed, None)
    assert (seed.status, seed.val, seed.test, seed.reason) == ("failed", None, None, "non_finite")
    assert seed.images_trained == execution.images_trained


def test_a_baseline_that_one_of_the_two_was_not_tested_for():
    other = facts.Finished(Path("runs/other-01234567"), RECORD, (), is_new=False)
    found = facts.untested_baseline(other)
    assert (found.name, found.folder, found.test) == (RECORD.name, "other-01234567", RECORD.test)
    assert (found.difference_pp, found.mcnemar) == (None, None)
