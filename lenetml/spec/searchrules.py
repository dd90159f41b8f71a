"""What ties the keys of `search` to each other, to the search space and to the training."""

from __future__ import annotations

from collections.abc import Iterator

from lenetml.spec.draft import Draft, Finding

SCREENED = ("random", "grid")


def needs_search(draft: Draft) -> Iterator[Finding]:
    """What can be searched needs a search."""
    free = [name for name, domain in draft.space.items() if domain.size != 1]
    if free and draft.document.search is None:
        note = "write search: {strategy: random, trials: 10}"
        message = f"search_space holds {free[0]}, but there is no section search"
        yield Finding(("search_space",), message, (note,), True)


def strategy_keys(draft: Draft) -> Iterator[Finding]:
    """Keys of search that a strategy needs, or that do not go with it."""
    search = draft.document.search
    if search is None:
        return
    strategy = search.strategy

    def refuse(key: str, other: str, note: str = "take it away") -> Finding:
        return Finding(("search", key), f"{key} does not go with {other}", (note,), True)

    if strategy in ("random", "bayesian") and search.trials is None:
        note = "write trials: 10, or how many networks shall be trained"
        yield Finding(("search", "trials"), f"{strategy} search needs trials", (note,), True)
    if strategy != "bayesian" and search.bayesian is not None:
        yield refuse("bayesian", f"strategy {strategy}")
    if strategy == "hyperband":
        if search.trials is not None:
            note = "take it away: factor and iterations say how many there are"
            yield refuse("trials", "strategy hyperband", note)
        if search.executions_per_trial != 1:
            yield refuse("executions_per_trial", "strategy hyperband")
    else:
        for key in ("factor", "iterations"):
            if getattr(search, key) is not None:
                yield refuse(key, f"strategy {strategy}")
    if search.screening is not None and strategy not in SCREENED:
        yield refuse("screening", f"strategy {strategy}")
    if search.confirm is not None and search.select == "one_standard_error":
        yield refuse("confirm", "select: one_standard_error", "take one of them away")


def hyperband(draft: Draft) -> Iterator[Finding]:
    """Hyperband gives out the epochs itself."""
    search, training = draft.document.search, draft.document.training
    if search is None or search.strategy != "hyperband":
        return
    if training.early_stopping is not None:
        message = "early_stopping does not go with strategy hyperband"
        yield Finding(("training", "early_stopping"), message, ("take it away",), True)
    if any(use.path == ("training", "epochs") for use in draft.uses):
        note = "write a number: the most that a trial may get"
        message = "epochs of training cannot be searched with strategy hyperband"
        yield Finding(("training", "epochs"), message, (note,))


def screening(draft: Draft) -> Iterator[Finding]:
    """A first part of a training is shorter than the whole."""
    search = draft.document.search
    if search is None or search.screening is None or search.strategy not in SCREENED:
        return
    most = max(draft.ends_at(("training", "epochs")))
    if search.screening.epochs >= most:
        found = f"found: {search.screening.epochs:,} of screening, {most:,} of training"
        message = "epochs of screening must be fewer than those of training"
        notes = (found, "write fewer, or take screening away")
        yield Finding(("search", "screening", "epochs"), message, notes)


def grid(draft: Draft) -> Iterator[Finding]:
    """A grid goes through values one by one."""
    search = draft.document.search
    if search is None or search.strategy != "grid":
        return
    for name, domain in draft.space.items():
        if domain.size is None:
            message = f"{name} is a range; grid needs values or q"
            note = f"write {name}: {{values: [...]}}, or give it a q"
            yield Finding(("search_space", name), message, (note,), True)
