"""The baselines of a spec: read like any spec, and held against what a comparison needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path as File
from typing import Any, TypeAlias

from lenetml.errors import UsageError
from lenetml.spec import canonical
from lenetml.spec.checked import Spec
from lenetml.spec.datasets import NAMED
from lenetml.spec.draft import Finding
from lenetml.spec.nodes import Path
from lenetml.spec.problems import Problem
from lenetml.spec.sections import ConcreteSpec, Data

Reader: TypeAlias = Callable[[File], tuple[Spec | None, list[Problem]]]


def read_baselines(
    document: ConcreteSpec, path: File, read: Reader
) -> tuple[tuple[Spec, ...], list[Finding]]:
    """Read the specs that a spec is compared with.

    Args:
        document: The spec with the first value of each domain.
        path: Its file.
        read: Finds all problems of another spec, and gives it where it has no errors.

    Returns:
        The specs that are right, in order, and what is wrong with them and the others.
    """
    findings: list[Finding] = []
    baselines: list[Spec] = []
    names = document.search.baseline if document.search else None
    for index, name in enumerate(names or ()):
        place: Path = ("search", "baseline", index)
        try:
            baseline, problems = read(path.parent / name)
        except UsageError as error:
            notes = (error.message, "the path is relative to this spec")
            findings.append(Finding(place, "the baseline cannot be read", notes))
            continue
        if baseline is None:
            first = str(next(problem for problem in problems if problem.is_error))
            told = ("its first problem:", *first.splitlines())
            findings.append(Finding(place, "the baseline is not right", told))
            continue
        findings += _compare(place, name, baseline, path, document)
        if baseline.document.name in {other.document.name for other in baselines}:
            note = "their predictions are told apart by their names"
            findings.append(Finding(place, f"{name} has the name of another baseline", (note,)))
        baselines.append(baseline)
    return tuple(baselines), findings


def _compare(
    place: Path, name: str, baseline: Spec, path: File, document: ConcreteSpec
) -> Iterator[Finding]:
    theirs = baseline.document
    if _data_of(theirs.data, baseline.path) != _data_of(document.data, path):
        note = "a comparison needs the same images in the same parts"
        yield Finding(place, f"{name} has other data", (note,))
    if theirs.seed != document.seed:
        note = f"found: {theirs.seed} there, {document.seed} here"
        yield Finding(place, f"{name} has another seed", (note,))
    if theirs.search is not None and theirs.search.baseline is not None:
        note = "a baseline is one network or one search; take one of the two baselines away"
        yield Finding(place, f"{name} has a baseline of its own", (note,))


def _data_of(data: Data, path: File) -> dict[str, Any]:
    """What two specs must share; the ways to the data begin beside each of them."""
    folder = None if data.path is None else (path.parent / data.path).resolve()
    form = canonical.data_as_compared(data, NAMED.get(data.dataset or ""))
    return form | {"path": folder}
