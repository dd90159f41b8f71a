"""How each language writes numbers, units, dates and lists: the door of Babel's formats.

Every function takes a plain value and a language and gives text. What is not known (None) is an
em dash, never zero. Unit symbols follow a no-break space and are the same in all languages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Literal

from babel import Locale
from babel.core import get_global
from babel.dates import format_date
from babel.lists import format_list
from babel.numbers import format_decimal

from lenetml.spec.types import Language

LOCALES: Mapping[Language, str] = {"en": "en_US", "pt": "pt_BR"}
MISSING = "\u2014"
NO_BREAK = "\u00a0"
MINUS = "\u2212"
DIGITS = {"estimated": 2, "measured": 3}
LEAST_WITH_EXPONENT = 1e15
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def write_ratio(value: float | None, language: Language) -> str:
    """Write a metric with four decimals: 0.9607."""
    return _decimal(value, "0.0000", language)


def write_count(value: int | None, language: Language) -> str:
    """Write a whole number in groups of three digits: 10,000."""
    return _decimal(value, "#,##0", language)


def rounded(value: float) -> float:
    """Keep all digits before the point, and behind it what makes four significant digits."""
    return float(f"{value:.4g}") if abs(value) < 1000 else float(f"{value:.0f}")


def write_number(value: float | None, language: Language) -> str:
    """Write a number with the digits that it has, at most those of `rounded`: 0.001."""
    if value and abs(value) < 1e-12:
        return _with_exponent(value, language)
    shown = None if value is None else rounded(value)
    return _decimal(shown, "#,##0.############", language)


def write_percent(share: float | None, language: Language) -> str:
    """Write a share between 0 and 1 as a percentage with one decimal: 96.1%."""
    return _decimal(share, "0.0%", language)


def write_signed(value: float | None, language: Language) -> str:
    """Write a difference with its sign and two decimals: +0.42."""
    if value is not None and round(value, 2) == 0:
        return _decimal(0, "0.00", language)
    return _decimal(value, f"+0.00;{MINUS}0.00", language)


def write_p_value(value: float | None, language: Language) -> str:
    """Write a p-value with its relation: = 0.031, or < 0.001."""
    if value is None:
        return MISSING
    relation, shown = ("<", 0.001) if value < 0.001 else ("=", value)
    return f"{relation}{NO_BREAK}{_decimal(shown, '0.000', language)}"


def write_energy(
    kwh: float | None, method: Literal["measured", "estimated"], language: Language
) -> str:
    """Write an energy in Wh or its neighbours, with the digits that its method deserves."""
    scales = ((1.0, 1.0, "kWh"), (1e-4, 1e3, "Wh"), (0.0, 1e6, "mWh"))
    return _scaled(kwh, scales, DIGITS[method], language, zero="Wh")


def write_emissions(
    kg: float | None, method: Literal["measured", "estimated"], language: Language
) -> str:
    """Write emissions in grams of CO2 equivalent or their neighbours."""
    scales = ((1.0, 1.0, "kg"), (1e-4, 1e3, "g"), (0.0, 1e6, "mg"))
    text = _scaled(kg, scales, DIGITS[method], language, zero="g")
    return text if kg is None else f"{text} CO₂e"


def write_bytes(size: int | None, language: Language) -> str:
    """Write a size in decimal units with three significant digits: 254 kB."""
    scales = ((1e9, 1e-9, "GB"), (1e6, 1e-6, "MB"), (1e3, 1e-3, "kB"), (0.0, 1.0, "B"))
    return _scaled(size, scales, 3, language, zero="B")


def write_duration(seconds: float | None, language: Language) -> str:
    """Write a time in its two largest units: 1 h 02 min, 3 min 20 s, 4.2 s."""
    if seconds is None:
        return MISSING
    if seconds < 9.95:
        return _decimal(seconds, "0.0", language) + f"{NO_BREAK}s"
    whole = round(seconds)
    hours, minutes = whole // 3600, whole % 3600 // 60
    if hours:
        parts = (write_count(hours, language), "h", f"{minutes:02d}", "min")
    elif minutes:
        parts = (str(minutes), "min", f"{whole % 60:02d}", "s")
    else:
        return f"{whole}{NO_BREAK}s"
    return NO_BREAK.join(parts)


def write_seconds(seconds: float | None, language: Language) -> str:
    """Write a time in seconds with one decimal: 1,213.6 s."""
    return _with_unit(_decimal(seconds, "#,##0.0", language), "s")


def write_date(moment: str, language: Language) -> str:
    """Write the day of an ISO 8601 moment in full: November 20, 2026."""
    day = datetime.fromisoformat(moment).date()
    return str(format_date(day, format="long", locale=LOCALES[language]))


def write_list(parts: Sequence[str], language: Language) -> str:
    """Write a list in a sentence: a, b, and c."""
    return str(format_list(list(parts), locale=LOCALES[language]))


def write_shape(sides: Sequence[int], language: Language) -> str:
    """Write the sides of an array: 28 × 28 × 1."""
    return f"{NO_BREAK}×{NO_BREAK}".join(write_count(side, language) for side in sides)


def name_language(named: Language, language: Language) -> str:
    """Name a language in another one: Portuguese, português."""
    return str(Locale.parse(LOCALES[language]).languages[named])


def name_country(code: str, language: Language) -> str:
    """Name the country of an ISO 3166-1 code of two or three letters: Brazil, Brasil."""
    aliases = get_global("territory_aliases").get(code, [code])
    return str(Locale.parse(LOCALES[language]).territories.get(aliases[0], code))


FORMATS: Mapping[str, Callable[..., str]] = {
    "ratio": write_ratio,
    "count": write_count,
    "number": write_number,
    "percent": write_percent,
    "signed": write_signed,
    "p_value": write_p_value,
    "energy": write_energy,
    "emissions": write_emissions,
    "bytes": write_bytes,
    "duration": write_duration,
    "seconds": write_seconds,
    "date": write_date,
    "listed": write_list,
    "shape": write_shape,
    "language": name_language,
    "country": name_country,
}


def _decimal(value: float | None, pattern: str, language: Language) -> str:
    if value is None:
        return MISSING
    # Babel 2.18 cannot write all digits of a large number, and nobody could read them.
    if abs(value) >= LEAST_WITH_EXPONENT:
        return _with_exponent(value, language)
    return str(format_decimal(value, format=pattern, locale=LOCALES[language]))


def _with_exponent(value: float, language: Language) -> str:
    """Write a number as 1.5 × 10²⁰."""
    mantissa, exponent = f"{value:.4e}".split("e")
    power = str(int(exponent)).translate(SUPERSCRIPT)
    return f"{_decimal(float(mantissa), '0.####', language)}{NO_BREAK}×{NO_BREAK}10{power}"


def _scaled(
    value: float | None,
    scales: Sequence[tuple[float, float, str]],
    digits: int,
    language: Language,
    zero: str,
) -> str:
    """Write a value in the first unit whose least value it reaches once it is rounded."""
    if not value:
        return _with_unit(_decimal(value, "0", language), zero)
    rounded = float(f"{value:.{digits - 1}e}")
    factor, unit = next((factor, unit) for least, factor, unit in scales if rounded >= least)
    number = f"{rounded * factor:.{digits - 1}e}"
    decimals = max(0, digits - 1 - int(number.split("e")[1]))
    return _with_unit(_decimal(float(number), f"#,##0.{'0' * decimals}", language), unit)


def _with_unit(number: str, unit: str) -> str:
    return number if number == MISSING else f"{number}{NO_BREAK}{unit}"
