"""A record as the template of the card reads it: the record itself, and plain values beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from gettext import NullTranslations
from typing import Any

from lenetml.record import BaselineRecord, Record, TrialRecord
from lenetml.report.findings import find_confusions, find_warnings
from lenetml.report.language import Gettext
from lenetml.report.markdown import code, escape, plain
from lenetml.report.metadata import write_metadata
from lenetml.report.said import Said, choose_text, choose_texts
from lenetml.report.words import write_count
from lenetml.spec.sections import Augmentation, Data, Training
from lenetml.spec.types import Language


@dataclass(frozen=True)
class TrialRow:
    """A trial beside its values in the order of the table's columns, and what to know of it."""

    record: TrialRecord
    status: str
    values: Sequence[Any]
    note: str | None


@dataclass(frozen=True)
class BaselineRow:
    """A baseline and its title in the language of the card."""

    record: BaselineRecord
    title: Said


def view_record(
    record: Record, language: Language, translations: NullTranslations
) -> dict[str, Any]:
    """Give what the template names: lower-case words of the record, and what follows from it."""
    _ = translations.gettext
    texts = choose_texts(record, language, _)
    data, best = record.data, record.best
    names = _name_statuses(_)
    statuses = [trial.status for trial in record.trials]
    columns = list(dict.fromkeys(name for trial in record.trials for name in trial.values))
    n_examples = data.train + data.val + data.test
    return {
        "record": record,
        "data": data,
        "search": record.search,
        "best": best,
        "test": record.test,
        "energy": record.energy,
        "cost": record.cost,
        "environment": record.environment,
        "language": language,
        "metadata": write_metadata(record, language),
        "title": choose_text("title", "", record.spec["title"] or record.name, language),
        "texts": texts,
        "missing": [text for text in texts.values() if text.is_missing],
        "given_data": Data.model_validate(record.spec["data"]),
        "augmentation": Augmentation.model_validate(best.augmentation),
        "training": Training.model_validate(best.training),
        "is_convolutional": any("conv2d" in layer.layer for layer in best.architecture),
        "shares": {
            "train": data.train / n_examples,
            "val": data.val / n_examples,
            "test": data.test / n_examples,
        },
        "class_counts": list(
            zip(
                data.classes,
                data.class_counts.train,
                data.class_counts.val,
                data.class_counts.test,
                strict=True,
            )
        ),
        "strategy": _name_strategies(_).get(record.search.strategy or ""),
        "ended": _name_ends(_)[record.search.ended],
        "status_counts": [
            (name, statuses.count(status)) for status, name in names.items() if status in statuses
        ],
        "columns": columns,
        "trials": [
            TrialRow(trial, names[trial.status], _values(trial, columns), _note(trial, record, _))
            for trial in record.trials
        ],
        "any_guessing": any(trial.guessing for trial in record.trials),
        "selected": _selected(record, language, translations),
        "confusions": find_confusions(record.test) if record.test else [],
        "warnings": find_warnings(record, language, _),
        "baselines": [
            BaselineRow(each, choose_text("title", "", each.title or each.name, language))
            for each in record.baselines
        ],
        "test_reason": _explain(record.test_reason, _),
        "energy_reason": _explain(record.energy_reason, _),
        "shown_classes": _python_list(data.classes),
    }


def _values(trial: TrialRecord, columns: Sequence[str]) -> list[Any]:
    return [trial.values.get(name) for name in columns]


def _note(trial: TrialRecord, record: Record, _: Gettext) -> str | None:
    notes = [
        _("**chosen**") if trial.number == record.best.number else None,
        _("not distinguishable from guessing") if trial.guessing else None,
        _explain(trial.reason, _),
    ]
    return "; ".join(note for note in notes if note) or None


def _selected(record: Record, language: Language, translations: NullTranslations) -> str:
    """Say how many candidates the winner's validation value is the best of."""
    count = partial(write_count, language=language)
    n = record.best.selected_from
    plural: Callable[[str, str, int], str] = translations.ngettext
    return translations.gettext("selected: best of %(trials)s and %(epochs)s, optimistic") % {
        "trials": plural("%(n)s trial", "%(n)s trials", n.trials) % {"n": count(n.trials)},
        "epochs": plural("%(n)s epoch", "%(n)s epochs", n.epochs) % {"n": count(n.epochs)},
    }


def _explain(reason: str | None, _: Gettext) -> str | None:
    """Put a reason of the record into words; one without words of its own stays as it is."""
    if reason is None:
        return None
    words: Mapping[str, str] = {
        "non_finite": _("diverged: the loss was not finite"),
        "out_of_memory": _("memory ran out"),
        "infeasible": _("the network cannot be built"),
        "worker_died": _("the worker process died"),
        "sealed": _("the spec keeps it sealed"),
        "interrupted": _("the experiment was interrupted"),
        "off": _("measuring is switched off in the spec"),
    }
    return words.get(reason) or escape(reason)


def _name_statuses(_: Gettext) -> dict[str, str]:
    return {
        "completed": _("completed"),
        "failed": _("failed"),
        "stopped": _("stopped"),
        "interrupted": _("interrupted"),
    }


def _name_strategies(_: Gettext) -> dict[str, str]:
    return {
        "random": _("random search"),
        "grid": _("grid search"),
        "bayesian": _("Bayesian optimization"),
        "hyperband": _("Hyperband"),
    }


def _name_ends(_: Gettext) -> dict[str, str]:
    return {
        "trials": _("all trials asked for were run"),
        "exhausted": _("every point of the search space was tried"),
        "interrupted": _("interrupted before all trials were run"),
    }


def _python_list(names: Sequence[str]) -> str:
    """Write names as Python reads them, on one line whatever they hold."""
    return "[" + ", ".join(f"{plain(name)!a}" for name in names) + "]"
