"""What the language can say and `run` cannot do yet."""

from __future__ import annotations

import pytest

from lenetml.errors import NotYetError
from lenetml.readiness import refuse_what_cannot_run
from lenetml.spec import load_spec

SPEC = """\
name: net
data: {dataset: digits}
search_space: {units: {values: [8, 16, 24]}}
architecture: [flatten, dense: {units: $units}]
training: {epochs: 3}
search: {strategy: random, trials: 2}
wandb: {project: net}
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "net.yaml"
    path.write_text(SPEC)
    return path


def test_what_can_run_is_not_refused(path):
    refuse_what_cannot_run(load_spec(path))


@pytest.mark.parametrize(
    "change",
    [
        "search.strategy=grid",
        "search.strategy=bayesian",
        "search={strategy: hyperband}",
        "search.executions_per_trial=2",
        "search.time_limit=45m",
        "search.screening={epochs: 1}",
        "search.select=one_standard_error",
        "search.confirm={top: 2}",
        "evaluation.seeds=3",
        "evaluation.test=sealed",
        "wandb.mode=offline",
    ],
)
def test_all_searches_can_run(path, change):
    refuse_what_cannot_run(load_spec(path, [change]))


def test_what_cannot_run_yet_is_named(path):
    with pytest.raises(NotYetError) as caught:
        refuse_what_cannot_run(load_spec(path, ["wandb.sweep=true"]))
    assert str(caught.value) == (
        f"{path}: this version of lenetml cannot run wandb.sweep\n"
        "    the spec is right: validate accepts it, a later version will run it"
    )


def test_a_fixed_network_is_not_refused(path):
    path.write_text(
        "name: n\ndata: {dataset: digits}\narchitecture: [flatten]\ntraining: {epochs: 1}\n"
    )
    refuse_what_cannot_run(load_spec(path))


def test_a_baseline_is_looked_at_too(path, tmp_path):
    other = tmp_path / "other.yaml"
    other.write_text(SPEC.replace("project: net", "project: net, sweep: true"))
    with pytest.raises(NotYetError, match="cannot run wandb.sweep") as caught:
        refuse_what_cannot_run(load_spec(path, ["search.baseline=other.yaml"]))
    assert caught.value.message.startswith(str(other))
