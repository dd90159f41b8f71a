"""The figures of a run that show images: drawn while the images are at hand, and kept.

They wait beside a record and come with it, so that they are never those of another winner.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from lenetml.facts import TEST_PREDICTIONS
from lenetml.files import read_arrays, sha256_of, write_atomically
from lenetml.folder import RunFolder
from lenetml.record import Record
from lenetml.report.figures.augmented import Varied, draw_augmentation
from lenetml.report.figures.listing import (
    AUGMENTATION,
    MISCLASSIFIED,
    active_keys,
    file_of,
    kept_names,
    n_misclassified,
    shown_augmentation,
)
from lenetml.report.figures.misclassified import Misclassified, draw_misclassified
from lenetml.report.figures.style import to_png
from lenetml.report.markdown import literal
from lenetml.trial.data import LoadedData, Part
from lenetml.trial.evaluate import Predictions, unpack_predictions
from lenetml.trial.preview import choose_examples, vary_at_random, vary_to_end
from lenetml.values import derive_seed

N_EXAMPLES = 4


def draw_pictures(folder: RunFolder, record: Record, data: LoadedData) -> Record:
    """Draw the figures of a record that show images, to be kept with it.

    Args:
        folder: Of the run; its pending files may hold newer predictions on the test part.
        record: That is about to be kept, with the winner and its test.
        data: Of the run.

    Returns:
        The record, which knows them by their SHA-256.

    Raises:
        FolderError: The predictions are gone or damaged, or a figure cannot be written.
    """
    folder.pending.mkdir(exist_ok=True)
    names, pictures = kept_names(record), {}
    if MISCLASSIFIED in names:
        pictures[MISCLASSIFIED] = _draw_misclassified(folder, record, data)
    if AUGMENTATION in names:
        pictures[AUGMENTATION] = _draw_augmentation(record, data.train)
    for name, png in pictures.items():
        write_atomically(folder.pending / f"{name}.png", png)
    hashes = {name: hashlib.sha256(png).hexdigest() for name, png in pictures.items()}
    return record.model_copy(update={"pictures": hashes})


def lacks_pictures(folder: Path, record: Record) -> bool:
    """Whether a figure that a finished run should have kept is not there, or is another one."""
    paths = [
        (folder / file_of(name, "en"), record.pictures.get(name)) for name in kept_names(record)
    ]
    return any(
        not path.exists() or (known is not None and sha256_of(path) != known)
        for path, known in paths
    )


def surest_errors(part: Part, predictions: Predictions, n: int) -> list[int]:
    """Find the errors of highest confidence, the surest first; of equal ones, the earlier."""
    wrong = (predictions.classes != part.labels).nonzero()[0]
    order = (-predictions.confidence[wrong]).argsort(kind="stable")
    chosen: list[int] = wrong[order][:n].tolist()
    return chosen


def _draw_misclassified(folder: RunFolder, record: Record, data: LoadedData) -> bytes:
    tested_now = folder.pending / TEST_PREDICTIONS
    tested_before = folder.path / "predictions" / TEST_PREDICTIONS
    kept = tested_now if tested_now.exists() else tested_before
    predictions, part = read_arrays(kept, unpack_predictions), data.open_test()
    errors = [
        Misclassified(
            image=part.images[index],
            true=data.classes[part.labels[index]],
            predicted=data.classes[predictions.classes[index]],
            confidence=float(predictions.confidence[index]),
        )
        for index in surest_errors(part, predictions, n_misclassified(record))
    ]
    return to_png(draw_misclassified(data.classes, errors))


def _write_value(value: Any) -> str:
    """Write a value as people write it in a spec: 20, not 20.0."""
    return literal(int(value) if isinstance(value, float) and value.is_integer() else value)


def _draw_augmentation(record: Record, part: Part) -> bytes:
    augmentation = shown_augmentation(record)
    images = choose_examples(part, N_EXAMPLES)
    ends = [
        Varied(
            key,
            _write_value(record.best.augmentation[key]),
            list(vary_to_end(images, augmentation, key, upper=False)),
            list(vary_to_end(images, augmentation, key, upper=True)),
        )
        for key in active_keys(augmentation)
    ]
    both = np.concatenate([images, images])
    mixed = vary_at_random(both, augmentation, derive_seed(record.seed, "preview"))
    rows = [
        Varied("train", "", list(images), list(images)),
        *ends,
        Varied("augmentation", "", list(mixed[: len(images)]), list(mixed[len(images) :])),
    ]
    return to_png(draw_augmentation(rows))
