"""Checks of references: declared, used, and every value of every domain legal where it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from lenetml.spec.domains import (
    NAME,
    Choice,
    Domain,
    SearchSpace,
    corner_path,
    corners,
    written,
)
from lenetml.spec.places import marker_at, model_at, name_of
from lenetml.spec.problems import did_you_mean
from lenetml.spec.rules import Finding
from lenetml.spec.sections import ConcreteSpec
from lenetml.spec.source import Path
from lenetml.spec.space import OPEN_SECTIONS, Use, substitute
from lenetml.spec.wording import describe, explain

_UNKNOWN = object()


def check_uses(
    data: Mapping[str, Any], uses: tuple[Use, ...], space: SearchSpace
) -> Iterator[Finding]:
    """Find references that name nothing, stand where none may, or ask for a missing position.

    Args:
        data: The plain data; its search space may hold domains that could not be read.
        uses: The places that hold references.
        space: The domains that could be read.
    """
    written_space = data.get("search_space")
    names = written_space if isinstance(written_space, dict) else {}
    declared = [name for name in names if NAME.fullmatch(name)]
    for use in uses:
        if use.reference is None:
            name = use.text.strip("${}[]").split("[")[0].split(".")[0].lower()
            note = f"write ${name}, or ${name}.0 for one position of tied values"
            yield Finding(use.path, f'"{use.text}" is not a reference', (note,))
        elif use.reference.name not in declared:
            notes = did_you_mean(use.reference.name, declared)
            message = f"${use.reference.name} is not in search_space"
            yield Finding(use.path, message, notes, at_key=use.wanted is not None)
        elif use.reference.name in space:
            yield from _check_position(use, space[use.reference.name])
            yield from _check_wanted(use, space[use.reference.name])
        if marker_at(use.path) is None and _is_known(use.path):
            yield Finding(use.path, f"a reference cannot stand as {name_of(use.path)}")
    used = {use.reference.name for use in uses if use.reference is not None}
    for name in declared:
        if name not in used:
            note = f"write ${name} where its value belongs, or take it away"
            yield Finding(("search_space", name), f"{name} is not used", (note,), at_key=True)


def check_values(
    data: Mapping[str, Any], uses: tuple[Use, ...], space: SearchSpace
) -> tuple[list[Finding], frozenset[str]]:
    """Check types and ranges of a whole spec, with every value of every domain in turn.

    Returns:
        The findings, and the sections that have mistakes of their own.
    """
    findings: dict[tuple[Path, str], Finding] = {}
    broken = set()
    rounds = max((len(corners(domain)) for domain in space.values()), default=1)
    by_path = {use.path: use for use in uses}
    for index in range(rounds):
        chosen = {name: _corner(domain, index) for name, domain in space.items()}
        try:
            ConcreteSpec.model_validate(_filled(data, chosen))
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                path: Path = detail["loc"]
                broken.add(str(path[0]))
                use = next(
                    (by_path[path[:n]] for n in range(len(path) + 1) if path[:n] in by_path), None
                )
                finding = (
                    _at_value(detail, path, space)
                    if use is None
                    else _at_domain(detail, use, space, data, index)
                )
                if finding is not None:
                    findings.setdefault((finding.path, finding.message), finding)
    return list(findings.values()), frozenset(broken)


def is_legal(data: Mapping[str, Any], space: SearchSpace) -> bool:
    """Whether the first value of every domain is legal everywhere."""
    chosen = {name: corners(domain)[0] for name, domain in space.items()}
    try:
        ConcreteSpec.model_validate(_filled(data, chosen))
    except ValidationError:
        return False
    return True


def first_document(data: Mapping[str, Any], space: SearchSpace) -> ConcreteSpec:
    """The spec with the first value of every domain, its layers as written.

    Raises:
        ValidationError: Something in it is not right.
    """
    chosen = {name: corners(domain)[0] for name, domain in space.items()}
    return ConcreteSpec.model_validate(_filled(data, chosen))


def _corner(domain: Domain, index: int) -> Any:
    values = corners(domain)
    return values[index % len(values)]


def _filled(data: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """The data with values for references, and without the search space."""

    def value_of(reference: Any) -> Any:
        value = chosen.get(reference.name, _UNKNOWN)
        if reference.position is None or value is _UNKNOWN:
            return value
        is_there = isinstance(value, list) and reference.position < len(value)
        return value[reference.position] if is_there else _UNKNOWN

    filled = {key: value for key, value in data.items() if key != "search_space"}
    for section in OPEN_SECTIONS:
        if section in filled:
            filled[section] = substitute(filled[section], value_of)
    return filled


def _check_position(use: Use, domain: Domain) -> Iterator[Finding]:
    assert use.reference is not None
    name, position = use.reference.name, use.reference.position
    if position is None:
        return
    if not isinstance(domain, Choice) or not domain.is_tied:
        yield Finding(use.path, f"there is no {name}.{position}", (f"write ${name}",))
    elif position >= len(domain.values[0]):
        last = len(domain.values[0]) - 1
        note = f"the values of {name} have positions .0 to .{last}"
        yield Finding(use.path, f"there is no {name}.{position}", (note,))


def _check_wanted(use: Use, domain: Domain) -> Iterator[Finding]:
    """A condition must ask for values that the hyperparameter can take."""
    assert use.reference is not None
    if use.wanted is None or not isinstance(domain, Choice):
        return
    position = use.reference.position
    values = domain.values
    if position is not None and domain.is_tied and position < len(values[0]):
        values = tuple(value[position] for value in values)
    for wanted in use.wanted:
        if not any(wanted == value and type(wanted) is type(value) for value in values):
            notes = (f"values of {use.reference.name}: " + ", ".join(map(written, values)),)
            yield Finding(use.path, f"{use.text[1:]} is never {written(wanted)}", notes)


def _is_known(path: Path) -> bool:
    model = model_at(path)
    return model is not None and str(path[-1]) in model.model_fields


def _at_value(detail: Any, path: Path, space: SearchSpace) -> Finding | None:
    message, notes = explain(detail, path)
    if isinstance(detail["input"], str) and detail["input"] in space:
        notes = (*notes, f'did you mean "${detail["input"]}"?')
    points_at_key = detail["type"] in ("extra_forbidden", "missing", "unknown_layer", "item")
    return Finding(path, message, notes, at_key=points_at_key)


def _at_domain(
    detail: Any, use: Use, space: SearchSpace, data: Mapping[str, Any], index: int
) -> Finding | None:
    """A value of a domain that is not legal where a reference stands; None if it is not known."""
    if use.reference is None or use.reference.name not in space:
        return None
    name, position = use.reference.name, use.reference.position
    domain = space[name]
    value = _corner(domain, index)
    tail: Path = corner_path(domain, index % len(corners(domain)), data["search_space"][name])
    if position is not None:
        if not isinstance(value, list) or position >= len(value):
            return None
        value, tail = value[position], (*tail, position)
    sentence, notes = describe(detail)
    if isinstance(value, list):
        notes = (*notes, f"write ${name}.0 for its first position")
    if use.path[-1] == "when" and value in (0, 1):
        notes = (*notes, "write false and true")
    message = f"{written(value)} cannot be {name_of(use.path)}, which {sentence}"
    return Finding(("search_space", name, *tail), message, notes, use=use.path)
