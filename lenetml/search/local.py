"""Workers on this machine: one process a slot, TensorFlow and data loaded once in each.

The one door to pebble. Every slot is a pool of one process, so that each has a pipe, a GPU and a
death of its own. A worker leaves when its driver is gone, however that ended.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import CancelledError, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing import connection
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from pebble import ProcessExpired, ProcessPool

from lenetml.search.jobs import Failed, Job, OnEpoch, Outcome
from lenetml.search.undisturbed import undisturbed
from lenetml.search.workers import Done
from lenetml.trial.parts import TrialParts

POLL_SECONDS = 0.1
DRIVER_CHECK_SECONDS = 1.0
LOST_SECONDS = 1.0


class LocalWorkers:
    """Processes of this machine.

    Args:
        n_slots: Jobs at once.
        data: Training and validation part; each process gets a copy when it starts.
        n_gpus: Each slot sees one of them; 0: there are none.
    """

    is_in_driver = False

    def __init__(self, n_slots: int, data: TrialParts, n_gpus: int = 0) -> None:
        self._data = data
        self._slots = [_Slot(data, index % n_gpus if n_gpus else None) for index in range(n_slots)]
        self._jobs: dict[Done, tuple[_Slot, Future[Any], OnEpoch, float]] = {}
        self._waiting: dict[Done, tuple[Job, OnEpoch]] = {}
        self._ends = False

    @property
    def n_slots(self) -> int:
        """How many jobs run at once."""
        return len(self._slots)

    def submit(self, job: Job, on_epoch: OnEpoch) -> Done:
        """Begin a job on a free slot, or on the first that will be."""
        done: Done = Future()
        self._waiting[done] = (job, on_epoch)
        self._fill()
        return done

    def wait(self, running: Collection[Done], seconds: float) -> set[Done]:
        """Wait until a job is done, and tell of the epochs meanwhile."""
        deadline = time.monotonic() + seconds
        while True:
            begun = [done for done in running if done in self._jobs]
            inner = [self._jobs[done][1] for done in begun]
            wait(inner, min(POLL_SECONDS, seconds), return_when="FIRST_COMPLETED")
            finished = {done for done in begun if self._is_over(done)}
            for done in begun:
                slot, _, on_epoch, _ = self._jobs[done]
                for epoch, row in slot.epochs():
                    on_epoch(epoch, row)
            if finished or time.monotonic() >= deadline:
                break
        for done in finished:
            self._settle(done)
        self._fill()
        return finished

    def seconds_of(self, running: Done) -> float:
        """How long a job has run; 0 where it waits for a slot."""
        return time.monotonic() - self._jobs[running][-1] if running in self._jobs else 0.0

    def abandon(self, running: Done) -> None:
        """End the process of a job; its slot gets a new one."""
        if running in self._jobs:
            slot, *_ = self._jobs.pop(running)
            self._renew(slot)
            self._fill()
        else:
            del self._waiting[running]

    def end_after_epoch(self) -> None:
        """Have every job end after the epoch that it is in, later ones after their first."""
        self._ends = True
        for slot in self._slots:
            slot.ask_to_stop()

    def drop_slot(self) -> bool:
        """Run one job fewer at once from now on."""
        free = self._free()
        if len(self._slots) == 1 or not free:
            return False
        self._slots.remove(free[-1])
        _close(free[-1:])
        return True

    def close(self) -> None:
        """End all processes at once."""
        _close(self._slots)

    def _free(self) -> list[_Slot]:
        busy = {id(slot) for slot, *_ in self._jobs.values()}
        return [slot for slot in self._slots if id(slot) not in busy]

    def _fill(self) -> None:
        """Begin the jobs that wait, where a slot is free."""
        for slot in self._free():
            if self._waiting and slot.has_died():
                self._renew(slot)
        for slot, done in zip(self._free(), list(self._waiting), strict=False):
            job, on_epoch = self._waiting.pop(done)
            future = slot.schedule(job, self._ends)
            self._jobs[done] = (slot, future, on_epoch, time.monotonic())

    def _is_over(self, done: Done) -> bool:
        slot, inner, *_ = self._jobs[done]
        return inner.done() or slot.is_lost()

    def _settle(self, done: Done) -> None:
        """Pass on how a job ended."""
        slot, inner, _, begun = self._jobs.pop(done)
        try:
            if not inner.done():
                raise BrokenProcessPool
            done.set_result(inner.result())
        except (ProcessExpired, BrokenProcessPool, CancelledError) as death:
            code = getattr(death, "exitcode", None)
            how = _tell_exit(code)
            done.set_result(
                Failed("worker_died", f"its worker process {how}", time.monotonic() - begun, None)
            )
            self._renew(slot)
        except BaseException as bug:
            done.set_exception(bug)

    def _renew(self, slot: _Slot) -> None:
        self._slots[self._slots.index(slot)] = _Slot(self._data, slot.gpu)
        _close([slot])


def _close(slots: Sequence[_Slot]) -> None:
    """End slots side by side: one after the other, many would take longer than a user waits."""
    with undisturbed():
        for step in (_Slot.stop, _Slot.kill, _Slot.close):
            for slot in slots:
                step(slot)


class _Slot:
    """One process, which begins with its first job."""

    def __init__(self, data: TrialParts, gpu: int | None) -> None:
        self.gpu = gpu
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._job = 0
        self._process: BaseProcess | None = None
        self._died: float | None = None
        # A worker that asked for its parent would miss one that died while it started.
        arguments = (theirs, data, gpu, os.getpid())
        self._pool = ProcessPool(
            max_workers=1, context=context, initializer=_begin, initargs=arguments
        )

    def schedule(self, job: Job, ends: bool) -> Future[Outcome | Failed]:
        """Begin a job; `ends`: one of a single epoch."""
        self._job += 1
        # A process that starts half way is known to nobody, and would outlive its slot.
        with undisturbed():
            arguments = [self._job, job, ends]
            future: Future[Outcome | Failed] = self._pool.schedule(_work, args=arguments)
        if self._process is None:
            (self._process,) = self._processes()
        return future

    def has_died(self) -> bool:
        """Whether its process began and is gone."""
        return self._process is not None and bool(connection.wait([self._process.sentinel], 0))

    def is_lost(self) -> bool:
        """Whether its process is gone, and nothing more will be heard of the job."""
        # pebble 5.2 tells of a job that its process had begun, and forgets one that it had not.
        if self._died is None and self.has_died():
            self._died = time.monotonic()
        return self._died is not None and time.monotonic() > self._died + LOST_SECONDS

    def epochs(self) -> Iterator[tuple[int, dict[str, float]]]:
        """The epochs of the job that nobody was told of yet."""
        with suppress(EOFError, OSError):
            while self._pipe.poll():
                job, epoch, row = self._pipe.recv()
                if job == self._job:
                    yield epoch, row

    def ask_to_stop(self) -> None:
        """Have the job end after its epoch."""
        with suppress(OSError):
            self._pipe.send(self._job)

    def stop(self) -> None:
        """Begin no more."""
        self._pool.stop()

    def kill(self) -> None:
        """End the process at once."""
        # pebble 5.2 begins another process for a dead one until this thread of it has ended, and
        # one that begins now would complain of what is gone.
        if self._pool._pool_manager_loop is not None:
            self._pool._pool_manager_loop.join()
        # It asks processes politely, and a compiled epoch does not listen.
        for process in self._processes():
            with suppress(ValueError, AttributeError):
                process.kill()

    def close(self) -> None:
        """Give back what the process had."""
        self._pool.join()
        self._pipe.close()

    def _processes(self) -> list[BaseProcess]:
        return list(self._pool._pool_manager.worker_manager.workers.values())


_pipe: Connection[Any, Any]
_data: TrialParts


def _begin(pipe: Connection[Any, Any], data: TrialParts, gpu: int | None, driver: int) -> None:
    """Set a new process up; TensorFlow waits for the first job, as an error here would not show."""
    global _pipe, _data
    _pipe, _data = pipe, data
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = str(gpu)
    threading.Thread(target=_leave_with_driver, args=[driver], daemon=True).start()


def _work(number: int, job: Job, ends: bool) -> Outcome | Failed:
    """Do a job, in the worker's process."""
    from lenetml.trial.threads import use_one_thread

    use_one_thread()
    from lenetml.search.training import train_job

    def on_epoch(epoch: int, row: Any) -> None:
        _pipe.send((number, epoch, dict(row)))

    def should_stop() -> bool:
        while _pipe.poll():
            if _pipe.recv() == number:
                return True
        return ends

    return train_job(job, _data, on_epoch, should_stop)


def _leave_with_driver(driver: int) -> None:
    while os.getppid() == driver:
        time.sleep(DRIVER_CHECK_SECONDS)
    os._exit(1)


def _tell_exit(code: int | None) -> str:
    if code is None:
        return "died"
    if code < 0:
        with suppress(ValueError):
            return f"was killed ({signal.Signals(-code).name})"
    return f"died (exit status {code})"
