"""The canonical form of a spec, and the hash over what decides a search's result."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from lenetml.spec.conditions import in_own_order
from lenetml.spec.datasets import DatasetFacts
from lenetml.spec.division import WITH_OWN_TEST, WITHOUT_OWN_TEST
from lenetml.spec.domains import Choice, Domain, SearchSpace
from lenetml.spec.layers import Layer
from lenetml.spec.presence import read_when
from lenetml.spec.references import Use, possible_values
from lenetml.spec.sections import (
    DEFAULT_ADAMW_WEIGHT_DECAY,
    DEFAULT_DECAY,
    DEFAULT_FACTOR,
    DEFAULT_ITERATIONS,
    READS_MOMENTUM,
    Bayesian,
    ConcreteSpec,
    Data,
)

# What people read and what the machine measures does not decide which network wins.
_NOT_DECISIVE = ("name", "title", "description", "wandb", "energy", "card")
# What the data themselves say, and the way to them.
_SAID_BY_DATA = ("path", "input_shape", "classes")


def canonical(
    document: ConcreteSpec,
    space: SearchSpace,
    uses: Iterable[Use],
    facts: DatasetFacts | None,
    *,
    with_defaults: bool = True,
) -> dict[str, Any]:
    """Write a spec out in its one form: defaults filled in, reals as reals, keys sorted.

    The search space keeps its order, which a search draws in.

    Args:
        document: The spec with the first value of each domain.
        space: The domains.
        uses: Where references stand; they are put back.
        facts: What is known of the data; a default may follow from it.
        with_defaults: False leaves out keys at their default.
    """
    uses = tuple(uses)
    data: dict[str, Any] = as_data(document)
    for use in uses:
        if use.wanted is None:
            _put(data, use)
    for layer in _layers(data["architecture"]):
        if "when" in layer:
            layer["when"] = _when_as_data(layer["when"], space)
    for place, key, default in list(_derived_defaults(data, document, space, uses, facts)):
        place.setdefault(key, default)
        if not with_defaults and place[key] == default:
            del place[key]
    if not with_defaults:
        _leave_out_defaults(document, data)
    form = {key: _sorted(value) for key, value in data.items()}
    if space:
        form["search_space"] = {name: _domain_as_data(domain) for name, domain in space.items()}
    return {key: form[key] for key in sorted(form)}


def result_hash(
    form: Mapping[str, Any], fingerprint: str, baselines: Iterable[str], order: Iterable[str]
) -> str:
    """The SHA-256 over what decides the result of a search.

    Args:
        form: The canonical form, keys at their default left out.
        fingerprint: The SHA-256 of the data; it stands for what the data say themselves.
        baselines: The hashes of the baselines, in order; they stand for the paths.
        order: The names of the search space in the order of the text, which a search draws in.

    Returns:
        64 hexadecimal digits.
    """
    decisive = {key: value for key, value in form.items() if key not in _NOT_DECISIVE}
    search = dict(decisive.get("search", {}))
    search.pop("time_limit", None)
    search.pop("baseline", None)
    whole_search_counts = {"screening", "confirm"} & set(search) or search.get("select")
    if not whole_search_counts:
        search.pop("trials", None)
    evaluation = dict(decisive.get("evaluation", {}))
    evaluation.pop("seeds", None)
    data = {key: value for key, value in decisive["data"].items() if key not in _SAID_BY_DATA}
    decisive |= {"search": search, "evaluation": evaluation, "data": data}
    decisive |= {"fingerprint": fingerprint, "baselines": list(baselines), "order": list(order)}
    text = json.dumps(decisive, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def as_data(value: Any) -> Any:
    """A frozen value as plain data, layers as they are written: `{conv2d: {...}}`."""
    if isinstance(value, BaseModel):
        data = {}
        for key, field in type(value).model_fields.items():
            inner = getattr(value, key)
            # `energy: false` is kept as None, but its default is not None.
            if key != "layer" and (inner is not None or field.default is not None):
                data[key] = False if inner is None else as_data(inner)
        if isinstance(value, Layer):
            if data["when"] is True:
                del data["when"]
            return {type(value).model_fields["layer"].default: data}
        return data
    if isinstance(value, list | tuple):
        return [as_data(item) for item in value]
    return value


def data_as_compared(data: Data, facts: DatasetFacts | None) -> dict[str, Any]:
    """What a section `data` says of images and parts: without the way to them and known facts."""
    form: dict[str, Any] = as_data(data)
    for place, key, default in _data_defaults(form, facts):
        place.setdefault(key, default)
    return {key: form[key] for key in form if key not in _SAID_BY_DATA}


def _derived_defaults(
    data: dict[str, Any],
    document: ConcreteSpec,
    space: SearchSpace,
    uses: tuple[Use, ...],
    facts: DatasetFacts | None,
) -> Iterator[tuple[dict[str, Any], str, Any]]:
    """Defaults that follow from other keys: where they stand, their key, their value."""
    yield from _data_defaults(data["data"], facts)
    for layer in _layers(data["architecture"]):
        if "pool_size" in layer:
            yield layer, "strides", layer["pool_size"]
    training = data["training"]
    optimizers = possible_values(("training", "optimizer"), document, space, uses)
    schedules = possible_values(("training", "learning_rate_schedule"), document, space, uses)
    if "exponential" in schedules:
        yield training, "learning_rate_decay", DEFAULT_DECAY
    if set(optimizers) & set(READS_MOMENTUM):
        yield training, "momentum", 0.0
    if set(optimizers) == {"adamw"}:
        yield training, "weight_decay", DEFAULT_ADAMW_WEIGHT_DECAY
    elif "adamw" not in optimizers:
        yield training, "weight_decay", 0.0
    search = data.get("search", {})
    if search.get("strategy") == "bayesian":
        yield search, "bayesian", as_data(Bayesian())
    if search.get("strategy") == "hyperband":
        yield search, "factor", DEFAULT_FACTOR
        yield search, "iterations", DEFAULT_ITERATIONS


def _data_defaults(
    data: dict[str, Any], facts: DatasetFacts | None
) -> Iterator[tuple[dict[str, Any], str, Any]]:
    if facts is None:
        return
    split = as_data(WITHOUT_OWN_TEST if facts.own_test is None else WITH_OWN_TEST)
    if facts.own_test is not None:
        split["test"] = facts.own_test
        data.get("split", {}).setdefault("test", facts.own_test)
    yield data, "split", split


def _layers(items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The arguments of all layers, of those in `repeat` too."""
    for item in items:
        for arguments in item.values():
            yield arguments
            yield from _layers(arguments.get("layers", []))


