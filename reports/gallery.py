"""The page that links every kept report, below the answers to the essay."""

from __future__ import annotations

import html
from pathlib import Path

from markdown_it import MarkdownIt

from lifespan import read

ROOT = Path(__file__).parent


def gallery(page: str) -> str:
    """All kept reports as one HTML page."""
    cards = []
    for folder in sorted(path.parent for path in ROOT.rglob("report.html")):
        record, place = read(folder), folder.relative_to(ROOT).as_posix()
        people, study = record.participants(), record.study
        asked = html.escape(str(study.get("about", "")).split("\n\n")[0].strip()) or html.escape(str(study["name"]))
        groups = people["group"].nunique()
        cards.append(
            f'<li><a href="{place}/report.html">{html.escape(place.replace("_", " ").replace("/", ", "))}</a> '
            f"<small>{groups} groups, {len(people)} individuals</small><p>{asked}</p></li>"
        )
    return PAGE.format(answers=MarkdownIt("commonmark").enable("table").render(page), cards="\n".join(cards))


PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Lifespan: answers and reports</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; color: #222; }}
h1, h2 {{ line-height: 1.2; }} h2 {{ margin-top: 2.5rem; }}
table {{ border-collapse: collapse; font-size: .9rem; display: block; overflow-x: auto; }}
img {{ max-width: 100%; }}
th, td {{ text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #ddd; vertical-align: top; }}
td:nth-child(n+3) {{ font-variant-numeric: tabular-nums; }}
code {{ background: #f3f3f3; padding: 0 .2em; }}
ul.gallery {{ list-style: none; padding: 0; display: grid; gap: 1rem; }}
ul.gallery {{ grid-template-columns: repeat(auto-fill, minmax(min(20rem, 100%), 1fr)); }}
ul.gallery li {{ border: 1px solid #ddd; border-radius: .4rem; padding: .8rem 1rem; }}
ul.gallery p {{ margin: .4rem 0 0; font-size: .9rem; }}
small {{ color: #666; display: block; }}
</style></head><body>
<main>{answers}</main>
<h2 id="gallery">All reports</h2>
<ul class="gallery">
{cards}
</ul>
</body></html>
"""
