"""The report in a real browser: what a reader clicks, types, points at, prints and saves."""

import gzip
from pathlib import Path

import pytest
from synthetic import GROUPS

LONG = '[aria-label="Continual-learning metrics"]'
COMPARED = '[aria-label="Comparisons with the control group"]'
MARK = "#differences [data-tip]"


@pytest.fixture
def visit(chromium, graceful):
    """Open the synthetic record's report: `visit(width=..., dark=..., script=..., touch=...)`. Fails on any script error."""
    contexts, errors = [], []

    def opened(width=1200, *, dark=False, script=True, touch=False):
        scheme = "dark" if dark else "light"
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=script, has_touch=touch
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if said.type in ("error", "warning") else None)
        page.goto((graceful / "report.html").as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not errors


def column(table, place):
    return [text.strip() for text in table.locator(f"tbody tr:visible > :nth-child({place})").all_inner_texts()]


def values(texts):
    return [float(text.replace("−", "-")) for text in texts]


def is_shown(page, selector):
    return page.locator(selector).first.is_visible()


@pytest.mark.parametrize(("width", "dark"), [(1200, False), (390, True)])
def test_the_page_fits_its_window_and_shows_its_first_figure_at_once(visit, width, dark):
    page = visit(width, dark=dark)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator("#unfold").evaluate("button => button.click()")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("#timeline svg").bounding_box()["y"] < (900 if width > 1000 else 1200)


def test_the_contents_say_where_the_reader_is(visit):
    page = visit()
    current = page.locator("#contents a[aria-current]")
    assert current.inner_text() == "The answer in short"
    page.locator('#contents a[href="#retention"]').click()
    page.wait_for_function("document.querySelector('#contents a[aria-current]').textContent === 'Retention'")
    box = page.locator("#retention").bounding_box()
    assert 0 <= box["y"] < 300 and page.locator("#contents").bounding_box()["y"] == 0


def test_on_a_phone_the_contents_are_a_bar_that_opens_and_folds(visit):
    page = visit(390)
    assert not is_shown(page, '#contents a[href="#tables"]') and page.locator("#contents").bounding_box()["height"] < 60
    page.locator("#contents summary", has_text="Contents").click()
    page.locator('#contents a[href="#references"]').click()
    page.wait_for_function("document.querySelector('#references').closest('details').open")
    page.wait_for_function("document.querySelector('#contents .here').textContent.includes('References')")
    assert not is_shown(page, '#contents a[href="#tables"]')


def test_a_table_is_sorted_by_its_numbers_with_the_keyboard(visit):
    page = visit()
    table = page.locator(f"{COMPARED} table")
    head = table.locator("th", has_text="difference")
    before = values(column(table, 3))
    head.locator("button").focus()
    page.keyboard.press("Enter")
    assert values(column(table, 3)) == sorted(before) and head.get_attribute("aria-sort") == "ascending"
    page.keyboard.press("Enter")
    assert values(column(table, 3)) == sorted(before, reverse=True) and head.get_attribute("aria-sort") == "descending"
    table.locator("th button", has_text="group").click()
    assert column(table, 2) == sorted(column(table, 2)) and head.get_attribute("aria-sort") is None


def test_a_long_table_is_filtered_by_words(visit):
    page = visit()
    page.locator("#unfold").click()
    table = page.locator(f"{LONG} table")
    every = len(column(table, 1))
    field = page.locator(f".filter:has(+ {LONG}) input")
    field.fill("unstable forgetting")
    shown = column(table, 1)
    assert 0 < len(shown) < every and all("orgetting" in metric for metric in shown)
    assert set(column(table, 3)) == {"unstable"}
    field.fill("")
    assert len(column(table, 1)) == every
    assert page.locator(f".filter:has(+ {COMPARED})").count() == 0


def test_a_group_is_switched_off_in_every_figure_and_table(visit):
    page = visit()
    page.locator("#unfold").click()

    def left(group):
        found = f"main [data-group={group!r}]"
        return page.evaluate(
            "found => [...document.querySelectorAll(found)].filter((e) => e.getClientRects().length).length", found
        )

    for group in (GROUPS[1], GROUPS[2]):
        places = "found => [...document.querySelectorAll('figure')].filter((e) => e.querySelector(found)).length"
        assert page.evaluate(places, f"[data-group={group!r}]") > 5
        before, other = left(group), left(GROUPS[0])
        page.locator("#groups label", has_text=group).click()
        assert before > 30 and left(group) == 0 and left(GROUPS[0]) == other
        page.locator("#groups label", has_text=group).click()
        assert left(group) == before
    page.locator("#groups button", has_text="none").click()
    assert left(GROUPS[0]) == 0


def test_a_mark_says_what_it_is_to_pointer_finger_and_keys(visit):
    page = visit(touch=True)
    tip, mark = page.locator("#tip"), page.locator(MARK).last
    said = mark.get_attribute("data-tip")
    assert GROUPS[2] in said and "95% interval" in said and "n = 4" in said
    mark.scroll_into_view_if_needed()
    box = mark.bounding_box()
    at = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*at)
    assert tip.is_visible() and GROUPS[2] in tip.inner_text()
    page.mouse.move(2, 2)
    assert tip.is_hidden()
    page.touchscreen.tap(*at)
    assert tip.is_visible()
    page.locator("#trajectories .drawn").focus()
    page.keyboard.press("ArrowRight")
    first = tip.inner_text()
    page.keyboard.press("ArrowRight")
    assert tip.is_visible() and tip.inner_text() != first
    page.keyboard.press("Escape")
    assert tip.is_hidden()


@pytest.mark.parametrize(("text", "suffix", "folder"), [("Data (CSV)", ".csv", "tables"), ("SVG", ".svg", "figures")])
def test_a_figures_data_and_drawing_are_saved_from_the_page(visit, graceful, text, suffix, folder):
    page = visit()
    with page.expect_download() as saved:
        page.locator("#trajectories figcaption a", has_text=text).click()
    content = Path(saved.value.path()).read_bytes()
    content = gzip.decompress(content) if saved.value.suggested_filename.endswith(("gz", "svgz")) else content
    name = "trajectories" if folder == "figures" else "figure_trajectories"
    assert content == (graceful / folder / f"{name}{suffix}").read_bytes()


def test_paper_shows_all_that_is_folded_and_no_controls(visit):
    page = visit()
    folded = page.locator("main details:not([open])").count()
    assert folded > 5
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("main details:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("main details:not([open])").count() == folded
    page.emulate_media(media="print")
    assert is_shown(page, "#references") and not is_shown(page, "#contents")
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_without_script_all_is_there_and_nothing_idle(visit):
    page = visit(script=False)
    assert not is_shown(page, "#groups") and page.locator("th button").count() == 0
    assert page.locator("#trajectories title", has_text="95% interval").count() > 5
    page.locator("summary", has_text="References").click()
    assert is_shown(page, "section[aria-labelledby=references] li")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_nothing_bars_readers_who_see_or_point_otherwise(visit, dark):
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="needs the extra: pip install 'lifespan[browser]'"
    )
    page = visit(dark=dark)
    page.locator("#unfold").click()
    found = axe.Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    serious = [
        (each["id"], each["impact"], [node["html"][:160] for node in each["nodes"][:2]])
        for each in found
        if each["impact"] in ("serious", "critical")
    ]
    assert not serious
