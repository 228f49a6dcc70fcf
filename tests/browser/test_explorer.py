"""The explorer of a life in a real browser: the slider, the choices, one scale for twins, and what stays without script."""

import pytest
from planted_portraits import STEPS, WORDS, keep
from synthetic import GROUPS, TASKS, write_record

import lifespan


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    directory = keep(write_record(tmp_path_factory.mktemp("run") / "lived"), GROUPS, STEPS)
    return lifespan.report(directory).path.as_uri()


@pytest.fixture
def opened(chromium, report):
    """Open the page; fails on any script error."""
    contexts, errors = [], []

    def visit(width=1200, *, script=True):
        contexts.append(chromium.new_context(viewport={"width": width, "height": 900}, java_script_enabled=script))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(report)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert not errors


def test_the_slider_goes_through_the_ages_of_all_twins(opened):
    page = opened()
    cards = page.locator("#explorer-cards .card")
    assert cards.locator("h3").all_inner_texts() == list(GROUPS)
    assert all(f"age {STEPS[5]}" in text for text in cards.all_inner_texts())
    page.locator("#explorer-age").fill("0")
    assert all(f"age {STEPS[2]}" in text for text in cards.all_inner_texts())
    assert page.locator("#explorer-now").inner_text() == f"step 2 of life, age {STEPS[2]}"
    page.locator("#explorer-age").press("End")
    assert page.locator("#explorer-now").inner_text() == f"step 5 of life, age {STEPS[5]}"


def test_cells_say_what_was_planted(opened):
    page = opened()
    card = page.locator("#explorer-cards .card").first
    page.locator("#explorer-layer").select_option("1")
    assert card.locator("title", has_text="layer 1, head 2: 30% dead").count() == 1
    assert card.locator("title", has_text="neuron 1: 20% dead").count() == 1
    page.locator("#explorer-head").select_option("0")
    # 0.3 of 0.9 on the diagonal, as planted.
    assert card.locator("title", has_text=f"{WORDS[0]} to {WORDS[0]}: 0.33").count() == 1
    assert card.locator("title", has_text=f"{WORDS[2]} to {WORDS[1]}: 0.22").count() == 1


def test_choosing_the_anatomy_or_a_task_changes_the_sentence(opened):
    page = opened()
    card = page.locator("#explorer-cards .card").first
    assert page.locator("#explorer-task").input_value() == TASKS[0]
    page.locator("#explorer-task").select_option("")
    assert "Choose a task." in card.inner_text()


def test_it_fits_a_phone(opened):
    page = opened(390)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator("#explorer-cards .card").first.is_visible()


def test_without_script_the_first_and_last_portrait_stand_as_a_figure(opened):
    page = opened(script=False)
    assert not page.locator("#explorer-cards").is_visible()
    figure = page.locator("figure#portrait svg").first
    if not figure.is_visible():
        page.locator("details:has(figure#portrait) > summary").first.click()
    assert figure.is_visible()
