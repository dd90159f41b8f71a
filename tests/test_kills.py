"""Real runs, killed at random moments, that end as if nothing had happened.

More of the same by hand: `python tests/killing.py 200`.
"""

from __future__ import annotations

import random
import time

import psutil
import pytest
from killing import (
    comparable,
    kill_until_done,
    no_trial_ended_twice,
    run_to_the_end,
    start,
    wait_for_events,
    workers_of,
    write_spec,
)

pytestmark = pytest.mark.slow


def test_a_run_killed_at_random_moments_ends_as_the_one_that_was_not(tmp_path):
    write_spec(tmp_path)
    whole = run_to_the_end(tmp_path, tmp_path / "whole")
    out = tmp_path / "killed"
    kinds = kill_until_done(tmp_path, out, random.Random(3), most_kills=4)
    assert kinds
    assert comparable(run_to_the_end(tmp_path, out)) == comparable(whole)
    assert no_trial_ended_twice(out)


def test_workers_leave_with_their_driver(tmp_path):
    write_spec(tmp_path)
    life = start(tmp_path, tmp_path / "out")
    assert wait_for_events(life, tmp_path / "out", 5)
    deadline = time.monotonic() + 60
    while len(workers := workers_of(life.pid)) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    life.kill()
    life.communicate()
    gone, alive = psutil.wait_procs(workers, timeout=20)
    assert len(gone) == 2 and not alive
