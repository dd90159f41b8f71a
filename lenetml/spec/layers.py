"""The layers of an architecture, with Keras's names, arguments and defaults.

A layer is written as `name: {arguments}` or as a bare name. To add a layer kind: a class here, its
arithmetic in `shapes.py`, its Keras layer in `trial/keras_layers.py`, a valid and an invalid case.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, TypeAlias, get_args

from annotated_types import Ge, Gt, Le, Lt
from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from lenetml.spec.problems import shortened
from lenetml.spec.types import Activation, Searchable, Share, Size, When, Width
from lenetml.values import Value

SEARCHABLE = Searchable()
REACHES_SHAPE = Searchable(reaches_shape=True)
MAX_REPEATS = 64


class Layer(Value):
    """What all layers share: `when`, a boolean or a condition on hyperparameters."""

    when: Annotated[When, REACHES_SHAPE] = True
    """Whether the layer is there: true, false, `$name`, or values of hyperparameters."""


class Conv2D(Layer):
    """A convolution: `filters` kernels over the feature map, with bias."""

    layer: Literal["conv2d"] = "conv2d"
    filters: Annotated[Width, SEARCHABLE]
    """Number of kernels, and of channels that come out."""
    kernel_size: Annotated[Size, REACHES_SHAPE]
    """Height and width of the kernels; one number for both."""
    strides: Annotated[Size, REACHES_SHAPE] = (1, 1)
    """How far the kernels move at a time."""
    padding: Annotated[Literal["valid", "same"], REACHES_SHAPE] = "valid"
    """`same` keeps height and width at stride 1; `valid` adds no border."""
    activation: Annotated[Activation, SEARCHABLE] = "linear"
    """Function applied to the output."""
    use_bias: Annotated[bool, SEARCHABLE] = True
    """Whether a bias is learned for each filter."""


class DepthwiseConv2D(Layer):
    """A convolution of each channel on its own: `depth_multiplier` kernels for each, with bias."""

    layer: Literal["depthwise_conv2d"] = "depthwise_conv2d"
    kernel_size: Annotated[Size, REACHES_SHAPE]
    """Height and width of the kernels; one number for both."""
    strides: Annotated[Size, REACHES_SHAPE] = (1, 1)
    """How far the kernels move at a time."""
    padding: Annotated[Literal["valid", "same"], REACHES_SHAPE] = "valid"
    """`same` keeps height and width at stride 1; `valid` adds no border."""
    depth_multiplier: Annotated[Width, SEARCHABLE] = 1
    """Number of kernels for each channel that comes in, and of channels that it becomes."""
    activation: Annotated[Activation, SEARCHABLE] = "linear"
    """Function applied to the output."""
    use_bias: Annotated[bool, SEARCHABLE] = True
    """Whether a bias is learned for each channel that comes out."""


class SeparableConv2D(Layer):
    """A convolution of each channel on its own, then one of 1 x 1 that mixes them, with bias."""

    layer: Literal["separable_conv2d"] = "separable_conv2d"
    filters: Annotated[Width, SEARCHABLE]
    """Number of 1 x 1 kernels, and of channels that come out."""
    kernel_size: Annotated[Size, REACHES_SHAPE]
    """Height and width of the kernels of each channel; one number for both."""
    strides: Annotated[Size, REACHES_SHAPE] = (1, 1)
    """How far the kernels of each channel move at a time."""
    padding: Annotated[Literal["valid", "same"], REACHES_SHAPE] = "valid"
    """`same` keeps height and width at stride 1; `valid` adds no border."""
    depth_multiplier: Annotated[Width, SEARCHABLE] = 1
    """Number of kernels for each channel that comes in, before the channels are mixed."""
    activation: Annotated[Activation, SEARCHABLE] = "linear"
    """Function applied to the output."""
    use_bias: Annotated[bool, SEARCHABLE] = True
    """Whether a bias is learned for each filter."""


class Pooling2D(Layer):
    """The average or the maximum over windows; `strides` is `pool_size` where left out."""

    layer: Literal["pooling2d"] = "pooling2d"
    kind: Annotated[Literal["average", "max"], SEARCHABLE]
    """What each window gives: its average or its maximum."""
    pool_size: Annotated[Size, REACHES_SHAPE] = (2, 2)
    """Height and width of the windows; one number for both."""
    strides: Annotated[Size | None, REACHES_SHAPE] = None
    """How far the windows move at a time; `pool_size` where left out."""
    padding: Annotated[Literal["valid", "same"], REACHES_SHAPE] = "valid"
    """`same` fills the last windows up; `valid` drops what fills none."""


class GlobalPooling2D(Layer):
    """The average or the maximum of each channel: turns a feature map into one row of values."""

    layer: Literal["global_pooling2d"] = "global_pooling2d"
    kind: Annotated[Literal["average", "max"], SEARCHABLE]
    """What each channel gives: its average or its maximum."""


class BatchNormalization(Layer):
    """Normalization by the mean and variance of each batch, with running averages for use."""

    layer: Literal["batch_normalization"] = "batch_normalization"
    momentum: Annotated[float, Ge(0), Lt(1), SEARCHABLE] = 0.99
    """Share of the running averages that each batch leaves as it is."""
    epsilon: Annotated[float, Gt(0), Le(1), SEARCHABLE] = 0.001
    """Added to the variance, so that nothing is divided by zero."""


class ActivationLayer(Layer):
    """A function applied to every value."""

    layer: Literal["activation"] = "activation"
    function: Annotated[Activation, SEARCHABLE]
    """Name of the function."""


class Dropout(Layer):
    """Sets the share `rate` of the values to zero, in training only."""

    layer: Literal["dropout"] = "dropout"
    rate: Annotated[Share, SEARCHABLE]
    """Share of the values that become zero; at least 0 and below 1."""


class Flatten(Layer):
    """Turns a feature map into one row of values."""

    layer: Literal["flatten"] = "flatten"


class Dense(Layer):
    """A fully connected layer of `units`."""

    layer: Literal["dense"] = "dense"
    units: Annotated[Width, SEARCHABLE]
    """Number of values that come out."""
    activation: Annotated[Activation, SEARCHABLE] = "linear"
    """Function applied to the output."""
    use_bias: Annotated[bool, SEARCHABLE] = True
    """Whether a bias is learned for each unit."""


class Repeat(Layer):
    """The layers `times` in turn: values are shared, weights are not."""

    layer: Literal["repeat"] = "repeat"
    times: Annotated[int, Ge(0), Le(MAX_REPEATS), REACHES_SHAPE]
    """How many times the layers follow each other; 0 leaves them out."""
    layers: Annotated[list[Item], Field(min_length=1)]
    """The layers that are repeated."""


class Residual(Layer):
    """Adds the input to what the layers make of it; the input is a feature map.

    Where sizes or channels differ, the input first passes a convolution of 1 x 1 with bias.
    """

    layer: Literal["residual"] = "residual"
    # At a point of the search space, every `when` inside may be false: then the input is doubled.
    layers: Annotated[list[InnerItem], Field(json_schema_extra={"minItems": 1})]
    """The layers whose output is added to their input."""


def _keep_feature_map(item: Layer) -> Layer:
    """Refuse what turns a feature map into a row of values, in a `repeat` too."""
    mistakes = list(_flat_layers(item))
    if mistakes:
        raise ValidationError.from_exception_data("residual", mistakes)
    return item


def _flat_layers(item: Layer, *place: str | int) -> Iterator[InitErrorDetails]:
    if isinstance(item, Repeat):
        for index, inner in enumerate(item.layers):
            yield from _flat_layers(inner, *place, item.layer, "layers", index)
    elif isinstance(item, Flatten | GlobalPooling2D | Dense):
        message = (
            "{name} cannot stand in residual, which adds feature maps: write it behind the residual"
        )
        error = PydanticCustomError("item", message, {"name": item.layer})
        yield InitErrorDetails(type=error, loc=place, input=item)


def _read_item(item: Any) -> Any:
    """Turn `name` and `{name: {arguments}}` into what the tagged union takes."""
    if isinstance(item, Layer):
        return item
    name, arguments = next(iter(as_mapping(item).items()))
    if name not in LAYERS:
        raise PydanticCustomError("unknown_layer", "unknown layer", {"name": name})
    if not isinstance(arguments, dict):
        raise PydanticCustomError("no_arguments", "no arguments", {"name": name})
    if "layer" in arguments:
        raise PydanticCustomError("item", 'unknown key "layer" in {name}', {"name": name})
    return {"layer": name, **arguments}


def as_mapping(item: Any) -> dict[str, Any]:
    """Write a bare name and a name without arguments as `{name: {}}`.

    Raises:
        PydanticCustomError: It is no layer: not a text, or not a mapping of one key.
    """
    if isinstance(item, str):
        item = {item: {}}
    if not isinstance(item, dict) or not item:
        raise PydanticCustomError("no_layer", "no layer")
    if len(item) > 1:
        name, *rest = item
        verb, them = ("belongs", "it") if len(rest) == 1 else ("belong", "them")
        said = f"{shortened(' and '.join(rest))} {verb} to {shortened(name)}: indent {them}"
        raise PydanticCustomError("item", "an item is one layer; {said}", {"said": said})
    return {name: {} if arguments is None else arguments for name, arguments in item.items()}


def normalised(item: Any) -> Any:
    """Write bare names as `{name: {}}`, in `repeat` and `residual` too; the rest stays as it is."""
    try:
        item = as_mapping(item)
    except PydanticCustomError:
        return item
    name, arguments = next(iter(item.items()))
    if isinstance(arguments, dict) and isinstance(arguments.get("layers"), list):
        layers = [normalised(inner) for inner in arguments["layers"]]
        return {name: {**arguments, "layers": layers}}
    return item


AnyLayer: TypeAlias = (
    Conv2D
    | DepthwiseConv2D
    | SeparableConv2D
    | Pooling2D
    | GlobalPooling2D
    | BatchNormalization
    | ActivationLayer
    | Dropout
    | Flatten
    | Dense
    | Repeat
    | Residual
)
Item = Annotated[
    Annotated[AnyLayer, Field(discriminator="layer")],
    BeforeValidator(_read_item),
]
InnerItem = Annotated[Item, AfterValidator(_keep_feature_map)]
LAYERS: dict[str, type[Layer]] = {
    get_args(kind.model_fields["layer"].annotation)[0]: kind for kind in get_args(AnyLayer)
}
Repeat.model_rebuild()
Residual.model_rebuild()
ITEMS = TypeAdapter(list[Item])
"""Reads the layers of a network."""
