"""The trials of a record as rows of the card's table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from gettext import NullTranslations
from typing import Any

from lenetml.record import Record, TrialRecord
from lenetml.report.language import Gettext
from lenetml.report.phrases import explain, name_status
from lenetml.report.spread import spread_of
from lenetml.report.words import write_count, write_ratio
from lenetml.spec.types import Language


@dataclass(frozen=True)
class TrialRow:
    """A trial beside its values in the order of the table's columns, and what to know of it.

    Args:
        record: The trial.
        status: What became of it, in words.
        values: Of the columns; None where a hyperparameter does not exist.
        objective: With the spread of its trainings where there are several.
        epochs: Those it ran; of a trial that was stopped, of how many.
        seconds: None where nobody knows.
        note: As Markdown.
    """

    record: TrialRecord
    status: str
    values: Sequence[Any]
    objective: str
    epochs: str
    seconds: float | None
    note: str


def view_trials(
    record: Record, columns: Sequence[str], language: Language, translations: NullTranslations
) -> list[TrialRow]:
    """Give every trial as a row, whatever became of it.

    Args:
        record: Everything known of the experiment.
        columns: The hyperparameters that have a column.
        language: Of the card.
        translations: Its catalogue.
    """
    _ = translations.gettext

    def row(trial: TrialRecord) -> TrialRow:
        return TrialRow(
            record=trial,
            status=name_status(trial.status, _),
            values=[trial.values.get(name) for name in columns],
            objective=write_objective(trial, language),
            epochs=write_epochs(trial, language, _),
            seconds=trial.seconds if _was_seen(trial) else None,
            note=_note(trial, record, language, translations),
        )

    return [row(trial) for trial in record.trials]


def write_objective(trial: TrialRecord, language: Language) -> str:
    """Write the objective of a trial, as mean and standard deviation of several trainings."""
    text = write_ratio(trial.objective, language)
    deviation = spread_of(each.objective for each in trial.executions).deviation
    if trial.objective is None or deviation is None:
        return text
    return f"{text} ± {write_ratio(deviation, language)}"


def write_epochs(trial: TrialRecord, language: Language, _: Gettext) -> str:
    """Write the epochs that a trial ran; of one that was stopped, of how many."""
    count = partial(write_count, language=language)
    epochs = count(trial.epochs if _was_seen(trial) else None)
    if trial.status in ("stopped", "interrupted"):
        return _("%(n)s of %(limit)s") % {"n": epochs, "limit": count(trial.epochs_limit)}
    return epochs


def tell_failed_trainings(trial: TrialRecord, language: Language, _: Gettext) -> str | None:
    """Say how many of several trainings of a trial failed; None where none did."""
    count = partial(write_count, language=language)
    n_failed = sum(each.status == "failed" for each in trial.executions)
    if not n_failed:
        return None
    return _("trainings that failed: %(n)s of %(all)s") % {
        "n": count(n_failed),
        "all": count(len(trial.executions)),
    }


def _was_seen(trial: TrialRecord) -> bool:
    """A trial whose worker dies in every attempt may be given up before anybody saw it run."""
    return trial.seconds > 0


def _note(
    trial: TrialRecord, record: Record, language: Language, translations: NullTranslations
) -> str:
    _ = translations.gettext
    notes = [
        _("**chosen**") if trial.number == record.best.number else None,
        _("not distinguishable from guessing") if trial.guessing else None,
        explain(trial.reason, _) if trial.reason else None,
        tell_failed_trainings(trial, language, _),
    ]
    return "; ".join(note for note in notes if note)
