"""Workers on a Ray cluster: one actor a slot, data through the object store, weights as values.

A job goes to a worker that has just answered, so that one which waits for a machine, or died
while it was idle, costs no job.
"""

from __future__ import annotations

import platform
import sys
import time
import traceback
from collections import deque
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from queue import SimpleQueue
from typing import Any

from lenetml.errors import MissingError
from lenetml.search.jobs import Failed, Job, OnEpoch
from lenetml.search.joining import START, answers, join, tell_differences
from lenetml.search.workers import Done
from lenetml.trial.parts import TrialParts

CHECK_SECONDS = 2.0
LOST_SECONDS = 10.0
MAX_FAILED_STARTS = 5
SAME_EVERYWHERE = ("lenetml", "tensorflow", "keras", "numpy")


@dataclass(eq=False)
class _Task:
    """A job on its way."""

    number: int
    job: Job
    on_epoch: OnEpoch
    done: Done
    begun: float = 0.0


@dataclass(eq=False)
class _Slot:
    """A place for one job.

    Args:
        actor: Its worker.
        answer: What it is to say next: its versions, or of its task; None: nothing was asked.
        counts: Whether it is one of `n_slots`; one that replaces another is, once it is there.
        task: What it does.
    """

    actor: Any
    answer: Any
    counts: bool
    task: _Task | None = None


