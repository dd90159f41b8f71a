"""Strict YAML: what is read, what is refused, and where each thing stands."""

from __future__ import annotations

import pytest

from lenetml.spec.nodes import Mapping, Sequence, Span, find, plain
from lenetml.spec.source import MAX_BYTES, MAX_VALUES, decode, parse, split_lines


def read(text: str):
    node, complaints = parse(text)
    assert [complaint.message for complaint in complaints] == []
    return plain(node)


def complaints_of(text: str) -> list[str]:
    """Place and message of each complaint."""
    return [f"{it.span.line}:{it.span.column} {it.message}" for it in parse(text)[1]]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("+1", 1),
        ("-0", 0),
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("1e-3", 0.001),
        ("1.", 1.0),
        (".5", 0.5),
        ("-1.5E+2", -150.0),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("2026-01-31", "2026-01-31"),
        ("true", True),
        ("FALSE", False),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("null", None),
        ("~", None),
        ("", None),
        ('"8"', "8"),
        ("'true'", "true"),
        ("0.1.2", "0.1.2"),
        ("=", "="),
    ],
)
def test_single_values_are_those_of_yaml_1_2(text, value):
    found = read(f"a: {text}")["a"]
    assert found == value
    assert type(found) is type(value)


def test_keys_are_texts_however_they_look():
    text = "{on: 1, 2: 2, true: 3, null: 4, 1.5: 5, '': 6}"
    assert list(read(text)) == ["on", "2", "true", "null", "1.5", ""]


def test_json_is_read():
    assert read('{"a": [1, "b", {"c":null}]}') == {"a": [1, "b", {"c": None}]}


def test_texts_over_several_lines():
    assert read("a: >-\n  one\n  two\nb: |\n  three\n") == {"a": "one two", "b": "three\n"}


def test_every_key_and_value_knows_its_place():
    root, _ = parse("a: 1\nbc:\n  - x\n  - {de: [4]}\n")
    assert isinstance(root, Mapping)
    assert find(root, ("bc",))[0] == Span(2, 1, 2)
    assert find(root, ("bc", 0))[1].span == Span(3, 5, 1)
    key, node, is_there = find(root, ("bc", 1, "de"))
    assert (key, is_there) == (Span(4, 6, 2), True)
    assert isinstance(node, Sequence)
    assert find(root, ("bc", 1, "de", 0))[1].span == Span(4, 11, 1)


@pytest.mark.parametrize("path", [("b",), ("a", "b"), ("c", 1), ("c", "0")])
def test_the_nearest_place_is_found_where_the_path_ends_early(path):
    root, _ = parse("a: 1\nc: [2]\n")
    span, _, is_there = find(root, path)
    assert not is_there
    assert span.line == (1 if path[0] != "c" else 2)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_as_editors_do(end):
    text = end.join(["a: 1", "b: .nan", ""])
    assert complaints_of(text) == ["2:4 .nan is not a number that a spec may hold"]
    assert split_lines(text) == ["a: 1", "b: .nan", ""]


def test_all_that_is_refused_is_told_at_once():
    text = "a: &x 1\nb: *x\na: !!str 2\nc: {<<: {}}\nd: -.inf\n"
    assert complaints_of(text) == [
        "1:4 anchors are not allowed: &x",
        "2:4 aliases are not allowed: *x",
        "3:4 tags are not allowed: !!str",
        '3:1 "a" stands twice',
        "4:5 merges are not allowed: <<",
        "5:4 -.inf is not a number that a spec may hold",
    ]


def test_aliases_are_refused_before_they_can_multiply():
    names = "abcdefghijklmnopqrstuvwxyz"
    lines = ["a: &a [x, x]"]
    for before, name in zip(names, names[1:], strict=False):
        lines.append(f"{name}: &{name} [*{before}, *{before}]")
    node, complaints = parse("\n".join(lines))
    assert plain(node)["z"] == [None, None]
    assert {it.message.split()[0] for it in complaints} == {"anchors", "aliases"}


@pytest.mark.parametrize("brackets", ["[]", "{a: }"])
def test_deep_nesting_is_refused_where_it_becomes_too_deep(brackets):
    opening, closing = brackets[:-1], brackets[-1]
    node, complaints = parse("a: " + opening * 5000 + closing * 5000)
    assert node is None
    assert complaints[-1].message == "nested deeper than 50 levels"


