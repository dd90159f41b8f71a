"""Whatever a file holds: a spec, or problems whose places lie inside the file; no traceback."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lenetml.errors import UsageError
from lenetml.spec import check_spec
from lenetml.spec.domains import corners, is_active
from lenetml.spec.nodes import plain
from lenetml.spec.problems import as_annotation, as_json, as_summary
from lenetml.spec.source import parse, split_lines

HERE = Path(__file__).parent
TEXTS = [
    path.read_text(encoding="utf-8")
    for folder in (HERE.parent / "specs", HERE / "cases" / "valid")
    for path in sorted(folder.glob("*.yaml"))
]
TOKEN = re.compile(r"\s+|\w+|[^\w\s]")
WORDS = sorted({word for text in TEXTS for word in TOKEN.findall(text)})
ODD = [
    "$", "$u", "$u.0", "${u}", "$u[0]", "-1", "0", "0.5", "65", "1e999", "9" * 20, ".nan", "true",
    "null", "~", "on", "[]", "{}", "[[1, 2], [3, 4]]", "{a: {b: c}}", "{u: 1}", '"', "'", "&a",
    "*a", "!!x", "<<: *a", "? ", "|", ">", "\t", "\n", "\n  ", "- ", "---", "%", "@", "\r", "é",
    "\u202e", '"\\ud800"', '"\\0"', "²", "repeat", "layers", "times", "when", "layer", " #x",
    "[$u, 3]", "$u.each", ".each", ".0", "q", "q: 0.1", "q: 1e-300", "distribution",
    "log_uniform_values", "log_uniform", "normal", "when: {units: 8}", "{u.0: [1, 2]}",
    "{u.each: true}", "when: $u.each", "residual", "1e-17", "- repeat: {times: 64, layers: [",
]  # fmt: skip
SETS = [
    "training.epochs", "architecture.0", "architecture.1.flatten.when", "architecture.-1", "data",
    "search_space", "search_space.units.values", "search_space.units.when",
    "search_space.units.q", "search_space.units.distribution", "name",
    "architecture.0.conv2d.kernel_size.1",
]  # fmt: skip
PARTS = [
    {"values": [1, 2, 3]}, {"values": [True, False]}, {"values": [[1, "same"], [2, "valid"]]},
    {"min": 1, "max": 3}, {"min": 0, "max": 4, "q": 2}, {"min": 0.1, "max": 0.3, "q": 0.1},
    {"min": 0.1, "max": 0.4, "distribution": "log_uniform_values"}, {"value": 2},
    {"values": [1, 2], "when": {"units": 8}}, {"repeat": {"times": 2, "layers": ["flatten"]}},
    {"residual": {"layers": [{"conv2d": {"filters": 1, "kernel_size": 1}}]}}, True, 0, 1, 0.5, [],
    "sgd", "$units", "$units.each", "$units.0", "$depth", {}, [1, 2], [[1, 2]], None,
]  # fmt: skip
LIBRARY = re.compile(r"object at 0x|pydantic|Input should|Traceback|<class|Extra inputs")
UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")

PLACE = st.floats(0, 1, exclude_max=True)
EXCHANGE = st.tuples(PLACE, PLACE, st.none() | st.sampled_from(PARTS))
NEW = st.sampled_from(ODD) | st.sampled_from(WORDS)
EDIT = st.tuples(st.sampled_from(["delete", "double", "replace", "insert"]), PLACE, NEW)
LINE_EDIT = st.tuples(st.sampled_from(["delete", "double", "in", "out", "swap"]), PLACE, PLACE)

few = settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def edit_words(text: str, kind: str, place: float, new: str) -> str:
    words = TOKEN.findall(text) or [""]
    at = int(place * len(words))
    words[at : at + 1] = {
        "delete": [],
        "double": [words[at]] * 2,
        "replace": [new],
        "insert": [new, words[at]],
    }[kind]
    return "".join(words)


def edit_lines(text: str, kind: str, place: float, other: float) -> str:
    lines = text.split("\n")
    at, there = int(place * len(lines)), int(other * len(lines))
    if kind == "swap":
        lines[at], lines[there] = lines[there], lines[at]
    else:
        line = lines[at]
        lines[at : at + 1] = {
            "delete": [],
            "double": [line] * 2,
            "in": ["  " + line],
            "out": [line[2:]],
        }[kind]
    return "\n".join(lines)


def places_in(data: object) -> list[tuple[object, object]]:
    """Every container in plain data with each of its keys or positions, outer ones first."""
    if isinstance(data, dict):
        keys: list[object] = list(data)
    else:
        keys = list(range(len(data))) if isinstance(data, list) else []
    inner = [place for key in keys for place in places_in(data[key])]
    return [(data, key) for key in keys] + inner


def exchange(data: object, place: float, other: float, new: object) -> None:
    """Put one part of plain data in the place of another, or a new one."""
    if places := places_in(data):
        container, key = places[int(place * len(places))]
        source, source_key = places[int(other * len(places))]
        container[key] = copy.deepcopy(source[source_key] if new is None else new)


def as_bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def check_all(path: Path, content: bytes, overrides: list[str] = []) -> None:  # noqa: B006
    """Read a file and hold what comes of it against what is promised."""
    path.write_bytes(content)
    try:
        spec, problems = check_spec(path, overrides)
    except UsageError as error:
        assert str(error).startswith("--set ")
        return
    assert (spec is None) == any(problem.is_error for problem in problems)
    text = content.decode("utf-8-sig", errors="replace")
    lines = split_lines(text)
    for problem in problems:
        if not problem.span.origin:
            line = lines[problem.span.line - 1]
            assert 1 <= problem.span.line <= len(lines)
            assert 1 <= problem.span.column <= len(line) + 1
        # A message may quote what the file itself says.
        assert LIBRARY.search(text) or not LIBRARY.search(str(problem))
        assert len(problem.message) < 300
        for said in (problem.message, *problem.notes):
            assert not UNSEEN.search(said)
        json.dumps(as_json(problem)).encode()
        assert "\n" not in as_annotation(problem)
    assert as_summary(problems).count("\n") == 2 + len(problems)
    if spec is not None:
        for end in (0, -1):
            point: dict[str, object] = {}
            for name, domain in spec.space.items():
                if is_active(domain, point):
                    point[name] = corners(domain)[end]
            spec.concrete(point)
        form = spec.canonical()
        again, _ = check_spec(write_json(path.with_name("canonical.yaml"), form))
        assert again is not None
        assert again.canonical() == form
        assert again.result_hash("data") == spec.result_hash("data")


def write_json(path: Path, form: object) -> Path:
    path.write_text(json.dumps(form, ensure_ascii=False), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file beside the specs that others take for baselines."""
    folder = tmp_path_factory.mktemp("fuzz")
    for text in TEXTS:
        name = re.search(r'^\W*name"?: *"?([a-z0-9-]+)', text, re.MULTILINE)
        assert name is not None
        (folder / f"{name[1]}.yaml").write_text(text, encoding="utf-8")
    return folder / "case.yaml"


