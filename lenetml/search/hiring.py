"""How many workers, and of which kind: in this process, on this machine, on a Ray cluster."""

from __future__ import annotations

import resource
from dataclasses import dataclass

from lenetml.errors import UsageError
from lenetml.search.crew import Stop
from lenetml.search.workers import InProcess, Workers
from lenetml.trial.environment import gpus, usable_cores, usable_memory_bytes
from lenetml.trial.parts import TrialParts

# Measured at the peak of a trial: 703 MiB with TensorFlow 2.21 and 8 x 8 digits, 828 MiB with the
# 45 MiB of MNIST's training and validation images.
WORKER_BYTES = 750 * 2**20
COPIES_OF_DATA = 3
# Pipes to a worker's process, measured with pebble 5.2; the driver's own with some to spare.
FILES_OF_WORKER = 8
FILES_OF_DRIVER = 128


@dataclass(frozen=True)
class Hiring:
    """What the user wants of workers.

    Args:
        workers: Side by side at most; 0: in this process; None: as many as this machine can hold.
        ray: Address of a Ray cluster, or `auto`; None: on this machine.
    """

    workers: int | None = None
    ray: str | None = None


def hire(
    hiring: Hiring,
    data: TrialParts,
    n_side_by_side: int | None,
    stop: Stop,
    time_limit: float | None = None,
) -> Workers:
    """Open the workers of a search.

    Args:
        hiring: What the user wants.
        data: Training and validation part.
        n_side_by_side: How many trainings can go on at once at most; None: any number.
        stop: Whether to end after the epochs under way.
        time_limit: Seconds that one training may take; None: as long as it likes.

    Raises:
        UsageError: So many workers would need more open files than this process may have.
        MissingError: Ray is not installed, or there is no cluster at that address.
    """
    known = [number for number in (hiring.workers, n_side_by_side) if number is not None]
    n_slots = min(known, default=None)
    if hiring.ray is not None:
        from lenetml.search.cluster import ClusterWorkers

        return ClusterWorkers(data, hiring.ray, n_slots)
    n_gpus = len(gpus())
    if hiring.workers is None:
        n_bytes = sum(part.images.nbytes for part in (data.train, data.val))
        n_slots = n_workers(n_side_by_side, n_gpus, usable_cores(), usable_memory_bytes(), n_bytes)
        if time_limit is not None:
            # Only a process can be ended in the middle of an epoch.
            n_slots = max(1, n_slots)
    if not n_slots:
        return InProcess(data, stop.is_set, time_limit)
    from lenetml.search.local import LocalWorkers

    _make_room(n_slots)
    return LocalWorkers(n_slots, data, n_gpus)


def n_workers(
    n_side_by_side: int | None, n_gpus: int, n_cores: int, memory_bytes: int, data_bytes: int
) -> int:
    """How many worker processes a machine should have; 0: the trainings run in the driver.

    Args:
        n_side_by_side: How many trainings can go on at once at most; None: any number.
        n_gpus: Each is for one worker.
        n_cores: That this process may use.
        memory_bytes: That this process may use; the driver takes its part of it, too.
        data_bytes: Of the images that a worker gets.
    """
    if n_side_by_side == 1:
        # A process of its own would only have to load TensorFlow again.
        return 0
    left = memory_bytes - WORKER_BYTES - data_bytes
    held = max(1, left // (WORKER_BYTES + COPIES_OF_DATA * data_bytes))
    n_slots = n_gpus or min(n_cores, held)
    return n_slots if n_side_by_side is None else min(n_slots, n_side_by_side)


def _make_room(n_slots: int) -> None:
    """Have this process allowed as many open files as its workers need."""
    needed = FILES_OF_DRIVER + n_slots * FILES_OF_WORKER
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if resource.RLIM_INFINITY != most < needed:
        fitting = max(0, (most - FILES_OF_DRIVER) // FILES_OF_WORKER)
        raise UsageError(
            f"{n_slots:,} workers need {needed:,} open files, and this process may have {most:,}",
            f"give --workers {fitting}, or raise the limit: ulimit -n {needed}",
        )
    if resource.RLIM_INFINITY != allowed < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, most))
