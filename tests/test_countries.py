"""The table of grid intensities, compared with the one that CodeCarbon ships."""

from __future__ import annotations

import json
import re
from importlib.resources import files

from lenetml.spec.countries import GRID, Grid


def test_brazil_and_portugal_are_there():
    assert GRID["BRA"] == Grid("Brazil", 98.348, 2023)
    assert GRID["PRT"].name == "Portugal"


def test_codes_are_alpha_3_and_in_order():
    assert all(re.fullmatch("[A-Z]{3}", code) for code in GRID)
    assert list(GRID) == sorted(GRID)


def test_table_agrees_with_codecarbon():
    source = files("codecarbon") / "data/private_infra/global_energy_mix.json"
    theirs = {
        code: Grid(entry["country_name"], entry["carbon_intensity"], entry["year"])
        for code, entry in json.loads(source.read_text(encoding="utf-8")).items()
        if re.fullmatch("[A-Z]{3}", code) and entry["carbon_intensity"] > 0
    }
    assert dict(GRID) == theirs
