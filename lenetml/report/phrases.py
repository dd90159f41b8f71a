"""The fixed words of a record in the language of a card; what has none is shown as it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from gettext import NullTranslations
from typing import Literal

from lenetml.report.language import Gettext
from lenetml.report.markdown import escape
from lenetml.report.words import write_count, write_number
from lenetml.spec.types import Language

_NUMBER = re.compile(r"\d+(\.\d+)*")


def name_status(status: str, _: Gettext) -> str:
    """Name what became of a trial."""
    return {
        "completed": _("completed"),
        "failed": _("failed"),
        "stopped": _("stopped"),
        "interrupted": _("interrupted"),
    }[status]


def name_strategy(strategy: str, _: Gettext) -> str:
    """Name a way to search."""
    return {
        "random": _("random search"),
        "grid": _("grid search"),
        "bayesian": _("Bayesian optimization"),
        "hyperband": _("Hyperband"),
    }[strategy]


def name_end(end: str, strategy: str | None, _: Gettext) -> str:
    """Say why a search ended."""
    if end == "exhausted" and strategy == "hyperband":
        return _("all brackets were run")
    return {
        "trials": _("all trials asked for were run"),
        "exhausted": _("every point of the search space was tried"),
        "time_limit": _("the time limit was reached"),
    }[end]


def count_trials(n: int, language: Language, translations: NullTranslations) -> str:
    """Write a number of trials: 1 trial, 12 trials."""
    text = translations.ngettext("%(n)s trial", "%(n)s trials", n)
    return text % {"n": write_count(n, language)}


def count_epochs(n: int, language: Language, translations: NullTranslations) -> str:
    """Write a number of epochs: 1 epoch, 12 epochs."""
    text = translations.ngettext("%(n)s epoch", "%(n)s epochs", n)
    return text % {"n": write_count(n, language)}


def explain(reason: str, _: Gettext, write: Callable[[str], str] = escape) -> str:
    """Put the reason for what is not there into words, as Markdown or as `write` does."""
    reasons = {
        "non_finite": _("diverged: the loss was not finite"),
        "out_of_memory": _("memory ran out"),
        "infeasible": _("the network cannot be built"),
        "worker_died": _("the worker process died"),
        "time_limit": _("the training took longer than its time limit"),
        "bug": _("an unexpected error stopped it"),
        "sealed": _("the spec keeps it sealed"),
        "interrupted": _("the experiment was interrupted"),
        "switched off in the spec": _("switched off in the spec"),
        "an earlier part of the run was not measured": _(
            "an earlier part of the run was not measured"
        ),
        "CodeCarbon gave nothing": _("CodeCarbon gave nothing"),
    }
    known, colon, detail = reason.partition(": ")
    return reasons.get(known, write(known)) + colon + write(detail)


def grade_method(method: str) -> Literal["measured", "estimated"]:
    """Say whether a method measures; what is reported or assumed deserves no more digits."""
    return "measured" if method.startswith("measured") else "estimated"


def tell_method(method: str, language: Language, _: Gettext) -> str:
    """Say how an energy is known, as Markdown; one number in the method may vary."""
    number = _NUMBER.search(method)
    pattern = method.replace(number[0], "%(x)s", 1) if number else method
    methods = {
        "measured with RAPL": _("measured with RAPL"),
        "measured with NVML": _("measured with NVML"),
        "no GPU": _("no GPU"),
        "estimated from the size of the memory": _("estimated from the size of the memory"),
        "reported by the GPU's driver": _("reported by the GPU's driver"),
        "reported by powermetrics": _("reported by powermetrics"),
        "reported by the power management chip of a Raspberry Pi": _(
            "reported by the power management chip of a Raspberry Pi"
        ),
        "estimated from the CPU load and an assumed power of %(x)s W": _(
            "estimated from the CPU load and an assumed power of %(x)s W"
        ),
        "estimated as half of an assumed power of %(x)s W": _(
            "estimated as half of an assumed power of %(x)s W"
        ),
        "CodeCarbon %(x)s, offline, whole machine": _("CodeCarbon %(x)s, offline, whole machine"),
    }
    if pattern not in methods:
        return escape(method)
    if number is None:
        return methods[pattern]
    # A version, unlike a power, has two points and keeps them.
    is_version = number[0].count(".") > 1
    value = number[0] if is_version else write_number(float(number[0]), language)
    return methods[pattern] % {"x": value}
