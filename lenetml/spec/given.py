"""Values from outside the search, as W&B's agent hands them over: one point of a spec's space.

They come as a JSON object of names and values. Each value must be one of its domain, which gives
its own: 120 for 120.0, 0.3 for 0.30000000000000004. What does not exist at the point is passed
over, since a sweep draws every name; a constant may be left out.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path as File
from typing import Any

from lenetml.errors import SpecError, UsageError
from lenetml.spec.conditions import in_words
from lenetml.spec.domains import Choice, Domain, Range, SearchSpace, is_active, on_grid, value_at
from lenetml.spec.kinds import NUMBERS, identity, kind_of, written
from lenetml.spec.nodes import Span
from lenetml.spec.problems import Problem, did_you_mean, shortened

MAX_BYTES = 1_000_000
# A few roundings of floating point, as of exp(log(x)), and far less than any step.
NOISE = 1e-12
_EXAMPLE = 'write an object of names and values, such as {"units": 84, "activation": "tanh"}'


def read_given(path: File) -> bytes:
    """Read a file of values.

    Raises:
        UsageError: There is no such file, or it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"{path}: there is no such file") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None


def parse_given(content: bytes, place: str) -> dict[str, Any]:
    """Read values from JSON.

    Args:
        content: One object.
        place: What messages call it: the file.

    Raises:
        SpecError: It is not JSON, no object, too long, or has a name twice.
    """
    if len(content) > MAX_BYTES:
        raise _refused(place, "this is longer than 1 MB; values are a few lines")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _refused(place, "this is not UTF-8") from None
    twice: list[str] = []
    try:
        given = json.loads(text, object_pairs_hook=lambda pairs: _unique(pairs, twice))
    except json.JSONDecodeError as error:
        span, source = Span(error.lineno, error.colno), text.split("\n")[error.lineno - 1]
        problem = Problem(place, span, "this is not JSON", (_EXAMPLE,), source)
        raise SpecError([problem]) from None
    except (ValueError, RecursionError):
        # Python reads no number of thousands of digits, and no brackets inside as many others.
        raise _refused(place, "no values are written like this", _EXAMPLE) from None
    if not isinstance(given, dict):
        found = f"found: {shortened(text.strip())}"
        raise _refused(place, "values must be an object", found, _EXAMPLE)
    problems = [
        _problem(place, f'"{shortened(name)}" stands twice', "take one of them away")
        for name in dict.fromkeys(twice)
    ]
    for name in filter(lambda name: _is_nested(given[name]), given):
        message = f"{shortened(name)} must be a number, a text, true, false or a list of these"
        problems.append(_problem(place, message))
    if problems:
        raise SpecError(problems)
    return given


def point_of(given: Mapping[str, Any], space: SearchSpace, place: str) -> dict[str, Any]:
    """Find the point of a search space that values mean.

    Args:
        given: Values by name.
        space: The drawn domains of a spec, each after those that its conditions name.
        place: What messages call the values: their file.

    Returns:
        For each name that exists there the domain's own value, in order of the space.

    Raises:
        SpecError: Names are unknown or missing, or values are none of their domain: all of them.
    """
    point: dict[str, Any] = {}
    unclear: set[str] = set()
    problems: list[Problem] = []
    for name, domain in space.items():
        # Without its parent nobody knows whether it exists.
        if unclear & {each.name for each in domain.when} or not is_active(domain, point):
            continue
        own = own_of(domain, given[name]) if name in given else _only_value(domain)
        if own is None:
            unclear.add(name)
            message, *near = _what_is_wrong(name, domain, given)
            problems.append(_problem(place, message, in_words(name, domain, None), *near))
        else:
            point[name] = own
    for name in [name for name in given if name not in space]:
        message = f'there is no hyperparameter "{shortened(name)}"'
        names = f"allowed: {', '.join(space)}" if space else "the spec has no search_space"
        problems.append(_problem(place, message, names, *did_you_mean(name, space)))
    if problems:
        raise SpecError(problems)
    return point


def own_of(domain: Domain, value: Any) -> Any:
    """The domain's own value that one from outside means, or None where it means none.

    Whole and real numbers are told apart by the domain alone, and the noise of floating point
    does not count.
    """
    if isinstance(domain, Range):
        return _in_range(domain, value)
    exact = domain.own[None].get(identity(value))
    if exact is not None:
        return exact
    return next((own for own in domain.values if _is_same(own, value)), None)


def _in_range(domain: Range, value: Any) -> int | float | None:
    number = _number(value)
    if number is None:
        return None
    inside: int | float = min(max(number, domain.low), domain.high)
    if domain.step is not None:
        inside = on_grid(domain, inside)
    elif domain.is_whole:
        inside = round(inside)
    if abs(inside - number) > NOISE * max(abs(number), domain.step or 0):
        return None
    return inside if domain.is_whole else float(inside)


def _is_same(own: Any, value: Any) -> bool:
    """Whether two values, or lists of them, differ by noise at most."""
    if isinstance(own, list):
        alike = isinstance(value, list) and len(own) == len(value)
        return alike and all(map(_is_same, own, value))
    one, other = _number(own), _number(value)
    if one is None or other is None:
        return bool(identity(own) == identity(value))
    return math.isclose(one, other, rel_tol=NOISE)


def _number(value: Any) -> float | None:
    """A finite number, or None; true is none, and neither is one of hundreds of digits."""
    if kind_of(value) not in NUMBERS:
        return None
    with suppress(OverflowError):
        number = float(value)
        return number if math.isfinite(number) else None
    return None


def _is_nested(value: Any) -> bool:
    items = value if isinstance(value, list) else ()
    return isinstance(value, dict) or any(isinstance(item, dict | list) for item in items)


def _only_value(domain: Domain) -> Any:
    """The value of a constant; None: there are several."""
    return value_at(domain, 0) if domain.size == 1 else None


def _what_is_wrong(name: str, domain: Domain, given: Mapping[str, Any]) -> tuple[str, ...]:
    """A sentence, and what somebody may have meant who misspelt a text."""
    if name not in given:
        return (f"{name} is missing",)
    value, words = given[name], domain.values if isinstance(domain, Choice) else ()
    are_texts = isinstance(value, str) and all(isinstance(word, str) for word in words)
    near = did_you_mean(value, words) if are_texts else ()
    return f"{name} cannot be {written(value)}", *near


def _unique(pairs: list[tuple[str, Any]], twice: list[str]) -> dict[str, Any]:
    """An object of JSON; names that it has twice are noted."""
    counts = Counter(name for name, _ in pairs)
    twice += [name for name, count in counts.items() if count > 1]
    return dict(pairs)


def _problem(place: str, message: str, *notes: str) -> Problem:
    return Problem(place, Span(origin=place), message, notes)


def _refused(place: str, message: str, *notes: str) -> SpecError:
    return SpecError([_problem(place, message, *notes)])
