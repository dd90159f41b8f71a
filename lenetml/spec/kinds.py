"""Plain values of a spec: their kind, when two are the same, and how they are written."""

from __future__ import annotations

import re
from typing import Any

from lenetml.spec.problems import shortened

NUMBERS = ("whole", "real")

_PLAIN = (int, float, str)
# Texts that need quotes in YAML to be texts, or that are easily taken for numbers.
_LIKE_A_VALUE = re.compile(r"|~|null|true|false|[-+.,]*[0-9][-+.,_%e0-9 ]*", re.IGNORECASE)


def kind_of(value: object) -> str:
    """The kind of a value: boolean, whole, real, text, list, or nothing."""
    if isinstance(value, bool):
        return "boolean"
    for kind, types in (("whole", int), ("real", float), ("text", str), ("list", list)):
        if isinstance(value, types):
            return kind
    return "nothing"


def identity(value: Any) -> Any:
    """What two values share if they are the same to a spec: 1 is 1.0, and true is not 1.

    It can be looked up, as the value itself cannot where it is a list.
    """
    if type(value) in _PLAIN:
        return value
    if isinstance(value, list | tuple):
        return tuple(map(identity, value))
    if isinstance(value, bool | dict):
        return type(value), str(value)
    return value


def written(value: Any) -> str:
    """A value as it would stand in YAML, cut where it is long."""
    return shortened(written_whole(value), 80)


def written_whole(value: Any) -> str:
    """A value as it would stand in YAML, to be pasted."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "nothing"}[value]
    if isinstance(value, list):
        return "[" + ", ".join(map(written_whole, value)) + "]"
    if isinstance(value, dict):
        inner = (f"{key}: {written_whole(each)}" for key, each in value.items())
        return "{" + ", ".join(inner) + "}"
    return f'"{value}"' if isinstance(value, str) and _LIKE_A_VALUE.fullmatch(value) else str(value)
