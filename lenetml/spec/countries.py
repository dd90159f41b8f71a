"""Carbon intensity of each country's electricity grid, from `countries.csv` beside this module.

The figures are those that CodeCarbon 3.3.2 ships as `data/private_infra/global_energy_mix.json`
(from Our World in Data), reduced to code, name, intensity and year; countries whose intensity is
not above zero there are left out. A yearly average says nothing about the hour of a training.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType


@dataclass(frozen=True)
class Grid:
    """A country's electricity grid.

    Args:
        name: English name of the country.
        g_per_kwh: Grams of CO2 equivalent per kWh, average of the year.
        year: Year of the average.
    """

    name: str
    g_per_kwh: float
    year: int


def _read(path: Path) -> Mapping[str, Grid]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    grids = {
        row["code"]: Grid(row["name"], float(row["g_per_kwh"]), int(row["year"])) for row in rows
    }
    return MappingProxyType(grids)


GRID: Mapping[str, Grid] = _read(Path(__file__).with_name("countries.csv"))
"""Grids by ISO 3166 alpha-3 code, such as `BRA`."""
