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
    as_real,
    corner_path,
    corners,
    own_value,
    written,
)
from lenetml.spec.draft import Finding
from lenetml.spec.nodes import Path
from lenetml.spec.places import marker_at, model_at, name_of
from lenetml.spec.problems import did_you_mean, shortened
from lenetml.spec.sections import ConcreteSpec
from lenetml.spec.space import (
    OPEN_SECTIONS,
    Reference,
    Use,
    looks_like_reference,
    substitute,
)
from lenetml.spec.wording import describe, explain, place_of

_AT_KEY = ("extra_forbidden", "missing")


def check_uses(
    data: Mapping[str, Any], uses: tuple[Use, ...], space: SearchSpace
) -> Iterator[Finding]:
    """Find references that name nothing, stand where none may, or ask for a missing position.

    Args:
        data: The plain data; its search space may hold domains that could not be read.
        uses: The places that hold references.
        space: The domains that could be read.
    """
    names = data.get("search_space", {})
    if not isinstance(names, dict):
        return
    declared = [name for name in names if NAME.fullmatch(name)]
    for use in uses:
        if use.reference is None:
            yield _misread(use)
        elif use.reference.name not in declared:
            name = use.reference.name
            sign = "$" if use.wanted is None else ""
            near = did_you_mean(sign + name, [sign + other for other in declared])
            notes = near or (f"declare it there: {name}: {{values: [...]}}",)
            message = f"{sign}{name} is not in search_space"
            yield Finding(use.path, message, notes, at_key=use.wanted is not None)
        elif use.reference.name in space:
            yield from _check_position(use, use.reference, space[use.reference.name])
        if marker_at(use.path) is None and _is_known(use.path):
            note = "a reference stands for one value, inside a layer, augmentation or training"
            yield Finding(use.path, f"a reference cannot stand as {name_of(use.path)}", (note,))
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
        for detail in _mistakes(data, chosen):
            path = place_of(detail)
            broken.add(str(path[0]))
            starts = (path[:n] for n in range(len(path) + 1))
            use = next((by_path[start] for start in starts if start in by_path), None)
            finding: Finding | None
            if use is None or detail["type"] == "extra_forbidden":
                finding = _at_value(detail, space)
            else:
                finding = _at_domain(detail, use, space, data, index)
            if finding is not None:
                findings.setdefault((finding.path, finding.message), finding)
    return list(findings.values()), frozenset(broken)


def with_reals(data: Mapping[str, Any], uses: tuple[Use, ...], space: SearchSpace) -> SearchSpace:
    """Make choices of whole numbers real where only reals are meant, position by position."""
    result = dict(space)
    for use in uses:
        if use.reference is None or use.wanted is not None:
            continue
        name, position = use.reference.name, use.reference.position
        domain = result[name]
        if not isinstance(domain, Choice):
            continue
        positions = [position]
        if domain.is_tied and position is None:
            positions = list(range(len(domain.values[0])))
        for each in positions:
            changed = as_real(domain, each)
            if changed is not None and not _mistakes(data, _first(result | {name: changed})):
                result[name] = domain = changed
    return result


def first_document(data: Mapping[str, Any], space: SearchSpace) -> ConcreteSpec:
    """The spec with the first value of every domain, its layers as written.

    Raises:
        ValidationError: Something in it is not right.
    """
    return ConcreteSpec.model_validate(_filled(data, _first(space)))


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


def _mistakes(data: Mapping[str, Any], chosen: Mapping[str, Any]) -> list[Any]:
    try:
        ConcreteSpec.model_validate(_filled(data, chosen))
    except ValidationError as error:
        return list(error.errors(include_url=False))
    return []


def _first(space: SearchSpace) -> dict[str, Any]:
    return {name: corners(domain)[0] for name, domain in space.items()}


def _corner(domain: Domain, index: int) -> Any:
    values = corners(domain)
    return values[index % len(values)]


