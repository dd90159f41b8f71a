"""`--set path=value`: changes to a spec before it is checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace as changed

from lenetml.errors import UsageError
from lenetml.spec.source import (
    Complaint,
    Entry,
    Mapping,
    Node,
    Path,
    Scalar,
    Span,
    parse,
    replace,
)
from lenetml.spec.source import Sequence as SequenceNode


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
        span = Span(origin=f"--set {path}")
        node, problems = parse(text)
        if node is None or problems:
            complaints += [changed(problem, span=span) for problem in problems]
            continue
        parts: Path = tuple(int(part) if part.isdigit() else part for part in path.split("."))
        try:
            root = replace(root, parts, _moved(node, span))
        except KeyError as missing:
            complaints.append(Complaint(f"there is no {missing.args[0]} in {path}", span))
    return root, complaints


def _moved(node: Node, span: Span) -> Node:
    """The same node with every place replaced by the option."""
    if isinstance(node, Scalar):
        return Scalar(node.value, span, node.is_plain)
    if isinstance(node, SequenceNode):
        return SequenceNode(tuple(_moved(item, span) for item in node.items), span)
    entries = (Entry(entry.key, span, _moved(entry.node, span)) for entry in node.entries)
    return Mapping(tuple(entries), span)
