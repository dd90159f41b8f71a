"""From a file to a checked spec: every problem of it, or a `Spec` that a search can trust."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as File
from typing import Any

from lenetml.errors import DataError, SpecError, UsageError
from lenetml.spec import canonical
from lenetml.spec.brackets import check_brackets
from lenetml.spec.conditions import with_lists
from lenetml.spec.datasets import NAMED, DatasetFacts, changed_facts
from lenetml.spec.declared import read_space
from lenetml.spec.domains import Point, SearchSpace
from lenetml.spec.draft import Draft, Finding
from lenetml.spec.existence import check_each, check_existence, drawn_space
from lenetml.spec.feasibility import Feasibility, check_shapes, check_size
from lenetml.spec.hints import HINTS
from lenetml.spec.layers import normalised
from lenetml.spec.nodes import Complaint, Node, Path, Scalar, Severity, Span, find, plain
from lenetml.spec.nodes import Mapping as MappingNode
from lenetml.spec.overrides import apply_overrides
from lenetml.spec.problems import Problem, in_order
from lenetml.spec.references import check_values, first_document, stand_in, with_reals
from lenetml.spec.rules import RULES
from lenetml.spec.sections import ConcreteSpec, Data
from lenetml.spec.source import MAX_BYTES, decode, parse, split_lines
from lenetml.spec.space import Use, find_uses
from lenetml.spec.unroll import resolve
from lenetml.spec.userdata import read_facts
from lenetml.spec.uses import check_uses


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


def load_spec(path: str | File, overrides: Sequence[str] = ()) -> Spec:
    """Read and check a spec.

    Raises:
        UsageError: There is no such file, or an override is no `path=value`.
        SpecError: The spec has problems; it holds all of them.
    """
    spec, problems = check_spec(path, overrides)
    if spec is None:
        raise SpecError([problem for problem in problems if problem.is_error])
    return spec


def check_spec(
    path: str | File, overrides: Sequence[str] = ()
) -> tuple[Spec | None, list[Problem]]:
    """Find every problem of a spec.

    Returns:
        The spec, or None where it has errors, and all problems and warnings in order of line.

    Raises:
        UsageError: There is no such file, or an override is no `path=value`.
    """
    return _check_file(File(path), tuple(overrides), is_baseline=False)


def _check_file(
    path: File, overrides: tuple[str, ...], is_baseline: bool
) -> tuple[Spec | None, list[Problem]]:
    reader = _Reader(path, overrides, is_baseline)
    spec = reader.read()
    return (None if reader.has_errors else spec), in_order(reader.problems)


def _read(path: File) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise UsageError(f"{path} is a folder; a spec is a .yaml file") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None


class _Reader:
    """Collects the problems of one file on the way to its spec."""

    def __init__(self, path: File, overrides: tuple[str, ...], is_baseline: bool) -> None:
        self.path, self.overrides, self.is_baseline = path, overrides, is_baseline
        self.text, self.complaints = decode(_read(path))
        self.lines = split_lines(self.text)
        self.problems: list[Problem] = []
        self.root: Node = MappingNode((), Span())

    @property
    def has_errors(self) -> bool:
        return any(problem.is_error for problem in self.problems)

    def read(self) -> Spec | None:
        self._add_complaints(self.complaints)
        if self.has_errors:
            return None
        root, complaints = parse(self.text)
        self._add_complaints(complaints)
        if root is None or self.has_errors:
            return None
        if root in (MappingNode((), root.span), Scalar(None, root.span)) and not self.overrides:
            note = "it needs name, data, architecture and training"
            self._add_complaints([Complaint("the spec is empty", Span(), (note,))])
            return None
        if not isinstance(root, MappingNode):
            note = "write each section as key: value, such as name: lenet"
            self._add_complaints([Complaint("a spec is made of keys and values", Span(), (note,))])
            return None
        self.root, complaints = apply_overrides(root, self.overrides)
        self._add_complaints(complaints)
        data = plain(self.root)
        if isinstance(data.get("architecture"), list):
            data["architecture"] = [normalised(item) for item in data["architecture"]]
        return self._check(data)

    def _check(self, data: dict[str, Any]) -> Spec | None:
        domains = self._read_space(data)
        self._add(too_large := list(check_size(data.get("architecture"), domains)))
        if too_large:
            return None
        if "architecture" in data:
            data["architecture"] = with_lists(data["architecture"], domains)
        uses = tuple(find_uses(data))
        self._add(check_uses(data, uses, domains))
        findings, broken = check_values(data, uses, domains)
        self._add(findings)
        document = stand_in(data, domains, broken)
        facts, findings = (None, []) if "data" in broken else self._read_facts(document.data)
        self._add(findings)
        broken |= {"data"} if findings else set()
        draft = Draft(data, domains, uses, document, broken, facts)
        for rule, sections in (*RULES, *HINTS):
            if not sections & broken:
                self._add(rule(draft))
        baselines = () if self.is_baseline else self._read_baselines(draft)
        if self.has_errors:
            return None
        findings = list(check_each(data, uses, domains))
        self._add(findings or check_existence(data, uses, domains))
        if self.has_errors:
            return None
        drawn = drawn_space(data, uses, domains)
        self._add(check_brackets(draft, drawn))
        feasible, findings = check_shapes(draft, drawn)
        self._add(findings)
        if self.has_errors:
            return None
        domains = with_reals(data, uses, domains)
        drawn = drawn_space(data, uses, domains)
        document = first_document(data, domains)
        return Spec(
            self.path, self.text, self.overrides, document, data, domains, drawn, uses,
            draft.facts, feasible, baselines,
            tuple(in_order(self.problems)),
        )  # fmt: skip

    def _read_facts(self, data: Data) -> tuple[DatasetFacts | None, list[Finding]]:
        """Find out what can be known of the data at a glance, and what is wrong with them."""
        if (data.dataset is None) == (data.path is None):
            return None, []
        try:
            if data.path is not None:
                return read_facts(self.path.parent / data.path, data), []
            return changed_facts(NAMED[str(data.dataset)], data), []
        except DataError as error:
            return None, [Finding(("data", "path"), error.message, error.notes)]

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
        baselines: list[Spec] = []
        for index, name in enumerate(search.baseline):
            place: Path = ("search", "baseline", index)
            notes: tuple[str, ...]
            try:
                baseline, problems = _check_file(self.path.parent / name, (), is_baseline=True)
            except UsageError as error:
                notes = (error.message, "the path is relative to this spec")
                self._add([Finding(place, "the baseline cannot be read", notes)])
                continue
            if baseline is None:
                first = str(next(problem for problem in problems if problem.is_error))
                notes = ("its first problem:", *first.splitlines())
                self._add([Finding(place, "the baseline is not right", notes)])
                continue
            self._add(_compare_baseline(place, name, baseline, self.path, draft.document))
            if baseline.document.name in {other.document.name for other in baselines}:
                note = "their predictions are told apart by their names"
                self._add([Finding(place, f"{name} has the name of another baseline", (note,))])
            baselines.append(baseline)
        return tuple(baselines)

    def _add_complaints(self, complaints: Sequence[Complaint]) -> None:
        for it in complaints:
            self._add_problem(it.span, it.message, it.notes, it.severity)

    def _add(self, findings: Sequence[Finding] | Iterator[Finding]) -> None:
        for finding in findings:
            key, node, is_there = find(self.root, finding.path)
            span = key if finding.at_key or not is_there else node.span
            notes = finding.notes
            if finding.use is not None:
                used, _, _ = find(self.root, finding.use)
                notes = (*notes, f"it is used in {used.origin or f'line {used.line}'}")
            self._add_problem(span, finding.message, notes, finding.severity)

    def _add_problem(
        self, span: Span, message: str, notes: tuple[str, ...], severity: Severity
    ) -> None:
        line = self.lines[span.line - 1]
        self.problems.append(Problem(str(self.path), span, message, notes, line, severity))


def _compare_baseline(
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
