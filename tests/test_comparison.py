"""Comparisons: the golden pages, what they refuse, and texts that want to break them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from lenetml.record import McNemar, MeanDifference, Record
from lenetml.report.comparison import (
    ComparedRun,
    Paired,
    compare_runs,
    comparison_document,
    holm,
)
from lenetml.report.comparison_view import write_page, write_text

CASES = Path(__file__).parent / "cases"
LANGUAGES = ("en", "pt")
MARKDOWN = MarkdownIt().enable(["table", "strikethrough"])
RECORDS = {
    name: Record.model_validate_json((CASES / f"record{name}.json").read_bytes())
    for name in ("", "-more", "-sealed")
}
TESTED = Paired(
    McNemar(only_this_correct=12, only_other_correct=4, p_value=0.0768),
    means=MeanDifference(n_this=5, n_other=5, difference_pp=1.25, interval_pp=[-0.5, 3.0]),
)
UNDECIDED = Paired(None, n_undecided=1200)
ENGLISH = re.compile(
    r"\b(accuracy|and|any|by|compared|cost|difference|epochs?|first|for|from|images|is|it|model|"
    r"not|of|on|only|or|parameters|right|run|runs|second|seeds?|spec|specs|test|that|the|to|trials?|"
    r"validation|with)\b",
    re.IGNORECASE,
)


def titled(name, title, **changes):
    record = RECORDS[name]
    spec = record.spec | {"title": title} | changes
    return record.model_copy(update={"spec": spec})


def with_part(record, part, **changes):
    return record.model_copy(update={part: getattr(record, part).model_copy(update=changes)})


def compared(*records, pair=lambda first, second: TESTED):
    """Records compared, with the same outcome for every pair on the same images."""
    runs = [ComparedRun(Path("runs", f"x-{n}"), it) for n, it in enumerate(records)]
    return compare_runs(runs, pair)


@pytest.fixture(scope="module")
def four():
    """A fixed seed, another seed, a sealed test, and other images."""
    tested = [seed for seed in RECORDS["-more"].seeds if seed.test]
    seeds = {"seeds": [*tested, tested[0].model_copy(update={"seed": 3999})]}
    first = titled("", {"en": "Leaves", "pt": "Folhas"}, seed=1).model_copy(update=seeds)
    more = titled("-more", "LeafNet", seed=2).model_copy(update=seeds)
    sealed = titled("-sealed", {"pt": "Sombra"})
    other = with_part(titled("", "LeafNet"), "data", test_fingerprint="e" * 64)
    return compared(
        first, more, sealed, other, first,
        pair=lambda first, second: TESTED if first == 0 and second == 1 else UNDECIDED,
    )  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_is_what_was_reviewed(four, language, request):
    golden = CASES / f"comparison.{language}.md"
    page = write_page(four, language, Path())
    if request.config.getoption("--rewrite"):
        golden.write_text(page, encoding="utf-8")
    assert page == golden.read_text(encoding="utf-8")


def rows_of(page, heading):
    section = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in section.splitlines()
        if line.startswith("|")
    ]


def test_both_languages_have_the_same_shape(four):
    pages = [write_page(four, language, Path()) for language in LANGUAGES]
    shapes = [
        [(token.type, token.tag) for token in MARKDOWN.parse(page) if token.type != "inline"]
        for page in pages
    ]
    assert shapes[0] == shapes[1]
    assert shapes[0].count(("table_open", "table")) == 12


def test_both_languages_have_the_same_numbers(four):
    english, portuguese = (
        re.findall(r"\d[\d.,]*\d|\d", re.sub(r"`[^`\n]*`|<!--.*?-->|\]\([^)]*\)", " ", page))
        for page in (write_page(four, language, Path()) for language in LANGUAGES)
    )
    assert len(english) > 100
    assert [each.translate(str.maketrans(".,", ",.")) for each in english] == portuguese


def test_portuguese_has_decimal_commas_and_no_english(four):
    page = write_page(four, "pt", Path())
    text = re.sub(r"`[^`\n]*`|<!--.*?-->|\]\([^)]*\)", " ", page)
    assert re.findall(r"\d\.\d(?!\d\d)", text) == []
    assert [match[0] for match in ENGLISH.finditer(text)] == []
    assert "0,8793" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_terminal_shows_what_the_page_shows(four, language):
    text, page = write_text(four, language), write_page(four, language, Path())
    cells = {
        re.sub(r"\\(.)", r"\1", cell).strip("`")
        for line in page.splitlines()
        if line.startswith("| ")
        for cell in re.split(r"(?<!\\) \| ", line[2:-2])
    }
    assert len(cells) > 100
    assert {cell for cell in cells if cell not in text.replace("(em ", "*(em ")} <= {
        "Sombra *(in Portuguese)*"
    }


def test_the_overview_has_the_columns_of_an_overview():
    comparison = compared(*[titled("", name) for name in ("LeNet-5", "GMNet", "PadocaNet")])
    for language, head in {
        "en": ["Model", "Accuracy", "Precision", "Recall", "F1-Score"],
        "pt": ["Modelo", "Acurácia", "Precisão", "Revocação", "Medida F1"],
    }.items():
        heading = {"en": "Overview", "pt": "Visão geral"}[language]
        rows = rows_of(write_page(comparison, language, Path()), heading)
        assert rows[0] == head
        assert [row[0] for row in rows[2:]] == ["LeNet-5", "GMNet", "PadocaNet"]
        assert rows[2][1:] == [
            each.replace(".", "," if language == "pt" else ".")
            for each in ("0.8793", "0.8376", "0.8793", "0.8574")
        ]


def test_energies_stand_side_by_side_where_they_may():
    record = RECORDS[""]
    comparison = compared(titled("", "A"), with_part(titled("", "B"), "energy", kwh=0.5))
    head, _, *rows = rows_of(write_page(comparison, "en", Path()), "Cost")
    assert head[-2:] == ["Energy", "Emissions"]
    assert [row[-2] for row in rows][1] == "500\N{NO-BREAK SPACE}Wh"
    document = comparison_document(comparison)
    assert [run["energy"]["kwh"] for run in document["runs"]] == [record.energy.kwh, 0.5]


@pytest.mark.parametrize(("part", "changes", "row"), [
    ("energy", {"method": "measured"}, "| `method` | `estimated` | `measured` |"),
    ("energy", {"country": "PRT"}, "| `country` | `BRA` | `PRT` |"),
    ("environment", {"cores": 99}, "| `cores` | `16` | `99` |"),
    ("environment", {"versions": RECORDS[""].environment.versions | {"keras": "3.16.0"}},
     "| `versions.keras` | `3.15.1` | `3.16.0` |"),
])  # fmt: skip
def test_energies_that_cannot_be_compared_are_left_out(part, changes, row):
    comparison = compared(titled("", "A"), with_part(titled("", "B"), part, **changes))
    page = write_page(comparison, "en", Path())
    assert "Energy is not compared: the runs did not have the same method" in page
    assert row.replace("`16`", f"`{RECORDS[''].environment.cores}`") in page
    assert re.search(r"\d\N{NO-BREAK SPACE}(k|m)?(Wh|g)", page) is None
    document = comparison_document(comparison)
    assert [run["energy"] for run in document["runs"]] == [None, None]
    assert list(document["energy_differences"]) == [row.split("`")[1]]
    says_times = "their times do not compare the specs" in page
    assert says_times == (part == "environment")


def test_one_energy_alone_is_compared_with_nothing():
    comparison = compared(titled("", "A"), titled("-sealed", "B"))
    page = write_page(comparison, "en", Path())
    assert "Energy is not compared: fewer than two of the runs have one." in page
    assert "B has no energy: " in page
    assert comparison_document(comparison)["runs"][0]["energy"] is None


def test_equal_titles_are_told_apart_by_folder():
    page = write_page(compared(titled("", "Same"), titled("", "Same")), "en", Path())
    assert "# Comparison: Same (x-0) and Same (x-1)\n" in page
    runs = [ComparedRun(Path(place) / "x", titled("", "Same")) for place in ("one", "two")]
    page = write_page(compare_runs(runs, lambda first, second: TESTED), "en", Path())
    assert "# Comparison: Same (one/x) and Same (two/x)\n" in page


def test_specs_that_do_not_differ():
    page = write_page(compared(titled("", "A"), titled("", "B")), "en", Path())
    assert "The specs do not differ but in names, texts and the settings of W&B." in page
    other = with_part(titled("", "B"), "data", fingerprint="e" * 64)
    page = write_page(compared(titled("", "A"), other), "en", Path())
    assert "The data differ, whatever the specs say." in page


def test_a_page_leads_to_the_cards_from_where_it_lies(tmp_path):
    folder = tmp_path / "runs" / "a (1)"
    folder.mkdir(parents=True)
    (folder / "card.pt.md").write_text("")
    runs = [ComparedRun(folder, titled("", "A")), ComparedRun(tmp_path, titled("", "B"))]
    comparison = compare_runs(runs, lambda first, second: TESTED)
    page = write_page(comparison, "en", tmp_path / "pages")
    assert "| [A](../runs/a%20%281%29/card.pt.md) | 0.8793 |" in page
    assert "| B | 0.8793 |" in page


HOSTILE = (
    "x\n# h | <script>alert(1)</script>",
    "](javascript:alert(1)) [a](http://x) ![b](c)",
    "`code` ``` **bold** _x_ ~~s~~ $m$ &lt; <!-- --> -->",
    "\u202egnp\u200b.\x07\x1b[31m\u2028| a | b |\r\n|---|---|",
    "- [ ] 1. > = + {{ 7 * 7 }} {% raw %} %(n)s %",
)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("hostile", HOSTILE)
def test_texts_break_no_page_and_no_terminal(language, hostile):
    def page_of(text):
        record = titled("", text, seed=text, training={text: text})
        record = with_part(record, "best", values={text: text})
        record = with_part(record, "environment", cpu=text, versions={text: text})
        other = titled("-sealed", text)
        return compared(record, other, titled("-more", "z"))

    harmless, harmful = page_of("harmless"), page_of(hostile)
    outlines = [
        [token.type for token in MARKDOWN.parse(write_page(each, language, Path()))]
        for each in (harmless, harmful)
    ]
    assert outlines[0] == outlines[1]
    html = MARKDOWN.render(write_page(harmful, language, Path()))
    assert "<script" not in html
    assert 'href="javascript' not in html
    text = write_text(harmful, language)
    assert text.count("\n") == write_text(harmless, language).count("\n")
    assert not set(text) & set("\x1b\x07\u202e\u200b\u2028\r")


def test_holm_corrects_in_steps():
    """Worked by hand: 3 x 0.01, 2 x 0.03, and what is not below the one before."""
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([0.2]) == [0.2]
    assert holm([]) == []
