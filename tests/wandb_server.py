"""A stub of the W&B server on loopback, for tests of what wandb 0.31 does online.

It stands only for what cannot be had in a test, the server; the client is always the real one. It
keeps what it is told, and answers as the real one's protocol has it::

    with WandbServer() as server:            # 127.0.0.1, a free port; ended with the block
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        monkeypatch.setenv("WANDB_API_KEY", server.key)      # or any 40 characters
        ...                                  # the real wandb.init, log, finish
        told = server.runs["abc12345"]       # by id, a frozen wandb_told.ToldRun: name, group,
                                             # config, history, summary, exit_code, files, ...
        server.requests                      # in order: method, path, operation, status, ...
        server.bodies                        # every body as bytes
        server.unanswered                    # operations that the stub does not know: ()

Faults may change while it runs. `fail(kind)` switches one on, instead of the one before, `heal()`
off. Kinds are `refuse` (nobody listens), `hang` (no answer until it heals or ends), `slow` (each
answer takes `seconds` more) and a status such as `401` or `500`. Operations have GraphQL's names
(`UpsertBucket`, ...), and `file_stream` and `upload`. With `after=n` the fault begins when n
requests, or n of the operation `of`, were answered, as of a server that dies in the middle; with
`only=operation` no other request is struck.

Sweeps are `server.sweeps`, by id, frozen wandb_sweeps.ToldSweep. `add_sweep(config, points)` makes
one as `wandb sweep` does, and gives its id; `hand_out(sweep_id, points, program)` says what the
agents of a sweep get that the client made; `stop_run(run_id)` has the agent stop a run.

`WandbServer(counts_on_upsert=True)` tells the length of a run's history with each init. Then wandb
0.31 appends to a run that it begins again without `resume`; without, it overwrites the rows.
"""

from __future__ import annotations

import json
import threading
import traceback
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote, urlsplit

from wandb_http import Answer, Listener, Request
from wandb_protocol import DEFAULT_ENTITY, Protocol, ProtocolError
from wandb_sweeps import Point, Sweeps, ToldSweep
from wandb_told import ToldRun

KEY = "0123456789abcdef0123456789abcdef01234567"
UNANSWERED = 422


@dataclass(frozen=True)
class Fault:
    """What goes wrong, after how many answers to what, and to which requests only."""

    kind: str
    after: int = 0
    of: str | None = None
    only: str | None = None
    seconds: float = 0.0


