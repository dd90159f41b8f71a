"""What somebody meant by a text that cannot stand: a number with a comma, `yes`, a lost colon.

Texts in, remedies out: lines that say what to write instead, none where nothing can be told.
"""

from __future__ import annotations

import re
from typing import Any

from lenetml.spec.kinds import written
from lenetml.spec.problems import shortened

_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
_WITH_COMMA = re.compile(r"[-+]?[0-9]*,[0-9]+([eE][-+]?[0-9]+)?")
_PERCENT = re.compile(r"([0-9]+(?:[.,][0-9]+)?) ?%")
_IN_THOUSANDS = re.compile(r"[0-9]{1,3}([.,_ ][0-9]{3})+")
_LOST_COLON = re.compile(r"(\w+) *([:={])\s*(.*)", re.DOTALL)
_PAIR = re.compile(r"\(?([0-9]+)(?: ?[x,] ?([0-9]+)\)?)?")
_EQUATION = re.compile(r"\$?(\w+(?:\.[0-9]+)?) *==? *(.+)")
# Below it, a number that should be a share is hardly a percentage.
_LEAST_PERCENT = 5

_YES = ("yes", "y", "on", "true", "1")
_NO = ("no", "n", "off", "false", "0")


def number_remedy(value: Any, *, whole: bool) -> tuple[str, ...]:
    """Say how to write a number, of what stands where one must.

    Args:
        value: What stands there.
        whole: Whether only a whole number may.
    """
    digits_alone = "a whole number is written in digits alone"
    if isinstance(value, float) and whole and value.is_integer():
        return (digits_alone,)
    if not isinstance(value, str):
        return ()
    if (whole or "_" in value) and _IN_THOUSANDS.fullmatch(value):
        return (f"{digits_alone}: {re.sub('[^0-9]', '', value)}",)
    if _NUMBER.fullmatch(value):
        return (f"a number has no quotes: {value}",)
    if whole:
        return ()
    if _WITH_COMMA.fullmatch(value):
        return (f"a decimal number has a point: {value.replace(',', '.')}",)
    if percent := _PERCENT.fullmatch(value):
        return (_as_fraction(float(percent[1].replace(",", "."))),)
    return ()


def pair_remedy(value: Any) -> tuple[str, ...]:
    """Say how to write `3x3`, `(3, 3)` and, of a text that a comma has cut, `(3`."""
    pair = _PAIR.fullmatch(value) if isinstance(value, str) else None
    if pair is None:
        return ()
    return (f"write {f'[{pair[1]}, {pair[2]}]' if pair[2] else 'a pair in square brackets'}",)


def percent_remedy(value: Any) -> tuple[str, ...]:
    """Say how to write a percentage, of a number that is too large for a share."""
    is_percent = isinstance(value, int | float) and _LEAST_PERCENT <= value <= 100
    return (_as_fraction(value),) if is_percent else ()


def _as_fraction(percent: float) -> str:
    return f"percentages are written as fractions: {percent / 100:.12g}"


def boolean_meant(value: Any) -> str | None:
    """The boolean that `yes`, `off`, `"true"` or 0 stands for, as it is written in a spec."""
    word = str(value).lower()
    if isinstance(value, bool) or word not in (*_YES, *_NO):
        return None
    return "true" if word in _YES else "false"


def condition_remedy(value: Any) -> tuple[str, ...]:
    """Say how to write `filters == 8`."""
    equation = _EQUATION.fullmatch(value) if isinstance(value, str) else None
    return (f"write when: {{{equation[1]}: {shortened(equation[2])}}}",) if equation else ()


def name_remedy(text: str) -> tuple[str, ...]:
    """Say how to write a text as the name of a spec."""
    name = re.sub("[^a-z0-9]+", "-", text.lower()).strip("-")[:63]
    return (f"write name: {written(name)}",) if name else ()


def colon_remedy(text: str) -> tuple[str, ...]:
    """Say how to write `units:10`, `units=10` and `dense {`, which YAML takes for one word."""
    match = _LOST_COLON.match(text)
    if match is None:
        return ()
    key, sign, value = match.groups()
    if sign == "{" or value.startswith("{"):
        value = "{...}"
    said = {
        ":": "a colon needs a space after it: ",
        "=": "a key ends with a colon: ",
        "{": f"a colon is missing behind {shortened(key)}: write ",
    }
    return (f"{said[sign]}{shortened(key)}: {shortened(value)}",)
