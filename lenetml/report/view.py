"""A record as the template of the card reads it: the record itself, and plain values beside it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from gettext import NullTranslations
from typing import Any

from lenetml.record import (
    BaselineRecord,
    EnergyRecord,
    Hyperparameter,
    HyperparameterImportance,
    LayerRecord,
    Record,
    SearchRecord,
)
from lenetml.report import relations
from lenetml.report.choice import tell_choice, tell_selected, view_confirmed
from lenetml.report.figures.listing import list_figures, n_misclassified
from lenetml.report.findings import (
    find_confusions,
    find_warnings,
    tell_baseline_looks,
    tell_losses,
    tell_unmeasured,
)
from lenetml.report.glossary import explain_words
from lenetml.report.language import Gettext
from lenetml.report.markdown import is_shortened, literal, plain
from lenetml.report.metadata import write_metadata
from lenetml.report.phrases import (
    count_epochs,
    count_trials,
    explain,
    grade_method,
    name_end,
    name_status,
    name_strategy,
    tell_method,
)
from lenetml.report.relations import completed, expect_best, find_relations
from lenetml.report.rounding import round_parts
from lenetml.report.said import Said, choose_text, choose_texts
from lenetml.report.spread import spread_of
from lenetml.report.trials import view_trials
from lenetml.report.words import DIGITS
from lenetml.spec.datasets import STATED_LICENSES
from lenetml.spec.layers import LAYERS
from lenetml.spec.sections import Augmentation, Data, Search, Training
from lenetml.spec.types import Language

# Below it, importance would be noise; the search computes it from there on.
LEAST_TRIALS = 30


@dataclass(frozen=True)
class LayerRow:
    """A layer of the network, or one inside a residual, of which the whole alone is counted."""

    mark: str
    name: str
    arguments: str | None
    record: LayerRecord | None


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
    statuses = Counter(trial.status for trial in record.trials)
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
        "title": choose_text("title", "", record.spec.get("title", record.name), language),
        "texts": texts,
        "missing": [text for text in texts.values() if text.is_missing],
        # What decides the search is the same as when it ran, whatever was mended in the spec since.
        "given_search": Search.model_validate(record.spec["search"])
        if record.search.strategy
        else None,
        "given_data": Data.model_validate(record.spec["data"]),
        "augmentation": Augmentation.model_validate(best.augmentation),
        "training": Training.model_validate(best.training),
        "layers": list(_view_layers(best.architecture)),
        "is_convolutional": any(it.macs and len(it.output_shape) == 3 for it in best.architecture),
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
        "strategy": name_strategy(record.search.strategy, _) if record.search.strategy else None,
        "ended": name_end(record.search.ended, record.search.strategy, _),
        "status_counts": [(name_status(status, _), n) for status, n in statuses.items()],
        "endless": [each.name for each in record.search.space if _is_endless(each)],
        "columns": columns,
        "trials": view_trials(record, columns, language, translations),
        "any_rounded": any(
            is_shortened(value) for trial in record.trials for value in trial.values.values()
        ),
        "any_absent": any(trial.values.keys() < set(columns) for trial in record.trials),
        "any_stopped": statuses["stopped"] > 0,
        "any_corrected": any(each.corrected_asks for each in record.search.continuations),
        "any_guessing": any(trial.guessing for trial in record.trials),
        "selected": tell_selected(record, language, translations),
        "choice": tell_choice(record, language, _),
        "confirmed": view_confirmed(record, language, _),
        "n_executions": max(len(trial.executions) for trial in record.trials),
        "count_trials": partial(count_trials, language=language, translations=translations),
        "count_epochs": partial(count_epochs, language=language, translations=translations),
        "unmeasured": tell_unmeasured(record, _),
        "losses": tell_losses(record, language, _),
        "baseline_looks": tell_baseline_looks(record, language, _),
        "seed_val": spread_of(each.val.accuracy if each.val else None for each in record.seeds),
        "seed_test": spread_of(each.test.accuracy if each.test else None for each in record.seeds),
        "later_looks": _later_looks(record),
        "importance": record.search.importance,
        "important": _rank_importance(record.search),
        "relations": find_relations(record),
        "n_completed": len(completed(record)),
        "least_trials": LEAST_TRIALS,
        "least_related": relations.LEAST_TRIALS,
        "expected_best": expect_best(record),
        "data_license": STATED_LICENSES.get(data.dataset),
        "components": _round_components(record.energy),
        "stages": _round_stages(record.energy),
        "winner_url": record.mirror.winner_url if record.mirror else None,
        "figures": list_figures(record, language, _),
        "n_misclassified": n_misclassified(record),
        "confusions": find_confusions(record.test) if record.test else [],
        "warnings": find_warnings(record, language, _),
        "baselines": [
            BaselineRow(each, choose_text("title", "", each.title or each.name, language))
            for each in record.baselines
        ],
        "test_reason": record.test_reason and explain(record.test_reason, _),
        "explain": partial(explain, _=_),
        "energy_method": _name_method(record, _),
        "grade_method": grade_method,
        "tell_method": partial(tell_method, language=language, _=_),
        "energy_reason": record.energy_reason and explain(record.energy_reason, _),
        "n_untimed": sum(trial.core_seconds is None for trial in record.trials)
        + sum(seed.core_seconds is None for seed in record.seeds),
        # The section may have been taken out of the spec after the run.
        "wandb_project": record.spec.get("wandb", {}).get("project") if record.mirror else None,
        "glossary": explain_words(record, _),
        "shown_classes": _write_python(data.classes),
    }


def _rank_importance(search: SearchRecord) -> list[HyperparameterImportance]:
    found = search.importance.hyperparameters if search.importance else []
    return sorted(found, key=lambda each: -each.drop)


def _round_components(energy: EnergyRecord | None) -> dict[str, float]:
    """The parts of the energy by component, rounded so that they still make the total."""
    if energy is None:
        return {}
    parts = {"cpu": energy.cpu_kwh, "gpu": energy.gpu_kwh, "ram": energy.ram_kwh}
    methods = (energy.cpu_method, energy.gpu_method, energy.ram_method)
    digits = [DIGITS[grade_method(method)] for method in methods]
    rounded = round_parts(list(parts.values()), digits, DIGITS[energy.method])
    return dict(zip(parts, rounded, strict=True))


def _round_stages(energy: EnergyRecord | None) -> dict[str, float]:
    """The parts of the energy by stage, rounded so that they still make the total."""
    if energy is None:
        return {}
    parts = {"search": energy.search, "seeds": energy.seeds, "evaluation": energy.evaluation}
    digits = DIGITS[energy.method]
    rounded = round_parts(list(parts.values()), [digits] * len(parts), digits)
    return dict(zip(parts, rounded, strict=True))


def _view_layers(layers: Sequence[LayerRecord]) -> Iterator[LayerRow]:
    for layer in layers:
        yield LayerRow("", layer.layer, _write_arguments(layer.layer, layer.arguments), layer)
        yield from _view_inner_layers(layer.arguments, "↳ ")


def _view_inner_layers(outer: Mapping[str, Any], mark: str) -> Iterator[LayerRow]:
    for item in outer.get("layers", []):
        for name, arguments in item.items():
            yield LayerRow(mark, name, _write_arguments(name, arguments), None)
            yield from _view_inner_layers(arguments, f"{mark}↳ ")


def _write_arguments(name: str, arguments: Mapping[str, Any]) -> str | None:
    """Write arguments as in a spec, in the order of the layer's, equal sides as one number."""
    pairs = []
    for key in LAYERS[name].model_fields if name in LAYERS else arguments:
        if key in arguments and key != "layers":
            value = arguments[key]
            is_square = isinstance(value, list) and value[0] == value[1]
            shown = value[0] if is_square else value
            is_whole = isinstance(shown, float) and shown.is_integer()
            pairs.append(f"{key}: {literal(int(shown) if is_whole else shown)}")
    return ", ".join(pairs) or None


def _is_endless(domain: Hyperparameter) -> bool:
    """Whether a hyperparameter is any real number of a range."""
    return isinstance(domain.low, float) and domain.step is None


def _later_looks(record: Record) -> list[int]:
    """The looks at the test part that were for other seeds alone."""
    looks = {seed.test.look for seed in record.seeds if seed.test}
    return sorted(looks - {record.test.look}) if record.test else []


def _name_method(record: Record, _: Gettext) -> str | None:
    if record.energy is None:
        return None
    return _("measured") if record.energy.method == "measured" else _("estimated")


def _write_python(names: Sequence[str]) -> str:
    """Write names as a list that Python reads, on one line whatever they hold."""
    text = json.dumps([plain(name) for name in names], ensure_ascii=False)
    # Not every reader of Markdown knows that HTML in a code block is none.
    return text.replace("<", "\\u003c")
