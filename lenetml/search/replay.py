"""What a journal says of the lives before this one, told again to a new asker.

The journal holds every answer of the asker and every trial that it was told of, in order; a new
asker of the same kind and seed must answer the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lenetml.errors import FolderError
from lenetml.record import ExecutionRecord, TrialRecord
from lenetml.search.asks import Ask, Asker
from lenetml.search.crew import Attempts, Key

Event = Mapping[str, Any]


@dataclass
class Past:
    """A search so far.

    Args:
        trials: The latest record of each trial that ended, or ended for now, by number.
        open_asks: What was asked for and did not end, in order.
        executions: Those that ended, of open asks and of what follows the search.
        attempts: At trainings that did not end.
        is_exhausted: The asker has no more to try.
        seconds: That the search took.
        corrected: Asks that differed from the journal, whose values were taken.
    """

    trials: dict[int, TrialRecord] = field(default_factory=dict)
    open_asks: list[Ask] = field(default_factory=list)
    executions: dict[Key, ExecutionRecord] = field(default_factory=dict)
    attempts: dict[Key, Attempts] = field(default_factory=dict)
    is_exhausted: bool = False
    seconds: float = 0.0
    corrected: int = 0


def replay(
    events: Sequence[Event], asker: Asker, *, accepts: bool, on_progress: Callable[[int], None]
) -> Past:
    """Tell an asker everything that a journal holds.

    Args:
        events: All of them.
        asker: A new one of the same kind and seed.
        accepts: Take the values of the journal where the asker gives others.
        on_progress: Is told how many trials were told again.

    Raises:
        FolderError: The asker answers otherwise, or lines are missing.
    """
    past = Past()
    for event in events:
        kind = event["event"]
        past.seconds = event.get("search_seconds", past.seconds)
        if kind == "asked":
            past.open_asks.append(_ask_again(event, asker, past, accepts))
            past.is_exhausted = False
        elif kind == "answered":
            answer = asker.ask()
            # So many trials as there were before the asker gave this answer may be wanted now.
            if answer not in (event["answer"], "trials"):
                raise _differs(event["answer"], answer)
            past.is_exhausted = answer == "exhausted"
        elif kind == "trial_ended":
            trial = TrialRecord.model_validate(event["record"])
            ask = next((each for each in past.open_asks if each.number == trial.number), None)
            if ask is None:
                raise _lacks(f"trial {trial.number} ends in it, and did not begin")
            past.open_asks.remove(ask)
            asker.tell(ask, trial.objective)
            past.trials[trial.number] = trial
            _forget(past, trial.number)
            on_progress(len(past.trials))
        elif kind in ("training_started", "training_interrupted", "worker_died"):
            _note_attempt(event, past)
        elif kind == "execution_ended":
            key = _key_of(event)
            past.executions[key] = ExecutionRecord.model_validate(event["record"])
            past.attempts.pop(key, None)
    return past


def check_holds(past: Past, recorded: Iterable[TrialRecord]) -> None:
    """Check that a journal holds what a finished life recorded.

    Raises:
        FolderError: It lacks a trial, or the end of one.
    """
    for trial in recorded:
        told = past.trials.get(trial.number)
        if told is None or told.epochs < trial.epochs:
            raise _lacks(f"the record holds {trial.epochs} epochs of trial {trial.number}")


def _ask_again(event: Event, asker: Asker, past: Past, accepts: bool) -> Ask:
    logged = Ask(event["trial"], event["values"], event["first_epoch"], event["until"])
    answer = asker.ask()
    if answer == logged:
        return logged
    if answer == "trials":
        raise _too_few(logged.number)
    if not accepts or not isinstance(answer, Ask) or answer.number != logged.number:
        raise _differs(logged, answer)
    past.corrected += 1
    asker.correct(answer, logged.point)
    return logged


def _too_few(n_trials: int) -> FolderError:
    return FolderError(
        f"the journal holds trial {n_trials} already, and search.trials is less",
        "raise search.trials, or start over with --fresh",
    )


def _lacks(what: str) -> FolderError:
    return FolderError(
        f"the journal lacks lines: {what}",
        "put an intact copy in its place, or start over with --fresh",
    )


def _differs(logged: Ask | str, answer: Ask | str) -> FolderError:
    notes = [
        f"found in the journal: {_tell(logged)}",
        f"asked again, this version answers: {_tell(answer)}",
        "install the versions that the journal began with, or start over with --fresh",
    ]
    if isinstance(logged, Ask) and isinstance(answer, Ask) and logged.number == answer.number:
        notes.append(
            "--accept-versions goes on with the values of the journal, and the record says so"
        )
    return FolderError("the search would not go on as it began", *notes)


def _tell(answer: Ask | str) -> str:
    if not isinstance(answer, Ask):
        return answer
    values = ", ".join(f"{name} {value}" for name, value in answer.point.items())
    return f"trial {answer.number}: {values or 'no hyperparameters'}"


def _note_attempt(event: Event, past: Past) -> None:
    key, kind = _key_of(event), event["event"]
    so_far = past.attempts.get(key, Attempts())
    if kind == "training_started":
        past.attempts[key] = Attempts(so_far.begun + 1, so_far.died)
    elif kind == "worker_died":
        past.attempts[key] = Attempts(so_far.begun, so_far.died + 1)
    else:
        past.attempts.pop(key, None)


def _forget(past: Past, number: int) -> None:
    """Drop what is known of a trial's trainings, now that it ended."""
    for known in (past.executions, past.attempts):
        for key in [key for key in known if key.kind == "trial" and key.number == number]:
            del known[key]


def _key_of(event: Event) -> Key:
    return Key(event["kind"], event["number"], event["execution"])
