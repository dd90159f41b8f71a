"""The folder of a run, and the looks at test parts beside it."""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path

import pytest

from lenetml.errors import FolderError
from lenetml.folder import commit, drop_leftovers, make_ready, note_look, open_folder
from lenetml.record import read_record, write_record
from lenetml.search.journal import JOURNAL_NAME, Journal

CASES = Path(__file__).parent / "cases"
SHA256 = "0123456789abcdef" * 4
NAME = "net-01234567"
START_OVER = "lenetml run net.yaml --fresh"
MOMENT = "2026-01-31T12:00:00+00:00"


SPEC = "name: net\n"


def open_net(out, fresh=False, text=SPEC, reuse=False):
    return open_folder(out, "net", SHA256, text, START_OVER, fresh=fresh, reuse=reuse)


def begin(out, text=SPEC):
    """A folder as a run that began leaves it."""
    folder = open_net(out, text=text)
    make_ready(folder.path, text)
    return folder


def finish(folder):
    """Make of an open folder one of a finished run."""
    record = read_record(CASES)
    search = record.search.model_copy(update={"continuations": []})
    record = record.model_copy(update={"spec_sha256": SHA256, "search": search})
    make_ready(folder.path)
    with Journal(folder.path / JOURNAL_NAME) as journal:
        journal.append("search_started", spec_sha256=SHA256)
    commit(folder.path, record)
    return record


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def refusal(out, fresh=False):
    with pytest.raises(FolderError) as caught:
        open_net(out, fresh)
    return str(caught.value)


def test_a_new_folder(tmp_path):
    out = tmp_path / "deep" / "runs"
    folder = open_net(out)
    assert folder.path == out / NAME
    assert folder.record is None
    # Whoever finds it knows by the spec that it is one of lenetml's.
    assert files(out) == [NAME, f"{NAME}/spec.yaml"]
    make_ready(folder.path)
    made = ("pending", "predictions", "spec.yaml", "states", "weights")
    assert files(out) == [NAME, *(f"{NAME}/{name}" for name in made)]
    assert (folder.path / "spec.yaml").read_text() == SPEC


def test_where_the_files_of_a_trial_are(tmp_path):
    folder = open_net(tmp_path)
    assert folder.trial_file("weights", 7) == folder.path / "weights" / "trial-007.npz"
    assert folder.trial_file("predictions", 1000).name == "trial-1000.npz"
    assert folder.file("states", "trial-007-2") == folder.path / "states" / "trial-007-2.npz"


def test_an_empty_folder_is_as_good_as_none(tmp_path):
    (tmp_path / NAME).mkdir()
    assert open_net(tmp_path).record is None


def test_a_finished_run_is_found_and_not_touched(tmp_path):
    record = finish(open_net(tmp_path))
    before = files(tmp_path)
    assert open_net(tmp_path, text="name: net\n# mended\n").record == record
    assert files(tmp_path) == before
    assert (tmp_path / NAME / "spec.yaml").read_text() == "name: net\n"


def test_an_unfinished_run_is_found_as_it_is(tmp_path):
    folder = begin(tmp_path)
    folder.pending.rmdir()
    with Journal(folder.path / JOURNAL_NAME) as journal:
        journal.append("search_started", spec_sha256=SHA256)
    (folder.path / "weights" / "trial-001.npz").write_bytes(b"weights")
    before = files(tmp_path)
    found = open_net(tmp_path, text="name: net\n# mended\n")
    assert (found.path, found.record) == (folder.path, None)
    assert files(tmp_path) == before
    # It may still be refused, and the spec is that of the life before.
    assert (tmp_path / NAME / "spec.yaml").read_text() == SPEC
    make_ready(folder.path, "name: net\r\n# mended\r\n")
    assert (tmp_path / NAME / "spec.yaml").read_bytes() == b"name: net\r\n# mended\r\n"


def test_an_unfinished_run_of_another_spec_is_refused_and_not_touched(tmp_path):
    folder = open_net(tmp_path)
    with Journal(folder.path / JOURNAL_NAME) as journal:
        journal.append("search_started", spec_sha256="f" * 64)
    before = files(tmp_path)
    assert refusal(tmp_path).startswith(f"{tmp_path / NAME} holds a run of another spec\n")
    assert files(tmp_path) == before


