"""Warnings: what is worth a look in a spec, and is no mistake."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lenetml.spec.conditions import implies, in_braces, with_parents
from lenetml.spec.division import DivisionError, divide
from lenetml.spec.domains import Condition, Range, SearchSpace
from lenetml.spec.draft import Draft, Finding
from lenetml.spec.kinds import written, written_whole
from lenetml.spec.nodes import Path
from lenetml.spec.references import as_reference, values_of
from lenetml.spec.rules import Rule
from lenetml.spec.sections import READ_BY, Split


def _unused_images(draft: Draft) -> Iterator[Finding]:
    """A split that takes less than half of the images, as percentages do."""
    facts, split = draft.facts, draft.document.data.split
    if facts is None or split is None:
        return
    try:
        parts = divide(split, facts.pool, facts.own_test, facts.name)
    except DivisionError:
        return
    used = parts.train + parts.val
    if used < (facts.pool - (parts.test if facts.own_test is None else 0)) / 2:
        sizes = f"train {parts.train}, val {parts.val}, test {parts.test}"
        found = f"found: {sizes}; {parts.unused} images are in no part"
        notes = (found, *_as_fractions(split, has_own_test=facts.own_test is not None))
        message = "the split leaves most images unused"
        yield Finding(("data", "split"), message, notes, at_key=True, severity="warning")


def _as_fractions(split: Split, *, has_own_test: bool) -> tuple[str, ...]:
    """How to write a split whose parts are percentages."""
    parts = {"train": split.train, "val": split.val, "test": split.test or 0}
    if sum(parts.values()) != 100:
        return ()
    names = ("train", "val") if has_own_test or split.test is None else tuple(parts)
    fractions = ", ".join(f"{name}: {parts[name] / 100:g}" for name in names)
    left_out = "; test is left out" if has_own_test and split.test is not None else ""
    return (f"percentages are written as fractions: {fractions}{left_out}",)


def _shear(draft: Draft) -> Iterator[Finding]:
    """A share where degrees are meant."""
    for value in draft.possible_at(("augmentation", "shear_range")):
        if isinstance(value, int | float) and 0 < value < 1:
            yield Finding(
                ("augmentation", "shear_range"),
                f"shear_range is in degrees; {written(value)} is next to nothing",
                ("a value such as 10 shears visibly",),
                severity="warning",
            )
            return


def _binary_range(draft: Draft) -> Iterator[Finding]:
    """Whole numbers from 0 to 1, where reals may be meant."""
    for name, domain in draft.space.items():
        if isinstance(domain, Range) and domain.is_whole and (domain.low, domain.high) == (0, 1):
            yield Finding(
                ("search_space", name),
                f"{name} is 0 or 1: a range of whole numbers",
                ("write {min: 0.0, max: 1.0} for a range of reals",),
                severity="warning",
            )


def _read_in_some_trials(draft: Draft) -> Iterator[Finding]:
    """A key that only some of the searched optimizers or schedules read."""
    references = {use.path: use.reference for use in draft.uses}
    for key, owner, readers in READ_BY:
        path: Path = ("training", key)
        own, deciding = references.get(path), references.get(("training", owner))
        # Tied values say themselves which of them go together.
        if deciding is None or (own is not None and own.name == deciding.name):
            continue
        values = draft.possible_at(("training", owner))
        reading = [value for value in dict.fromkeys(values) if value in readers]
        wanted = [Condition(deciding.name, deciding.position, tuple(reading))]
        when = draft.space[own.name].when if own is not None else ()
        is_there = getattr(draft.document.training, key) is not None and reading
        if not is_there or implies(when, with_parents(wanted, draft.space), draft.space):
            continue
        condition = f"when: {{{in_braces(wanted)}}}"
        if own is not None:
            note = f"write {condition} in the domain of {own.name}"
        else:
            value = written_whole(draft.data["training"][key])
            note = f"write ${key}, and in search_space {key}: {{value: {value}, {condition}}}"
        message = f"{key} counts only in trials with {owner} {' or '.join(reading)}"
        yield Finding(path, message, (note,), at_key=True, severity="warning")


def _normalization_behind_activation(draft: Draft) -> Iterator[Finding]:
    """The usual order is the other way round."""
    for path, before in _layers_with_the_one_before(draft.data["architecture"], ("architecture",)):
        if path[-1] != "batch_normalization" or before is None:
            continue
        name, arguments = next(iter(before.items()))
        function = arguments.get("function" if name == "activation" else "activation", "linear")
        if _may_bend(function, draft.space):
            notes = (
                f"the {name} before it has activation {function}",
                "usual is: a layer without activation, batch_normalization, then activation",
            )
            message = "batch_normalization stands behind an activation"
            yield Finding(path, message, notes, at_key=True, severity="warning")


def _layers_with_the_one_before(
    items: Any, path: Path
) -> Iterator[tuple[Path, dict[str, Any] | None]]:
    before = None
    for index, item in enumerate(items):
        name, arguments = next(iter(item.items()))
        yield (*path, index, name), before
        if "layers" in arguments:
            yield from _layers_with_the_one_before(
                arguments["layers"], (*path, index, name, "layers")
            )
        before = item


def _may_bend(function: Any, space: SearchSpace) -> bool:
    """Whether an activation, or one of those drawn for it, is not linear."""
    reference = as_reference(function)
    if reference is None or reference.name not in space:
        return bool(function != "linear")
    return any(value != "linear" for value in values_of(reference, space))


def _patience(draft: Draft) -> Iterator[Finding]:
    """Early stopping that comes too late."""
    if draft.document.training.early_stopping is None:
        return
    path: Path = ("training", "early_stopping", "patience")
    least, most = min(draft.ends_at(path)), max(draft.ends_at(("training", "epochs")))
    if least >= most:
        notes = (
            f"found: patience {least:,}, epochs {most:,}",
            "write less patience than epochs, or take early_stopping away",
        )
        message = "early_stopping never ends a training"
        yield Finding(path, message, notes, severity="warning")


def _as_many_as_all(draft: Draft) -> Iterator[Finding]:
    """A choice of so many trials that it is none."""
    search = draft.document.search
    if search is None or search.trials is None:
        return
    if search.screening is not None and search.screening.keep >= search.trials:
        yield Finding(
            ("search", "screening", "keep"),
            "screening keeps every trial",
            (
                f"found: keep {search.screening.keep:,}, trials {search.trials:,}",
                "write a smaller keep, or take screening away",
            ),
            severity="warning",
        )
    if search.confirm is not None and search.confirm.top > search.trials:
        yield Finding(
            ("search", "confirm", "top"),
            "confirm asks for more trials than there are",
            (f"found: top {search.confirm.top:,}, trials {search.trials:,}",),
            severity="warning",
        )


# Each with the sections that it reads.
HINTS: tuple[tuple[Rule, frozenset[str]], ...] = tuple(
    (rule, frozenset(sections.split()))
    for rule, sections in (
        (_unused_images, "data"),
        (_shear, "augmentation"),
        (_binary_range, ""),
        (_read_in_some_trials, "training"),
        (_normalization_behind_activation, "architecture"),
        (_patience, "training"),
        (_as_many_as_all, "search"),
    )
)
