"""Energy: a real tracker, its isolation from stray settings, and the arithmetic of the record."""

from __future__ import annotations

import inspect
import signal
import socket
import time
from types import SimpleNamespace

import pytest
from codecarbon import OfflineEmissionsTracker
from codecarbon.core.gpu_nvidia import NvidiaGPUDevice
from codecarbon.emissions_tracker import BaseEmissionsTracker
from codecarbon.external.hardware import CPU, GPU
from codecarbon.external.ram import RAM

from lenetml.spec.sections import Energy
from lenetml.trial import energy
from lenetml.trial.energy import Methods, Reading, describe_methods, energy_record, open_meter

ESTIMATED = Methods("estimated", "no GPU", "estimated from the size of the memory", False)
STRAY = {
    "save_to_api": "true",
    "save_to_file": "true",
    "output_methods": "csv,api",
    "output_dir": "/no/such/folder",
    "emissions_endpoint": "http://127.0.0.1:9/emissions",
    "co2_signal_api_token": "stray",
    "electricitymaps_api_token": "stray",
    "country_iso_code": "XXX",
    "cloud_provider": "gcp",
    "cloud_region": "nowhere",
    "tracking_mode": "process",
    "force_cpu_power": "7000",
    "force_ram_power": "7000",
    "pue": "50",
    "allow_multiple_runs": "false",
    "log_level": "debug",
}


@pytest.fixture
def no_network(monkeypatch):
    """Refuse every connection and every look-up of a name, and keep what was asked for."""
    asked = []

    def refuse(*arguments, **_):
        asked.append(arguments)
        raise OSError("no network in this test")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return asked


def test_readings_grow_and_no_part_is_lost():
    meter = open_meter(Energy())
    first = meter.sample()
    time.sleep(0.2)
    second = meter.sample()
    time.sleep(0.2)
    last = meter.close()
    assert 0 < first.kwh < second.kwh < last.kwh
    assert last.kwh == last.cpu_kwh + last.gpu_kwh + last.ram_kwh
    assert meter.reason is None


def test_sampling_stops_with_the_meter():
    meter = open_meter(Energy())
    meter.close()
    assert meter.sample() is None
    assert meter.close() is None


def test_switched_off_says_so_and_measures_nothing():
    meter = open_meter(None)
    assert meter.sample() is None
    assert meter.close() is None
    assert meter.methods is None
    assert meter.reason == "switched off in the spec"


def test_methods_of_this_machine_are_known_words():
    meter = open_meter(Energy())
    meter.close()
    assert meter.methods.cpu.startswith(("measured with RAPL", "estimated from the CPU load"))
    assert meter.methods.gpu in {"no GPU", "measured with NVML"}
    assert meter.methods.ram == "estimated from the size of the memory"


def test_a_fault_of_codecarbon_becomes_a_reason(monkeypatch):
    monkeypatch.setitem(energy.OPTIONS, "output_dir", "/no/such/folder")
    meter = open_meter(Energy())
    assert meter.sample() is None
    assert meter.methods is None
    assert meter.reason == (
        "CodeCarbon gave nothing: OSError: Folder '/no/such/folder' doesn't exist !"
    )


def test_every_option_is_given_so_none_is_read_from_elsewhere():
    theirs = set(inspect.signature(BaseEmissionsTracker.__init__).parameters)
    theirs |= set(inspect.signature(OfflineEmissionsTracker.__init__).parameters)
    not_options = {"self", "args", "kwargs", "output_handlers", "co2_signal_api_token"}
    deprecated = {name for name in theirs if name.startswith("save_to_")}
    assert set(energy.OPTIONS) == theirs - not_options - deprecated