def _filled(data: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """The data with values for references, and without the search space.

    A reference that has no value stays as it is written: a text, which is legal nowhere.
    """

    def value_of(reference: Reference) -> Any:
        value = chosen.get(reference.name, str(reference))
        if reference.position is None or reference.name not in chosen:
            return value
        is_there = isinstance(value, list) and reference.position < len(value)
        return value[reference.position] if is_there else str(reference)

    filled = {key: value for key, value in data.items() if key != "search_space"}
    for section in OPEN_SECTIONS:
        if section in filled:
            filled[section] = substitute(filled[section], value_of)
    return filled


def _misread(use: Use) -> Finding:
    if use.wanted is not None:
        name = use.text.strip("${}")
        message = f'"{shortened(use.text[1:])}" cannot be a hyperparameter\'s name'
        note = f"a condition names it without $: {{{shortened(name)}: value}}"
        return Finding(use.path, message, (note,), at_key=True)
    name = use.text.strip("${}[]").split("[")[0].split(".")[0].lower()
    example = shortened(name) if NAME.fullmatch(name) else "name"
    note = f"write ${example}, or ${example}.0 for one position of tied values"
    return Finding(use.path, f'"{shortened(use.text)}" is not a reference', (note,))


def _check_position(use: Use, reference: Reference, domain: Domain) -> Iterator[Finding]:
    name, position = reference.name, reference.position
    is_tied = isinstance(domain, Choice) and domain.is_tied
    missing = f"there is no {name}.{position}"
    if position is None:
        yield from _check_wanted(use, reference, domain)
    elif not isinstance(domain, Choice) or not is_tied:
        sign = "$" if use.wanted is None else ""
        note = f"the values of {name} are single: write {sign}{name}"
        yield Finding(use.path, missing, (note,), at_key=bool(use.wanted))
    elif position >= len(domain.values[0]):
        last = len(domain.values[0]) - 1
        positions = f"positions .0 to .{last}" if last else ".0 only"
        note = f"the values of {name} have {positions}"
        yield Finding(use.path, missing, (note,), at_key=bool(use.wanted))
    else:
        yield from _check_wanted(use, reference, domain)


def _check_wanted(use: Use, reference: Reference, domain: Domain) -> Iterator[Finding]:
    """A condition must ask for values that the hyperparameter can take."""
    if use.wanted is None:
        return
    name, position = use.text[1:], reference.position
    if not isinstance(domain, Choice) and not domain.is_whole:
        note = f"a condition asks for one value of several: write {name}: {{values: [...]}}"
        yield Finding(use.path, f"{name} is a range of reals", (note,))
        return
    for wanted in use.wanted:
        if looks_like_reference(wanted):
            note = f"write a value: {{{name}: value}}"
            yield Finding(use.path, "a reference cannot stand in a condition", (note,))
        elif own_value(domain, position, wanted) is None:
            if isinstance(domain, Choice):
                values = [value if position is None else value[position] for value in domain.values]
                note = f"values of {name}: {written(values)[1:-1]}"
            else:
                note = f"{name} is a whole number from {domain.low} to {domain.high}"
            yield Finding(use.path, f"{name} is never {written(wanted)}", (note,))


def _is_known(path: Path) -> bool:
    model = model_at(path)
    return model is not None and str(path[-1]) in model.model_fields


def _at_value(detail: Any, space: SearchSpace) -> Finding:
    message, notes = explain(detail)
    if isinstance(detail["input"], str) and detail["input"] in space:
        notes = (*notes, f'did you mean "${detail["input"]}"?')
    return Finding(place_of(detail), message, notes, at_key=detail["type"] in _AT_KEY)


def _at_domain(
    detail: Any, use: Use, space: SearchSpace, data: Mapping[str, Any], index: int
) -> Finding | None:
    """A value of a domain that is not legal where a reference stands; None if it is told else."""
    if use.reference is None or use.reference.name not in space or use.wanted is not None:
        return None
    if marker_at(use.path) is None:
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
    inner = place_of(detail)[len(use.path) :]
    if isinstance(value, list) and inner:
        value, tail = value[int(inner[0])], (*tail, *inner)
    elif isinstance(value, list) and "[" not in sentence:
        notes = (*notes, f"write ${name}.0 for its first position")
    if use.path[-1] == "when" and value in (0, 1):
        notes = (*notes, "write false and true")
    message = f"{written(value)} cannot be {name_of(use.path)}, which {sentence}"
    return Finding(("search_space", name, *tail), message, notes, use=use.path)
