"""What searches, trials and results are in a few words, for logs and terminals."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from lenetml.record import TrialRecord

if TYPE_CHECKING:
    from lenetml.facts import Finished

ENDING = "lenetml: ending after the epochs under way; once more ends at once"


def tell_search(name: str, trials: int | None, done: int, n_slots: int) -> str:
    """What a search is about to do, in one line.

    Args:
        name: Of the spec.
        trials: At most so many; None: nobody knows.
        done: So many of them in earlier lives.
        n_slots: Trainings side by side.
    """
    facts = ["searching" if trials is None else "1 trial" if trials == 1 else f"{trials} trials"]
    if done:
        facts.append(f"{done} done before")
    if n_slots > 1 and trials != 1:
        facts.append(f"{n_slots} at a time")
    return f"{name}: {', '.join(facts)}"


def tell_trial(trial: TrialRecord) -> str:
    """How a trial ended, in one line."""
    values = tell_values(trial.values)
    if trial.objective is None:
        return f"{trial.status}: {trial.message or trial.reason}; {values}"
    if trial.executions:
        how = f", mean of {len(trial.executions)} trainings"
    else:
        so_far = " so far" if trial.status == "stopped" else ""
        how = f" at epoch {trial.best_epoch} of {trial.epochs}{so_far}"
    seconds = f"{trial.seconds:.0f} s"
    return f"{tell_ratio(trial.objective)}{how}, {seconds}; {values or 'no hyperparameters'}"


def tell_result(finished: Finished) -> str:
    """The short result at the end: what won, how good it is, where everything lies."""
    record = finished.record
    lines = [f"{record.name}: " + ("done" if finished.is_new else "was done before")]
    if record.test is not None:
        accuracy, low, high = map(
            tell_ratio, [record.test.accuracy, *record.test.accuracy_interval]
        )
        images = f"{record.test.correct} of {record.test.n}"
        look = f"look {record.test.look} at this test set"
        lines.append(f"  test accuracy {accuracy}  (95 % {low} to {high}, {images}; {look})")
    else:
        lines.append(f"  the test set is sealed; lenetml test {finished.folder} opens it")
    values = tell_values(record.best.values)
    lines.append(
        f"  trial {record.best.number} of {len(record.trials)}" + (values and f": {values}")
    )
    chosen = next(trial for trial in record.trials if trial.number == record.best.number)
    if chosen.guessing:
        lines.append("  on validation it cannot be told from guessing")
    if record.search.ended == "time_limit":
        lines.append("  the time limit ended the search; with a longer one it goes on")
    lines += [f"  {path}" for path in (*finished.cards, finished.folder)]
    return "\n".join(lines)


def tell_values(values: Mapping[str, Any]) -> str:
    """Drawn values, reals to four significant digits, and true and false as a spec has them."""
    return ", ".join(f"{name} {_tell_value(value)}" for name, value in values.items())


def _tell_value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def tell_ratio(value: float) -> str:
    """Four decimals, rounded by the decimal digits as the card does: 0.96425 is 0.9642."""
    return f"{Decimal(repr(value)):.4f}"


def tell_span(seconds: float) -> str:
    """A time in its two largest units: 42 s, 3 min, 1 h 20 min, 2 d 4 h."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} d {hours % 24} h"


def kind_of_stage(text: str) -> str:
    """What a stage tells, but for its numbers: `reading images: 4,000 of 10,000` goes on."""
    return re.sub(r"\d[\d,.]*", "", text)
