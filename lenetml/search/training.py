"""A job done in this process; what every kind of worker calls."""

from __future__ import annotations

import time
from collections.abc import Callable

from lenetml.errors import TrialError
from lenetml.search.jobs import Failed, Job, OnEpoch, Outcome
from lenetml.trial.evaluate import metrics, pack_predictions
from lenetml.trial.kept import pack_weights, unpack_weights
from lenetml.trial.parts import TrialParts
from lenetml.trial.train import Carried, train_trial


def train_job(
    job: Job, data: TrialParts, on_epoch: OnEpoch, should_stop: Callable[[], bool]
) -> Outcome | Failed:
    """Do a job in this process.

    Args:
        job: What to do.
        data: Training and validation part.
        on_epoch: Is told of each epoch, from 1, with its row of the history.
        should_stop: Is asked after each epoch.
    """
    wall, cpu = time.perf_counter(), time.process_time()
    carried = None
    if begun := job.beginning:
        variables = unpack_weights(begun.state)
        carried = Carried(begun.history, begun.objective, begun.best_epoch, variables)
    try:
        result = train_trial(
            job.concrete, data, job.seed, job.objective, on_epoch, should_stop,
            carried=carried, until=job.until,
        )  # fmt: skip
    except TrialError as error:
        seconds, core_seconds = time.perf_counter() - wall, time.process_time() - cpu
        return Failed(error.reason, error.message, seconds, core_seconds)
    labels, probabilities = data.val.labels, result.val_probabilities
    return Outcome(
        history=result.history,
        objective=result.objective,
        best_epoch=result.best_epoch,
        val=None if probabilities is None else metrics(labels, probabilities),
        weights=None if result.weights is None else pack_weights(result.weights),
        predictions=None if probabilities is None else pack_predictions(labels, probabilities),
        state=None if result.variables is None else pack_weights(result.variables),
        images_trained=result.images_trained,
        seconds=time.perf_counter() - wall,
        core_seconds=time.process_time() - cpu,
        interrupted=result.interrupted,
    )
