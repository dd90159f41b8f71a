"""What a record itself says against its results: facts that a reader must know, no opinions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from lenetml.record import Record, TestRecord
from lenetml.report.edges import Edge, find_edges
from lenetml.report.language import Gettext
from lenetml.report.markdown import code, escape
from lenetml.report.said import choose_text
from lenetml.report.words import (
    name_language,
    write_count,
    write_list,
    write_number,
    write_p_value,
    write_percent,
    write_ratio,
    write_signed,
)
from lenetml.spec.sections import Augmentation, Training
from lenetml.spec.types import Language

FEW_EXAMPLES = 30
LEAST_CUT = 0.01
LEAST_ALIKE = 0.1
LEVEL = 0.05
# Of as many images that only one of two networks gets right, all for the same one, the exact
# McNemar test gives 2 / 2**6 = 0.03; of five, 0.06.
LEAST_DIFFERENCE = 6


@dataclass(frozen=True)
class Confusion:
    """How often the examples of one class were taken for another."""

    true: str
    predicted: str
    n: int
    support: int

    @property
    def share(self) -> float:
        """The share of the class, between 0 and 1."""
        return self.n / self.support


def find_confusions(test: TestRecord, most: int = 5) -> list[Confusion]:
    """Find the most frequent confusions, the most frequent first."""
    names = [each.name for each in test.per_class]
    confusions = [
        Confusion(names[true], names[predicted], n, sum(row))
        for true, row in enumerate(test.confusion)
        for predicted, n in enumerate(row)
        if n and true != predicted
    ]
    return sorted(confusions, key=lambda confusion: -confusion.n)[:most]


def tell_unmeasured(record: Record, gettext: Gettext) -> str | None:
    """Say where the spread of the winner's results is not known; None where it is on the test."""
    _ = gettext
    chosen = next(trial for trial in record.trials if trial.number == record.best.number)
    if sum(seed.test is not None for seed in record.seeds) >= 2:
        return None
    n_validated = sum(seed.val is not None for seed in record.seeds)
    n_confirmed = sum(objective is not None for objective in chosen.confirmed)
    if max(n_validated, n_confirmed, len(chosen.executions)) >= 2:
        return _("The spread of training was measured on the validation set only.")
    return _("The spread of training was not measured.")


def tell_losses(record: Record, language: Language, gettext: Gettext) -> list[str]:
    """Say which baselines are right more often on the test set, as sentences in Markdown."""
    _ = gettext
    losses = []
    for each in record.baselines:
        if not (each.test and each.difference_pp is not None and each.difference_pp < 0):
            continue
        title = choose_text("title", "", each.title or each.name, language)
        name = "; ".join(map(escape, title.parts))
        if title.language:
            named = name_language(title.language, language)
            name += f" *({_('in %(language)s') % {'language': named}})*"
        sentence = _(
            "The baseline %(title)s is right more often on these test images: accuracy "
            "%(accuracy)s; this model less the baseline: %(difference)s percentage points%(test)s."
        )
        test = _("; exact McNemar test, p %(p)s")
        p_value = each.mcnemar and write_p_value(each.mcnemar.p_value, language)
        losses.append(
            sentence
            % {
                "title": name,
                "accuracy": write_ratio(each.test.accuracy, language),
                "difference": write_signed(each.difference_pp, language),
                "test": test % {"p": p_value} if p_value else "",
            }
        )
    return losses


def tell_baseline_looks(record: Record, language: Language, gettext: Gettext) -> str | None:
    """Say that looks at the test set may be the baselines'; None where there are none."""
    n_tested = sum(each.test is not None for each in record.baselines)
    if not n_tested:
        return None
    return gettext(
        "Each baseline's own run opens the same test set, too (baselines with a test: %(n)s)."
    ) % {"n": write_count(n_tested, language)}


def find_warnings(record: Record, language: Language, gettext: Gettext) -> list[str]:
    """Find what limits the results, as sentences in Markdown."""
    return [
        *_of_search(record, language, gettext),
        *_of_choice(record, language, gettext),
        *_of_data(record, language, gettext),
        *_of_test(record, language, gettext),
    ]


def _of_search(record: Record, language: Language, _: Gettext) -> Iterator[str]:
    search, count = record.search, partial(write_count, language=language)
    n_trials, n_failed = len(record.trials), sum(each.status == "failed" for each in record.trials)
    if search.ended == "time_limit" and record.spec["search"].get("trials"):
        yield _("The time limit ended the search; trials run: %(n)s of %(asked)s.") % {
            "n": count(n_trials),
            "asked": count(search.trials_asked),
        }
    elif search.ended == "time_limit":
        yield _("The time limit ended the search; trials run: %(n)s.") % {"n": count(n_trials)}
    if n_failed:
        yield _("Trials that failed and could not be chosen: %(n)s.") % {"n": count(n_failed)}
    changed = sorted({name for each in search.continuations for name in each.changed_versions})
    if changed:
        yield _("Versions changed while the experiment went on: %(names)s.") % {
            "names": write_list([escape(name) for name in changed], language)
        }
    n_corrected = max((each.corrected_asks for each in search.continuations), default=0)
    if n_corrected:
        yield _(
            "Trials whose values a later version would have chosen otherwise; the first values "
            "were kept: %(n)s."
        ) % {"n": count(n_corrected)}


