"""Which points of a search space are impossible: networks that cannot be built."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from lenetml.spec.domains import Choice, Domain, Point, Range, SearchSpace, corners, written
from lenetml.spec.draft import Draft, Finding
from lenetml.spec.layers import MAX_REPEATS, Item, Layer
from lenetml.spec.nodes import Path
from lenetml.spec.places import marker_at
from lenetml.spec.shapes import Impossible, LayerShape, Shape, trace
from lenetml.spec.space import (
    Use,
    expand,
    look_up,
    looks_like_reference,
    read_reference,
    substitute,
)

MAX_LAYERS = 1000
MAX_ENUMERATED = 100_000
SAMPLES = 10_000
_ORDINALS = ("", "first ", "second ", "third ", "fourth ", "fifth ", "sixth ", "seventh ")


@dataclass(frozen=True)
class Misfit:
    """An example of an impossible point, and the layer that does not fit."""

    path: Path
    layer: str
    sentence: str


@dataclass(frozen=True)
class Feasibility:
    """How much of a search space can be built.

    Args:
        impossible_share: Share of what random search would draw.
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


def check_shapes(draft: Draft) -> tuple[Feasibility | None, list[Finding]]:
    """Look for networks that cannot be built, in a spec without other mistakes.

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
    result = feasibility(items, draft.space, draft.uses, shape, len(classes))
    return result, list(_tell(result))


def _most_layers(items: Any, space: SearchSpace) -> int:
    """The largest number of layers that an architecture can have; what is no layer counts one."""
    total = 0
    for item in items if isinstance(items, list) else ():
        arguments = item.get("repeat") if isinstance(item, dict) else None
        if isinstance(arguments, dict):
            times = _most(arguments.get("times"), space)
            total += max(times * _most_layers(arguments.get("layers"), space), 1)
        else:
            total += 1
    return total


def _most(times: Any, space: SearchSpace) -> int:
    reference = read_reference(times) if looks_like_reference(times) else None
    domain = space.get(reference.name) if reference else None
    written_times = [times] if domain is None else corners(domain)
    flat = [it for value in written_times for it in (value if isinstance(value, list) else [value])]
    return max([it for it in flat if isinstance(it, int) and it <= MAX_REPEATS], default=1)


def architecture_at(items: list[Any], point: Point) -> tuple[list[Path], list[Layer]]:
    """The layers of an architecture in turn at a point, each with its path in the spec."""
    placed = list(expand(substitute(items, lambda ref: look_up(point, ref)), point))
    layers = _ITEMS.validate_python([item for _, item in placed])
    return [path for path, _ in placed], list(layers)


def shapes_at(
    items: list[Any], point: Point, input_shape: Shape, n_classes: int
) -> tuple[LayerShape, ...]:
    """The shapes of a network at a point.

    Raises:
        Impossible: The network cannot be built.
    """
    return trace(architecture_at(items, point)[1], input_shape, n_classes)


def names_that_reach_shapes(uses: tuple[Use, ...]) -> tuple[str, ...]:
    """The hyperparameters that decide whether a network can be built."""
    names = (
        use.reference.name
        for use in uses
        if use.reference is not None
        and (marker := marker_at(use.path)) is not None
        and marker.reaches_shape
    )
    return tuple(dict.fromkeys(names))


def feasibility(
    items: list[Any],
    space: SearchSpace,
    uses: tuple[Use, ...],
    input_shape: Shape,
    n_classes: int,
) -> Feasibility:
    """Look at every combination of values that reach a shape, or at a sample of many.

    Args:
        items: The architecture with references.
        space: All domains, checked.
        uses: The places that hold references.
        input_shape: Height, width, channels.
        n_classes: The number of classes.
    """
    names = names_that_reach_shapes(uses)
    base = {name: _first(domain) for name, domain in space.items()}
    sizes = [space[name].size for name in names]
    total = math.prod(size for size in sizes if size is not None)
    is_exact = None not in sizes and total <= MAX_ENUMERATED
    points = _all_points(space, names) if is_exact else _sampled_points(space, names)
    impossible, count = 0, 0
    misfit = None
    for values in points:
        count += 1
        paths, layers = architecture_at(items, base | values)
        try:
            trace(layers, input_shape, n_classes)
        except Impossible as error:
            impossible += 1
            misfit = misfit or _describe(error, paths, layers, values)
    return Feasibility(impossible / count, is_exact, misfit)


def _first(domain: Domain) -> Any:
    return domain.values[0] if isinstance(domain, Choice) else domain.low


def _all_values(domain: Domain) -> tuple[Any, ...]:
    if isinstance(domain, Choice):
        return domain.values
    return tuple(range(int(domain.low), int(domain.high) + 1))


def _all_points(space: SearchSpace, names: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    for values in itertools.product(*(_all_values(space[name]) for name in names)):
        yield dict(zip(names, values, strict=True))


def _sampled_points(space: SearchSpace, names: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    # A seed of its own: a check must say the same every time.
    draw = random.Random(0)
    for _ in range(SAMPLES):
        yield {name: _drawn(space[name], draw) for name in names}


def _drawn(domain: Domain, draw: random.Random) -> Any:
    if isinstance(domain, Range):
        if domain.is_whole:
            return draw.randint(int(domain.low), int(domain.high))
        return draw.uniform(domain.low, domain.high)
    return draw.choice(domain.values)


def _describe(
    error: Impossible, paths: list[Path], layers: list[Layer], values: Mapping[str, Any]
) -> Misfit:
    given = ", ".join(f"{name} {written(value)}" for name, value in values.items())
    prefix = f"with {given} " if given else ""
    if error.index == len(layers):
        return Misfit(
            ("architecture",),
            "the output layer",
            f"{prefix}the input of the output layer {error.reason}",
        )
    path = paths[error.index]
    kind = str(path[-1])
    same = [index for index, other in enumerate(paths) if other[-1] == kind]
    number = same.index(error.index) + 1
    ordinal = _ORDINALS[number] if number < len(_ORDINALS) else f"{number}th "
    which = f"the {ordinal}{kind}" if len(same) > 1 else kind
    return Misfit(path, kind, f"{prefix}the input of {which} {error.reason}")


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


_ITEMS = TypeAdapter(list[Item])
