"""Checks of values: every value of every domain must be legal where its name stands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from lenetml.spec.domains import (
    Choice,
    Domain,
    Range,
    SearchSpace,
    as_real,
    corner_path,
    corners,
    own_value,
)
from lenetml.spec.draft import Finding
from lenetml.spec.kinds import written
from lenetml.spec.meant import boolean_meant
from lenetml.spec.nodes import Path
from lenetml.spec.places import marker_at, name_of, nearest_key
from lenetml.spec.references import (
    OPEN_SECTIONS,
    Misread,
    Reference,
    Use,
    looks_like_reference,
    substitute,
    values_of,
)
from lenetml.spec.sections import ConcreteSpec
from lenetml.spec.wording import describe, explain, place_of, wanted_by

_AT_KEY = ("extra_forbidden", "missing")
_NAME_BEHIND_DOLLAR = re.compile(r"\$\{?([a-z][a-z0-9_]*)")


def check_values(
    data: Mapping[str, Any],
    uses: tuple[Use, ...],
    misread: tuple[Misread, ...],
    space: SearchSpace,
) -> tuple[list[Finding], frozenset[str]]:
    """Check types and ranges of a whole spec, with every value of every domain in turn.

    Args:
        data: The plain data, with references.
        uses: The places that hold references.
        misread: The places where something was meant as one, which is told elsewhere.
        space: The domains that could be read.

    Returns:
        The findings, and the sections that have mistakes of their own.
    """
    findings: dict[tuple[Path, str], Finding] = {}
    broken: set[str] = set()
    misspelled: set[Path] = set()
    told: set[tuple[Path, str]] = set()
    by_path = {use.path: use for use in uses}
    told_elsewhere = {it.path for it in misread}
    by_position = {use.reference.name for use in uses if use.reference.is_each}
    rounds = max((_n_rounds(it, name in by_position) for name, it in space.items()), default=1)
    for index in range(rounds):
        chosen = {name: _corner(domain, index) for name, domain in space.items()}
        for detail in _mistakes(data, chosen, space, index):
            path, kind = place_of(detail), detail["type"]
            broken.add(str(path[0]))
            starts = [path[:n] for n in range(len(path) + 1)]
            if kind != "extra_forbidden" and not told_elsewhere.isdisjoint(starts):
                continue
            use = next((by_path[start] for start in starts if start in by_path), None)
            finding: Finding | None = None
            if use is not None and use.wanted != () and kind != "extra_forbidden":
                finding = _at_domain(detail, use, space, data, index)
            elif (path, kind) not in told:
                told.add((path, kind))
                finding = _at_value(detail, data, space)
                misspelled |= {nearest_key(path)} if kind == "extra_forbidden" else set()
            if finding is not None:
                findings.setdefault((finding.path, finding.message), finding)
    # A key that is only misspelled is not missing.
    result = [it for it in findings.values() if not (it.at_key and it.path in misspelled)]
    broken |= {str(key[0]) for key in misspelled if len(key) == 1 and key[0] not in data}
    return result, frozenset(broken)


def with_reals(data: Mapping[str, Any], uses: tuple[Use, ...], space: SearchSpace) -> SearchSpace:
    """Make choices of whole numbers real where only reals are meant, position by position.

    Args:
        data: The plain data, without mistakes.
        uses: The places that hold references.
        space: The declared domains.
    """
    result = dict(space)
    for name, position in _positions_used(uses, space):
        domain = result[name]
        changed = as_real(domain, position) if isinstance(domain, Choice) else None
        if changed is None:
            continue
        # The round in which `.each` means this position.
        index = len(corners(domain)) * (position or 0)
        if not _mistakes(data, _first(result | {name: changed}), result, index):
            result[name] = changed
    return {name: _with_own(domain, result) for name, domain in result.items()}


def _positions_used(
    uses: tuple[Use, ...], space: SearchSpace
) -> dict[tuple[str, int | None], None]:
    """The names that are not only asked for, with the positions that stand somewhere, each once."""
    found: dict[tuple[str, int | None], None] = {}
    for use in uses:
        if use.wanted is None:
            name, width = use.reference.name, space[use.reference.name].width
            is_whole = use.reference.position is None and width
            positions = range(width) if is_whole else (use.reference.position,)
            found.update(((name, position), None) for position in positions)
    return found


def _with_own(domain: Domain, space: SearchSpace) -> Domain:
    """Give the conditions of a domain the values as the named hyperparameters have them now."""
    when = tuple(
        replace(
            each,
            values=tuple(own_value(space[each.name], each.position, it) for it in each.values),
        )
        for each in domain.when
    )
    return replace(domain, when=when) if when else domain


def first_document(data: Mapping[str, Any], space: SearchSpace) -> ConcreteSpec:
    """The spec with the first value of every domain, its layers as written.

    Raises:
        ValidationError: Something in it is not right.
    """
    return ConcreteSpec.model_validate(_filled(data, _first(space), space))


def stand_in(data: Mapping[str, Any], space: SearchSpace, broken: frozenset[str]) -> ConcreteSpec:
    """The spec with minimal sections in the place of broken ones, so that the rest is checked."""
    minimal = {
        "name": "x",
        "data": {"dataset": "digits"},
        "architecture": [],
        "training": {"epochs": 1},
    }
    return first_document(
        minimal | {key: value for key, value in data.items() if key not in broken}, space
    )


def _mistakes(
    data: Mapping[str, Any], chosen: Mapping[str, Any], space: SearchSpace, index: int = 0
) -> list[Any]:
    try:
        ConcreteSpec.model_validate(_filled(data, chosen, space, index))
    except ValidationError as error:
        return list(error.errors(include_url=False))
    return []


def _why_real(domain: Domain, text: Any, tail: Path) -> tuple[str, ...]:
    """Why a whole number of a domain, as written, became a real one."""
    for part in tail:
        text = text[part]
    if isinstance(text, float):
        return ()
    if isinstance(domain, Range) and domain.is_log:
        return ("log_uniform_values draws real numbers; write values: [...] for whole ones",)
    return ("one real number among others makes all of them real",)


def _first(space: SearchSpace) -> dict[str, Any]:
    return {name: corners(domain)[0] for name, domain in space.items()}


def _corner(domain: Domain, index: int) -> Any:
    values = corners(domain)
    return values[index % len(values)]


def _n_rounds(domain: Domain, by_position: bool) -> int:
    """Rounds until every corner has been seen, of `.each` at every position."""
    return len(corners(domain)) * (max(domain.width, 1) if by_position else 1)


def _position_of(reference: Reference, domain: Domain, index: int) -> int | None:
    """The position that a reference means in a round; `.each` means one after the other."""
    if reference.is_each and domain.width:
        return (index // len(corners(domain))) % domain.width
    return reference.position


def _filled(
    data: Mapping[str, Any], chosen: Mapping[str, Any], space: SearchSpace, index: int = 0
) -> dict[str, Any]:
    """The data with values for references, and without the search space.

    A reference that has no value stays as it is written: a text, which is legal nowhere.
    """

    def value_of(reference: Reference) -> Any:
        if reference.name not in chosen:
            return str(reference)
        value = chosen[reference.name]
        position = _position_of(reference, space[reference.name], index)
        if position is None:
            return value
        is_there = isinstance(value, list) and position < len(value)
        return value[position] if is_there else str(reference)

    filled = {key: value for key, value in data.items() if key != "search_space"}
    for section in OPEN_SECTIONS:
        if section in filled:
            filled[section] = substitute(filled[section], value_of)
    return filled


def _at_value(detail: Any, data: Mapping[str, Any], space: SearchSpace) -> Finding:
    value = _as_written(data, detail)
    message, notes = explain(detail | {"input": value})
    path = place_of(detail)
    meant = {name for text in (value, path[-1]) for name in _names_in(text)}
    if isinstance(value, str) and value in space:
        notes = (*notes, f'did you mean "${value}"?')
        meant.add(value)
    elif isinstance(value, str) and meant and not looks_like_reference(value):
        notes = (*notes, f"a reference stands alone: write ${min(meant)}")
    return Finding(path, message, notes, at_key=detail["type"] in _AT_KEY, meant=tuple(meant))


def _as_written(data: Any, detail: Any) -> Any:
    """What one of pydantic's errors found wrong, with the references that stand there."""
    for part in detail["loc"]:
        is_item = isinstance(data, list) and isinstance(part, int) and part < len(data)
        if not is_item and not (isinstance(data, dict) and part in data):
            return detail["input"]
        data = data[part]
    return data


