"""The part of a record on the W&B mirror."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lenetml.values import Value


class MirrorRecord(Value):
    """What became of the W&B mirror of the trials."""

    project: str
    entity: str | None
    sent: int = Field(description="Trials that W&B's server has.")
    kept: int = Field(description="Trials that wait in `wandb/`, to be sent with `wandb sync`.")
    mode: Literal["online", "offline"] | None = Field(
        description="How trials were told at the end; null: W&B failed twice."
    )
    fault: str | None = Field(description="The first fault of W&B, where there was one.")
    winner_url: str | None = Field(description="The chosen trial's page.")
