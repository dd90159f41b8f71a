"""The part of a record on what an experiment took, and where it ran."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lenetml.values import Value


class EnergyRecord(Value):
    """Energy of the whole machine while the experiment ran.

    What opening a sealed test part takes later is not in it.
    """

    kwh: float
    cpu_kwh: float
    gpu_kwh: float
    ram_kwh: float
    kg_co2eq: float | None
    method: Literal["measured", "estimated"]
    cpu_method: str
    gpu_method: str
    ram_method: str
    country: str | None
    grid_g_per_kwh: float | None
    grid_year: int | None
    search: float = Field(description="kWh of the search.")
    chosen_trial_share: float = Field(description="kWh: the search's, shared by CPU time.")
    seeds: float = Field(description="kWh of the seed runs.")
    evaluation: float = Field(description="kWh of everything after the search.")
    tracker: str


class CostRecord(Value):
    """What search and evaluation took, over all lives of a run.

    Loading the data, the runs of baselines and opening a sealed test part later are not in it.
    """

    seconds: float
    core_seconds: float = Field(
        description="Of the driver and of every training, without starting worker processes and "
        "trainings whose process died."
    )
    images_trained: int = Field(
        description="By every training, those included that were cut short and done again."
    )


class EnvironmentRecord(Value):
    """Where and with what the experiment ran."""

    versions: dict[str, str]
    platform: str
    cpu: str
    isa: str
    cores: int
    memory_bytes: int
    gpus: list[str]
    onednn: bool
    threads_per_trial: int
    workers: int = Field(default=1, description="Trainings side by side, in the last life.")
