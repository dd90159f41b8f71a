"""The verb `trial` in child processes, called by hand: results, exit codes, stdin, Ctrl-C."""

from __future__ import annotations

import json
import signal
import subprocess

import pytest
from command_line import HEARS_SIGINT, LIMIT_SECONDS, call, start, write_specs

RATE = '{"rate": 0.005}'


@pytest.fixture
def folder(tmp_path):
    """A working folder with specs."""
    (tmp_path / "values.json").write_text(RATE)
    return write_specs(tmp_path)


@pytest.mark.slow
def test_a_trial(folder):
    code, out, err = call(folder, "trial", "search.yaml", "--values", "values.json")
    assert code == 0
    [line] = out.splitlines()
    assert line.startswith("search: 0.")
    assert line.endswith(" s; rate 0.005")
    assert err.splitlines() == [
        "loading TensorFlow",
        "search: loading the data",
        "search: 1 trial",
        f"search: trial 1 of 1: {line.removeprefix('search: ')}",
    ]
    assert not (folder / "runs").exists()


@pytest.mark.slow
def test_a_trial_as_json_with_values_from_stdin(folder):
    child = start(
        folder, "trial", "search.yaml", "--values", "-", "--json", "--quiet",
        "--set", "training.epochs=1", stdin=subprocess.PIPE,
    )  # fmt: skip
    out, err = child.communicate(RATE, timeout=LIMIT_SECONDS)
    assert (child.returncode, err) == (0, "")
    document = json.loads(out)
    assert (document["status"], document["metric"]) == ("completed", "val_accuracy")
    assert document["values"] == {"rate": 0.005}
    assert document["trial"]["epochs"] == 1


@pytest.mark.slow
def test_constants_need_no_values(folder):
    code, out, _ = call(folder, "trial", "tiny.yaml")
    assert code == 0
    assert out.startswith("tiny: 0.")


@pytest.mark.slow
def test_a_trial_that_fails(folder):
    code, out, _ = call(folder, "trial", "failing.yaml", "--quiet")
    message = "failing: failed: the loss is no longer finite in epoch 1; \n"
    assert (code, out) == (4, message)


@pytest.mark.slow
def test_a_point_that_is_impossible(folder):
    spec = (folder / "search.yaml").read_text()
    spec = spec.replace("{rate: ", "{kernel: {values: [3, 9]}, rate: ")
    spec = spec.replace("[flatten]", "[conv2d: {filters: 1, kernel_size: $kernel}, flatten]")
    (folder / "search.yaml").write_text(spec)
    (folder / "values.json").write_text('{"rate": 0.005, "kernel": 9}')
    assert call(folder, "trial", "search.yaml", "--values", "values.json", "--quiet") == (
        4,
        "search: impossible: the input of conv2d is 8 x 8 x 1, smaller than its 9 x 9 kernel; "
        "kernel 9, rate 0.005\n",
        "",
    )


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ("search.yaml",),
            2,
            "lenetml: search.yaml has hyperparameters, and no values are given for them\n"
            "    give them as JSON: lenetml trial search.yaml --values FILE, or - for stdin\n",
        ),
        (
            ("search.yaml", "--values", "values.json", "--set", "search_space.rate.max=0.002"),
            1,
            "values.json: rate cannot be 0.005\n    rate is a number from 0.001 to 0.002\n\n",
        ),
        (
            ("tiny.yaml", "--values", "values.json"),
            1,
            'values.json: there is no hyperparameter "rate"\n    the spec has no search_space\n\n',
        ),
        (
            ("search.yaml", "--values", "none.json"),
            2,
            "lenetml: none.json: there is no such file\n",
        ),
        (("none.yaml",), 2, "lenetml: none.yaml: there is no such file\n"),
        (
            ("search.yaml", "--values", "-"),
            1,
            "stdin:1:1: this is not JSON\n    write an object of names and values, such as "
            '{"units": 84, "activation": "tanh"}\n\n',
        ),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_loaded(folder, arguments, code, message):
    assert call(folder, "trial", *arguments) == (code, "", message)


def test_a_wrong_spec(folder):
    code, out, err = call(folder, "trial", "wrong.yaml")
    assert (code, out) == (1, "")
    assert err.startswith('wrong.yaml:4:23: unknown key "bach" in training\n')


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_by_hand_is_an_interrupt(folder, number):
    child = start(folder, "trial", "long.yaml", "--values", "values.json", code=HEARS_SIGINT)
    try:
        while child.stderr.readline() != "long: 1 trial\n":
            assert child.poll() is None
        child.send_signal(number)
        out, err = child.communicate(timeout=LIMIT_SECONDS)
    finally:
        child.kill()
    assert (child.returncode, out) == (130, "")
    last = err.splitlines()[-1]
    assert last.startswith("lenetml: long: interrupted after ")
    assert last.endswith(" of 100000 epochs; one trial does not go on")


@pytest.mark.slow
def test_a_second_stop_ends_it_at_once(folder):
    child = start(folder, "trial", "long.yaml", "--values", "values.json")
    try:
        while child.stderr.readline() != "loading TensorFlow\n":
            assert child.poll() is None
        child.send_signal(signal.SIGTERM)
        assert child.stderr.readline().startswith("lenetml: ending after the epochs under way; ")
        child.send_signal(signal.SIGTERM)
        out, err = child.communicate(timeout=LIMIT_SECONDS)
    finally:
        child.kill()
    assert (child.returncode, out) == (130, "")
    assert err.endswith("lenetml: interrupted at once\n")
