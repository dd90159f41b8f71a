"""Small random spaces under conditions, for tests by hypothesis."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from lenetml.spec.conditions import admitted, with_parents
from lenetml.spec.domains import Choice, Condition, Range, all_values

FINITE = st.sampled_from(
    [
        Choice((1, 2, 3)),
        Choice(("a", "b")),
        Choice((True, False)),
        Choice((7,)),
        Choice(([1, "x"], [2, "y"], [3, "x"])),
        Choice(([True, 0], [False, 0], [True, 1])),
        Range(1, 3),
        Range(0, 8, step=4),
        Range(0.1, 0.3, step=0.1),
    ]
)


def draw_conditions(draw, space):
    """Some conditions on some names, one or two on a name, with those of their parents."""
    conditions = []
    for name in draw(st.lists(st.sampled_from(list(space)), max_size=3)) if space else ():
        values, position = all_values(space[name]), None
        if isinstance(values[0], list):
            position = draw(st.sampled_from([None, 0, 1]))
        own = [value if position is None else value[position] for value in values]
        wanted = draw(st.lists(st.sampled_from(own), min_size=1, unique_by=repr))
        conditions.append(Condition(name, position, tuple(wanted)))
    return with_parents(conditions, space)


@st.composite
def spaces(draw):
    """Small spaces: names with conditions on those before, and theirs."""
    space = {}
    for name in "abcde"[: draw(st.integers(1, 5))]:
        when = draw_conditions(draw, space)
        if all(admitted(each.name, when, space) for each in when):
            space[name] = replace(draw(FINITE), when=when)
    return space


@st.composite
def implications(draw):
    """A space, and two lists of conditions in it."""
    space = draw(spaces())
    return space, draw_conditions(draw, space), draw_conditions(draw, space)
