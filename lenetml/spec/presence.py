"""When a layer is there: its `when`, as conditions on hyperparameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lenetml.spec.conditions import as_wanted, joined, read_wanted
from lenetml.spec.domains import Condition, SearchSpace
from lenetml.spec.references import as_reference


def read_when(when: Any) -> tuple[Condition, ...]:
    """A `when` of a layer as conditions: a mapping, or a reference that must be true.

    `$name.each` gives none: what it asks for is another name in each repetition.
    """
    if isinstance(when, Mapping):
        asked = ((as_reference(f"${place}"), wanted) for place, wanted in when.items())
        return joined(
            Condition(
                each.name, each.position, tuple(wanted if isinstance(wanted, list) else [wanted])
            )
            for each, wanted in asked
            if each is not None
        )
    reference = as_reference(when)
    if reference is None or reference.is_each:
        return ()
    return (Condition(reference.name, reference.position, (True,)),)


def in_own_values(architecture: Any, space: SearchSpace) -> Any:
    """Write what each `when: {...}` of a layer asks for in one form, where it is right.

    It becomes a list of the domain's own values, each once and in its order.

    Args:
        architecture: As written; it may hold mistakes.
        space: The domains that could be read.
    """
    if isinstance(architecture, list):
        return [in_own_values(item, space) for item in architecture]
    if not isinstance(architecture, dict):
        return architecture
    result = {key: in_own_values(value, space) for key, value in architecture.items()}
    if isinstance(when := result.get("when"), dict):
        result["when"] = {place: _own(place, wanted, space) for place, wanted in when.items()}
    return result


def _own(place: str, wanted: Any, space: SearchSpace) -> Any:
    reference = as_reference(f"${place}")
    domain = space.get(reference.name) if reference else None
    if reference is None or domain is None:
        return wanted
    values = as_wanted(wanted, domain, reference.position)
    own, mistakes = read_wanted(place, domain, reference.position, values)
    if mistakes:
        return values if isinstance(wanted, list) else wanted
    return list(own)