def test_a_damaged_journal_is_named_and_not_touched(tmp_path):
    path = open_net(tmp_path).path / JOURNAL_NAME
    with Journal(path) as journal:
        journal.append("search_started", spec_sha256=SHA256)
        journal.append("asked", trial=1)
    path.write_bytes(path.read_bytes().replace(b"started", b"stopped"))
    before = path.read_bytes()
    assert refusal(tmp_path).startswith(f"{path}:1: this line is damaged\n")
    assert path.read_bytes() == before


def test_a_finished_run_is_made_ready_to_go_on(tmp_path):
    folder = open_net(tmp_path)
    record = finish(folder)
    drop_leftovers(folder.path, record)
    finished = ["journal.jsonl", "predictions", "record.json", "spec.yaml"]
    assert files(folder.path) == finished
    make_ready(folder.path, "name: net\n# more trials\n")
    assert files(folder.path) == sorted([*finished, "pending", "states", "weights"])
    assert (folder.path / "spec.yaml").read_text() == "name: net\n# more trials\n"


@pytest.mark.parametrize(
    ("is_sealed", "ended", "left"),
    [
        (False, "trials", set()),
        (False, "exhausted", set()),
        (True, "trials", {"weights"}),
        # With more time, any trial may go on or win.
        (False, "time_limit", {"weights", "states"}),
        (True, "time_limit", {"weights", "states"}),
    ],
)
def test_what_only_the_search_needed_is_dropped(tmp_path, is_sealed, ended, left):
    path = open_net(tmp_path).path
    record = finish(open_net(tmp_path))
    search = record.search.model_copy(update={"ended": ended})
    changes = {"search": search, "test": None if is_sealed else record.test}
    drop_leftovers(path, record.model_copy(update=changes))
    assert set(files(path)) - {"journal.jsonl", "record.json"} == {
        "predictions", "spec.yaml", *left,
    }  # fmt: skip


def test_nothing_is_dropped_where_the_search_went_on_behind_the_record(tmp_path):
    path = open_net(tmp_path).path
    record = finish(open_net(tmp_path))
    with Journal(path / JOURNAL_NAME) as journal:
        journal.append("search_continued")
    before = files(path)
    drop_leftovers(path, record)
    assert files(path) == before


OLD = {"model.keras": b"old", "predictions/test.npz": b"old"}
NEW = {"model.keras": b"new", "predictions/test.npz": b"new", "predictions/test-seed-1.npz": b"new"}


class Kill(BaseException):
    """Ends a life at once."""


@pytest.fixture
def renewed(tmp_path):
    """A finished run whose next life has its files ready, and the record that tells of them."""
    folder = begin(tmp_path)
    record = finish(folder)
    make_ready(folder.path)
    for name, content in OLD.items():
        (folder.path / name).write_bytes(content)
    for name, content in NEW.items():
        (folder.pending / Path(name).name).write_bytes(content)
    return folder, record, record.model_copy(update={"command": "lenetml run again"})


def shown(folder):
    """What a life finds: the record, and the files of the winner."""
    record = open_net(folder.path.parent).record
    assert not folder.pending.exists()
    names = [name for name in NEW if (folder.path / name).exists()]
    return record, {name: (folder.path / name).read_bytes() for name in names}


def test_files_of_the_winner_come_with_the_record_that_tells_of_them(renewed):
    folder, _, new = renewed
    commit(folder.path, new)
    assert read_record(folder.path) == new
    assert shown(folder) == (new, NEW)


def test_files_whose_record_never_came_are_dropped(renewed):
    folder, old, _ = renewed
    assert shown(folder) == (old, OLD)


def test_files_of_a_first_life_whose_record_never_came_are_dropped(tmp_path):
    folder = begin(tmp_path)
    (folder.pending / "test-seed-2.npz").write_bytes(b"of a life with more seeds")
    assert shown(folder) == (None, {})


