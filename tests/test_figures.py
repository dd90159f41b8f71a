"""Figures: their size, their bytes, and names that a font or a formula could trip over."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from lenetml.record import ClassMetrics, Record
from lenetml.report.figures import draw_confusion, draw_learning_curves
from lenetml.report.language import load_translations

CASES = Path(__file__).parent / "cases"


@pytest.fixture(scope="module")
def record() -> Record:
    return Record.model_validate_json((CASES / "record.json").read_bytes())


def translate(language: str):
    return load_translations(language).gettext


def size(png: bytes) -> tuple[int, int]:
    """Width and height, from the PNG's header."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", png[16:24])


def test_figures_are_twice_600_pixels_wide(record: Record) -> None:
    assert size(draw_learning_curves(record.trials[2], "en", translate("en"))) == (1200, 580)
    assert size(draw_confusion(record.test, "en", translate("en"))) == (1200, 1040)


def test_the_same_record_gives_the_same_bytes_in_each_language(record: Record) -> None:
    first, again = (draw_confusion(record.test, "pt", translate("pt")) for _ in range(2))
    assert first == again
    assert b"Software" not in first
    assert first != draw_confusion(record.test, "en", translate("en"))


def test_figures_leave_the_users_settings_alone(record: Record) -> None:
    import matplotlib

    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "black"}):
        styled = draw_learning_curves(record.trials[2], "en", translate("en"))
        assert matplotlib.rcParams["font.size"] == 30
    assert styled == draw_learning_curves(record.trials[2], "en", translate("en"))


@pytest.mark.parametrize("name", ["$\\frac{", "健康", "a" * 300, "x\ny\u202e", "_$_^{}"])
def test_any_name_of_a_class_is_drawn(record: Record, name: str) -> None:
    named = [each.model_copy(update={"name": name}) for each in record.test.per_class]
    test = record.test.model_copy(update={"per_class": named})
    assert size(draw_confusion(test, "pt", translate("pt"))) == (1200, 1040)


def test_many_classes_are_drawn_without_numbers(record: Record) -> None:
    n = 40
    empty = ClassMetrics(name="c", precision=None, recall=None, f1=None, support=0)
    confusion = [[0] * n for _ in range(n)]
    test = record.test.model_copy(update={"per_class": [empty] * n, "confusion": confusion})
    assert size(draw_confusion(test, "en", translate("en"))) == (1200, 1040)


def test_a_history_of_one_epoch_is_drawn(record: Record) -> None:
    png = draw_learning_curves(record.trials[4], "en", translate("en"))
    assert size(png) == (1200, 580)
