"""Energy of the whole machine while an experiment runs: the one door to CodeCarbon.

One offline tracker in the driver gives cumulative readings; differences between readings at the
borders of phases become an `EnergyRecord`. Nothing is sent, written or printed, whatever stray
configuration files and variables of CodeCarbon say. A meter that cannot measure gives None and
says why; it never stops a training. Emissions are kWh times the grid intensity of our own table.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from lenetml.record import EnergyRecord
from lenetml.spec.countries import GRID
from lenetml.spec.sections import Energy

# CodeCarbon 3.3.2 fills every option left out from ~/.codecarbon.config, ./.codecarbon.config and
# CODECARBON_*, so all are given. An empty token, unlike None, also keeps it from looking for one
# under its older name; a forced intensity keeps it from looking up any country or cloud.
OPTIONS: dict[str, Any] = {
    "project_name": "lenetml",
    "measure_power_secs": 15,
    "api_call_interval": -1,
    "api_endpoint": "",
    "api_key": "",
    "output_dir": tempfile.gettempdir(),
    "output_file": "",
    "output_methods": [],
    "logging_logger": None,
    "prometheus_url": "",
    "gpu_ids": None,
    "emissions_endpoint": None,
    "experiment_id": "",
    "experiment_name": "",
    "electricitymaps_api_token": "",
    "tracking_mode": "machine",
    "log_level": "warning",
    "on_csv_write": "append",
    "logger_preamble": "",
    "force_cpu_power": None,
    "force_ram_power": None,
    "pue": 1.0,
    "wue": 0.0,
    "force_carbon_intensity_g_co2e_kwh": 0.0,
    "force_mode_cpu_load": False,
    "allow_multiple_runs": True,
    "rapl_include_dram": False,
    "rapl_prefer_psys": False,
    "metadata": None,
    "country_iso_code": None,
    "region": None,
    "cloud_provider": None,
    "cloud_region": None,
    "country_2letter_iso_code": None,
}


@dataclass(frozen=True)
class Reading:
    """Energy since a meter was opened, in kWh."""

    cpu_kwh: float
    gpu_kwh: float
    ram_kwh: float

    @property
    def kwh(self) -> float:
        """All three together."""
        return self.cpu_kwh + self.gpu_kwh + self.ram_kwh

    def __add__(self, other: Reading) -> Reading:
        """Join the readings of two meters, such as those before and after an interruption."""
        return Reading(
            self.cpu_kwh + other.cpu_kwh,
            self.gpu_kwh + other.gpu_kwh,
            self.ram_kwh + other.ram_kwh,
        )


@dataclass(frozen=True)
class Methods:
    """How a reading came about, in words.

    Args:
        cpu: How the CPU's energy is known.
        gpu: How the GPUs' energy is known.
        ram: How the memory's energy is known; always an estimate, so `is_measured` leaves it out.
        is_measured: The CPU was read from RAPL, and the GPUs, where there are any, from NVML.
    """

    cpu: str
    gpu: str
    ram: str
    is_measured: bool


class _Sink:
    """What CodeCarbon asks of an output handler; keeps the last total."""

    total: Any = None

    def out(self, total: Any, delta: Any) -> None:
        self.total = total

    def live_out(self, total: Any, delta: Any) -> None: ...

    def task_out(self, data: Any, experiment_name: str) -> None: ...

    def exit(self) -> None: ...


class Meter:
    """One life of measuring: opened by `open_meter`, sampled at will, closed once.

    Attributes:
        reason: Why nothing was measured; None while the meter works.
        methods: How it measures; None where it does not.
    """

    def __init__(self) -> None:
        self.reason: str | None = None
        self.methods: Methods | None = None
        self._tracker: Any = None
        self._sink = _Sink()
        self._fault: str | None = None

    def _start(self) -> None:
        logging.getLogger("codecarbon").addFilter(self._hear)
        try:
            from codecarbon import OfflineEmissionsTracker

            self._tracker = OfflineEmissionsTracker(**OPTIONS, output_handlers=[self._sink])
            self._tracker.start()
            if self.sample():
                self.methods = describe_methods(self._tracker._hardware)
        except Exception as fault:
            self._keep(fault)
        if self.methods is None:
            self.close()
            self._give_up()

    def _hear(self, record: logging.LogRecord) -> bool:
        # CodeCarbon swallows its own exceptions: they show in its log alone. Nothing of that log
        # reaches the terminal.
        if record.exc_info and record.exc_info[1]:
            self._keep(record.exc_info[1])
        return False

    def _keep(self, fault: BaseException) -> None:
        """Keep the first of a chain of faults: the others follow from it."""
        self._fault = self._fault or f"{type(fault).__name__}: {fault}"

    def _give_up(self) -> None:
        self.reason = f"CodeCarbon gave nothing: {self._fault or 'its tracker has no total'}"

    def sample(self) -> Reading | None:
        """Give the energy from the opening until now, without stopping."""
        return self._read("flush")

    def close(self) -> Reading | None:
        """Stop measuring and give the energy of the meter's whole life."""
        reading = self._read("stop")
        self._tracker = None
        logging.getLogger("codecarbon").removeFilter(self._hear)
        return reading

    def _read(self, call: str) -> Reading | None:
        if self._tracker is None:
            return None
        self._sink.total = None
        # Both `flush` and `stop` measure up to now and hand the total to the sink.
        getattr(self._tracker, call)()
        total = self._sink.total
        if total is None:
            self._give_up()
            return None
        self._fault = None
        return Reading(total.cpu_energy, total.gpu_energy, total.ram_energy)


