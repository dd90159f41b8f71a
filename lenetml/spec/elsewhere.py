"""What other tools call things that a spec calls otherwise, or does not have.

The words of Keras and of hyperparameter searches in, remedies out: what to write here. Words are
compared by letters and digits, since each tool has its own case and underscores.
"""

from __future__ import annotations

import re
from typing import get_args

from lenetml.spec.types import Activation

_FROM_DATA = "the shape of the images is that of the data: take it away"
_SCALED = "images are scaled to 0 .. 1 before the first layer: take it away"
_OF_KERAS = {
    "maxpooling2d": "write pooling2d: {kind: max}",
    "maxpool2d": "write pooling2d: {kind: max}",
    "averagepooling2d": "write pooling2d: {kind: average}",
    "avgpool2d": "write pooling2d: {kind: average}",
    "globalmaxpooling2d": "write global_pooling2d: {kind: max}",
    "globalaveragepooling2d": "write global_pooling2d: {kind: average}",
    "input": _FROM_DATA,
    "inputlayer": _FROM_DATA,
    "inputshape": _FROM_DATA,
    "rescaling": _SCALED,
    "normalization": _SCALED,
    "softmax": "the output layer with softmax is added to every network: take this one away",
    "add": "write residual: {layers: [...]}",
}

_NO_NORMAL = "only even distributions are drawn: write min and max"
_LOG_VALUES = "write distribution: log_uniform_values"
_NO_LOG_STEPS = f"{_LOG_VALUES} without q, or values"
_OF_SWEEPS = {
    "mu": _NO_NORMAL,
    "sigma": _NO_NORMAL,
    "normal": _NO_NORMAL,
    "qnormal": _NO_NORMAL,
    "lognormal": _NO_NORMAL,
    "qlognormal": _NO_NORMAL,
    "beta": _NO_NORMAL,
    "qbeta": _NO_NORMAL,
    "probabilities": "all values are drawn alike: write values alone",
    "choice": "write values alone",
    "choices": "write values",
    "parameters": "a search space is flat: write each name on a line of its own",
    "minvalue": "write min",
    "low": "write min",
    "maxvalue": "write max",
    "high": "write max",
    "range": "write min and max",
    "step": "write q: the values are its multiples",
    "log": _LOG_VALUES,
    "sampling": _LOG_VALUES,
    "loguniform": _LOG_VALUES,
    "invloguniform": _LOG_VALUES,
    "invloguniformvalues": _LOG_VALUES,
    "qloguniform": _NO_LOG_STEPS,
    "qloguniformvalues": _NO_LOG_STEPS,
}


def keras_remedy(word: str) -> tuple[str, ...]:
    """Say what to write for a layer or an argument of Keras that a spec does not have."""
    letters = _letters(word)
    for function in get_args(Activation):
        if letters == _letters(function):
            return (f"write activation: {{function: {function}}}",)
    return (_OF_KERAS[letters],) if letters in _OF_KERAS else ()


def sweep_remedy(word: str) -> tuple[str, ...]:
    """Say what to write for a key or a distribution of a sweep that no domain has."""
    letters = _letters(word)
    return (_OF_SWEEPS[letters],) if letters in _OF_SWEEPS else ()


def _letters(word: str) -> str:
    return re.sub("[^a-z0-9]", "", word.lower())
