"""Words of the field that a card uses, each in a sentence for readers who are new to them."""

from __future__ import annotations

from lenetml.record import Record
from lenetml.report.language import Gettext


def explain_words(record: Record, gettext: Gettext) -> list[tuple[str, str]]:
    """Give the words that the card of a record uses and what they mean, in its language."""
    _ = gettext
    words = {
        _("Epoch"): _("one pass of the training over all training images."),
        _("Seed"): _(
            "the number from which all chance of a training is drawn: first weights, order of "
            "images, augmentation."
        ),
        _("Validation set"): _(
            "images that serve to choose and not to train; results on them are optimistic."
        ),
        _("Test set"): _(
            "images that serve neither to train nor to choose, kept for the chosen model."
        ),
    }
    if record.search.strategy:
        words |= {
            _("Hyperparameter"): _("a setting that training does not learn and a search varies."),
            _("Trial"): _("a network trained with one set of values of the hyperparameters."),
        }
    if record.baselines:
        words[_("Baseline")] = _("another spec on the same data that this one is compared with.")
    if any(each.mcnemar for each in record.baselines) or record.best.rivals:
        words[_("McNemar's test")] = _(
            "asks whether two networks differ, from the images that only one of them gets right."
        )
    if record.energy and record.energy.kg_co2eq is not None:
        words["CO₂e"] = _("the amount of CO₂ that would warm the climate as much.")
    return list(words.items())
