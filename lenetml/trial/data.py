"""The data of an experiment: loaded, checked, divided by seed, and described for the record."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lenetml.errors import DataError, NotYetError
from lenetml.record import ClassCounts, DataRecord
from lenetml.spec.datasets import NAMED
from lenetml.spec.division import Division, DivisionError, apportion, divide
from lenetml.spec.sections import Data
from lenetml.trial.sources import Part, Source, read_named
from lenetml.values import derive_seed

__all__ = ["LoadedData", "Part", "load_data"]


@dataclass(frozen=True, eq=False)
class LoadedData:
    """The parts of the data, and the facts about them.

    The test part is no field that could be used by mistake: it is behind `open_test`.
    """

    train: Part
    val: Part
    classes: tuple[str, ...]
    input_shape: tuple[int, int, int]
    record: DataRecord
    _test: Part = field(repr=False)

    def open_test(self) -> Part:
        """Give the test part; whoever calls this has noted the look before."""
        return self._test


def load_data(
    data: Data, seed: int, folder: Path, on_progress: Callable[[str], None] | None = None
) -> LoadedData:
    """Load the data of a spec and divide them.

    The same data, split and seed give the same parts on every machine. Within a part the
    examples keep the order of the data set.

    Args:
        data: The section of the spec.
        seed: The seed of the spec; the split has a seed of its own derived from it.
        folder: Where the spec lies; a path in it starts here.
        on_progress: Is told in a few words what takes time.

    Raises:
        DataError: The data are damaged, or cannot be divided as the spec says.
        MissingError: The data set is neither here nor can it be downloaded.
        NotYetError: The data are the user's own, or images are to be changed.
    """
    if data.dataset is None:
        raise NotYetError(
            f"data.path: {folder / str(data.path)} cannot be read by this version of lenetml",
            f"it reads the named data sets: {', '.join(NAMED)}",
        )
    for key in ("image_size", "color_mode"):
        if getattr(data, key) is not None:
            raise NotYetError(
                f"data.{key}: this version of lenetml takes the images of a named data set "
                "as they are"
            )
    facts = NAMED[data.dataset]
    source = read_named(facts, on_progress or (lambda text: None))
    try:
        division = divide(data.split, facts.pool, facts.own_test, facts.name)
    except DivisionError as error:
        raise DataError(f"data.split: {error.message}", *error.notes) from None
    split_seed = derive_seed(seed, "split")
    train, val, test = _split(
        source, division, facts.classes if data.stratify else None, split_seed
    )
    return LoadedData(
        train=train,
        val=val,
        classes=facts.classes,
        input_shape=facts.input_shape,
        record=DataRecord(
            dataset=facts.name,
            source=source.name,
            fingerprint=_fingerprint(source.pool, source.own_test),
            test_fingerprint=_fingerprint(test),
            classes=list(facts.classes),
            input_shape=list(facts.input_shape),
            has_own_test=source.own_test is not None,
            stratified=data.stratify,
            split_seed=split_seed,
            train=len(train),
            val=len(val),
            test=len(test),
            unused=division.unused,
            class_counts=ClassCounts(
                train=_count_classes(train, facts.classes),
                val=_count_classes(val, facts.classes),
                test=_count_classes(test, facts.classes),
            ),
            **count_duplicates([train, val, test]),
        ),
        _test=test,
    )


def _split(
    source: Source, division: Division, classes: Sequence[str] | None, seed: int
) -> list[Part]:
    """Give train, val and test; with `classes`, each keeps the proportions of the classes."""
    sizes = {"train": division.train, "val": division.val, "test": division.test}
    if source.own_test is None:
        chosen = choose(source.pool.labels, sizes, classes, seed)
        return [source.pool.take(indices) for indices in chosen]
    size = sizes.pop("test")
    chosen = choose(source.pool.labels, sizes, classes, seed)
    parts = [source.pool.take(indices) for indices in chosen]
    (indices,) = choose(source.own_test.labels, {"test": size}, classes, derive_seed(seed, "test"))
    return [*parts, source.own_test.take(indices)]


def choose(
    labels: NDArray[np.int64], sizes: dict[str, int], classes: Sequence[str] | None, seed: int
) -> list[NDArray[np.intp]]:
    """Choose the examples of each part by seed.

    Args:
        labels: Class of each example, shape `(n,)`.
        sizes: Examples of each part, at most n together.
        classes: Names of the classes, where each part is to keep their proportions by largest
            remainder; None takes no notice of them.
        seed: From 1 to 2**32 - 1.

    Returns:
        For each part its examples: sorted, disjoint, exactly as many as `sizes` says.

    Raises:
        DataError: A class has too few examples to stand in every part.
    """
    # NumPy promises these raw numbers for all its versions, and a permutation only for one.
    keys = np.random.PCG64(seed).random_raw(len(labels))
    groups = np.zeros_like(labels) if classes is None else labels
    shuffled = np.lexsort((keys, groups))
    left = np.split(shuffled, np.cumsum(np.bincount(groups))[:-1])
    chosen = []
    for part, size in sizes.items():
        taken = apportion([len(group) for group in left], size)
        if classes is not None and 0 in taken:
            index = taken.index(0)
            raise DataError(
                f"class {classes[index]} has too few examples for the split",
                f"found: {np.count_nonzero(labels == index)} of {len(labels)} examples, "
                f"so none among the {size} of {part}",
                "allowed: larger parts, or stratify: false",
            )
        chosen.append(np.sort(np.concatenate([g[:n] for g, n in zip(left, taken, strict=True)])))
        left = [group[n:] for group, n in zip(left, taken, strict=True)]
    return chosen


def _count_classes(part: Part, classes: Sequence[str]) -> list[int]:
    counts: list[int] = np.bincount(part.labels, minlength=len(classes)).tolist()
    return counts


def _fingerprint(*parts: Part | None) -> str:
    """SHA-256 over type, shape and bytes of all arrays, the same on every machine."""
    digest = hashlib.sha256()
    for part in parts:
        if part is None:
            continue
        for array in (part.images, part.labels.astype("<i8", copy=False)):
            digest.update(f"{array.dtype.str} {array.shape}\n".encode())
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def count_duplicates(parts: Sequence[Part]) -> dict[str, int]:
    """Count images that repeat another one of their part, and those of an earlier part."""
    within = across = 0
    earlier: set[bytes] = set()
    for part in parts:
        digests = [hashlib.sha256(image).digest() for image in part.images]
        different = set(digests)
        within += len(digests) - len(different)
        across += sum(1 for digest in digests if digest in earlier)
        earlier |= different
    return {"duplicates_within": within, "duplicates_across": across}
