"""Specs for tests, from a small one that is right and what a test changes in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lenetml.spec import Problem, Spec, check_spec

SMALL: dict[str, Any] = {
    "name": "small",
    "data": {"dataset": "digits"},
    "architecture": ["flatten"],
    "training": {"epochs": 1},
}
SEARCH = {"strategy": "random", "trials": 1}


def write_spec(folder: Path, file: str = "small", **sections: Any) -> Path:
    """Write the small spec with other sections; None takes one away."""
    data = {key: value for key, value in (SMALL | sections).items() if value is not None}
    path = folder / f"{file}.yaml"
    path.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    return path


def check(folder: Path, **sections: Any) -> tuple[Spec | None, list[Problem]]:
    return check_spec(write_spec(folder, **sections))


def messages(folder: Path, **sections: Any) -> list[str]:
    return [problem.message for problem in check(folder, **sections)[1]]


def spec_of(folder: Path, **sections: Any) -> Spec:
    """The spec, which must be right."""
    spec, problems = check(folder, **sections)
    assert spec is not None, "\n".join(map(str, problems))
    return spec
