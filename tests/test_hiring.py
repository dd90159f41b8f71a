"""How many workers a run has, and of which kind."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from searches import spec_of

from lenetml.search.hiring import COPIES_OF_DATA, WORKER_BYTES, Hiring, hire, n_workers
from lenetml.search.local import LocalWorkers
from lenetml.search.strategy import n_side_by_side
from lenetml.search.workers import InProcess
from lenetml.trial.parts import Part, TrialParts

GIB = 2**30
DATA_BYTES = 47_040_000
PART = Part(np.zeros((4, 8, 8, 1), np.uint8), np.zeros(4, np.int64))
DATA = TrialParts(PART, PART, ("a", "b"), (8, 8, 1))


def workers(n_side_by_side=None, n_gpus=0, n_cores=8, memory_bytes=64 * GIB, data_bytes=DATA_BYTES):
    return n_workers(n_side_by_side, n_gpus, n_cores, memory_bytes, data_bytes)


def test_one_for_each_core():
    assert [workers(n_cores=cores) for cores in (1, 2, 16)] == [1, 2, 16]


def test_no_more_than_there_are_trainings():
    assert [workers(n) for n in (2, 3, 8, 100, None)] == [2, 3, 8, 8, 8]


def test_one_training_needs_no_process_of_its_own():
    assert workers(1) == workers(1, n_gpus=4) == 0


@pytest.mark.parametrize("data_bytes", [0, DATA_BYTES, 2 * GIB])
def test_as_many_as_memory_holds(data_bytes):
    # The driver has the data once.
    driver, worker = WORKER_BYTES + data_bytes, WORKER_BYTES + COPIES_OF_DATA * data_bytes
    found = [
        workers(memory_bytes=memory_bytes, data_bytes=data_bytes)
        for memory_bytes in (0, driver, driver + 2 * worker - 1, driver + 2 * worker)
    ]
    assert found == [1, 1, 1, 2]
    assert workers(memory_bytes=driver + 100 * worker, data_bytes=data_bytes) == 8


def test_a_laptop_holds_two_with_mnist():
    assert workers(n_cores=2, memory_bytes=4 * GIB) == 2


def test_one_for_each_gpu():
    assert workers(n_gpus=1) == 1
    assert workers(n_gpus=4, n_cores=2) == 4
    assert workers(3, n_gpus=4) == 3


@pytest.mark.parametrize(
    ("wanted", "n_trainings", "n_slots"), [(1, None, 1), (3, None, 3), (600, 2, 2), (3, 9, 3)]
)
def test_what_the_user_wants_as_far_as_there_is_work(wanted, n_trainings, n_slots):
    hired = hire(Hiring(wanted), DATA, n_trainings, threading.Event())
    assert isinstance(hired, LocalWorkers)
    assert hired.n_slots == n_slots
    hired.close()


# Hires in a process that may have so many open files, or as many as it asks for up to a limit.
IN_LIMITS = """
import resource, sys, threading
from test_hiring import DATA, Hiring, hire
allowed, most, wanted = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))
try:
    hired = hire(Hiring(wanted), DATA, None, threading.Event())
    print(hired.n_slots, *resource.getrlimit(resource.RLIMIT_NOFILE))
    hired.close()
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize(
    ("allowed", "most", "wanted", "said"),
    [
        (900, 1024, 5, "5 900 1024"),
        (200, 1024, 112, "112 1024 1024"),
        (200, 1024, 113, (
            "UsageError 113 workers need 1,032 open files, and this process may have 1,024\n"
            "    give --workers 112, or raise the limit: ulimit -n 1032"
        )),
    ],
)  # fmt: skip
def test_workers_need_open_files(allowed, most, wanted, said):
    answer = subprocess.run(
        [sys.executable, "-c", IN_LIMITS, *map(str, (allowed, most, wanted))],
        cwd=Path(__file__).parent, capture_output=True, text=True,
    )  # fmt: skip
    assert answer.stdout == f"{said}\n", answer.stderr


@pytest.mark.parametrize(("wanted", "n_trainings"), [(0, 10), (None, 1)])
def test_in_the_driver(wanted, n_trainings):
    hired = hire(Hiring(wanted), DATA, n_trainings, threading.Event())
    assert isinstance(hired, InProcess)


def test_one_training_that_may_take_too_long_needs_a_process():
    hired = hire(Hiring(), DATA, 1, threading.Event(), time_limit=60)
    assert isinstance(hired, LocalWorkers)
    assert hired.n_slots == 1
    hired.close()
    assert isinstance(hire(Hiring(0), DATA, 1, threading.Event(), time_limit=60), InProcess)


@pytest.mark.parametrize(
    ("search", "seeds", "expected"),
    [
        ({"trials": 5}, 0, 5),
        ({"trials": 5, "executions_per_trial": 3}, 0, 15),
        ({"trials": 5}, 8, 8),
        ({"trials": 5, "confirm": {"top": 3, "seeds": 4}}, 0, 12),
        ({"trials": 2, "confirm": {"top": 3, "seeds": 4}}, 9, 9),
        ({"strategy": "grid"}, 2, None),
        ({"strategy": "hyperband"}, 0, None),
    ],
)
def test_trainings_that_can_go_on_at_once(tmp_path, search, seeds, expected):
    search = {"strategy": "random", **search}
    assert n_side_by_side(spec_of(tmp_path, search, evaluation={"seeds": seeds})) == expected


@pytest.mark.parametrize(("seeds", "expected"), [(0, 1), (1, 1), (5, 5)])
def test_trainings_of_one_network(tmp_path, seeds, expected):
    fixed = {
        "search_space": {"units": {"value": 4}},
        "architecture": ["flatten", {"dense": {"units": "$units"}}],
        "training": {"epochs": 1},
        "evaluation": {"seeds": seeds},
    }
    spec = spec_of(tmp_path, {"strategy": "random", "trials": 9}, **fixed)
    assert n_side_by_side(spec) == expected
