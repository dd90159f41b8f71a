"""The JSON Schema of a spec, for editors and other validators: derived from the models.

The text of a spec differs from its models in three ways: a layer is `name: {arguments}`, a
searchable key may hold a reference, and there is a search space. Hover texts are the docstrings
under the fields. What ties several keys together is not in the schema; `lenetml validate` sees it.
"""

from __future__ import annotations

import ast
import inspect
import json
from itertools import pairwise
from typing import Any, TypeAlias, get_args

from pydantic import TypeAdapter
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from lenetml.spec.declared import DISTRIBUTIONS, MAX_VALUES, NAME
from lenetml.spec.layers import LAYERS
from lenetml.spec.places import required_keys
from lenetml.spec.sections import ConcreteSpec
from lenetml.spec.types import CONDITION, Prose, Searchable, Text
from lenetml.values import Value

Schema: TypeAlias = dict[str, Any]

_SCALARS = ("number", "string", "boolean")
_KINDS: list[Schema] = [{"type": kind} for kind in _SCALARS]
_TIED: Schema = {"type": "array", "items": {"type": list(_SCALARS)}, "minItems": 1}
_REFERENCE: Schema = {
    "title": "a reference",
    "description": "The value of a hyperparameter of `search_space`: whole, one position of it, "
    "or in a repeat another `.each` time.",
    "examples": ["$units", "$units.0", "$units.each"],
    "type": "string",
    "pattern": rf"^\${NAME.pattern}(\.[0-9]+|\.each)?$",
}
_DOMAIN_KEYS: Schema = {
    "values": {
        "description": "The values to choose from, of one kind; lists are drawn as a whole.",
        "examples": [[60, 120], ["relu", "tanh"], [[18, 0.1], [36, 0.2]]],
        "type": "array",
        "minItems": 1,
        "maxItems": MAX_VALUES,
        "uniqueItems": True,
        "anyOf": [{"items": kind} for kind in (*_KINDS, _TIED)],
    },
    "min": {"description": "The least value; whole if `max` is whole too.", "type": "number"},
    "max": {"description": "The greatest value; above `min`.", "type": "number"},
    "q": {
        "description": "Only multiples of it, which `min` and `max` must be themselves.",
        "examples": [32, 0.1],
        "type": "number",
        "exclusiveMinimum": 0,
    },
    "value": {
        "description": "A constant, under a name.",
        "examples": [5, [3, 5]],
        "anyOf": [*_KINDS, _TIED],
    },
    "distribution": {
        "description": "How values are drawn; all but `log_uniform_values` may be left out.",
        "enum": list(DISTRIBUTIONS),
    },
    "when": {
        "description": "It exists only where other hyperparameters have these values; elsewhere a "
        "key of `training` or `augmentation` that names it has its default.",
        "examples": [{"optimizer": "sgd"}, {"layers": [2, 3]}],
        "$ref": "#/$defs/Condition",
    },
}
# The forms of a domain: what each needs, and its distributions.
_DOMAIN_FORMS: tuple[tuple[list[str], list[str]], ...] = (
    (["values"], ["categorical", "constant"]),
    (["value"], ["categorical", "constant"]),
    (["min", "max"], ["int_uniform", "uniform"]),
    (["min", "max", "q"], ["q_uniform"]),
)
_LOG_FORM: Schema = {
    "required": ["distribution", "min", "max"],
    "propertyNames": {"enum": ["distribution", "min", "max", "when"]},
    "properties": {
        "distribution": {"const": "log_uniform_values"},
        "min": {"exclusiveMinimum": 0},
    },
}
_DOMAIN: Schema = {
    "title": "a domain",
    "description": "The values that a hyperparameter may take.",
    "examples": [
        {"values": [60, 120]},
        {"min": 0.1, "max": 0.5},
        {"distribution": "log_uniform_values", "min": 0.0001, "max": 0.1},
    ],
    "type": "object",
    "properties": _DOMAIN_KEYS,
    "additionalProperties": False,
    "anyOf": [
        *(
            {
                "required": needed,
                "propertyNames": {"enum": [*needed, "distribution", "when"]},
                "properties": {"distribution": {"enum": distributions}},
            }
            for needed, distributions in _DOMAIN_FORMS
        ),
        _LOG_FORM,
    ],
}
_SEARCH_SPACE: Schema = {
    "title": "search_space",
    "description": "The hyperparameters by name, each with its domain; `$name` stands for them.",
    "examples": [{"units": {"values": [60, 120]}}],
    "type": "object",
    "patternProperties": {f"^{NAME.pattern}$": {"$ref": "#/$defs/Domain"}},
    "additionalProperties": False,
}


