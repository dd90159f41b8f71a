"""The sections of a spec other than search space and architecture, and the whole document.

Only types and ranges are said here; what ties several keys together is in `rules.py`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le, Len
from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema

from lenetml.spec.countries import GRID
from lenetml.spec.layers import Item
from lenetml.spec.people import Card as Card
from lenetml.spec.types import (
    UNIQUE,
    Amount,
    Count,
    Factors,
    FileNames,
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
# Defaults that depend on another key, so that the key itself has none.
READS_MOMENTUM = ("sgd", "rmsprop")
DEFAULT_DECAY = 0.95
DEFAULT_ADAMW_WEIGHT_DECAY = 0.004
DEFAULT_FACTOR = 3
DEFAULT_ITERATIONS = 1
# Keys of training, what decides whether they are read, and which of its values do.
READ_BY = (
    ("momentum", "optimizer", READS_MOMENTUM),
    ("learning_rate_decay", "learning_rate_schedule", ("exponential",)),
)


class Split(Value):
    """How the data are divided: all counts, or all fractions below 1."""

    train: Amount
    """Images to train on."""
    val: Amount
    """Images that trials are compared on."""
    test: Amount | None = None
    """Images that the winner alone is tested on; all of a test part that comes with the data."""


class Data(Value):
    """Where the images come from and how they are divided."""

    dataset: Literal["mnist", "fashion_mnist", "cifar10", "digits"] | None = None
    """A data set that lenetml knows by name."""
    path: ShortText | None = None
    """An `.npz` file, or a folder with one folder of images per class; relative to the spec."""
    image_size: Size | None = None
    """Height and width that every image is brought to; one number for both."""
    fit: Literal["stretch", "crop", "pad"] = "stretch"
    """How an image of another shape comes to `image_size`."""
    color_mode: Literal["grayscale", "rgb"] | None = None
    """The channels that every image is brought to: one for grayscale, three for rgb."""
    split: Split | None = None
    stratify: bool = True
    """Whether every part has the classes in the same shares."""
    duplicates: Literal["error", "keep"] = "error"
    """What exact repeats across the parts of your own data are: an error, or kept."""
    input_shape: Annotated[list[Count], Len(3, 3)] | None = None
    """Height, width and channels, where the data are not at hand."""
    classes: Annotated[list[ShortText], Len(2, 10_000), UNIQUE] | None = None
    """Names of the classes, where the data are not at hand."""


class Augmentation(Value):
    """How far training images may be varied; names and units of Keras's ImageDataGenerator."""

    rotation_range: Annotated[float, Ge(0), Le(180), SEARCHABLE] = 0.0
    """Degrees to either side."""
    width_shift_range: Annotated[float, Ge(0), Le(1), SEARCHABLE] = 0.0
    """Share of the width, to either side."""
    height_shift_range: Annotated[float, Ge(0), Le(1), SEARCHABLE] = 0.0
    """Share of the height, up and down."""
    shear_range: Annotated[float, Ge(0), Le(60), SEARCHABLE] = 0.0
    """Degrees, not a share, to either side."""
    zoom_range: Annotated[Share, SEARCHABLE] = 0.0
    """Each axis is scaled by 1 - z to 1 + z."""
    horizontal_flip: Annotated[bool, SEARCHABLE] = False
    """Whether left and right may be exchanged."""
    vertical_flip: Annotated[bool, SEARCHABLE] = False
    """Whether top and bottom may be exchanged."""
    fill_mode: Annotated[Literal["nearest", "constant", "reflect"], SEARCHABLE] = "nearest"
    """What stands where the moved image leaves a gap."""
    brightness_range: Annotated[Factors | None, SEARCHABLE] = None
    """Lowest and highest factor of brightness."""

    @property
    def is_active(self) -> bool:
        """Whether any image is changed at all."""
        return self.model_copy(update={"fill_mode": "nearest"}) != Augmentation()


class EarlyStopping(Value):
    """End a training that has not improved by `min_delta` for `patience` epochs."""

    patience: Annotated[Count, SEARCHABLE]
    """Epochs without improvement after which the training ends."""
    min_delta: Annotated[NotNegative, SEARCHABLE] = 0.0
    """The least change that counts as an improvement."""


class Training(Value):
    """How one network is trained."""

    optimizer: Annotated[Literal["adam", "adamw", "sgd", "rmsprop"], SEARCHABLE] = "adam"
    """What changes the weights after each batch."""
    learning_rate: Annotated[Positive, SEARCHABLE] = 0.001
    """Size of the optimizer's steps; above 0."""
    learning_rate_schedule: Annotated[Literal["constant", "cosine", "exponential"], SEARCHABLE] = (
        "constant"
    )
    """How the learning rate goes on: as it is, to 0 along a cosine, or by a factor an epoch."""
    learning_rate_decay: Annotated[Annotated[float, Gt(0), Le(1)] | None, SEARCHABLE] = None
    """Factor an epoch of the exponential schedule; 0.95 where left out."""
    warmup_epochs: Annotated[NotNegative, SEARCHABLE] = 0.0
    """Epochs in which the learning rate rises from 0."""
    momentum: Annotated[Share | None, SEARCHABLE] = None
    """Share of the last step that goes on; read by sgd and rmsprop, 0 where left out."""
    weight_decay: Annotated[NotNegative | None, SEARCHABLE] = None
    """How fast weights shrink by themselves; for adamw 0.004 where left out, else 0."""
    label_smoothing: Annotated[Share, SEARCHABLE] = 0.0
    """Share of each label that is spread over all classes."""
    epochs: Annotated[Count, SEARCHABLE]
    """How many times the training images are seen, at most."""
    batch_size: Annotated[Count, SEARCHABLE] = 32
    """Images a step."""
    early_stopping: EarlyStopping | None = None
    restore: Literal["best", "last"] = "best"
    """The weights to keep: of the best epoch by the objective, or of the last."""


