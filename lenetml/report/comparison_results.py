"""What a comparison says of accuracies: on the test set, in pairs, over seeds, on validation."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from lenetml.report.choice import tell_selected
from lenetml.report.comparison import LEAST_SEEDS
from lenetml.report.comparison_words import View
from lenetml.report.sheets import NOTHING, Sheet, Text, fill, joined, own, quoted
from lenetml.report.words import NO_BREAK, write_count, write_p_value, write_ratio, write_signed


def view_results(view: View) -> Sheet:
    """Give the test results with what their intervals say."""
    _, language = view.gettext, view.language
    ratio, count = partial(write_ratio, language=language), partial(write_count, language=language)
    rows = []
    for run, name in zip(view.comparison.runs, view.names, strict=True):
        test, part = run.record.test, quoted(run.record.data.test_fingerprint[:8])
        if test is None:
            rows.append([name, part, own(count(run.record.data.test)), *[NOTHING] * 5])
            continue
        low, high = map(ratio, test.accuracy_interval)
        between = _("%(low)s to %(high)s") % {"low": low, "high": high}
        cells = [count(test.n), count(test.correct), ratio(test.accuracy), between]
        rows.append([name, part, *map(own, [*cells, ratio(test.loss), count(test.look)])])
    head = [
        _("Model"), _("Test set"), _("Examples"), _("Correct"), _("Accuracy"),
        _("95%% interval") % {}, _("Loss"), _("Look number"),
    ]  # fmt: skip
    meant = _(
        "The 95%% interval is Wilson's: it says how far the accuracy might vary with other images "
        "like these, and leaves out the spread of training."
    )
    return Sheet(_("Test results"), [*map(own, head)], rows, [own(meant % {})], n_words=2)


def view_paired(view: View) -> Sheet:
    """Give the tests of any two networks on the same images, and say where there are none."""
    _, language, pairs = view.gettext, view.language, view.comparison.pairs
    count, signed = (
        partial(write_count, language=language),
        partial(write_signed, language=language),
    )

    def p_value(value: float | None) -> str:
        return write_p_value(value, language).removeprefix(f"={NO_BREAK}")

    is_corrected = any(pair.p_holm is not None for pair in pairs)
    rows = []
    for pair in pairs:
        if test := pair.mcnemar:
            cells = [
                signed(pair.difference_pp),
                count(test.only_this_correct),
                count(test.only_other_correct),
                p_value(test.p_value),
            ]
            corrected = [p_value(pair.p_holm)] if is_corrected else []
            rows.append([*view.places(pair).values(), *map(own, [*cells, *corrected])])
    head = [
        _("First"), _("Second"), _("Difference in percentage points"),
        _("Only the first is right"), _("Only the second is right"), _("p (exact McNemar test)"),
    ]  # fmt: skip
    head += [_("p corrected by Holm")] if is_corrected else []
    notes = [*_tell_paired(view, len(rows)), *_tell_unpaired(view)]
    return Sheet(_("Paired tests"), [*map(own, head)] if rows else [], rows, notes, n_words=2)


def _tell_paired(view: View, n_tests: int) -> Iterator[Text]:
    """Say what the tests say, and what they do not."""
    _ = view.gettext
    if n_tests:
        yield own(
            _(
                "The difference is the first test accuracy less the second. McNemar's test "
                "compares two trained networks on these images only; it does not say that one "
                "spec is better than the other."
            )
        )
    if n_tests > 1:
        sentence = _("Holm's correction is for all %(n)s tests of this table together.")
        yield own(sentence % {"n": write_count(n_tests, view.language)})


def _tell_unpaired(view: View) -> Iterator[Text]:
    """Say which pairs were not tested, and why."""
    _, language = view.gettext, view.language
    between = _("%(first)s and %(second)s")
    others = [pair for pair in view.comparison.pairs if pair.same_images is False]
    if others:
        sentence = _(
            "Not evaluated on the same images, so that there is no paired test, and accuracies "
            "differ by the images, too: %(pairs)s."
        )
        named = [fill(between, view.places(pair)) for pair in others]
        yield fill(sentence, {"pairs": joined(named)})
    for run, name in zip(view.comparison.runs, view.names, strict=True):
        if run.record.test is None:
            sentence = _("%(model)s: no paired test, since it was not evaluated on the test set.")
            yield fill(sentence, {"model": name})
    for pair in view.comparison.pairs:
        if pair.paired and pair.paired.n_undecided:
            sentence = _(
                "%(first)s and %(second)s: no paired test, since two classes were equally "
                "probable, and what was kept does not say which one is right; images: %(n)s."
            )
            n_undecided = own(write_count(pair.paired.n_undecided, language))
            yield fill(sentence, {**view.places(pair), "n": n_undecided})


def view_seeds(view: View) -> Sheet:
    """Give the test accuracies under other seeds."""
    _, language = view.gettext, view.language
    ratio, count = partial(write_ratio, language=language), partial(write_count, language=language)
    rows, notes = [], []
    for run, name in zip(view.comparison.runs, view.names, strict=True):
        spread = run.spread
        width = "—" if spread.half_width is None else f"±{ratio(spread.half_width)}"
        cells = [count(spread.n), ratio(spread.mean), ratio(spread.deviation), width]
        rows.append([name, *map(own, cells)])
    head = [
        _("Model"), _("Trainings (n)"), _("Mean accuracy"), _("Standard deviation"),
        _("95%% interval of the mean") % {},
    ]  # fmt: skip
    notes.append(
        _(
            "Trainings of the chosen configuration under other seeds, on the test set. The "
            "interval of the mean is that of Student's t with n − 1 degrees of freedom."
        )
    )
    if not all(pair.means for pair in view.comparison.pairs):
        sentence = _(
            "Means are compared only where both runs have the same test set and at least %(n)s "
            "such trainings each; of the other specs it is not known which one is better."
        )
        notes.append(sentence % {"n": write_count(LEAST_SEEDS, language)})
    return Sheet(_("Spread of training"), [*map(own, head)], rows, [*map(own, notes)])


def view_means(view: View) -> Iterator[Sheet]:
    """Give the differences of means, where there are any."""
    _, signed = view.gettext, partial(write_signed, language=view.language)
    rows = []
    for pair in view.comparison.pairs:
        if means := pair.means:
            low, high = map(signed, means.interval_pp)
            between = _("%(low)s to %(high)s") % {"low": low, "high": high}
            rows.append(
                [*view.places(pair).values(), own(signed(means.difference_pp)), own(between)]
            )
    head = [
        _("First"), _("Second"), _("Difference in percentage points"), _("95%% interval") % {},
    ]  # fmt: skip
    meant = _(
        "The first mean less the second, with Welch's t; each interval is for its own pair alone, "
        "and for these images. Where it contains zero, the means cannot be told apart."
    )
    if rows:
        yield Sheet(_("Difference of means"), [*map(own, head)], rows, [own(meant)], n_words=2)


def view_validation(view: View) -> Sheet:
    """Give the validation accuracies, and how they were selected."""
    _, language = view.gettext, view.language
    rows = []
    for run, name in zip(view.comparison.runs, view.names, strict=True):
        val, selected = run.record.best.val, tell_selected(run.record, language, view.translations)
        cells = [selected, write_count(val.n, language), write_ratio(val.accuracy, language)]
        rows.append([name, *map(own, cells)])
    head = [_("Model"), _("Selection"), _("Examples"), _("Accuracy")]
    meant = _("Selected values are optimistic: they do not say which network is better.")
    return Sheet(_("Validation"), [*map(own, head)], rows, [own(meant)], n_words=2)
