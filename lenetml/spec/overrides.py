"""`--set path=value`: changes to a spec before it is checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace as changed

from lenetml.errors import UsageError
from lenetml.spec.nodes import (
    Complaint,
    Entry,
    Mapping,
    Node,
    Scalar,
    Span,
    replace,
)
from lenetml.spec.nodes import Sequence as SequenceNode
from lenetml.spec.problems import shortened
from lenetml.spec.source import parse


def apply_overrides(root: Node, overrides: Sequence[str]) -> tuple[Node, list[Complaint]]:
    """Change the tree of a spec.

    Args:
        root: The tree of the file.
        overrides: Texts `a.b.0.c=VALUE`, VALUE by the rules of a spec.

    Returns:
        The changed tree, and complaints about values that cannot be read or placed.

    Raises:
        UsageError: A text is no `path=value`.
    """
    complaints: list[Complaint] = []
    for override in overrides:
        path, _, text = override.partition("=")
        if "=" not in override or not all(path.split(".")):
            raise UsageError(
                f"--set {override}: this is no path=value", "such as --set training.epochs=5"
            )
        span = Span(origin=f"--set {shortened(path)}")
        node, problems = _read_value(text)
        complaints += [changed(problem, span=span) for problem in problems]
        if node is None or any(problem.severity == "error" for problem in problems):
            continue
        try:
            root = replace(root, tuple(map(_part, path.split("."))), _moved(node, span))
        except KeyError as missing:
            part = missing.args[0]
            message = f"there is no {shortened(str(part))} to be set there"
            is_position = isinstance(part, int) or part.startswith("-")
            notes = ("positions in a list are counted from 0",) if is_position else ()
            complaints.append(Complaint(message, span, notes))
    return root, complaints


def _read_value(text: str) -> tuple[Node | None, list[Complaint]]:
    """Read VALUE; nothing at all is the empty value, as it is behind a key."""
    node, problems = parse(text)
    if node == Mapping((), Span()) and not text.strip().startswith("{"):
        return Scalar(None, Span()), problems
    return node, problems


def _part(part: str) -> str | int:
    # No list of a spec is so long; Python refuses to read very long numbers.
    return int(part) if part.isascii() and part.isdigit() and len(part) < 10 else part


def _moved(node: Node, span: Span) -> Node:
    """The same node with every place replaced by the option."""
    if isinstance(node, Scalar):
        return Scalar(node.value, span)
    if isinstance(node, SequenceNode):
        return SequenceNode(tuple(_moved(item, span) for item in node.items), span)
    entries = (Entry(entry.key, span, _moved(entry.node, span)) for entry in node.entries)
    return Mapping(tuple(entries), span)