def open_meter(energy: Energy | None) -> Meter:
    """Start to measure the whole machine.

    Args:
        energy: The spec's section; None where the spec switches measuring off.
    """
    meter = Meter()
    if energy is None:
        meter.reason = "switched off in the spec"
    else:
        meter._start()
    return meter


def energy_record(
    total: Reading,
    *,
    search: float,
    seeds: float,
    evaluation: float,
    chosen_trial_share: float,
    methods: Methods,
    country: str | None,
) -> EnergyRecord:
    """Put together what was measured.

    Args:
        total: The meter's last reading.
        search: kWh of the search.
        seeds: kWh of the seed runs.
        evaluation: kWh of everything else.
        chosen_trial_share: kWh of the search that fall to the chosen trial by CPU time.
        methods: How the meter measured.
        country: A code in `GRID`, or None: then emissions are not known.
    """
    energy = EnergyRecord(
        kwh=total.kwh,
        cpu_kwh=total.cpu_kwh,
        gpu_kwh=total.gpu_kwh,
        ram_kwh=total.ram_kwh,
        kg_co2eq=None,
        method="measured" if methods.is_measured else "estimated",
        cpu_method=methods.cpu,
        gpu_method=methods.gpu,
        ram_method=methods.ram,
        country=None,
        grid_g_per_kwh=None,
        grid_year=None,
        search=search,
        chosen_trial_share=chosen_trial_share,
        seeds=seeds,
        evaluation=evaluation,
        tracker=f"CodeCarbon {version('codecarbon')}, offline, whole machine",
    )
    return with_country(energy, country)


def with_country(energy: EnergyRecord, country: str | None) -> EnergyRecord:
    """Give the emissions of measured energy on the grid of a country; None where it is None."""
    grid = GRID[country] if country else None
    return energy.model_copy(
        update={
            "country": country,
            "kg_co2eq": energy.kwh * grid.g_per_kwh / 1000 if grid else None,
            "grid_g_per_kwh": grid.g_per_kwh if grid else None,
            "grid_year": grid.year if grid else None,
        }
    )


def describe_methods(hardware: Iterable[Any]) -> Methods:
    """Say how CodeCarbon knows the energy of each of its hardware objects.

    Only the objects tell: CodeCarbon 3.3.2 has no public way to ask.
    """
    parts = {type(part).__name__: part for part in hardware}
    cpu, is_cpu_measured = _cpu_method(parts.get("CPU"))
    gpu, is_gpu_measured = _gpu_method(parts.get("GPU"))
    if "AppleSiliconChip" in parts:
        cpu = gpu = "reported by powermetrics"
    if "Raspberry" in parts:
        cpu = "reported by the power management chip of a Raspberry Pi"
    ram = "estimated from the size of the memory" if "RAM" in parts else cpu
    return Methods(cpu, gpu, ram, is_cpu_measured and is_gpu_measured)


def _cpu_method(cpu: Any) -> tuple[str, bool]:
    mode = getattr(cpu, "_mode", None)
    if mode == "intel_rapl":
        return "measured with RAPL", True
    if mode == "cpu_load":
        return f"estimated from the CPU load and an assumed power of {cpu._tdp:g} W", False
    if mode == "constant":
        return f"estimated as half of an assumed power of {cpu._tdp:g} W", False
    return f"estimated by CodeCarbon ({mode})", False


def _gpu_method(gpu: Any) -> tuple[str, bool]:
    if gpu is None:
        return "no GPU", True
    if {type(device).__name__ for device in gpu.devices.devices} == {"NvidiaGPUDevice"}:
        return "measured with NVML", True
    return "reported by the GPU's driver", False
