"""References: where `$name` stands, and what a point of the search space puts there.

Architecture, augmentation and training may hold references.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lenetml.spec.domains import Choice, Point, SearchSpace
from lenetml.spec.nodes import Path

OPEN_SECTIONS = ("architecture", "augmentation", "training")
LEFT_OUT = object()

_REFERENCE = re.compile(r"\$([a-z][a-z0-9_]*)(?:\.([0-9]{1,3}|each))?")


@dataclass(frozen=True)
class Reference:
    """`$name`, `$name.0` for one position of a tied value, `$name.each` for each repetition."""

    name: str
    position: int | None = None
    is_each: bool = False

    def __str__(self) -> str:
        if self.is_each:
            return f"${self.name}.each"
        return f"${self.name}" + ("" if self.position is None else f".{self.position}")


@dataclass(frozen=True)
class Use:
    """A place that uses a hyperparameter.

    Args:
        path: Where; of a condition `when: {name: value}`, the path of that key.
        text: The reference as written.
        reference: What it says; None where it is badly written.
        wanted: The values that a condition asks for; None: it is no condition.
    """

    path: Path
    text: str
    reference: Reference | None
    wanted: tuple[Any, ...] | None = None


def looks_like_reference(value: object) -> bool:
    """Whether a value was meant as a reference."""
    return isinstance(value, str) and value.startswith("$")


@lru_cache(maxsize=1024)
def read_reference(text: str) -> Reference | None:
    """Read `$name`, `$name.0` or `$name.each`; None where it is none of them."""
    match = _REFERENCE.fullmatch(text)
    if match is None:
        return None
    if match[2] in (None, "each"):
        return Reference(match[1], is_each=match[2] is not None)
    return Reference(match[1], int(match[2]))


def find_uses(data: Mapping[str, Any]) -> list[Use]:
    """All places of the open sections that use a hyperparameter, in order of the text."""
    uses: list[Use] = []
    for section in OPEN_SECTIONS:
        uses += _uses_in(data.get(section), (section,))
    return uses


def _uses_in(data: Any, path: Path) -> Iterator[Use]:
    if path[-1] == "when" and isinstance(data, dict):
        for key, wanted in data.items():
            values = tuple(wanted) if isinstance(wanted, list) else (wanted,)
            yield Use((*path, key), f"${key}", read_reference(f"${key}"), values)
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from _uses_in(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _uses_in(value, (*path, index))
    elif looks_like_reference(data):
        yield Use(path, data, read_reference(data))


def possible_values(
    path: Path, document: Any, space: SearchSpace, uses: Iterable[Use]
) -> tuple[Any, ...]:
    """All values that may stand at a path: those of the domain, or the one written there.

    Args:
        path: Fields of the document.
        document: The spec with the first value of each domain.
        space: The domains; a range gives no values.
        uses: The places that hold references.
    """
    for use in uses:
        if use.path == path and use.reference is not None:
            domain = space.get(use.reference.name)
            if not isinstance(domain, Choice):
                return ()
            position = use.reference.position
            if position is None:
                return domain.values
            return tuple(value[position] for value in domain.values)
    for part in path:
        document = getattr(document, str(part))
    return (document,)


def substitute(data: Any, value_of: Callable[[Reference], Any]) -> Any:
    """Put values in the place of references.

    Args:
        data: Plain data with references.
        value_of: Gives a value, or `LEFT_OUT` to leave the key out that it belongs to.
    """
    if isinstance(data, dict):
        pairs = ((key, substitute(value, value_of)) for key, value in data.items())
        return {key: value for key, value in pairs if value is not LEFT_OUT}
    if isinstance(data, list):
        items = [substitute(item, value_of) for item in data]
        return LEFT_OUT if any(item is LEFT_OUT for item in items) else items
    if looks_like_reference(data) and (reference := read_reference(data)) is not None:
        return value_of(reference)
    return data


def look_up(point: Point, reference: Reference, repetition: int | None = None) -> Any:
    """The value of a reference at a point; `LEFT_OUT` where the name does not exist there.

    Args:
        point: A value for each hyperparameter that exists.
        reference: What is asked for.
        repetition: Of the innermost repeat around the reference, from 0.
    """
    if reference.is_each and reference.name not in point:
        return point.get(name_of_repetition(reference.name, repetition), LEFT_OUT)
    value = point.get(reference.name, LEFT_OUT)
    place = repetition if reference.is_each else reference.position
    return value if place is None or value is LEFT_OUT else value[place]


def name_of_repetition(name: str, repetition: int | None) -> str:
    """The hyperparameter that `$name.each` draws for one repetition."""
    return f"{name}_{repetition}"
