"""The sections of a spec other than search space and architecture, and the whole document.

Only types and ranges are said here; what ties several keys together is in `rules.py`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le, Len
from pydantic import BeforeValidator, StringConstraints

from lenetml.spec.layers import Item
from lenetml.spec.types import (
    Amount,
    Count,
    Factors,
    FileNames,
    Language,
    NotNegative,
    Positive,
    Prose,
    Searchable,
    Share,
    ShortText,
    Size,
    Text,
    TimeLimit,
    custom,
)
from lenetml.values import MAX_SEED, Value

SEARCHABLE = Searchable()


class Split(Value):
    """How the data are divided: all counts, or all fractions below 1."""

    train: Amount
    val: Amount
    test: Amount | None = None


class Data(Value):
    """Where the images come from and how they are divided."""

    dataset: Literal["mnist", "fashion_mnist", "cifar10", "digits"] | None = None
    path: ShortText | None = None
    image_size: Size | None = None
    fit: Literal["stretch", "crop", "pad"] = "stretch"
    color_mode: Literal["grayscale", "rgb"] | None = None
    split: Split | None = None
    stratify: bool = True
    duplicates: Literal["error", "keep"] = "error"
    input_shape: Annotated[list[Count], Len(3, 3)] | None = None
    classes: Annotated[list[ShortText], Len(2, 10_000)] | None = None


class Augmentation(Value):
    """How far training images may be varied; names and units of Keras's ImageDataGenerator."""

    rotation_range: Annotated[float, Ge(0), Le(180), SEARCHABLE] = 0.0
    width_shift_range: Annotated[float, Ge(0), Le(1), SEARCHABLE] = 0.0
    height_shift_range: Annotated[float, Ge(0), Le(1), SEARCHABLE] = 0.0
    shear_range: Annotated[float, Ge(0), Le(60), SEARCHABLE] = 0.0
    zoom_range: Annotated[Share, SEARCHABLE] = 0.0
    horizontal_flip: Annotated[bool, SEARCHABLE] = False
    vertical_flip: Annotated[bool, SEARCHABLE] = False
    fill_mode: Annotated[Literal["nearest", "constant", "reflect"], SEARCHABLE] = "nearest"
    brightness_range: Annotated[Factors | None, SEARCHABLE] = None

    @property
    def is_active(self) -> bool:
        """Whether any image is changed at all."""
        return self.model_copy(update={"fill_mode": "nearest"}) != Augmentation()


class EarlyStopping(Value):
    """End a training that has not improved by `min_delta` for `patience` epochs."""

    patience: Annotated[Count, SEARCHABLE]
    min_delta: Annotated[NotNegative, SEARCHABLE] = 0.0


class Training(Value):
    """How one network is trained."""

    optimizer: Annotated[Literal["adam", "adamw", "sgd", "rmsprop"], SEARCHABLE] = "adam"
    learning_rate: Annotated[Positive, SEARCHABLE] = 0.001
    learning_rate_schedule: Annotated[Literal["constant", "cosine", "exponential"], SEARCHABLE] = (
        "constant"
    )
    learning_rate_decay: Annotated[Annotated[float, Gt(0), Le(1)] | None, SEARCHABLE] = None
    warmup_epochs: Annotated[NotNegative, SEARCHABLE] = 0.0
    momentum: Annotated[Share | None, SEARCHABLE] = None
    weight_decay: Annotated[NotNegative | None, SEARCHABLE] = None
    label_smoothing: Annotated[Share, SEARCHABLE] = 0.0
    epochs: Annotated[Count, SEARCHABLE]
    batch_size: Annotated[Count, SEARCHABLE] = 32
    early_stopping: EarlyStopping | None = None
    restore: Literal["best", "last"] = "best"


class Bayesian(Value):
    """Settings of the Bayesian oracle, as in Keras Tuner."""

    initial_points: Count | None = None
    alpha: Positive = 0.0001
    beta: NotNegative = 2.6


class Screening(Value):
    """Train every trial for `epochs` first; only the best `keep` go on."""

    epochs: Count = 1
    keep: Count = 3


class Confirm(Value):
    """Train the best `top` trials under `seeds` more seeds before one is chosen."""

    top: Count = 3
    seeds: Count = 2


class Search(Value):
    """How the search space is searched and the winner chosen."""

    strategy: Literal["random", "grid", "bayesian", "hyperband"]
    trials: Count | None = None
    objective: Literal["val_accuracy", "val_loss", "val_f1"] = "val_accuracy"
    executions_per_trial: Count = 1
    time_limit: TimeLimit | None = None
    baseline: FileNames | None = None
    screening: Screening | None = None
    select: Literal["best", "one_standard_error"] = "best"
    confirm: Confirm | None = None
    bayesian: Bayesian | None = None
    factor: Annotated[int, Ge(2), Le(100)] | None = None
    iterations: Count | None = None


class Evaluation(Value):
    """How the winner is evaluated."""

    seeds: Annotated[int, Ge(0), Le(1000)] = 0
    test: Literal["once", "sealed"] = "once"


class Energy(Value):
    """Energy is measured; emissions follow where a country is named."""

    country: ShortText | None = None


class Wandb(Value):
    """What is mirrored to Weights & Biases."""

    project: ShortText
    entity: ShortText | None = None
    mode: Literal["auto", "online", "offline", "disabled"] = "auto"
    tags: list[ShortText] = []
    sweep: bool = False


class IntendedUse(Value):
    """What the model is for, said by its authors."""

    primary_uses: Prose | None = None
    primary_users: Prose | None = None
    out_of_scope: Prose | None = None


class EthicalConsiderations(Value):
    """Ethics, said by the model's authors."""

    data: Prose | None = None
    risks: Prose | None = None
    mitigations: Prose | None = None


class Card(Value):
    """What only people can say in a model card, and its languages."""

    languages: Annotated[list[Language], Len(1, 2)] = ["en"]
    authors: Prose | None = None
    contact: Prose | None = None
    license: ShortText | None = None
    citation: Prose | None = None
    references: Prose | None = None
    intended_use: IntendedUse = IntendedUse()
    factors: Prose | None = None
    ethical_considerations: EthicalConsiderations = EthicalConsiderations()
    caveats: Prose | None = None


def _off_is_none(value: Any) -> Any:
    """Read `energy: false` as None; an empty `energy:` is a mistake, not a choice."""
    if value is None:
        raise custom("must be {country: a code of three letters}, or false")
    return None if value is False else value


class ConcreteSpec(Value):
    """A whole spec without a reference: what one point of the search space says.

    The search space itself is no part of it. Once resolved (`space.resolve`), the architecture is
    the layers in turn: no `repeat`, and every `when` is true.
    """

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    title: Text | None = None
    description: Prose | None = None
    seed: Annotated[int, Ge(1), Le(MAX_SEED)] = 1
    data: Data
    architecture: list[Item]
    augmentation: Augmentation = Augmentation()
    training: Training
    search: Search | None = None
    evaluation: Evaluation = Evaluation()
    energy: Annotated[Energy | None, BeforeValidator(_off_is_none)] = Energy()
    wandb: Wandb | None = None
    card: Card = Card()
