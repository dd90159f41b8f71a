"""Random small specs with repeats, residuals, conditions, tied values and `.each`, for tests."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

from spec_texts import SEARCH, check

from lenetml.spec import Spec

MAX_POINTS = 4000
SIZES = ({"values": [1, 3]}, {"min": 1, "max": 3}, {"values": [[2, 3], [5, 1]]})
EACH = ({"values": [1, 2, 3]}, {"values": [1, 3]}, {"values": [[1, 3], [3, 2]]})
TIMES = ({"min": 0, "max": 2}, {"values": [1, 2]})
KINDS = ("conv2d", "conv2d", "pooling2d", "repeat", "repeat", "residual", "dropout")


class Maker:
    """Makes an architecture, and declares what it asks for on the way."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.space: dict[str, Any] = {}

    def declare(self, stem: str, domains: tuple[dict, ...]) -> str:
        """Declare a new name, under a condition on another or under none."""
        name, domain = f"{stem}{len(self.space)}", dict(self.draw.choice(domains))
        parents = [other for other in self.space if "values" in self.space[other]]
        if parents and self.draw.random() < 0.4:
            place = self.draw.choice(parents)
            values = self.space[place]["values"]
            wanted = self.draw.sample(values, self.draw.randint(1, len(values)))
            if isinstance(values[0], list):
                position = self.draw.randrange(len(values[0]))
                place, wanted = f"{place}.{position}", [row[position] for row in wanted]
            domain["when"] = {place: wanted if len(wanted) > 1 else wanted[0]}
        self.space[name] = domain
        return name

    def conditions(self, name: str) -> dict:
        """Those of a name and of all that they name."""
        own = self.space[name].get("when", {})
        inherited = (self.conditions(place.partition(".")[0]) for place in own)
        return {key: value for each in (*inherited, own) for key, value in each.items()}

    def refer(self, when: dict, stem: str, domains: tuple[dict, ...]) -> str:
        """A reference to a new name; what it needs goes into `when`."""
        name = self.declare(stem, domains)
        when.update(self.conditions(name))
        if stem == "each":
            return f"${name}.each"
        is_tied = isinstance(self.space[name].get("values", [0])[0], list)
        return f"${name}.{self.draw.randrange(2)}" if is_tied else f"${name}"

    def size(self, when: dict, is_in_repeat: bool) -> Any:
        if self.draw.random() < 0.4:
            return self.draw.choice([1, 2, 3])
        is_each = is_in_repeat and self.draw.random() < 0.6
        return self.refer(when, "each", EACH) if is_each else self.refer(when, "n", SIZES)

    def arguments(self, kind: str, when: dict, depth: int, is_in_repeat: bool) -> dict:
        draw = self.draw
        if kind == "dropout":
            return {"rate": 0.5}
        if kind == "pooling2d":
            return {"kind": "max", "pool_size": self.size(when, is_in_repeat)}
        if kind == "conv2d":
            size, padding = self.size(when, is_in_repeat), draw.choice(["same", "valid"])
            if draw.random() < 0.3:
                size = [size, draw.choice([1, 4])]
            if draw.random() < 0.3:
                padding = self.refer(when, "padding", ({"values": ["same", "valid"]},))
            return {"filters": draw.choice([1, 2]), "kernel_size": size, "padding": padding}
        arguments: dict[str, Any] = {}
        if kind == "repeat":
            arguments["times"] = draw.choice([1, 2])
            if draw.random() < 0.6:
                arguments["times"] = self.refer(when, "t", TIMES)
        inside = is_in_repeat or kind == "repeat"
        n_layers = draw.randint(1, 2)
        arguments["layers"] = [self.layer(depth + 1, inside) for _ in range(n_layers)]
        return arguments

    def layer(self, depth: int = 0, is_in_repeat: bool = False) -> dict:
        """A layer, or a repeat or residual with layers inside."""
        kind, when = self.draw.choice(KINDS[: len(KINDS) if depth < 2 else 3]), {}
        arguments = self.arguments(kind, when, depth, is_in_repeat)
        if not when and self.draw.random() < 0.2:
            return {kind: {**arguments, "when": self.flag()}}
        return {kind: {**arguments, "when": when}} if when else {kind: arguments}

    def flag(self) -> str:
        return "$" + self.declare("flag", ({"values": [True, False]},))

    def sections(self) -> dict:
        layers = [self.layer() for _ in range(self.draw.randint(1, 3))]
        flatten = {"when": self.flag()} if self.draw.random() < 0.2 else {}
        return {
            "search_space": self.space or None,
            "search": SEARCH if self.space else None,
            "architecture": [*layers, {"flatten": flatten}],
        }


def random_specs(folder: Path, n: int) -> list[Spec]:
    """So many specs whose space is small and whose networks can be built at some point."""
    found: list[Spec] = []
    seed = 0
    while len(found) < n:
        seed += 1
        spec, _ = check(folder, **Maker(seed).sections())
        if spec is not None and math.prod(it.size for it in spec.space.values()) <= MAX_POINTS:
            found.append(spec)
    return found
