"""How a comparison names its runs, and what all its sheets are made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from gettext import NullTranslations

from lenetml.report.comparison import ComparedRun, Comparison, Pair
from lenetml.report.differences import Differences
from lenetml.report.language import Gettext
from lenetml.report.said import Said, choose_text
from lenetml.report.sheets import Sheet, Text, foreign, own, quoted
from lenetml.report.words import name_language
from lenetml.spec.types import Language


@dataclass(frozen=True)
class View:
    """A comparison, and how its sheets speak of it.

    Args:
        comparison: What was found.
        names: Of the runs, in their order.
        language: Of the sheets.
        translations: Its catalogue.
    """

    comparison: Comparison
    names: Sequence[Text]
    language: Language
    translations: NullTranslations

    @property
    def gettext(self) -> Gettext:
        """Translate a message."""
        return self.translations.gettext

    def places(self, pair: Pair) -> dict[str, Text]:
        """Name the `first` and the `second` of two runs."""
        return {"first": self.names[pair.first], "second": self.names[pair.second]}

    def values(
        self, heading: str, what: str, differences: Differences, notes: Sequence[Text] = ()
    ) -> Sheet:
        """Put values of all runs side by side, a row each; no table where there are none."""
        rows = [[quoted(name), *map(quoted, values)] for name, values in differences.items()]
        head = [own(what), *self.names]
        return Sheet(heading, head, rows, notes, n_words=len(head))


def name_runs(runs: Sequence[ComparedRun], language: Language) -> list[Text]:
    """Give the titles of runs; equal ones with their folders, by name or else as given."""
    names = ["; ".join(_title(run, language).parts) for run in runs]
    named = [f"{name} ({run.folder.resolve().name})" for name, run in zip(names, runs, strict=True)]
    given = [f"{name} ({run.folder})" for name, run in zip(names, runs, strict=True)]
    for longer in (named, given):
        times = Counter(names)
        names = [
            name if times[name] == 1 else other for name, other in zip(names, longer, strict=True)
        ]
    return list(map(foreign, names))


def mark_language(name: Text, run: ComparedRun, view: View) -> Text:
    """Say of a title in which language it is, where that is not the language of the page."""
    given = _title(run, view.language).language
    if given is None:
        return name
    mark = view.gettext("in %(language)s") % {"language": name_language(given, view.language)}
    return Text(f"{name.plain} ({mark})", f"{name.markdown} *({mark})*")


def _title(run: ComparedRun, language: Language) -> Said:
    record = run.record
    return choose_text("title", "", record.spec.get("title", record.name), language)
