"""Checks of names: declared, used, in places that take them, and with positions that exist."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

from lenetml.spec.conditions import positions_of, read_wanted
from lenetml.spec.declared import NAME
from lenetml.spec.domains import Domain, SearchSpace
from lenetml.spec.draft import Finding
from lenetml.spec.nodes import Path
from lenetml.spec.places import field_at, keys_at, marker_at, name_of, nearest_key
from lenetml.spec.problems import nearest, shortened
from lenetml.spec.references import Misread, Use


def check_uses(
    data: Mapping[str, Any],
    uses: tuple[Use, ...],
    misread: tuple[Misread, ...],
    space: SearchSpace,
) -> Iterator[Finding]:
    """Find references that name nothing, stand where none may, or ask for a missing position.

    Args:
        data: The plain data; its search space may hold domains that could not be read.
        uses: The places that hold references.
        misread: The places where something was meant as a reference.
        space: The domains that could be read.
    """
    declared = _declared(data)
    if declared is None:
        return
    for use in uses:
        if use.reference.name not in declared:
            yield _undeclared(use, declared)
        elif use.reference.name in space:
            yield from _check_form(use, space[use.reference.name])
    for place in misread:
        yield _misread(place, space)
    for path in (*(use.path for use in uses), *(place.path for place in misread)):
        if marker_at(path) is None and field_at(path) is not None:
            note = "a reference stands for one value, inside a layer, augmentation or training"
            yield Finding(path, f"a reference cannot stand as {name_of(path)}", (note,))


def check_unused(
    data: Mapping[str, Any], uses: tuple[Use, ...], findings: Iterable[Finding]
) -> Iterator[Finding]:
    """Find declared names that nothing uses.

    Args:
        data: The plain data; its search space may hold domains that could not be read.
        uses: The places that hold references.
        findings: What else is wrong: a name that is meant there is no further mistake.
    """
    used = {use.reference.name for use in uses}
    used |= {name for finding in findings for name in finding.meant}
    declared = _declared(data) or {}
    asked = {name for domain in declared.values() for name in _names_asked_for(domain)}
    used |= {name if name in declared else str(nearest(name, declared)) for name in asked}
    for name in declared:
        if name not in used:
            note = f"write ${name} where its value belongs, or take it away"
            yield Finding(("search_space", name), f"{name} is not used", (note,), at_key=True)


def _declared(data: Mapping[str, Any]) -> dict[str, Any] | None:
    """The domains as written, by name; None where the section itself cannot be read."""
    names = data.get("search_space")
    if names is None:
        unknown = set(data) - set(keys_at(("",)))
        is_misspelled = any(nearest_key((key,)) == ("search_space",) for key in unknown)
        return None if is_misspelled else {}
    if not isinstance(names, dict):
        return None
    return {name: domain for name, domain in names.items() if NAME.fullmatch(name)}


def _undeclared(use: Use, declared: Iterable[str]) -> Finding:
    name = use.reference.name
    sign = "$" if use.wanted is None else ""
    message = f"{sign}{name} is not in search_space"
    near = nearest(sign + name, [sign + other for other in declared])
    note = f'did you mean "{near}"?' if near else f"declare it there: {name}: {{values: [...]}}"
    meant = (near.removeprefix(sign),) if near else ()
    return Finding(use.path, message, (note,), at_key=use.wanted is not None, meant=meant)


def _misread(place: Misread, space: SearchSpace) -> Finding:
    text = place.text
    if place.is_condition:
        name = text.strip("${}")
        message = f'"{shortened(text)}" cannot be a hyperparameter\'s name'
        note = f"a condition names it without $: {{{shortened(name)}: value}}"
        return Finding(place.path, message, (note,), at_key=True, meant=(name,))
    word = re.search(r"[A-Za-z][\w-]*", text)
    name = word[0].lower().replace("-", "_") if word else "name"
    note = f"write {_forms(shortened(name), space.get(name), place.path)}"
    return Finding(place.path, f'"{shortened(text)}" is not a reference', (note,), meant=(name,))


def _forms(name: str, domain: Domain | None, path: Path) -> str:
    """The references to a name that may stand at a place."""
    each = f", or ${name}.each for a value in each repetition" if _is_repeated(path) else ""
    position = f"${name}.0 for one position of tied values"
    if domain is None:
        return f"${name}, or {position}"
    return (position if domain.width else f"${name}") + each


def _is_repeated(path: Path) -> bool:
    return ("repeat", "layers") in pairwise(path)


def _check_form(use: Use, domain: Domain) -> Iterator[Finding]:
    """A reference must suit its place and its domain, and a condition must be able to hold."""
    name, position = use.reference.name, use.reference.position
    place = str(use.reference)[1:]
    if use.reference.is_each and use.wanted is not None:
        note = f"a layer is there where a name is true: write when: ${place}"
        yield Finding(use.path, f"no condition can ask for {place}", (note,), at_key=True)
    elif use.reference.is_each and not _is_repeated(use.path):
        note = f"write {_forms(name, domain, use.path)}"
        yield Finding(use.path, f"${place} stands outside of a repeat", (note,))
    elif use.wanted is not None:
        _, mistakes = read_wanted(place, domain, position, use.wanted)
        for mistake in mistakes:
            at_key = mistake.index is None and bool(use.wanted)
            yield Finding(use.path, mistake.message, mistake.notes, at_key)
    elif position is not None and position >= domain.width:
        note = positions_of(name, domain, _forms(name, domain, use.path))
        yield Finding(use.path, f"there is no {place}", (note,))


def _names_asked_for(domain: Any) -> Iterator[str]:
    """The names in the `when` of a domain as written, which may hold mistakes."""
    when = domain.get("when") if isinstance(domain, dict) else None
    for place in when if isinstance(when, dict) else ():
        yield place.partition(".")[0]
