"""References: where `$name` stands, and what a point of the search space puts there.

Architecture, augmentation and training may hold references; a drawn point turns the spec into a
`ConcreteSpec` without any.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lenetml.spec.domains import Choice, Point, SearchSpace, is_same
from lenetml.spec.nodes import Path

OPEN_SECTIONS = ("architecture", "augmentation", "training")
LEFT_OUT = object()

_REFERENCE = re.compile(r"\$([a-z][a-z0-9_]*)(?:\.([0-9]{1,3}))?")


@dataclass(frozen=True)
class Reference:
    """`$name`, or `$name.0` for one position of a tied value."""

    name: str
    position: int | None = None

    def __str__(self) -> str:
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


def read_reference(text: str) -> Reference | None:
    """Read `$name` or `$name.0`; None where it is neither."""
    match = _REFERENCE.fullmatch(text)
    if match is None:
        return None
    return Reference(match[1], None if match[2] is None else int(match[2]))


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
        value_of: Gives a value, or `LEFT_OUT` to leave the key or item out.
    """
    if isinstance(data, dict):
        pairs = ((key, substitute(value, value_of)) for key, value in data.items())
        return {key: value for key, value in pairs if value is not LEFT_OUT}
    if isinstance(data, list):
        items = (substitute(item, value_of) for item in data)
        return [item for item in items if item is not LEFT_OUT]
    if looks_like_reference(data) and (reference := read_reference(data)) is not None:
        return value_of(reference)
    return data


def look_up(point: Point, reference: Reference) -> Any:
    """The value of a reference at a point; `LEFT_OUT` where the name does not exist there."""
    value = point.get(reference.name, LEFT_OUT)
    if reference.position is None or value is LEFT_OUT:
        return value
    return value[reference.position]


def resolve(data: Mapping[str, Any], point: Point) -> dict[str, Any]:
    """Turn a spec's data with references into data without, at one point.

    Layers whose `when` is false are gone, and each `repeat` is replaced by its layers in turn.
    """
    resolved = dict(data)
    for section in OPEN_SECTIONS:
        if section in data:
            resolved[section] = substitute(data[section], lambda ref: look_up(point, ref))
    resolved["architecture"] = [item for _, item in expand(resolved["architecture"], point)]
    return resolved


def expand(
    items: list[Any], point: Point, path: Path = ("architecture",)
) -> Iterator[tuple[Path, Any]]:
    """Give the layers in turn, each with the path of the item that it comes from."""
    for index, item in enumerate(items):
        name, arguments = (item, {}) if isinstance(item, str) else next(iter(item.items()))
        place = (*path, index, name)
        if not _holds(arguments.get("when", True), point):
            continue
        if name == "repeat":
            for _ in range(arguments["times"]):
                yield from expand(arguments["layers"], point, (*place, "layers"))
        else:
            yield place, {name: {key: arguments[key] for key in arguments if key != "when"}}


def _holds(when: bool | Mapping[str, Any], point: Point) -> bool:
    """Whether a condition is true at a point; a name that does not exist there makes it false."""
    if isinstance(when, bool):
        return when
    for key, wanted in when.items():
        reference = read_reference(f"${key}")
        found = look_up(point, reference) if reference else LEFT_OUT
        allowed = wanted if isinstance(wanted, list) else [wanted]
        if not any(is_same(found, value) for value in allowed):
            return False
    return True
