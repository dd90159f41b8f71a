"""What the language can say and this version of `run` cannot do yet, refused with a sentence."""

from __future__ import annotations

from lenetml.errors import NotYetError
from lenetml.spec import Spec


def refuse_what_cannot_run(spec: Spec) -> None:
    """Refuse a right spec that this version cannot run.

    Raises:
        NotYetError: Names the key; the spec itself stays valid.
    """
    document = spec.document
    refusals = {
        "wandb.sweep": document.wandb is not None and document.wandb.sweep,
    }
    for key, cannot_run in refusals.items():
        if cannot_run:
            raise NotYetError(
                f"{spec.path}: this version of lenetml cannot run {key}",
                "the spec is right: validate accepts it, a later version will run it",
            )
    for baseline in spec.baselines:
        refuse_what_cannot_run(baseline)
