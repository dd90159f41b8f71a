"""The `when` of domains: conditions read from the text, and closed over those of their parents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TypeAlias

from lenetml.spec.conditions import admitted, as_wanted, in_words, read_wanted, with_parents
from lenetml.spec.domains import Condition, Domain, SearchSpace
from lenetml.spec.nodes import Complaint, Entry, Node, Refused, Sequence, plain
from lenetml.spec.nodes import Mapping as MappingNode
from lenetml.spec.problems import did_you_mean, shortened
from lenetml.spec.references import as_reference

MAX_PARENTS = 50

Parents: TypeAlias = Mapping[str, Mapping[str, Entry]]


def with_conditions(
    node: MappingNode, space: Mapping[str, Domain], complaints: list[Complaint]
) -> dict[str, Domain]:
    """Give each domain its conditions, parents first; a domain with a wrong one is left out.

    Args:
        node: The section `search_space`.
        space: The domains that could be read, by name.
        complaints: Those about conditions are added.
    """
    whens: dict[str, Entry | None] = {}
    parents: dict[str, dict[str, Entry]] = {}
    for entry in node.entries:
        if entry.key in space and isinstance(entry.node, MappingNode):
            when = whens[entry.key] = entry.node.entry("when")
            try:
                parents[entry.key] = {_parent_of(it, node): it for it in _asked(entry.key, when)}
            except Refused as refusal:
                complaints.append(refusal.complaint)
    done: dict[str, Domain] = {}
    for name in _parents_first(parents, complaints):
        if all(parent in done for parent in parents[name]):
            try:
                done[name] = replace(space[name], when=_read_when(name, whens[name], done))
            except Refused as refusal:
                complaints.append(refusal.complaint)
    return done


def _asked(name: str, when: Entry | None) -> tuple[Entry, ...]:
    """What a `when` asks for: entries of places and values."""
    if when is None:
        return ()
    if not isinstance(when.node, MappingNode) or not when.node.entries:
        note = "write when: {other: value}, or {other: [value, value]}"
        raise Refused(when, f"when of {shortened(name)} must be a condition", note)
    return when.node.entries


def _parent_of(entry: Entry, node: MappingNode) -> str:
    reference = as_reference(f"${entry.key}")
    if reference is None or reference.is_each or node.entry(reference.name) is None:
        near = did_you_mean(entry.key, [other.key for other in node.entries])
        raise Refused(entry, f"{shortened(entry.key)} is not in search_space", *near)
    return reference.name


def _parents_first(parents: Parents, complaints: list[Complaint]) -> Iterator[str]:
    """Sort names: in order of the text, each after its parents; those in a circle are left out."""
    seen: set[str] = set()
    in_circle: set[str] = set()
    for first in parents:
        # The way from there to the name whose parents are looked at; each with those left to see.
        way = {} if first in seen else {first: iter(parents[first])}
        while way:
            name = next(reversed(way))
            seen.add(name)
            parent = next(way[name], None)
            if parent is None:
                del way[name]
                if name not in in_circle:
                    yield name
            elif parent in way:
                circle = [*way][[*way].index(parent) :]
                in_circle.update(circle)
                found = "found: " + " -> ".join([*circle, parent])
                refusal = Refused(parents[name][parent], f"{name} depends on itself", found)
                complaints.append(refusal.complaint)
            elif parent in parents and parent not in seen:
                way[parent] = iter(parents[parent])


def _read_when(name: str, when: Entry | None, space: SearchSpace) -> tuple[Condition, ...]:
    """The conditions of a name, with those of its parents, which the space holds."""
    if when is None:
        return ()
    conditions = with_parents([_read_condition(it, space) for it in _asked(name, when)], space)
    if len(conditions) > MAX_PARENTS:
        raise Refused(when, f"{name} depends on more than {MAX_PARENTS} others")
    if not all(admitted(each.name, conditions, space) for each in conditions):
        raise Refused(when, f"{name} never exists", "its conditions exclude each other")
    return conditions


def _read_condition(entry: Entry, space: SearchSpace) -> Condition:
    reference = as_reference(f"${entry.key}")
    assert reference is not None
    position, parent, value = reference.position, space[reference.name], plain(entry.node)
    wanted = as_wanted(value, parent, position) if value != [] else []
    values, mistakes = read_wanted(entry.key, parent, position, wanted)
    for mistake in mistakes:
        place: Entry | Node = entry if mistake.index is None else entry.node
        if mistake.index is not None and isinstance(entry.node, Sequence) and wanted == value:
            place = entry.node.items[mistake.index]
        raise Refused(place, mistake.message, *mistake.notes)
    if not values:
        note = f"write a value, or some of a list; {in_words(entry.key, parent, position)}"
        raise Refused(entry.node, f"no value of {entry.key} is asked for", note)
    return Condition(reference.name, position, values)
