"""The data of an experiment: loaded, checked, divided by seed, and described for the record."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lenetml.errors import DataError
from lenetml.record import ClassCounts, DataRecord
from lenetml.spec.datasets import NAMED, DatasetFacts, changed_facts, check_amount
from lenetml.spec.division import Division, DivisionError, apportion, divide
from lenetml.spec.imagefiles import composed
from lenetml.spec.sections import Data
from lenetml.spec.userdata import is_there, where_looked
from lenetml.trial.duplicates import count_duplicates, refuse_duplicates
from lenetml.trial.imagefolder import read_folder
from lenetml.trial.images import change_images
from lenetml.trial.npz import read_user_npz
from lenetml.trial.parts import Part, Progress, Source, TrialParts
from lenetml.trial.sources import read_named
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

    def for_workers(self) -> TrialParts:
        """What those who train may see."""
        return TrialParts(self.train, self.val, self.classes, self.input_shape)


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
        DataError: The data are damaged, are not what the spec says, or cannot be divided so.
        MissingError: The data set is neither here nor can it be downloaded.
    """
    path = folder / (data.path or "")
    original = _read(data, path, on_progress or (lambda text: None))
    source = _change(original, data)
    facts = _facts_of(source, data.dataset or str(data.path))
    _compare_with_spec(data, facts)
    try:
        division = divide(data.split, facts.pool, facts.own_test, facts.name)
    except DivisionError as error:
        raise DataError(f"data.split: {error.message}", *error.notes) from None
    split_seed = derive_seed(seed, "split")
    chosen = _split(source, division, data.stratify, split_seed)
    if source.name_of is not None and data.duplicates == "error":
        refuse_duplicates(path, source, chosen)
    parts = {name: source.take(indices) for name, indices in chosen.items()}
    test_fingerprint = _test_fingerprint(original, chosen["test"])
    return LoadedData(
        train=parts["train"],
        val=parts["val"],
        classes=facts.classes,
        input_shape=facts.input_shape,
        record=_describe(data, source, facts, division, parts, split_seed, test_fingerprint),
        _test=parts["test"],
    )


def _describe(
    data: Data,
    source: Source,
    facts: DatasetFacts,
    division: Division,
    parts: dict[str, Part],
    split_seed: int,
    test_fingerprint: str,
) -> DataRecord:
    """What the record says of the data."""
    counts = {name: _count_classes(part, facts.classes) for name, part in parts.items()}
    return DataRecord(
        dataset=facts.name,
        source=source.name,
        fingerprint=_fingerprint(source),
        test_fingerprint=test_fingerprint,
        classes=list(facts.classes),
        input_shape=list(facts.input_shape),
        has_own_test=facts.own_test is not None,
        stratified=data.stratify,
        split_seed=split_seed,
        train=division.train,
        val=division.val,
        test=division.test,
        unused=division.unused,
        class_counts=ClassCounts(**counts),
        **count_duplicates(list(parts.values())),
    )


def _read(data: Data, path: Path, on_progress: Progress) -> Source:
    if data.dataset is not None:
        return read_named(NAMED[data.dataset], on_progress)
    if not is_there(path):
        raise DataError(f"data.path: {data.path} is not there", where_looked(path, data))
    on_progress(f"reading {path}")
    return read_folder(path, data, on_progress) if path.is_dir() else read_user_npz(path, data)


def _change(source: Source, data: Data) -> Source:
    """Bring images to the colour mode and the size of the spec; those of a folder are so."""
    if source.digests is not None or (data.image_size is None and data.color_mode is None):
        return source
    check_amount(changed_facts(_facts_of(source, data.dataset or str(data.path)), data))

    def change(part: Part) -> Part:
        images = change_images(part.images, data.image_size, data.fit, data.color_mode)
        return Part(images, part.labels)

    own_test = None if source.own_test is None else change(source.own_test)
    return replace(source, pool=change(source.pool), own_test=own_test)


def _facts_of(source: Source, name: str) -> DatasetFacts:
    _, height, width, channels = source.pool.images.shape
    return DatasetFacts(
        name=name,
        input_shape=(height, width, channels),
        classes=source.classes,
        pool=len(source.pool),
        own_test=None if source.own_test is None else len(source.own_test),
    )


def _compare_with_spec(data: Data, facts: DatasetFacts) -> None:
    """Refuse facts of the spec that the data deny."""
    if data.input_shape is not None and tuple(data.input_shape) != facts.input_shape:
        raise DataError(
            "data.input_shape differs from the data",
            f"found: {data.input_shape}",
            f"{facts.name} has {list(facts.input_shape)}",
        )
    if data.classes is not None and tuple(map(composed, data.classes)) != facts.classes:
        raise DataError(
            "data.classes differ from the data",
            f"found: {', '.join(data.classes)}",
            f"{facts.name} has {', '.join(facts.classes)}",
        )


def _split(
    source: Source, division: Division, stratify: bool, seed: int
) -> dict[str, NDArray[np.intp]]:
    """Choose the examples of each part, counted through the pool and then the own test part."""
    classes = source.classes if stratify else None
    sizes = {"train": division.train, "val": division.val, "test": division.test}
    if source.own_test is None:
        return dict(zip(sizes, choose(source.pool.labels, sizes, classes, seed), strict=True))
    test_size = {"test": sizes.pop("test")}
    train, val = choose(source.pool.labels, sizes, classes, seed)
    (test,) = choose(source.own_test.labels, test_size, classes, derive_seed(seed, "test"))
    return {"train": train, "val": val, "test": test + len(source.pool)}


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


def _fingerprint(source: Source) -> str:
    """SHA-256 of all images and labels, and of the class names that only the data tell."""
    parts = [source.pool] if source.own_test is None else [source.pool, source.own_test]
    digest = _digest(*parts)
    if source.name_of is not None:
        digest.update(json.dumps(source.classes).encode())
    return digest.hexdigest()


def _test_fingerprint(source: Source, indices: NDArray[np.intp]) -> str:
    """SHA-256 of the test part as it came, so that another `image_size` is no other test part."""
    test = source.take(indices)
    if source.digests is None:
        return _digest(test).hexdigest()
    digest = hashlib.sha256(source.digests[indices].tobytes())
    digest.update(test.labels.astype("<i8", copy=False).tobytes())
    return digest.hexdigest()


def _digest(*parts: Part) -> hashlib._Hash:
    """Hash type, shape and bytes of all arrays, alike on every machine."""
    digest = hashlib.sha256()
    for part in parts:
        for array in (part.images, part.labels.astype("<i8", copy=False)):
            digest.update(f"{array.dtype.str} {array.shape}\n".encode())
            digest.update(np.ascontiguousarray(array).data)
    return digest
