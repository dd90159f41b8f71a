"""What the script of a report works with: axes, fronts, and as many curves as there is room for."""

from __future__ import annotations

from typing import Any

from reports import of_many, read, remade

from lenetml.report.axes import make_axes, place_trials
from lenetml.report.pagedata import fit_curves, page_data

RECORDS = {"": read()}


def test_values_lie_on_their_axes() -> None:
    axes = make_axes(RECORDS[""])
    by_name = {axis.name: axis for axis in axes}
    assert [axis.name for axis in axes] == [
        "activation", "dropout", "blocks", "learning_rate", "batch_norm", "width", "val_accuracy",
    ]  # fmt: skip
    assert by_name["dropout"].categories == ["0.2", "0.25", "0.5"]
    assert [by_name["dropout"].place(it) for it in (0.2, 0.25, 0.5)] == [0.16667, 0.5, 0.83333]
    assert [by_name["learning_rate"].place(it) for it in (1e-4, 0.01, 0.1)] == [0, 0.66667, 1]
    assert by_name["batch_norm"].place([True, False]) == 0.625
    assert by_name["width"].place(None) is None
    places = place_trials(axes, RECORDS[""])
    assert places[0][5] is None and places[2][5] == 0.75
    assert [row[-1] for row in places] == [0.94737, None, 1, 0, 0.56147, None]


def test_a_value_that_the_space_no_longer_declares_has_its_place() -> None:
    def change(document: dict[str, Any]) -> None:
        document["trials"][0]["values"]["dropout"] = 0.3
        document["trials"][1]["values"]["dropout"] = "none"

    axes = {axis.name: axis for axis in make_axes(remade(RECORDS[""], change))}
    assert axes["dropout"].categories == ["0.2", "0.25", "0.3", "0.5", "none"]


def test_numbers_ascend_whatever_order_a_spec_has() -> None:
    def change(document: dict[str, Any]) -> None:
        spaces = {each["name"]: each for each in document["search"]["space"]}
        spaces["dropout"]["values"] = [0.5, 0.2, 0.25]
        spaces["activation"]["values"].sort(reverse=True)

    axes = {axis.name: axis for axis in make_axes(remade(RECORDS[""], change))}
    assert axes["dropout"].categories == ["0.2", "0.25", "0.5"]
    assert list(axes["activation"].categories) == sorted(axes["activation"].categories)[::-1]


def test_every_epoch_is_shown_of_short_searches() -> None:
    assert fit_curves(RECORDS[""], 100_000).stride == 1


def test_where_not_all_curves_fit_the_best_have_theirs() -> None:
    record = of_many(50, 20)
    curves = fit_curves(record, 5_000)
    assert not curves.is_whole
    pairs = zip(record.trials, curves.trials, strict=True)
    shown = [each.objective for each, it in pairs if it["epochs"]]
    best = sorted((it.objective for it in record.trials if it.objective is not None), reverse=True)
    assert 1 < len(shown) < 45 and sorted(shown, reverse=True) == best[: len(shown)]


def test_each_cost_has_its_front() -> None:
    def change(document: dict[str, Any]) -> None:
        first = document["trials"][0]
        costs = [(1, 9, 5.0, 0.9), (2, 8, 4.0, 0.8), (3, 7, 6.0, 0.7)]
        document["trials"] = [
            first
            | {"number": number, "parameters": parameters, "seconds": seconds}
            | {"val": first["val"] | {"accuracy": accuracy}}
            for number, parameters, seconds, accuracy in costs
        ]

    fronts = page_data(remade(read(), change), [])["fronts"]
    assert fronts["parameters"] == [3, 2, 1]
    assert fronts["seconds"] == [2, 1]
