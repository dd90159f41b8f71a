"""What pydantic found, in the words of a spec: a message and the lines below it."""

from __future__ import annotations

import re
from typing import Any, Literal, get_args, get_origin

from pydantic_core import ErrorDetails

from lenetml.spec.domains import written
from lenetml.spec.layers import LAYERS
from lenetml.spec.nodes import Path
from lenetml.spec.places import keys_at, model_at, name_of, owner_of
from lenetml.spec.problems import did_you_mean, shortened
from lenetml.spec.space import looks_like_reference

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
_YES_AND_NO = dict.fromkeys(("yes", "y", "on"), "true") | dict.fromkeys(("no", "n", "off"), "false")
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
        return _unknown_key(str(path[-1]), error["input"], path)
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
        notes = _colon(error["input"]) if isinstance(error["input"], str) else ()
        return f"{name_of(path)} must be a section", (*_found(error), allowed, *notes)
    sentence, notes = describe(error)
    notes = _remedy(sentence, error["input"], path) or notes
    return f"{name_of(path)} {sentence}", (*_found(error), *notes)


def describe(error: ErrorDetails) -> tuple[str, tuple[str, ...]]:
    """Say what a value must be, as the rest of a sentence, with further lines."""
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


def _remedy(sentence: str, value: Any, path: Path) -> tuple[str, ...]:
    """What to write instead, where that can be said."""
    if sentence == _NAME_RULE:
        name = re.sub("[^a-z0-9]+", "-", value.lower()).strip("-")[:63]
        return (f"write name: {name}",) if name else ()
    if sentence.startswith("must be true") and isinstance(value, str) and value in _YES_AND_NO:
        return (f"write {_YES_AND_NO[value]}",)
    if sentence.startswith("must be a text") and isinstance(value, bool | int | float):
        return (f'as a text it needs quotes: "{written(value)}"',)
    if value == "softmax":
        return ("the output layer with softmax is added to every network: take this one away",)
    if sentence == "must be a list" and path[-1] in ("architecture", "layers"):
        return ("write each layer on a line of its own: - flatten",)
    return ()


def _unknown_layer(name: str) -> tuple[str, tuple[str, ...]]:
    notes = _colon(name) or did_you_mean(name, LAYERS)
    if " - " in name:
        notes = ("items of a list stand under each other",)
    if looks_like_reference(name):
        notes = ("a reference cannot stand for a layer",)
    return f'unknown layer "{shortened(name)}"', (_ALL_LAYERS, *notes)


def _unknown_key(key: str, value: Any, path: Path) -> tuple[str, tuple[str, ...]]:
    if key.isdigit() and value is None:
        return f'"{shortened(key)}" is no key', ("a decimal number has a point: 0.25, not 0,25",)
    keys = keys_at(path)
    notes = _colon(key) if value is None else ()
    notes = notes or did_you_mean(key, keys)
    if looks_like_reference(key):
        notes = ("a reference cannot stand for a key",)
    message = f'unknown key "{shortened(key)}" in {owner_of(path)}'
    return message, ("allowed: " + ", ".join(keys), *notes)


def _colon(text: str) -> tuple[str, ...]:
    """What to say of `{units:10}`, which YAML takes for one word."""
    key, colon, value = text.partition(":")
    if not colon or not key.isidentifier():
        return ()
    return (f"a colon needs a space after it: {shortened(key)}: {shortened(value.strip())}",)


def _no_arguments(name: str, item: Any) -> tuple[str, tuple[str, ...]]:
    value = next(iter(item.values()))
    required = [key for key, field in LAYERS[name].model_fields.items() if field.is_required()]
    if not required:
        return f"{name} cannot be followed by {written(value)}", (f"write {name} alone",)
    if isinstance(value, list | dict):
        note = f"write {name}: {{{required[0]}: ...}}"
    else:
        note = f"write {name}: {{{required[0]}: {written(value)}}}"
    return f"{name} must be followed by its arguments", (note,)


def _found(error: ErrorDetails) -> tuple[str, ...]:
    value = error["input"]
    at = error.get("ctx", {}).get("at")
    if at is not None:
        value = value[at]
    if looks_like_reference(value):
        where = "architecture, augmentation and training"
        return (f"found: {written(value)}; references stand in {where} only",)
    found = f'"{shortened(value)}"' if isinstance(value, str) else written(value)
    return (f"found: {found}",)


def _number(bound: float) -> str:
    return f"{int(bound):,}" if float(bound).is_integer() else written(bound)


def _choices(path: Path) -> tuple[str, ...]:
    """The values that a missing key may have, where there are only some."""
    model = model_at(path)
    field = model.model_fields.get(str(path[-1])) if model else None
    if field is None or get_origin(field.annotation) is not Literal:
        return ()
    return ("allowed: " + ", ".join(map(str, get_args(field.annotation))),)
