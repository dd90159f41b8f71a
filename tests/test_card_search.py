"""What a card says of the search, its trials and the choice."""

from __future__ import annotations

import pytest
from cards import LANGUAGES, RECORDS, cells, cells_of, change_best, front_matter, tables

from lenetml.record import HyperparameterImportance, Importance, Record
from lenetml.report.card import render_card


@pytest.fixture(scope="module")
def record() -> Record:
    return RECORDS[""]


@pytest.fixture(scope="module")
def more() -> Record:
    return RECORDS["-more"]


@pytest.fixture(scope="module")
def sealed() -> Record:
    return RECORDS["-sealed"]


def test_one_candidate_is_counted_in_the_singular(record: Record) -> None:
    chosen = record.best.selected_from.model_copy(update={"trials": 1, "epochs": 1})
    best = record.best.model_copy(update={"selected_from": chosen})
    card = render_card(record.model_copy(update={"best": best}), "pt")
    assert "selecionada: a melhor entre 1 tentativa e 1 época, otimista" in card


def test_a_failed_trial_is_listed_without_a_number(record: Record) -> None:
    card = render_card(record, "en")
    assert (
        "| 2 | failed | `relu` | `0.25` | `2` | `0.0631` | `[false, false]` | `96` | — | — | 3 "
        "| 31,046 | 13\u00a0s | diverged: the loss was not finite |"
    ) in card


def test_layers_are_shown_with_their_arguments_as_a_spec_writes_them(record: Record) -> None:
    conv = {"filters": 8, "kernel_size": [3, 5], "activation": "relu"}
    inner = [{"residual": {"layers": [{"flatten": {}}]}}, {"conv2d": conv}]
    layer = record.best.architecture[0].model_copy(
        update={"layer": "residual", "arguments": {"layers": inner}}
    )
    architecture = [record.best.architecture[2], layer]
    card = render_card(change_best(record, architecture=architecture), "en").replace("\u00a0", " ")
    table = card[card.index("| Layer |") : card.index("| **Total** |")]
    assert table.splitlines()[2:] == [
        "| `pooling2d` | `kind: average, pool_size: 2, strides: 2, padding: valid` | 14 × 14 × 6 "
        "| 0 | 0 |",
        "| `residual` | — | 28 × 28 × 6 | 456 | 352,800 |",
        "| ↳ `residual` | — | — | — | — |",
        "| ↳ ↳ `flatten` | — | — | — | — |",
        "| ↳ `conv2d` | `filters: 8, kernel_size: [3, 5], activation: relu` | — | — | — |",
    ]


def test_a_drawn_real_has_the_same_digits_in_every_table(record: Record) -> None:
    card = render_card(record, "pt")
    assert record.best.values["learning_rate"] == 0.0012034519673280537
    assert cells(card, "3")[0][5] == "`0.001203`"
    assert cells(card, "`learning_rate`")[-1][1] == "`0.001203`"
    assert cells(card, "Taxa de aprendizado")[0][1] == "`0.001203`"
    note = "Os hiperparâmetros de valor real aparecem com no máximo quatro algarismos"
    assert note in card
    whole = [trial.model_copy(update={"values": {"units": 1200000}}) for trial in record.trials]
    assert note not in render_card(record.model_copy(update={"trials": whole}), "pt")


def test_a_dash_in_the_trials_is_explained_where_there_is_one(record: Record) -> None:
    note = "A dash in the column of a hyperparameter says that it does not exist in that trial"
    assert note in render_card(record, "en")
    alike = [trial for trial in record.trials if "width" in trial.values]
    assert note not in render_card(record.model_copy(update={"trials": alike}), "en")


@pytest.mark.parametrize(
    ("names", "size", "sentence"),
    [
        (["learning_rate"], None, "is not finite: a real number is drawn for `learning_rate`."),
        ([], None, "The space is finite; its combinations were not counted."),
        ([], 96, "Possible combinations: 96."),
    ],
)
def test_a_space_is_finite_or_not(
    record: Record, names: list[str], size: int | None, sentence: str
) -> None:
    steps = {"step": 0.0001} if not names else {}
    space = [
        each.model_copy(update=steps) if each.name == "learning_rate" else each
        for each in record.search.space
    ]
    search = record.search.model_copy(update={"space": space, "space_size": size})
    assert f"{sentence}\n" in render_card(record.model_copy(update={"search": search}), "en")


