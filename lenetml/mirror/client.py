"""The one door to wandb: begin a run, attach files to it, register a sweep, end its process.

Nothing is sent but what is told; nothing is written outside the folder of the run.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path
from typing import Any, Literal

from lenetml.mirror.discretion import (
    CACHE,
    KEPT_VARIABLES,
    QUIET,
    STAGING,
    hush_threads,
    wandb_environment,
)
from lenetml.mirror.sweep import read_sweep
from lenetml.mirror.told import Attachments, Confusion
from lenetml.spec.sections import Wandb

Mode = Literal["online", "offline"]
ID_LENGTH = 16


class LostError(Exception):
    """W&B's process gave up sending a run."""


class _Messages:
    """Takes what W&B would print; the one that matters is that data will not arrive.

    Nothing else tells: where a server answers 401 in mid-run, wandb 0.31 ends the run as if all
    had been sent.
    """

    lost: str | None = None

    def warning(self, text: str) -> None:
        """Keep the bad news."""
        if "will not be synced" in text:
            self.lost = text

    def error(self, text: str) -> None:
        """Errors are raised, too."""

    def info(self, text: str) -> None:
        """Nothing is shown."""


class Client:
    """W&B's SDK for the runs of one search.

    Args:
        section: Of the spec: project, team and tags.
        folder: Of the run; W&B's files go to `wandb/` in it.
        name: Of the spec; the names of W&B's runs begin with it.
        identity: Of the search: the ids of its runs are made of it, so that another search with
            the same spec, somebody else's in the same project, has its own.
    """

    _kept_variables: frozenset[str] = KEPT_VARIABLES

    def __init__(self, section: Wandb, folder: Path, name: str, identity: str) -> None:
        self._section, self._folder, self._name = section, folder, name
        self._identity = identity
        self._messages = _Messages()
        self._wandb: Any = None

    def has_key(self) -> bool:
        """Whether W&B finds a key on this machine; nobody is asked."""
        with self._session() as wandb:
            return bool(wandb.login(prompt=False, verify=False))

    def server(self) -> str:
        """The address of W&B's server, as the user has set it."""
        with self._session() as wandb:
            return str(wandb.setup().settings.base_url)

    def register_sweep(self, keys: Iterable[str]) -> str:
        """Register the search as a sweep, with the runs that were told before; give its name."""
        with self._session() as wandb, redirect_stdout(io.StringIO()), warnings.catch_warnings():
            # wandb 0.31 asks itself for what it wants nobody to ask for.
            warnings.simplefilter("ignore", DeprecationWarning)
            name: str = wandb.sweep(
                # What its agents would run is a path of this machine, and not asked for here.
                {key: value for key, value in read_sweep(self._folder).items() if key != "command"},
                entity=self._section.entity,
                project=self._section.project,
                prior_runs=[self.run_id(key) for key in keys],
            )
        return name

    def begin(
        self,
        key: str,
        job_type: str,
        config: Mapping[str, Any],
        mode: Mode,
        sweep: str | None = None,
    ) -> Any:
        """Begin the run of a key, or go on with it under the same id.

        All of it is told again, and W&B leaves out the rows that its server has: so no row is
        there twice, whatever an earlier life could still send.
        """
        self.drop(key)
        joined = {} if sweep is None else {"sweep_id": sweep}
        with self._session() as wandb:
            return wandb.init(
                **self._named(key),
                job_type=job_type,
                tags=self._section.tags,
                config=dict(config),
                mode=mode,
                resume="allow" if mode == "online" else None,
                dir=self._folder,
                reinit="create_new",
                settings=wandb.Settings(**QUIET, stop_fn=self._asked_to_stop, **joined),
            )

    def attach(self, run: Any, attachments: Attachments, mode: Mode) -> None:
        """Show a run's plots and images, and give it its artifacts.

        Raises:
            Exception: Online, a file did not arrive.
        """
        with self._session() as wandb, _staging(mode):
            shown = {f"figures/{path.stem}": wandb.Image(str(path)) for path in attachments.figures}
            if attachments.confusion is not None:
                shown["confusion_matrix"] = _plot(wandb, attachments.confusion)
            if shown:
                # Told again, they take the place of those before.
                run.log(shown, step=0)
            for kind, paths in attachments.artifacts.items():
                artifact = wandb.Artifact(f"{self._folder.name}-{kind}", type=kind)
                for path in paths:
                    artifact.add_file(str(path), name=path.name)
                logged = run.log_artifact(artifact)
                if mode == "online":
                    logged.wait(timeout=QUIET["finish_timeout"])

    def finish(self, run: Any, summary: Mapping[str, Any], exit_code: int) -> None:
        """Write a run's summary and end it, when all of it has arrived.

        Raises:
            LostError: It will not arrive.
        """
        run.summary.update(dict(summary))
        run.finish(exit_code=exit_code)
        if self._messages.lost is not None:
            raise LostError(self._messages.lost)

    def run_id(self, key: str) -> str:
        """The id of the run of a key: the same in every life of a search."""
        return hashlib.sha256(f"{self._identity}/{key}".encode()).hexdigest()[:ID_LENGTH]

    def kept(self, key: str) -> list[Path]:
        """What an offline run of a key left in the folder."""
        return list(self._folder.glob(f"wandb/offline-run-*-{self.run_id(key)}"))

    def was_synced(self, key: str) -> bool:
        """Whether `wandb sync` has sent the offline run of a key, by the mark that it leaves."""
        return any(list(path.glob("*.wandb.synced")) for path in self.kept(key))

    def drop(self, key: str) -> None:
        """Delete what an earlier run of a key left in the folder."""
        for leftover in self._folder.glob(f"wandb/*run-*-{self.run_id(key)}"):
            shutil.rmtree(leftover)

    def stop(self) -> None:
        """End W&B's own process, if there is one, and clear away its logs and links to them."""
        # Where that process has died, wandb 0.31 leaves `teardown` by SystemExit.
        with suppress(Exception, SystemExit):
            if self._wandb:
                self._wandb.teardown()
        self._wandb, self._messages = None, _Messages()
        for link in self._folder.glob("wandb/*/logs/debug-core.log"):
            link.unlink()
        shutil.rmtree(self._folder / CACHE, ignore_errors=True)
        # Offline runs refer to what waits there until they are sent.
        if not list(self._folder.glob("wandb/offline-run-*")):
            shutil.rmtree(self._folder / STAGING, ignore_errors=True)

    def _named(self, key: str) -> dict[str, Any]:
        """Where the run of a key belongs, and what it is called."""
        return {
            "project": self._section.project,
            "entity": self._section.entity,
            "group": self._folder.name,
            "name": f"{self._name}-{key}",
            "id": self.run_id(key),
        }

    def _asked_to_stop(self) -> None:
        """The stop button of W&B's page: by default it would interrupt the whole search."""

    @contextmanager
    def _session(self) -> Iterator[Any]:
        """The library, set up from the spec and not from what lies about on this machine."""
        with wandb_environment(self._folder, self._kept_variables):
            import wandb

            self._wandb = wandb
            hush_threads()
            session = wandb.setup(wandb.Settings(silent=True, mode="online"))
            # `init` takes None for "as in the settings files", and these may name a team.
            session.settings.entity = self._named("")["entity"]
            wandb.termsetup(session.settings, self._messages)
            yield wandb


@contextmanager
def _staging(mode: Mode) -> Iterator[None]:
    """Copy what is sent at once through a neutral folder: manifests tell the server its path."""
    if mode == "offline":
        yield
        return
    with tempfile.TemporaryDirectory(prefix="wandb-") as folder:
        os.environ["WANDB_DATA_DIR"] = folder
        yield


def _plot(wandb: Any, confusion: Confusion) -> Any:
    """W&B's own plot, which counts pairs itself."""
    pairs = [
        (true, predicted)
        for true, row in enumerate(confusion.counts)
        for predicted, count in enumerate(row)
        for _ in range(count)
    ]
    make: Callable[..., Any] = wandb.plot.confusion_matrix
    return make(
        y_true=[true for true, _ in pairs],
        preds=[predicted for _, predicted in pairs],
        class_names=list(confusion.classes),
    )
