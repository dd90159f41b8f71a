"""The axes of parallel coordinates: where each value of a trial lies between 0 and 1."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lenetml.record import Hyperparameter, Record
from lenetml.report.markdown import literal, plain

DIGITS = 5


@dataclass(frozen=True)
class Axis:
    """One axis; a value lies on it between 0 and 1, one that does not exist nowhere.

    Args:
        name: Of the hyperparameter, or of the objective.
        categories: The values as a spec writes them, numbers in ascending order; none where it
            is a range.
        low: The least number of a range.
        high: The greatest one.
        is_log: Whether the range is logarithmic.
        is_whole: Whether it is of whole numbers.
        is_objective: Whether it is the last axis, that of the results.
    """

    name: str
    categories: Sequence[str] = ()
    low: float = 0.0
    high: float = 0.0
    is_log: bool = False
    is_whole: bool = False
    is_objective: bool = False

    def place(self, value: Any) -> float | None:
        """Say where a value lies; None where there is none."""
        if value is None:
            return None
        if self.categories:
            return round(
                (self.categories.index(_write(value)) + 0.5) / len(self.categories), DIGITS
            )
        if self.high == self.low:
            return 0.5
        low, high, at = (
            math.log(number) if self.is_log else float(number)
            for number in (self.low, self.high, value)
        )
        return round((at - low) / (high - low), DIGITS)


def make_axes(record: Record) -> list[Axis]:
    """Make an axis of each hyperparameter of the space, and of the objective, which comes last."""
    names = dict.fromkeys(each.name for each in record.search.space)
    names |= dict.fromkeys(name for trial in record.trials for name in trial.values)
    declared = {each.name: each for each in record.search.space}
    axes = [_of_values(name, declared.get(name), record) for name in names]
    objectives = [trial.objective for trial in record.trials if trial.objective is not None]
    low, high = (min(objectives), max(objectives)) if objectives else (0.0, 1.0)
    last = Axis(record.search.objective, low=low, high=high, is_objective=True)
    return [*axes, last]


def place_trials(axes: Sequence[Axis], record: Record) -> list[list[float | None]]:
    """Say where each trial lies on each axis."""
    return [
        [axis.place(trial.values.get(axis.name)) for axis in axes[:-1]]
        + [axes[-1].place(trial.objective)]
        for trial in record.trials
    ]


def _of_values(name: str, declared: Hyperparameter | None, record: Record) -> Axis:
    if declared is not None and declared.low is not None and declared.high is not None:
        low, high = declared.low, declared.high
        is_whole = isinstance(low, int) and isinstance(high, int)
        return Axis(name, low=low, high=high, is_log=declared.is_log, is_whole=is_whole)
    found = [trial.values[name] for trial in record.trials if trial.values.get(name) is not None]
    stated = declared.values if declared and declared.values else []
    # Trials of before a space was mended may hold values that it no longer declares.
    values = [*stated, *sorted(found, key=_order)]
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in stated):
        values.sort(key=_order)
    return Axis(name, list(dict.fromkeys(map(_write, values))))


def _order(value: Any) -> tuple[bool, Any]:
    """Numbers come in their order and before all others, which come by their writing."""
    is_number = isinstance(value, int | float)
    return (not is_number, value if is_number else _write(value))


def _write(value: Any) -> str:
    return plain(literal(value))
