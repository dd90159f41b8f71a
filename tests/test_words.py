"""Numbers, units, dates and lists in both languages, to the character."""

from __future__ import annotations

import pytest

from lenetml.report.words import (
    name_country,
    name_language,
    write_bytes,
    write_count,
    write_date,
    write_duration,
    write_emissions,
    write_energy,
    write_list,
    write_number,
    write_p_value,
    write_percent,
    write_ratio,
    write_seconds,
    write_shape,
    write_signed,
)


@pytest.mark.parametrize(
    ("write", "value", "english", "portuguese"),
    [
        (write_ratio, 0.9607, "0.9607", "0,9607"),
        (write_ratio, 1, "1.0000", "1,0000"),
        (write_ratio, None, "—", "—"),
        (write_count, 10_000, "10,000", "10.000"),
        (write_count, 0, "0", "0"),
        (write_count, None, "—", "—"),
        (write_number, 0.001, "0.001", "0,001"),
        (write_number, 1e-5, "0.00001", "0,00001"),
        (write_number, 20.0, "20", "20"),
        (write_number, 0.00316227766, "0.003162", "0,003162"),
        (write_number, 12345.678, "12,346", "12.346"),
        (write_number, 1e14, "100,000,000,000,000", "100.000.000.000.000"),
        (write_number, 1.5e20, "1.5 × 10²⁰", "1,5 × 10²⁰"),
        (write_number, -1e300, "-1 × 10³⁰⁰", "-1 × 10³⁰⁰"),
        (write_number, 2.5e-13, "2.5 × 10⁻¹³", "2,5 × 10⁻¹³"),
        (write_ratio, 3.4028e38, "3.4028 × 10³⁸", "3,4028 × 10³⁸"),
        (write_count, 10**18, "1 × 10¹⁸", "1 × 10¹⁸"),
        (write_percent, 0.9607, "96.1%", "96,1%"),
        (write_signed, 0.418, "+0.42", "+0,42"),
        (write_signed, -4.525, "−4.52", "−4,52"),
        (write_signed, -0.001, "0.00", "0,00"),
        (write_signed, None, "—", "—"),
        (write_p_value, 0.0312, "= 0.031", "= 0,031"),
        (write_p_value, 1e-9, "< 0.001", "< 0,001"),
        (write_p_value, None, "—", "—"),
        (write_seconds, 1213.6, "1,213.6 s", "1.213,6 s"),
        (write_bytes, 254_312, "254 kB", "254 kB"),
        (write_bytes, 1_234_567, "1.23 MB", "1,23 MB"),
        (write_bytes, 999_499, "999 kB", "999 kB"),
        (write_bytes, 999_500, "1.00 MB", "1,00 MB"),
        (write_bytes, 999, "999 B", "999 B"),
        (write_shape, (28, 28, 1), "28 × 28 × 1", "28 × 28 × 1"),
        (write_date, "2026-11-20T09:57:31+00:00", "November 20, 2026", "20 de novembro de 2026"),
        (write_list, ["RAM", "CPU", "GPU"], "RAM, CPU, and GPU", "RAM, CPU e GPU"),
        (name_language, "pt", "Portuguese", "português"),
        (name_language, "en", "English", "inglês"),
    ],
)
def test_a_value_is_written_as_readers_write_it(write, value, english, portuguese) -> None:
    assert write(value, "en").replace("\u00a0", " ") == english
    assert write(value, "pt").replace("\u00a0", " ") == portuguese


@pytest.mark.parametrize(
    ("kwh", "estimated", "measured"),
    [
        (0.00401040381418897, "4,0 Wh", "4,01 Wh"),
        (0.0001231, "0,12 Wh", "0,123 Wh"),
        (0.00996, "10 Wh", "9,96 Wh"),
        (0.1234, "120 Wh", "123 Wh"),
        (1.2345, "1,2 kWh", "1,23 kWh"),
        (0.00001234, "12 mWh", "12,3 mWh"),
        (0.9996, "1,0 kWh", "1,00 kWh"),
        (0.996, "1,0 kWh", "996 Wh"),
        (0.0000999, "0,10 Wh", "99,9 mWh"),
        (0.0, "0 Wh", "0 Wh"),
        (None, "—", "—"),
    ],
)
def test_energy_has_the_digits_that_its_method_deserves(kwh, estimated, measured) -> None:
    assert write_energy(kwh, "estimated", "pt") == estimated.replace(" ", "\u00a0")
    assert write_energy(kwh, "measured", "pt") == measured.replace(" ", "\u00a0")


def test_emissions_are_in_grams_of_co2_equivalent() -> None:
    assert write_emissions(0.0025304972853051723, "measured", "pt") == "2,53\u00a0g CO₂e"
    assert write_emissions(1.5, "estimated", "en") == "1.5\u00a0kg CO₂e"
    assert write_emissions(None, "estimated", "en") == "—"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0,0 s"),
        (4.23, "4,2 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (200, "3 min 20 s"),
        (3720, "1 h 02 min"),
        (360_000, "100 h 00 min"),
        (None, "—"),
    ],
)
def test_a_duration_is_written_in_its_two_largest_units(seconds, text) -> None:
    assert write_duration(seconds, "pt") == text.replace(" ", "\u00a0")


def test_units_follow_a_space_that_does_not_break() -> None:
    assert write_seconds(5, "en") == "5.0\u00a0s"
    assert write_shape([2, 3], "en") == "2\u00a0×\u00a03"


@pytest.mark.parametrize(
    ("code", "english", "portuguese"),
    [("BRA", "Brazil", "Brasil"), ("DE", "Germany", "Alemanha"), ("XXX", "XXX", "XXX")],
)
def test_a_country_has_its_name_in_each_language(code, english, portuguese) -> None:
    assert (name_country(code, "en"), name_country(code, "pt")) == (english, portuguese)
