from pathlib import Path

import pytest

from lifespan import handbook

DOCS = Path(__file__).parent.parent / "docs"


@pytest.mark.skipif(not DOCS.is_dir(), reason="the documentation is not here")
def test_the_page_of_measures_is_what_the_classes_say():
    remedy = "python -c \"from lifespan import handbook; open('docs/measures.md', 'w').write(handbook.measures())\""
    assert (DOCS / "measures.md").read_text(encoding="utf-8") == handbook.measures(), f"write it anew: {remedy}"


def test_every_probe_has_its_place_and_its_table():
    text = handbook.measures()
    assert "## Score (measure)" in text and "| `sparsity/*` |" in text and "Cost: 1 forward pass over the split." in text
