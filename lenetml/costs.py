"""What a run took: energy by phase, time, images; over all its lives."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from lenetml.record import (
    CostRecord,
    EnergyRecord,
    ExecutionRecord,
    TrialRecord,
)
from lenetml.search.crew import CUT_SHORT
from lenetml.search.further import further_executions
from lenetml.search.trials import trainings_of
from lenetml.spec.sections import Energy
from lenetml.spending import Spent
from lenetml.trial.energy import Meter, Reading, energy_record


def energy_facts(
    meter: Meter,
    spent: Spent,
    chosen: TrialRecord,
    trials: Sequence[TrialRecord],
    section: Energy | None,
    confirmed: Collection[ExecutionRecord] = (),
) -> EnergyRecord | None:
    """What is recorded of the energy; None where it, or a part of it, is not known.

    The chosen trial's part is a share of the search's energy by CPU time.

    Args:
        meter: Says how it measured.
        spent: Over all lives of the run.
        chosen: The chosen trial.
        trials: All of them.
        section: The spec's.
        confirmed: Trainings that confirmed the best trials; their energy is the search's.
    """
    energy = spent.energy
    if energy is None or meter.methods is None:
        return None
    share = (chosen.core_seconds or 0.0) / _core_seconds([*trials, *confirmed])
    return energy_record(
        Reading(energy.cpu_kwh, energy.gpu_kwh, energy.ram_kwh),
        search=energy.search_kwh,
        seeds=energy.seeds_kwh,
        evaluation=max(energy.kwh - energy.search_kwh - energy.seeds_kwh, 0.0),
        chosen_trial_share=energy.search_kwh * share,
        methods=meter.methods,
        country=section.country if section else None,
    )


def energy_reason(meter: Meter, spent: Spent) -> str | None:
    """Why the energy of the whole run is not known; None where it is."""
    if meter.reason is None and spent.energy is None:
        return "an earlier part of the run was not measured"
    return meter.reason


def cost_facts(
    trials: Sequence[TrialRecord], events: Sequence[Mapping[str, Any]], spent: Spent
) -> CostRecord:
    """What the experiment took, over all its lives.

    Args:
        trials: All of them.
        events: The journal's: they tell of trainings after the search, those of earlier winners
            too, and of attempts that came to nothing.
        spent: By the driver.
    """
    trainings: list[TrialRecord | ExecutionRecord] = [*trials, *further_executions(events).values()]
    lost = [event for event in events if event["event"] in CUT_SHORT]
    return CostRecord(
        seconds=spent.seconds,
        core_seconds=spent.core_seconds
        + _core_seconds(trainings)
        + math.fsum(event.get("core_seconds") or 0.0 for event in lost),
        images_trained=sum(each.images_trained for each in trainings)
        + sum(event.get("images_trained", 0) for event in lost),
    )


def _core_seconds(trainings: Sequence[TrialRecord | ExecutionRecord]) -> float:
    """CPU time of trainings; of those whose worker died nobody knows it."""
    each_alone = (each for training in trainings for each in trainings_of(training))
    return math.fsum(each.core_seconds or 0.0 for each in each_alone)
