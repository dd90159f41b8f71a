"""Runs of the real command line that are killed at random moments and started again."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from lenetml.record import read_record
from lenetml.search.journal import JOURNAL_NAME, read_journal

SPEC = """\
name: killed
seed: {seed}
data: {{dataset: digits, split: {{train: 600, val: 300, test: 300}}}}
search_space:
  filters: {{values: [2, 4, 6, 8]}}
  learning_rate: {{min: 0.001, max: 0.02, distribution: log_uniform_values}}
architecture:
  - conv2d: {{filters: $filters, kernel_size: 3, activation: relu}}
  - flatten
training: {{epochs: 40, learning_rate: $learning_rate}}
search: {search}
evaluation: {{seeds: 1}}
energy: false
"""
SEARCHES = [
    "{strategy: random, trials: 6}",
    "{strategy: random, trials: 6, screening: {epochs: 5, keep: 2}}",
    "{strategy: random, trials: 3, executions_per_trial: 2}",
]
LIFE_SECONDS = 120


def command(folder, out, workers):
    """The command that starts, or goes on with, a run."""
    return [
        sys.executable, "-m", "lenetml", "run", str(folder / "spec.yaml"), "--out", str(out),
        "--workers", str(workers), "--quiet",
    ]  # fmt: skip


def write_spec(folder, seed=1, search=SEARCHES[0]):
    """The spec of a small search of a few seconds."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "spec.yaml").write_text(SPEC.format(seed=seed, search=search))


def start(folder, out, workers=2):
    """Start a life."""
    return subprocess.Popen(
        command(folder, out, workers), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def n_events(out):
    """How many events the journal of the one run in a folder holds."""
    return sum(len(path.read_bytes().splitlines()) for path in out.glob(f"*/{JOURNAL_NAME}"))


def wait_for_events(life, out, more_than):
    """Wait until a life writes into its journal; false where it ends before."""
    deadline = time.monotonic() + LIFE_SECONDS
    while n_events(out) <= more_than and time.monotonic() < deadline:
        if life.poll() is not None:
            return False
        time.sleep(0.02)
    return True


def workers_of(pid):
    """The processes that train for a driver."""
    try:
        children = psutil.Process(pid).children()
        return [child for child in children if "spawn_main" in " ".join(child.cmdline())]
    except psutil.Error:
        return []


def any_died_before(out):
    """Whether a training under way lost a worker already: a second death would fail it."""
    died, ended = set(), set()
    for path in out.glob(f"*/{JOURNAL_NAME}"):
        for line in path.read_bytes().splitlines():
            event = json.loads(line[9:])
            if event["event"] == "worker_died":
                died.add((event["kind"], event["number"], event["execution"]))
            if event["event"] == "trial_ended":
                ended.add(event["record"]["number"])
    return any(number not in ended or kind != "trial" for kind, number, _ in died)


def end_somehow(life, out, draw):
    """End a life, or one of its workers, at a random moment; say what was done."""
    if not wait_for_events(life, out, n_events(out)):
        return "ended before"
    time.sleep(draw.uniform(0, 4))
    kind = draw.choice(["driver", "driver", "worker", "interrupt", "terminate", "twice"])
    if kind == "worker":
        workers = workers_of(life.pid)
        if not workers or any_died_before(out):
            return "no worker"
        draw.choice(workers).kill()
        # The driver goes on; its end is the next one's business.
        time.sleep(draw.uniform(0, 3))
        life.kill()
    elif kind == "driver":
        life.kill()
    else:
        life.send_signal(signal.SIGTERM if kind == "terminate" else signal.SIGINT)
        if kind == "twice":
            time.sleep(draw.uniform(0, 0.5))
            life.send_signal(signal.SIGINT)
    return kind


def run_to_the_end(folder, out, workers=2):
    """A life that nobody ends; its output where it fails."""
    life = start(folder, out, workers)
    said, _ = life.communicate(timeout=5 * LIFE_SECONDS)
    assert life.returncode == 0, said
    return the_record(out)


def the_record(out):
    """The record of the one run in a folder."""
    [path] = [path for path in out.iterdir() if path.is_dir()]
    return read_record(path)


def comparable(record):
    """What a run that was killed must agree in with one that was not."""
    return {
        "trials": [
            (it.number, it.status, it.values, it.seed, it.objective, it.history, it.best_epoch,
             it.images_trained, it.val, it.reason)
            for it in record.trials
        ],
        "winner": record.best.number,
        "test": (record.test.correct, record.test.confusion, record.test.look),
        "seeds": [(it.seed, it.val, it.test.confusion) for it in record.seeds],
    }  # fmt: skip


def no_trial_ended_twice(out):
    """Whether every part of a trial that ended was trained once."""
    [path] = out.glob(f"*/{JOURNAL_NAME}")
    ended = [
        (event["record"]["number"], event["record"]["epochs"])
        for event in read_journal(path)
        if event["event"] == "trial_ended"
    ]
    return len(ended) == len(set(ended))


def workers_left(before):
    """Training processes that outlive their driver."""
    mine = {"pid": os.getpid()}
    return [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if process.pid not in before | {mine["pid"]}
        and "spawn_main" in " ".join(process.info["cmdline"] or ())
        and process.ppid() in (0, 1)
    ]


def kill_until_done(folder, out, draw, most_kills):
    """Kill lives of a run until enough, then let it end; what was done, in turn."""
    done = []
    while len(done) < most_kills:
        life = start(folder, out)
        kind = end_somehow(life, out, draw)
        life.communicate(timeout=LIFE_SECONDS)
        if kind == "ended before":
            break
        done.append(kind)
    return done


def main():
    """`python tests/killing.py N [seed]`: so many kills by hand, over several runs."""
    import tempfile

    wanted, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1
    draw, kills, equal, runs = random.Random(seed), [], 0, 0
    with tempfile.TemporaryDirectory() as scratch:
        wholes = []
        for number, search in enumerate(SEARCHES):
            folder = Path(scratch) / f"spec-{number}"
            write_spec(folder, seed=number + 1, search=search)
            wholes.append((folder, comparable(run_to_the_end(folder, folder / "whole"))))
        while len(kills) < wanted:
            folder, whole = wholes[runs % len(wholes)]
            runs += 1
            out = folder / f"run-{runs}"
            kills += kill_until_done(folder, out, draw, most_kills=8)
            is_equal = comparable(run_to_the_end(folder, out)) == whole
            equal += is_equal and no_trial_ended_twice(out)
            print(f"{len(kills)} kills, {runs} runs, {equal} equal", flush=True)
            if not is_equal:
                print(f"  differs: {out}", flush=True)
    counts = {kind: kills.count(kind) for kind in sorted(set(kills))}
    print(f"{len(kills)} kills {counts}; {runs} runs, {equal} equal to the one not killed")
    sys.exit(equal != runs)


if __name__ == "__main__":
    main()
