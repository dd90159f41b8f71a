"""The types of single values in a spec, each with one message that says what it takes.

A union of plain types would complain once for every member; a type here complains once. The
checks raise `PydanticCustomError`, whose message continues the name of the key: "kernel_size
must be ...".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

from annotated_types import Ge, Gt, Le, Lt
from pydantic import Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

MAX_COUNT = 1_000_000_000
MAX_WIDTH = 1_000_000
MAX_TEXT = 20_000

Activation: TypeAlias = Literal[
    "linear", "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu",
    "tanh", "sigmoid", "hard_sigmoid", "hard_silu", "softplus",
]  # fmt: skip
Language: TypeAlias = Literal["en", "pt"]
Wanted: TypeAlias = Literal["whole", "number", "boolean", "size"]


@dataclass(frozen=True)
class Searchable:
    """Marks a key whose value may be a reference, `$name`.

    Args:
        reaches_shape: The value decides whether a feature map has room for a layer.
    """

    reaches_shape: bool = False


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def custom(
    rule: str, at: int | str | None = None, wanted: Wanted | None = None
) -> PydanticCustomError:
    """Make the error of a type of ours.

    Args:
        rule: Continues the name of the key.
        at: The position or key inside the value that is wrong; None: the whole value.
        wanted: The kind of single value that must stand there, where it is one.
    """
    return PydanticCustomError("rule", "{rule}", {"rule": rule, "at": at, "wanted": wanted})


def _check_size(value: Any) -> tuple[int, int]:
    rule = "must be a whole number of at least 1, or a pair of them: [height, width]"
    pair = value if isinstance(value, list | tuple) else (value, value)
    if len(pair) != 2:
        raise custom(rule, wanted="size")
    for index, side in enumerate(pair):
        if not _is_whole(side) or side < 1:
            raise custom(rule, index if pair is value else None, "size")
        if side > MAX_WIDTH:
            raise custom(f"must be at most {MAX_WIDTH:,}", index if pair is value else None)
    return (pair[0], pair[1])


def _check_amount(value: Any) -> int | float:
    if _is_whole(value) and 1 <= value <= MAX_COUNT:
        return int(value)
    if isinstance(value, float) and 0 < value < 1:
        return value
    rule = "must be a count of at least 1, or a fraction between 0 and 1"
    is_count = isinstance(value, float) and value.is_integer()
    raise custom(rule, wanted="whole" if is_count else "number")


def _check_when(value: Any) -> bool | dict[str, Any]:
    if isinstance(value, bool):
        return value
    if not isinstance(value, dict) or not value:
        rule = "must be true, false, or a condition: {name: value}"
        raise custom(rule, wanted="boolean")
    for name, wanted in value.items():
        values = wanted if isinstance(wanted, list) else [wanted]
        if not values or not all(_is_single(each) or _is_tied(each) for each in values):
            raise custom("must ask for a value, or for one of a list: {name: [value, value]}", name)
    return value


def _is_single(value: object) -> bool:
    return isinstance(value, bool | int | float | str)


def _is_tied(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_single, value))


def _check_factors(value: Any) -> tuple[float, float]:
    rule = "must be [low, high] with 0 <= low <= high <= 10"
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise custom(rule)
    for index, factor in enumerate(value):
        if not _is_number(factor) or not 0 <= factor <= 10:
            raise custom(rule, index, "number")
    if value[0] > value[1]:
        raise custom(rule)
    return (float(value[0]), float(value[1]))


def _check_time_limit(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r"[1-9][0-9]{0,5}[smh]", value):
        return value
    raise custom("must be a whole number with s, m or h, such as 45m or 2h")


def _check_names(value: Any) -> tuple[str, ...]:
    names = value if isinstance(value, list | tuple) else (value,)
    if not names or not all(isinstance(name, str) and 0 < len(name) <= 500 for name in names):
        raise custom("must be the file of a spec, or a list of such files")
    return tuple(names)


def _check_short_text(value: Any) -> str:
    return _check_string(value, "must be a text")


def _check_string(value: Any, rule: str) -> str:
    if not isinstance(value, str):
        raise custom(rule)
    if not value.strip():
        raise custom("must not be empty")
    if len(value) > MAX_TEXT:
        raise custom(f"must have at most {MAX_TEXT:,} characters")
    return value


def _check_passage(value: Any, rule: str) -> Any:
    """Check a text or a list of texts."""
    if not isinstance(value, list | tuple) or not value:
        return _check_string(value, rule)
    for part in value:
        _check_string(part, rule)
    return value


def _per_language(value: Any, check: Callable[[Any, str], Any], rule: str) -> Any:
    if not isinstance(value, dict):
        return check(value, rule)
    if not value:
        raise custom(rule)
    for language, text in value.items():
        if language not in ("en", "pt"):
            raise custom(f"must be in en or pt, not in {language[:20]}", language)
        try:
            check(text, rule)
        except PydanticCustomError as error:
            raise custom(str(error), language) from None
    return value


def _check_text(value: Any) -> Any:
    return _per_language(value, _check_string, "must be a text, or {en: a text, pt: a text}")


def _check_prose(value: Any) -> Any:
    rule = "must be a text, a list of texts, or one of these per language: {en: ..., pt: ...}"
    return _per_language(value, _check_passage, rule)


# For editors alone: that a list says nothing twice is checked in `rules.py`.
UNIQUE = Field(json_schema_extra={"uniqueItems": True})


def _whole(least: int, most: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": least, "maximum": most}


def _pair(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item, "minItems": 2, "maxItems": 2}


def _or(schema: dict[str, Any], kind: str, **keywords: Any) -> dict[str, Any]:
    """Take one more type, whose keywords do not concern the others."""
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return {**schema, "type": [*kinds, kind], **keywords}


def _or_list(item: dict[str, Any]) -> dict[str, Any]:
    return _or(item, "array", items=item, minItems=1)


def _or_per_language(text: dict[str, Any]) -> dict[str, Any]:
    languages = {
        "en": {"description": "In English.", **text},
        "pt": {"description": "In Portuguese.", **text},
    }
    return _or(text, "object", properties=languages, additionalProperties=False, minProperties=1)


_SIZE = _whole(1, MAX_WIDTH)
_FACTOR = {"type": "number", "minimum": 0, "maximum": 10}
_FRACTION = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}
_TEXT = {"type": "string", "pattern": r"\S", "maxLength": MAX_TEXT}
_WANTED = {"type": ["boolean", "number", "string"], "pattern": r"^(?!\$)"}
CONDITION = {
    "description": "The values that hyperparameters must have; of a list, one of them.",
    "type": "object",
    "propertyNames": {"pattern": r"^[a-z][a-z0-9_]*(\.[0-9]{1,3})?$"},
    "additionalProperties": _or(_WANTED, "array", items=_or_list(_WANTED), minItems=1),
    "minProperties": 1,
}

Count = Annotated[int, Ge(1), Le(MAX_COUNT)]
Width = Annotated[int, Ge(1), Le(MAX_WIDTH)]
Share = Annotated[float, Ge(0), Lt(1)]
Positive = Annotated[float, Gt(0)]
NotNegative = Annotated[float, Ge(0)]
ShortText = Annotated[str, PlainValidator(_check_short_text), WithJsonSchema(_TEXT)]

Size = Annotated[
    tuple[int, int],
    PlainValidator(_check_size),
    WithJsonSchema({"anyOf": [_SIZE, _pair(_SIZE)], "examples": [3, [3, 5]]}),
]
Amount = Annotated[
    int | float,
    PlainValidator(_check_amount),
    WithJsonSchema({"anyOf": [_whole(1, MAX_COUNT), _FRACTION], "examples": [45000, 0.6]}),
]
Factors = Annotated[
    tuple[float, float],
    PlainValidator(_check_factors),
    WithJsonSchema({**_pair(_FACTOR), "examples": [[0.8, 1.2]]}),
]
When = Annotated[
    bool | dict[str, Any],
    PlainValidator(_check_when),
    WithJsonSchema({"anyOf": [{"type": "boolean"}, CONDITION], "examples": [{"batch_norm": True}]}),
]
TimeLimit = Annotated[
    str,
    PlainValidator(_check_time_limit),
    WithJsonSchema(
        {"type": "string", "pattern": "^[1-9][0-9]{0,5}[smh]$", "examples": ["45m", "2h"]}
    ),
]
FileNames = Annotated[
    tuple[str, ...],
    PlainValidator(_check_names),
    WithJsonSchema(_or_list({"type": "string", "minLength": 1, "maxLength": 500})),
]
Text = Annotated[
    str | dict[str, str], PlainValidator(_check_text), WithJsonSchema(_or_per_language(_TEXT))
]
Prose = Annotated[
    str | Sequence[str] | dict[str, Any],
    PlainValidator(_check_prose),
    WithJsonSchema(_or_per_language(_or_list(_TEXT))),
]
