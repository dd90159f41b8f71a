"""How many examples each part of a split gets, from what the spec says and the data hold.

Only counts are worked out here; which example goes where is decided in `trial/data.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from lenetml.spec.sections import Split

WITH_OWN_TEST = Split(train=0.8, val=0.2)
WITHOUT_OWN_TEST = Split(train=0.6, val=0.2, test=0.2)


@dataclass(frozen=True)
class Division:
    """Examples of each part; `unused` are those that no part takes."""

    train: int
    val: int
    test: int
    unused: int


class DivisionError(ValueError):
    """A split that the data cannot give.

    Args:
        key: The part at fault: `"train"`, `"val"` or `"test"`; `""` means the whole split.
        message: What is wrong, in one sentence.
        *notes: What was found, what there is: one line each.
    """

    def __init__(self, key: str, message: str, *notes: str) -> None:
        super().__init__(message)
        self.key = key
        self.message = message
        self.notes = notes


def divide(split: Split | None, pool: int, own_test: int | None, dataset: str) -> Division:
    """Work out the size of each part.

    With an own test part, `train` and `val` are parts of the pool, and `test` is a count of
    the own test part, all of it where left out. Without one, all three are parts of the pool.

    Args:
        split: As in the spec; None stands for the default.
        pool: Examples beside the own test part, or all of them.
        own_test: Examples of the own test part; None: there is none.
        dataset: Its name, for messages.

    Raises:
        DivisionError: Counts and fractions are mixed, `test` is missing or a fraction where it
            may not be, the parts exceed the data, or a part would get nothing.
    """
    if own_test is None:
        return _divide_everything(split or WITHOUT_OWN_TEST, pool, dataset)
    return _divide_beside_own_test(split or WITH_OWN_TEST, pool, own_test, dataset)


def _divide_everything(split: Split, pool: int, dataset: str) -> Division:
    there = f"{dataset} has {pool} images"
    if split.test is None:
        raise DivisionError(
            "",
            "the split needs a test part",
            f"{there} and no test part of its own",
            "allowed: train, val and test, all counts or all fractions",
        )
    train, val, test = _sizes(
        {"train": split.train, "val": split.val, "test": split.test}, pool, there
    )
    return Division(train, val, test, unused=pool - train - val - test)


def _divide_beside_own_test(split: Split, pool: int, own_test: int, dataset: str) -> Division:
    own = f"{dataset} has {own_test} images in its own test part"
    test = own_test if split.test is None else split.test
    if isinstance(test, float):
        raise DivisionError(
            "test",
            "test must be a count, or left out",
            f"found: test {test}",
            f"{own}; left out, all of them are taken",
        )
    train, val = _sizes(
        {"train": split.train, "val": split.val},
        pool,
        f"{dataset} has {pool} images beside its own test part",
    )
    if test > own_test:
        raise DivisionError(
            "test", "the test part must not exceed the data", f"found: test {test}", own
        )
    return Division(train, val, test, unused=pool - train - val + own_test - test)


def _sizes(parts: Mapping[str, int | float], pool: int, there: str) -> list[int]:
    """Turn counts or fractions of the pool into counts."""
    amounts = list(parts.values())
    found = [f"{name} {amount}" for name, amount in parts.items()]
    are_counts = all(isinstance(amount, int) for amount in amounts)
    if not are_counts and any(isinstance(amount, int) for amount in amounts):
        raise DivisionError(
            "",
            f"{_join(list(parts))} must be all counts or all fractions",
            f"found: {', '.join(found)}",
        )
    # By its decimal digits 0.6 + 0.2 + 0.2 is 1; by its bits it is not.
    shares = [Fraction(str(amount)) for amount in amounts]
    total, whole = sum(shares), pool if are_counts else 1
    if total > whole:
        raise DivisionError(
            "",
            "the parts of the split must not exceed the data",
            f"found: {' + '.join(found)} = {total if are_counts else float(total)}",
            there,
        )
    sizes = apportion([*shares, whole - total], pool)[:-1]
    for name, size in zip(parts, sizes, strict=True):
        if size == 0:
            raise DivisionError(
                name, f"{name} would get no image", f"found: {name} {parts[name]}", there
            )
    return sizes


def apportion(weights: Sequence[int | Fraction], total: int) -> list[int]:
    """Share `total` in proportion to the weights, by largest remainder; ties go to the first.

    Args:
        weights: Not negative, not all zero. None gets more than its quota rounded up.
        total: What the results sum to.
    """
    whole = sum(weights)
    quotas = [Fraction(weight) * total / whole for weight in weights]
    sizes = [int(quota) for quota in quotas]
    by_remainder = sorted(range(len(sizes)), key=lambda index: sizes[index] - quotas[index])
    for index in by_remainder[: total - sum(sizes)]:
        sizes[index] += 1
    return sizes


def _join(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"
