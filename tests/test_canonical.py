"""The canonical form, which is read as the same spec, and what a run's hash depends on."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from random_specs import random_specs
from spec_texts import SEARCH, SMALL, spec_of

from lenetml.spec import Spec, load_spec

FOLDERS = (Path(__file__).parents[1] / "specs", Path(__file__).parent / "cases" / "valid")
FILES = [path for folder in FOLDERS for path in sorted(folder.glob("*.yaml"))]


class Quoted(yaml.SafeDumper):
    """Writes YAML whose texts are in quotes: PyYAML leaves 1e3 bare, which YAML 1.2 counts."""


Quoted.add_representer(
    str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
)


def load_case(path: Path) -> Spec:
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    options = shlex.split(first.partition("# lenetml validate ")[2])
    return load_spec(path, options[1::2])


@pytest.mark.parametrize("with_defaults", [True, False], ids=["whole", "without defaults"])
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_canonical_form_is_read_as_the_same_spec(path, with_defaults, tmp_path):
    for other in path.parent.glob("*.yaml"):
        shutil.copy(other, tmp_path)
    spec = load_case(path)
    form = spec.canonical(with_defaults=with_defaults)
    text = yaml.dump(form, Dumper=Quoted, sort_keys=False, allow_unicode=True)
    (tmp_path / path.name).write_text(text, encoding="utf-8")
    again = load_spec(tmp_path / path.name)
    for whole in (True, False):
        assert again.canonical(with_defaults=whole) == spec.canonical(with_defaults=whole)
    assert repr(again.space) == repr(spec.space)
    assert again.result_hash("data") == spec.result_hash("data")


def test_random_specs_are_read_as_the_same_spec(tmp_path):
    for spec in random_specs(tmp_path, 200):
        (tmp_path / "again.yaml").write_text(json.dumps(spec.canonical()))
        again = load_spec(tmp_path / "again.yaml")
        assert repr(again.space) == repr(spec.space), spec.text
        assert again.canonical() == spec.canonical()
        assert again.result_hash("data") == spec.result_hash("data")


def test_steps_scales_and_conditions_are_written_out_whole(tmp_path):
    space = {
        "rotation": {"values": [0, 10], "when": {"kind": ["a", "b"]}},
        "kind": {"values": ["a", "b", "c"]},
        "lr": {"min": 1, "max": 2, "distribution": "log_uniform_values"},
        "rate": {"min": 0.1, "max": 0.5, "q": 0.1, "when": {"rotation": 10, "pair.0": 1}},
        "pair": {"values": [[1, 2], [3, 4]]},
        "units": {"min": 32, "max": 64, "q": 32, "when": {"pair": [1, 2]}},
    }
    spec = spec_of(
        tmp_path,
        search_space=space,
        architecture=[
            "flatten",
            {"dense": {"units": "$units", "when": {"pair": [1, 2]}}},
            {"dropout": {"rate": "$rate", "when": {"rotation": 10, "pair": [[1, 2]], "kind": "a"}}},
            {"dense": {"units": "$pair.1", "when": {"kind": "c"}}},
        ],
        augmentation={"rotation_range": "$rotation"},
        training={"epochs": 1, "learning_rate": "$lr"},
        search=SEARCH,
    )
    form = spec.canonical()
    # The values of `rotation` are degrees, which are real.
    assert json.dumps(form["search_space"]) == json.dumps(
        {
            "kind": {"values": ["a", "b", "c"]},
            "rotation": {"values": [0.0, 10.0], "when": {"kind": ["a", "b"]}},
            "lr": {"min": 1.0, "max": 2.0, "distribution": "log_uniform_values"},
            "pair": {"values": [[1, 2], [3, 4]]},
            "rate": {
                "min": 0.1,
                "max": 0.5,
                "q": 0.1,
                "when": {"rotation": [10.0], "pair.0": [1], "kind": ["a", "b"]},
            },
            "units": {"min": 32, "max": 64, "q": 32, "when": {"pair": [[1, 2]]}},
        }
    )
    when = [next(iter(item.values())).get("when") for item in form["architecture"]]
    assert json.dumps(when[1:3]) == json.dumps(
        [{"pair": [[1, 2]]}, {"kind": ["a"], "pair": [[1, 2]], "rotation": [10.0]}]
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_keys_are_sorted_but_for_the_names_that_are_drawn_in_order(path):
    spec = load_case(path)
    form = spec.canonical()
    assert list(form.pop("search_space", {})) == list(spec.declared)
    assert json.dumps(form) == json.dumps(form, sort_keys=True)


def test_the_canonical_form_of_a_small_spec(tmp_path):
    assert spec_of(tmp_path).canonical() == {
        "architecture": [{"flatten": {}}],
        "augmentation": {
            "fill_mode": "nearest", "height_shift_range": 0.0, "horizontal_flip": False,
            "rotation_range": 0.0, "shear_range": 0.0, "vertical_flip": False,
            "width_shift_range": 0.0, "zoom_range": 0.0,
        },
        "card": {"ethical_considerations": {}, "intended_use": {}, "languages": ["en"]},
        "data": {
            "dataset": "digits", "duplicates": "error", "fit": "stretch",
            "split": {"test": 0.2, "train": 0.6, "val": 0.2}, "stratify": True,
        },
        "energy": {},
        "evaluation": {"seeds": 0, "test": "once"},
        "name": "small",
        "seed": 1,
        "training": {
            "batch_size": 32, "epochs": 1, "label_smoothing": 0.0, "learning_rate": 0.001,
            "learning_rate_schedule": "constant", "optimizer": "adam", "restore": "best",
            "warmup_epochs": 0.0, "weight_decay": 0.0,
        },
    }  # fmt: skip


def test_the_same_without_defaults(tmp_path):
    assert spec_of(tmp_path).canonical(with_defaults=False) == {
        "architecture": [{"flatten": {}}],
        "data": {"dataset": "digits"},
        "name": "small",
        "training": {"epochs": 1},
    }


# A spec in which every decisive section says something that can be changed.
FULL: dict[str, Any] = {
    "name": "full",
    "title": "Full",
    "description": "All",
    "seed": 2,
    "data": {"dataset": "digits", "split": {"train": 0.5, "val": 0.2, "test": 0.2}},
    "search_space": {
        "units": {"values": [8, 16, 32]},
        "rate": {"values": [0, 0.5]},
        "size": {"min": 1, "max": 3},
        "zoom": {"min": 0.1, "max": 0.2},
        "pair": {"values": [[1, 2], [2, 1]]},
    },
    "architecture": [
        {"conv2d": {"filters": 4, "kernel_size": ["$size", 3]}},
        {"pooling2d": {"kind": "max", "pool_size": [2, "$size"], "when": {"rate": 0}}},
        {"conv2d": {"filters": 4, "kernel_size": "$pair", "padding": "same"}},
        "flatten",
        {"dropout": {"rate": "$rate"}},
        {"dense": {"units": "$units"}},
    ],
    "augmentation": {"zoom_range": "$zoom", "rotation_range": 10},
    "training": {
        "epochs": 3,
        "optimizer": "sgd",
        "learning_rate_schedule": "exponential",
        "learning_rate": 1,
        "early_stopping": {"patience": 2},
    },
    "search": {"strategy": "random", "trials": 5, "time_limit": "2h"},
    "evaluation": {"seeds": 1},
    "energy": {"country": "BRA"},
    "wandb": {"project": "p"},
    "card": {"languages": ["pt"], "authors": "Ana"},
}


def full_hash(tmp_path: Path, *overrides: str, fingerprint: str = "data", **changes: Any) -> str:
    path = tmp_path / "full.yaml"
    path.write_text(json.dumps(FULL | changes))
    return load_spec(path, overrides).result_hash(fingerprint)


@pytest.mark.parametrize(
    "override",
    [
        "name=other", "title={en: Other, pt: Outro}", "description=[Other]", "search.trials=6",
        "search.time_limit=3h", "evaluation.seeds=5", "evaluation={}", "energy=false",
        "energy.country=PRT", "wandb={project: q, mode: offline}", "card={}", "card.license=mit",
        # The same values in another writing.
        "training.learning_rate=1.0", "augmentation.rotation_range=10.0",
        "search_space.rate.values=[0.0, 0.5]", "search_space.rate.distribution=categorical",
        "search_space.size.distribution=int_uniform", "search_space.zoom.distribution=uniform",
        "architecture.1.pooling2d.when={rate: 0.0}",
        "architecture.1.pooling2d.when={rate: [0, 0]}",
        "data.input_shape=[8, 8, 1]",
        "data.classes=['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']",
        "data.split={train: 0.50, val: 2e-1, test: .2}",
        # Defaults written out.
        "data.stratify=true", "data.fit=stretch", "data.duplicates=error",
        "architecture.0.conv2d.strides=1", "architecture.0.conv2d.strides=[1, 1]",
        "architecture.0.conv2d.when=true", "architecture.1.pooling2d.padding=valid",
        "architecture.1.pooling2d.strides=[2, $size]", "architecture.3={flatten: {}}",
        "architecture.5.dense.activation=linear", "augmentation.fill_mode=nearest",
        "augmentation.horizontal_flip=false", "training.batch_size=32", "training.momentum=0",
        "training.weight_decay=0", "training.learning_rate_decay=0.95",
        "training.early_stopping.min_delta=0", "training.restore=best",
        "search.objective=val_accuracy", "search.executions_per_trial=1", "search.select=best",
        "evaluation.test=once",
    ],
)  # fmt: skip
def test_what_does_not_decide_the_result(tmp_path, override):
    assert full_hash(tmp_path, override) == full_hash(tmp_path)


@pytest.mark.parametrize(
    "override",
    [
        "seed=3", "data.split.train=0.6", "data.split={train: 1000, val: 300, test: 400}",
        "data.stratify=false", "data.duplicates=keep", "search_space.units.values=[8, 16]",
        "search_space.units.values=[16, 8, 32]", "search_space.rate.values=[0, 0.25]",
        "search_space.size.max=4", "search_space.size={values: [1, 2, 3]}",
        "search_space.zoom.min=0.11", "search_space.zoom.distribution=log_uniform_values",
        "search_space.zoom.q=0.1", "search_space.zoom.q=0.05", "search_space.zoom.when={units: 8}",
        "search_space.pair.values=[[2, 1], [1, 2]]",
        "architecture.0.conv2d.filters=5", "architecture.0.conv2d.filters=$units",
        "architecture.0.conv2d.kernel_size=[3, $size]", "architecture.0.conv2d.kernel_size=$size",
        "architecture.0.conv2d.use_bias=false", "architecture.0.conv2d.when={rate: 0.5}",
        "architecture.1.pooling2d.when={rate: [0, 0.5]}",
        "architecture.1.pooling2d.when={rate: 0, units: 8}", "architecture.1.pooling2d.when=false",
        "architecture.1.pooling2d.strides=[2, 2]", "architecture.1.pooling2d.strides=1",
        "architecture.1.pooling2d.kind=average",
        "architecture.3={repeat: {times: 1, layers: [flatten]}}",
        "architecture.5.dense.activation=relu", "augmentation.rotation_range=11",
        "augmentation.brightness_range=[1, 1]", "training.epochs=4", "training.optimizer=rmsprop",
        "training.learning_rate=0.9", "training.learning_rate_decay=0.9", "training.momentum=0.1",
        "training.weight_decay=0.004", "training.warmup_epochs=1", "training.label_smoothing=0.1",
        "training.batch_size=$units", "training.early_stopping.patience=3",
        "training.early_stopping.min_delta=0.1", "training.restore=last",
        "search.strategy=bayesian", "search.objective=val_loss", "search.executions_per_trial=2",
        "search.trial_time_limit=10m", "search.screening={}", "search.confirm={}",
        "search.select=one_standard_error", "evaluation.test=sealed",
    ],
)  # fmt: skip
def test_what_decides_the_result(tmp_path, override):
    assert full_hash(tmp_path, override) != full_hash(tmp_path)


def test_the_order_of_names_in_the_search_space_decides(tmp_path):
    reordered = dict(reversed(FULL["search_space"].items()))
    assert full_hash(tmp_path, search_space=reordered) != full_hash(tmp_path)


def test_the_order_of_other_keys_does_not(tmp_path):
    path = tmp_path / "full.yaml"
    path.write_text(json.dumps(dict(reversed(FULL.items()))))
    assert load_spec(path).result_hash("data") == full_hash(tmp_path)


def test_the_data_decide(tmp_path):
    assert full_hash(tmp_path, fingerprint="other") != full_hash(tmp_path)
    names = ("mnist", "fashion_mnist")
    first, second = (spec_of(tmp_path, data={"dataset": name}) for name in names)
    assert first.result_hash("data") != second.result_hash("data")


@pytest.mark.parametrize(
    "search", [{"screening": {"keep": 2}}, {"confirm": {}}, {"select": "one_standard_error"}]
)
def test_trials_decide_where_the_whole_search_is_looked_at_in_the_end(tmp_path, search):
    hashes = {full_hash(tmp_path, search=SEARCH | search | {"trials": trials}) for trials in (5, 6)}
    assert len(hashes) == 2


def test_a_baseline_enters_with_what_it_is_not_with_its_path(tmp_path):
    def with_baseline(name: str, epochs: int) -> str:
        baseline = SMALL | {"seed": 2, "data": FULL["data"], "training": {"epochs": epochs}}
        (tmp_path / name).write_text(json.dumps(baseline))
        return full_hash(tmp_path, search=FULL["search"] | {"baseline": name})

    assert with_baseline("a.yaml", 1) == with_baseline("b.yaml", 1)
    assert with_baseline("a.yaml", 2) != with_baseline("a.yaml", 1)
    assert with_baseline("a.yaml", 1) != full_hash(tmp_path)


def test_the_way_to_the_data_does_not_decide(tmp_path):
    facts = {"input_shape": [8, 8, 1], "classes": ["a", "b"]}
    first = spec_of(tmp_path, data={"path": "x.npz"} | facts)
    second = spec_of(tmp_path, data={"path": "elsewhere/y.npz"} | facts)
    assert first.result_hash("data") == second.result_hash("data")


@pytest.mark.parametrize(
    ("sections", "written_out"),
    [
        ({"data": {"dataset": "digits"}}, {"split": {"train": 0.6, "val": 0.2, "test": 0.2}}),
        ({"data": {"dataset": "mnist"}}, {"split": {"train": 0.8, "val": 0.2}}),
        ({"data": {"dataset": "mnist"}}, {"split": {"train": 0.8, "val": 0.2, "test": 10_000}}),
        ({"training": {"epochs": 1, "optimizer": "adamw"}}, {"weight_decay": 0.004}),
        ({"training": {"epochs": 1, "optimizer": "rmsprop"}}, {"momentum": 0, "weight_decay": 0}),
        ({"search": {"strategy": "bayesian", "trials": 1}}, {"bayesian": {}}),
        ({"search": {"strategy": "bayesian", "trials": 1}}, {"bayesian": {"alpha": 1e-4}}),
        ({"search": {"strategy": "hyperband"}}, {"factor": 3, "iterations": 1}),
        (
            {"search": SEARCH | {"screening": {}}, "training": {"epochs": 2}},
            {"screening": {"epochs": 1, "keep": 3}},
        ),
        ({"search": SEARCH | {"confirm": {}}}, {"confirm": {"top": 3, "seeds": 2}}),
    ],
)
def test_defaults_that_follow_from_other_keys_change_nothing(tmp_path, sections, written_out):
    (section, keys), *_ = sections.items()
    left_out = spec_of(tmp_path, **sections)
    whole = spec_of(tmp_path, **sections | {section: keys | written_out})
    assert whole.canonical() == left_out.canonical()
    assert whole.result_hash("data") == left_out.result_hash("data")


@pytest.mark.parametrize(
    ("optimizers", "decay"), [(["adam", "sgd"], 0.0), (["adamw"], 0.004), (["adam", "adamw"], None)]
)
def test_the_default_of_weight_decay_is_said_where_there_is_one(tmp_path, optimizers, decay):
    spec = spec_of(
        tmp_path, search_space={"o": {"values": optimizers}}, search=SEARCH,
        training={"epochs": 1, "optimizer": "$o"},
    )  # fmt: skip
    assert spec.canonical()["training"].get("weight_decay") == decay


KINDS = {"kind": {"values": ["a", "b", "c"]}, "on": {"values": [True, False]}}
PAIR = {"pair": {"values": [[1, 2], [2, 3]]}}


@pytest.mark.parametrize(
    "forms",
    [
        ["$on", {"on": True}, {"on": [True]}, {"on": [True, True]}],
        [{"kind": ["a", "b"]}, {"kind": ["b", "a"]}, {"kind": ["b", "a", "b"]}],
        [{"pair": [1, 2]}, {"pair": [[1, 2]]}, {"pair": [[1, 2.0], [1, 2]]}],
        [{"pair.1": 3}, {"pair.01": 3}, {"pair.1": [3.0]}, {"pair.1": 3, "pair.001": [2, 3]}],
        ["$flags.0", "$flags.00", {"flags.0": True}],
    ],
)
def test_one_condition_of_a_layer_in_several_forms_is_one_spec(tmp_path, forms):
    flags = {"flags": {"values": [[True, 1], [False, 2]]}}
    named = {**KINDS, **PAIR, **flags}
    layers = [{"dropout": {"rate": 0.5, "when": {"kind": "a", "on": True, "pair": [1, 2]}}}]
    layers += [{"dense": {"units": "$flags.1"}}]
    specs = [
        spec_of(
            tmp_path,
            search_space=named,
            architecture=["flatten", *layers, {"dropout": {"rate": 0.5, "when": form}}],
            search=SEARCH,
        )
        for form in forms
    ]
    assert len({json.dumps(spec.canonical()) for spec in specs}) == 1
    assert len({spec.result_hash("data") for spec in specs}) == 1


@pytest.mark.parametrize(
    "forms",
    [
        [{"kind": ["a", "b"]}, {"kind": ["b", "a"]}, {"kind": ["a", "b", "a"]}],
        [{"on": True}, {"on": [True]}],
        [{"pair.0": [2, 1]}, {"pair.00": [1, 2]}],
    ],
)
def test_one_condition_of_a_domain_in_several_forms_is_one_spec(tmp_path, forms):
    specs = [
        spec_of(
            tmp_path,
            search_space={**KINDS, **PAIR, "momentum": {"values": [0.1, 0.2], "when": form}},
            architecture=["flatten", {"dropout": {"rate": 0.5, "when": {
                "kind": "a", "on": True, "pair": [1, 2],
            }}}],
            training={"epochs": 1, "optimizer": "sgd", "momentum": "$momentum"},
            search=SEARCH,
        )
        for form in forms
    ]  # fmt: skip
    assert len({json.dumps(spec.canonical()) for spec in specs}) == 1
    assert len({spec.result_hash("data") for spec in specs}) == 1


def test_a_position_in_several_forms_is_one_spec(tmp_path):
    specs = [
        spec_of(
            tmp_path, search_space=PAIR, search=SEARCH,
            architecture=["flatten", {"dense": {"units": form}}],
        )
        for form in ("$pair.0", "$pair.00", "$pair.000")
    ]  # fmt: skip
    assert len({spec.result_hash("data") for spec in specs}) == 1


def test_where_an_optimizer_need_not_exist_its_default_counts_too(tmp_path):
    """Where `optimizer` does not exist it is adam, whose weight_decay is 0."""
    space = {**KINDS, "optimizer": {"values": ["adamw"], "when": {"on": True}}}
    layer = {"dropout": {"rate": 0.5, "when": {"kind": "a", "on": True}}}
    spec = spec_of(
        tmp_path, search_space=space, architecture=["flatten", layer], search=SEARCH,
        training={"epochs": 1, "optimizer": "$optimizer"},
    )  # fmt: skip
    assert "weight_decay" not in spec.canonical()["training"]
    (tmp_path / "again.yaml").write_text(json.dumps(spec.canonical()))
    again = load_spec(tmp_path / "again.yaml")
    point = {"kind": "a", "on": False}
    assert again.concrete(point).training == spec.concrete(point).training
    assert spec.concrete(point).training.optimizer == "adam"


def test_what_the_data_say_themselves_does_not_decide(tmp_path):
    said = {"input_shape": [8, 8, 1], "classes": ["a", "b"]}
    first, second = (
        spec_of(tmp_path, data={"path": "x.npz"} | more)
        for more in (said, said | {"classes": ["a", "c"]})
    )
    assert first.result_hash("data") == second.result_hash("data")
