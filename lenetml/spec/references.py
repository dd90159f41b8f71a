"""References: where `$name` stands, and what a point of the search space puts there.

Architecture, augmentation and training may hold references.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lenetml.spec.domains import Choice, Point, SearchSpace, corners
from lenetml.spec.nodes import Path
from lenetml.spec.places import field_at

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
        reference: What stands there.
        wanted: The values that a condition asks for; None: it is no condition.
    """

    path: Path
    reference: Reference
    wanted: tuple[Any, ...] | None = None


@dataclass(frozen=True)
class Misread:
    """A place where something was meant as a reference that is none.

    Args:
        path: Where; of a condition, the path of its key.
        text: What stands there.
        is_condition: Whether it is the key of a condition.
    """

    path: Path
    text: str
    is_condition: bool = False


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


def as_reference(value: object) -> Reference | None:
    """The reference that a value is; None where it is none."""
    return read_reference(value) if isinstance(value, str) else None


def find_uses(data: Mapping[str, Any]) -> tuple[tuple[Use, ...], tuple[Misread, ...]]:
    """All places of the open sections that use a hyperparameter, and those that fail to.

    Both are in the order of the sections here, and of the text in each.
    """
    found = [it for section in OPEN_SECTIONS for it in _uses_in(data.get(section), (section,))]
    uses = tuple(it for it in found if isinstance(it, Use))
    return uses, tuple(it for it in found if isinstance(it, Misread))


def _uses_in(data: Any, path: Path) -> Iterator[Use | Misread]:
    if path[-1] == "when" and isinstance(data, dict):
        for key, wanted in data.items():
            place, reference = (*path, key), read_reference(f"${key}")
            values = tuple(wanted) if isinstance(wanted, list) else (wanted,)
            if reference is None:
                yield Misread(place, key, is_condition=True)
            else:
                yield Use(place, reference, values)
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from _uses_in(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _uses_in(value, (*path, index))
    elif looks_like_reference(data):
        reference = read_reference(data)
        yield Misread(path, data) if reference is None else Use(path, reference)


def values_of(
    reference: Reference, space: SearchSpace, repetition: int | None = None
) -> tuple[Any, ...]:
    """The values of a reference that show whether all are legal, by the declared domains.

    Args:
        reference: To a name of the space, at a position that there is.
        space: The domains as written.
        repetition: Of the innermost repeat around the reference; None: any.
    """
    domain = space[reference.name]
    values = corners(domain)
    if reference.position is not None:
        return tuple(value[reference.position] for value in values)
    if reference.is_each and domain.width:
        places = range(domain.width) if repetition is None else (repetition,)
        return tuple(value[place] for value in values for place in places if place < domain.width)
    return values


def possible_values(
    path: Path, document: Any, space: SearchSpace, uses: Iterable[Use]
) -> tuple[Any, ...]:
    """All values that may stand at a path: those of the domain, or the one written there.

    Where the name is under a condition, the key's default is one of them.

    Args:
        path: Fields of the document.
        document: The spec with the first value of each domain.
        space: The domains; a range gives no values.
        uses: The places that hold references.
    """
    for use in uses:
        if use.path == path:
            domain = space.get(use.reference.name)
            if not isinstance(domain, Choice):
                return ()
            field = field_at(path)
            default = (field.default,) if field is not None and domain.when else ()
            return (*values_of(use.reference, space), *default)
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
    reference = as_reference(data)
    return data if reference is None else value_of(reference)


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
