"""One browser for all tests of the page; without one they are skipped, and say what to install."""

import os
import shutil

import pytest

PROGRAM = os.environ.get("LIFESPAN_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="session")
def chromium():
    api = pytest.importorskip("playwright.sync_api", reason="needs the extra: pip install 'lifespan[browser]'")
    if not PROGRAM:
        pytest.skip("needs Chromium on the path, or its path in LIFESPAN_CHROMIUM")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=["--no-sandbox"])
        yield browser
        browser.close()


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
