"""Which points of a search space are impossible: networks that cannot be built."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lenetml.spec.domains import (
    Choice,
    Domain,
    SearchSpace,
    corners,
    is_active,
    on_grid,
)
from lenetml.spec.draft import Draft, Finding
from lenetml.spec.layers import MAX_REPEATS
from lenetml.spec.misfit import Misfit, Network, find_misfit
from lenetml.spec.propagate import Step, can_be_built, impossible_share
from lenetml.spec.shapes import Shape
from lenetml.spec.space import LEFT_OUT, looks_like_reference, read_reference
from lenetml.spec.unroll import CONTAINERS, most_times, unroll

MAX_LAYERS = 1000
MAX_ENUMERATED = 100_000
SAMPLES = 2_000


@dataclass(frozen=True)
class Feasibility:
    """How much of a search space can be built.

    Args:
        impossible_share: Share of what random search would draw, from 0 to 1.
        is_exact: Every combination was looked at, not a sample.
        misfit: An example, where there is one.
    """

    impossible_share: float
    is_exact: bool
    misfit: Misfit | None


def check_size(items: Any, space: SearchSpace) -> Iterator[Finding]:
    """Find out whether an architecture may have more layers than anyone means to write.

    Args:
        items: The architecture as written, which may hold mistakes.
        space: The domains that could be read.
    """
    n_layers = _most_layers(items, space)
    if n_layers > MAX_LAYERS:
        notes = (f"at most {MAX_LAYERS:,}; the times of a repeat inside a repeat multiply",)
        message = f"architecture has up to {n_layers:,} layers"
        yield Finding(("architecture",), message, notes, at_key=True)


def check_shapes(draft: Draft, drawn: SearchSpace) -> tuple[Feasibility | None, list[Finding]]:
    """Look for networks that cannot be built, in a spec without other mistakes.

    Args:
        draft: The spec.
        drawn: The domains that are drawn from.

    Returns:
        How much of the search space can be built, None where the shape of the images is not
        known, and what there is to say about it.
    """
    facts, data = draft.facts, draft.document.data
    shape = facts.input_shape if facts else tuple(data.input_shape or ())
    classes = facts.classes if facts else data.classes
    if not shape or not classes:
        return None, []
    items = draft.data["architecture"]
    result = feasibility(items, draft.space, drawn, shape, len(classes))
    return result, list(_tell(result))


def _most_layers(items: Any, space: SearchSpace) -> int:
    """The largest number of layers that an architecture can have; what is no layer counts one."""
    total = 0
    for item in items if isinstance(items, list) else ():
        name, arguments = next(iter(item.items())) if isinstance(item, dict) and item else ("", {})
        if not isinstance(arguments, dict) or name not in CONTAINERS:
            total += 1
            continue
        times = _most(arguments.get("times"), space) if name == "repeat" else 1
        total += max(times * _most_layers(arguments.get("layers"), space), 1)
    return total


def _most(times: Any, space: SearchSpace) -> int:
    reference = read_reference(times) if looks_like_reference(times) else None
    domain = space.get(reference.name) if reference else None
    written_times = [times] if domain is None else corners(domain)
    flat = [it for value in written_times for it in (value if isinstance(value, list) else [value])]
    return max([it for it in flat if isinstance(it, int) and it <= MAX_REPEATS], default=1)


def feasibility(
    items: list[Any],
    declared: SearchSpace,
    space: SearchSpace,
    input_shape: Shape,
    n_classes: int,
) -> Feasibility:
    """Find out how much of a search space can be built, or estimate it where it is large.

    Args:
        items: The architecture with references.
        declared: The domains as written.
        space: The domains that are drawn from.
        input_shape: Height, width, channels.
        n_classes: The number of classes.
    """
    base = {name: corners(domain)[0] for name, domain in space.items()}
    steps = [Step(entry, space, base) for entry in unroll(items, most_times(declared))]
    reaching = {name for step in steps for name in step.names}
    reaching |= {each.name for name in reaching for each in space[name].when}
    names = [name for name in space if name in reaching]
    sizes = [space[name].size for name in names]
    total = math.prod(size for size in sizes if size is not None)
    exact = None
    if None not in sizes and total <= MAX_ENUMERATED:
        exact = impossible_share(steps, space, input_shape)
    share, example = exact or _estimate(steps, space, names, input_shape)
    misfit = None
    if example is not None:
        misfit = find_misfit(Network(items, input_shape, n_classes), space, base, example)
    # Sums of shares are exact but for the last bits of floating point.
    return Feasibility(round(share, 12), is_exact=exact is not None, misfit=misfit)


def _estimate(
    steps: list[Step], space: SearchSpace, names: list[str], input_shape: Shape
) -> tuple[float, dict[str, Any] | None]:
    """The share of impossible points in a sample, and the values of one of them."""
    # A seed of its own: a check must say the same every time.
    draw = random.Random(0)
    points = (_drawn_point(space, names, draw) for _ in range(SAMPLES))
    lost = [it for it in points if not can_be_built(steps, it, input_shape)]
    if not lost:
        return 0.0, None
    example = {name: value for name, value in lost[0].items() if value is not LEFT_OUT}
    return len(lost) / SAMPLES, example


def _drawn_point(space: SearchSpace, names: list[str], draw: random.Random) -> dict[str, Any]:
    point: dict[str, Any] = {}
    for name in names:
        point[name] = _drawn(space[name], draw) if is_active(space[name], point) else LEFT_OUT
    return point


def _drawn(domain: Domain, draw: random.Random) -> Any:
    if isinstance(domain, Choice):
        return draw.choice(domain.values)
    if domain.size is None:
        return draw.uniform(domain.low, domain.high)
    return on_grid(domain, domain.low + draw.randrange(domain.size) * (domain.step or 1))


def _tell(result: Feasibility) -> Iterator[Finding]:
    misfit = result.misfit
    if misfit is None:
        return
    message, notes = f"{misfit.layer} does not fit", [misfit.sentence]
    if result.impossible_share == 1:
        if not result.is_exact:
            notes.append(f"none of {SAMPLES:,} points of the search space can be built")
        yield Finding(misfit.path, message, tuple(notes), at_key=True)
        return
    share = min(max(result.impossible_share, 0.001), 0.999)
    percent, bound = f"{share:.1%}".replace("%", " %"), ""
    if share != result.impossible_share:
        bound = "less than " if share > result.impossible_share else "more than "
    if not result.is_exact:
        bound = "about "
        notes.append(f"this share is an estimate from {SAMPLES:,} points")
    notes.append("the search passes over such points; they are no trials")
    message += f" for {bound}{percent} of the search space"
    yield Finding(misfit.path, message, tuple(notes), at_key=True, severity="warning")
