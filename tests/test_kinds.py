"""Plain values: when they are the same, and how they are written."""

from __future__ import annotations

from lenetml.spec.kinds import identity, kind_of, written, written_whole


def test_true_is_no_number():
    assert identity(True) != identity(1)
    assert identity(0) != identity(False)
    assert identity([True, 2]) != identity([1, 2])
    assert identity(1) == identity(1.0)
    assert identity([1, ["a"]]) == identity([1.0, ["a"]])
    assert len({identity(value) for value in (True, 1, [1], [True], {"a": 1}, None, "1")}) == 7


def test_kinds():
    values = (True, 1, 1.0, "a", [1], None, {})
    kinds = ["boolean", "whole", "real", "text", "list", "nothing", "nothing"]
    assert [kind_of(value) for value in values] == kinds


def test_written_looks_like_yaml():
    assert written([1, 0.5, True, "a", "", None]) == '[1, 0.5, true, a, "", nothing]'
    assert written({"a": [1]}) == "{a: [1]}"
    assert written("a\nb") == "a\\nb"
    assert len(written(list(range(1000)))) == 80


def test_what_is_to_be_pasted_is_whole():
    assert len(written_whole(list(range(1000)))) == len(str(list(range(1000))))
