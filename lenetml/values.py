"""The base of every frozen value, and the seeds that are derived from the spec's one seed."""

from __future__ import annotations

import hashlib

from pydantic import BaseModel, ConfigDict

MAX_SEED = 2**32 - 1


class Value(BaseModel):
    """A frozen value without coercion: `"8"` is not 8, `true` is not 1, unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def derive_seed(seed: int, *purpose: str | int) -> int:
    """Give the seed of one purpose, as independent of its neighbours as SHA-256 makes it.

    Adding small numbers to a seed would not do: Keras Tuner's seeds 7 and 10 draw the same
    stream shifted by one trial.

    Args:
        seed: The seed of the spec, 1 .. 2**32 - 1.
        *purpose: What the seed is for, such as `"split"` or `"trial", 3`.

    Returns:
        A whole number from 1 to 2**32 - 1.
    """
    text = "/".join(str(part) for part in (seed, *purpose))
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest[:8], "big") % MAX_SEED + 1
