"""Where hyperparameters exist: `$name.each` draws one a repetition, `when` makes them come and go.

From the declared space, which is what the user wrote, follows the space that is drawn from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lenetml.spec.domains import (
    Choice,
    Condition,
    Domain,
    SearchSpace,
    all_values,
    implies,
    with_parents,
    written,
)
from lenetml.spec.draft import Finding
from lenetml.spec.nodes import Path
from lenetml.spec.places import model_at, name_of
from lenetml.spec.space import (
    Reference,
    Use,
    looks_like_reference,
    name_of_repetition,
    read_reference,
)
from lenetml.spec.unroll import most_times, read_when


@dataclass(frozen=True)
class Around:
    """What stands around a place in the architecture.

    Args:
        times: Of the innermost repeat, as written; None: there is no repeat.
        outer_times: Of the repeats around that one.
        conditions: The `when` of all items around the place, its own item included.
    """

    times: Any
    outer_times: tuple[Any, ...]
    conditions: tuple[Condition, ...]


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
    for use in _uses_of_each(uses, space):
        assert use.reference is not None
        name, around = use.reference.name, _around(data, use.path)
        if around.times is None:
            yield Finding(use.path, f"${name}.each stands outside of a repeat", (f"write ${name}",))
            continue
        most = most_times(space)(around.times, 0)
        domain = space[name]
        if isinstance(domain, Choice) and domain.is_tied:
            if len(domain.values[0]) < most:
                note = f"the repeat comes up to {most} times: give each list {most} values"
                found = f"the values of {name} have {len(domain.values[0])} positions"
                yield Finding(use.path, f"there is no {name}.{most - 1}", (found, note))
            continue
        times = read_reference(around.times) if looks_like_reference(around.times) else None
        if times is not None and times.is_each:
            note = f"draw {name} as lists, or write the times without .each"
            yield Finding(use.path, f"${name}.each stands in a repeat whose times vary", (note,))
        elif first_times.setdefault(name, around.times) != around.times:
            note = f"found: {written(first_times[name])} before, {written(around.times)} here"
            yield Finding(use.path, f"repeats with ${name}.each must have the same times", (note,))
    for name, times in first_times.items():
        yield from _check_name(name, most_times(space)(times, 0), uses, space)


def check_existence(
    data: Mapping[str, Any], uses: tuple[Use, ...], space: SearchSpace
) -> Iterator[Finding]:
    """Find layers, and keys that are needed, with a hyperparameter that may not exist there."""
    for use in uses:
        if use.reference is None or "when" in use.path[-2:]:
            continue
        name = use.reference.name
        wanted = space[name].when
        terms = _terms(wanted)
        if use.path[0] != "architecture":
            if wanted and _is_needed(use.path):
                note = f"{name_of(use.path)} is needed everywhere: take the when of {name} away"
                notes = (f"it exists only when {terms}", note)
                yield Finding(use.path, f"${name} does not exist everywhere", notes)
            continue
        given = with_parents(_around(data, use.path).conditions, space)
        if not implies(given, wanted, space):
            notes = (f"it exists only when {terms}", f"write when: {{{terms}}} in the layer")
            yield Finding(use.path, f"${name} does not exist everywhere here", notes)


def drawn_space(
    data: Mapping[str, Any], uses: tuple[Use, ...], space: SearchSpace
) -> dict[str, Domain]:
    """The space that is drawn from: `units` of `$units.each` becomes `units_0`, `units_1`, ...

    Args:
        data: The plain data, checked.
        uses: The places that hold references.
        space: The declared domains.

    Returns:
        The domains in order of the text, each after those that its conditions name.
    """
    around: dict[str, list[Around]] = {}
    for use in _uses_of_each(uses, space):
        assert use.reference is not None
        domain = space[use.reference.name]
        if not (isinstance(domain, Choice) and domain.is_tied):
            around.setdefault(use.reference.name, []).append(_around(data, use.path))
    drawn: dict[str, Domain] = {}
    for name, domain in space.items():
        if name not in around:
            drawn[name] = domain
            continue
        places = around[name]
        found = [_conditions_at(place, space) for place in places]
        shared = [each for each in found[0] if all(each in other for other in found)]
        for number in range(most_times(space)(places[0].times, 0)):
            times = _more_than(places[0].times, number, space)
            when = with_parents([*domain.when, *shared, *times], space)
            drawn[name_of_repetition(name, number)] = replace(domain, when=when)
    return _parents_first(drawn)


def _is_needed(path: Path) -> bool:
    model = model_at(path)
    field = model.model_fields.get(str(path[-1])) if model else None
    return field is not None and field.is_required()


def _uses_of_each(uses: tuple[Use, ...], space: SearchSpace) -> Iterator[Use]:
    for use in uses:
        if use.reference is not None and use.reference.is_each and use.reference.name in space:
            yield use


def _check_name(
    name: str, most: int, uses: tuple[Use, ...], space: SearchSpace
) -> Iterator[Finding]:
    """A name that is drawn for each repetition has no value of its own."""
    for use in uses:
        reference = use.reference
        if reference is not None and reference.name == name and not reference.is_each:
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


def _around(data: Mapping[str, Any], path: Path) -> Around:
    """What stands around a place; items are normalised, `{kind: {arguments}}`."""
    times: list[Any] = [None]
    conditions: list[Condition] = []
    node: Any = data
    for depth, part in enumerate(path):
        node = node[part]
        is_layer = depth > 1 and path[0] == "architecture" and isinstance(path[depth - 1], int)
        if is_layer:
            conditions += read_when(node.get("when", True))
            if part == "repeat" and path[depth + 1 : depth + 2] == ("layers",):
                times.append(node["times"])
    return Around(times[-1], tuple(times[1:-1]), tuple(conditions))


def _conditions_at(place: Around, space: SearchSpace) -> list[Condition]:
    """The conditions around a place, and that all outer repeats come at least once."""
    outer = (it for times in place.outer_times for it in _more_than(times, 0, space))
    return [*place.conditions, *outer]


def _more_than(times: Any, number: int, space: SearchSpace) -> tuple[Condition, ...]:
    """The condition that a repeat comes more often than `number`; nothing where it always does."""
    reference: Reference | None = read_reference(times) if looks_like_reference(times) else None
    if reference is None or reference.is_each:
        return ()
    domain, position = space[reference.name], reference.position
    values = all_values(domain)
    if position is not None:
        values = tuple(dict.fromkeys(value[position] for value in values))
    more = tuple(value for value in values if value > number)
    return domain.when if len(more) == len(values) else (Condition(reference.name, position, more),)


def _parents_first(space: dict[str, Domain]) -> dict[str, Domain]:
    done: dict[str, Domain] = {}
    while len(done) < len(space):
        for name, domain in space.items():
            if name not in done and all(each.name in done for each in domain.when):
                done[name] = domain
    return done


def _terms(conditions: tuple[Condition, ...]) -> str:
    """Conditions as they stand inside the braces of a `when`."""
    wanted = {each.place: list(each.values) for each in conditions}
    return ", ".join(
        f"{place}: {written(values if len(values) > 1 else values[0])}"
        for place, values in wanted.items()
    )
