"""Conditions in the search space: `when: {other: value}`, read, checked and closed over parents."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from lenetml.spec.domains import (
    Choice,
    Condition,
    Domain,
    SearchSpace,
    admitted,
    joined,
    own_value,
    with_parents,
    written,
)
from lenetml.spec.nodes import Complaint, Entry, Node, Refused, Sequence, plain
from lenetml.spec.nodes import Mapping as MappingNode
from lenetml.spec.problems import did_you_mean, shortened

MAX_VALUES = 1000
MAX_PARENTS = 50
PLACE = re.compile(r"([a-z][a-z0-9_]*)(?:\.([0-9]{1,3}))?")


def with_conditions(
    node: MappingNode, space: dict[str, Domain], complaints: list[Complaint]
) -> dict[str, Domain]:
    """Give each domain its conditions, parents first; a domain with a wrong one is left out."""
    done: dict[str, Domain] = {}
    refused: set[str] = set()
    names = {entry.key: entry.node for entry in node.entries}

    def finish(name: str, waiting: tuple[str, ...]) -> None:
        if name in done or name in refused or name not in space:
            return
        written_domain = names[name]
        assert isinstance(written_domain, MappingNode)
        entry = written_domain.entry("when")
        conditions: list[Condition] = []
        try:
            for inner in _condition_entries(name, entry):
                parent = _parent_of(inner, names)
                if parent in (*waiting, name):
                    around = waiting[waiting.index(parent) :] if parent in waiting else ()
                    refused.update(around)
                    circle = " -> ".join([*around, name, parent])
                    raise Refused(inner, f"{name} depends on itself", f"found: {circle}")
                if len(waiting) < MAX_PARENTS:
                    finish(parent, (*waiting, name))
                if parent not in (*done, *refused) and parent in space:
                    raise _depends_on_many(name, inner)
                if parent not in done:
                    refused.add(name)
                    return
                conditions.append(_read_condition(inner, done))
            when = with_parents(conditions, done)
            if entry is not None and len(when) > MAX_PARENTS:
                raise _depends_on_many(name, entry)
            is_never = any(not admitted(each.name, when, done) for each in when)
            if entry is not None and is_never:
                raise Refused(entry, f"{name} never exists", "its conditions exclude each other")
            done[name] = replace(space[name], when=when)
        except Refused as refusal:
            refused.add(name)
            complaints.append(refusal.complaint)

    for name in space:
        finish(name, ())
    return done


def in_words(place: str, domain: Domain, position: int | None) -> str:
    """Say which values a condition on `name` or `name.0` can ask for."""
    if isinstance(domain, Choice):
        values = [value if position is None else value[position] for value in domain.values]
        return f"values of {place}: {written(values)[1:-1]}"
    kind = "a whole number" if domain.is_whole else "a number"
    steps = "" if domain.step is None else f", a multiple of {domain.step}"
    return f"{place} is {kind} from {domain.low} to {domain.high}{steps}"


def with_lists(architecture: Any, space: SearchSpace) -> Any:
    """Write each `when: {tied: [1, 2]}` of a layer as `{tied: [[1, 2]]}`: one value of a list."""
    if isinstance(architecture, list):
        return [with_lists(item, space) for item in architecture]
    if not isinstance(architecture, dict):
        return architecture
    result = {key: with_lists(value, space) for key, value in architecture.items()}
    if isinstance(when := result.get("when"), dict):
        result["when"] = {name: _listed(wanted, space.get(name)) for name, wanted in when.items()}
    return result


def _listed(wanted: Any, domain: Domain | None) -> Any:
    is_tied = isinstance(domain, Choice) and domain.is_tied and isinstance(wanted, list)
    return [wanted] if is_tied and not any(isinstance(it, list) for it in wanted) else wanted


def _depends_on_many(name: str, entry: Entry) -> Refused:
    return Refused(entry, f"{name} depends on more than {MAX_PARENTS} others")


def _condition_entries(name: str, entry: Entry | None) -> tuple[Entry, ...]:
    if entry is None:
        return ()
    if not isinstance(entry.node, MappingNode) or not entry.node.entries:
        note = "write when: {other: value}, or {other: [value, value]}"
        raise Refused(entry, f"when of {name} must be a condition", note)
    return entry.node.entries


def _parent_of(entry: Entry, names: dict[str, Node]) -> str:
    match = PLACE.fullmatch(entry.key)
    if match is None or match[1] not in names:
        near = did_you_mean(entry.key, names)
        raise Refused(entry, f"{shortened(entry.key)} is not in search_space", *near)
    return match[1]


def _read_condition(entry: Entry, space: dict[str, Domain]) -> Condition:
    match = PLACE.fullmatch(entry.key)
    assert match is not None
    name, position = match[1], None if match[2] is None else int(match[2])
    parent = space[name]
    if parent.size is None or parent.size > MAX_VALUES:
        what = (
            "is a range of reals" if parent.size is None else f"has more than {MAX_VALUES:,} values"
        )
        note = "a condition asks for one value of several: give it values, or q"
        raise Refused(entry, f"{name} {what}", note)
    width = len(parent.values[0]) if isinstance(parent, Choice) and parent.is_tied else 0
    if position is not None and position >= width:
        positions = f"positions .0 to .{width - 1}" if width > 1 else ".0 only"
        note = f"have {positions}" if width else f"are single: write {name}"
        raise Refused(entry, f"there is no {entry.key}", f"the values of {name} {note}")
    values = []
    items = entry.node.items if isinstance(entry.node, Sequence) else (entry.node,)
    if not items:
        note = f"write a value, or some of a list; {in_words(entry.key, parent, position)}"
        raise Refused(entry.node, f"no value of {entry.key} is asked for", note)
    if position is None and width and not any(isinstance(item, Sequence) for item in items):
        items = (entry.node,)
    for item in items:
        value = plain(item)
        own = own_value(parent, position, value)
        if own is None:
            message = f"{entry.key} is never {written(value)}"
            raise Refused(item, message, in_words(entry.key, parent, position))
        values.append(own)
    return joined([Condition(name, position, tuple(values))])[0]
