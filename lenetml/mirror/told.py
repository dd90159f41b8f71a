"""What W&B is to know of a run: one of a trial, and one of the evaluation of the winner."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from lenetml.record import Record, TestRecord, TrialRecord

EVALUATION = "evaluation"
FIGURES = "figures/*.png"
MODEL = "model.keras"


@dataclass(frozen=True)
class Confusion:
    """A confusion matrix: rows true, columns predicted."""

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Attachments:
    """What belongs to a run beside its numbers.

    Args:
        confusion: Shown as W&B's own plot.
        figures: PNG files, shown as images.
        artifacts: Files by the kind of artifact that they make up together.
    """

    confusion: Confusion | None = None
    figures: tuple[Path, ...] = ()
    artifacts: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Told:
    """A run that is over, whole.

    Args:
        key: Which run of a search it is: `trial-3`, `evaluation`.
        job_type: W&B's word for the kind of a run.
        config: What it was made with.
        rows: Its metrics by epoch.
        summary: What came out.
        exit_code: 0, or 1 where it failed.
        attachments: What belongs to it beside.
    """

    key: str
    job_type: Literal["trial", "evaluation"]
    config: Mapping[str, Any]
    rows: Sequence[Mapping[str, float]]
    summary: Mapping[str, Any]
    exit_code: int
    attachments: Attachments = Attachments()

    def sha256(self) -> str:
        """Over all that is told, the attached files included."""
        it = self.attachments
        files = {path.name: path for paths in it.artifacts.values() for path in paths}
        files |= {path.name: path for path in it.figures}
        contents = {
            name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()
        }
        facts = [
            self.key, dict(self.config), [dict(row) for row in self.rows], dict(self.summary),
            self.exit_code, it.confusion and it.confusion.counts, contents,
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def key_of_trial(number: int) -> str:
    """What the run of a trial is known by; sorted as the numbers are, up to 99."""
    return f"trial-{number:02d}"


def config_of(values: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """The config of a trial: its values under the names of the spec, and its seed."""
    return {"seed": seed, **values}


def rows_of(history: Mapping[str, Sequence[float]]) -> list[dict[str, float]]:
    """One row an epoch, counted from 1; a series that ends early is left out of the last ones."""
    n_epochs = max(map(len, history.values()), default=0)
    return [
        {"epoch": i + 1, **{name: series[i] for name, series in history.items() if i < len(series)}}
        for i in range(n_epochs)
    ]


def tell_trial(trial: TrialRecord) -> Told:
    """All of a trial that is over, or over for now."""
    summary = {
        "status": trial.status,
        "reason": trial.reason,
        "objective": trial.objective,
        "best_epoch": trial.best_epoch,
        "parameters": trial.parameters,
        "macs": trial.macs,
        "seconds": trial.seconds,
    }
    if trial.val:
        summary |= _scores("val", trial.val)
    return Told(
        key=key_of_trial(trial.number),
        job_type="trial",
        config=config_of(trial.values, trial.seed),
        rows=rows_of(trial.history),
        summary=_known(summary),
        exit_code=0 if trial.status in ("completed", "stopped") else 1,
    )


def tell_evaluation(record: Record, folder: Path, cards: Sequence[Path]) -> Told:
    """What was found of the winner, with the model, the cards and their figures.

    Args:
        record: Of the finished run.
        folder: Of the run, with its model and figures.
        cards: As they are sent.
    """
    best, chosen = record.best, record.best.number
    trial = next(each for each in record.trials if each.number == chosen)
    summary: dict[str, Any] = {
        "trial": chosen,
        "trials": len(record.trials),
        "selected_by": best.selected_by,
        "best_epoch": best.best_epoch,
        "parameters": best.parameters,
        "macs": best.macs,
        "model_bytes": best.model_bytes,
        "test": "opened" if record.test else "sealed",
        **{f"selected_{name}": value for name, value in _scores("val", best.val).items()},
        **(_test_facts(record.test) if record.test else {}),
        **_seed_facts(record),
        **_baseline_facts(record),
        **_cost_facts(record),
    }
    figures = tuple(sorted(folder.glob(FIGURES)))
    confusion = None
    if record.test is not None:
        counts = tuple(map(tuple, record.test.confusion))
        confusion = Confusion(tuple(record.data.classes), counts)
    artifacts = {"model": (folder / MODEL,), "model-card": (*cards, *figures)}
    return Told(
        key=EVALUATION,
        job_type="evaluation",
        config=config_of(best.values, trial.seed),
        rows=(),
        summary=_known(summary),
        exit_code=0,
        attachments=Attachments(confusion, figures, artifacts),
    )


def _scores(part: str, metrics: Any) -> dict[str, float]:
    return {
        f"{part}_{name}": getattr(metrics, name)
        for name in ("accuracy", "precision", "recall", "f1")
    }


def _test_facts(test: TestRecord) -> dict[str, Any]:
    low, high = test.accuracy_interval
    return {
        **_scores("test", test),
        "test_accuracy_low": low,
        "test_accuracy_high": high,
        "test_n": test.n,
        "test_correct": test.correct,
        "test_loss": test.loss,
        "test_macro_f1": test.macro.f1,
        "test_look": test.look,
    }


def _seed_facts(record: Record) -> dict[str, Any]:
    tested = [seed.test.accuracy for seed in record.seeds if seed.test]
    if not tested:
        return {}
    return {"seeds": len(tested), "seeds_test_accuracy_mean": sum(tested) / len(tested)}


def _baseline_facts(record: Record) -> dict[str, Any]:
    return {
        f"baseline_{each.name}_{name}": value
        for each in record.baselines
        for name, value in (
            ("test_accuracy", each.test and each.test.accuracy),
            ("difference_pp", each.difference_pp),
        )
    }


def _cost_facts(record: Record) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "cost_seconds": record.cost.seconds,
        "cost_core_seconds": record.cost.core_seconds,
        "images_trained": record.cost.images_trained,
    }
    if (energy := record.energy) is not None:
        facts |= {
            "energy_kwh": energy.kwh,
            "energy_cpu_kwh": energy.cpu_kwh,
            "energy_gpu_kwh": energy.gpu_kwh,
            "energy_ram_kwh": energy.ram_kwh,
            "energy_method": energy.method,
            "kg_co2eq": energy.kg_co2eq,
            "energy_country": energy.country,
        }
    return facts


def _known(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value is not None}
