"""What W&B is set to beside the spec: to tell nothing of this machine, to write nowhere else."""

from __future__ import annotations

import os
import threading
import traceback
from collections.abc import Iterator, Set
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CACHE = "wandb/cache"
STAGING = "wandb/staging"

# Where the server is and who asks is the user's own, and WANDB_MODE where the spec leaves the mode
# open; every other WANDB_ variable would change what the spec says.
KEPT_VARIABLES = frozenset(
    {
        "WANDB_API_KEY",
        "WANDB_BASE_URL",
        "WANDB_CONFIG_DIR",
        "WANDB_HTTPS_PROXY",
        "WANDB_HTTP_PROXY",
        "WANDB_IDENTITY_TOKEN_FILE",
    }
)

# wandb 0.31: `x_disable_meta` and `x_disable_machine_info` keep command line and hardware to this
# machine, an empty `host` and `program` its name and the script's path.
QUIET: dict[str, Any] = {
    "silent": True,
    "console": "off",
    "disable_code": True,
    "disable_git": True,
    "disable_job_creation": True,
    "host": "",
    "label_disable": True,
    "program": "",
    "save_code": False,
    "symlink": False,
    "use_dot_wandb": False,
    "x_disable_machine_info": True,
    "x_disable_meta": True,
    "x_disable_stats": True,
    "x_disable_viewer": True,
    "x_save_requirements": False,
    "init_timeout": 8,
    "finish_timeout": 30,
    "finish_timeout_raises": True,
}


def hush_threads() -> None:
    """Keep the ends of wandb's own threads off stderr, once for the process.

    Where wandb's process is ended before its runs are, as after a fault, a thread of wandb 0.31
    that waits for it now and then ends with a traceback.
    """
    shown = threading.excepthook
    if getattr(shown, "hushes_wandb", False):
        return

    def show(args: threading.ExceptHookArgs) -> None:
        frames = traceback.walk_tb(args.exc_traceback)
        if not any(frame.f_globals["__name__"].startswith("wandb.") for frame, _ in frames):
            shown(args)

    vars(show)["hushes_wandb"] = True
    threading.excepthook = show


@contextmanager
def wandb_environment(folder: Path, kept: Set[str]) -> Iterator[None]:
    """Show W&B, and the process that it starts, only the variables that they may know.

    Args:
        folder: Of the run; caches go there, and what offline runs have to send.
    """
    given = {name: text for name, text in os.environ.items() if name.startswith("WANDB_")}
    ours = {
        "WANDB_CACHE_DIR": str(folder / CACHE),
        "WANDB_DATA_DIR": str(folder / STAGING),
        "WANDB_ERROR_REPORTING": "false",
        "WANDB_SILENT": "true",
    }
    for name in given.keys() - kept:
        del os.environ[name]
    os.environ.update(ours)
    try:
        yield
    finally:
        for name in [name for name in os.environ if name.startswith("WANDB_")]:
            del os.environ[name]
        os.environ.update(given)
