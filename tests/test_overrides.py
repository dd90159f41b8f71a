"""`--set path=value`: what it changes, what it adds, and what it cannot reach."""

from __future__ import annotations

import pytest
from spec_texts import SEARCH, write_spec

from lenetml.errors import UsageError
from lenetml.spec import check_spec, load_spec
from lenetml.spec.nodes import Span, find, plain
from lenetml.spec.overrides import apply_overrides
from lenetml.spec.source import parse


def changed(text: str, *overrides: str):
    root, complaints = apply_overrides(parse(text)[0], overrides)
    assert complaints == []
    return plain(root)


@pytest.mark.parametrize(
    ("text", "override", "expected"),
    [
        ("a: 1", "a=2", {"a": 2}),
        ("a: 1", "b=2", {"a": 1, "b": 2}),
        ("a: {b: 1}", "a.b=x", {"a": {"b": "x"}}),
        ("a: {b: 1}", "a.c.d=[1, 2]", {"a": {"b": 1, "c": {"d": [1, 2]}}}),
        ("a: [1, 2]", "a.1=3", {"a": [1, 3]}),
        ("a: [{b: 1}]", "a.0.b={c: 3}", {"a": [{"b": {"c": 3}}]}),
        ("a:", "a.b=1", {"a": {"b": 1}}),
        ("{}", "a=1", {"a": 1}),
        ("a: 1", "a=", {"a": None}),
        ("a: 1", "a={}", {"a": {}}),
        ("a: 1", "a=x=y", {"a": "x=y"}),
        ("a: 1", 'a="2"', {"a": "2"}),
        ("a: 1", "a=1e-3", {"a": 0.001}),
        ("a: 1", "a=no", {"a": "no"}),
        ("a: 1", "a=2 # two", {"a": 2}),
        ("a: {1: x}", "a.1=y", {"a": {"1": "y"}}),
        ("a: [flatten]", "a.0.flatten.when=true", {"a": [{"flatten": {"when": True}}]}),
        ("a: [dropout: ]", "a.0.dropout.rate=0.5", {"a": [{"dropout": {"rate": 0.5}}]}),
    ],
)
def test_a_value_is_set(text, override, expected):
    assert changed(text, override) == expected


def test_the_last_one_counts_and_later_ones_see_earlier_ones():
    assert changed("a: 1", "a=2", "a=3") == {"a": 3}
    assert changed("a: 1", "b.c=2", "b.d=3") == {"a": 1, "b": {"c": 2, "d": 3}}


def test_what_was_set_has_the_option_as_its_place_and_the_rest_its_own():
    root, _ = apply_overrides(parse("a: 1\nb: {c: [2]}")[0], ["b.c={d: [3]}"])
    for path in (("b", "c"), ("b", "c", "d"), ("b", "c", "d", 0)):
        _, node, is_there = find(root, path)
        assert is_there
        assert node.span == Span(origin="--set b.c")
    assert find(root, ("a",))[1].span == Span(1, 4, 1)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("a.1=2", "there is no 1 to be set there"),
        ("a.-1=2", "there is no -1 to be set there"),
        ("a.x=2", "there is no x to be set there"),
        ("a.²=2", "there is no ² to be set there"),
        (f"a.{'9' * 5000}=2", f"there is no {'9' * 57}... to be set there"),
        ("b.c=2", "there is no c to be set there"),
        ("b=.nan", ".nan is not a number that a spec may hold"),
        ("b={c: 1", "a comma or a closing } is missing"),
        ("b=*c", "aliases are not allowed: *c"),
        ('b="\\0"', "the character U+0000 is not allowed in a spec"),
        ("b=\udcff", "the character U+DCFF is not allowed in a spec"),
        ("b=" + "[" * 99, "nested deeper than 50 levels"),
    ],
)
def test_what_cannot_be_set_changes_nothing(override, message):
    root, _ = parse("a: [1]\nb: 2")
    same, [complaint] = apply_overrides(root, [override])
    assert same is root
    assert complaint.message == message
    assert complaint.span.origin.startswith("--set ")


@pytest.mark.parametrize("override", ["", "a", "=1", "a..b=1", ".a=1", "a.=1"])
def test_what_is_no_path_and_value_is_wrong_usage(override):
    with pytest.raises(UsageError) as caught:
        apply_overrides(parse("a: 1")[0], [override])
    assert str(caught.value) == (
        f"--set {override}: this is no path=value\n    such as --set training.epochs=5"
    )


def test_a_spec_is_checked_as_it_was_changed(tmp_path):
    path = write_spec(tmp_path)
    assert load_spec(path, ["training.epochs=7"]).document.training.epochs == 7
    spec, problems = check_spec(path, ["training.epochs=0", "seed=0"])
    assert spec is None
    assert sorted(map(str, problems)) == [
        "--set seed: seed must be at least 1\n    found: 0",
        "--set training.epochs: epochs of training must be at least 1\n    found: 0",
    ]


def test_an_empty_file_may_be_filled(tmp_path):
    path = tmp_path / "empty.yaml"
    path.write_text("# nothing yet\n")
    overrides = ["name=x", "data.dataset=digits", "architecture=[flatten]", "training.epochs=1"]
    assert load_spec(path, overrides).document.name == "x"


def test_overrides_are_not_for_baselines(tmp_path):
    write_spec(tmp_path, "baseline")
    path = write_spec(tmp_path, search=SEARCH | {"baseline": "baseline.yaml"})
    spec = load_spec(path, ["training.epochs=7"])
    assert spec.overrides == ("training.epochs=7",)
    assert spec.baselines[0].document.training.epochs == 1
    _, problems = check_spec(path, ["seed=2"])
    assert [problem.message for problem in problems] == ["baseline.yaml has another seed"]
