"""Where hyperparameters exist: checks of `$name.each`, and of names under conditions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lenetml.spec.conditions import implies, in_braces, with_parents
from lenetml.spec.domains import SearchSpace
from lenetml.spec.draft import Finding
from lenetml.spec.kinds import written
from lenetml.spec.places import field_at, name_of
from lenetml.spec.references import Use, as_reference, name_of_repetition
from lenetml.spec.surroundings import surroundings_of
from lenetml.spec.unroll import most_times


def check_each(
    data: Mapping[str, Any], uses: tuple[Use, ...], space: SearchSpace
) -> Iterator[Finding]:
    """Find references `$name.each` that do not say what to draw.

    Args:
        data: The plain data, without mistakes of other kinds.
        uses: The places that hold references.
        space: The declared domains.
    """
    first_times: dict[str, Any] = {}
    for use in uses:
        if not use.reference.is_each:
            continue
        name, domain = use.reference.name, space[use.reference.name]
        written_times = surroundings_of(data, use.path, space).written_times
        most = most_times(space)(written_times, None)
        if domain.width:
            if domain.width < most:
                note = f"the repeat comes up to {most} times: give each list {most} values"
                found = f"the values of {name} have {domain.width} positions"
                yield Finding(use.path, f"there is no {name}.{most - 1}", (found, note))
            continue
        times = as_reference(written_times)
        if times is not None and times.is_each:
            note = f"draw {name} as lists, or write the times without .each"
            yield Finding(use.path, f"${name}.each stands in a repeat whose times vary", (note,))
        elif first_times.setdefault(name, written_times) != written_times:
            note = f"found: {written(first_times[name])} before, {written(written_times)} here"
            yield Finding(use.path, f"repeats with ${name}.each must have the same times", (note,))
    for name, written_times in first_times.items():
        yield from _check_name(name, most_times(space)(written_times, None), uses, space)


def check_existence(
    data: Mapping[str, Any], uses: tuple[Use, ...], space: SearchSpace
) -> Iterator[Finding]:
    """Find layers, and keys that are needed, with a hyperparameter that may not exist there.

    Args:
        data: The plain data, without mistakes of other kinds.
        uses: The places that hold references.
        space: The declared domains.
    """
    for use in uses:
        name = use.reference.name
        wanted = space[name].when
        # What a `when` asks for may be away: then the layer is, too.
        if not wanted or "when" in use.path[-2:]:
            continue
        terms = in_braces(wanted)
        if use.path[0] != "architecture":
            if _is_needed(use):
                note = f"{name_of(use.path)} is needed everywhere: take the when of {name} away"
                notes = (f"it exists only when {terms}", note)
                yield Finding(use.path, f"${name} does not exist everywhere", notes)
            continue
        given = with_parents(surroundings_of(data, use.path, space).conditions, space)
        if not implies(given, wanted, space):
            notes = (f"it exists only when {terms}", f"write when: {{{terms}}} in the layer")
            yield Finding(use.path, f"${name} does not exist everywhere here", notes)


def _is_needed(use: Use) -> bool:
    field = field_at(use.path)
    return field is not None and field.is_required()


def _check_name(
    name: str, most: int, uses: tuple[Use, ...], space: SearchSpace
) -> Iterator[Finding]:
    """A name that is drawn for each repetition has no value of its own."""
    for use in uses:
        if use.reference.name == name and not use.reference.is_each:
            note = f"it is drawn for each repetition: write ${name}.each, or use two names"
            message = f"{name} is used with and without .each"
            yield Finding(use.path, message, (note,), at_key=use.wanted is not None)
    for other, domain in space.items():
        if any(each.name == name for each in domain.when):
            note = f"{name} is drawn for each repetition of a repeat"
            yield Finding(
                ("search_space", other, "when"), f"no condition can ask for {name}", (note,)
            )
    for number in range(most):
        if (taken := name_of_repetition(name, number)) in space:
            note = f"${name}.each draws it; choose another name"
            yield Finding(("search_space", taken), f"{taken} is declared twice", (note,), True)
