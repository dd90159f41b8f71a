"""The section `search_space`: every form of a domain, and what is said of those that are none."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lenetml.spec.declared import DOMAIN_KEYS, MAX_STEPS, read_space
from lenetml.spec.domains import Choice, Range, all_values, own_value
from lenetml.spec.source import parse


def read_all(text):
    """The domains, and the complaints with their notes."""
    node, complaints = parse(text)
    assert complaints == []
    space, complaints = read_space(node)
    return space, [(it.message, *it.notes) for it in complaints]


def read(text):
    """The domain of `u`, whose text stands behind its colon."""
    space, complaints = read_all(f"u: {text}")
    assert complaints == []
    return space["u"]


def refused(text):
    """The one complaint on `u`."""
    space, complaints = read_all(f"u: {text}")
    assert space == {}
    [complaint] = complaints
    return complaint


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("{values: [8, 16]}", Choice((8, 16))),
        ("{distribution: categorical, values: [8, 16]}", Choice((8, 16))),
        ("{distribution: categorical, value: 8}", Choice((8,))),
        ("{value: 8}", Choice((8,))),
        ("{distribution: constant, value: 8}", Choice((8,))),
        ("{min: 1, max: 3}", Range(1, 3)),
        ("{distribution: int_uniform, min: 1, max: 3}", Range(1, 3)),
        ("{min: 1, max: 3.5}", Range(1.0, 3.5)),
        ("{distribution: uniform, min: 1.0, max: 3}", Range(1.0, 3.0)),
        ("{min: 32, max: 128, q: 32}", Range(32, 128, step=32)),
        ("{distribution: q_uniform, max: 128, min: 32, q: 32}", Range(32, 128, step=32)),
        ("{min: 0, max: 1, q: 0.25}", Range(0.0, 1.0, step=0.25)),
        ("{min: -0.2, max: 0.2, q: 0.1}", Range(-0.2, 0.2, step=0.1)),
        (
            "{distribution: log_uniform_values, min: 1e-4, max: 0.1}",
            Range(0.0001, 0.1, is_log=True),
        ),
        (
            "{distribution: log_uniform_values, min: 1, max: 100}",
            Range(1.0, 100.0, is_log=True),
        ),
    ],
)
def test_forms(text, domain):
    assert repr(read(text)) == repr(domain)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("{min: 0.1, max: 0.5, q: 0.1}", (0.1, 0.2, 0.3, 0.4, 0.5)),
        ("{min: 0, max: 0.3, q: 0.1}", (0.0, 0.1, 0.2, 0.3)),
        ("{min: -0.3, max: 0.3, q: 0.3}", (-0.3, 0.0, 0.3)),
        ("{min: 0.7, max: 2.1, q: 0.7}", (0.7, 1.4, 2.1)),
        ("{min: 1e-5, max: 3e-5, q: 1e-5}", (1e-5, 2e-5, 3e-5)),
        ("{min: 1e-17, max: 3e-17, q: 1e-17}", (1e-17, 2e-17, 3e-17)),
        ("{min: 1.0e+22, max: 3.0e+22, q: 1.0e+22}", (1e22, 2e22, 3e22)),
        ("{min: 2.5, max: 7.5, q: 2.5}", (2.5, 5.0, 7.5)),
        ("{min: 32, max: 96, q: 32}", (32, 64, 96)),
        ("{min: -2, max: 2, q: 2}", (-2, 0, 2)),
    ],
)
def test_a_grid_holds_the_numbers_as_people_write_them(text, values):
    domain = read(text)
    assert repr(tuple(all_values(domain))) == repr(values)
    assert domain.size == len(values)
    assert [own_value(domain, None, value) for value in values] == list(values)


@given(st.integers(-1000, 1000), st.integers(1, 200), st.integers(1, 99), st.integers(0, 6))
def test_every_decimal_of_a_grid_is_exact(first, n_steps, digits, decimals):
    def number(count):
        return float(f"{count * digits}e-{decimals}")

    assume(decimals)
    domain = read(f"{{min: {number(first)!r}, max: {number(first + n_steps)!r}, q: {number(1)!r}}}")
    assert list(all_values(domain)) == [number(first + index) for index in range(n_steps + 1)]


NORMAL = "only even distributions are drawn: write min and max"
LOG = "write distribution: log_uniform_values"
STEPS = "write distribution: log_uniform_values without q, or values"


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("normal", NORMAL),
        ("q_normal", NORMAL),
        ("log_normal", NORMAL),
        ("q_log_normal", NORMAL),
        ("beta", NORMAL),
        ("q_beta", NORMAL),
        ("inv_log_uniform", LOG),
        ("inv_log_uniform_values", LOG),
        ("q_log_uniform", STEPS),
        ("q_log_uniform_values", STEPS),
    ],
)
def test_distributions_that_are_not_drawn(name, note):
    text = f"{{distribution: {name}, min: 0.1, max: 0.2}}"
    assert refused(text) == (f"distribution cannot be {name}", note)


@pytest.mark.parametrize(
    ("key", "note"),
    [
        ("mu: 0.3", NORMAL),
        ("sigma: 0.1", NORMAL),
        ("probabilities: [0.5, 0.5]", "all values are drawn alike: write values alone"),
        (
            "parameters: {a: {value: 1}}",
            "a search space is flat: write each name on a line of its own",
        ),
    ],
)
def test_keys_of_a_sweep_that_are_not_read(key, note):
    name = key.partition(":")[0]
    assert refused(f"{{values: [1, 2], {key}}}") == (f"{name} is no part of a domain", note)


@pytest.mark.parametrize(
    ("low", "high", "note"),
    [
        (-9, -1, "write {distribution: log_uniform_values, min: 0.0001234, max: 0.3679}"),
        (0, 2.5, "write {distribution: log_uniform_values, min: 1, max: 12.18}"),
        (0, 1000, "write distribution: log_uniform_values with the values themselves"),
        ("a", 1, "write distribution: log_uniform_values with the values themselves"),
    ],
)
def test_exponents_are_turned_into_values(low, high, note):
    found = refused(f"{{distribution: log_uniform, min: {low}, max: {high}}}")
    assert found == ("distribution cannot be log_uniform", "its min and max are exponents", note)


def test_exponents_without_ends():
    note = "write distribution: log_uniform_values with the values themselves"
    assert refused("{distribution: log_uniform}")[-1] == note


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "{distribution: uniform, min: 1, max: 3}",
            ("u is not uniform", "uniform goes with real min and max"),
        ),
        (
            "{distribution: int_uniform, min: 1, max: 3, q: 1}",
            ("u is not int_uniform", "int_uniform goes with whole min and max"),
        ),
        (
            "{distribution: constant, values: [1, 2]}",
            ("u is not constant", "constant goes with value"),
        ),
        (
            "{distribution: q_uniform, values: [1, 2]}",
            ("u is not q_uniform", "q_uniform goes with min, max and q"),
        ),
        (
            "{distribution: log_uniform_values, values: [1, 2]}",
            ("u is not log_uniform_values", "log_uniform_values goes with min and max"),
        ),
        (
            "{distribution: log_uniform_values, min: 1, max: 8, q: 1}",
            ("q does not go with log_uniform_values", "take q away, or write values"),
        ),
        (
            "{distribution: log_uniform_values, min: -1, max: 8}",
            ("min of u must be more than 0 for log_uniform_values", "found: -1"),
        ),
        (
            "{distribution: [uniform], min: 1, max: 3}",
            (
                "distribution cannot be [uniform]",
                "allowed: categorical, constant, int_uniform, uniform, q_uniform, "
                "log_uniform_values",
                'did you mean "uniform"?',
            ),
        ),
        (
            "{distribution: unifrom, min: 1, max: 3}",
            (
                "distribution cannot be unifrom",
                "allowed: categorical, constant, int_uniform, uniform, q_uniform, "
                "log_uniform_values",
                'did you mean "uniform"?',
            ),
        ),
        (
            "{distribution: uniform}",
            (
                "u must have one domain",
                "found: nothing",
                "allowed: values, or min and max, or min, max and q, or value",
            ),
        ),
        ("{min: 1, max: 5, q: true}", ("q of u must be a number", "found: true")),
        ("{min: 1, max: 5, q: -1}", ("q of u must be more than 0", "found: -1")),
        ("{min: 5, max: 1, q: 1}", ("min of u must be less than max", "found: min 5, max 1")),
        ("{min: 1, max: 9, q: 4}", ("min 1 is not a multiple of q 4", "write min: 4")),
        (
            "{min: 1, max: 5, q: 5}",
            ("min 1 is not a multiple of q 5", "q is larger than the range"),
        ),
        (
            "{min: 0.0, max: 1, q: 3}",
            ("max 1 is not a multiple of q 3", "q is larger than the range"),
        ),
        ("{min: 0, max: 7, q: 5}", ("max 7 is not a multiple of q 5", "write max: 5")),
        ("{min: 0.1, max: 0.5, q: 0.2}", ("min 0.1 is not a multiple of q 0.2", "write min: 0.2")),
        ("{min: 0, max: 0.5, q: 0.2}", ("max 0.5 is not a multiple of q 0.2", "write max: 0.4")),
        ("{min: -0.5, max: 0, q: 0.2}", ("min -0.5 is not a multiple of q 0.2", "write min: -0.4")),
        (
            "{min: 0, max: 1, q: 1e-10}",
            (
                f"q of u makes more than {MAX_STEPS:,} steps",
                "write min and max alone for all numbers between them",
            ),
        ),
        (
            "{min: 1.0e-300, max: 1.0e+300, q: 1.0e-300}",
            (
                f"q of u makes more than {MAX_STEPS:,} steps",
                "write min and max alone for all numbers between them",
            ),
        ),
        (
            "{vlaues: [1, 2]}",
            (
                'unknown key "vlaues" in the domain of u',
                "allowed: " + ", ".join(DOMAIN_KEYS),
                'did you mean "values"?',
            ),
        ),
        ("[1, 2]", ("u must have a domain", "write u: {values: [1, 2]}")),
        ("3", ("u must have a domain", "write u: {value: 3}")),
        ("", ("u must have a domain", "write u: {values: [...]}")),
    ],
)
def test_refusals(text, complaint):
    assert refused(text) == complaint


def test_the_ends_that_are_proposed_are_multiples():
    """Of the decimal numbers as they are written: 0.3 is three times 0.1."""
    for tenths in range(1, 100):
        domain = read(f"{{min: 0, max: {tenths / 10!r}, q: 0.1}}")
        assert math.isclose(all_values(domain)[-1], tenths / 10, rel_tol=0)


def test_each_mistake_is_told_and_the_rest_is_read():
    space, complaints = read_all(
        "a: {min: 1, max: 2}\nb: {distribution: normal}\nc: {values: [x], mu: 1}\nd: {value: 1}\n"
    )
    assert list(space) == ["a", "d"]
    assert [message for message, *_ in complaints] == [
        "distribution cannot be normal",
        "mu is no part of a domain",
    ]


def test_a_space_may_be_empty():
    assert read_all("{}") == ({}, [])
