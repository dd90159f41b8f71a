"""Paths into a spec: which model a key belongs to, what may stand there, what to call it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic.fields import FieldInfo

from lenetml.spec.layers import LAYERS
from lenetml.spec.nodes import Path
from lenetml.spec.problems import nearest
from lenetml.spec.sections import ConcreteSpec
from lenetml.spec.types import Searchable
from lenetml.values import Value


def model_at(path: Path) -> type[Value] | None:
    """The model that a key belongs to.

    Args:
        path: The path of the key; it need not be a known key.

    Returns:
        The model, or None where the path leads into a single value.
    """
    model: type[Value] | None = ConcreteSpec
    parts = list(path[:-1])
    while parts and model is not None:
        part = parts.pop(0)
        if part == "architecture" or (part == "layers" and "layers" in model.model_fields):
            if len(parts) < 2:
                return None
            model = LAYERS.get(str(parts[1]))
            del parts[:2]
        else:
            field = model.model_fields.get(str(part))
            model = next(_models_in(field.annotation), None) if field else None
    return model


def field_at(path: Path) -> FieldInfo | None:
    """What the models say of the key at a path; None: there is no such key."""
    model = model_at(path)
    return model.model_fields.get(str(path[-1])) if model else None


def keys_at(path: Path) -> list[str]:
    """All keys that may stand beside the key at a path, `layer` (the kind) left out."""
    model = model_at(path)
    keys = set(model.model_fields) if model else set()
    if model is ConcreteSpec:
        keys.add("search_space")
    return sorted(keys - {"layer"})


def nearest_key(path: Path) -> Path:
    """The path of the known key that an unknown one is nearest to; empty where none is near."""
    near = nearest(path[-1], keys_at(path))
    return () if near is None else (*path[:-1], near)


def required_keys(model: type[Value]) -> list[str]:
    """The keys of a section or layer that have no default."""
    return [key for key, field in model.model_fields.items() if field.is_required()]


def marker_at(path: Path) -> Searchable | None:
    """Tell whether a reference may stand at a path.

    Returns:
        The mark of that key, or None where only a plain value may stand.
    """
    # The pair of a size, and the names in a `when`, lie below the key that carries the mark.
    for depth in range(1, len(path) + 1):
        field = field_at(path[:depth])
        for mark in field.metadata if field else ():
            if isinstance(mark, Searchable):
                return mark
    return None


def owner_of(path: Path) -> str:
    """What the key at a path belongs to, in words: a layer, a section, or the spec."""
    names = [str(part) for part in path[:-1] if isinstance(part, str)]
    return names[-1] if names else "the spec"


def name_of(path: Path) -> str:
    """What to call the value at a path: `filters of conv2d`, `seed`."""
    while path and isinstance(path[-1], int):
        path = path[:-1]
    return f"{path[-1]} of {owner_of(path)}" if len(path) > 1 else str(path[-1])


def _models_in(annotation: Any) -> Iterator[type[Value]]:
    if isinstance(annotation, type) and issubclass(annotation, Value):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
