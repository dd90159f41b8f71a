"""Checks of names: declared, used, in places that take them, and with positions that exist."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

from lenetml.spec.conditions import in_words
from lenetml.spec.declared import NAME
from lenetml.spec.domains import Choice, Domain, SearchSpace, own_value, written
from lenetml.spec.draft import Finding
from lenetml.spec.nodes import Path
from lenetml.spec.places import keys_at, marker_at, model_at, name_of, nearest_key
from lenetml.spec.problems import nearest, shortened
from lenetml.spec.space import Reference, Use, looks_like_reference


def check_uses(
    data: Mapping[str, Any], uses: tuple[Use, ...], space: SearchSpace
) -> Iterator[Finding]:
    """Find references that name nothing, stand where none may, or ask for a missing position.

    Args:
        data: The plain data; its search space may hold domains that could not be read.
        uses: The places that hold references.
        space: The domains that could be read.
    """
    declared = _declared(data)
    if declared is None:
        return
    for use in uses:
        if use.reference is None:
            yield _misread(use, space)
        elif use.reference.name not in declared:
            yield _undeclared(use, use.reference.name, declared)
        elif use.reference.name in space:
            yield from _check_position(use, use.reference, space[use.reference.name])
        if marker_at(use.path) is None and _is_known(use.path):
            note = "a reference stands for one value, inside a layer, augmentation or training"
            yield Finding(use.path, f"a reference cannot stand as {name_of(use.path)}", (note,))


def check_unused(
    data: Mapping[str, Any], uses: tuple[Use, ...], findings: Iterable[Finding]
) -> Iterator[Finding]:
    """Find declared names that nothing uses.

    Args:
        data: The plain data; its search space may hold domains that could not be read.
        uses: The places that hold references.
        findings: What else is wrong: a name that is meant there is no further mistake.
    """
    used = {use.reference.name for use in uses if use.reference is not None}
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


def _undeclared(use: Use, name: str, declared: Iterable[str]) -> Finding:
    sign = "$" if use.wanted is None else ""
    message = f"{sign}{name} is not in search_space"
    near = nearest(sign + name, [sign + other for other in declared])
    note = f'did you mean "{near}"?' if near else f"declare it there: {name}: {{values: [...]}}"
    meant = (near.removeprefix(sign),) if near else ()
    return Finding(use.path, message, (note,), at_key=use.wanted is not None, meant=meant)


def _misread(use: Use, space: SearchSpace) -> Finding:
    if use.wanted is not None:
        name = use.text.strip("${}")
        message = f'"{shortened(use.text[1:])}" cannot be a hyperparameter\'s name'
        note = f"a condition names it without $: {{{shortened(name)}: value}}"
        return Finding(use.path, message, (note,), at_key=True, meant=(name,))
    word = re.search(r"[A-Za-z][\w-]*", use.text)
    name = word[0].lower().replace("-", "_") if word else "name"
    note = f"write {_forms(shortened(name), space.get(name), use.path)}"
    message = f'"{shortened(use.text)}" is not a reference'
    return Finding(use.path, message, (note,), meant=(name,))


def _forms(name: str, domain: Domain | None, path: Path) -> str:
    """The references to a name that may stand at a place."""
    is_repeated = ("repeat", "layers") in pairwise(path)
    each = f", or ${name}.each for a value in each repetition" if is_repeated else ""
    position = f"${name}.0 for one position of tied values"
    if domain is None:
        return f"${name}, or {position}"
    return (position if _is_tied(domain) else f"${name}") + each


def _is_tied(domain: Domain) -> bool:
    return isinstance(domain, Choice) and domain.is_tied


def _check_position(use: Use, reference: Reference, domain: Domain) -> Iterator[Finding]:
    name, position = reference.name, reference.position
    missing = f"there is no {name}.{position}"
    if reference.is_each and use.wanted is not None:
        note = f"a layer is there where a name is true: write when: {use.text}"
        yield Finding(use.path, f"no condition can ask for {use.text[1:]}", (note,), at_key=True)
    elif position is None or reference.is_each:
        yield from _check_wanted(use, reference, domain)
    elif not isinstance(domain, Choice) or not domain.is_tied:
        form = _forms(name, domain, use.path) if use.wanted is None else name
        note = f"the values of {name} are single: write {form}"
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
    if domain.size is None:
        note = f"a condition asks for one value of several: write {name}: {{values: [...]}}"
        yield Finding(use.path, f"{name} is a range of reals", (note,))
        return
    for wanted in use.wanted:
        if looks_like_reference(wanted):
            note = f"write a value: {{{name}: value}}"
            yield Finding(use.path, "a reference cannot stand in a condition", (note,))
        elif own_value(domain, position, wanted) is None:
            note = in_words(name, domain, position)
            yield Finding(use.path, f"{name} is never {written(wanted)}", (note,))


def _names_asked_for(domain: Any) -> Iterator[str]:
    """The names in the `when` of a domain as written, which may hold mistakes."""
    when = domain.get("when") if isinstance(domain, dict) else None
    for place in when if isinstance(when, dict) else ():
        yield place.partition(".")[0]


def _is_known(path: Path) -> bool:
    model = model_at(path)
    return model is not None and str(path[-1]) in model.model_fields
