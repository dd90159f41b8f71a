"""Which points of a search space are impossible: networks that cannot be built."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from lenetml.spec.domains import Point, SearchSpace, corners, is_active, value_at
from lenetml.spec.draft import Draft, Finding
from lenetml.spec.layers import MAX_REPEATS
from lenetml.spec.misfit import Misfit, Network, find_misfit
from lenetml.spec.propagate import MAX_WORK, can_be_built, impossible_share
from lenetml.spec.references import as_reference
from lenetml.spec.shapes import Shape
from lenetml.spec.steps import Step
from lenetml.spec.unroll import CONTAINERS, most_times, unroll

MAX_LAYERS = 1000
MAX_ENUMERATED = 100_000
SAMPLES = 2_000


@dataclass(frozen=True)
class Feasibility:
    """How much of a search space can be built.

    Args:
        impossible_share: Share of what random search would draw, from 0 to 1.
        n_sampled: Points of the sample that it is estimated from; None: it is exact.
        misfit: An example, where there is one.
    """

    impossible_share: float
    n_sampled: int | None
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
    network = network_of(draft)
    if network is None:
        return None, []
    result = feasibility(network, draft.space, drawn)
    return result, list(_tell(result))


def network_of(draft: Draft) -> Network | None:
    """The architecture and what it is built for; None where the images are not known."""
    facts, data = draft.facts, draft.document.data
    shape = facts.input_shape if facts else tuple(data.input_shape or ())
    classes = facts.classes if facts else data.classes
    if not shape or not classes:
        return None
    return Network(draft.data["architecture"], shape, len(classes))


def possibility(
    network: Network, declared: SearchSpace, drawn: SearchSpace
) -> Callable[[Point], bool]:
    """A function that tells whether the network can be built at a point.

    Args:
        network: The architecture.
        declared: The domains as written.
        drawn: The domains that are drawn from.
    """
    steps = _steps(network, declared, drawn)
    return lambda point: can_be_built(steps, point, network.input_shape)


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
    reference = as_reference(times)
    domain = space.get(reference.name) if reference else None
    written_times = [times] if domain is None else corners(domain)
    flat = [it for value in written_times for it in (value if isinstance(value, list) else [value])]
    return max([it for it in flat if isinstance(it, int) and it <= MAX_REPEATS], default=1)


def feasibility(network: Network, declared: SearchSpace, drawn: SearchSpace) -> Feasibility:
    """Find out how much of a search space can be built, or estimate it where it is large.

    Args:
        network: The architecture.
        declared: The domains as written.
        drawn: The domains that are drawn from.
    """
    steps = _steps(network, declared, drawn)
    reaching = {name for step in steps for name in step.names}
    reaching |= {each.name for name in reaching for each in drawn[name].when}
    space = {name: domain for name, domain in drawn.items() if name in reaching}
    found, n_sampled = None, None
    if math.prod(domain.size or 1 for domain in space.values()) <= MAX_ENUMERATED:
        found = impossible_share(steps, space, network.input_shape)
    if found is None:
        n_conditions = sum(1 + len(domain.when) for domain in space.values())
        n_sampled = min(SAMPLES, MAX_WORK // (len(steps) + n_conditions) + 1)
        found = _estimate(steps, space, network.input_shape, n_sampled)
    share, example = found
    misfit = None if example is None else find_misfit(network, drawn, _base(drawn), example)
    # Sums of shares are exact but for the last bits of floating point.
    return Feasibility(round(share, 12), n_sampled, misfit)


def _steps(network: Network, declared: SearchSpace, drawn: SearchSpace) -> list[Step]:
    entries = unroll(network.items, most_times(declared))
    return [Step(entry, drawn, _base(drawn)) for entry in entries]


def _base(space: SearchSpace) -> dict[str, Any]:
    """A value for every name, for those that reach no shape."""
    return {name: corners(domain)[0] for name, domain in space.items()}


def _estimate(
    steps: list[Step], space: SearchSpace, input_shape: Shape, n_sampled: int
) -> tuple[float, dict[str, Any] | None]:
    """The share of impossible points in a sample, and the values of one of them."""
    # A seed of its own: a check must say the same every time.
    draw = random.Random(0)
    points = (_drawn_point(space, draw) for _ in range(n_sampled))
    lost = [it for it in points if not can_be_built(steps, it, input_shape)]
    return len(lost) / n_sampled, lost[0] if lost else None


def _drawn_point(space: SearchSpace, draw: random.Random) -> dict[str, Any]:
    """A point as random search draws it; every domain that reaches a shape is finite."""
    point: dict[str, Any] = {}
    for name, domain in space.items():
        if is_active(domain, point):
            point[name] = value_at(domain, draw.randrange(domain.size or 1))
    return point


def _tell(result: Feasibility) -> Iterator[Finding]:
    misfit = result.misfit
    if misfit is None:
        return
    message, n_sampled = f"{misfit.layer} does not fit", result.n_sampled
    if result.impossible_share == 1 and n_sampled is None:
        yield Finding(misfit.path, message, (misfit.sentence,), at_key=True)
        return
    notes = [misfit.sentence]
    if result.impossible_share == 1:
        message = f"none of {n_sampled:,} points of the search space can be built"
    else:
        message += f" for {_share_in_words(result)} of the search space"
        if n_sampled is not None:
            notes.append(f"this share is an estimate from {n_sampled:,} points")
    notes.append("the search passes over such points; they are no trials")
    yield Finding(misfit.path, message, tuple(notes), at_key=True, severity="warning")


def _share_in_words(result: Feasibility) -> str:
    """A share between none and all, which its rounding does not hide."""
    share, bound = min(max(result.impossible_share, 0.001), 0.999), ""
    if share != result.impossible_share:
        bound = "less than " if share > result.impossible_share else "more than "
    if result.n_sampled is not None:
        bound = "about "
    return bound + f"{share:.1%}".replace("%", " %")
