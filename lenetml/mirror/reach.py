"""What stands between this machine and W&B: a key, a mode, a server that answers."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from urllib.error import HTTPError
from urllib.request import urlopen

from lenetml.mirror.client import Client
from lenetml.mirror.live import wished_mode
from lenetml.spec.sections import Wandb

PATIENCE_SECONDS = 2.0
PROBE = Wandb(project="probe")


@dataclass(frozen=True)
class Reach:
    """What a spec with `wandb: {mode: auto}` would meet here.

    Args:
        key: Where a key was found; None: there is none.
        mode: That would be used.
        server: W&B's address.
        answers: Whether it answered within two seconds.
        key_reason: Why a key that is there cannot be used.
        server_reason: Why the server did not answer.
    """

    key: str | None
    mode: str
    server: str
    answers: bool
    key_reason: str | None
    server_reason: str | None


def look_around() -> Reach:
    """Look for a key and knock at the server, without telling it anything."""
    wished, reason, key, server = wished_mode(PROBE), None, None, None
    with tempfile.TemporaryDirectory() as folder:
        client = Client(PROBE, Path(folder), "probe", "probe")
        try:
            server = client.server()
            if client.has_key():
                key = "WANDB_API_KEY" if os.environ.get("WANDB_API_KEY") else "wandb login"
        except Exception as fault:  # whatever wandb makes of a malformed key or address
            reason = str(fault).splitlines()[0]
        client.stop()
    no_answer = _knock(server) if server else "W&B cannot use this address"
    mode = wished if wished in ("offline", "disabled") else "online" if key else "offline"
    address = server or os.environ.get("WANDB_BASE_URL", "")
    return Reach(key, mode, address, no_answer is None, reason, no_answer)


def _knock(server: str) -> str | None:
    """Ask a server for anything; None where it answered, else why it did not."""
    # Looking a name up, or an answer that comes drop by drop, has no time limit of its own.
    answers: Queue[str | None] = Queue()
    Thread(target=lambda: answers.put(_fetch(server)), daemon=True).start()
    try:
        return answers.get(timeout=PATIENCE_SECONDS)
    except Empty:
        return f"no answer within {PATIENCE_SECONDS:.0f} seconds"


def _fetch(server: str) -> str | None:
    try:
        with urlopen(server, timeout=5 * PATIENCE_SECONDS):
            return None
    except HTTPError:
        # A refusal is an answer, too.
        return None
    except (OSError, ValueError, HTTPException) as error:
        return str(getattr(error, "reason", error)) or type(error).__name__
