"""The files that a search keeps: as long as somebody may want them, and no longer."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from lenetml.errors import FolderError
from lenetml.record import read_record
from lenetml.search.jobs import Outcome
from lenetml.search.keeping import Keeping
from lenetml.search.trials import execution_of

TRIAL = (
    read_record(Path(__file__).parent / "cases")
    .trials[0]
    .model_copy(update={"executions": [], "parameters": 100, "status": "completed"})
)


def keeping(folder, direction="max", executions=1, n_winners=None):
    for kind in ("weights", "predictions", "states"):
        (folder / kind).mkdir(exist_ok=True)
    return Keeping(
        lambda kind, name: folder / kind / f"{name}.npz", direction, executions, n_winners
    )


def outcome(objective, epochs=3, state=None, content="x"):
    return Outcome(
        history={"loss": [0.5] * epochs},
        objective=objective,
        best_epoch=epochs,
        val=None,
        weights=f"weights {content}".encode(),
        predictions=f"predictions {content}".encode(),
        state=state,
        images_trained=10,
        seconds=1.0,
        core_seconds=1.0,
        interrupted=False,
    )


def state_behind(epoch):
    content = io.BytesIO()
    np.savez(content, [epoch])
    return content.getvalue()


def trial(number, objective, status="completed", epochs=3, executions=()):
    changes = {"number": number, "objective": objective, "status": status, "epochs": epochs}
    return TRIAL.model_copy(update={**changes, "executions": list(executions)})


def execution(objective, status="completed", epochs=3):
    found = execution_of(trial(1, objective), 1)
    return found.model_copy(update={"status": status, "epochs": epochs})


def files(folder):
    return sorted(str(path.relative_to(folder).with_suffix("")) for path in folder.rglob("*.npz"))


def end(kept, number, objective, **changes):
    """One trial from its training to its end."""
    kept.keep(number, 1, outcome(objective, content=str(number)))
    kept.forget(trial(number, objective, **changes))


@pytest.mark.parametrize(
    ("direction", "n_winners", "left"),
    [
        ("max", 1, [3]), ("max", 2, [1, 3]), ("max", 9, [1, 2, 3, 4]), ("max", None, [1, 2, 3, 4]),
        ("min", 1, [2]), ("min", 2, [2, 4]),
    ],
)  # fmt: skip
def test_weights_of_those_that_may_win_are_kept(tmp_path, direction, n_winners, left):
    kept = keeping(tmp_path, direction, n_winners=n_winners)
    for number, objective in [(1, 0.8), (2, 0.5), (3, 0.9), (4, 0.6)]:
        end(kept, number, objective)
    predictions = [f"predictions/trial-00{number}" for number in (1, 2, 3, 4)]
    assert files(tmp_path) == [*predictions, *(f"weights/trial-00{number}" for number in left)]
    assert (tmp_path / "weights" / f"trial-00{left[0]}.npz").read_bytes() == (
        b"weights %d" % left[0]
    )


@pytest.mark.parametrize(("direction", "worse"), [("max", 0.7), ("min", 0.9)])
def test_weights_that_cannot_win_are_not_written(tmp_path, direction, worse):
    kept = keeping(tmp_path, direction, n_winners=1)
    end(kept, 1, 0.8)
    kept.keep(2, 1, outcome(worse))
    assert "weights/trial-002" not in files(tmp_path)
    # An equal one may be the smaller network.
    kept.keep(3, 1, outcome(0.8))
    assert "weights/trial-003" in files(tmp_path)


def test_a_failed_trial_takes_no_place(tmp_path):
    kept = keeping(tmp_path, n_winners=1)
    kept.forget(trial(1, None, status="failed"))
    end(kept, 2, 0.1)
    assert files(tmp_path) == ["predictions/trial-002", "weights/trial-002"]


def test_a_state_is_kept_until_the_next_one_is_in_the_journal(tmp_path):
    kept, second, fourth = keeping(tmp_path), state_behind(2), state_behind(4)
    kept.keep(1, 1, outcome(0.5, epochs=2, state=second))
    kept.forget(trial(1, 0.5, "stopped", epochs=2))
    assert kept.state(1, 1, 2) == second
    kept.keep(1, 1, outcome(0.6, epochs=4, state=fourth))
    assert (kept.state(1, 1, 2), kept.state(1, 1, 4)) == (second, fourth)
    kept.forget(trial(1, 0.6, "stopped", epochs=4))
    assert [name for name in files(tmp_path) if "states" in name] == ["states/trial-001-epoch-4"]
    kept.forget(trial(1, 0.7, "completed", epochs=6))
    assert [name for name in files(tmp_path) if "states" in name] == []


def test_a_failed_trial_leaves_no_state(tmp_path):
    kept = keeping(tmp_path)
    kept.keep(1, 1, outcome(0.5, epochs=2, state=b"state"))
    kept.forget(trial(1, None, "failed", epochs=2))
    assert [name for name in files(tmp_path) if "states" in name] == []


@pytest.mark.parametrize(("direction", "best"), [("max", 2), ("min", 3)])
def test_of_several_trainings_the_best_is_kept(tmp_path, direction, best):
    kept = keeping(tmp_path, direction, executions=3)
    objectives = (0.5, 0.7, 0.4)
    for number, objective in enumerate(objectives, start=1):
        kept.keep(7, number, outcome(objective, content=str(number)))
    executions = [execution(objective) for objective in objectives]
    ended = trial(7, 0.6, executions=executions)
    kept.settle(ended, executions)
    assert len(files(tmp_path)) == 8
    kept.forget(ended)
    assert files(tmp_path) == ["predictions/trial-007", "weights/trial-007"]
    for kind in ("weights", "predictions"):
        content = (tmp_path / kind / "trial-007.npz").read_bytes()
        assert content == f"{kind} {best}".encode()


def test_of_a_trial_with_a_failed_training_nothing_is_kept(tmp_path):
    kept = keeping(tmp_path, executions=2)
    kept.keep(1, 1, outcome(0.5))
    executions = [execution(0.5), execution(None, status="failed")]
    ended = trial(1, None, status="failed", executions=executions)
    kept.settle(ended, executions)
    kept.forget(ended)
    assert files(tmp_path) == []


def test_what_a_life_that_was_cut_short_left_is_dropped(tmp_path):
    first = keeping(tmp_path, n_winners=1)
    for number, objective in [(1, 0.9), (2, 0.9)]:
        first.keep(number, 1, outcome(objective, epochs=2, state=b"state"))
    # It was killed before it could forget anything.
    second = keeping(tmp_path, n_winners=1)
    second.remember([trial(1, 0.9), trial(2, 0.9)])
    assert files(tmp_path) == [
        "predictions/trial-001", "predictions/trial-002", "weights/trial-001",
    ]  # fmt: skip
    end(second, 3, 0.95)
    assert [name for name in files(tmp_path) if "weights" in name] == ["weights/trial-003"]


def refusal(does, *args):
    with pytest.raises(FolderError) as caught:
        does(*args)
    return str(caught.value)


def test_a_state_that_is_gone_or_damaged_is_named(tmp_path):
    kept = keeping(tmp_path)
    path = tmp_path / "states" / "trial-001-epoch-2.npz"
    advice = "    put it back, or start over with --fresh"
    assert refusal(kept.state, 1, 1, 2) == f"{path} is gone\n{advice}"
    path.write_bytes(state_behind(2)[:-9])
    assert refusal(kept.state, 1, 1, 2) == f"{path} is damaged\n{advice}"


def test_files_of_an_execution_that_are_gone_are_named(tmp_path):
    kept = keeping(tmp_path, executions=2)
    for number in (1, 2):
        kept.keep(1, number, outcome(0.5))
    executions = [execution(0.5), execution(0.4)]
    path = tmp_path / "weights" / "trial-001-1.npz"
    path.unlink()
    ended = trial(1, 0.45, executions=executions)
    assert refusal(kept.settle, ended, executions).startswith(f"{path} is gone\n")


def test_predictions_that_are_gone_are_named_before_the_search_goes_on(tmp_path):
    kept = keeping(tmp_path)
    end(kept, 1, 0.5)
    past = [trial(1, 0.5), trial(2, None, "failed"), trial(3, 0.4, "stopped")]
    kept.remember(past)
    path = tmp_path / "predictions" / "trial-001.npz"
    path.unlink()
    assert refusal(keeping(tmp_path).remember, past).startswith(f"{path} is gone\n")
