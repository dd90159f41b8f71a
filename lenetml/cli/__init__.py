"""The command line."""

from lenetml.cli import runs, specs, mirrors  # isort: skip  # the order of `lenetml --help`
from lenetml.cli.app import app, main

__all__ = ["app", "main", "mirrors", "runs", "specs"]
