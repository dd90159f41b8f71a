"""What differs between the records of several runs: their specs, their machines, their energies.

Every function gives, by a dotted path, the values of all runs in their order; None is a run that
has none. What all runs have in common is left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lenetml.record import Record

# Texts for people and W&B's settings make no other network.
TEXTS = ("card", "description", "name", "title", "wandb")

Differences = Mapping[str, Sequence[Any]]


def spec_differences(records: Sequence[Record]) -> Differences:
    """Compare canonical specs key by key, without what only people and W&B read.

    A key, a hyperparameter or a layer that some runs do not have is one difference.
    """
    specs = [_without(record.spec, TEXTS) for record in records]
    sections = {key: [spec.get(key) for spec in specs] for spec in specs for key in spec}
    return {
        path: values
        for key in sorted(sections)
        for path, values in _walk(key, _filled(sections[key]))
    }


def host_differences(records: Sequence[Record]) -> Differences:
    """Compare the machines, their software and the threads of a trial, which times depend on."""
    return _unequal([_host(record) for record in records])


def energy_differences(records: Sequence[Record]) -> Differences:
    """Compare what kWh depend on beside the spec: method, machine, software and country.

    Runs without an energy forbid nothing: they have None everywhere.
    """
    return _unequal([_energy_conditions(record) for record in records])


def _host(record: Record) -> dict[str, Any]:
    machine = record.environment.model_dump(exclude={"versions"})
    versions = {"lenetml": record.lenetml, **record.environment.versions}
    for each in record.search.continuations:
        # A run that went on with other versions is of no single one.
        versions |= {name: " → ".join(pair) for name, pair in each.changed_versions.items()}
    return machine | {f"versions.{name}": version for name, version in versions.items()}


def _energy_conditions(record: Record) -> dict[str, Any] | None:
    energy = record.energy
    if energy is None:
        return None
    keys = {"method", "cpu_method", "gpu_method", "ram_method", "tracker", "country"}
    return energy.model_dump(include=keys) | _host(record)


def _unequal(conditions: Sequence[dict[str, Any] | None]) -> Differences:
    known = [each for each in conditions if each is not None]
    names = dict.fromkeys(name for each in known for name in each)
    return {
        name: [None if each is None else each.get(name) for each in conditions]
        for name in names
        if not _are_equal([each.get(name) for each in known])
    }


def _walk(path: str, values: Sequence[Any]) -> Iterator[tuple[str, Sequence[Any]]]:
    if _are_equal(values):
        return
    if all(isinstance(value, dict) for value in values):
        for key in dict.fromkeys(key for value in values for key in value):
            yield from _walk(f"{path}.{key}", [value.get(key) for value in values])
    elif all(isinstance(value, list) for value in values) and _hold_layers(values):
        for number in range(max(map(len, values))):
            items = [value[number] if number < len(value) else None for value in values]
            yield from _walk(f"{path}.{number}", items)
    else:
        yield path, values


def _filled(sections: Sequence[Any]) -> Sequence[Any]:
    """Take a section that is not there for an empty one, where that tells more."""
    if all(isinstance(section, dict | None) for section in sections):
        return [section or {} for section in sections]
    return sections


def _hold_layers(lists: Sequence[list[Any]]) -> bool:
    return any(isinstance(item, dict) for each in lists for item in each)


def _are_equal(values: Sequence[Any]) -> bool:
    """Whether values are the same as YAML has them: `1` is not `true`."""
    return len({json.dumps(value, sort_keys=True) for value in values}) < 2


def _without(document: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key not in keys}
