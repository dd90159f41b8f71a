"""The space that is drawn from: `units` of `$units.each` becomes `units_0`, `units_1`, ..."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lenetml.spec.conditions import with_parents
from lenetml.spec.domains import Domain, SearchSpace
from lenetml.spec.references import Use, name_of_repetition
from lenetml.spec.surroundings import Surroundings, more_than, surroundings_of
from lenetml.spec.unroll import most_times


def drawn_space(
    data: Mapping[str, Any], uses: tuple[Use, ...], space: SearchSpace
) -> dict[str, Domain]:
    """Work out what is drawn, from what the user declared.

    Args:
        data: The plain data, checked.
        uses: The places that hold references.
        space: The declared domains.

    Returns:
        The domains in order of the text, each after those that its conditions name.
    """
    around: dict[str, list[Surroundings]] = {}
    for use in uses:
        name = use.reference.name
        if use.reference.is_each and not space[name].width:
            around.setdefault(name, []).append(surroundings_of(data, use.path, space))
    drawn: dict[str, Domain] = {}
    for name, domain in space.items():
        if name not in around:
            drawn[name] = domain
            continue
        first, *others = around[name]
        shared = [
            each for each in first.conditions if all(each in other.conditions for other in others)
        ]
        for number in range(most_times(space)(first.written_times, None)):
            times = more_than(first.written_times, number, space)
            when = with_parents([*domain.when, *shared, *times], space)
            drawn[name_of_repetition(name, number)] = replace(domain, when=when)
    return _parents_first(drawn)


def _parents_first(space: dict[str, Domain]) -> dict[str, Domain]:
    done: dict[str, Domain] = {}
    while len(done) < len(space):
        for name, domain in space.items():
            if name not in done and all(each.name in done for each in domain.when):
                done[name] = domain
    return done
