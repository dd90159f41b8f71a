"""The report in headless Chromium, without network: what a reader does with it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from reports import HOSTILE, PIXEL, hostile, of_many, read, without_search

from lenetml.report.page import render_page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
if CHROMIUM is None:
    pytest.skip("no Chromium: apt-get install chromium", allow_module_level=True)
playwright = pytest.importorskip("playwright.sync_api")

pytestmark = pytest.mark.slow

Open = Callable[..., Any]
# What Tab should stop at, as long as it is on the page that is shown.
STOPS = "button, input, select, summary, [tabindex='0']"
VISIBLE_STOPS = f"""() => [...document.querySelectorAll("{STOPS}")]
    .filter((it) => it.checkVisibility() && !it.closest("[hidden]")).length"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    # Chromium refuses its sandbox to root, as in most containers.
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=options)
        yield chromium
        chromium.close()


@pytest.fixture
def show(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """Open a report without network; whatever it complains of or asks for fails the test."""
    complaints: list[str] = []
    contexts = []

    def open_page(html: str, width: int = 1280, **options: Any) -> Any:
        path = tmp_path / "report.html"
        path.write_text(html, encoding="utf-8")
        context = browser.new_context(
            offline=True, viewport={"width": width, "height": 800}, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.on("request", lambda request: asked(request.url))
        page.goto(path.as_uri())
        page.wait_for_selector(".parallel svg")
        return page

    def asked(url: str) -> None:
        if not url.startswith(("file://", "data:")):
            complaints.append(url)

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def page(show: Open) -> Any:
    return show(render_page(read(), {"misclassified": PIXEL}))


def numbers(page: Any, language: str = "en") -> list[int]:
    """The trials of the table, as they stand there."""
    rows = page.locator(f"#{language} .trials tbody tr:not([hidden]) th")
    return [int(text.replace(",", "")) for text in rows.all_text_contents()]


def selected_lines(page: Any) -> set[int]:
    lines = page.locator("#en .trial:not(.passed-over)")
    return {int(line.get_attribute("data-trial")) for line in lines.all()}


def sort_by(page: Any, name: str) -> str:
    head = page.locator("#en .trials thead th", has=page.get_by_role("button", name=name))
    head.get_by_role("button").click()
    return str(head.get_attribute("aria-sort"))


def handle(page: Any, name: str, end: str) -> Any:
    return page.locator(f'#en [role=slider][aria-label="{name}: {end} end of the selection"]')


def test_it_sorts_and_what_has_no_value_comes_last(page: Any) -> None:
    assert numbers(page) == [1, 2, 3, 4, 5, 6]
    assert sort_by(page, "val_accuracy") == "ascending"
    assert numbers(page) == [4, 5, 1, 3, 2, 6]
    assert sort_by(page, "val_accuracy") == "descending"
    assert numbers(page) == [3, 1, 5, 4, 2, 6]
    assert sort_by(page, "Status") == "ascending"
    assert numbers(page) == [1, 3, 4, 2, 6, 5]
    assert sort_by(page, "learning_rate") == "ascending"
    assert numbers(page) == [5, 1, 3, 6, 2, 4]
    assert page.locator("#en .trials th[aria-sort=ascending]").count() == 1


def test_it_filters_by_text_and_status(page: Any) -> None:
    page.fill("#en .text", "TANH")
    assert numbers(page) == [1, 4, 6]
    page.select_option("#en .status", "completed")
    assert numbers(page) == [1, 4]
    assert selected_lines(page) == {1, 4}
    assert page.inner_text("#en .selected") == "Selected trials: 2 of 6"
    page.click("#en .clear")
    assert numbers(page) == [1, 2, 3, 4, 5, 6]
    assert page.input_value("#en .text") == page.input_value("#en .status") == ""


def test_a_brush_drawn_by_mouse_selects_in_table_and_scatter(page: Any) -> None:
    reach = page.locator("#en [data-axis='6'] .reach")
    reach.scroll_into_view_if_needed()
    box = reach.bounding_box()
    x = box["x"] + box["width"] / 2
    page.mouse.move(x, box["y"] + 2)
    page.mouse.down()
    page.mouse.move(x, box["y"] + box["height"] * 0.25, steps=4)
    page.mouse.up()
    assert numbers(page) == [1, 3]
    assert selected_lines(page) == {1, 3}
    assert page.locator("#en .point").count() == 4
    assert page.locator("#en .point:not(.passed-over)").count() == 2
    page.mouse.click(x, box["y"] + box["height"] / 2)
    assert len(numbers(page)) == 6


def test_an_end_is_drawn_by_mouse(page: Any) -> None:
    lower = handle(page, "activation", "lower")
    lower.scroll_into_view_if_needed()
    box = lower.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y - 130, steps=3)
    page.mouse.up()
    page.mouse.move(x, y - 200)
    assert lower.get_attribute("aria-valuetext") == "relu"
    assert numbers(page) == [2, 3, 5]


def test_a_brush_is_moved_by_keyboard(page: Any) -> None:
    upper = handle(page, "activation", "upper")
    assert upper.get_attribute("aria-valuetext") == "relu"
    upper.focus()
    page.keyboard.press("ArrowDown")
    assert upper.get_attribute("aria-valuetext") == "tanh"
    assert numbers(page) == [1, 4, 6]
    lower = handle(page, "val_accuracy", "lower")
    assert lower.get_attribute("aria-valuetext") == "no result"
    lower.focus()
    page.keyboard.press("ArrowUp")
    assert numbers(page) == [1, 4]
    for _ in range(3):
        page.keyboard.press("PageUp")
    assert numbers(page) == [1]
    page.keyboard.press("Home")
    assert numbers(page) == [1, 4, 6]
    upper.focus()
    page.keyboard.press("Escape")
    assert numbers(page) == [1, 2, 3, 4, 5, 6]
    assert int(upper.get_attribute("aria-valuenow")) == 100


def test_trials_without_a_value_can_be_selected_alone(page: Any) -> None:
    upper = handle(page, "width", "upper")
    upper.focus()
    page.keyboard.press("Home")
    assert upper.get_attribute("aria-valuetext") == "does not exist"
    assert numbers(page) == [1, 4, 5]


def test_curves_are_those_of_the_ticked_trials(page: Any) -> None:
    assert page.locator("#en .curve.val").count() == 2
    assert page.locator("#en .curves .mark title").all_text_contents() == [
        "Trial 3, chosen epoch: 12", "Trial 3, chosen epoch: 12",
    ]  # fmt: skip
    page.get_by_role("checkbox", name="Curves of trial 1").check()
    assert page.locator("#en .curve.val").count() == 4
    page.get_by_role("checkbox", name="Curves of trial 1").focus()
    page.keyboard.press("Space")
    page.get_by_role("checkbox", name="Curves of trial 3").uncheck()
    assert page.inner_text("#en .curves") == "No trial with curves is ticked in the table."


def test_the_scatter_plot_has_each_cost_and_no_failed_trial(page: Any) -> None:
    assert page.inner_text("#en .front") == "Pareto front (trials): 4, 1, 3."
    for cost in ("macs", "seconds"):
        page.locator(f"#en [value={cost}]").check()
        assert page.locator("#en .point").count() == 4
    titles = page.locator("#en .point title").all_text_contents()
    assert all("(completed)" in title or "(stopped)" in title for title in titles)
    failed = page.locator("#en .trial[data-trial='2']")
    assert "q-none" in failed.get_attribute("class")


def test_the_language_is_switched_and_the_selection_stays(page: Any) -> None:
    page.fill("#en .text", "relu")
    sort_by(page, "val_accuracy")
    page.get_by_role("checkbox", name="Curves of trial 5").check()
    page.get_by_role("button", name="Português").click()
    assert page.evaluate("document.documentElement.lang") == "pt-BR"
    assert page.title() == "LeafNet #2: uma rede <pequena>"
    assert page.is_hidden("#en") and page.is_visible("#pt")
    assert numbers(page, "pt") == [5, 3, 2]
    assert page.input_value("#pt .text") == "relu"
    assert "0,8625" in page.inner_text("#pt .trials .winner")
    assert page.locator("#pt .trials input:checked").count() == 2
    ticks = page.locator("#pt .curves .quiet").all_text_contents()
    assert any(re.fullmatch(r"0,\d+", text) for text in ticks)
    assert not any("." in text for text in ticks)


def test_tab_reaches_everything_in_order(page: Any) -> None:
    n_stops = page.evaluate(VISIBLE_STOPS)
    seen = []
    for _ in range(n_stops + 5):
        page.keyboard.press("Tab")
        place = page.evaluate(
            """() => {
              const it = document.activeElement;
              window.visited ??= new Set();
              if (it !== document.body) window.visited.add(it);
              const section = it.closest("section");
              return [it.tagName, section ? section.getAttribute("aria-labelledby") : "top"];
            }"""
        )
        if place[0] == "BODY":
            break
        seen.append(place[1])
    # Of three radio buttons Tab stops at the one that is chosen.
    assert page.evaluate("window.visited.size") == n_stops - 2
    order = list(dict.fromkeys(seen))
    assert order == [
        "top", "en-know", "en-parallel", "en-trials", "en-scatter", "en-confusion",
        "en-misclassified", "en-spec", "en-environment",
    ]  # fmt: skip
    assert len(seen) == n_stops - 2


@pytest.mark.parametrize("width", [360, 390, 768, 1280])
@pytest.mark.parametrize("language", ["en", "pt"])
def test_no_width_needs_horizontal_scrolling(show: Open, width: int, language: str) -> None:
    page = show(render_page(hostile("W" * 300), {"misclassified": PIXEL}), width)
    page.click(f"[data-language={language}]")
    page.locator(f"#{language} summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_phone_has_axes_below_each_other_that_fingers_can_brush(show: Open) -> None:
    page = show(render_page(read(), {}), 360, has_touch=True)
    assert page.locator("#en .parallel svg.tall").count() == 1
    reach = page.locator("#en [data-axis='0'] .reach")
    reach.scroll_into_view_if_needed()
    box = reach.bounding_box()
    page.mouse.move(box["x"] + 2, box["y"] + 8)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 8, steps=3)
    page.mouse.up()
    assert numbers(page) == [1, 4, 6]
    page.set_viewport_size({"width": 1280, "height": 800})
    page.wait_for_selector("#en .parallel svg.wide")
    assert numbers(page) == [1, 4, 6]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_do_nothing(show: Open, text: str) -> None:
    page = show(render_page(hostile(text), {}))
    page.click("[data-language=pt]")
    assert page.locator("main img, main script, main a").count() == 0
    assert page.locator("#pt .trials tbody tr").count() == 6


def test_the_browser_itself_forbids_every_address(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(render_page(read(), {}), encoding="utf-8")
    page = browser.new_page()
    page.goto(path.as_uri())
    refused = page.evaluate(
        """async () => {
          const refused = [];
          const note = (event) => refused.push(event.violatedDirective);
          document.addEventListener("securitypolicyviolation", note);
          await fetch("https://example.org/").catch(() => {});
          const image = document.body.appendChild(new Image());
          image.src = "https://example.org/x.png";
          const script = document.body.appendChild(document.createElement("script"));
          script.textContent = "window.broken = true";
          await new Promise((done) => setTimeout(done, 200));
          return [refused.sort(), window.broken ?? null];
        }"""
    )
    page.close()
    assert refused == [["connect-src", "img-src", "script-src-elem"], None]


def test_a_thousand_trials(show: Open) -> None:
    record = of_many(1000, 20)
    page = show(render_page(record, {}))
    assert len(numbers(page)) == 1000
    handle(page, "val_accuracy", "lower").focus()
    page.keyboard.press("ArrowUp")
    assert len(numbers(page)) == 900
    page.keyboard.press("End")
    assert numbers(page) == [record.best.number]


def test_one_trial_without_a_search(show: Open) -> None:
    page = show(render_page(without_search(), {}))
    assert numbers(page) == [1]
    assert page.locator("#en .curve.val").count() == 2
    assert page.locator("#en .point").count() == 1


@pytest.mark.parametrize("name", ["-more", "-sealed"])
def test_other_records(show: Open, name: str) -> None:
    page = show(render_page(read(name), {}))
    page.click("[data-language=pt]")
    assert page.locator("#pt .trials tbody tr").count() == 6


def test_dark_and_light_differ_and_paper_is_light(show: Open) -> None:
    html = render_page(read(), {})
    ground = "getComputedStyle(document.body).backgroundColor"
    assert show(html, color_scheme="light").evaluate(ground) == "rgb(255, 255, 255)"
    page = show(html, color_scheme="dark")
    assert page.evaluate(ground) == "rgb(20, 24, 29)"
    page.emulate_media(media="print")
    assert page.evaluate(ground) == "rgb(255, 255, 255)"
    assert page.is_hidden("#en .clear") and page.is_hidden("#languages")
    assert page.is_visible("#en .parallel svg") and page.is_visible("#en .trials table")
    assert page.pdf()[:4] == b"%PDF"
