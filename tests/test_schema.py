"""The JSON Schema of a spec: what the code says, what editors show, what validators refuse.

`pytest tests/test_schema.py --rewrite` writes the committed schema anew.
"""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from lenetml.spec.declared import DOMAIN_KEYS
from lenetml.spec.layers import LAYERS
from lenetml.spec.nodes import plain
from lenetml.spec.schema import spec_schema
from lenetml.spec.sections import Augmentation, EarlyStopping, Training
from lenetml.spec.source import decode, parse
from lenetml.spec.types import Searchable

PROJECT = Path(__file__).parents[1]
COMMITTED = PROJECT / "lenetml" / "spec" / "spec.schema.json"
CASES = PROJECT / "tests" / "cases"
VALID = sorted([*PROJECT.glob("specs/*.yaml"), *CASES.glob("valid/*.yaml")])
INVALID = sorted(CASES.glob("invalid/*.yaml"))


def read(path):
    """The plain data of a file, or None where strict YAML refuses it."""
    text, complaints = decode(path.read_bytes())
    root, more = parse(text)
    errors = [complaint for complaint in complaints + more if complaint.severity == "error"]
    return None if root is None or errors else plain(root)


def has_options(path):
    """Whether the mistake of a case lies in an option, not in the file."""
    return path.read_bytes().startswith(b"# lenetml validate ")


READABLE = [path for path in INVALID if read(path) is not None and not has_options(path)]

SCHEMA = json.loads(spec_schema())
VALIDATOR = Draft202012Validator(SCHEMA)

# What a schema cannot see, by what it would have to know: a new case is refused, or sorted in here.
# Where strict YAML refuses the text itself, there is nothing to show to a schema.
UNSEEN = {
    "what the search space declares, and which values it draws": """
        brightness-ends-that-cross brightness-ranges-that-cross condition-never-true
        condition-never-true-of-range condition-on-a-position condition-on-a-single-value
        condition-on-reals condition-on-undeclared condition-with-a-boolean-for-a-number
        conditions-exclude-each-other constant-out-of-range decimal-commas-in-a-block-list
        each-and-plain each-asked-for-by-a-condition each-for-the-optimizer each-in-training
        each-list-too-short each-list-too-short-in-inner-repeat each-name-taken each-outside-repeat
        each-under-times-that-vary each-value-out-of-range each-with-other-times
        hyperband-over-a-small-space hyperband-over-conditions list-of-three-for-a-pair
        list-where-number list-with-a-wrong-side log-for-a-whole-place misspelled-declaration
        misspelled-parent misspelled-reference needed-under-a-condition numbers-for-when
        on-and-off-for-a-boolean only-position pair-of-wrong-values percent-in-values
        position-of-single-values position-of-single-values-in-a-repeat position-too-high
        real-for-whole-in-domain reference-nowhere-near text-for-whole-in-domain texts-of-booleans
        tied-value-out-of-range undeclared unused used-under-a-long-condition
        used-under-too-wide-a-condition used-where-it-may-not-exist value-out-of-range
        when-beside-the-steps when-in-a-circle when-list-never-true when-never-true when-of-itself
        when-on-a-missing-position when-on-a-position-of-single-values when-on-reals
        when-on-undeclared whole-for-text-in-domain yes-and-no-for-when
    """,
    "several keys taken together": """
        bayesian-settings-with-random bayesian-without-trials confirm-and-one-standard-error
        decay-without-schedule factor-with-random grid-over-range hyperband-with-early-stopping
        hyperband-with-executions hyperband-with-searched-epochs hyperband-with-trials
        input-shape-before-image-size momentum-with-adam momentum-with-searched-adam no-search
        no-source random-without-trials screening-as-long-as-the-longest-training
        screening-as-long-as-training screening-with-bayesian split-mixes
        split-test-is-a-fraction two-sources
    """,
    "how two numbers or two items of a list compare; that 1.0 is no whole number": """
        brightness-upside-down channels-of-four int-uniform-of-reals min-above-max
        q-larger-than-the-range q-not-dividing-max q-not-dividing-min q-too-small split-of-one
        thousands tied-values-of-two-kinds unequal-tied
    """,
    "the arithmetic of layers and shapes": """
        conv2d-behind-flatten dense-in-residual dense-on-feature-map flatten-in-residual
        global-pooling-behind-flatten hyperband-over-impossible-points image-gone-after-poolings
        impossible-everywhere kernel-larger-than-image kernel-larger-than-image-in-residual
        never-flat not-flat-at-the-end repeat-of-repeats residual-behind-flatten
        residual-of-two-sizes separable-kernel-larger-than-image
    """,
    "the data, other files, or names that a system keeps": """
        baseline-is-itself baseline-missing baseline-not-right baseline-with-other-data
        classes-differ first-image-is-cut first-image-is-no-image images-brought-to-too-large-a-size
        input-shape-differs reserved-name split-test-too-large split-too-large
        split-without-images split-without-test wandb-project-with-a-slash
    """,
}
SORTED = {name for names in UNSEEN.values() for name in names.split()}


