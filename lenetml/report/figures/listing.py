"""Which figures the card of a record shows, under which names, and what they say in words.

The record alone decides. Figures that show images are drawn during the run and kept; all others
are drawn again whenever a card is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from lenetml.record import Record, TestRecord
from lenetml.report.figures.pareto import pareto_front, priced_trials
from lenetml.report.language import Gettext
from lenetml.report.markdown import code, escape, plain
from lenetml.report.words import write_count, write_list, write_percent, write_ratio, write_shape
from lenetml.spec.sections import Augmentation
from lenetml.spec.types import Language

LEARNING_CURVES, CONFUSION, ERRORS = "learning-curves", "confusion-matrix", "confusion-errors"
CLASS_COUNTS, ARCHITECTURE, TRADEOFF = "class-counts", "architecture", "accuracy-parameters"
MISCLASSIFIED, AUGMENTATION = "misclassified", "augmentation"
KEPT = frozenset({MISCLASSIFIED, AUGMENTATION})
NAMES = frozenset({LEARNING_CURVES, CONFUSION, ERRORS, CLASS_COUNTS, ARCHITECTURE, TRADEOFF, *KEPT})
# Longest name of a class, in characters, and how many columns and rows of images go with it.
GRIDS = ((3, 8, 3), (10, 5, 4))
WIDEST_GRID = (4, 3)


@dataclass(frozen=True)
class CardFigure:
    """A figure of a card.

    Args:
        file: Its path in the folder of the run.
        alt: What it shows, as Markdown on one line.
    """

    file: str
    alt: str


def list_figures(record: Record, language: Language, gettext: Gettext) -> dict[str, CardFigure]:
    """List the figures of a record's card by name."""
    return {
        name: CardFigure(file_of(name, language), alt)
        for name, alt in _describe(record, language, gettext).items()
    }


def kept_names(record: Record) -> set[str]:
    """Name the figures of a record that must be drawn while the images are at hand."""
    names = set()
    if record.test is not None and n_errors(record.test):
        names.add(MISCLASSIFIED)
    if shown_augmentation(record).is_active:
        names.add(AUGMENTATION)
    return names


def file_of(name: str, language: Language) -> str:
    """Give the path of a figure in the folder of a run; one that is kept has no language."""
    return f"figures/{name}.png" if name in KEPT else f"figures/{name}.{language}.png"


def n_errors(test: TestRecord) -> int:
    """Count the test images that were classified as another class."""
    return test.n - test.correct


def n_misclassified(record: Record) -> int:
    """Count the errors that are shown as images: all, or as many as there is room for."""
    columns, rows = misclassified_grid(record.data.classes)
    return min(n_errors(record.test), columns * rows) if record.test else 0


def misclassified_grid(classes: Sequence[str]) -> tuple[int, int]:
    """Give columns and rows of the grid of images: fewer where names of classes are long."""
    longest = max(len(plain(name)) for name in classes)
    return next(((columns, rows) for most, columns, rows in GRIDS if longest <= most), WIDEST_GRID)


def shown_augmentation(record: Record) -> Augmentation:
    """Give the augmentation of the chosen trial."""
    return Augmentation.model_validate(record.best.augmentation)


def _describe(record: Record, language: Language, gettext: Gettext) -> dict[str, str]:
    """Say what each figure shows, in numbers of the record."""
    _, data, best, test = gettext, record.data, record.best, record.test
    count, ratio = partial(write_count, language=language), partial(write_ratio, language=language)
    largest = max(best.architecture, key=lambda layer: layer.parameters)
    alts = {
        ARCHITECTURE: _(
            "The network as blocks from top to bottom, wider where a layer gives more values: "
            "input %(shape)s, layers: %(layers)s, parameters: %(parameters)s, most of them in "
            "%(largest)s: %(most)s."
        )
        % {
            "shape": write_shape(data.input_shape, language),
            "layers": count(len(best.architecture)),
            "parameters": count(best.parameters),
            "largest": code(largest.layer),
            "most": count(largest.parameters),
        },
        CLASS_COUNTS: _(
            "Bars with the number of examples of each class: %(train)s in the training set, "
            "%(val)s in the validation set, %(test)s in the test set."
        )
        % {
            "train": _span(data.class_counts.train, language, _),
            "val": _span(data.class_counts.val, language, _),
            "test": _span(data.class_counts.test, language, _),
        },
        LEARNING_CURVES: _(
            "Learning curves: loss and accuracy per epoch on the training and validation sets; "
            "the chosen epoch is %(epoch)s, with a validation accuracy of %(accuracy)s."
        )
        % {"epoch": count(best.best_epoch), "accuracy": ratio(best.val.accuracy)},
    }
    augmentation = shown_augmentation(record)
    if augmentation.is_active:
        alts[AUGMENTATION] = _(
            "Training images as they are, with each transformation at both ends of its range "
            "(%(keys)s), and with all of them drawn at random."
        ) % {"keys": write_list([code(key) for key in active_keys(augmentation)], language)}
    trials = priced_trials(record)
    if record.search.strategy and len(trials) > 1:
        chosen = next(trial for trial in trials if trial.number == best.number)
        alts[TRADEOFF] = _(
            "Validation accuracy against parameters, trials: %(trials)s, on the Pareto front: "
            "%(front)s; the chosen trial has an accuracy of %(accuracy)s and %(parameters)s "
            "parameters."
        ) % {
            "trials": count(len(trials)),
            "front": count(len(pareto_front(trials))),
            "accuracy": ratio(chosen.accuracy),
            "parameters": count(best.parameters),
        }
    return alts | (_describe_test(record, test, language, gettext) if test else {})


def _describe_test(
    record: Record, test: TestRecord, language: Language, gettext: Gettext
) -> dict[str, str]:
    _, count, wrong = gettext, partial(write_count, language=language), n_errors(test)
    alts = {
        CONFUSION: _(
            "Confusion matrix of the test set: %(correct)s of %(n)s on the diagonal, %(wrong)s "
            "off it."
        )
        % {"correct": count(test.correct), "n": count(test.n), "wrong": count(wrong)}
    }
    if not wrong:
        return alts
    share, true, predicted = max(
        (n / sum(row), -true, -predicted)
        for true, row in enumerate(test.confusion)
        for predicted, n in enumerate(row)
        if n and true != predicted
    )
    names = [escape(each.name) for each in test.per_class]
    alts[ERRORS] = _(
        "The errors alone (%(wrong)s), without the diagonal; the largest share: %(share)s of the "
        "examples of %(true)s were classified as %(predicted)s."
    ) % {
        "wrong": count(wrong),
        "share": write_percent(share, language),
        "true": names[-true],
        "predicted": names[-predicted],
    }
    alts[MISCLASSIFIED] = _(
        "Misclassified images of the test set, shown: %(shown)s of %(wrong)s."
    ) % {"shown": count(n_misclassified(record)), "wrong": count(wrong)}
    return alts


def active_keys(augmentation: Augmentation) -> list[str]:
    """Name the keys of a spec under which images are varied."""
    default = Augmentation()
    return [
        key
        for key in Augmentation.model_fields
        if key != "fill_mode" and getattr(augmentation, key) != getattr(default, key)
    ]


def _span(counts: Sequence[int], language: Language, _: Gettext) -> str:
    least, most = (write_count(n, language) for n in (min(counts), max(counts)))
    return least if least == most else _("%(low)s to %(high)s") % {"low": least, "high": most}
