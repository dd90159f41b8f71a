"""From a file to a checked spec: every problem of it, or a `Spec` that a search can trust."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path as File
from typing import Any

from lenetml.errors import DataError, SpecError, UsageError
from lenetml.spec.baselines import read_baselines
from lenetml.spec.checked import Spec
from lenetml.spec.counted import check_trials
from lenetml.spec.datasets import NAMED, DatasetFacts, changed_facts, check_amount
from lenetml.spec.decimals import decimals_remedy, join_decimals
from lenetml.spec.declared import read_space
from lenetml.spec.domains import SearchSpace
from lenetml.spec.draft import Draft, Finding
from lenetml.spec.drawn import drawn_space
from lenetml.spec.existence import check_each, check_existence
from lenetml.spec.feasibility import check_shapes, check_size
from lenetml.spec.hints import HINTS
from lenetml.spec.hyperband import check_brackets
from lenetml.spec.layers import normalised
from lenetml.spec.legality import check_values, first_document, stand_in, with_reals
from lenetml.spec.meant import name_remedy
from lenetml.spec.nodes import Complaint, Node, Path, Scalar, Severity, Span, find, plain
from lenetml.spec.nodes import Mapping as MappingNode
from lenetml.spec.nodes import Sequence as SequenceNode
from lenetml.spec.overrides import apply_overrides
from lenetml.spec.presence import in_own_values
from lenetml.spec.problems import Problem, in_order
from lenetml.spec.references import find_uses
from lenetml.spec.rules import RULES
from lenetml.spec.sections import Data
from lenetml.spec.source import MAX_BYTES, decode, parse, split_lines
from lenetml.spec.userdata import read_facts, tell_unknown
from lenetml.spec.uses import check_unused, check_uses


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
        root, complaints = join_decimals(root)
        self._add_complaints(complaints)
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
            data["architecture"] = in_own_values(data["architecture"], domains)
        uses, misread = find_uses(data)
        findings = list(check_uses(data, uses, misread, domains))
        illegal, broken = check_values(data, uses, misread, domains)
        if data.get("name") in (None, ""):
            illegal = [_with_name(finding, self.path.stem) for finding in illegal]
        findings += illegal
        self._add([*findings, *check_unused(data, uses, findings)])
        document = stand_in(data, domains, broken)
        facts, findings = (None, []) if "data" in broken else self._read_facts(document.data)
        self._add(findings)
        broken |= {"data"} if any(it.severity == "error" for it in findings) else set()
        draft = Draft(data, domains, uses, document, broken, facts)
        for rule, sections in (*RULES, *HINTS):
            if not sections & broken:
                self._add(rule(draft))
        baselines, findings = self._read_baselines(draft)
        self._add(findings)
        if self.has_errors:
            return None
        findings = list(check_each(data, uses, domains))
        self._add(findings or check_existence(data, uses, domains))
        if self.has_errors:
            return None
        drawn = drawn_space(data, uses, domains)
        feasible, findings = check_shapes(draft, drawn)
        self._add(findings)
        if self.has_errors:
            return None
        self._add([*check_brackets(draft, drawn), *check_trials(draft, drawn)])
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
        if data.path is None or data.dataset is not None:
            named = NAMED.get(data.dataset or "") if data.path is None else None
            return _check_named(named and changed_facts(named, data))
        key, file = ("data", "path"), self.path.parent / data.path
        try:
            facts = read_facts(file, data)
        except DataError as error:
            return None, [Finding(key, error.message, error.notes)]
        return facts, [] if facts else [Finding(key, *tell_unknown(file, data), severity="warning")]

    def _read_space(self, data: dict[str, Any]) -> SearchSpace:
        entry = self.root.entry("search_space") if isinstance(self.root, MappingNode) else None
        if entry is None:
            return {}
        domains, complaints = read_space(entry.node)
        self._add_complaints(complaints)
        return domains

    def _read_baselines(self, draft: Draft) -> tuple[tuple[Spec, ...], list[Finding]]:
        if self.is_baseline or {"search", "data", "seed"} & draft.broken:
            return (), []
        return read_baselines(
            draft.document, self.path, lambda path: _check_file(path, (), is_baseline=True)
        )

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
            if finding.severity == "error":
                notes = (*notes, *self._about_commas(finding.path))
            self._add_problem(span, finding.message, notes, finding.severity)

    def _about_commas(self, path: Path) -> tuple[str, ...]:
        """What to say where the value is, or stands in, a list with decimal commas."""
        for place in (path, path[:-1]):
            _, node, is_there = find(self.root, place)
            if is_there and isinstance(node, SequenceNode):
                return decimals_remedy(node)
        return ()

    def _add_problem(
        self, span: Span, message: str, notes: tuple[str, ...], severity: Severity
    ) -> None:
        line = self.lines[span.line - 1]
        self.problems.append(Problem(str(self.path), span, message, notes, line, severity))


def _with_name(finding: Finding, stem: str) -> Finding:
    """Offer the name of the file where the spec has none."""
    is_about_it = finding.path == ("name",)
    return replace(finding, notes=(*finding.notes, *name_remedy(stem))) if is_about_it else finding


def _check_named(facts: DatasetFacts | None) -> tuple[DatasetFacts | None, list[Finding]]:
    if facts is not None:
        try:
            check_amount(facts)
        except DataError as error:
            return None, [Finding(("data", "image_size"), error.message, error.notes)]
    return facts, []
