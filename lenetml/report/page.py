"""A report: one HTML file to look at a search, which loads nothing and sends nothing.

Style, script, data and pictures stand in the file itself, and its policy lets a browser run that
one script and fetch nothing at all. Texts of a spec are escaped by the template, and stand as
JSON that no tag can close where the script reads them.
"""

from __future__ import annotations

import base64
import hashlib
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lenetml.files import write_atomically
from lenetml.record import Record, TestRecord
from lenetml.report.choice import tell_selected
from lenetml.report.figures.listing import AUGMENTATION, MISCLASSIFIED
from lenetml.report.findings import find_confusions, find_warnings
from lenetml.report.language import load_translations, templates_folder
from lenetml.report.markdown import plain
from lenetml.report.metadata import write_spec
from lenetml.report.pagedata import Curves, fit_curves, page_data, write_json
from lenetml.report.phrases import explain, name_status
from lenetml.report.rendering import as_html, template_environment
from lenetml.report.said import Said, choose_text
from lenetml.report.spread import spread_of
from lenetml.spec.types import Language

PAGE_NAME = "report.html"
SCRIPTS = ("report.js", "report-parallel.js", "report-table.js", "report-charts.js")
# Those of the folder's figures that show images; what else a card draws, the page draws itself.
PICTURES = (MISCLASSIFIED, AUGMENTATION)
MAX_BYTES = 6_000_000
# The sentences that say what there was no room for, in two languages.
SPARE = 4000
MAX_CLASSES = 50
N_CONFUSIONS = 30
N_SHADES = 9


def write_page(folder: Path, record: Record) -> Path:
    """Write `report.html` into the folder of a run, with the pictures that the run has kept.

    Args:
        folder: The folder of the run.
        record: Everything known of the experiment.

    Returns:
        The file; below 6 MB, for a search of ten thousand trials, too.
    """
    kept = {name: folder / "figures" / f"{name}.png" for name in PICTURES}
    pictures = {name: path.read_bytes() for name, path in kept.items() if path.is_file()}
    path = folder / PAGE_NAME
    write_atomically(path, render_page(record, pictures).encode())
    return path


def renew_page(folder: Path, record: Record) -> None:
    """Write the report again where there is one: it tells of this record, and of no earlier one."""
    if (folder / PAGE_NAME).exists():
        write_page(folder, record)


def render_page(record: Record, pictures: Mapping[str, bytes]) -> str:
    """Write the report of a record as HTML, in the languages of its cards.

    Args:
        record: Everything known of the experiment.
        pictures: PNGs by their name; one that would make the file too large is left out, and the
            page says so.
    """
    languages: list[Language] = record.spec["card"]["languages"]
    data = page_data(record, languages)
    none = Curves([{"epochs": []}] * len(record.trials), 1)
    bare = _render(record, data, none, {}, sorted(pictures))
    room = MAX_BYTES - len(bare.encode()) - SPARE
    # Pictures come first, as far as that leaves curves half of the room.
    addresses = {}
    most = room // 2
    for name in PICTURES:
        if name in pictures:
            address = "data:image/png;base64," + base64.b64encode(pictures[name]).decode()
            # Its name and the HTML around it take far less than a kilobyte.
            if len(address) + 1000 < most:
                addresses[name] = address
                room -= len(address) + 1000
                most -= len(address) + 1000
    curves = fit_curves(record, room)
    return _render(record, data, curves, addresses, sorted(pictures.keys() - addresses.keys()))


def _render(
    record: Record,
    data: Mapping[str, Any],
    curves: Curves,
    pictures: Mapping[str, str],
    left_out: Sequence[str],
) -> str:
    languages: list[Language] = record.spec["card"]["languages"]
    style = _read("report.css")
    script = "".join(map(_read, SCRIPTS))
    trials = [
        trial | {"curves": shown}
        for trial, shown in zip(data["trials"], curves.trials, strict=True)
    ]
    columns = [axis["name"] for axis in data["axes"][:-1]]
    bodies = [
        (language, _render_body(record, language, columns, curves, pictures, left_out))
        for language in languages
    ]
    page = template_environment(languages[0], is_html=True).get_template("report.html.j2")
    return page.render(
        policy=_policy(style, script),
        style=style,
        script=script,
        data=write_json({**data, "trials": trials, "pictures": pictures}),
        bodies=bodies,
        title=_choose_title(record, languages[0]).parts[0],
        languages=data["languages"],
    )


def _render_body(
    record: Record,
    language: Language,
    columns: Sequence[str],
    curves: Curves,
    pictures: Mapping[str, str],
    left_out: Sequence[str],
) -> str:
    translations = load_translations(language)
    _ = translations.gettext
    statuses = Counter(trial.status for trial in record.trials)
    body = template_environment(language, is_html=True).get_template("report-body.html.j2")
    return body.render(
        record=record,
        language=language,
        title=_choose_title(record, language),
        description=choose_text("", "", record.spec.get("description"), language),
        status_counts=[(status, name_status(status, _), n) for status, n in statuses.items()],
        selected=tell_selected(record, language, translations),
        columns=columns,
        curves=curves,
        any_guessing=any(trial.guessing for trial in record.trials),
        warnings=[as_html(each) for each in find_warnings(record, language, _)],
        seed_val=spread_of(each.val.accuracy if each.val else None for each in record.seeds),
        seed_test=spread_of(each.test.accuracy if each.test else None for each in record.seeds),
        baselines=[
            (each, choose_text("title", "", each.title or each.name, language))
            for each in record.baselines
        ],
        confusion=_shade(record.test) if record.test else None,
        confusions=find_confusions(record.test, N_CONFUSIONS) if record.test else [],
        test_reason=record.test_reason and explain(record.test_reason, _, plain),
        energy_reason=record.energy_reason and explain(record.energy_reason, _, plain),
        pictures=list(pictures),
        left_out=left_out,
        spec=_show_all(write_spec(record.spec)),
    )


def _choose_title(record: Record, language: Language) -> Said:
    return choose_text("title", "", record.spec.get("title", record.name), language)


def _shade(test: TestRecord) -> list[list[tuple[int, float, str]]] | None:
    """Give count, share of the row and shade of each cell; None where the classes are too many."""
    if len(test.confusion) > MAX_CLASSES:
        return None
    # The diagonal dwarfs every confusion: a root makes the small shares visible.
    return [
        [
            (n, share, f"s{round(share**0.4 * (N_SHADES - 1))}")
            for n in row
            for share in (n / max(1, sum(row)),)
        ]
        for row in test.confusion
    ]


def _policy(style: str, script: str) -> str:
    """Allow this style, this script and pictures of the file itself, and nothing else."""
    return (
        f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; "
        f"script-src '{_hash(script)}'; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _show_all(text: str) -> str:
    """Make visible what is invisible or moves other text about."""
    return "".join(
        f"\\u{ord(character):04x}"
        if character != "\n" and unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co")
        else character
        for character in text
    )


def _read(name: str) -> str:
    return (templates_folder() / name).read_text(encoding="utf-8")