def test_stray_settings_change_and_send_nothing(tmp_path, monkeypatch, no_network, capfd):
    lines = "\n".join(f"{key} = {value}" for key, value in STRAY.items())
    (tmp_path / ".codecarbon.config").write_text(f"[codecarbon]\n{lines}\n")
    for key, value in STRAY.items():
        monkeypatch.setenv(f"CODECARBON_{key.upper()}", value)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    before = time.perf_counter()
    meter = open_meter(Energy(country="BRA"))
    time.sleep(0.2)
    reading = meter.close()
    hours = (time.perf_counter() - before) / 3600
    assert meter.reason is None
    assert "7000" not in meter.methods.cpu
    # 7 kW times 50 is what the stray settings would give; no machine that runs tests takes 5 kW.
    assert 0 < reading.kwh < 5 * hours
    assert no_network == []
    assert [path.name for path in tmp_path.iterdir()] == [".codecarbon.config"]
    assert capfd.readouterr() == ("", "")


def test_signal_handlers_are_left_alone():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    meter = open_meter(Energy())
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    meter.close()


def rapl_cpu(folder):
    """CodeCarbon's CPU object on made-up RAPL counters."""
    zone = folder / "intel-rapl:0"
    zone.mkdir(parents=True)
    (zone / "name").write_text("package-0\n")
    (zone / "energy_uj").write_text("1000000\n")
    (zone / "max_energy_range_uj").write_text("262143328850\n")
    return CPU("/", "intel_rapl", "a CPU", 100, rapl_dir=str(folder))


def nvidia_gpu():
    """CodeCarbon's GPU object with one NVIDIA device."""
    gpu = object.__new__(GPU)
    gpu.devices = SimpleNamespace(devices=[object.__new__(NvidiaGPUDevice)])
    return gpu


def test_rapl_and_nvml_are_measured(tmp_path):
    methods = describe_methods([RAM(), rapl_cpu(tmp_path), nvidia_gpu()])
    assert methods == Methods(
        "measured with RAPL", "measured with NVML", "estimated from the size of the memory", True
    )


def test_rapl_without_a_gpu_is_measured(tmp_path):
    assert describe_methods([RAM(), rapl_cpu(tmp_path)]).is_measured


def test_an_assumed_power_is_an_estimate():
    loaded = describe_methods([RAM(), CPU("/", "cpu_load", "a CPU", 65), nvidia_gpu()])
    assert loaded.cpu == "estimated from the CPU load and an assumed power of 65 W"
    assert not loaded.is_measured
    constant = describe_methods([RAM(), CPU("/", "constant", "a CPU", 65)])
    assert constant.cpu == "estimated as half of an assumed power of 65 W"
    assert not constant.is_measured


def test_record_adds_emissions_of_the_country():
    record = energy_record(
        Reading(0.002, 0.001, 0.001),
        search=0.003,
        seeds=0.0005,
        evaluation=0.0005,
        chosen_trial_share=0.0004,
        methods=ESTIMATED,
        country="BRA",
    )
    assert record.kwh == pytest.approx(0.004, rel=1e-12)
    assert record.kg_co2eq == pytest.approx(0.004 * 98.348 / 1000, rel=1e-12)
    assert (record.country, record.grid_g_per_kwh, record.grid_year) == ("BRA", 98.348, 2023)
    assert (record.search, record.seeds, record.evaluation) == (0.003, 0.0005, 0.0005)
    assert record.chosen_trial_share == 0.0004
    assert record.method == "estimated"


def test_without_a_country_there_are_no_emissions():
    measured = Methods("measured with RAPL", "no GPU", "estimated", True)
    record = energy_record(
        Reading(0.002, 0.0, 0.001),
        search=0.003,
        seeds=0.0,
        evaluation=0.0,
        chosen_trial_share=0.001,
        methods=measured,
        country=None,
    )
    assert record.kg_co2eq is None
    assert record.grid_g_per_kwh is None
    assert record.grid_year is None
    assert record.method == "measured"


def test_readings_of_two_meters_join():
    assert Reading(1.0, 2.0, 3.0) + Reading(0.5, 0.25, 0.125) == Reading(1.5, 2.25, 3.125)
