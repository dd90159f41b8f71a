"""The canonical form of a spec, and the hash over what decides a search's result."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from lenetml.spec.domains import Choice, Domain, SearchSpace
from lenetml.spec.layers import Layer
from lenetml.spec.sections import ConcreteSpec
from lenetml.spec.space import Use

# What people read and what the machine measures does not decide which network wins.
_NOT_DECISIVE = ("name", "title", "description", "wandb", "energy", "card")


def canonical(
    document: ConcreteSpec, space: SearchSpace, uses: Iterable[Use], *, with_defaults: bool = True
) -> dict[str, Any]:
    """Write a spec out in its one form: defaults filled in, reals as reals, keys sorted.

    The search space keeps its order, which a search draws in.

    Args:
        document: The spec with the first value of each domain.
        space: The domains.
        uses: Where references stand; they are put back.
        with_defaults: False leaves out keys at their default.
    """
    data = as_data(document, with_defaults)
    for use in uses:
        _put(data, use)
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
        fingerprint: The SHA-256 of the data; the way to them does not count.
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
    data = {key: value for key, value in decisive["data"].items() if key != "path"}
    decisive |= {"search": search, "evaluation": evaluation, "data": data}
    decisive |= {"fingerprint": fingerprint, "baselines": list(baselines), "order": list(order)}
    text = json.dumps(decisive, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def as_data(value: Any, with_defaults: bool = True) -> Any:
    """A frozen value as plain data, layers as they are written: `{conv2d: {...}}`."""
    if isinstance(value, BaseModel):
        data = {}
        for key, field in type(value).model_fields.items():
            inner = getattr(value, key)
            # `energy: false` is kept as None, but its default is not None.
            if inner is None and field.default is None:
                continue
            if key == "layer" or (not with_defaults and inner == field.default):
                continue
            data[key] = False if inner is None else as_data(inner, with_defaults)
        if isinstance(value, Layer):
            if data.get("when") is True:
                del data["when"]
            return {getattr(value, "layer"): data}  # noqa: B009
        return data
    if isinstance(value, list | tuple):
        return [as_data(item, with_defaults) for item in value]
    return value


def _put(data: dict[str, Any], use: Use) -> None:
    """Put a reference back at its place, which may have been left out as a default."""
    if use.wanted is not None:
        return
    *parents, last = use.path
    place: Any = data
    for part in parents:
        place = place.setdefault(part, {}) if isinstance(place, dict) else place[int(part)]
    place[last] = use.text


def _domain_as_data(domain: Domain) -> dict[str, Any]:
    if isinstance(domain, Choice):
        return {"values": list(domain.values)}
    return {"min": domain.low, "max": domain.high}


def _sorted(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _sorted(data[key]) for key in sorted(data)}
    if isinstance(data, list):
        return [_sorted(item) for item in data]
    return data