@pytest.mark.parametrize("n_replaced", range(5))
def test_a_life_cut_short_as_it_keeps_its_record_keeps_all_or_nothing(
    renewed, monkeypatch, n_replaced
):
    folder, old, new = renewed
    left, replace = iter(range(n_replaced)), Path.replace

    def replace_some(path, target):
        if next(left, None) is None:
            raise Kill
        return replace(path, target)

    with monkeypatch.context() as patch, pytest.raises(Kill):
        patch.setattr(Path, "replace", replace_some)
        commit(folder.path, new)
    assert shown(folder) == ((new, NEW) if n_replaced else (old, OLD))


def test_starting_over_reuses_a_run_whose_record_waits(tmp_path):
    folder = begin(tmp_path)
    record = finish(folder)
    folder.pending.mkdir()
    (folder.path / "record.json").replace(folder.pending / "record.json")
    assert open_net(tmp_path, fresh=True, reuse=True).record == record


def test_a_journal_that_is_gone_is_damage(tmp_path):
    path = open_net(tmp_path).path
    finish(open_net(tmp_path))
    (path / JOURNAL_NAME).unlink()
    assert refusal(tmp_path).startswith(f"{path / JOURNAL_NAME} is gone, and the record is there")


def test_a_folder_that_was_cut_short_before_its_spec_is_new(tmp_path):
    path = tmp_path / NAME
    path.mkdir()
    (path / ".spec.yaml.4711").write_text("name")
    assert open_net(tmp_path).record is None


@pytest.mark.parametrize("fresh", [False, True])
def test_a_run_that_goes_on_is_refused_and_not_touched(tmp_path, fresh):
    folder = open_net(tmp_path)
    with Journal(folder.path / JOURNAL_NAME):
        before = files(tmp_path)
        assert refusal(tmp_path, fresh) == (
            f"{tmp_path / NAME} is in use\n"
            "    another lenetml writes there; wait until it ends, or give --out"
        )
        assert files(tmp_path) == before


def test_something_else_is_refused_and_not_touched(tmp_path):
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / "thesis.odt").write_text("years of work")
    message = f"{tmp_path / NAME} holds something else\n    move it away, or give --out"
    assert refusal(tmp_path) == message
    assert files(tmp_path) == [NAME, f"{NAME}/thesis.odt"]


def test_a_run_of_another_spec_is_refused(tmp_path):
    folder = open_net(tmp_path)
    write_record(read_record(CASES), folder.path)
    assert refusal(tmp_path) == (
        f"{tmp_path / NAME} holds a run of another spec\n"
        "    give --out for another folder of runs\n"
        "    or start over and keep it under another name: lenetml run net.yaml --fresh"
    )


def test_a_damaged_record_is_named(tmp_path):
    folder = open_net(tmp_path)
    (folder.path / "record.json").write_text("{}")
    assert refusal(tmp_path).startswith(f"{folder.path / 'record.json'} is damaged: ")


@pytest.mark.parametrize("fresh", [False, True])
def test_a_file_in_the_way(tmp_path, fresh):
    (tmp_path / NAME).write_text("a file")
    assert refusal(tmp_path, fresh) == (
        f"{tmp_path / NAME} is not a folder of lenetml\n    move it away, or give --out"
    )
    assert (tmp_path / NAME).read_text() == "a file"


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize("target", ["elsewhere", "nowhere"])
def test_a_link_is_not_followed(tmp_path, target, fresh):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / NAME).symlink_to(tmp_path / target)
    assert refusal(tmp_path, fresh) == (
        f"{tmp_path / NAME} is not a folder of lenetml\n    move it away, or give --out"
    )
    assert files(tmp_path / "elsewhere") == []


