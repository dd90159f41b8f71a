"""How much faster trials are side by side: the same small search with one worker and with two.

    LENETML_DATA_DIR=... python benchmarks/side_by_side.py 2

runs the command line with 1 and 2 workers in turn, so many times, on MNIST, and prints trials an
hour, from the first ask to the last end, starting the workers included.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from lenetml.record import read_record

SPEC = """\
name: side-by-side
data: {dataset: mnist, split: {train: 30000, val: 10000, test: 10000}}
search_space: {units: {values: [84, 120, 160, 180, 200, 240]}}
architecture:
  - conv2d: {filters: 6, kernel_size: 5, padding: same, activation: tanh}
  - pooling2d: {kind: average}
  - conv2d: {filters: 16, kernel_size: 5, activation: tanh}
  - pooling2d: {kind: average}
  - flatten
  - dense: {units: $units, activation: tanh}
  - dense: {units: 84, activation: tanh}
training: {epochs: 3, batch_size: 32}
search: {strategy: grid}
energy: false
"""


def trials_per_hour(folder: Path, workers: int, number: int) -> tuple[float, list[float | None]]:
    """Run the search once; its speed, and the objectives of its trials."""
    out = folder / f"{workers}-{number}"
    subprocess.run(
        [
            sys.executable, "-m", "lenetml", "run", str(folder / "spec.yaml"),
            "--out", str(out), "--workers", str(workers), "--quiet",
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    [run] = [path for path in out.iterdir() if path.is_dir()]
    record = read_record(run)
    speed = 3600 * len(record.trials) / record.search.seconds
    return speed, [trial.objective for trial in record.trials]


def main() -> None:
    """Alternate between one worker and two."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    speeds: dict[int, list[float]] = {1: [], 2: []}
    objectives = []
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "spec.yaml").write_text(SPEC)
        for number in range(repeats):
            for workers in (1, 2) if number % 2 == 0 else (2, 1):
                speed, found = trials_per_hour(Path(folder), workers, number)
                speeds[workers].append(speed)
                objectives.append(found)
                print(f"{workers} workers: {speed:.0f} trials an hour", flush=True)
    ratio = statistics.median(speeds[2]) / statistics.median(speeds[1])
    same = all(found == objectives[0] for found in objectives)
    print(f"ratio of the medians {ratio:.2f}; same results: {same}")


if __name__ == "__main__":
    main()
