"""From a file to a checked spec: every problem of it, or a `Spec` that a search can trust."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as File
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from lenetml.errors import SpecError, UsageError
from lenetml.spec import canonical
from lenetml.spec.datasets import DatasetFacts
from lenetml.spec.domains import (
    Choice,
    Point,
    SearchSpace,
    as_real,
    holds_whole_numbers,
    read_space,
)
from lenetml.spec.feasibility import Feasibility, feasibility
from lenetml.spec.layers import as_mapping
from lenetml.spec.overrides import apply_overrides
from lenetml.spec.problems import Problem, in_order
from lenetml.spec.references import check_uses, check_values, first_document, is_legal
from lenetml.spec.rules import RULES, Draft, Finding, facts_of
from lenetml.spec.sections import ConcreteSpec
from lenetml.spec.source import MAX_BYTES, Complaint, Node, Path, Span, find, parse, plain
from lenetml.spec.source import Mapping as MappingNode
from lenetml.spec.space import Use, find_uses, resolve


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
        space: The domains by name, in the order of the text.
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
            self.document, self.space, self.uses, with_defaults=with_defaults
        )

    def result_hash(self, fingerprint: str) -> str:
        """The SHA-256 over what decides the result, on data of this fingerprint."""
        baselines = [baseline.result_hash(fingerprint) for baseline in self.baselines]
        form = self.canonical(with_defaults=False)
        return canonical.result_hash(form, fingerprint, baselines, self.space)


def load_spec(path: File, overrides: Sequence[str] = ()) -> Spec:
    """Read and check a spec.

    Raises:
        UsageError: There is no such file, or an override is no `path=value`.
        SpecError: The spec has problems; it holds all of them.
    """
    spec, problems = check_spec(path, overrides)
    if spec is None:
        raise SpecError([problem for problem in problems if problem.is_error])
    return spec


def check_spec(path: File, overrides: Sequence[str] = ()) -> tuple[Spec | None, list[Problem]]:
    """Find every problem of a spec.

    Returns:
        The spec, or None where it has errors, and all problems and warnings in order of line.

    Raises:
        UsageError: There is no such file, or an override is no `path=value`.
    """
    text = _read(path)
    reader = _Reader(path, text, tuple(overrides))
    spec = reader.read()
    return (None if any(problem.is_error for problem in reader.problems) else spec), in_order(
        reader.problems
    )


def _read(path: File) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise UsageError(f"{path} is a folder; a spec is a .yaml file") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    # A character that is not UTF-8 becomes one that is not allowed, and is told with its place.
    return content.decode("utf-8-sig", errors="replace").replace("\ufffd", "\x00")


class _Reader:
    """Collects the problems of one file on the way to its spec."""

    def __init__(self, path: File, text: str, overrides: tuple[str, ...]) -> None:
        self.path, self.text, self.overrides = path, text, overrides
        self.lines = text.splitlines()
        self.problems: list[Problem] = []
        self.root: Node = MappingNode((), Span())

    def read(self) -> Spec | None:
        root, complaints = parse(self.text)
        self._add_complaints(complaints)
        if root is None or complaints:
            return None
        if not isinstance(root, MappingNode):
            self._add_complaints([Complaint("a spec is keys and values, such as name: x", Span())])
            return None
        self.root, complaints = apply_overrides(root, self.overrides)
        self._add_complaints(complaints)
        data = plain(self.root)
        if isinstance(data.get("architecture"), list):
            data["architecture"] = [_normalised(item) for item in data["architecture"]]
        return self._check(data)

    def _check(self, data: dict[str, Any]) -> Spec | None:
        domains = self._read_space(data)
        uses = tuple(find_uses(data))
        self._add(check_uses(data, uses, domains))
        findings, broken = check_values(data, uses, domains)
        self._add(findings)
        draft = Draft(data, domains, uses, _stand_in(data, domains, broken), broken)
        for rule, sections in RULES:
            if not sections & broken:
                self._add(rule(draft))
        baselines = self._read_baselines(draft)
        feasible = self._check_shapes(draft)
        if any(problem.is_error for problem in self.problems):
            return None
        domains = _with_reals(data, domains)
        document = first_document(data, domains)
        return Spec(
            self.path, self.text, self.overrides, document, data, domains, uses,
            facts_of(draft), feasible, baselines,
            tuple(in_order(self.problems)),
        )  # fmt: skip

    def _read_space(self, data: dict[str, Any]) -> SearchSpace:
        entry = self.root.entry("search_space") if isinstance(self.root, MappingNode) else None
        if entry is None:
            return {}
        domains, complaints = read_space(entry.node)
        self._add_complaints(complaints)
        return domains

    def _read_baselines(self, draft: Draft) -> tuple[Spec, ...]:
        search = draft.document.search
        if search is None or search.baseline is None or {"search", "data", "seed"} & draft.broken:
            return ()
        baselines = []
        for index, name in enumerate(search.baseline):
            place: Path = ("search", "baseline", index)
            try:
                baseline, problems = check_spec(self.path.parent / name)
            except UsageError as error:
                self._add([Finding(place, f"the baseline is not there: {error.message}")])
                continue
            if baseline is None:
                first = str(next(problem for problem in problems if problem.is_error))
                notes = ("its first problem:", *first.splitlines())
                self._add([Finding(place, f"the baseline {name} is not right", notes)])
                continue
            self._add(_compare_baseline(place, name, baseline.document, draft.document))
            baselines.append(baseline)
        return tuple(baselines)

    def _check_shapes(self, draft: Draft) -> Feasibility | None:
        facts, data = facts_of(draft), draft.document.data
        shape = facts.input_shape if facts else data.input_shape and tuple(data.input_shape)
        classes = facts.classes if facts else data.classes
        if not shape or not classes or any(problem.is_error for problem in self.problems):
            return None
        items = draft.data["architecture"]
        result = feasibility(items, draft.space, draft.uses, shape, len(classes))
        self._add(_shape_findings(result))
        return result

    def _add_complaints(self, complaints: Sequence[Complaint]) -> None:
        for complaint in complaints:
            self._add_problem(complaint.span, complaint.message, complaint.notes, "error")

    def _add(self, findings: Sequence[Finding] | Iterator[Finding]) -> None:
        for finding in findings:
            key, node, is_there = find(self.root, finding.path)
            span = key if finding.at_key or not is_there else node.span
            notes = finding.notes
            if finding.use is not None:
                used, _, _ = find(self.root, finding.use)
                notes = (
                    *notes,
                    f"it is used in line {used.line}" if not used.origin else used.origin,
                )
            self._add_problem(span, finding.message, notes, finding.severity)

    def _add_problem(self, span: Span, message: str, notes: tuple[str, ...], severity: Any) -> None:
        line = self.lines[span.line - 1] if span.line <= len(self.lines) else ""
        self.problems.append(Problem(str(self.path), span, message, notes, line, severity))


def _normalised(item: Any) -> Any:
    """Write bare names as `{name: {}}`, in `repeat` too; what is no layer stays as it is."""
    try:
        item = as_mapping(item)
    except PydanticCustomError:
        return item
    name, arguments = next(iter(item.items()))
    if isinstance(arguments, dict) and isinstance(arguments.get("layers"), list):
        layers = [_normalised(inner) for inner in arguments["layers"]]
        return {name: {**arguments, "layers": layers}}
    return item


def _stand_in(
    data: Mapping[str, Any], domains: SearchSpace, broken: frozenset[str]
) -> ConcreteSpec:
    """The spec with minimal sections in the place of broken ones, so that the rest is checked."""
    minimal = {
        "name": "x",
        "data": {"dataset": "digits"},
        "architecture": [],
        "training": {"epochs": 1},
    }
    sound = {key: value for key, value in data.items() if key not in broken}
    try:
        return first_document(minimal | sound, domains)
    except ValidationError:
        return first_document(minimal, domains)


def _with_reals(data: Mapping[str, Any], domains: SearchSpace) -> SearchSpace:
    """Make choices of whole numbers real where only reals are meant."""
    result = dict(domains)
    for name, domain in domains.items():
        if isinstance(domain, Choice) and holds_whole_numbers(domain):
            candidate = result | {name: as_real(domain)}
            if is_legal(data, candidate):
                result = candidate
    return result


def _compare_baseline(
    place: Path, name: str, baseline: ConcreteSpec, document: ConcreteSpec
) -> Iterator[Finding]:
    if baseline.data != document.data:
        note = "a comparison needs the same images in the same parts"
        yield Finding(place, f"{name} has other data", (note,))
    if baseline.seed != document.seed:
        note = f"found: {baseline.seed} there, {document.seed} here"
        yield Finding(place, f"{name} has another seed", (note,))
    if baseline.search is not None and baseline.search.baseline is not None:
        yield Finding(place, f"{name} has a baseline of its own", ("take one of them away",))


def _shape_findings(result: Feasibility) -> Iterator[Finding]:
    misfit = result.misfit
    if misfit is None:
        return
    if result.impossible_share == 1:
        message = f"{misfit.layer} does not fit"
        yield Finding(misfit.path, message, (misfit.sentence,), at_key=True)
        return
    share = f"{result.impossible_share:.1%}".replace("%", " %")
    about = "" if result.is_exact else "about "
    message = f"{misfit.layer} does not fit for {about}{share} of the search space"
    notes = (misfit.sentence, "the search passes over such points; they are no trials")
    yield Finding(misfit.path, message, notes, at_key=True, severity="warning")
