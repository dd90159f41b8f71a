"""A longer fuzz by hand: `python tests/long_fuzz.py 200000` mutated specs and as many random texts.

Prints how many were read, how many gave a spec, the slowest, and the first failure of each kind;
exits with 1 where there is one. The checks are those of `test_spec_fuzz.py`.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from test_spec_fuzz import ODD, TEXTS, WORDS, as_bytes, check_all, edit_lines, edit_words

SLOW_SECONDS = 1.0


def mutated(draw: random.Random) -> str:
    """A spec with a few words or lines changed."""
    text = draw.choice(TEXTS)
    for _ in range(draw.randint(1, 4)):
        if draw.random() < 0.7:
            kind = draw.choice(["delete", "double", "replace", "insert"])
            text = edit_words(text, kind, draw.random(), draw.choice([*ODD, *WORDS]))
        else:
            kind = draw.choice(["delete", "double", "in", "out", "swap"])
            text = edit_lines(text, kind, draw.random(), draw.random())
    return text


def scattered(draw: random.Random) -> str:
    """Words, odd ones and any characters in a row."""
    parts = [
        draw.choice([draw.choice(WORDS), draw.choice(ODD), chr(draw.randint(1, 0x2FF)), "\n", " "])
        for _ in range(draw.randint(1, 60))
    ]
    return "".join(parts)


def run(name: str, make: object, count: int, seed: int, path: Path) -> int:
    """Check so many texts; give the number of failures."""
    draw, failures, slowest = random.Random(seed), Counter[str](), 0.0
    begun = time.perf_counter()
    for number in range(count):
        text = make(draw)  # type: ignore[operator]
        before = time.perf_counter()
        try:
            check_all(path, as_bytes(text))
        except Exception as error:
            kind = f"{type(error).__name__}: {error}"[:120]
            if not failures[kind]:
                print(f"{name} {number}: {kind}\n{text}\n", flush=True)
            failures[kind] += 1
        took = time.perf_counter() - before
        if took > max(slowest, SLOW_SECONDS):
            print(f"{name} {number} took {took:.1f} s\n{text}\n", flush=True)
        slowest = max(slowest, took)
    seconds = time.perf_counter() - begun
    total = sum(failures.values())
    print(f"{name}: {count} in {seconds:.0f} s, slowest {slowest:.2f} s, {total} failures")
    return total


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "case.yaml"
        failed = run("mutated specs", mutated, count, seed, path)
        failed += run("random texts", scattered, count, seed, path)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
