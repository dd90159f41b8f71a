"""What searches, trials and results are in a few words, for logs and terminals."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lenetml.record import MirrorRecord, TrialRecord

if TYPE_CHECKING:
    from lenetml.facts import Finished
    from lenetml.following import SearchStart
    from lenetml.mirror.reach import Reach
    from lenetml.mirroring import Mirrored

ENDING = "lenetml: ending after the epochs under way; once more ends at once"


def tell_search(start: SearchStart) -> str:
    """What a search is about to do, in one line."""
    trials, n_done = start.trials, len(start.earlier)
    facts = ["searching" if trials is None else "1 trial" if trials == 1 else f"{trials} trials"]
    if n_done:
        facts.append(f"{n_done} done before")
    if start.n_slots > 1 and trials != 1:
        facts.append(f"{start.n_slots} at a time")
    return f"{start.name}: {', '.join(facts)}"


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
    if record.mirror is not None:
        lines += [f"  {line}" for line in _tell_mirror(record.mirror, finished.folder)]
    lines += [f"  {path}" for path in (*finished.cards, finished.folder)]
    return "\n".join(lines)


def tell_mirrored(result: Mirrored) -> str:
    """What W&B has of a run now."""
    told = _count(result.n_told, "run")
    if not result.n_sent + result.n_kept:
        what = "no trial has ended yet, so there is nothing to mirror"
    elif not result.n_told:
        what = "nothing is new" if result.n_kept else "W&B has all of it already"
    else:
        what = f"{told} written offline" if result.n_kept else f"{told} sent"
    lines = [f"{result.folder.name}: {what}"]
    if result.n_sent:
        lines.append(f"  {_count(result.n_sent, 'run')} in the W&B project {result.project}")
    if result.n_kept:
        lines.append(f"  {_tell_kept(result.n_kept, 'run', result.project, result.folder)}")
    return "\n".join(lines)


def tell_reach(reach: Reach) -> str:
    """What stands between this machine and W&B."""
    no_key = reach.key_reason or "not found: set WANDB_API_KEY, or wandb login"
    answer = "answers" if reach.answers else f"does not answer: {reach.server_reason}"
    rows = {
        "key": f"found ({reach.key})" if reach.key else no_key,
        "mode": f"{reach.mode}, where a spec does not say otherwise",
        "server": f"{reach.server} {answer}",
    }
    return "\n".join(["W&B", *(f"  {name:<7} {text}" for name, text in rows.items())])


def _tell_mirror(mirror: MirrorRecord, folder: Path) -> Iterator[str]:
    """What became of the mirror of the trials, and how to send what was kept."""
    if mirror.sent:
        where = f": {mirror.winner_url}" if mirror.winner_url else ""
        yield f"{_count(mirror.sent, 'trial')} sent to the W&B project {mirror.project}{where}"
    if mirror.kept and not list(folder.glob("wandb/offline-run-*")):
        yield f"the offline W&B runs are gone; lenetml mirror {folder} writes them again"
    elif mirror.kept:
        yield _tell_kept(mirror.kept, "trial", mirror.project, folder)
    if mirror.mode is None:
        yield f"W&B failed twice; lenetml mirror {folder} tells it the rest"


def _tell_kept(number: int, what: str, project: str, folder: Path) -> str:
    how = f"wandb sync {folder}/wandb/offline-run-*"
    return f"{_count(number, what)} kept for the W&B project {project}; to send: {how}"


def _count(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number} {what}s"


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
