"""The algebra of conditions: what several say together, what follows, and what can be asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lenetml.spec.domains import (
    Choice,
    Condition,
    Domain,
    SearchSpace,
    all_values,
    own_value,
    values_at,
)
from lenetml.spec.kinds import written, written_whole
from lenetml.spec.references import looks_like_reference


@dataclass(frozen=True)
class Mistake:
    """What a condition cannot ask for.

    Args:
        message: What is wrong.
        notes: Further lines.
        index: Of the value at fault among those asked for; None: it is the place.
    """

    message: str
    notes: tuple[str, ...]
    index: int | None = None


def joined(conditions: Iterable[Condition]) -> tuple[Condition, ...]:
    """Several conditions as at most one for each place: its values are those that all admit."""
    result: dict[tuple[str, int | None], Condition] = {}
    for each in conditions:
        place = (each.name, each.position)
        known = result.setdefault(place, each)
        if known != each:
            shared = tuple(value for value in known.values if each.is_for(value))
            result[place] = replace(known, values=shared)
    return tuple(result.values())


def with_parents(conditions: Iterable[Condition], space: SearchSpace) -> tuple[Condition, ...]:
    """Conditions with those under which the named hyperparameters exist themselves."""
    found = list(conditions)
    return joined([*found, *(inner for each in found for inner in space[each.name].when)])


def implies(given: Iterable[Condition], wanted: Iterable[Condition], space: SearchSpace) -> bool:
    """Whether the wanted conditions hold wherever the given ones do, by looking at every value.

    Args:
        given: With those of their parents.
        wanted: The same; all are on finite domains and ask for values of them, each once.
        space: All domains.
    """
    given = list(given)
    wanted = [each for each in wanted if each not in given]
    if not wanted:
        return True
    possible = {name: admitted(name, given, space) for name in {each.name for each in given}}
    if not all(possible.values()):
        return True
    return all(_always_holds(each, possible.get(each.name), space) for each in wanted)


def _always_holds(condition: Condition, values: list[Any] | None, space: SearchSpace) -> bool:
    """Whether a condition holds of some values of its name, or of all where there are none."""
    domain = space[condition.name]
    if values is None and condition.position is None:
        # Nothing is looked through here: the domain may be a long range.
        return len(condition.values) == domain.size
    return all(map(condition.admits, all_values(domain) if values is None else values))


def admitted(name: str, given: Iterable[Condition], space: SearchSpace) -> list[Any]:
    """The values of a hyperparameter that all of the conditions on it admit.

    Args:
        name: The hyperparameter.
        given: Conditions, at least one of them on it where its domain is a range.
        space: All domains.
    """
    on_it = [each for each in given if each.name == name]
    # The values asked for are fewer than those of the domain, which may be a long range.
    whole = [each.values for each in on_it if each.position is None]
    candidates = whole[0] if whole else all_values(space[name])
    return [value for value in candidates if all(each.admits(value) for each in on_it)]


def as_wanted(wanted: Any, domain: Domain, position: int | None) -> list[Any]:
    """The values that a condition asks for, as written: one, or a list; a tied value is one."""
    if not isinstance(wanted, list):
        return [wanted]
    has_lists = any(isinstance(value, list) for value in wanted)
    return [wanted] if domain.width and position is None and not has_lists else wanted


def read_wanted(
    place: str, domain: Domain, position: int | None, wanted: Sequence[Any]
) -> tuple[tuple[Any, ...], list[Mistake]]:
    """Read what a condition asks for.

    Args:
        place: What it asks for it of: `name` or `name.0`.
        domain: Of that name.
        position: Of that place.
        wanted: The values, as written.

    Returns:
        The domain's own values, each once and in its order, and what is wrong.
    """
    if position is not None and position >= domain.width:
        name = place.partition(".")[0]
        return (), [Mistake(f"there is no {place}", (positions_of(name, domain, name),))]
    if domain.size is None:
        note = "a condition asks for one value of several: give it values, or q"
        return (), [Mistake(f"{place} is a range of reals", (note,))]
    found, mistakes = [], []
    for index, value in enumerate(wanted):
        own = own_value(domain, position, value)
        if own is not None:
            found.append(own)
        elif looks_like_reference(value):
            note = f"write a value: {{{place}: value}}"
            mistakes.append(Mistake("a reference cannot stand in a condition", (note,), index))
        else:
            message = f"{place} is never {written(value)}"
            mistakes.append(Mistake(message, (in_words(place, domain, position),), index))
    return in_own_order(domain, position, found), mistakes


def in_own_order(domain: Domain, position: int | None, values: Iterable[Any]) -> tuple[Any, ...]:
    """Values of a domain at a position, each once and in its order."""
    if isinstance(domain, Choice):
        asked = Condition("", None, tuple(values))
        return tuple(value for value in domain.own[position].values() if asked.is_for(value))
    return tuple(sorted(set(values)))


def in_braces(conditions: Iterable[Condition]) -> str:
    """Conditions as they stand inside the braces of a `when`, to be pasted."""
    wanted = (
        (it.place, list(it.values) if len(it.values) > 1 else it.values[0]) for it in conditions
    )
    return ", ".join(f"{place}: {written_whole(values)}" for place, values in wanted)


def in_words(place: str, domain: Domain, position: int | None) -> str:
    """Say which values a condition on `name` or `name.0` can ask for."""
    if isinstance(domain, Choice):
        return f"values of {place}: {written(list(values_at(domain, position)))[1:-1]}"
    kind = "a whole number" if domain.is_whole else "a number"
    steps = "" if domain.step is None else f", a multiple of {domain.step}"
    return f"{place} is {kind} from {domain.low} to {domain.high}{steps}"


def positions_of(name: str, domain: Domain, form: str) -> str:
    """Say which positions the values of a name have, or how to write it where they have none."""
    if not domain.width:
        return f"the values of {name} are single: write {form}"
    positions = f"positions .0 to .{domain.width - 1}" if domain.width > 1 else ".0 only"
    return f"the values of {name} have {positions}"