@pytest.mark.parametrize(
    ("patience", "words"), [(1, "after 1 epoch without"), (2, "after 2 epochs without")]
)
def test_patience_is_counted(record: Record, patience: int, words: str) -> None:
    training = record.best.training | {"early_stopping": {"patience": patience}}
    assert words in render_card(change_best(record, training=training), "en")


def test_a_trial_of_several_trainings_shows_their_mean_and_spread(more: Record) -> None:
    card = render_card(more, "en").replace("\u00a0", " ")
    rows = {row[0]: row[8:] for row in map(cells_of, card.splitlines()) if len(row) == 14}
    assert rows["1"] == ["0.8708 ± 0.0059", "7", "8", "20,734", "1 min 02 s", "—"]
    assert rows["2"] == [
        "—", "—", "0", "31,046", "1 min 03 s", "memory ran out; trainings that failed: 1 of 2",
    ]  # fmt: skip
    assert rows["5"] == [
        "—", "—", "—", "20,684", "—", "the worker process died; trainings that failed: 2 of 2",
    ]  # fmt: skip
    assert rows["6"][-1] == (
        "the training took longer than its time limit; trainings that failed: 1 of 2"
    )
    assert "Each `val_accuracy` is the mean of 2 trainings under different seeds" in card
    assert "The weights are those of the best of the trial's 2 trainings." in card


def test_a_stopped_trial_shows_its_epochs_so_far(sealed: Record) -> None:
    card = render_card(sealed, "pt").replace("\u00a0", " ")
    rows = {row[0]: row[8:] for row in map(cells_of, card.splitlines()) if len(row) == 14}
    assert rows["5"] == ["0,8250", "4", "4 de 12", "20.684", "17 s", "—"]
    assert rows["1"][:3] == ["0,8667", "9", "12"]


def test_the_rule_that_chose_the_winner_is_told(record: Record, sealed: Record) -> None:
    assert "Chosen: the trial with the best `val_accuracy`; of equal ones" in render_card(
        record, "en"
    )
    card = render_card(sealed, "en")
    assert "The best is trial 1, with `val_accuracy` 0.8667 and 161,044 parameters;" in card
    assert "(selected: within one standard error of the best of 2 trials and 24 epochs" in card


def test_a_least_objective_is_the_best_where_less_is_better(sealed: Record) -> None:
    search = sealed.search.model_copy(update={"direction": "min"})
    card = render_card(sealed.model_copy(update={"search": search}), "en")
    assert "The best is trial 3, with `val_accuracy` 0.8625" in card


def test_confirmed_trials_are_shown_with_what_they_gave_under_other_seeds(more: Record) -> None:
    card = render_card(more, "en")
    head = "| Trial | `val_accuracy` in the search | Under other seeds | Mean | Standard deviation"
    table = card[card.index(head) :].splitlines()[2:4]
    assert table == [
        "| 1 | 0.8708 ± 0.0059 | 0.8479; failed; 0.8521 | 0.8500 | 0.0029 | — |",
        "| 3 | 0.8573 ± 0.0074 | 0.8604; 0.8646; 0.8583 | 0.8611 | 0.0032 | **chosen** |",
    ]
    assert (
        "(selected: among the best of 3 trials of 2 trainings each and 28 epochs, optimistic)"
    ) in card


def test_how_trials_go_on_is_told_by_strategy(record: Record, sealed: Record) -> None:
    card = render_card(record, "en")
    assert (
        "Screening: every trial was first trained for 1 epoch; the best by `val_accuracy` went on "
        "from there to their last epoch (at most 3 trials).\n"
    ) in card
    assert "A trial that was stopped had not gone on when the search ended" in card
    card = render_card(sealed, "en")
    assert "the best go on from where they were, about one in 3, to 12 epochs at most.\n" in card
    assert cells(card, "End of the search") == [["End of the search", "all brackets were run"]]
    assert cells(card, "Trials asked for") == []


def test_an_exhausted_space_is_told_where_it_is_the_space(record: Record) -> None:
    search = record.search.model_copy(update={"ended": "exhausted"})
    card = render_card(record.model_copy(update={"search": search}), "en")
    assert cells(card, "End of the search")[0][1] == "every point of the search space was tried"


