"""What only people can say about a model: the section `card` of a spec."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Len

from lenetml.spec.types import UNIQUE, Language, Prose, ShortText
from lenetml.values import Value


class IntendedUse(Value):
    """What the model is for, said by its authors."""

    primary_uses: Prose | None = None
    """What the model was made for."""
    primary_users: Prose | None = None
    """Whom it was made for."""
    out_of_scope: Prose | None = None
    """What it must not be used for."""


class EthicalConsiderations(Value):
    """Ethics, said by the model's authors."""

    data: Prose | None = None
    """What is sensitive in the data."""
    risks: Prose | None = None
    """What harm the model may do, and to whom."""
    mitigations: Prose | None = None
    """What was done against it."""


class Card(Value):
    """What only people can say in a model card, and its languages."""

    languages: Annotated[list[Language], Len(1, 2), UNIQUE] = ["en"]
    """A card is written in each of these."""
    authors: Prose | None = None
    """Who made the model."""
    contact: Prose | None = None
    """Where questions go."""
    license: ShortText | None = None
    """The model's license, by its SPDX name."""
    citation: Prose | None = None
    """How to cite the model."""
    references: Prose | None = None
    """Papers and pages that it builds on."""
    intended_use: IntendedUse = IntendedUse()
    factors: Prose | None = None
    """Groups, instruments and surroundings that the results may depend on."""
    ethical_considerations: EthicalConsiderations = EthicalConsiderations()
    caveats: Prose | None = None
    """What else a user must know."""