class ClusterWorkers:
    """Workers on the machines of a running Ray cluster.

    Args:
        data: Training and validation part; each machine fetches a copy for its first job.
        address: `auto` for the cluster of this machine, or HOST:PORT; this machine belongs to it.
        n_slots: Jobs at once, at most one a GPU, or one a CPU where there is no GPU; None: as
            many.

    Raises:
        UsageError: The address is not one.
        MissingError: Ray is not installed; no cluster answers, or not to us; it has other
            versions.
    """

    is_in_driver = False

    def __init__(self, data: TrialParts, address: str = "auto", n_slots: int | None = None) -> None:
        self._ray = join(address)
        resources = self._ray.cluster_resources()
        n_gpus, n_cpus = int(resources.get("GPU", 0)), int(resources.get("CPU", 0))
        n_places = n_gpus or n_cpus
        if not n_places:
            self._ray.shutdown()
            raise MissingError("the Ray cluster has no CPU for workers")
        self._head = self._ray.get_runtime_context().gcs_address
        # The machines of the cluster need not have this very module.
        self._ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
        self._actors = self._ray.remote(_Worker).options(
            num_cpus=1, num_gpus=1 if n_gpus else 0, max_concurrency=3, scheduling_strategy="SPREAD"
        )
        self._data = self._ray.put(data)
        self._queue: deque[_Task] = deque()
        self._n_tasks = self._n_failed_starts = 0
        self._ends = False
        self._checked = self._answered = time.monotonic()
        self._slots = [self._begin(counts=True) for _ in range(min(n_slots or n_places, n_places))]

    @property
    def n_slots(self) -> int:
        """How many jobs run at once; fewer while the place of a dead worker is not filled."""
        return max(1, sum(slot.counts for slot in self._slots))

    def submit(self, job: Job, on_epoch: OnEpoch) -> Done:
        """Begin a job on the first worker that is free."""
        self._n_tasks += 1
        task = _Task(self._n_tasks, job, on_epoch, Future())
        self._queue.append(task)
        self._ask_idle()
        return task.done

    def wait(self, running: Collection[Done], seconds: float) -> set[Done]:
        """Wait until a job is done, and tell of the epochs meanwhile.

        Raises:
            MissingError: The cluster is lost, or a worker has other versions.
        """
        deadline = time.monotonic() + seconds
        while not (finished := {done for done in running if done.done()}):
            left = deadline - time.monotonic()
            if left <= 0:
                break
            self._ask_idle()
            asked = {slot.answer: slot for slot in self._slots if slot.answer is not None}
            self._ray.wait([*asked], timeout=min(left, CHECK_SECONDS))
            ready, _ = self._ray.wait([*asked], num_returns=len(asked), timeout=0)
            for answer in ready:
                self._hear(asked[answer])
            self._check_cluster()
        return finished

    def seconds_of(self, running: Done) -> float:
        """How long a job has run; 0 where it waits for a worker."""
        tasks = [slot.task for slot in self._slots if slot.task and slot.task.done is running]
        return time.monotonic() - tasks[0].begun if tasks else 0.0

    def abandon(self, running: Done) -> None:
        """End the worker of a job; its slot gets a new one."""
        for task in [task for task in self._queue if task.done is running]:
            self._queue.remove(task)
        for slot in [slot for slot in self._slots if slot.task and slot.task.done is running]:
            self._renew(slot)

    def end_after_epoch(self) -> None:
        """Have every job end after the epoch that it is in, later ones after their first."""
        self._ends = True
        for slot in self._slots:
            if slot.task:
                slot.actor.stop.remote(slot.task.number)

    def drop_slot(self) -> bool:
        """Run one job fewer at once from now on."""
        free = [slot for slot in self._slots if slot.task is None]
        if len(self._slots) == 1 or not free:
            return False
        self._slots.remove(free[-1])
        self._ray.kill(free[-1].actor)
        return True

    def close(self) -> None:
        """End all workers at once, and leave the cluster."""
        while self._slots:
            self._ray.kill(self._slots.pop().actor)
        self._ray.shutdown()

    def _begin(self, counts: bool) -> _Slot:
        actor = self._actors.remote()
        return _Slot(actor, actor.versions.remote(), counts)

    def _renew(self, slot: _Slot) -> None:
        self._ray.kill(slot.actor)
        self._slots[self._slots.index(slot)] = self._begin(counts=False)

    def _ask_idle(self) -> None:
        """Ask as many idle workers as there are jobs whether they are still there."""
        idle = [slot for slot in self._slots if slot.answer is None]
        for slot, _ in zip(idle, self._queue, strict=False):
            slot.answer = slot.actor.versions.remote()

    def _hear(self, slot: _Slot) -> None:
        """Take in what a worker says."""
        task = slot.task
        try:
            said = self._ray.get(next(slot.answer) if task else slot.answer)
        except self._ray.exceptions.RayTaskError as error:
            if task is None:
                raise
            self._finish(slot)
            task.done.set_exception(error.cause)
        except self._ray.exceptions.RayError:
            self._bury(slot)
        else:
            if task is None:
                self._welcome(slot, said)
            elif isinstance(said, tuple):
                task.on_epoch(*said)
            else:
                self._finish(slot)
                task.done.set_result(said)

    def _welcome(self, slot: _Slot, versions: Mapping[str, str]) -> None:
        """Give a worker that answered its next job."""
        if differences := tell_differences(_versions(), versions):
            raise MissingError(
                "a worker of the Ray cluster has other versions",
                *differences,
                "install the same on every machine, or results would depend on the machine",
            )
        self._n_failed_starts = 0
        slot.counts, slot.answer = True, None
        if self._queue:
            slot.task = task = self._queue.popleft()
            task.begun = time.monotonic()
            slot.answer = slot.actor.work.remote(task.number, task.job, self._data, self._ends)

    def _finish(self, slot: _Slot) -> None:
        slot.task = slot.answer = None

    def _bury(self, slot: _Slot) -> None:
        """Put another worker in the place of one that died."""
        self._renew(slot)
        if task := slot.task:
            message = "its worker, or the machine that it ran on, died"
            seconds = time.monotonic() - task.begun
            task.done.set_result(Failed("worker_died", message, seconds, None))
            return
        self._n_failed_starts += 1
        if self._n_failed_starts == MAX_FAILED_STARTS:
            raise MissingError(
                "the workers of the Ray cluster die before they begin",
                f"{MAX_FAILED_STARTS} in a row; the logs of Ray on its machines say more",
            )

    def _check_cluster(self) -> None:
        """See whether the head of the cluster is there: Ray ends a driver without it in silence."""
        now = time.monotonic()
        if now < self._checked + CHECK_SECONDS:
            return
        self._checked = now
        if answers(self._head):
            self._answered = now
        elif now > self._answered + LOST_SECONDS:
            raise MissingError(
                "the Ray cluster is lost: its head does not answer any more",
                START,
            )


class _Worker:
    """One process of the cluster; nothing of lenetml is loaded before the versions are compared."""

    def __init__(self) -> None:
        self._stopped: set[int] = set()

    def versions(self) -> dict[str, str]:
        """Say what is installed here."""
        return _versions()

    def work(self, number: int, job: Job, data: TrialParts, ends: bool) -> Iterator[Any]:
        """Do a job: give each epoch, and at last how it ended; `ends`: after the first."""
        from lenetml.trial.threads import use_one_thread

        use_one_thread()
        from lenetml.search.training import train_job

        news: SimpleQueue[Any] = SimpleQueue()
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(
                train_job,
                job,
                data,
                lambda epoch, row: news.put((epoch, dict(row))),
                lambda: ends or number in self._stopped,
            )
            future.add_done_callback(lambda _: news.put(None))
            # ray 2.60 sends None to a generator, which `yield from` a plain iterator refuses.
            while (epoch := news.get()) is not None:
                yield epoch
        try:
            yield future.result()
        except Exception as bug:
            bug.add_note(f"in the worker:\n{traceback.format_exc()}")
            raise

    def stop(self, number: int) -> None:
        """Have a job end after its epoch."""
        self._stopped.add(number)


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in SAME_EVERYWHERE:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found