def _names_in(data: Any) -> Iterator[str]:
    """The names behind every $ in what stands where it may not."""
    if isinstance(data, dict):
        data = [*data, *data.values()]
    if isinstance(data, list):
        for inner in data:
            yield from _names_in(inner)
    elif isinstance(data, str):
        yield from _NAME_BEHIND_DOLLAR.findall(data)


def _at_domain(
    detail: Any, use: Use, space: SearchSpace, data: Mapping[str, Any], index: int
) -> Finding | None:
    """A value of a domain that is not legal where a reference stands; None if it is told else."""
    if use.reference.name not in space or use.wanted is not None:
        return None
    if marker_at(use.path) is None:
        return None
    name = use.reference.name
    domain = space[name]
    position = _position_of(use.reference, domain, index)
    value = _corner(domain, index)
    tail: Path = corner_path(domain, index % len(corners(domain)), data["search_space"][name])
    if position is not None:
        if not isinstance(value, list) or position >= len(value):
            return None
        value, tail = value[position], (*tail, position)
    sentence, notes = describe(detail)
    inner = place_of(detail)[len(use.path) :]
    if isinstance(value, list) and inner:
        value, tail = value[int(inner[0])], (*tail, *inner)
    elif isinstance(value, list) and "[" not in sentence:
        notes = (*notes, f"write ${name}.0 for its first position, or ${name}.each in a repeat")
    if wanted_by(detail) in ("whole", "size") and isinstance(value, float):
        notes = _why_real(domain, data["search_space"][name], tail) or notes
    if wanted_by(detail) == "boolean":
        meant = [boolean_meant(each) for each in values_of(Reference(name, position), space)]
        if None not in meant:
            if index % len(meant):
                return None
            notes = (f"write {' and '.join(filter(None, meant))}",)
    message = f"{written(value)} cannot be {name_of(use.path)}, which {sentence}"
    return Finding(("search_space", name, *tail), message, notes, use=use.path)
