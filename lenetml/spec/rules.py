"""What ties several keys together: rules on a spec whose types and ranges are already right.

Each rule takes a draft and yields findings; a rule runs only where the sections that it reads
have no mistake of their own, so that one mistake is told once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from lenetml.spec import searchrules
from lenetml.spec.countries import GRID
from lenetml.spec.datasets import NAMED, DatasetFacts, changed_facts
from lenetml.spec.division import DivisionError, divide
from lenetml.spec.draft import Draft, Finding
from lenetml.spec.imagefiles import composed
from lenetml.spec.kinds import written
from lenetml.spec.nodes import Path
from lenetml.spec.places import field_at, name_of
from lenetml.spec.problems import nearest, shortened
from lenetml.spec.references import as_reference, values_of
from lenetml.spec.sections import READS_MOMENTUM, Data

# Limits of W&B (wandb 0.31).
MAX_PROJECT = 128
MAX_TAG = 64
_RESERVED_NAMES = {"con", "prn", "aux", "nul"} | {
    f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10)
}


def _name(draft: Draft) -> Iterator[Finding]:
    """A name that Windows keeps for a device."""
    if draft.document.name in _RESERVED_NAMES:
        note = "Windows keeps it for a device; choose another name"
        yield Finding(("name",), f'"{draft.document.name}" cannot name a folder', (note,))


def _one_source(draft: Draft) -> Iterator[Finding]:
    """The data are a named set or a path, and one of them."""
    data = draft.document.data
    if data.dataset is not None and data.path is not None:
        yield Finding(("data", "path"), "data has dataset or path, not both", at_key=True)
    if data.dataset is None and data.path is None:
        notes = ("allowed: dataset: " + ", ".join(NAMED), "or path: a file.npz or a folder")
        yield Finding(("data",), "data needs dataset or path", notes, at_key=True)


def _split(draft: Draft) -> Iterator[Finding]:
    """A split that the data cannot give."""
    facts = draft.facts
    if facts is None:
        return
    try:
        divide(draft.document.data.split, facts.pool, facts.own_test, facts.name)
    except DivisionError as error:
        path: Path = ("data", "split", error.key) if error.key else ("data", "split")
        yield Finding(path, error.message, error.notes, at_key=True)


def _facts(draft: Draft) -> Iterator[Finding]:
    """What is said of the data must be what they are."""
    data, facts = draft.document.data, draft.facts
    if data.input_shape and data.input_shape[2] not in (1, 3):
        note = f"found: {data.input_shape[2]} channels"
        yield Finding(("data", "input_shape"), "input_shape is [height, width, 1 or 3]", (note,))
    if facts is None:
        yield from _input_shape_after_changes(data)
        return
    if data.input_shape and tuple(data.input_shape) != facts.input_shape:
        note = f"{facts.name} has {written(list(facts.input_shape))}"
        yield Finding(("data", "input_shape"), "input_shape differs from the data", (note,))
    if data.classes and tuple(map(composed, data.classes)) != facts.classes:
        note = f"{facts.name} has " + ", ".join(facts.classes)
        yield Finding(("data", "classes"), "classes differ from the data", (note,))


def _input_shape_after_changes(data: Data) -> Iterator[Finding]:
    """Compare `input_shape` with what image_size and color_mode make of any image."""
    if not data.input_shape:
        return
    height, width, channels = data.input_shape
    facts = changed_facts(DatasetFacts("", (height, width, channels), (), 0, None), data)
    if list(facts.input_shape) != data.input_shape:
        note = f"they make every image {written(list(facts.input_shape))}"
        message = "input_shape differs from image_size or color_mode"
        yield Finding(("data", "input_shape"), message, (note,))


def _empty_keys(draft: Draft) -> Iterator[Finding]:
    """A key without a value is a mistake, even where it might be left out."""
    for path, value in _everything(draft.data, ()):
        field = field_at(path) if value is None else None
        if field is not None and field.default is None:
            note = "write its value, or take the key away"
            yield Finding(path, f"{name_of(path)} is empty", (note,), at_key=True)


def _everything(data: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """Every value inside plain data, with its path."""
    pairs = enumerate(data) if isinstance(data, list) else ()
    for key, value in data.items() if isinstance(data, dict) else pairs:
        yield (*path, key), value
        yield from _everything(value, (*path, key))


def _no_repeats(draft: Draft) -> Iterator[Finding]:
    """Lists that say something twice."""
    lists: dict[Path, list[str]] = {
        ("card", "languages"): list(draft.document.card.languages),
        ("data", "classes"): draft.document.data.classes or [],
    }
    for path, texts in lists.items():
        counts = Counter(texts)
        for index, text in enumerate(texts):
            if counts[text] > 1 and text in texts[:index]:
                yield Finding((*path, index), f'"{shortened(text)}" is twice in {name_of(path)}')


def _empty_architecture(draft: Draft) -> Iterator[Finding]:
    """An architecture without layers; the models take one, for a spec at a point."""
    if not draft.document.architecture:
        note = "write each layer on a line of its own: - flatten"
        yield Finding(("architecture",), "architecture needs at least one layer", (note,), True)


def _empty_residuals(draft: Draft) -> Iterator[Finding]:
    """A residual without layers; a point of the space may leave one so, a text may not."""
    for path, value in _everything(draft.data["architecture"], ("architecture",)):
        if value == [] and path[-2:] == ("residual", "layers"):
            yield Finding(path, "layers of residual must have at least 1 item", ("found: []",))


def _optimizer_keys(draft: Draft) -> Iterator[Finding]:
    """Keys of training that no trial reads."""
    training = draft.document.training
    optimizers = set(draft.possible_at(("training", "optimizer")))
    if training.momentum is not None and not optimizers & set(READS_MOMENTUM):
        notes = (
            f"found: optimizer {', '.join(sorted(optimizers))}",
            "write optimizer: sgd, or take it away",
        )
        message = "momentum is read by sgd and rmsprop only"
        yield Finding(("training", "momentum"), message, notes, True)
    schedules = set(draft.possible_at(("training", "learning_rate_schedule")))
    if training.learning_rate_decay is not None and "exponential" not in schedules:
        message = "learning_rate_decay is read by the exponential schedule only"
        note = "write learning_rate_schedule: exponential, or take it away"
        yield Finding(("training", "learning_rate_decay"), message, (note,), True)


def _brightness(draft: Draft) -> Iterator[Finding]:
    """Two ends that are drawn each on its own must be in order at every point."""
    ends = (draft.data.get("augmentation") or {}).get("brightness_range")
    low, high = map(as_reference, ends) if isinstance(ends, list) else (None, None)
    if low is None or high is None or low.name == high.name:
        return
    most, least = max(values_of(low, draft.space)), min(values_of(high, draft.space))
    if most > least:
        notes = (
            f"found: {low} up to {written(most)}, {high} down to {written(least)}",
            "draw both as one: $name, with name: {values: [[low, high], [low, high]]}",
        )
        message = "brightness_range of augmentation must be [low, high] at every point"
        yield Finding(("augmentation", "brightness_range"), message, notes)


def _wandb(draft: Draft) -> Iterator[Finding]:
    """What W&B itself would refuse, after the search has begun."""
    wandb = draft.document.wandb
    if wandb is None:
        return
    odd = sorted(set(wandb.project) & set("/\\#?%:"))
    if odd or len(wandb.project) > MAX_PROJECT:
        found = f"found: {' '.join(odd)}" if odd else f"found: {len(wandb.project)} characters"
        message = f"project of wandb has at most {MAX_PROJECT} characters, none of / \\ # ? % :"
        yield Finding(("wandb", "project"), message, (found,))
    for index, tag in enumerate(wandb.tags):
        if len(tag) > MAX_TAG:
            found = f"found: {len(tag)} characters"
            message = f"a tag of wandb has at most {MAX_TAG} characters"
            yield Finding(("wandb", "tags", index), message, (found,))


def _country(draft: Draft) -> Iterator[Finding]:
    """Emissions need a grid whose intensity is known."""
    energy = draft.document.energy
    if energy is not None and energy.country is not None and energy.country not in GRID:
        codes = {grid.name.lower(): code for code, grid in GRID.items()}
        code = codes.get(energy.country.lower(), energy.country.upper())
        alike = nearest(energy.country, codes)
        near = (f"write {code}",) if code in GRID else ()
        if alike and not near:
            near = (f'did you mean "{codes[alike]}"?',)
        notes = ("allowed: three letters of ISO 3166, such as BRA, PRT, USA", *near)
        message = f'the grid of country "{energy.country}" is not known'
        yield Finding(("energy", "country"), message, notes)


Rule = Callable[[Draft], Iterator[Finding]]

# Each rule with the sections that it reads.
RULES: tuple[tuple[Rule, frozenset[str]], ...] = tuple(
    (rule, frozenset(sections.split()))
    for rule, sections in (
        (_name, "name"),
        (_one_source, "data"),
        (_split, "data"),
        (_facts, "data"),
        (_empty_keys, ""),
        (_no_repeats, "card data"),
        (_empty_architecture, "architecture"),
        (_empty_residuals, "architecture"),
        (_optimizer_keys, "training"),
        (_brightness, "augmentation"),
        (searchrules.needs_search, "search"),
        (searchrules.strategy_keys, "search"),
        (searchrules.hyperband, "search training"),
        (searchrules.screening, "search training"),
        (searchrules.grid, "search"),
        (_country, "energy"),
        (_wandb, "wandb"),
    )
)