def _leave_out_defaults(value: Any, data: Any) -> None:
    """Take keys at their default out of data; a reference in their place is none."""
    if isinstance(value, Layer):
        (data,) = data.values()
    if isinstance(value, BaseModel):
        for key, field in type(value).model_fields.items():
            if key in data and data[key] == as_data(field.default):
                del data[key]
            elif key in data:
                _leave_out_defaults(getattr(value, key), data[key])
    elif isinstance(value, list):
        for inner, inner_data in zip(value, data, strict=True):
            _leave_out_defaults(inner, inner_data)


def _put(data: dict[str, Any], use: Use) -> None:
    """Put a reference back at its place."""
    *parents, last = use.path
    place: Any = data
    for part in parents:
        place = place[part]
    place[last] = str(use.reference)


def _when_as_data(when: Any, space: SearchSpace) -> Any:
    """A `when` in its one form: lists of the domains' own values, 1 or 1.0, in their order."""
    conditions = {
        it.place: list(in_own_order(space[it.name], it.position, it.values))
        for it in read_when(when)
    }
    return conditions or when


def _domain_as_data(domain: Domain) -> dict[str, Any]:
    if isinstance(domain, Choice):
        data: dict[str, Any] = {"values": list(domain.values)}
    else:
        data = {"min": domain.low, "max": domain.high}
        if domain.step is not None:
            data["q"] = domain.step
        if domain.is_log:
            data["distribution"] = "log_uniform_values"
    if domain.when:
        data["when"] = {each.place: list(each.values) for each in domain.when}
    return data


def _sorted(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _sorted(data[key]) for key in sorted(data)}
    if isinstance(data, list):
        return [_sorted(item) for item in data]
    return data