class WandbServer:
    """The stub, from `with` to the end of its block; all of it may be asked meanwhile.

    Args:
        counts_on_upsert: See the module.
    """

    key = KEY

    def __init__(self, counts_on_upsert: bool = False) -> None:
        self._lock = threading.RLock()
        self._fault: Fault | None = None
        self._n_counted = 0
        self._released = threading.Event()
        self._requests: list[Request] = []
        self._bugs: list[str] = []
        self._listener = self._new_listener(0)
        self.port = self._listener.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._protocol = Protocol(self.url, counts_on_upsert)
        self._sweeps = Sweeps(self._protocol.runs)

    def __enter__(self) -> WandbServer:
        self._listener.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._released.set()
        self._listener.end()
        assert not self._bugs, "the stub of the W&B server failed:\n" + "\n".join(self._bugs)

    @property
    def runs(self) -> dict[str, ToldRun]:
        """What was told of each run, by its id."""
        with self._lock:
            return {run.id: run.frozen() for run in self._protocol.runs.values()}

    @property
    def sweeps(self) -> dict[str, ToldSweep]:
        """All sweeps by their ids."""
        with self._lock:
            return {sweep.id: sweep.frozen() for sweep in self._sweeps.sweeps.values()}

    @property
    def requests(self) -> tuple[Request, ...]:
        """All requests in the order of their answers; one that hangs comes as it hangs."""
        with self._lock:
            return tuple(self._requests)

    @property
    def bodies(self) -> tuple[bytes, ...]:
        """The bodies of all requests."""
        return tuple(request.body for request in self.requests)

    @property
    def unanswered(self) -> tuple[str, ...]:
        """What was asked that the stub cannot answer; a test should find none."""
        return tuple(r.operation for r in self.requests if r.status == UNANSWERED)

    def fail(self, kind: str, **when: Any) -> None:
        """Switch a fault on; see the module."""
        self.heal()
        with self._lock:
            self._released = threading.Event()
            self._fault, self._n_counted = Fault(str(kind), **when), 0
        if self._fault == Fault("refuse"):
            self._listener.end()

    def heal(self) -> None:
        """Switch the fault off; who hangs is let go, and the same port listens again."""
        with self._lock:
            self._fault = None
            self._released.set()
        if self._listener.is_ending:
            self._listener.end()
            self._listener = self._new_listener(self.port)
            self._listener.start()

    def add_sweep(
        self,
        config: dict[str, Any],
        points: Iterable[Point],
        entity: str = DEFAULT_ENTITY,
        project: str = "stub-project",
    ) -> str:
        """Make a sweep with its points, and give its id; `config` must name the program."""
        with self._lock:
            sweep = self._sweeps.add(entity, project, json.dumps(config))
            self._sweeps.hand_out(sweep.id, points, config["program"])
        return sweep.id

    def hand_out(self, sweep_id: str, points: Iterable[Point], program: str) -> None:
        """Say which points the agents of a sweep get, each as name -> value."""
        with self._lock:
            self._sweeps.hand_out(sweep_id, points, program)

    def stop_run(self, run_id: str) -> None:
        """Have the run's agent stop it at its next heartbeat, as an early termination does."""
        with self._lock:
            self._sweeps.stop(run_id)

    def _new_listener(self, port: int) -> Listener:
        return Listener(port, self._respond, self._bugs.append)

    def _respond(self, request: Request) -> Answer | None:
        fault, released = self._strikes(request.operation)
        if fault is None or fault.kind == "slow":
            answer = self._take(request)
            if fault is not None:
                released.wait(fault.seconds)
            self._note(request, answer[0])
            return answer
        if fault.kind in ("hang", "refuse"):
            self._note(request, None)
            if fault.kind == "hang":
                released.wait()
            elif fault.only is None:
                self._listener.hang_up()
            return None
        self._note(request, int(fault.kind))
        return int(fault.kind), {"errors": [{"message": f"the stub fails: {fault.kind}"}]}

    def _note(self, request: Request, status: int | None) -> None:
        with self._lock:
            self._requests.append(replace(request, status=status))

    def _strikes(self, operation: str) -> tuple[Fault | None, threading.Event]:
        """Count a request; give the fault that strikes it, and the event that ends a hang."""
        with self._lock:
            fault = self._fault
            if fault is None or fault.only not in (None, operation):
                return None, self._released
            if self._n_counted < fault.after:
                self._n_counted += fault.of in (None, operation)
                return None, self._released
            return fault, self._released

    def _take(self, request: Request) -> Answer:
        """Let the protocol answer: the status, and what is sent as JSON."""
        names = [unquote(name) for name in urlsplit(request.path).path.strip("/").split("/")]
        with self._lock:
            try:
                if names == ["graphql"]:
                    return 200, {"data": self._answer(request)}
                if request.operation == "file_stream":
                    self._protocol.stream((names[1], names[2], names[3]), json.loads(request.body))
                else:
                    self._protocol.upload(names, request.body)
                return 200, {}
            except ProtocolError as error:
                message = str(error)
            except Exception:
                message = traceback.format_exc()
                self._bugs.append(message)
        return UNANSWERED, {"errors": [{"message": message}], "data": None}

    def _answer(self, request: Request) -> Any:
        answers = self._protocol.answers | self._sweeps.answers
        if request.operation not in answers:
            raise ProtocolError(f"the stub has no answer to {request.operation}")
        return answers[request.operation](json.loads(request.body).get("variables") or {})