@few
@given(text=st.sampled_from(TEXTS), edits=st.lists(EDIT, min_size=1, max_size=4))
def test_words_that_are_changed(path, text, edits):
    for edit in edits:
        text = edit_words(text, *edit)
    check_all(path, as_bytes(text))


@few
@given(text=st.sampled_from(TEXTS), edits=st.lists(LINE_EDIT, min_size=1, max_size=4))
def test_lines_that_are_changed(path, text, edits):
    for edit in edits:
        text = edit_lines(text, *edit)
    check_all(path, text.encode())


@few
@given(text=st.sampled_from(TEXTS), name=st.sampled_from(SETS), value=NEW)
def test_options_that_change_anything(path, text, name, value):
    check_all(path, text.encode(), [f"{name}={value}"])


@few
@given(text=st.sampled_from(TEXTS), edits=st.lists(EXCHANGE, min_size=1, max_size=4))
def test_parts_that_are_exchanged(path, text, edits):
    root, _ = parse(text)
    data = plain(root)
    for edit in edits:
        exchange(data, *edit)
    check_all(path, json.dumps(data).encode())


@few
@given(words=st.lists(NEW, max_size=40))
def test_words_in_any_order(path, words):
    check_all(path, as_bytes("".join(words)))


@few
@given(content=st.binary(max_size=60) | st.text(max_size=60).map(as_bytes))
@example(content=b"\xef\xbb\xbf")
@example(content=b"%YAML 1.1\n---\n")
def test_anything_at_all(path, content):
    check_all(path, content)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("architecture: 5", "architecture must be a list"),
        ("architecture: [{repeat: {times: 2}}]", "repeat needs layers"),
        ("architecture: [{repeat: {layers: [flatten]}}]", "repeat needs times"),
        ("architecture: [{repeat: }]", "repeat needs times"),
        ("architecture: [{repeat: []}]", "repeat must be followed by its arguments"),
        ("architecture: [[flatten]]", "an item of an architecture must be a layer"),
        ("architecture: [{}]", "an item of an architecture must be a layer"),
        ("architecture: [{? {a: b} : 3}]", "a key must be a word"),
        ("search_space: [u]", "search_space must map names to domains"),
        ("search_space:", "search_space must map names to domains"),
        ("search_space: {$u: {value: 1}}", '"$u" cannot be a hyperparameter\'s name'),
        ("training: {epochs: 1, on: 2}", 'unknown key "on" in training'),
        ("training: {epochs: 0x7fffffff}", "epochs of training must be at most 1,000,000,000"),
        ("title: ''", "title must not be empty"),
        ('data: {path: "a\\0b"}', "the character U+0000 is not allowed in a spec"),
    ],
)
def test_odd_ones(path, text, message):
    path.write_text(text)
    _, problems = check_spec(path)
    assert message in [problem.message for problem in problems]