def test_the_folder_of_all_runs_is_a_file(tmp_path):
    (tmp_path / "runs").write_text("a file")
    path = tmp_path / "runs" / NAME
    assert (
        refusal(tmp_path / "runs") == f"{path} cannot be used: Not a directory\n    give --out DIR"
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
def test_the_folder_of_all_runs_is_read_only(tmp_path):
    (tmp_path / "runs").mkdir(mode=0o555)
    path = tmp_path / "runs" / NAME
    message = f"{path} cannot be used: Permission denied\n    give --out DIR"
    assert refusal(tmp_path / "runs") == message


def test_starting_over_keeps_every_old_folder(tmp_path):
    for text in ("first", "second", "third"):
        folder = open_net(tmp_path, fresh=True, text=text)
        assert folder.path == tmp_path / NAME
        assert folder.record is None
        finish(folder)
    kept = {path.name: (path / "spec.yaml").read_text() for path in tmp_path.iterdir()}
    assert kept == {f"{NAME}.old-1": "first", f"{NAME}.old-2": "second", NAME: "third"}


def test_starting_over_may_reuse_what_is_finished_and_nothing_else(tmp_path):
    open_net(tmp_path)
    assert open_net(tmp_path, fresh=True, reuse=True).record is None
    assert files(tmp_path)[0] == NAME
    assert (tmp_path / f"{NAME}.old-1").is_dir()
    record = finish(open_net(tmp_path, fresh=True, reuse=True))
    before = files(tmp_path)
    assert open_net(tmp_path, fresh=True, reuse=True).record == record
    assert files(tmp_path) == before


NUMBERS = itertools.count()


def look(out, fingerprint="aa", winner=1, identity=None):
    identity = identity or f"look-{next(NUMBERS)}"
    return note_look(out, identity, fingerprint, NAME, winner, MOMENT)


def test_a_look_that_is_noted_stays_the_same(tmp_path):
    numbers = [look(tmp_path, identity=identity) for identity in ("a", "b", "a", "b", "c")]
    assert numbers == [1, 2, 1, 2, 3]
    assert len((tmp_path / "test-looks.jsonl").read_text().splitlines()) == 3


def test_looks_are_counted_for_each_test_part(tmp_path):
    assert [look(tmp_path, name) for name in ("aa", "bb", "aa", "aa", "bb")] == [1, 1, 2, 3, 2]


def test_a_look_is_one_line(tmp_path):
    look(tmp_path, winner=3, identity="it")
    look(tmp_path, "bb")
    lines = (tmp_path / "test-looks.jsonl").read_text().splitlines()
    assert len(lines) == 2
    assert json.loads(lines[0]) == {
        "id": "it", "fingerprint": "aa", "run": NAME, "winner": 3, "at": MOMENT, "look": 1,
    }  # fmt: skip


@pytest.mark.parametrize("torn", ["", "{", '{"fingerprint": "a', "\x00\xff", '"text"', "[1]", "7"])
@pytest.mark.parametrize("ending", ["", "\n"])
def test_a_torn_line_loses_no_other(tmp_path, torn, ending):
    path = tmp_path / "test-looks.jsonl"
    look(tmp_path)
    path.write_bytes(path.read_bytes() + (torn + ending).encode("latin-1"))
    assert look(tmp_path) == 2
    assert look(tmp_path) == 3
    assert path.read_bytes().count(b'"look": ') == 3


def test_a_look_that_cannot_be_noted(tmp_path):
    path = tmp_path / "test-looks.jsonl"
    path.mkdir()
    with pytest.raises(FolderError) as caught:
        look(tmp_path)
    assert str(caught.value) == (
        f"{path} cannot be written: Is a directory\n"
        "    the test part stays closed until the look at it is noted there"
    )


@pytest.mark.parametrize("name", ["record.json", "figures", "predictions/test.npz"])
def test_a_link_in_the_folder_is_refused(tmp_path, name):
    folder = open_folder(tmp_path, "net", "a" * 64, "name: net", START_OVER, fresh=False).path
    make_ready(folder)
    (tmp_path / "elsewhere").mkdir()
    (folder / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FolderError) as caught:
        open_folder(tmp_path, "net", "a" * 64, "name: net", START_OVER, fresh=False)
    assert str(caught.value) == f"{folder / name} is a link\n    a run's folder holds none"


def test_wandb_may_hold_links(tmp_path):
    folder = open_folder(tmp_path, "net", "a" * 64, "name: net", START_OVER, fresh=False).path
    (folder / "wandb").mkdir()
    (folder / "wandb" / "latest-run").symlink_to("nowhere")
    found = open_folder(tmp_path, "net", "a" * 64, "name: net", START_OVER, fresh=False)
    assert found.path == folder
