"""What ties several keys together: rules on a spec whose types and ranges are already right.

Each rule takes a draft and yields findings; a rule runs only where the sections that it reads
have no mistake of their own, so that one mistake is told once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lenetml.spec.countries import GRID
from lenetml.spec.datasets import NAMED, DatasetFacts
from lenetml.spec.division import DivisionError, divide
from lenetml.spec.domains import Choice, SearchSpace, written
from lenetml.spec.sections import ConcreteSpec
from lenetml.spec.source import Path
from lenetml.spec.space import Use

_RESERVED_NAMES = {"con", "prn", "aux", "nul"} | {
    f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10)
}
_MOMENTUM_OPTIMIZERS = {"sgd", "rmsprop"}


@dataclass(frozen=True)
class Finding:
    """Something a rule found.

    Args:
        path: The key or value in the spec; the nearest one that is there is shown.
        message: What is wrong, in one sentence.
        notes: Further lines.
        at_key: Point at the key instead of the value.
        use: Where the value at `path` is used; its line is told.
    """

    path: Path
    message: str
    notes: tuple[str, ...] = ()
    at_key: bool = False
    severity: Literal["error", "warning"] = "error"
    use: Path | None = None


@dataclass(frozen=True)
class Draft:
    """A spec on the way to being checked.

    Args:
        data: The plain data as written, with references.
        space: The domains that could be read.
        uses: The places that hold references.
        document: The spec with the first value of each domain; broken sections are stand-ins.
        broken: The sections that have mistakes of their own.
    """

    data: Mapping[str, Any]
    space: SearchSpace
    uses: tuple[Use, ...]
    document: ConcreteSpec
    broken: frozenset[str]

    def values_at(self, path: Path) -> tuple[Any, ...]:
        """All values that may stand at a path: those of the domain, or the one written there."""
        for use in self.uses:
            if use.path == path and use.reference is not None:
                domain = self.space.get(use.reference.name)
                if not isinstance(domain, Choice):
                    return ()
                position = use.reference.position
                if position is None:
                    return domain.values
                return tuple(value[position] for value in domain.values)
        value: Any = self.document
        for part in path:
            value = getattr(value, str(part))
        return (value,)


def facts_of(draft: Draft) -> DatasetFacts | None:
    """What is known of the data without opening them."""
    return NAMED.get(draft.document.data.dataset or "")


def _name(draft: Draft) -> Iterator[Finding]:
    if draft.document.name in _RESERVED_NAMES:
        yield Finding(("name",), f'"{draft.document.name}" cannot be the name of a folder')


def _one_source(draft: Draft) -> Iterator[Finding]:
    data = draft.document.data
    if data.dataset is not None and data.path is not None:
        yield Finding(("data", "path"), "data has dataset or path, not both", at_key=True)
    if data.dataset is None and data.path is None:
        notes = ("allowed: dataset: " + ", ".join(NAMED), "or path: a file.npz or a folder")
        yield Finding(("data",), "data needs dataset or path", notes, at_key=True)


def _split(draft: Draft) -> Iterator[Finding]:
    facts = facts_of(draft)
    if facts is None:
        return
    try:
        divide(draft.document.data.split, facts.pool, facts.own_test, facts.name)
    except DivisionError as error:
        path: Path = ("data", "split", error.key) if error.key else ("data", "split")
        yield Finding(path, error.message, error.notes, at_key=True)


def _facts(draft: Draft) -> Iterator[Finding]:
    data, facts = draft.document.data, facts_of(draft)
    if data.input_shape and data.input_shape[2] not in (1, 3):
        note = f"found: {data.input_shape[2]} channels"
        yield Finding(("data", "input_shape"), "input_shape is [height, width, 1 or 3]", (note,))
    if facts is None:
        if not (data.input_shape and data.classes) and data.path is not None:
            yield Finding(
                ("data",),
                "shapes are not checked: the data are not known here",
                ("write input_shape: [height, width, channels] and classes: [...]",),
                at_key=True,
                severity="warning",
            )
        return
    if data.input_shape and tuple(data.input_shape) != facts.input_shape:
        note = f"{facts.name} has {written(list(facts.input_shape))}"
        yield Finding(("data", "input_shape"), "input_shape differs from the data", (note,))
    if data.classes and tuple(data.classes) != facts.classes:
        note = f"{facts.name} has " + ", ".join(facts.classes)
        yield Finding(("data", "classes"), "classes differ from the data", (note,))


def _empty_architecture(draft: Draft) -> Iterator[Finding]:
    if not draft.document.architecture:
        yield Finding(("architecture",), "architecture needs at least one layer", at_key=True)


def _optimizer_keys(draft: Draft) -> Iterator[Finding]:
    training = draft.document.training
    optimizers = set(draft.values_at(("training", "optimizer")))
    if training.momentum is not None and not optimizers & _MOMENTUM_OPTIMIZERS:
        found = f"found: optimizer {', '.join(sorted(optimizers))}"
        yield Finding(
            ("training", "momentum"), "momentum is read by sgd and rmsprop only", (found,), True
        )
    schedules = set(draft.values_at(("training", "learning_rate_schedule")))
    if training.learning_rate_decay is not None and "exponential" not in schedules:
        message = "learning_rate_decay is read by the exponential schedule only"
        note = "write learning_rate_schedule: exponential, or take it away"
        yield Finding(("training", "learning_rate_decay"), message, (note,), True)


def _shear(draft: Draft) -> Iterator[Finding]:
    for value in draft.values_at(("augmentation", "shear_range")):
        if isinstance(value, int | float) and 0 < value < 1:
            yield Finding(
                ("augmentation", "shear_range"),
                f"shear_range is in degrees; {written(value)} is next to nothing",
                ("a value such as 10 shears visibly",),
                severity="warning",
            )
            return


def _search_is_there(draft: Draft) -> Iterator[Finding]:
    free = [name for name, domain in draft.space.items() if domain.size != 1]
    if free and draft.document.search is None:
        note = "write search: {strategy: random, trials: 10}"
        message = f"search_space holds {free[0]}, but there is no section search"
        yield Finding(("search_space",), message, (note,), True)


def _strategy_keys(draft: Draft) -> Iterator[Finding]:
    search = draft.document.search
    if search is None:
        return
    strategy = search.strategy

    def refuse(key: str, why: str) -> Finding:
        return Finding(("search", key), f"{key} does not go with {why}", (), True)

    if strategy in ("random", "bayesian") and search.trials is None:
        yield Finding(("search", "trials"), f"{strategy} search needs trials", (), True)
    if strategy != "bayesian" and search.bayesian is not None:
        yield refuse("bayesian", f"strategy {strategy}")
    if strategy == "hyperband":
        if search.trials is not None:
            yield refuse("trials", "strategy hyperband: factor and iterations decide")
        if search.executions_per_trial != 1:
            yield refuse("executions_per_trial", "strategy hyperband")
    else:
        for key in ("factor", "iterations"):
            if getattr(search, key) is not None:
                yield refuse(key, f"strategy {strategy}")
    if search.screening is not None and strategy not in ("random", "grid"):
        yield refuse("screening", f"strategy {strategy}")
    if search.confirm is not None and search.select == "one_standard_error":
        yield refuse("confirm", "select: one_standard_error")


def _hyperband(draft: Draft) -> Iterator[Finding]:
    search, training = draft.document.search, draft.document.training
    if search is None or search.strategy != "hyperband":
        return
    if training.early_stopping is not None:
        message = "early_stopping does not go with strategy hyperband"
        yield Finding(("training", "early_stopping"), message, (), True)
    if any(use.path == ("training", "epochs") for use in draft.uses):
        message = "strategy hyperband needs a number of epochs, the most a trial may get"
        yield Finding(("training", "epochs"), message)


def _grid(draft: Draft) -> Iterator[Finding]:
    search = draft.document.search
    if search is None or search.strategy != "grid":
        return
    for name, domain in draft.space.items():
        if domain.size is None:
            message = f"{name} is a range; grid needs values"
            yield Finding(("search_space", name), message, (), True)


def _country(draft: Draft) -> Iterator[Finding]:
    energy = draft.document.energy
    if energy is not None and energy.country is not None and energy.country not in GRID:
        codes = {grid.name.lower(): code for code, grid in GRID.items()}
        code = codes.get(energy.country.lower(), energy.country.upper())
        near = (f"write {code}",) if code in GRID else ()
        notes = ("allowed: three letters of ISO 3166, such as BRA, PRT, USA", *near)
        message = f'the grid of country "{energy.country}" is not known'
        yield Finding(("energy", "country"), message, notes)


def _binary_range(draft: Draft) -> Iterator[Finding]:
    for name, domain in draft.space.items():
        if (
            not isinstance(domain, Choice)
            and domain.is_whole
            and (domain.low, domain.high) == (0, 1)
        ):
            yield Finding(
                ("search_space", name),
                f"{name} is 0 or 1: a range of whole numbers",
                ("write {min: 0.0, max: 1.0} for a range of reals",),
                severity="warning",
            )


Rule = Callable[[Draft], Iterator[Finding]]

# Each rule with the sections that it reads.
RULES: tuple[tuple[Rule, frozenset[str]], ...] = tuple(
    (rule, frozenset(sections.split()))
    for rule, sections in (
        (_name, "name"),
        (_one_source, "data"),
        (_split, "data"),
        (_facts, "data"),
        (_empty_architecture, "architecture"),
        (_optimizer_keys, "training"),
        (_shear, "augmentation"),
        (_search_is_there, "search"),
        (_strategy_keys, "search"),
        (_hyperband, "search training"),
        (_grid, "search"),
        (_country, "energy"),
        (_binary_range, ""),
    )
)
