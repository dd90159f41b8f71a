"""How many workers, and of which kind: in this process, on this machine, on a Ray cluster."""

from __future__ import annotations

from dataclasses import dataclass

from lenetml.search.crew import Stop
from lenetml.search.workers import InProcess, Workers
from lenetml.trial.environment import gpus, usable_cores, usable_memory_bytes
from lenetml.trial.parts import TrialParts

# Of a worker with TensorFlow 2.21 and a small network, without the data: measured with LeNet-5.
WORKER_BYTES = 900 * 2**20
# TensorFlow holds the training images as they are; numpy's copy of them came with the process.
COPIES_OF_DATA = 2


@dataclass(frozen=True)
class Hiring:
    """What the user wants of workers.

    Args:
        workers: Side by side; 0: in this process; None: as many as this machine can hold.
        ray: Address of a Ray cluster, or `auto`; None: on this machine.
    """

    workers: int | None = None
    ray: str | None = None


def hire(hiring: Hiring, data: TrialParts, n_trainings: int | None, stop: Stop) -> Workers:
    """Open the workers of a search.

    Args:
        hiring: What the user wants.
        data: Training and validation part.
        n_trainings: How many trainings there are at most; None: nobody knows.
        stop: Whether to end after the epochs under way.

    Raises:
        MissingError: Ray is not installed, or there is no cluster at that address.
    """
    if hiring.ray is not None:
        from lenetml.search.cluster import ClusterWorkers

        return ClusterWorkers(data, hiring.ray, hiring.workers)
    n_gpus = len(gpus())
    n_slots = hiring.workers
    if n_slots is None:
        n_slots = n_gpus or min(usable_cores(), _that_memory_holds(data))
        if n_trainings is not None:
            n_slots = min(n_slots, n_trainings)
        if n_trainings == 1:
            # A process of its own would only have to load TensorFlow again.
            n_slots = 0
    if n_slots == 0:
        return InProcess(data, stop.is_set)
    from lenetml.search.local import LocalWorkers

    return LocalWorkers(n_slots, data, n_gpus)


def _that_memory_holds(data: TrialParts) -> int:
    n_bytes = sum(part.images.nbytes for part in (data.train, data.val))
    left = usable_memory_bytes() - WORKER_BYTES - n_bytes
    return max(1, left // (WORKER_BYTES + COPIES_OF_DATA * n_bytes))
