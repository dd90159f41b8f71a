"""Checks of names: declared, used, in places that take them, and with positions that exist."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lenetml.spec.conditions import in_words
from lenetml.spec.declared import NAME
from lenetml.spec.domains import Choice, Domain, SearchSpace, own_value, written
from lenetml.spec.draft import Finding
from lenetml.spec.nodes import Path
from lenetml.spec.places import marker_at, model_at, name_of
from lenetml.spec.problems import did_you_mean, shortened
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
    used |= {name for domain in names.values() for name in _names_asked_for(domain)}
    for name in declared:
        if name not in used:
            note = f"write ${name} where its value belongs, or take it away"
            yield Finding(("search_space", name), f"{name} is not used", (note,), at_key=True)


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
    if reference.is_each and use.wanted is not None:
        note = f"a layer is there where a name is true: write when: {use.text}"
        yield Finding(use.path, f"no condition can ask for {use.text[1:]}", (note,), at_key=True)
    elif position is None or reference.is_each:
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
