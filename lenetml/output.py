"""What the command line prints of problems, errors and results, in words or as JSON."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lenetml.errors import LenetmlError, SpecError

if TYPE_CHECKING:
    from lenetml.facts import Finished
    from lenetml.mirroring import Mirrored
    from lenetml.spec import Problem

MAX_SHOWN = 20


@dataclass(frozen=True)
class Failure:
    """A spec without a result, and why."""

    spec: Path
    error: str
    exit_code: int


def show_error(error: LenetmlError) -> None:
    """Write an error; of a spec, its problems."""
    if isinstance(error, SpecError):
        show_problems(error.problems)
    else:
        say(f"lenetml: {error}")


def say(text: str) -> None:
    """Write a line to stderr."""
    print(text, file=sys.stderr)


def print_json(documents: list[dict[str, Any]]) -> None:
    """Print one document as it is, and several as a list."""
    document = documents[0] if len(documents) == 1 else documents
    print(json.dumps(document, indent=2, ensure_ascii=False))


def print_result(result: Finished, *, as_json: bool) -> None:
    """Print what came of one run."""
    from lenetml.telling import tell_result

    if as_json:
        print_json([result_document(result)])
    else:
        print(tell_result(result))


def show_problems(problems: Sequence[Problem]) -> None:
    """Write problems to stderr, the first ones of many."""
    for problem in problems[:MAX_SHOWN]:
        say(f"{problem}\n")
    if len(problems) > MAX_SHOWN:
        say(f"and {len(problems) - MAX_SHOWN} more; --format json shows all\n")


def check_code(check: list[Problem] | Failure) -> int:
    """The exit code of a check."""
    if isinstance(check, Failure):
        return check.exit_code
    return 1 if any(problem.is_error for problem in check) else 0


def check_document(path: Path, check: list[Problem] | Failure) -> dict[str, Any]:
    """A check as JSON has it."""
    from lenetml.spec.problems import as_json

    if isinstance(check, Failure):
        return {"path": str(path), "valid": False, "error": check.error, "problems": []}
    is_valid = check_code(check) == 0
    return {"path": str(path), "valid": is_valid, "problems": list(map(as_json, check))}


def annotate(checks: list[list[Problem] | Failure]) -> None:
    """Write workflow commands, and the whole table to the step summary where there is one."""
    from lenetml.spec.nodes import Span
    from lenetml.spec.problems import Problem, as_annotation, as_summary

    problems: list[Problem] = []
    for it in checks:
        problems += [Problem(str(it.spec), Span(), it.error)] if isinstance(it, Failure) else it
    for problem in problems:
        print(as_annotation(problem))
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary and problems:
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(as_summary(problems))


def mirror_document(result: Mirrored) -> dict[str, Any]:
    """A mirror as JSON has it."""
    return {
        "folder": str(result.folder),
        "project": result.project,
        "told": result.n_told,
        "sent": result.n_sent,
        "kept": result.n_kept,
        "fault": result.fault,
    }


def result_document(result: Finished | Failure) -> dict[str, Any]:
    """A run as JSON has it."""
    if isinstance(result, Failure):
        return {"spec": str(result.spec), "error": result.error, "exit_code": result.exit_code}
    return {
        "folder": str(result.folder),
        "cards": [str(path) for path in result.cards],
        "new": result.is_new,
        "record": result.record.model_dump(mode="json"),
    }