class Bayesian(Value):
    """Settings of the Bayesian oracle, as in Keras Tuner."""

    initial_points: Count | None = None
    """Random trials before the first that is computed; 3 a hyperparameter where left out."""
    alpha: Positive = 0.0001
    """Noise that is expected in the objective."""
    beta: NotNegative = 2.6
    """How much the unknown is preferred to the known good."""


class Screening(Value):
    """Train every trial for `epochs` first; only the best `keep` go on."""

    epochs: Count = 1
    """Epochs of every trial before the choice."""
    keep: Count = 3
    """Trials that go on to their full epochs."""


class Confirm(Value):
    """Train the best `top` trials under `seeds` more seeds before one is chosen."""

    top: Count = 3
    """Trials that are trained again."""
    seeds: Count = 2
    """Further seeds for each of them."""


class Search(Value):
    """How the search space is searched and the winner chosen."""

    strategy: Literal["random", "grid", "bayesian", "hyperband"]
    """How values are proposed."""
    trials: Count | None = None
    """Number of trials; of a grid, the most."""
    objective: Literal["val_accuracy", "val_loss", "val_f1"] = "val_accuracy"
    """What trials are compared by, on the validation part."""
    executions_per_trial: Count = 1
    """Trainings a trial; its objective is their mean."""
    time_limit: TimeLimit | None = None
    """Time after which no trial starts, over all continuations."""
    trial_time_limit: TimeLimit | None = None
    """A training that takes longer fails its trial."""
    baseline: FileNames | None = None
    """Specs that are run first and compared with in the card."""
    screening: Screening | None = None
    select: Literal["best", "one_standard_error"] = "best"
    """The winner: the best trial, or the smallest network within one standard error of it."""
    confirm: Confirm | None = None
    bayesian: Bayesian | None = None
    factor: Annotated[int, Ge(2), Le(100)] | None = None
    """Of hyperband: one trial in so many goes on at each rung; 3 where left out."""
    iterations: Count | None = None
    """Of hyperband: how many times all brackets are run; 1 where left out."""


class Evaluation(Value):
    """How the winner is evaluated."""

    seeds: Annotated[int, Ge(0), Le(1000)] = 0
    """Further trainings of the winner, for the spread of its results; 0 for none."""
    test: Literal["once", "sealed"] = "once"
    """`once` opens the test part for the winner; `sealed` leaves that to `lenetml test RUN`."""


class Energy(Value):
    """Energy is measured; emissions follow where a country is named."""

    country: Annotated[ShortText, WithJsonSchema({"enum": sorted(GRID)})] | None = None
    """Whose grid emissions are computed by: three letters of ISO 3166."""


class Wandb(Value):
    """What is mirrored to Weights & Biases."""

    project: ShortText
    """Name of the W&B project."""
    entity: ShortText | None = None
    """Team or user; your own where left out."""
    mode: Literal["auto", "online", "offline", "disabled"] = "auto"
    """How runs are sent; `offline` writes them to the disk for later."""
    tags: list[ShortText] = []
    """Words to find the runs by."""
    sweep: bool = False
    """Whether the search also appears as a W&B sweep."""


def _off_is_none(value: Any) -> Any:
    """Read `energy: false` as None; an empty `energy:` is a mistake, not a choice."""
    if value is None:
        raise custom("must be {country: a code of three letters}, or false")
    return None if value is False else value


class ConcreteSpec(Value):
    """A whole spec without a reference: what one point of the search space says.

    The search space itself is no part of it. Once resolved (`unroll.resolve`), the architecture is
    the layers in turn: no `repeat`, and every `when` is true.
    """

    name: Annotated[
        str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$"), Field(examples=["lenet5"])
    ]
    """Name of the experiment and its folder: lower-case letters, digits and hyphens."""
    title: Text | None = None
    """Heading of the card."""
    description: Prose | None = None
    """What the experiment is about, in a sentence or two."""
    seed: Annotated[int, Ge(1), Le(MAX_SEED)] = 1
    """The one seed that everything random follows from."""
    data: Data
    architecture: Annotated[list[Item], Field(json_schema_extra={"minItems": 1})]
    """The layers in turn; the output layer is added."""
    augmentation: Augmentation = Augmentation()
    training: Training
    search: Search | None = None
    evaluation: Evaluation = Evaluation()
    energy: Annotated[
        Energy | None, BeforeValidator(_off_is_none, json_schema_input_type=Energy | Literal[False])
    ] = Energy()
    wandb: Wandb | None = None
    card: Card = Card()
