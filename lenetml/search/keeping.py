"""What is kept of trainings in the folder of a run: weights, predictions, and states to go on from.

A file is written before the journal's event that counts on it, and deleted after the event that
makes it useless; so whatever is cut short, what the journal says is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from lenetml.files import read_arrays, read_kept, refuse_if_gone, write_atomically
from lenetml.record import ExecutionRecord, TrialRecord
from lenetml.search.asks import Direction, cost_of
from lenetml.search.jobs import Outcome
from lenetml.search.selection import ranked
from lenetml.search.trials import best_execution, execution_of

KINDS = ("weights", "predictions")
FileOf = Callable[[str, str], Path]


class Keeping:
    """The files of one search.

    Args:
        file_of: Where a kind of file of a training is kept: `("weights", "trial-003")`.
        direction: Whether more or less of the objective is better.
        executions: Trainings of each trial.
        n_winners: Trials whose weights may still be wanted at the end; None: any.
    """

    def __init__(
        self, file_of: FileOf, direction: Direction, executions: int, n_winners: int | None
    ) -> None:
        self._file_of, self._direction = file_of, direction
        self._executions, self._n_winners = executions, n_winners
        self._contenders: list[TrialRecord] = []

    def keep(self, number: int, execution: int, outcome: Outcome) -> None:
        """Write what an execution left behind.

        Raises:
            FolderError: It cannot be written.
        """
        name = self._name(number, execution)
        contents = {"predictions": outcome.predictions}
        if not self._has_lost(outcome):
            contents["weights"] = outcome.weights
        for kind, content in contents.items():
            if content is not None:
                write_atomically(self._file_of(kind, name), content)
        if outcome.state is not None:
            write_atomically(self._state(name, outcome.epochs), outcome.state)

    def state(self, number: int, execution: int, epoch: int) -> bytes:
        """What an execution goes on from behind an epoch.

        Raises:
            FolderError: It is gone, or damaged.
        """
        return read_arrays(self._state(self._name(number, execution), epoch), bytes)

    def settle(self, trial: TrialRecord, executions: Sequence[ExecutionRecord]) -> None:
        """Put the files of the best execution in the place of the trial's.

        Raises:
            FolderError: They are gone, or cannot be written.
        """
        if len(executions) == 1 or trial.status == "failed":
            return
        best = best_execution(executions, self._direction)
        for kind in KINDS:
            content = read_kept(self._file_of(kind, self._name(trial.number, best)))
            write_atomically(self._file_of(kind, trial_name(trial.number)), content)

    def forget(self, trial: TrialRecord) -> None:
        """Delete what an ended trial leaves without use; its event is in the journal."""
        for number in range(1, self._executions + 1):
            name = self._name(trial.number, number)
            execution = execution_of(trial, number)
            goes_on = execution.status == "stopped" and trial.status != "failed"
            wanted = self._state(name, execution.epochs) if goes_on else None
            for path in self._state(name, 0).parent.glob(f"{name}-epoch-*"):
                if path != wanted:
                    path.unlink()
            if self._executions > 1 and trial.status != "stopped":
                for kind in KINDS:
                    self._file_of(kind, name).unlink(missing_ok=True)
        self._drop_loser(trial)

    def _has_lost(self, outcome: Outcome) -> bool:
        """Whether a trial's only training cannot win any more."""
        if self._executions > 1 or len(self._contenders) != self._n_winners:
            return False
        last = self._contenders[-1].objective
        assert last is not None
        return cost_of(outcome.objective, self._direction) > cost_of(last, self._direction)

    def _drop_loser(self, trial: TrialRecord) -> None:
        """Delete the weights that no longer can be the winner's."""
        if self._n_winners is None or trial.objective is None:
            return
        contenders = ranked([*self._contenders, trial], self._direction)
        for loser in contenders[self._n_winners :]:
            self._file_of("weights", trial_name(loser.number)).unlink(missing_ok=True)
        self._contenders = contenders[: self._n_winners]

    def remember(self, trials: Iterable[TrialRecord]) -> None:
        """Take in the trials of the past; a life that was cut short may have left files of them.

        Raises:
            FolderError: Predictions of one, which are read behind the search, are gone.
        """
        for trial in trials:
            self.forget(trial)
            if trial.status == "completed":
                refuse_if_gone(self._file_of("predictions", trial_name(trial.number)))

    def _state(self, name: str, epoch: int) -> Path:
        return self._file_of("states", f"{name}-epoch-{epoch}")

    def _name(self, number: int, execution: int) -> str:
        name = trial_name(number)
        return name if self._executions == 1 else f"{name}-{execution}"


def trial_name(number: int) -> str:
    """How the files of a trial are named."""
    return f"trial-{number:03d}"