def test_fifty_levels_are_not_too_deep():
    assert complaints_of("[" * 50 + "]" * 50) == []
    assert complaints_of("[" * 51 + "]" * 51) == ["1:51 nested deeper than 50 levels"]


def test_more_values_than_anyone_writes_are_refused():
    assert complaints_of("[" + "1," * (MAX_VALUES - 1) + "]") == []
    node, complaints = parse("[" + "1," * MAX_VALUES + "]")
    assert node is None
    assert [it.message for it in complaints] == ["more than 20,000 keys and values"]


def test_a_large_file_is_refused_before_it_is_read():
    text, complaints = decode(b"x" * (MAX_BYTES + 1))
    assert text == ""
    assert [it.message for it in complaints] == ["the file is larger than 1 MB; a spec is a few kB"]
    assert decode(b"x" * MAX_BYTES) == ("x" * MAX_BYTES, [])


@pytest.mark.parametrize(
    ("content", "line", "column", "byte"),
    [
        (b"a: \xff\n", 1, 4, "FF"),
        (b"a: \xc3\xa9\nb: \xc3\n", 2, 4, "C3"),
        ("a: 1".encode("utf-16"), 1, 1, "FF"),
    ],
)
def test_other_encodings_are_refused_with_the_place(content, line, column, byte):
    _, [complaint] = decode(content)
    assert complaint.message == "this is not UTF-8"
    assert (complaint.span.line, complaint.span.column) == (line, column)
    assert complaint.notes == (f"found: the byte {byte}; save the file as UTF-8",)


def test_a_byte_order_mark_at_the_start_is_no_character():
    text, complaints = decode("\ufeffa: 1".encode())
    assert (text, complaints) == ("a: 1", [])
    assert complaints_of("\ufeffa: 1") == ["1:1 the character U+FEFF is not allowed in a spec"]


@pytest.mark.parametrize(
    "character",
    [*"\0\x07\x1b\x7f\x85\u061c\u200b\u200e\u2028\u202a\u202e\u2066\u2069\ufffe", "\ud800"],
)
def test_characters_that_cannot_be_seen_are_refused_as_such_and_as_escapes(character):
    code = f"{ord(character):04X}"
    message = f"the character U+{code} is not allowed in a spec"
    assert complaints_of(f"a: b{character}c") == [f"1:5 {message}"]
    assert complaints_of(f'a: "b\\u{code}c"') == [f"1:4 {message}"]


def test_a_carriage_return_may_not_come_in_as_an_escape():
    assert complaints_of('a: "b\\rc"') == ["1:4 the character U+000D is not allowed in a spec"]


@pytest.mark.parametrize("text", ["é", "数字", "😀", "👩\u200d💻", "a\u00a0b"])
def test_other_characters_are_read(text):
    assert read(f"a: {text}") == {"a": text}


def test_numbers_that_python_would_not_read_are_refused():
    assert complaints_of("a: " + "9" * 5000) == [f"1:4 {'9' * 21}... has too many digits"]
    assert complaints_of("a: 0x" + "f" * 16) == ["1:4 0xffffffffffffffff has too many digits"]
    assert complaints_of("a: 000000000000000000001") == []
    assert complaints_of("a: 1e999") == ["1:4 1e999 is too large for a number"]


def test_numbers_that_are_read_as_escapes_or_versions_are_refused():
    assert complaints_of('a: "\\UFFFFFFFF"') == ["1:5 this escape stands for no character"]
    assert complaints_of(f"%YAML {'9' * 5000}.1\n---\na: 1") == ["1:1 this is not YAML"]


def test_an_empty_text_is_an_empty_mapping():
    for text in ("", "\n", "# nothing\n"):
        assert read(text) == {}


def test_a_comment_without_space_behind_a_plain_text_is_worth_a_warning():
    _, complaints = parse("title: LeNet #5\nepochs: 5 #five\nname: 'a' #b\n")
    assert [(it.message, it.severity, it.span) for it in complaints] == [
        ('"#5" is a comment here, not part of the text', "warning", Span(1, 14, 2))
    ]
