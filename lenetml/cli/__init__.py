"""The command line."""

from lenetml.cli import runs, specs, wandb  # isort: skip  # the order of `lenetml --help`
from lenetml.cli.app import app, main

__all__ = ["app", "main", "wandb", "runs", "specs"]
