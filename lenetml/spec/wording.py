"""What pydantic found, in the words of a spec: a message and the lines below it."""

from __future__ import annotations

import re
from typing import Any, Literal, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from lenetml.spec.elsewhere import keras_remedy
from lenetml.spec.kinds import written
from lenetml.spec.layers import LAYERS
from lenetml.spec.meant import (
    boolean_meant,
    colon_remedy,
    condition_remedy,
    name_remedy,
    number_remedy,
    pair_remedy,
    percent_remedy,
)
from lenetml.spec.nodes import Path
from lenetml.spec.places import (
    field_at,
    keys_at,
    marker_at,
    model_at,
    name_of,
    owner_of,
    required_keys,
)
from lenetml.spec.problems import did_you_mean, shortened
from lenetml.spec.references import looks_like_reference
from lenetml.spec.types import Wanted

_NAME_RULE = "must be lower-case letters, digits and hyphens, at most 63, the first no hyphen"
_SENTENCES = {
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "string_type": "must be a text",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "string_pattern_mismatch": _NAME_RULE,
}
_WANTED: dict[str, Wanted] = {
    "int_type": "whole",
    "int_from_float": "whole",
    "float_type": "number",
    "bool_type": "boolean",
}
_ALL_LAYERS = "allowed: " + ", ".join(LAYERS)
_BOUNDS = (("ge", "at least"), ("gt", "more than"), ("le", "at most"), ("lt", "less than"))


def place_of(error: ErrorDetails) -> Path:
    """Where one of pydantic's errors is, as a path into the spec."""
    at = error.get("ctx", {}).get("at")
    return error["loc"] if at is None else (*error["loc"], at)


def explain(error: ErrorDetails) -> tuple[str, tuple[str, ...]]:
    """Put one of pydantic's errors into words.

    Args:
        error: What pydantic says; its input is the value as written.

    Returns:
        The message, and the lines that say what was found, what is allowed, what to do.
    """
    kind, context, path = error["type"], error.get("ctx", {}), error["loc"]
    if kind == "extra_forbidden":
        return _unknown_key(str(path[-1]), path)
    if kind == "missing":
        return f"{owner_of(path)} needs {path[-1]}", _choices(path)
    if kind == "unknown_layer":
        return _unknown_layer(context["name"])
    if kind == "no_layer":
        return "an item of an architecture must be a layer", (*_found(error), _ALL_LAYERS)
    if kind == "no_arguments":
        return _no_arguments(context["name"], error["input"])
    if kind == "item":
        return error["msg"], ()
    if kind in ("model_type", "dict_type", "model_attributes_type"):
        allowed = "allowed: " + ", ".join(keys_at((*path, "")))
        notes = _section_remedy(error["input"], path)
        return f"{name_of(path)} must be a section", (*_found(error), allowed, *notes)
    sentence, notes = describe(error)
    if wanted_by(error) or kind == "literal_error":
        notes = notes or _search_remedy(_value_of(error), path)
    return f"{name_of(path)} {sentence}", (*_found(error), *notes)


def describe(error: ErrorDetails) -> tuple[str, tuple[str, ...]]:
    """Say what a value must be, as the rest of a sentence, with what to write instead."""
    sentence, notes = _sentence(error)
    return sentence, _remedy(error, sentence) or notes


def wanted_by(error: ErrorDetails) -> Wanted | None:
    """The kind of value that must stand where an error is, if it is one with remedies."""
    return error.get("ctx", {}).get("wanted") or _WANTED.get(error["type"])


def _sentence(error: ErrorDetails) -> tuple[str, tuple[str, ...]]:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "literal_error":
        allowed = [word.strip(" '") for word in context["expected"].replace(" or ", ",").split(",")]
        return "must be one of: " + ", ".join(allowed), did_you_mean(error["input"], allowed)
    if kind == "rule":
        return str(context["rule"]), ()
    for bound, words in _BOUNDS:
        if bound in context:
            return f"must be {words} {_number(context[bound])}", ()
    if kind in ("too_short", "too_long"):
        words, bound = ("least", "min") if kind == "too_short" else ("most", "max")
        number = context[f"{bound}_length"]
        return f"must have at {words} {number:,} {'item' if number == 1 else 'items'}", ()
    return _SENTENCES[kind], ()


