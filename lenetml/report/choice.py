"""How the winner was chosen, in words: the rule, what it is the best of, how it was confirmed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from gettext import NullTranslations

from lenetml.record import Record, TrialRecord
from lenetml.report.language import Gettext
from lenetml.report.markdown import code
from lenetml.report.phrases import count_epochs, count_trials, name_status
from lenetml.report.spread import Spread, spread_of
from lenetml.report.trials import write_objective
from lenetml.report.words import write_count, write_ratio
from lenetml.spec.types import Language


@dataclass(frozen=True)
class ConfirmedRow:
    """One of the best trials and what its values gave under other seeds.

    Args:
        record: The trial.
        objective: Of the search.
        results: Under each other seed; a failed training is named.
        spread: Of those results.
        is_chosen: Whether it won.
    """

    record: TrialRecord
    objective: str
    results: Sequence[str]
    spread: Spread
    is_chosen: bool


def tell_choice(record: Record, language: Language, gettext: Gettext) -> str:
    """Say by which rule the winner was chosen, as Markdown."""
    _, objective = gettext, code(record.search.objective)
    if record.best.selected_by == "confirm":
        return _(
            "The trials below were the best of the search by %(objective)s; their values were "
            "trained again under other seeds. Chosen: the trial with the best mean under these "
            "seeds; one with a failed training comes behind those without. The weights stay those "
            "of the search."
        ) % {"objective": objective}
    if record.best.selected_by == "one_standard_error":
        best = _best_of_search(record)
        return _(
            "Chosen: the smallest network that is within one standard error of the best one. The "
            "best is trial %(trial)s, with %(objective)s %(value)s and %(parameters)s parameters; "
            "the error is that of the difference between two trials in the share of validation "
            "images classified right, image by image."
        ) % {
            "trial": write_count(best.number, language),
            "objective": objective,
            "value": write_objective(best, language),
            "parameters": write_count(best.parameters, language),
        }
    return _(
        "Chosen: the trial with the best %(objective)s; of equal ones that with fewer parameters, "
        "then the earlier one."
    ) % {"objective": objective}


def tell_selected(record: Record, language: Language, translations: NullTranslations) -> str:
    """Say how many candidates the winner's validation value was selected from."""
    _, chosen_from = translations.gettext, record.best.selected_from
    trials = count_trials(chosen_from.trials, language, translations)
    n_executions = max(len(trial.executions) for trial in record.trials)
    if n_executions:
        trials = _("%(trials)s of %(n)s trainings each") % {
            "trials": trials,
            "n": write_count(n_executions, language),
        }
    patterns = {
        "best": _("selected: best of %(trials)s and %(epochs)s, optimistic"),
        "one_standard_error": _(
            "selected: within one standard error of the best of %(trials)s and %(epochs)s, "
            "optimistic"
        ),
        "confirm": _("selected: among the best of %(trials)s and %(epochs)s, optimistic"),
    }
    epochs = count_epochs(chosen_from.epochs, language, translations)
    return patterns[record.best.selected_by] % {"trials": trials, "epochs": epochs}


def view_confirmed(record: Record, language: Language, gettext: Gettext) -> list[ConfirmedRow]:
    """Give the trials that were trained under other seeds, best of the search first."""
    write, failed = partial(write_ratio, language=language), name_status("failed", gettext)
    return [
        ConfirmedRow(
            record=trial,
            objective=write_objective(trial, language),
            results=[failed if each is None else write(each) for each in trial.confirmed],
            spread=spread_of(trial.confirmed),
            is_chosen=trial.number == record.best.number,
        )
        for trial in _ranked(record)
        if trial.confirmed
    ]


def _best_of_search(record: Record) -> TrialRecord:
    ranked = _ranked(record)
    return next((trial for trial in ranked if trial.status == "completed"), ranked[0])


def _ranked(record: Record) -> list[TrialRecord]:
    """The trials with a result as the search ranks them."""
    sign = 1 if record.search.direction == "min" else -1

    def rank(trial: TrialRecord) -> tuple[float, int, int]:
        return sign * (trial.objective or 0.0), trial.parameters, trial.number

    return sorted((trial for trial in record.trials if trial.objective is not None), key=rank)
