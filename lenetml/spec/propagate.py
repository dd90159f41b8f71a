"""How much of a search space can be built, exactly and without trying every combination.

Shapes are carried through the unrolled architecture together with the share of points that lead
to them. A hyperparameter splits the points where it is first needed, and is forgotten after its
last use, so that points which have become alike go on as one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from lenetml.spec.domains import Point, SearchSpace, all_values, is_active
from lenetml.spec.references import LEFT_OUT
from lenetml.spec.shapes import Shape
from lenetml.spec.steps import Names, Step, Values, hashable, picker

# Names, their values, and the same of what was drawn before.
Example: TypeAlias = tuple[Names, Values, Any]

MAX_WORK = 150_000
"""Steps from shape to shape after which an exact answer would take longer than half a second."""
LAYER_WORK = 4
"""What it takes to make a layer out of values, in steps."""


@dataclass(frozen=True)
class Share:
    """A share of all points that have the same shape and the same live values.

    Args:
        size: From 0 to 1, as random search draws.
        example: What was drawn to come here, the last first; None: nothing yet.
    """

    size: float
    example: Example | None


def impossible_share(
    steps: Sequence[Step], space: SearchSpace, input_shape: Shape
) -> tuple[float, dict[str, Any] | None] | None:
    """The share of points whose network cannot be built, and the values of one of them.

    Args:
        steps: One a layer of the unrolled architecture.
        space: The drawn domains; all that reach a shape are finite.
        input_shape: Height, width, channels.

    Returns:
        None where that is more work than `MAX_WORK`.
    """
    needed = [_with_parents(step.names, space) for step in steps]
    last_needed = {name: index for index, names in enumerate(needed) for name in names}
    known: Names = ()
    shares: dict[tuple[Shape, Values], Share] = {(input_shape, ()): Share(1.0, None)}
    lost: list[Share] = []
    work = 0
    for index, step in enumerate(steps):
        fresh = tuple(name for name in needed[index] if name not in known)
        drawn = known + fresh
        kept = tuple(name for name in drawn if last_needed[name] > index)
        used_by, live_of = picker(drawn, step.names), picker(drawn, kept)
        following: dict[tuple[Shape, Values], Share] = {}
        for (shape, before), share in shares.items():
            for values, part in _split(before, share, known, fresh, space):
                work += 1 + len(step.inner)
                if work + LAYER_WORK * step.n_layers > MAX_WORK:
                    return None
                reached = step.take(shape, used_by(values))
                if reached is None:
                    lost.append(part)
                    continue
                key = (reached, live_of(values))
                same = following.get(key)
                following[key] = Share(same.size + part.size, same.example) if same else part
        work += LAYER_WORK * step.n_layers
        shares, known = following, kept
    unfinished = [share for (shape, _), share in shares.items() if len(shape) != 1]
    lost += unfinished
    if not lost:
        return 0.0, None
    total = 1.0 if len(unfinished) == len(shares) else sum(share.size for share in lost)
    return total, _as_point(lost[0].example)


def can_be_built(steps: Sequence[Step], point: Point, input_shape: Shape) -> bool:
    """Whether the network can be built at a point.

    Args:
        steps: One a layer of the unrolled architecture.
        point: The values of all names that exist there and reach a shape.
        input_shape: Height, width, channels.
    """
    values = {name: hashable(value) for name, value in point.items()}
    shape = input_shape
    for step in steps:
        reached = step.take(shape, tuple([values.get(name, LEFT_OUT) for name in step.names]))
        if reached is None:
            return False
        shape = reached
    return len(shape) == 1


def _split(
    values: Values, share: Share, known: Names, fresh: Names, space: SearchSpace
) -> Iterator[tuple[Values, Share]]:
    """Split a share by every value of the names that are drawn now."""
    if not fresh:
        yield values, share
        return
    parts: list[tuple[Values, float]] = [((), share.size)]
    for index, name in enumerate(fresh):
        domain, before = space[name], known + fresh[:index]
        everything = tuple(map(hashable, all_values(domain)))
        split = []
        for added, size in parts:
            is_there = not domain.when or is_active(domain, _existing(before, values + added))
            drawn = everything if is_there else (LEFT_OUT,)
            split += [((*added, value), size / len(drawn)) for value in drawn]
        parts = split
    for added, size in parts:
        yield values + added, Share(size, (fresh, added, share.example))


def _existing(names: Names, values: Values) -> dict[str, Any]:
    return {name: value for name, value in zip(names, values, strict=True) if value is not LEFT_OUT}


def _as_point(example: Example | None) -> dict[str, Any]:
    point: dict[str, Any] = {}
    while example is not None:
        names, values, example = example
        point = {**_existing(names, values), **point}
    return {name: list(it) if isinstance(it, tuple) else it for name, it in point.items()}


def _with_parents(names: Names, space: SearchSpace) -> Names:
    """Names with all that their existence depends on, parents first."""
    wanted = set(names) | {each.name for name in names for each in space[name].when}
    return tuple(name for name in space if name in wanted)
