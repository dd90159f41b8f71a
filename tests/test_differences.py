"""What differs between records: specs by key, machines, and what energies depend on."""

from __future__ import annotations

from pathlib import Path

import pytest

from lenetml.record import Continuation, Record
from lenetml.report.differences import energy_differences, host_differences, spec_differences

CASES = Path(__file__).parent / "cases"
RECORD = Record.model_validate_json((CASES / "record.json").read_bytes())


def with_spec(*specs):
    return [RECORD.model_copy(update={"spec": spec}) for spec in specs]


def with_part(part, **changes):
    return RECORD.model_copy(update={part: getattr(RECORD, part).model_copy(update=changes)})


def conv(**arguments):
    return {"conv2d": arguments}


def test_equal_specs_do_not_differ():
    assert spec_differences([RECORD, RECORD, RECORD]) == {}


def test_texts_and_mirrors_are_no_difference():
    other = RECORD.spec | {"name": "x", "title": "X", "description": "y", "card": {}, "wandb": {}}
    assert spec_differences(with_spec(RECORD.spec, other)) == {}


@pytest.mark.parametrize(("specs", "differences"), [
    ([{"seed": 1}, {"seed": 2}, {"seed": 1}], {"seed": [1, 2, 1]}),
    ([{"seed": 1}, {"seed": True}], {"seed": [1, True]}),
    ([{"t": {"a": 1, "b": 2}}, {"t": {"b": 3, "c": 4}}],
     {"t.a": [1, None], "t.b": [2, 3], "t.c": [None, 4]}),
    ([{"energy": False}, {"energy": {"country": "BRA"}}],
     {"energy": [False, {"country": "BRA"}]}),
    # A section that only one has is told by key, a hyperparameter or a layer as a whole.
    ([{}, {"search": {"strategy": "grid", "trials": 3}}],
     {"search.strategy": [None, "grid"], "search.trials": [None, 3]}),
    ([{"search_space": {"x": {"values": [1, 2]}}}, {"search_space": {}}],
     {"search_space.x": [{"values": [1, 2]}, None]}),
    ([{"search_space": {"x": {"values": [1, 2]}}}, {"search_space": {"x": {"values": [1]}}}],
     {"search_space.x.values": [[1, 2], [1]]}),
    ([{"architecture": [conv(filters=6, kernel_size=[3, 3]), {"flatten": {}}]},
      {"architecture": [conv(filters=8, kernel_size=[3, 3])]}],
     {"architecture.0.conv2d.filters": [6, 8], "architecture.1": [{"flatten": {}}, None]}),
    ([{"architecture": [conv(filters=6)]}, {"architecture": [{"flatten": {}}]}],
     {"architecture.0.conv2d": [{"filters": 6}, None], "architecture.0.flatten": [None, {}]}),
])  # fmt: skip
def test_specs_are_compared_key_by_key(specs, differences):
    assert spec_differences(with_spec(*specs)) == differences


def test_keys_come_in_the_order_of_the_alphabet_and_then_of_the_spec():
    specs = [{"b": {"z": 1, "a": 1}, "a": 1}, {"b": {"z": 2, "a": 2}, "a": 2}]
    assert list(spec_differences(with_spec(*specs))) == ["a", "b.z", "b.a"]


@pytest.mark.parametrize(("part", "changes", "key"), [
    ("environment", {"cpu": "another"}, "cpu"),
    ("environment", {"cores": 3}, "cores"),
    ("environment", {"gpus": ["one"]}, "gpus"),
    ("environment", {"platform": "another"}, "platform"),
    ("environment", {"threads_per_trial": 2}, "threads_per_trial"),
    ("environment", {"workers": 2}, "workers"),
    ("environment", {"versions": {**RECORD.environment.versions, "keras": "9"}}, "versions.keras"),
])  # fmt: skip
def test_another_machine_or_version_forbids_to_compare_times_and_energies(part, changes, key):
    records = [RECORD, with_part(part, **changes)]
    assert list(host_differences(records)) == list(energy_differences(records)) == [key]


@pytest.mark.parametrize(("changes", "key"), [
    ({"method": "measured"}, "method"),
    ({"cpu_method": "another"}, "cpu_method"),
    ({"gpu_method": "another"}, "gpu_method"),
    ({"ram_method": "another"}, "ram_method"),
    ({"tracker": "another"}, "tracker"),
    ({"country": "PRT"}, "country"),
    ({"country": None}, "country"),
])  # fmt: skip
def test_another_method_or_country_forbids_to_compare_energies(changes, key):
    records = [RECORD, with_part("energy", **changes)]
    assert list(energy_differences(records)) == [key]
    assert host_differences(records) == {}


def test_amounts_forbid_nothing():
    assert energy_differences([RECORD, with_part("energy", kwh=9.0, search=8.0)]) == {}


def test_versions_that_changed_on_the_way_forbid_it_too():
    change = Continuation(
        at="2026-11-20T11:20:05+00:00",
        changed_versions={"keras": ["3.15.0", "3.15.1"]},
        corrected_asks=0,
    )
    records = [RECORD, with_part("search", continuations=[change])]
    assert energy_differences(records) == {"versions.keras": ["3.15.1", "3.15.0 → 3.15.1"]}


def test_a_run_without_energy_forbids_nothing():
    without = with_part("environment", cpu="another").model_copy(update={"energy": None})
    assert energy_differences([RECORD, without, RECORD]) == {}
    other = with_part("energy", country="PRT")
    assert energy_differences([RECORD, without, other]) == {"country": ["BRA", None, "PRT"]}
