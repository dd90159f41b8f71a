"""What all tests share: the real MNIST, and a folder for runs."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

MNIST_FOLDER = Path(__file__).parents[2] / "shared" / "data"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rewrite", action="store_true", help="write the golden cards anew, to be read in the diff"
    )


@pytest.fixture(scope="session")
def mnist_folder() -> Path:
    """The folder that holds the real `mnist.npz`."""
    if not (MNIST_FOLDER / "mnist.npz").exists():
        pytest.skip("real MNIST is not there: no shared/data/mnist.npz beside the project")
    return MNIST_FOLDER


@pytest.fixture(autouse=True)
def broken_pipes_are_errors():
    """As Python begins: libraries that were tested before may have left it otherwise."""
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
