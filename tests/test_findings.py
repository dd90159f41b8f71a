"""What a record says against its results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lenetml.record import Hyperparameter, Record, SeedRecord
from lenetml.report.card import render_card
from lenetml.report.edges import find_edges
from lenetml.report.findings import find_confusions, find_warnings, tell_unmeasured
from lenetml.report.language import load_translations

CASES = Path(__file__).parent / "cases"


RECORDS = {
    name: Record.model_validate_json((CASES / f"{name}.json").read_bytes())
    for name in ("record", "record-more", "record-sealed")
}
SEED = RECORDS["record-more"].seeds[0].model_dump()


@pytest.fixture(scope="module")
def record() -> Record:
    return RECORDS["record"]


def warnings(record: Record) -> list[str]:
    return find_warnings(record, "en", load_translations("en").gettext)


def test_every_finding_of_the_hand_made_record(record: Record) -> None:
    assert warnings(record) == [
        "Trials that failed and could not be chosen: 1.",
        "The chosen epoch, 12, is the last one that was trained: whether more epochs would give a "
        "better model was not tried in this trial.",
        "The shear range of 0.45 is in degrees, less than one degree: it leaves the images next "
        "to unchanged.",
        "Augmentation cuts off what images show: at the ends of its shift and zoom ranges, 3.5% of "
        "1,440 training images lose more than a twentieth of what differs from their background.",
        "Chosen values at an end of what was searched, beyond which nothing was tried: `dropout` "
        "`0.2` (the smallest).",
        "On the validation set the difference between the chosen trial and the best of the "
        "others, trial 1, is not statistically significant: images that only the chosen one gets "
        "right: 30; that only the other does: 18 (exact McNemar test, p =\u00a00.111).",
        "The spread of training was not measured.",
        "Images that repeat an earlier one of their own set exactly: 2.",
        "Images of the validation or test set that are also in another set: 1.",
        "The test set had been looked at before, as far as is recorded here; this result comes "
        "from look number 2. Each baseline's own run opens the same test set, too (baselines with "
        "a test: 1).",
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
        best=change(
            record.best,
            best_epoch=11,
            augmentation={"shear_range": 1.0},
            values=record.best.values | {"dropout": 0.25},
            rivals=None,
            cut_off=None,
        ),
        seeds=[SeedRecord(**SEED), SeedRecord(**SEED)],
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
    expected = "The chosen model was not evaluated on the test set."
    assert warnings(change(record, test=None))[-1] == expected


def test_what_a_long_search_went_through_is_said() -> None:
    assert [each for each in warnings(RECORDS["record-more"]) if "images" not in each.lower()] == [
        "The time limit ended the search; trials run: 6 of 8.",
        "Trials that failed and could not be chosen: 3.",
        "Versions changed while the experiment went on: keras and ray.",
        "Trials whose values a later version would have chosen otherwise; the first values were "
        "kept: 2.",
        "The chosen epoch, 12, is the last one that was trained: whether more epochs would give a "
        "better model was not tried in this trial.",
        "Chosen values at an end of what was searched, beyond which nothing was tried: `dropout` "
        "`0.2` (the smallest).",
        "Trainings under other seeds that failed and are in no mean: 1.",
        "Trials were added to the search after the test set had been opened; what was found on it "
        "before is listed under the earlier tests.",
        "The test set had been looked at before, as far as is recorded here; this result comes "
        "from look number 2. Each baseline's own run opens the same test set, too (baselines with "
        "a test: 1).",
        "Classes with fewer than 30 examples in the test set, whose results are uncertain: "
        r"leaf\_spot \| late (24).",
        r"Classes that the model never predicted on the test set: leaf\_spot \| late.",
    ]


def test_a_search_without_a_number_of_trials_is_not_measured_by_one() -> None:
    sealed = RECORDS["record-sealed"]
    late = change(sealed, search=change(sealed.search, ended="time_limit"))
    assert warnings(late)[0] == "The time limit ended the search; trials run: 6."


def test_a_winner_that_was_stopped_is_named(record: Record) -> None:
    assert (
        "The chosen trial was not trained to its last epoch, and neither was any other."
        in warnings(change(record, best=change(record.best, number=5)))
    )


NOT_MEASURED = "The spread of training was not measured."
ON_VALIDATION = "The spread of training was measured on the validation set only."


@pytest.mark.parametrize(
    ("name", "n_seeds", "changes", "said"),
    [
        ("record", 0, {}, NOT_MEASURED),
        ("record", 1, {}, NOT_MEASURED),
        ("record", 2, {}, None),
        ("record", 2, {"test": None}, ON_VALIDATION),
        ("record", 2, {"test": None, "val": None}, NOT_MEASURED),
        ("record-more", 0, {}, ON_VALIDATION),
        ("record-more", 2, {}, None),
    ],
)
def test_where_the_spread_of_training_is_known(
    name: str, n_seeds: int, changes: dict[str, Any], said: str | None
) -> None:
    seeds = [SeedRecord(**SEED | changes)] * n_seeds
    gettext = load_translations("en").gettext
    assert tell_unmeasured(change(RECORDS[name], seeds=seeds), gettext) == said


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


def with_value(record: Record, value: Any, **domain: Any) -> Record:
    space = [Hyperparameter(name="x", **{"values": None} | domain)]
    best = change(record.best, values={"x": value})
    return change(record, search=change(record.search, space=space), best=best)


@pytest.mark.parametrize(
    ("value", "domain", "end"),
    [
        (0.001, {"low": 0.001, "high": 0.1, "is_log": True}, "smallest"),
        (0.0011, {"low": 0.001, "high": 10.0, "is_log": True}, "smallest"),
        (0.01, {"low": 0.001, "high": 0.1, "is_log": True}, None),
        (99.0, {"low": 0.0, "high": 100.0}, "largest"),
        (0.0, {"low": 0.0, "high": 100.0}, None),
        (64, {"low": 16, "high": 64, "step": 16}, "largest"),
        (48, {"low": 16, "high": 64, "step": 16}, None),
        (300, {"values": [120, 300, 180]}, "largest"),
        (120, {"values": [120, 300, 180]}, "smallest"),
        (180, {"values": [120, 300, 180]}, None),
        (2, {"values": [1, 2]}, None),
        (2, {"values": [2, 2, 1]}, None),
        ("tanh", {"values": ["relu", "selu", "tanh"]}, None),
        (True, {"values": [True, False, True]}, None),
        (None, {"values": [1, 2, 3]}, None),
        (5, {"low": 5, "high": 5}, None),
    ],
)
def test_a_chosen_value_at_an_end(
    record: Record, value: Any, domain: dict[str, Any], end: str | None
) -> None:
    found = [each.is_largest for each in find_edges(with_value(record, value, **domain))]
    assert found == {"largest": [True], "smallest": [False], None: []}[end]


def test_trials_that_a_validation_set_cannot_tell_apart_are_counted(record: Record) -> None:
    rivals = change(record.best.rivals, compared=9, indistinguishable=4)
    small = change(record, best=change(record.best, rivals=rivals))
    assert (
        "On the validation set (480 images), 4 of the 9 other completed trials do not differ "
        "significantly from the chosen one (exact McNemar test for each, at the 5% level); a "
        "difference of fewer than 6 images, 1.2% of them, never is significant there."
    ) in warnings(small)
    test = change(record.best.rivals.mcnemar, p_value=0.049)
    clear = change(rivals, mcnemar=test, indistinguishable=1)
    told = " ".join(warnings(change(record, best=change(record.best, rivals=clear))))
    assert "best of the others" not in told
    assert "do not differ significantly" not in told
    many = change(record, best=change(record.best, rivals=change(rivals, compared=41)))
    assert "do not differ significantly" not in " ".join(warnings(many))


def test_a_baseline_that_is_right_more_often_is_named(record: Record) -> None:
    baseline = record.baselines[0]
    test = change(baseline.mcnemar, p_value=0.0494)
    ahead = change(
        baseline, title={"en": "Old *net*"}, difference_pp=-3.9, mcnemar=test,
        test=change(baseline.test, accuracy=0.9025),
    )  # fmt: skip
    told = (
        r"The baseline Old \*net\* is right more often on these test images: accuracy 0.9025; "
        "this model less the baseline: \u22123.90 percentage points%s."
    )
    beaten = change(record, baselines=[ahead])
    assert told % "; exact McNemar test, p =\u00a00.049" in warnings(beaten)
    assert told % "" in warnings(change(record, baselines=[change(ahead, mcnemar=None)]))
    even = change(record, baselines=[change(ahead, difference_pp=0.0)])
    assert not any("right more often" in each for each in warnings(even))
    portuguese = find_warnings(beaten, "pt", load_translations("pt").gettext)
    assert (
        r"A linha de base Old \*net\* *(em inglês)* acerta mais nestas imagens de teste: acurácia "
        "0,9025; este modelo menos a linha de base: \u22123,90 p.p.; teste exato de McNemar, "
        "p =\u00a00,049."
    ) in portuguese
    head = render_card(beaten, "en").partition("## Model details")[0]
    assert told % "; exact McNemar test, p =\u00a00.049" in head


def test_classes_with_few_examples_to_train_or_choose_on_are_named(record: Record) -> None:
    counts = change(record.data.class_counts, train=[540, 29, 300, 120], val=[180, 160, 30, 7])
    few = change(record, data=change(record.data, class_counts=counts))
    assert (
        "Classes with fewer than 30 examples in the training or the validation set (there in this "
        r"order): rust (29; 160) and leaf\_spot \| late (120; 7)."
    ) in warnings(few)


def test_a_share_of_cut_images_below_a_hundredth_is_no_finding(record: Record) -> None:
    few = change(record.best, cut_off=change(record.best.cut_off, share=0.0099))
    assert not any("cuts off" in each for each in warnings(change(record, best=few)))