def spec_schema() -> str:
    """The JSON Schema of a spec, draft 2020-12, as text; `spec.schema.json` holds the same."""
    written = ConcreteSpec.model_json_schema(schema_generator=_AsWritten)
    layer = written["properties"]["architecture"]["items"]
    parts = {
        "Condition": CONDITION,
        "Layer": layer,
        "Prose": TypeAdapter(Prose).json_schema(schema_generator=_AsWritten),
        "Reference": _REFERENCE,
        "Text": TypeAdapter(Text).json_schema(schema_generator=_AsWritten),
    }
    shared = _share(written, parts)
    definitions = shared["$defs"] | parts | {"Domain": _DOMAIN}
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "lenetml spec",
        "description": "An experiment: data, architecture, training, search and model card.",
        "type": "object",
        "properties": shared["properties"] | {"search_space": _SEARCH_SPACE},
        "required": shared["required"],
        "additionalProperties": False,
        "$defs": dict(sorted(definitions.items())),
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


class _AsWritten(GenerateJsonSchema):
    """pydantic's schema of the models, changed to what stands in the text of a spec."""

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> Schema:
        """A layer: one key with its arguments, or the name alone where it needs none."""
        kinds = {str(name): self.generate_inner(kind) for name, kind in schema["choices"].items()}
        bare = [name for name in kinds if not required_keys(LAYERS[name])]
        return {
            "title": "a layer",
            "examples": ["flatten", {"conv2d": {"filters": 6, "kernel_size": 5}}],
            "anyOf": [
                {"enum": bare},
                {
                    "type": "object",
                    "properties": {
                        name: {
                            "description": inspect.getdoc(LAYERS[name]),
                            "anyOf": [kind, {"type": "null"}] if name in bare else [kind],
                        }
                        for name, kind in kinds.items()
                    },
                    "additionalProperties": False,
                    "minProperties": 1,
                    "maxProperties": 1,
                },
            ],
        }

    def sort(self, value: Schema, parent_key: str | None = None) -> Schema:
        """Keep the order of the fields and of the keywords here."""
        return value

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Leave titles to `_as_written`."""
        return False

    def nullable_schema(self, schema: core_schema.NullableSchema) -> Schema:
        """A key may be left out, but not be empty."""
        return self.generate_inner(schema["schema"])

    def model_schema(self, schema: core_schema.ModelSchema) -> Schema:
        """The keys of a section or layer, each with its hover text."""
        model: type[Value] = schema["cls"]
        keys = super().model_schema(schema)["properties"]
        texts = _field_docstrings(model)
        return {
            "description": inspect.getdoc(model),
            "type": "object",
            "properties": {
                key: _as_written(keys[key], key, field, texts.get(key))
                for key, field in model.model_fields.items()
                if key != "layer"
            },
            "required": required_keys(model),
            "additionalProperties": False,
        }


def _as_written(value: Schema, key: str, field: FieldInfo, text: str | None) -> Schema:
    """What may stand behind a key, with its hover text: its own or that of its section."""
    kinds = (field.annotation, *get_args(field.annotation))
    sections = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Value)]
    about = {"title": key, "description": text or inspect.getdoc(sections[0])}
    default = value.pop("default", None)
    if default is not None and not sections:
        about["default"] = default
    if any(isinstance(mark, Searchable) for mark in field.metadata):
        value = _or_reference(value)
    return about | value


def _or_reference(value: Schema) -> Schema:
    """Let a reference stand for a value, and for each value of a list."""
    about = {"examples": value.pop("examples")} if "examples" in value else {}
    kinds = [
        kind | {"items": _or_reference(kind["items"])} if "items" in kind else kind
        for kind in value.get("anyOf", [value])
    ]
    return {**about, "anyOf": [*kinds, _REFERENCE]}


def _share(schema: Any, parts: Schema) -> Any:
    """Replace every part that has a name by a reference to its definition."""
    if isinstance(schema, list):
        return [_share(inner, parts) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    for name, part in parts.items():
        if part.items() <= schema.items():
            rest = {key: inner for key, inner in schema.items() if key not in part}
            return {**rest, "$ref": f"#/$defs/{name}"}
    return {key: _share(inner, parts) for key, inner in schema.items()}


def _field_docstrings(model: type[Value]) -> dict[str, str]:
    """The docstrings under the fields; read here, because pydantic would at every import."""
    texts = {}
    for owner in reversed(model.__mro__):
        if issubclass(owner, Value):
            (definition,) = ast.parse(inspect.getsource(owner)).body
            assert isinstance(definition, ast.ClassDef)
            for pair in pairwise(definition.body):
                match pair:
                    case (
                        ast.AnnAssign(target=ast.Name(id=key)),
                        ast.Expr(value=ast.Constant(value=str(text))),
                    ):
                        texts[key] = text
    return texts
