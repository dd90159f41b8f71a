"""The record: whole or not there, and as its schema says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from lenetml.errors import FolderError
from lenetml.files import write_atomically
from lenetml.record import (
    RECORD_NAME,
    Record,
    read_record,
    record_schema,
    write_record,
)

CASES = Path(__file__).parent / "cases"


@pytest.fixture
def record():
    return read_record(CASES)


def test_what_is_written_is_read(record, tmp_path):
    write_record(record, tmp_path)
    assert read_record(tmp_path) == record
    assert [file.name for file in tmp_path.iterdir()] == [RECORD_NAME]


def test_the_file_is_plain_json(record, tmp_path):
    write_record(record, tmp_path)
    text = (tmp_path / RECORD_NAME).read_text(encoding="utf-8")
    assert text.endswith("}\n")
    assert Record(**json.loads(text)) == record


def test_the_schema_is_one_and_accepts_a_record(record):
    schema = json.loads(record_schema())
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator(schema).validate(record.model_dump(mode="json"))


@pytest.mark.parametrize("name", ["record", "record-more", "record-sealed"])
def test_hand_made_records_are_as_the_schema_says_and_read_whole(name):
    document = json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))
    Draft202012Validator(json.loads(record_schema())).validate(document)
    assert Record(**Record(**document).model_dump(mode="json")) == Record(**document)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"extra": 1}, "Additional properties are not allowed ('extra' was unexpected)"),
        ({"seed": "42"}, "'42' is not of type 'integer'"),
        ({"status": "done"}, "'done' is not one of ['completed', 'interrupted']"),
        ({"format": 2}, "1 was expected"),
    ],
)
def test_the_schema_refuses(record, change, message):
    document = record.model_dump(mode="json") | change
    errors = list(Draft202012Validator(json.loads(record_schema())).iter_errors(document))
    assert [error.message for error in errors] == [message]


def test_the_schema_asks_for_every_fact(record):
    required = json.loads(record_schema())["required"]
    assert set(required) == set(record.model_dump()) - {
        "format", "earlier_tests", "pictures", "spec_commit",
    }  # fmt: skip


def test_no_record(tmp_path):
    with pytest.raises(FolderError) as caught:
        read_record(tmp_path)
    path = tmp_path / RECORD_NAME
    assert str(caught.value) == f"{path} is not there\n    a finished run has one"


@pytest.mark.parametrize(
    ("damage", "note"),
    [
        (lambda text: text[: len(text) // 2], "the file: Invalid JSON: EOF while parsing"),
        (lambda text: text.replace('"format": 1', '"format": 2'), "format: Input should be 1"),
        (lambda text: text.replace('"seed"', '"sead"', 1), "seed: Field required"),
        (lambda text: "[]", "the file: Input should be an object"),
    ],
)
def test_a_damaged_record(tmp_path, damage, note):
    path = tmp_path / RECORD_NAME
    path.write_text(damage((CASES / RECORD_NAME).read_text()))
    with pytest.raises(FolderError) as caught:
        read_record(tmp_path)
    assert caught.value.message.startswith(f"{path} is damaged: {note}")
    assert "start over with --fresh" in caught.value.notes[0]


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "file"
    write_atomically(path, b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_written(tmp_path):
    path = tmp_path / "file"
    path.mkdir()
    with pytest.raises(FolderError) as caught:
        write_atomically(path, b"new")
    assert str(caught.value) == f"{path} cannot be written: Is a directory"
    assert list(tmp_path.iterdir()) == [path]


def test_a_fault_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    write_atomically(path, b"old")
    with pytest.raises(TypeError):
        write_atomically(path, "not bytes")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
