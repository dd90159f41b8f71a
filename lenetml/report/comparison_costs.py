"""What a comparison says of networks and costs, and of what must be alike to compare these."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from lenetml.record import Record
from lenetml.report.comparison_words import View
from lenetml.report.phrases import explain
from lenetml.report.sheets import Sheet, Text, fill, own
from lenetml.report.words import (
    MISSING,
    write_bytes,
    write_count,
    write_emissions,
    write_energy,
    write_seconds,
)
from lenetml.spec.types import Language


def view_networks(view: View) -> Sheet:
    """Give the sizes of the chosen networks."""
    _, count = view.gettext, partial(write_count, language=view.language)
    rows = []
    for run, name in zip(view.comparison.runs, view.names, strict=True):
        best = run.record.best
        size = write_bytes(best.model_bytes, view.language)
        rows.append([name, *map(own, [count(best.parameters), count(best.macs), size])])
    head = [_("Model"), _("Parameters"), _("Multiply-accumulates"), _("Model file")]
    return Sheet(_("Networks"), [*map(own, head)], rows)


def view_costs(view: View) -> Sheet:
    """Give what search and evaluation took; energies only where they can be compared."""
    _, comparison, language = view.gettext, view.comparison, view.language
    records = [run.record for run in comparison.runs]
    has_emissions = any(each.energy and each.energy.kg_co2eq is not None for each in records)
    columns = [_write_cost(record, language) for record in records]
    head = [
        _("Model"), _("Trials"), _("Images trained, counted once per epoch"), _("Elapsed time"),
        _("Processor time, summed over the cores"),
    ]  # fmt: skip
    if comparison.compares_energy:
        columns = [
            [*column, *_write_energies(record, language, has_emissions)]
            for column, record in zip(columns, records, strict=True)
        ]
        head += [_("Energy"), _("Emissions")] if has_emissions else [_("Energy")]
    rows = [[name, *map(own, column)] for name, column in zip(view.names, columns, strict=True)]
    notes = [
        own(_("Of search and evaluation together; another search makes another cost.")),
        own(
            _(
                "Processor time is that of the trainings and of lenetml's own process. Starting "
                "worker processes is in the elapsed time and in the energy, and not in it."
            )
        ),
        *_tell_untimed(view),
        *_tell_times(view),
        *_tell_energy(view),
    ]
    return Sheet(_("Cost"), [*map(own, head)], rows, notes)


def view_conditions(view: View) -> Iterator[Sheet]:
    """Give what forbids to compare times or energies, where something does."""
    _, comparison = view.gettext, view.comparison
    # A machine is known of every run, what an energy depends on only of those that have one.
    conditions = {
        **comparison.host_differences, **comparison.energy_differences,
        **comparison.host_differences,
    }  # fmt: skip
    if conditions:
        yield view.values(_("Different conditions"), _("Key"), conditions)


def _write_cost(record: Record, language: Language) -> list[str]:
    count, seconds = (
        partial(write_count, language=language),
        partial(write_seconds, language=language),
    )
    cost = record.cost
    return [
        count(len(record.trials)), count(cost.images_trained),
        seconds(cost.seconds), seconds(cost.core_seconds),
    ]  # fmt: skip


def _write_energies(record: Record, language: Language, has_emissions: bool) -> list[str]:
    energy = record.energy
    if energy is None:
        return [MISSING] * (2 if has_emissions else 1)
    kwh = write_energy(energy.kwh, energy.method, language)
    emissions = write_emissions(energy.kg_co2eq, energy.method, language)
    return [kwh, emissions] if has_emissions else [kwh]


def _tell_untimed(view: View) -> Iterator[Text]:
    _ = view.gettext
    for run, name in zip(view.comparison.runs, view.names, strict=True):
        times = [each.core_seconds for each in run.record.trials]
        times += [each.core_seconds for each in run.record.seeds]
        n_untimed = times.count(None)
        if n_untimed:
            sentence = _("%(model)s: trainings whose processor time is not in the sum: %(n)s.")
            n = own(write_count(n_untimed, view.language))
            yield fill(sentence, {"model": name, "n": n})


def _tell_times(view: View) -> Iterator[Text]:
    _ = view.gettext
    if view.comparison.host_differences:
        yield own(
            _(
                "The runs did not have the same machine, software or threads: their times do not "
                "compare the specs."
            )
        )


def _tell_energy(view: View) -> Iterator[Text]:
    """Say why energies stand side by side, or do not."""
    _, comparison = view.gettext, view.comparison
    energies = [run.record.energy for run in comparison.runs]
    known = [energy for energy in energies if energy]
    if comparison.compares_energy:
        is_measured = known[0].method == "measured"
        grade = _("measured") if is_measured else _("estimated")
        sentence = _(
            "Energy (%(method)s): by the same method, on the same kind of machine, with the same "
            "versions and in the same country, as far as the records tell."
        )
        yield own(sentence % {"method": grade})
    elif len(known) > 1:
        yield own(
            _(
                "Energy is not compared: the runs did not have the same method, machine, versions "
                "or country. What differs is below."
            )
        )
    else:
        yield own(_("Energy is not compared: fewer than two of the runs have one."))
    for run, name in zip(comparison.runs, view.names, strict=True):
        if run.record.energy is None and run.record.energy_reason:
            reason = own(explain(run.record.energy_reason, _))
            yield fill(_("%(model)s has no energy: %(reason)s."), {"model": name, "reason": reason})