def _remedy(error: ErrorDetails, sentence: str) -> tuple[str, ...]:
    """What to write instead, where that can be said."""
    value, wanted = _value_of(error), wanted_by(error)
    if wanted == "boolean":
        meant = boolean_meant(value)
        is_condition = error["loc"][-1] == "when"
        return (f"write {meant}",) if meant else condition_remedy(value) * is_condition
    if wanted == "size":
        return pair_remedy(value) or number_remedy(value, whole=True)
    if wanted is not None:
        return number_remedy(value, whole=wanted == "whole")
    if sentence in ("must be less than 1", "must be at most 1"):
        return percent_remedy(value)
    if sentence == _NAME_RULE:
        return name_remedy(value)
    if sentence.startswith("must be a text") and isinstance(value, bool | int | float):
        return (f'as a text it needs quotes: "{written(value)}"',)
    if value in (None, "None") and "linear" in sentence:
        return ("write linear, which changes nothing",)
    if value == "softmax":
        return keras_remedy(value)
    if sentence == "must be a list" and error["loc"][-1] in ("architecture", "layers"):
        return ("write each layer on a line of its own: - flatten",)
    return ()


def _section_remedy(value: Any, path: Path) -> tuple[str, ...]:
    """What to write of a single value in the place of a section: `data: mnist`."""
    model = model_at((*path, ""))
    if model is None or isinstance(value, bool) or not isinstance(value, int | float | str):
        return ()
    if isinstance(value, str) and (lost := colon_remedy(value)):
        return lost
    key = (*required_keys(model), *model.model_fields)[0]
    try:
        model.model_validate({key: value})
    except ValidationError as error:
        if any(detail["loc"] == (key,) for detail in error.errors()):
            return ()
    return (f"write {path[-1]}: {{{key}: {written(value)}}}",)


def _search_remedy(value: Any, path: Path) -> tuple[str, ...]:
    """What to write of values that were meant to be searched, where one must stand."""
    if isinstance(value, list) and len(set(map(str, value))) == len(value) > 1:
        value = {"values": value}
    is_domain = isinstance(value, dict) and not value.keys().isdisjoint(("values", "min", "value"))
    if not is_domain or marker_at(path) is None:
        return ()
    return (f"to search it, write ${path[-1]}, and in search_space {path[-1]}: {written(value)}",)


def _unknown_layer(name: str) -> tuple[str, tuple[str, ...]]:
    kind = re.split(r"\W", name, maxsplit=1)[0]
    notes = (_usage(kind),) if kind in LAYERS else did_you_mean(name, LAYERS)
    notes = colon_remedy(name) or keras_remedy(name) or notes
    if " - " in name:
        notes = ("items of a list stand under each other",)
    if looks_like_reference(name):
        notes = ("a reference cannot stand for a layer",)
    return f'unknown layer "{shortened(name)}"', (_ALL_LAYERS, *notes)


def _unknown_key(key: str, path: Path) -> tuple[str, tuple[str, ...]]:
    keys = keys_at(path)
    notes = colon_remedy(key) or keras_remedy(key) or did_you_mean(key, keys)
    if looks_like_reference(key):
        notes = ("a reference cannot stand for a key",)
    message = f'unknown key "{shortened(key)}" in {owner_of(path)}'
    return message, ("allowed: " + ", ".join(keys), *notes)


def _no_arguments(name: str, item: Any) -> tuple[str, tuple[str, ...]]:
    value = next(iter(item.values()))
    if not required_keys(LAYERS[name]):
        return f"{name} cannot be followed by {written(value)}", (_usage(name),)
    argument = "..." if isinstance(value, list | dict) else written(value)
    return f"{name} must be followed by its arguments", (_usage(name, argument),)


def _usage(layer: str, argument: str = "...") -> str:
    """How a layer is written, with its first argument where it needs one."""
    required = required_keys(LAYERS[layer])
    return f"write {layer}: {{{required[0]}: {argument}}}" if required else f"write {layer} alone"


def _value_of(error: ErrorDetails) -> Any:
    """The value that is wrong, which may lie inside of what was checked."""
    at = error.get("ctx", {}).get("at")
    return error["input"] if at is None else error["input"][at]


def _found(error: ErrorDetails) -> tuple[str, ...]:
    value = _value_of(error)
    if looks_like_reference(value):
        where = "architecture, augmentation and training"
        return (f"found: {written(value)}; references stand in {where} only",)
    found = f'"{shortened(value)}"' if isinstance(value, str) else written(value)
    return (f"found: {found}",)


def _number(bound: float) -> str:
    return f"{int(bound):,}" if float(bound).is_integer() else written(bound)


def _choices(path: Path) -> tuple[str, ...]:
    """The values that a missing key may have, where there are only some."""
    field = field_at(path)
    if field is None or get_origin(field.annotation) is not Literal:
        return ()
    return ("allowed: " + ", ".join(map(str, get_args(field.annotation))),)