def test_one_fixed_network_shows_no_search(record: Record) -> None:
    trials = [record.trials[2].model_copy(update={"values": {}})]
    search = record.search.model_copy(update={"strategy": None, "space": [], "ended": "trials"})
    best = record.best.model_copy(update={"values": {}})
    fixed = record.model_copy(update={"search": search, "trials": trials, "best": best})
    for language in LANGUAGES:
        shapes = tables(render_card(fixed, language))
        assert len(shapes) == len(tables(render_card(record, language))) - 5
    card = render_card(fixed, "en")
    assert "Nothing was searched: the spec describes one fixed network." in card
    assert "Training and evaluation took 1" in card
    assert "keras-tuner" not in front_matter(card)["tags"]


def test_importance_and_correlation_are_two_things(record: Record) -> None:
    drops = {"activation": 0.2, "dropout": -0.01, "learning_rate": 1.2}
    importance = Importance(
        trials=40,
        r2=0.6123,
        repeats=5,
        hyperparameters=[
            HyperparameterImportance(name=name, drop=drop, low=drop - 0.1, high=drop + 0.1)
            for name, drop in drops.items()
        ],
    )
    search = record.search.model_copy(update={"importance": importance})
    # Ties of four leave correlations as they are among three completed trials.
    changes = {"search": search, "trials": record.trials * 4}
    card = render_card(record.model_copy(update=changes), "pt")
    part = card[card.index("### Importância") : card.index("## Configuração")]
    rows = [cells_of(row) for row in part.splitlines() if row.startswith("| `")]
    assert rows[:3] == [
        ["`learning_rate`", "+1,20", "+1,10 a +1,30"],
        ["`activation`", "+0,20", "+0,10 a +0,30"],
        ["`dropout`", "\u22120,01", "\u22120,11 a +0,09"],
    ]
    correlated = {row[0]: row[1:] for row in rows[3:]}
    assert correlated["`dropout`"] == ["12", "\u22120,87", "72,5%"]
    assert correlated["`activation`"] == ["12", "—", "72,5%"]
    assert correlated["`learning_rate`"] == ["12", "\u22120,50", "17,5%"]
    assert correlated["`batch_norm`"] == ["12", "—", "100,0%"]
    shares = [float(row[-1].rstrip("%").replace(",", ".").replace("—", "0")) for row in rows[3:]]
    assert shares == sorted(shares, reverse=True)
    assert "Importância, a partir de 40 tentativas concluídas" in part
    assert "R² nas tentativas separadas é 0,6123." in part


@pytest.mark.parametrize(
    ("r2", "n", "sentence"),
    [
        (
            -0.1,
            40,
            "cannot predict the rank of a trial better than its mean (completed trials: 40)",
        ),
        (None, 3, "Importance is withheld: it would be noise below 30 completed trials (here: 3)."),
        (None, 30, "Importance is not given: it was not computed, or all trials came out alike."),
    ],
)
def test_importance_is_withheld_with_its_reason(
    record: Record, r2: float | None, n: int, sentence: str
) -> None:
    one = HyperparameterImportance(name="dropout", drop=0.1, low=0.0, high=0.2)
    importance = None
    if r2 is not None:
        importance = Importance(trials=n, r2=r2, repeats=5, hyperparameters=[one])
    trials = [trial for trial in record.trials if trial.status == "completed"] * (n // 3)
    search = record.search.model_copy(update={"importance": importance})
    card = render_card(record.model_copy(update={"search": search, "trials": trials}), "en")
    assert sentence in card
    assert "Drop of R²" not in card


def test_the_expected_best_stands_where_trials_were_drawn_at_random(
    more: Record, sealed: Record
) -> None:
    # Of 420, 414 and 186 right of 480; the objectives are means of two trainings.
    best = sorted(trial.objective for trial in more.trials if trial.status == "completed")
    rows = {
        row[0]: row[1:]
        for row in map(cells_of, render_card(more, "en").splitlines())
        if len(row) == 2
    }
    assert rows["1"] == [f"{sum(best) / 3:.4f}"]
    assert rows["2"] == [f"{(best[1] + 2 * best[2]) / 3:.4f}"]
    assert rows["3"] == [f"{best[2]:.4f}"]
    assert "Expected best" not in render_card(sealed, "en")


def test_the_chosen_trial_is_linked_where_it_was_sent(more: Record, record: Record) -> None:
    assert "The trial on W&B: <https://wandb.ai/leaves/leafnet/runs/leafnet-3>\n" in (
        render_card(more, "en")
    )
    assert "on W&B" not in render_card(record, "en")
