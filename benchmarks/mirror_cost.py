"""What the W&B mirror costs: a part of the gmnet search with and without it, in turn.

    LENETML_DATA_DIR=... python benchmarks/mirror_cost.py 3

runs four trials of four epochs of specs/gmnet.yaml with two workers, so many times without a
mirror and with an offline one, and prints the seconds of the searches and of whole commands.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lenetml.record import read_record

SPEC = Path(__file__).parents[1] / "specs" / "gmnet.yaml"
CHANGES = ["search={strategy: random, trials: 4}", "training.epochs=4"]
MODES = ["disabled", "offline"]


def seconds_of(out: Path, mode: str) -> tuple[float, float]:
    """Run the search once; the seconds of the search, and of the whole command."""
    words = [word for change in (*CHANGES, f"wandb.mode={mode}") for word in ("--set", change)]
    begun = time.monotonic()
    subprocess.run(
        [
            sys.executable, "-m", "lenetml", "run", str(SPEC), "--out", str(out), "--quiet",
            "--workers", "2", *words,
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    whole = time.monotonic() - begun
    [run] = [path for path in out.iterdir() if path.is_dir()]
    return read_record(run).search.seconds, whole


def main() -> None:
    """Alternate between the two modes."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    found: dict[str, list[tuple[float, float]]] = {mode: [] for mode in MODES}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(repeats):
            for mode in MODES if number % 2 == 0 else reversed(MODES):
                search, whole = seconds_of(Path(folder) / f"{mode}-{number}", mode)
                found[mode].append((search, whole))
                print(f"{mode}: search {search:.1f} s, whole command {whole:.1f} s", flush=True)
    for what, index in (("search", 0), ("whole command", 1)):
        without, with_it = (
            statistics.median(each[index] for each in found[mode]) for mode in MODES
        )
        print(f"{what}: the mirror adds {100 * (with_it / without - 1):.1f} % (medians)")


if __name__ == "__main__":
    main()