def every_schema(schema):
    """A schema and all schemas inside it."""
    if isinstance(schema, dict):
        yield schema
        for key, inner in schema.items():
            if key not in ("default", "examples", "enum"):
                yield from every_schema(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from every_schema(inner)


def properties():
    for schema in every_schema(SCHEMA):
        if isinstance(schema.get("properties"), dict) and "type" in schema:
            yield from schema["properties"].items()


def test_the_committed_schema_is_what_the_code_says(request):
    if request.config.getoption("--rewrite"):
        COMMITTED.write_text(spec_schema() + "\n", encoding="utf-8")
    assert COMMITTED.read_text(encoding="utf-8") == spec_schema() + "\n"


def test_the_schema_lies_in_the_package():
    assert files("lenetml.spec").joinpath("spec.schema.json").is_file()


def test_it_is_a_schema_of_draft_2020_12_that_needs_no_address():
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMA["title"] == "lenetml spec"
    assert all("$id" not in schema for schema in every_schema(SCHEMA))


def test_editors_that_know_older_drafts_can_read_it():
    assert all("prefixItems" not in schema for schema in every_schema(SCHEMA))


def test_it_asks_for_the_keys_that_the_language_asks_for():
    assert SCHEMA["required"] == ["name", "data", "architecture", "training"]
    assert SCHEMA["additionalProperties"] is False


def test_every_key_has_a_hover_text():
    assert [key for key, schema in properties() if not schema.get("description")] == []


def test_hover_texts_are_docstrings():
    kernel = SCHEMA["$defs"]["Conv2D"]["properties"]["kernel_size"]
    assert kernel["description"] == "Height and width of the kernels; one number for both."
    assert kernel["examples"] == [3, [3, 5]]
    # Of what all layers share, and of a section.
    when = SCHEMA["$defs"]["Flatten"]["properties"]["when"]
    assert when["description"].startswith("Whether the layer is there")
    assert SCHEMA["properties"]["training"]["description"] == "How one network is trained."


@pytest.mark.parametrize("keyword", ["examples", "default"])
def test_examples_and_defaults_are_legal(keyword):
    found = [schema for schema in every_schema(SCHEMA) if keyword in schema]
    assert len(found) > 10
    for schema in found:
        values = schema[keyword] if keyword == "examples" else [schema[keyword]]
        for value in values:
            VALIDATOR.evolve(schema=schema).validate(value)


@pytest.mark.parametrize(
    "model",
    [*LAYERS.values(), Augmentation, EarlyStopping, Training],
    ids=lambda kind: kind.__name__,
)
def test_a_reference_may_stand_where_the_models_say(model):
    shown = SCHEMA["$defs"][model.__name__]["properties"]
    open_keys = {
        key for key in shown if {"$ref": "#/$defs/Reference"} in shown[key].get("anyOf", [])
    }
    assert open_keys == {
        key
        for key, field in model.model_fields.items()
        if any(isinstance(mark, Searchable) for mark in field.metadata)
    }


@pytest.mark.parametrize(
    "text", ["$units", "$u_2.0", "$units.each", "[$kernel.0, 3]", "5", "[3, 5]"]
)
def test_a_size_may_be(text):
    assert errors_of(f"conv2d: {{filters: 6, kernel_size: {text}}}") == []


@pytest.mark.parametrize("text", ["$Units", "'${units}'", "$units.", "$units.x", "units", "[3]"])
def test_a_size_may_not_be(text):
    assert errors_of(f"conv2d: {{filters: 6, kernel_size: {text}}}") != []


@pytest.mark.parametrize(
    "item",
    [
        "flatten",
        "flatten:",
        "flatten: {}",
        "dense: {units: 3, when: $deep}",
        "dense: {units: 3, when: {deep: true, kind.0: [a, b]}}",
        "dense: {units: 3, when: {tied: [[1, a], [2, b]]}}",
        "repeat: {times: 2, layers: [flatten, repeat: {times: $n, layers: [flatten]}]}",
    ],
)
def test_a_layer_may_be_written(item):
    assert errors_of(item) == []


@pytest.mark.parametrize(
    "item",
    [
        "dense",
        "dense:",
        "dense: 3",
        "{flatten: {}, dense: {units: 3}}",
        "{}",
        "flatten: {layer: flatten}",
        "flatten: {when: {}}",
        "flatten: {when: {Deep: true}}",
        "repeat: {times: 2, layers: []}",
        "repeat: {times: 2, layers: [flaten]}",
    ],
)
def test_a_layer_may_not_be_written(item):
    assert errors_of(item) != []


def errors_of(item):
    root, complaints = parse(f"- {item}")
    assert root is not None and not complaints
    return list(
        VALIDATOR.evolve(schema=SCHEMA["properties"]["architecture"]).iter_errors(plain(root))
    )


@pytest.mark.parametrize(
    "text",
    [
        "{values: [1, 2], distribution: categorical, when: {other: 1}}",
        "{value: 1, distribution: constant}",
        "{min: 1, max: 2, distribution: int_uniform}",
        "{min: 1, max: 2.5, distribution: uniform}",
        "{min: 32, max: 64, q: 32}",
        "{min: 0.1, max: 0.5, q: 0.1, distribution: q_uniform, when: {a.0: [1, 2], b: [[1, x]]}}",
        "{min: 1e-4, max: 0.1, distribution: log_uniform_values, when: {a: true}}",
    ],
)
def test_a_domain_may_be(text):
    assert is_domain(text)


@pytest.mark.parametrize(
    "text",
    [
        "{values: [1, 2], distribution: uniform}",
        "{values: [1, 2], q: 1}",
        "{min: 1, max: 2, distribution: q_uniform}",
        "{min: 1, max: 2, q: 1, distribution: int_uniform}",
        "{min: 32, max: 64, q: 0}",
        "{min: 0, max: 0.1, distribution: log_uniform_values}",
        "{min: 0.1, max: 0.5, q: 0.1, distribution: log_uniform_values}",
        "{distribution: normal, mu: 0, sigma: 1}",
        "{distribution: uniform}",
        "{values: [1, 2], when: true}",
        "{values: [1, 2], when: {a: []}}",
        "{values: [1, 2], when: {$a: 1}}",
        "{when: {a: 1}}",
    ],
)
def test_a_domain_may_not_be(text):
    assert not is_domain(text)


def is_domain(text):
    root, complaints = parse(text)
    assert root is not None and not complaints
    search_space = SCHEMA["properties"]["search_space"]
    return VALIDATOR.evolve(schema=search_space).is_valid({"u": plain(root)})


def test_a_domain_has_the_keys_that_the_reader_knows():
    assert set(SCHEMA["$defs"]["Domain"]["properties"]) == set(DOMAIN_KEYS)


@pytest.mark.parametrize("value", [False, {}, {"country": "BRA"}])
def test_energy_may_be(value):
    VALIDATOR.evolve(schema=SCHEMA["properties"]["energy"]).validate(value)


@pytest.mark.parametrize("value", [True, None, {"country": "BRAZIL"}])
def test_energy_may_not_be(value):
    assert not VALIDATOR.evolve(schema=SCHEMA["properties"]["energy"]).is_valid(value)


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_a_valid_spec_is_accepted(path):
    assert [error.message for error in VALIDATOR.iter_errors(read(path))] == []


@pytest.mark.parametrize("path", READABLE, ids=lambda path: path.stem)
def test_an_invalid_spec_is_refused_or_sorted(path):
    assert VALIDATOR.is_valid(read(path)) == (path.stem in SORTED)


def test_every_sorted_case_is_there():
    assert sorted(SORTED - {path.stem for path in READABLE}) == []


def test_another_project_judges_alike():
    files = {path: VALIDATOR.is_valid(read(path)) for path in (*VALID, *READABLE)}
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--schemafile", COMMITTED]
        + ["--output-format", "json", "--verbose", *files],
        capture_output=True,
        text=True,
    )
    report = json.loads(done.stdout)
    assert report["parse_errors"] == []
    assert {Path(error["filename"]) for error in report["errors"]} == {
        path for path, is_valid in files.items() if not is_valid
    }
    assert len(report["successes"]) == sum(files.values()) >= len(VALID)