def _of_choice(record: Record, language: Language, _: Gettext) -> Iterator[str]:
    best, count = record.best, partial(write_count, language=language)
    chosen = next(trial for trial in record.trials if trial.number == best.number)
    shear = Augmentation.model_validate(best.augmentation).shear_range
    if chosen.guessing:
        yield _("The chosen trial is not distinguishable from guessing on the validation set.")
    if chosen.status == "stopped":
        yield _("The chosen trial was not trained to its last epoch, and neither was any other.")
    chooses_epoch = Training.model_validate(best.training).restore == "best"
    if chooses_epoch and best.best_epoch == best.epochs:
        yield _(
            "The chosen epoch, %(epoch)s, is the last one that was trained: whether more epochs "
            "would give a better model was not tried in this trial."
        ) % {"epoch": count(best.best_epoch)}
    if 0 < shear < 1:
        yield _(
            "The shear range of %(shear)s is in degrees, less than one degree: it leaves the "
            "images next to unchanged."
        ) % {"shear": write_number(shear, language)}
    if best.cut_off and best.cut_off.share >= LEAST_CUT:
        yield _(
            "Augmentation cuts off what images show: at the ends of its shift and zoom ranges, "
            "%(share)s of %(n)s training images lose more than a twentieth of what differs from "
            "their background."
        ) % {"share": write_percent(best.cut_off.share, language), "n": count(best.cut_off.images)}
    edges = [_tell_edge(each, _) for each in find_edges(record)]
    if edges:
        yield _(
            "Chosen values at an end of what was searched, beyond which nothing was tried: "
            "%(values)s."
        ) % {"values": write_list(edges, language)}
    yield from _of_rivals(record, language, _)
    if unmeasured := tell_unmeasured(record, _):
        yield unmeasured
    n_failed = sum(each.status == "failed" for each in record.seeds)
    if n_failed:
        yield _("Trainings under other seeds that failed and are in no mean: %(n)s.") % {
            "n": count(n_failed)
        }


def _of_rivals(record: Record, language: Language, _: Gettext) -> Iterator[str]:
    """Whether the validation set can tell the winner from the other trials."""
    rivals, count = record.best.rivals, partial(write_count, language=language)
    if rivals is None:
        return
    test = rivals.mcnemar
    if test.p_value >= LEVEL:
        yield _(
            "On the validation set the difference between the chosen trial and the best of the "
            "others, trial %(number)s, is not statistically significant: images that only the "
            "chosen one gets right: %(here)s; that only the other does: %(there)s (exact McNemar "
            "test, p %(p)s)."
        ) % {
            "number": count(rivals.runner_up),
            "here": count(test.only_this_correct),
            "there": count(test.only_other_correct),
            "p": write_p_value(test.p_value, language),
        }
    if 1 < rivals.indistinguishable >= LEAST_ALIKE * rivals.compared:
        yield _(
            "On the validation set (%(n)s images), %(alike)s of the %(compared)s other completed "
            "trials do not differ significantly from the chosen one (exact McNemar test for each, "
            "at the 5%% level); a difference of fewer than %(least)s images, %(share)s of them, "
            "never is significant there."
        ) % {
            "n": count(record.best.val.n),
            "compared": count(rivals.compared),
            "alike": count(rivals.indistinguishable),
            "least": LEAST_DIFFERENCE,
            "share": write_percent(LEAST_DIFFERENCE / record.best.val.n, language),
        }


def _tell_edge(edge: Edge, _: Gettext) -> str:
    end = _("the largest") if edge.is_largest else _("the smallest")
    return f"{code(edge.name)} {code(edge.value)} ({end})"


def _of_data(record: Record, language: Language, _: Gettext) -> Iterator[str]:
    data, count = record.data, partial(write_count, language=language)
    if data.duplicates_within:
        yield _("Images that repeat an earlier one of their own set exactly: %(n)s.") % {
            "n": count(data.duplicates_within)
        }
    if data.duplicates_across:
        yield _("Images of the validation or test set that are also in another set: %(n)s.") % {
            "n": count(data.duplicates_across)
        }
    counts = zip(data.classes, data.class_counts.train, data.class_counts.val, strict=True)
    scarce = [each for each in counts if min(each[1:]) < FEW_EXAMPLES]
    if scarce:
        yield _(
            "Classes with fewer than %(few)s examples in the training or the validation set "
            "(there in this order): %(classes)s."
        ) % {
            "few": FEW_EXAMPLES,
            "classes": write_list(
                [f"{escape(name)} ({count(train)}; {count(val)})" for name, train, val in scarce],
                language,
            ),
        }


def _of_test(record: Record, language: Language, _: Gettext) -> Iterator[str]:
    test, count = record.test, partial(write_count, language=language)
    height, width, channels = record.data.input_shape
    if record.earlier_tests:
        yield _(
            "Trials were added to the search after the test set had been opened; what was found "
            "on it before is listed under the earlier tests."
        )
    if test is None:
        yield _("The chosen model was not evaluated on the test set.")
        return
    yield from tell_losses(record, language, _)
    if test.look > 1:
        look = _(
            "The test set had been looked at before, as far as is recorded here; this result "
            "comes from look number %(look)s."
        ) % {"look": count(test.look)}
        yield " ".join(filter(None, [look, tell_baseline_looks(record, language, _)]))
    scarce = [each for each in test.per_class if each.support < FEW_EXAMPLES]
    if scarce:
        yield _(
            "Classes with fewer than %(few)s examples in the test set, whose results are "
            "uncertain: %(classes)s."
        ) % {
            "few": FEW_EXAMPLES,
            "classes": write_list(
                [f"{escape(each.name)} ({count(each.support)})" for each in scarce], language
            ),
        }
    unseen = [escape(each.name) for each in test.per_class if each.precision is None]
    if unseen:
        yield _("Classes that the model never predicted on the test set: %(classes)s.") % {
            "classes": write_list(unseen, language)
        }
    kind = _("grayscale") if channels == 1 else _("color")
    yield _(
        "Evaluated only on %(kind)s images of %(height)s × %(width)s pixels; results are broken "
        "down by class and by nothing else."
    ) % {"kind": kind, "height": count(height), "width": count(width)}
