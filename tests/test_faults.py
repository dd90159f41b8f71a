"""Real runs that meet a full disk, a lack of memory, and another run in their folder."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest
from killing import command, comparable, run_to_the_end, the_record, wait_for_events, write_spec
from killing import start as start_run

from lenetml.search.journal import JOURNAL_NAME, read_journal

pytestmark = pytest.mark.slow

TOO_LARGE = """\
name: greedy
data: {dataset: digits, split: {train: 300, val: 150, test: 150}}
search_space: {units: {values: [4, 1000000]}}
architecture: [flatten, dense: {units: $units}, dense: {units: $units}]
training: {epochs: 1}
search: {strategy: grid}
energy: false
"""


def run_with_limit(folder, out, name, n_bytes):
    """A life under a limit of the system, which stands for a full disk or little memory."""
    soft, hard = resource.getrlimit(getattr(resource, name))
    resource.setrlimit(getattr(resource, name), (n_bytes, hard))
    try:
        return subprocess.run(
            command(folder, out, 1), capture_output=True, text=True, timeout=240, check=False
        )
    finally:
        resource.setrlimit(getattr(resource, name), (soft, hard))


def test_a_full_disk_ends_a_run_plainly_and_it_goes_on_with_more_room(tmp_path):
    write_spec(tmp_path)
    whole = run_to_the_end(tmp_path, tmp_path / "whole", workers=0)
    out = tmp_path / "full"
    # Room for some trials: the journal grows by some kB with each.
    life = run_with_limit(tmp_path, out, "RLIMIT_FSIZE", 12_000)
    assert life.returncode == 1, life.stderr
    assert "Traceback" not in life.stderr
    assert " cannot be written: File too large" in life.stderr
    [path] = out.glob(f"*/{JOURNAL_NAME}")
    n_ended = sum(event["event"] == "trial_ended" for event in read_journal(path))
    assert n_ended > 0
    assert comparable(run_to_the_end(tmp_path, out, workers=0)) == comparable(whole)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds RLIMIT_AS")
def test_exhausted_memory_fails_one_trial_alone(tmp_path):
    (tmp_path / "spec.yaml").write_text(TOO_LARGE)
    # The second layer wants 4 TB; with the limit no machine tries to hand that out.
    life = run_with_limit(tmp_path, tmp_path / "out", "RLIMIT_AS", 2**40)
    assert life.returncode == 0, life.stderr
    record = the_record(tmp_path / "out")
    assert [trial.status for trial in record.trials] == ["completed", "failed"]
    assert record.trials[1].reason == "out_of_memory"
    assert record.best.number == 1


def test_a_second_run_in_the_same_folder_is_refused_and_the_first_goes_on(tmp_path):
    write_spec(tmp_path)
    out = tmp_path / "out"
    first = start_run(tmp_path, out)
    assert wait_for_events(first, out, 1)
    second = start_run(tmp_path, out)
    said, _ = second.communicate(timeout=60)
    assert second.returncode == 1
    assert f" is in use\n    the lenetml of process {first.pid} writes there; " in said
    first.communicate(timeout=240)
    assert first.returncode == 0
