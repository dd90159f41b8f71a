"""A spec on the way to being checked, and what the checks find in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lenetml.spec.datasets import DatasetFacts
from lenetml.spec.domains import SearchSpace
from lenetml.spec.nodes import Path, Severity
from lenetml.spec.references import Use, possible_values, values_of
from lenetml.spec.sections import ConcreteSpec


@dataclass(frozen=True)
class Finding:
    """Something a rule found.

    Args:
        path: The key or value in the spec; the nearest one that is there is shown.
        message: What is wrong, in one sentence.
        notes: Further lines.
        at_key: Point at the key instead of the value.
        use: Where the value at `path` is used; its line is told.
        meant: The hyperparameters that seem to be meant there: each has its use, if a wrong one.
    """

    path: Path
    message: str
    notes: tuple[str, ...] = ()
    at_key: bool = False
    severity: Severity = "error"
    use: Path | None = None
    meant: tuple[str, ...] = ()


@dataclass(frozen=True)
class Draft:
    """A spec on the way to being checked.

    Args:
        data: The plain data as written, with references.
        space: The domains that could be read.
        uses: The places that hold references.
        document: The spec with the first value of each domain; broken sections are stand-ins.
        broken: The sections that have mistakes of their own.
        facts: What is known of the data without opening them; None: nothing.
    """

    data: Mapping[str, Any]
    space: SearchSpace
    uses: tuple[Use, ...]
    document: ConcreteSpec
    broken: frozenset[str]
    facts: DatasetFacts | None

    def possible_at(self, path: Path) -> tuple[Any, ...]:
        """All values that may stand at a path; see `references.possible_values`."""
        return possible_values(path, self.document, self.space, self.uses)

    def ends_at(self, path: Path) -> tuple[Any, ...]:
        """The values that may stand at a key that needs one; of a range, both ends."""
        for use in self.uses:
            if use.path == path:
                return values_of(use.reference, self.space)
        return self.possible_at(path)
