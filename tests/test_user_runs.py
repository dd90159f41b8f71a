"""The user's own images from a spec to the cards, through the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from drawings import save

pytestmark = pytest.mark.slow

SPEC = """\
name: leaves
data: {data}
architecture:
  - conv2d: {{filters: 4, kernel_size: 3, activation: relu}}
  - residual: {{layers: [conv2d: {{filters: 8, kernel_size: 3, padding: same, strides: 2}}]}}
  - global_pooling2d: {{kind: average}}
training: {{epochs: 2}}
energy: false
card: {{languages: [pt]}}
"""


def bright_and_dark(rng, is_bright):
    """An image that any network can tell from one of the other class."""
    low = 160 if is_bright else 0
    return rng.integers(low, low + 90, (10, 12), dtype=np.uint8)


def run(folder, spec, *options):
    (folder / "leaves.yaml").write_text(spec)
    environment = os.environ | {"XDG_CACHE_HOME": str(folder / "cache")}
    done = subprocess.run(
        [sys.executable, "-m", "lenetml", "run", "leaves.yaml", "--json", "--quiet", *options],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_folder_of_images(tmp_path):
    rng = np.random.default_rng(0)
    for label in ("dark", "bright"):
        for number in range(30):
            image = bright_and_dark(rng, label == "bright")
            save(tmp_path / "photos" / label / f"{number}.png", image)
    spec = SPEC.format(data="{path: photos, image_size: 8, fit: crop, color_mode: rgb}")
    document = run(tmp_path, spec)
    record = document["record"]
    assert record["data"]["classes"] == ["bright", "dark"]
    assert record["data"]["input_shape"] == [8, 8, 3]
    assert [record["data"][part] for part in ("train", "val", "test")] == [36, 12, 12]
    assert record["best"]["architecture"][1]["layer"] == "residual"
    card = (tmp_path / document["cards"][0]).read_text()
    assert "| bright | 18 | 6 | 6 |" in card
    assert str(tmp_path) not in card


def test_an_npz_with_its_own_test_part(tmp_path):
    rng = np.random.default_rng(1)
    labels = np.arange(48) % 2
    images = np.stack([bright_and_dark(rng, label) for label in labels])
    np.savez(
        tmp_path / "leaves.npz",
        x_train=images[:32], y_train=labels[:32], x_test=images[32:], y_test=labels[32:],
    )  # fmt: skip
    spec = SPEC.format(data="{path: leaves.npz, classes: [dark, bright]}")
    record = run(tmp_path, spec)["record"]
    assert record["data"]["classes"] == ["dark", "bright"]
    assert record["test"]["n"] == 16
    assert record["data"]["has_own_test"]
