"""What a record says against its results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lenetml.record import Record
from lenetml.report.findings import find_confusions, find_warnings
from lenetml.report.language import load_translations

CASES = Path(__file__).parent / "cases"


@pytest.fixture(scope="module")
def record() -> Record:
    return Record.model_validate_json((CASES / "record.json").read_bytes())


def warnings(record: Record) -> list[str]:
    return find_warnings(record, "en", load_translations("en").gettext)


def test_every_finding_of_the_hand_made_record(record: Record) -> None:
    assert warnings(record) == [
        "The search was interrupted; trials begun: 6 of 8.",
        "Trials that failed and could not be chosen: 1.",
        "The chosen epoch, 12, is the last one that was trained: whether more epochs would give a "
        "better model was not tried in this trial.",
        "The shear range of 0.45 is in degrees, less than one degree: it leaves the images next "
        "to unchanged.",
        "The spread of training was not measured.",
        "Images that repeat an earlier one of their own set exactly: 2.",
        "Images of the validation or test set that are also in another set: 1.",
        "The test set had been looked at before, as far as is recorded here; this result comes "
        "from look number 2.",
        "Classes with fewer than 30 examples in the test set, whose results are uncertain: "
        r"leaf\_spot \| late (24).",
        r"Classes that the model never predicted on the test set: leaf\_spot \| late.",
        "Evaluated only on color images of 28 × 28 pixels; results are broken down by class and "
        "by nothing else.",
    ]


def change(part: Any, **changes: Any) -> Any:
    return part.model_copy(update=changes)


def test_a_clean_record_says_only_what_it_was_evaluated_on(record: Record) -> None:
    per_class = [change(each, support=100, precision=0.9) for each in record.test.per_class]
    clean = change(
        record,
        search=change(record.search, ended="trials"),
        trials=[record.trials[2]],
        best=change(record.best, best_epoch=11, augmentation={"shear_range": 1.0}),
        seeds=[{}],
        data=change(record.data, duplicates_within=0, duplicates_across=0, input_shape=[8, 9, 1]),
        test=change(record.test, look=1, per_class=per_class),
    )
    assert warnings(clean) == [
        "Evaluated only on grayscale images of 8 × 9 pixels; results are broken down by class and "
        "by nothing else."
    ]


def test_the_last_epoch_is_no_finding_where_it_is_kept_by_rule(record: Record) -> None:
    training = record.best.training | {"restore": "last"}
    kept = change(record, best=change(record.best, training=training))
    assert not any("last one that was trained" in each for each in warnings(kept))


def test_a_winner_that_only_guesses_is_named(record: Record) -> None:
    guess = change(record, best=change(record.best, number=4))
    assert (
        "The chosen trial is not distinguishable from guessing on the validation set."
        in warnings(guess)
    )


def test_without_a_test_that_is_said(record: Record) -> None:
    assert warnings(change(record, test=None))[-1] == "The model was not evaluated on the test set."


def test_confusions_come_by_number_and_then_in_the_order_of_the_classes(record: Record) -> None:
    found = [(each.true, each.predicted, each.n) for each in find_confusions(record.test)]
    assert found == [
        ("leaf_spot | late", "leaf_spot | early", 21),
        ("leaf_spot | early", "rust", 9),
        ("rust", "healthy", 6),
        ("healthy", "rust", 5),
        ("rust", "leaf_spot | early", 5),
    ]
    assert find_confusions(record.test)[0].share == pytest.approx(21 / 24, abs=1e-12)
