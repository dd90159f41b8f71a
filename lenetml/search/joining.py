"""Join a running Ray cluster, without Ray's hands on this process; the one door to ray."""

from __future__ import annotations

import logging
import os
import re
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from lenetml.errors import MissingError, UsageError

ANSWER_SECONDS = 2.0
START = "to start one: ray start --head --include-dashboard=false --disable-usage-stats"
TOKEN = "for one with a token: RAY_AUTH_MODE=token, and the token in ~/.ray/auth_token"
JOIN = "this machine must be one of its own: ray start --address=HOST:PORT"


def join(address: str) -> Any:
    """Join a cluster, and give the library ray; none is ever started.

    Args:
        address: `auto` for the cluster of this machine, or HOST:PORT.

    Raises:
        UsageError: The address is not one.
        MissingError: Ray is not installed; no cluster answers, or not to us; it has other
            versions.
    """
    if address == "auto":
        address = os.environ.get("RAY_ADDRESS") or address
    if address != "auto" and not re.fullmatch(r"[^/]+:\d+", address):
        raise UsageError(
            "--ray takes auto, or HOST:PORT of the head of a cluster", f"found: {address}"
        )
    hook, handler = sys.excepthook, signal.getsignal(signal.SIGTERM)
    try:
        import ray
    except ImportError:
        raise MissingError(
            "ray is not installed", "to install it: pip install 'lenetml[ray]'"
        ) from None
    # ray 2.60 first tells the cluster of an exception that nobody caught, and waits for its answer.
    sys.excepthook = hook
    # ray 2.60 tells our stdout what befalls workers, even with log_to_driver=False.
    ray._private.worker.print_to_stdstream = lambda *_, **__: None
    # ray 2.60 tries 20 times, for 40 s each, to reach a cluster that is gone.
    os.environ.setdefault("RAY_gcs_server_port_wait_time_s", "1")
    if address != "auto" and not answers(address):
        raise MissingError("no Ray cluster answers", START)
    try:
        ray.init(
            address, include_dashboard=False, log_to_driver=False, logging_level=logging.CRITICAL
        )
    except ray.exceptions.AuthenticationError:
        raise MissingError("the Ray cluster asks for a token, and none was found", TOKEN) from None
    except ConnectionError:
        if address == "auto":
            raise MissingError("no Ray cluster runs on this machine", START) from None
        raise MissingError("the Ray cluster does not let us in", TOKEN, JOIN) from None
    except RuntimeError as error:
        found = re.findall(r"(Ray|Python): (\S+)", str(error))
        if len(found) != 4:
            raise
        raise MissingError(
            "the Ray cluster has other versions",
            *tell_differences(dict(found[2:]), dict(found[:2])),
        ) from None
    finally:
        # ray.init sets its own, which would end a search in mid-epoch.
        if signal.getsignal(signal.SIGTERM) is not handler:
            signal.signal(signal.SIGTERM, handler)
    return ray


def answers(address: str) -> bool:
    """Whether anybody listens at HOST:PORT."""
    host, _, port = address.rpartition(":")
    with suppress(OSError, OverflowError):
        socket.create_connection((host.strip("[]"), int(port)), ANSWER_SECONDS).close()
        return True
    return False


def tell_differences(here: Mapping[str, str], there: Mapping[str, str]) -> list[str]:
    """Name the versions that differ between this machine and another, one line each."""
    return [
        f"{name}: {here.get(name, 'none')} here, {there.get(name, 'none')} there"
        for name in dict.fromkeys([*here, *there])
        if here.get(name) != there.get(name)
    ]
