"""Images that stand in the data more than once, by the SHA-256 of their pixels."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lenetml.errors import DataError
from lenetml.trial.parts import Part, Source

MAX_SHOWN = 5


def count_duplicates(parts: Sequence[Part]) -> dict[str, int]:
    """Count images that repeat another one of their part, and those of an earlier part."""
    within = across = 0
    earlier: set[bytes] = set()
    for part in parts:
        digests = _digests(part)
        different = set(digests)
        within += len(digests) - len(different)
        across += sum(1 for digest in digests if digest in earlier)
        earlier |= different
    return {"duplicates_within": within, "duplicates_across": across}


def refuse_duplicates(place: Path, source: Source, chosen: Mapping[str, NDArray[np.intp]]) -> None:
    """Refuse data in which an image has two labels, or stands in two parts of the split.

    Args:
        place: The file or the folder, for messages.
        source: All examples; those that no part takes may repeat others of the same label.
        chosen: The examples of each part.

    Raises:
        DataError: There is such an image; the first ones are named.
    """
    own_test = [] if source.own_test is None else [source.own_test]
    digests = [digest for part in (source.pool, *own_test) for digest in _digests(part)]
    labels = np.concatenate([part.labels for part in (source.pool, *own_test)])
    part_of = {int(index): name for name, indices in chosen.items() for index in indices}
    class_of = [source.classes[label] for label in labels]
    labelled = [(i, j) for i, j in _repeats(digests, range(len(digests))) if labels[i] != labels[j]]
    if labelled:
        raise _refusal(f"{place}: the same image has two labels", source, labelled, class_of)
    parted = [(i, j) for i, j in _repeats(digests, sorted(part_of)) if part_of[i] != part_of[j]]
    if parted:
        raise _refusal(f"{place}: the same image stands in two parts", source, parted, part_of)


def _digests(part: Part) -> list[bytes]:
    return [hashlib.sha256(image).digest() for image in part.images]


def _repeats(digests: Sequence[bytes], indices: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Pair each image that repeats an earlier one with the first of its kind."""
    first: dict[bytes, int] = {}
    for index in indices:
        before = first.setdefault(digests[index], index)
        if before != index:
            yield before, index


def _refusal(
    message: str,
    source: Source,
    pairs: Sequence[tuple[int, int]],
    said_of: Sequence[str] | Mapping[int, str],
) -> DataError:
    def name(index: int) -> str:
        return f"{source.name_of(index) if source.name_of else index} ({said_of[index]})"

    notes = [f"found: {name(i)} and {name(j)}" for i, j in pairs[:MAX_SHOWN]]
    if len(pairs) > MAX_SHOWN:
        notes.append(f"and {len(pairs) - MAX_SHOWN} more")
    return DataError(message, *notes, "keep one of each, or write duplicates: keep")
