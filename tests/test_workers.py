"""What all kinds of workers promise: jobs done in the driver, by processes, on a Ray cluster."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import traceback
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
from ray_nodes import needs_ray, open_cluster
from sklearn.datasets import load_digits

from lenetml.search.jobs import Beginning, Failed, Job
from lenetml.search.local import LocalWorkers
from lenetml.search.workers import InProcess
from lenetml.spec.sections import ConcreteSpec
from lenetml.trial.parts import Part, TrialParts
from lenetml.trial.threads import use_one_thread

# What takes longer has come to a standstill.
LIMIT_SECONDS = 60
LEAVE_SECONDS = 5
FOREVER = 10**6
KINDS = ["in_process", "local", pytest.param("cluster", marks=[pytest.mark.slow, needs_ray])]


def digits():
    images, labels = load_digits(return_X_y=True)
    images = np.rint(images * 255 / 16).astype(np.uint8).reshape(-1, 8, 8, 1)
    labels = labels.astype(np.int64)
    parts = (Part(images[begin:end], labels[begin:end]) for begin, end in [(0, 120), (120, 180)])
    return TrialParts(*parts, tuple("0123456789"), (8, 8, 1))


def job(epochs=4, seed=7, until=None, beginning=None, objective="val_accuracy", **training):
    concrete = ConcreteSpec.model_validate(
        {
            "name": "digits",
            "data": {"dataset": "digits"},
            "architecture": ["flatten", {"dropout": {"rate": 0.2}}, {"dense": {"units": 8}}],
            "augmentation": {"rotation_range": 10.0},
            "training": {"epochs": epochs, **training},
        }
    )
    return Job(concrete, seed, objective, until or epochs, beginning)


def trained_here(job):
    use_one_thread()
    from lenetml.search.training import train_job

    return train_job(job, digits(), lambda *_: None, lambda: False)


def silent(epoch, row):
    """Hear of an epoch."""


def apart_from_time(outcome):
    return replace(outcome, seconds=0.0, core_seconds=0.0)


class Kind:
    """Workers of one kind with two slots, where the kind has slots, and how to see inside."""

    def __init__(self, workers, processes):
        self.workers = workers
        self.processes = processes

    @property
    def has_processes(self):
        return self.processes is not None

    def until(self, is_so, running):
        deadline = time.monotonic() + LIMIT_SECONDS
        while not is_so():
            assert time.monotonic() < deadline, "nothing happens any more"
            self.workers.wait([done for done in running if not done.done()], 0.1)

    def result(self, done):
        self.until(done.done, [done])
        return done.result()

    def run(self, job, on_epoch=silent):
        return self.result(self.workers.submit(job, on_epoch))

    def begin(self, *jobs):
        """Begin jobs, and wait until each has told of an epoch."""
        told = [[] for _ in jobs]
        running = [
            self.workers.submit(job, lambda *epoch, told=told[i]: told.append(epoch))
            for i, job in enumerate(jobs)
        ]
        self.until(lambda: all(told), running)
        return running


def local_processes(driver=None):
    """The workers among the processes that a driver started."""
    children = psutil.Process(driver).children()
    return [child for child in children if "spawn_main" in " ".join(child.cmdline())]


@pytest.fixture(scope="module")
def kind(request):
    if request.param == "in_process":
        use_one_thread()
        yield Kind(InProcess(digits(), lambda: False), None)
    elif request.param == "local":
        workers = LocalWorkers(2, digits())
        yield Kind(workers, local_processes)
        workers.close()
    else:
        from lenetml.search.cluster import ClusterWorkers

        with open_cluster(2) as nodes:
            workers = ClusterWorkers(digits(), nodes.address)
            yield Kind(workers, nodes.workers)
            workers.close()


@pytest.fixture(scope="module")
def expected():
    return apart_from_time(trained_here(job()))


@pytest.mark.parametrize("kind", KINDS, indirect=True, scope="module")
class TestWorkers:
    """Every test goes on with the workers of the one before; the last ones use them up."""

    def test_results_are_those_of_this_process(self, kind, expected):
        jobs = [job(), job(seed=8)][: kind.workers.n_slots]
        running = [kind.workers.submit(each, silent) for each in jobs]
        outcomes = [kind.result(done) for done in running]
        assert all(outcome.seconds > 0 and outcome.core_seconds > 0 for outcome in outcomes)
        first, *others = map(apart_from_time, outcomes)
        assert first == expected
        assert all(other.history != expected.history for other in others)

    def test_epochs_are_told_in_order_before_the_end(self, kind, expected):
        told = []
        done = kind.workers.submit(job(), lambda *epoch: told.append(epoch))
        done.add_done_callback(lambda _: told.append("done"))
        kind.result(done)
        rows = [
            (epoch + 1, {name: values[epoch] for name, values in expected.history.items()})
            for epoch in range(4)
        ]
        assert told == [*rows, "done"]

    def test_a_job_that_cannot_go_on_has_failed(self, kind):
        told = []
        failed = kind.run(
            job(learning_rate=1e30, optimizer="sgd"), lambda *epoch: told.append(epoch)
        )
        assert isinstance(failed, Failed)
        message = f"the loss is no longer finite in epoch {len(told) + 1}"
        assert (failed.reason, failed.message) == ("non_finite", message)
        assert failed.seconds > 0 and failed.core_seconds > 0

    def test_a_bug_comes_with_its_traceback(self, kind):
        done = kind.workers.submit(job(objective="beauty"), silent)
        with pytest.raises(KeyError, match="beauty") as caught:
            kind.result(done)
        text = "".join(traceback.format_exception(caught.value))
        assert "DIRECTION[objective]" in text

    def test_a_job_in_two_parts_gives_the_same(self, kind, expected):
        first = kind.run(job(until=2))
        beginning = Beginning(first.history, first.objective, first.best_epoch, first.state)
        second = kind.run(job(beginning=beginning))
        assert (second.history, second.objective, second.best_epoch, second.state) == (
            expected.history, expected.objective, expected.best_epoch, None,
        )  # fmt: skip
        assert (second.weights or first.weights) == expected.weights
        assert (first.images_trained, second.images_trained) == (240, 240)

    def test_signals_to_a_whole_group_do_not_reach_a_process_of_it(self, kind, expected):
        if not isinstance(kind.workers, LocalWorkers):
            pytest.skip("it has no processes in the driver's group")
        running = kind.begin(job(500))
        for process in kind.processes():
            process.send_signal(signal.SIGINT)
            process.terminate()
        assert kind.result(running[0]).epochs == 500
        assert apart_from_time(kind.run(job())) == expected

    def test_a_worker_killed_at_work_costs_its_job_alone(self, kind, expected):
        if not kind.has_processes:
            pytest.skip("there is no worker to kill")
        running = kind.begin(job(500), job(500))
        kind.processes()[-1].kill()
        results = [kind.result(done) for done in running]
        (failed,) = [result for result in results if isinstance(result, Failed)]
        (outcome,) = [result for result in results if result is not failed]
        assert (failed.reason, failed.core_seconds) == ("worker_died", None)
        assert (outcome.epochs, outcome.state) == (500, None)
        for name, values in expected.history.items():
            assert outcome.history[name][:4] == values

    def test_workers_killed_while_idle_dropped_or_abandoned_cost_no_job(self, kind, expected):
        if not kind.has_processes:
            assert not kind.workers.drop_slot()
            kind.workers.abandon(kind.workers.submit(job(1), silent))
            assert apart_from_time(kind.run(job())) == expected
            return
        processes = kind.processes()
        for process in processes:
            process.kill()
        psutil.wait_procs(processes, LEAVE_SECONDS)
        (first,) = kind.begin(job(FOREVER))
        assert kind.workers.drop_slot()
        assert not kind.workers.drop_slot()
        assert kind.workers.n_slots == 1
        # A job that is tried again right after a slot was dropped is one too many for a while.
        second = kind.workers.submit(job(), silent)
        assert kind.workers.seconds_of(first) > kind.workers.seconds_of(second) == 0
        kind.workers.abandon(first)
        assert apart_from_time(kind.result(second)) == expected

    def test_jobs_end_after_their_epoch(self, kind):
        def on_epoch(epoch, row):
            kind.workers.end_after_epoch()

        outcome = kind.run(job(FOREVER), on_epoch)
        assert outcome.interrupted
        assert 1 <= outcome.epochs < FOREVER
        later = kind.run(job())
        assert (later.epochs, later.interrupted) == (1, True)

    def test_closed_workers_leave_nothing_behind(self, kind):
        if kind.has_processes:
            kind.begin(job())
        processes = kind.processes() if kind.has_processes else []
        kind.workers.close()
        assert psutil.wait_procs(processes, LEAVE_SECONDS)[1] == []


@pytest.mark.parametrize("epochs", [1, FOREVER])
def test_a_time_limit_in_the_driver_is_looked_at_after_each_epoch(epochs):
    use_one_thread()
    kind, told = Kind(InProcess(digits(), lambda: False, time_limit=0.001), None), []
    failed = kind.run(job(epochs), lambda *epoch: told.append(epoch))
    assert (failed.reason, failed.message) == ("time_limit", "it took longer than 0.001 s")
    assert failed.seconds > 0.001 and failed.core_seconds > 0
    assert len(told) == 1


def drive():
    """Be a driver with a worker, and tell which it is once it is at work."""
    kind = Kind(LocalWorkers(1, digits()), local_processes)
    running = kind.begin(job(FOREVER))
    print(*[process.pid for process in kind.processes()], flush=True)
    kind.until(lambda: False, running)


@pytest.mark.slow
def test_a_worker_leaves_when_its_driver_is_killed():
    driver = subprocess.Popen(
        [sys.executable, "-c", "import test_workers; test_workers.drive()"],
        cwd=Path(__file__).parent,
        stdout=subprocess.PIPE,
        text=True,
    )
    with driver:
        (process,) = [psutil.Process(int(pid)) for pid in driver.stdout.readline().split()]
        driver.kill()
    assert psutil.wait_procs([process], LEAVE_SECONDS)[1] == []


def test_a_worker_whose_driver_was_killed_while_it_started_leaves():
    # No process is its own parent, as little as one that is gone.
    code = (
        "import os, time\n"
        "from lenetml.search.local import _begin\n"
        "_begin(None, None, None, driver=os.getpid())\n"
        f"time.sleep({LIMIT_SECONDS})\n"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 1
