"""What pydantic found, in the words of a spec: a message and the lines below it."""

from __future__ import annotations

from typing import Any

from pydantic_core import ErrorDetails

from lenetml.spec.domains import written
from lenetml.spec.layers import LAYERS
from lenetml.spec.places import keys_at, name_of, owner_of
from lenetml.spec.problems import did_you_mean
from lenetml.spec.source import Path

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


def explain(error: ErrorDetails, path: Path) -> tuple[str, tuple[str, ...]]:
    """Put one of pydantic's errors into words.

    Args:
        error: What pydantic says; its input is the value as written.
        path: Where it is, as a path into the spec.

    Returns:
        The message, and the lines that say what was found, what is allowed, what to do.
    """
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        keys = keys_at(path)
        if str(path[-1]).isdigit():
            return f"a comma parts {path[-1]} from the number", (
                f"a decimal number has a point: 0.{path[-1]}",
            )
        notes = ("allowed: " + ", ".join(keys), *did_you_mean(path[-1], keys))
        return f'unknown key "{path[-1]}" in {owner_of(path)}', notes
    if kind == "missing":
        return f"{owner_of(path)} needs {path[-1]}", ()
    if kind == "unknown_layer":
        notes = ("allowed: " + ", ".join(LAYERS), *did_you_mean(context["name"], LAYERS))
        return f'unknown layer "{context["name"]}"', notes
    if kind == "no_arguments":
        return _no_arguments(context["name"], error["input"])
    if kind == "item":
        return error["msg"], ()
    if kind in ("model_type", "dict_type", "model_attributes_type"):
        allowed = "allowed: " + ", ".join(keys_at((*path, "")))
        return f"{name_of(path)} must be a section", (allowed, *_found(error))
    sentence, notes = describe(error)
    return f"{name_of(path)} {sentence}", (*_found(error), *notes)


def describe(error: ErrorDetails) -> tuple[str, tuple[str, ...]]:
    """Say what a value must be, as the rest of a sentence, with further lines."""
    kind, context = error["type"], error.get("ctx", {})
    if kind == "literal_error":
        allowed = [word.strip(" '") for word in context["expected"].replace(" or ", ",").split(",")]
        return "must be one of: " + ", ".join(allowed), did_you_mean(error["input"], allowed)
    if kind == "rule":
        return str(context["rule"]), ()
    for bound, words in (
        ("ge", "at least"),
        ("gt", "more than"),
        ("le", "at most"),
        ("lt", "less than"),
    ):
        if bound in context:
            return f"must be {words} {written(_short(context[bound]))}", ()
    if kind == "too_short":
        return f"must have at least {context['min_length']} items", ()
    if kind == "too_long":
        return f"must have at most {context['max_length']} items", ()
    return _SENTENCES.get(kind, f"is not right: {error['msg']}"), ()


def _no_arguments(name: str, item: Any) -> tuple[str, tuple[str, ...]]:
    value = next(iter(item.values()))
    required = [key for key, field in LAYERS[name].model_fields.items() if field.is_required()]
    key = required[0] if required else "when"
    return f"{name} must be followed by its arguments", (
        f"write {name}: {{{key}: {written(value)}}}",
    )


def _found(error: ErrorDetails) -> tuple[str, ...]:
    value = error["input"]
    if isinstance(value, str):
        return (f'found: "{value[:80]}"',)
    return (f"found: {written(value)[:80]}",)


def _short(number: float) -> float:
    return int(number) if isinstance(number, float) and number.is_integer() else number
