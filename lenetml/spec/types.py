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
from pydantic import PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

MAX_COUNT = 1_000_000_000
MAX_WIDTH = 1_000_000
MAX_TEXT = 20_000

Activation: TypeAlias = Literal[
    "linear", "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu",
    "tanh", "sigmoid", "hard_sigmoid", "hard_silu", "softplus",
]  # fmt: skip
Language: TypeAlias = Literal["en", "pt"]


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


def custom(rule: str) -> PydanticCustomError:
    """Make the error of a type of ours; `rule` continues the name of the key."""
    return PydanticCustomError("rule", "{rule}", {"rule": rule})


def _check_size(value: Any) -> tuple[int, int]:
    pair = value if isinstance(value, list | tuple) else (value, value)
    if len(pair) != 2 or not all(_is_whole(side) and 1 <= side <= MAX_WIDTH for side in pair):
        raise custom("must be a whole number of at least 1, or a pair of them: [height, width]")
    return (pair[0], pair[1])


def _check_amount(value: Any) -> int | float:
    if _is_whole(value) and 1 <= value <= MAX_COUNT:
        return int(value)
    if isinstance(value, float) and 0 < value < 1:
        return value
    raise custom("must be a count of at least 1, or a fraction between 0 and 1")


def _check_when(value: Any) -> bool | dict[str, Any]:
    if isinstance(value, bool):
        return value
    if isinstance(value, dict) and value and all(map(_is_condition, value.values())):
        return value
    raise custom("must be true, false, or a condition: {name: value}")


def _is_condition(wanted: Any) -> bool:
    values = wanted if isinstance(wanted, list) else [wanted]
    return len(values) > 0 and all(isinstance(value, bool | int | float | str) for value in values)


def _check_factors(value: Any) -> tuple[float, float]:
    if (
        isinstance(value, list | tuple)
        and len(value) == 2
        and all(_is_number(factor) for factor in value)
        and 0 <= value[0] <= value[1] <= 10
    ):
        return (float(value[0]), float(value[1]))
    raise custom("must be [low, high] with 0 <= low <= high <= 10")


def _check_time_limit(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r"[1-9][0-9]{0,5}[smh]", value):
        return value
    raise custom("must be a whole number with s, m or h, such as 45m or 2h")


def _check_names(value: Any) -> tuple[str, ...]:
    names = value if isinstance(value, list | tuple) else (value,)
    if not names or not all(isinstance(name, str) and 0 < len(name) <= 500 for name in names):
        raise custom("must be a file name, or a list of file names")
    return tuple(names)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value.strip()) > 0 and len(value) <= MAX_TEXT


def _check_short_text(value: Any) -> str:
    if isinstance(value, str) and _is_text(value):
        return value
    raise custom("must be a text")


def _per_language(value: Any, check: Callable[[Any], bool], rule: str) -> Any:
    if check(value):
        return value
    languages = value if isinstance(value, dict) else {}
    if languages and set(languages) <= {"en", "pt"} and all(map(check, languages.values())):
        return value
    raise custom(rule)


def _check_text(value: Any) -> Any:
    return _per_language(value, _is_text, "must be a text, or {en: a text, pt: a text}")


def _check_prose(value: Any) -> Any:
    def is_prose(part: object) -> bool:
        return _is_text(part) or (
            isinstance(part, list | tuple) and len(part) > 0 and all(map(_is_text, part))
        )

    rule = "must be a text, a list of texts, or one of these per language: {en: ..., pt: ...}"
    return _per_language(value, is_prose, rule)


def _whole(least: int, most: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": least, "maximum": most}


def _pair(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item, "minItems": 2, "maxItems": 2}


_SIZE = _whole(1, MAX_WIDTH)
_NUMBER = {"type": "number"}
_STRING = {"type": "string", "minLength": 1, "maxLength": MAX_TEXT}
_STRINGS = {"type": "array", "items": _STRING, "minItems": 1}


def _languages(*kinds: dict[str, Any]) -> dict[str, Any]:
    each = {"anyOf": list(kinds)} if len(kinds) > 1 else kinds[0]
    both = {
        "type": "object",
        "properties": {"en": each, "pt": each},
        "additionalProperties": False,
        "minProperties": 1,
    }
    return {"anyOf": [*kinds, both]}


Count = Annotated[int, Ge(1), Le(MAX_COUNT)]
Width = Annotated[int, Ge(1), Le(MAX_WIDTH)]
Share = Annotated[float, Ge(0), Lt(1)]
Positive = Annotated[float, Gt(0)]
NotNegative = Annotated[float, Ge(0)]
ShortText = Annotated[str, PlainValidator(_check_short_text), WithJsonSchema(_STRING)]

Size = Annotated[
    tuple[int, int],
    PlainValidator(_check_size),
    WithJsonSchema({"anyOf": [_SIZE, _pair(_SIZE)]}),
]
Amount = Annotated[
    int | float,
    PlainValidator(_check_amount),
    WithJsonSchema(
        {"anyOf": [_whole(1, MAX_COUNT), _NUMBER | {"exclusiveMinimum": 0, "exclusiveMaximum": 1}]}
    ),
]
Factors = Annotated[
    tuple[float, float], PlainValidator(_check_factors), WithJsonSchema(_pair(_NUMBER))
]
When = Annotated[
    bool | dict[str, Any],
    PlainValidator(_check_when),
    WithJsonSchema({"anyOf": [{"type": "boolean"}, {"type": "object", "minProperties": 1}]}),
]
TimeLimit = Annotated[
    str,
    PlainValidator(_check_time_limit),
    WithJsonSchema({"type": "string", "pattern": "^[1-9][0-9]{0,5}[smh]$"}),
]
FileNames = Annotated[
    tuple[str, ...],
    PlainValidator(_check_names),
    WithJsonSchema({"anyOf": [_STRING, _STRINGS]}),
]
Text = Annotated[
    str | dict[str, str], PlainValidator(_check_text), WithJsonSchema(_languages(_STRING))
]
Prose = Annotated[
    str | Sequence[str] | dict[str, Any],
    PlainValidator(_check_prose),
    WithJsonSchema(_languages(_STRING, _STRINGS)),
]
