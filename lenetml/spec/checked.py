"""A checked spec: what the rest of lenetml works with, and a search can trust."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path as File
from typing import Any

from lenetml.spec import canonical
from lenetml.spec.datasets import DatasetFacts
from lenetml.spec.domains import Point, SearchSpace
from lenetml.spec.feasibility import Feasibility
from lenetml.spec.problems import Problem
from lenetml.spec.references import Use
from lenetml.spec.sections import ConcreteSpec
from lenetml.spec.unroll import resolve


@dataclass(frozen=True)
class Spec:
    """A checked spec.

    Args:
        path: The file.
        text: Its text as given.
        overrides: What `--set` changed, as given.
        document: The spec with the first value of each domain: for the sections that hold no
            references.
        data: The plain data with references.
        declared: The domains as written, by name, in the order of the text.
        space: The domains that are drawn from: those of `$name.each` once a repetition.
        uses: Where references stand.
        facts: What is known of the data; None: nothing yet.
        feasibility: How much of the space can be built; None where shapes are not known.
        baselines: The specs to compare with.
        warnings: What is worth a look and no mistake.
    """

    path: File
    text: str
    overrides: tuple[str, ...]
    document: ConcreteSpec
    data: Mapping[str, Any]
    declared: SearchSpace
    space: SearchSpace
    uses: tuple[Use, ...]
    facts: DatasetFacts | None
    feasibility: Feasibility | None
    baselines: tuple[Spec, ...]
    warnings: tuple[Problem, ...]

    def concrete(self, point: Point) -> ConcreteSpec:
        """The spec at one point of its search space, without references."""
        resolved = resolve(self.data, point)
        resolved.pop("search_space", None)
        return ConcreteSpec.model_validate(resolved)

    def canonical(self, *, with_defaults: bool = True) -> dict[str, Any]:
        """The spec in its one form; see `canonical.canonical`."""
        return canonical.canonical(
            self.document, self.declared, self.uses, self.facts, with_defaults=with_defaults
        )

    def result_hash(self, fingerprint: str) -> str:
        """The SHA-256 over what decides the result, on data of this fingerprint."""
        baselines = [baseline.result_hash(fingerprint) for baseline in self.baselines]
        form = self.canonical(with_defaults=False)
        return canonical.result_hash(form, fingerprint, baselines, self.declared)
