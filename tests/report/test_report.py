"""The report of a synthetic record: numbers trace to rows, the page stands alone, and nothing missing breaks it."""

from __future__ import annotations

import base64
import gzip
import json
import re
import shutil

import html5lib
import numpy as np
import pandas as pd
import pytest
from synthetic import GROUPS, PRIMARY, TASKS, write_record

import lifespan
from lifespan.analysis.analysis import Analysis
from lifespan.errors import RecordError
from lifespan.record import record
from lifespan.report import citations, figures, methods, references, sentences
from lifespan.report.formatting import number
from lifespan.report.html import inline_svg, write_report
from lifespan.report.templates import inlined
from lifespan.stats import inference as stats

HTML = "{http://www.w3.org/1999/xhtml}"


@pytest.fixture(scope="module")
def run(graceful):
    return graceful


@pytest.fixture(scope="module")
def rows(run):
    """Final primary scores, found the slow way."""
    measured = [json.loads(line) for line in (run / "measurements.jsonl").read_text().splitlines()]
    status = pd.read_csv(run / "participants.tsv", sep="\t").set_index(["group", "seed"])["status"]
    last = {}
    for row in measured:
        primary = row["probe"] == "Score" and row["metric"] == PRIMARY[row["task"]]
        if primary and status[row["group"], row["seed"]] == "done":
            last[row["task"], row["group"], row["seed"]] = row["value"]
    return last


@pytest.fixture
def timeline_only(monkeypatch):
    """For reports whose other figures nobody looks at."""
    monkeypatch.setattr(figures, "FIGURES", {"timeline": figures.FIGURES["timeline"]})


def page(run):
    tree = html5lib.HTMLParser(strict=True).parse((run / "report.html").read_text())
    return tree, " ".join("".join(tree.find(f"{HTML}body").itertext()).split())


def spread(found):
    """An interval as sentences show it, or why there is none."""
    too_few = found.note.removesuffix(": it needs at least 4 individuals")
    return f"95% interval {number(found.low)} to {number(found.high)}" if found.known else too_few


def scores(rows, task, group):
    return {seed: value for (one, other, seed), value in rows.items() if (one, other) == (task, group)}


def test_a_report_is_a_page_and_the_files_beside_it(run):
    assert {path.name for path in run.iterdir()} >= {
        "report.html",
        "methods.md",
        "references.bib",
        "summary.md",
        "tables",
        "figures",
    }
    assert (run / "summary.md").read_text().startswith("# graceful-aging\n")


def test_final_scores_in_sentences_are_means_over_rows(run, rows):
    _, text = page(run)
    for task in TASKS:
        for group in GROUPS:
            values = list(scores(rows, task, group).values())
            found = stats.mean_interval(values)
            assert f"{np.mean(values):.3f} in {group} ({spread(found)}, n = {len(values)})" in text
    assert [len(scores(rows, "rte", group)) for group in GROUPS] == [4, 3, 4]


def test_comparisons_are_paired_differences_of_twins(run, rows):
    _, text = page(run)
    table = pd.read_csv(run / "tables" / "comparisons.csv")
    assert len(table) == len(TASKS) * (len(GROUPS) - 1)
    for _, row in table.iterrows():
        treated, control = scores(rows, row["task"], row["group"]), scores(rows, row["task"], GROUPS[0])
        seeds = [seed for seed in treated if seed in control]
        expected = stats.paired_difference([treated[s] for s in seeds], [control[s] for s in seeds])
        assert (row["difference"], row["n"]) == (pytest.approx(expected.difference.estimate), len(seeds))
        assert (row["p"], row["hedges_g_av"]) == (pytest.approx(expected.p), pytest.approx(expected.hedges_g_av))
        clear = expected.difference.excludes_zero or not expected.difference.known
        ended = f"ended {abs(row['difference']):.3f} lower on {row['task']} than" if clear else "did not clearly differ from"
        rest = "" if clear else f" on {row['task']}"
        rest = rest if expected.difference.known else ", with no interval to judge it by"
        sentence = (
            f"{row['group']} {ended} its twins in healthy{rest} "
            f"(paired difference {number(row['difference'])}; {spread(expected.difference)}; "
            f"n = {len(seeds)} pairs; Hedges' g_av "
            f"{number(expected.hedges_g_av, 2)}; Cliff's delta {number(expected.cliffs_delta, 2)}; "
            f"exact sign-flip p = {expected.p:.3g}"
        )
        assert sentence in text
    assert "With n = 3 the smallest possible two-sided p is 0.25; with n = 4" in text


def test_forgetting_is_recomputed_from_rows(run):
    _, text = page(run)
    measured = record.read(run).measurements()
    for group in GROUPS:
        falls = []
        for _, life in measured[(measured["group"] == group) & (measured["probe"] == "Score")].groupby("seed"):
            r = {(row.step, row.task): row.value for row in life.itertuples() if row.metric == PRIMARY[row.task]}
            if (7, "rte") in r:
                best = max(r[2, "rte"], r[3, "rte"])
                falls.append(((best - r[7, "rte"]) + (r[3, "mrpc"] - r[7, "mrpc"])) / 2)
        found = stats.mean_interval(falls)
        shown = f"{np.mean(falls):.3f} in {group} ({spread(found)}, n = {len(falls)})"
        assert (
            shown in text.split("At the end of life, chance-normalised forgetting (max) is ")[1].split("At the end of life")[0]
        )


def test_endings_and_sparsity_are_counted(run):
    _, text = page(run)
    assert "11 of 12 individuals lived to the end; 1 diverged." in text
    assert "unstable 2 (the loss became NaN <script>alert(1)</script>)" in text
    assert f"0.600 in {GROUPS[1]} (no interval, n = 3; planned 0.600)" in text
    assert f"0.600 in {GROUPS[0]} (all equal, n = 4; planned 0.600)" in text
    assert "unstable n = 4 (1 diverged)" in text


def test_the_page_is_valid_self_contained_and_escaped(run):
    tree, _ = page(run)
    source = (run / "report.html").read_text()
    assert len(source) < 5_000_000
    (script,) = re.findall(r"<script>(.*?)</script>", source, flags=re.DOTALL)
    assert script.strip() == inlined("page/page.js").strip() and source.count("<script") == 1
    assert "<b>over" not in source and "@import" not in source
    identifiers = [node.get("id") for node in tree.iter() if node.get("id")]
    assert len(identifiers) == len(set(identifiers))
    for node in tree.iter():
        for name, value in node.attrib.items():
            local = str(name).rpartition("}")[2]
            if local in ("src", "srcset", "data", "action", "poster") or (local == "href" and node.tag != f"{HTML}a"):
                assert value.startswith(("#", "data:")), (node.tag, name, value)
            if local == "href" and value.startswith("#"):
                assert value[1:] in identifiers
    assert not re.findall(r"url\((?!#)", source)


def test_links_stay_in_the_page_or_go_to_references(run):
    tree, _ = page(run)
    links = [node.get("href") for node in tree.iter(f"{HTML}a")]
    outside = {link for link in links if link.startswith("http")}
    assert outside <= {reference.link for reference in references.REFERENCES.values()}
    assert all(link.startswith(("#", "data:")) for link in set(links) - outside)


def test_the_page_carries_the_files_that_are_written_beside_it(run):
    tree, _ = page(run)
    carried = {node.get("download"): node.get("href") for node in tree.iter(f"{HTML}a") if node.get("download")}
    beside = [*(run / "tables").glob("*.csv"), *(run / "figures").glob("*.svg"), run / "methods.md", run / "references.bib"]
    assert len(carried) == len(beside) > 30
    for path in beside:
        packed = path.with_suffix(".svgz").name if path.suffix == ".svg" else f"{path.name}.gz"
        names = {path.name, packed} & set(carried)
        assert len(names) == 1, path
        kind, _, content = carried[names.pop()].partition(";base64,")
        content = base64.b64decode(content, validate=True)
        assert (gzip.decompress(content) if kind == "data:application/gzip" else content) == path.read_bytes()
    assert not list((run / "figures").glob("*.pdf"))


@pytest.mark.slow
def test_pdf_figures_are_written_and_carried_where_they_are_asked_for(tmp_path, run):
    shutil.copytree(run, tmp_path / "run", ignore=shutil.ignore_patterns("figures"))
    html = write_report([tmp_path / "run"], pdf=True).read_text()
    drawn = {path.stem: path.read_bytes() for path in (tmp_path / "run" / "figures").glob("*.pdf")}
    assert drawn.keys() == {path.stem for path in (run / "figures").glob("*.svg")}
    for name, content in drawn.items():
        assert content.startswith(b"%PDF") and f'download="{name}.pdf"' in html
        assert f"data:application/pdf;base64,{base64.b64encode(content).decode()}" in html
    assert "--pdf" in html


def test_every_figure_has_a_text_alternative_a_number_of_individuals_and_its_data(run):
    tree, _ = page(run)
    drawings = list(tree.iter(f"{HTML}figure"))
    assert {drawing.get("id") for drawing in drawings} >= {"timeline", "trajectories", "differences", "estimation"}
    for drawing in drawings:
        svg = next(node for node in drawing.iter() if str(node.tag).endswith("}svg"))
        named = svg.get("aria-labelledby").split()
        assert svg.get("role") == "img"
        texts = {node.get("id"): node.text for node in svg.iter() if node.get("id") in named}
        assert all(texts[name] for name in named)
        caption = "".join(drawing.find(f"{HTML}figcaption").itertext())
        assert "What good looks like:" in caption and "n = 4" in caption and "Data (CSV)" in caption


def test_methods_tell_the_steps_that_ran(run):
    text = (run / "methods.md").read_text()
    assert "(2) Learn(task=Glue(name='rte'), by=Masks(sparsity=0.05, steps=60)), 60 optimizer steps" in text
    cycle = "Age(to=..., by=Magnitude()), Recover(steps=40), 40 optimizer steps, with to = 0.35, 0.6"
    assert f"(4 to 7) 2 times: {cycle}" in text
    assert "torch 2.12.0" in text and "cpu A &lt;CPU>" in text and "Seeds: 7 to 10." in text
    assert "90 optimizer steps (completed by 3 of 4)" in text
    lived = pd.read_csv(run / "tables" / "steps_lived.csv")
    assert lived[lived["group"] == "unstable"]["lived"].tolist() == [4, 4, 4, 3, 3, 3, 3, 3]


def test_references_are_those_the_run_used(run):
    keys = set(re.findall(r"^@\w+\{(\w+),", (run / "references.bib").read_text(), flags=re.MULTILINE))
    lived = {
        *{"devlin2019bert", "wang2018glue"},
        *{"mallya2018piggyback", "zhao2020masking", "radiyadixit2020fine"},
        *{"gale2019state", "ramanujan2020hidden"},
    }
    forgot = {"chaudhry2018riemannian", "lopezpaz2017gem"}
    compared = {"efron1982jackknife", "hedges1981distribution", "lakens2013effect", "cliff1993dominance", "holm1979simple"}
    analysed = {
        key for name in citations.ANALYSES if name not in ("dose_fits", "sequential") for key in citations.ANALYSES[name]
    }
    assert keys == lived | forgot | compared | analysed
    scenarios = [group["scenario"] for group in json.loads((run / "study.json").read_text())["groups"].values()]
    assert set(references.cited_by(scenarios)) == lived


def test_what_built_in_classes_cite_is_known():
    cited = {getattr(getattr(lifespan, name), "citation", "") for name in dir(lifespan)} - {""}
    missing = {key for key in cited if isinstance(key, str)} - set(references.REFERENCES)
    assert not missing, f"add to lifespan/report/references.bib: {sorted(missing)}"


def test_provenance_gives_the_exact_command(run):
    _, text = page(run)
    assert "lifespan simulate 'scenarios/aging study.py' --individuals 4" in text


@pytest.mark.parametrize("lived", [0, 3])
def test_an_interrupted_run_is_reported(tmp_path, lived):
    run = write_record(tmp_path / "cut", lived=lived)
    write_report([run])
    _, text = page(run)
    assert "0 of 12 individuals lived to the end; 12 did not finish yet." in text
    assert "On mrpc no final score was measured in any group." in text
    assert "No pair of twins has a final score yet" in text
    if lived == 0:
        assert "Nothing was measured." in text and "Synapse curve" not in text


def test_a_record_of_study_json_alone_is_reported(tmp_path):
    (tmp_path / "study.json").write_text(json.dumps({"format": 1, "name": "bare"}))
    write_report([str(tmp_path)])
    _, text = page(tmp_path)
    assert "The record names no group and no task." in text and "versions and hardware were not recorded" in text


def test_a_single_individual_gets_no_interval_and_a_reason(tmp_path, timeline_only):
    run = write_record(tmp_path / "single", individuals=1)
    write_report([run])
    _, text = page(run)
    assert "(no interval, n = 1)" in text
    assert text.count('Where "no interval" stands for an interval, fewer than 4 individuals have the value.') == 1
    assert "with n = 1 the smallest possible two-sided p is 1" in text.lower()
    assert re.search(r"unstable ended 0\.\d+ lower on rte than its twins in healthy, with no interval to judge it by", text)


def test_several_records_are_compared(run, tmp_path, timeline_only):
    other = write_record(tmp_path / "other", name="harsh-aging")
    made = write_report([run, other], tmp_path / "both" / "compare.html")
    assert made == tmp_path / "both" / "compare.html" and (tmp_path / "both" / "methods.md").is_file()
    groups = pd.read_csv(tmp_path / "both" / "tables" / "final_scores.csv")["group"].unique()
    assert list(groups) == [f"{name}: {group}" for name in ("graceful-aging", "harsh-aging") for group in GROUPS]
    analysis = Analysis([run, other])
    assert analysis.cohort.control == "graceful-aging: healthy"
    assert len(analysis.comparisons) == len(TASKS) * 5


def test_no_directory_is_the_users_mistake():
    with pytest.raises(RecordError, match="no run directory was given"):
        write_report([])


def test_inline_svg_takes_the_pages_ink_and_unique_names():
    vector = '<?xml version="1.0"?><svg width="5pt" viewBox="0 0 5 5"><metadata>m</metadata><g id="a"/>'
    vector += '<use xlink:href="#a"/><path clip-path="url(#a)" style="fill: #24292f"/></svg>'
    made = inline_svg(vector, name="f", title="T & t", description="D")
    assert made.startswith('<svg viewBox="0 0 5 5" role="img" aria-labelledby="f-title f-description">')
    assert '<title id="f-title">T &amp; t</title><desc id="f-description">D</desc>' in made
    assert 'id="f-a"' in made and 'xlink:href="#f-a"' in made and "url(#f-a)" in made
    assert "currentColor" in made and "metadata" not in made


def test_long_lives_are_told_as_cycles():
    life = ["Birth", *[f"Learn({n})" for n in "ab"], *[x for s in range(1, 9) for x in (f"Age(to=0.{s})", "Recover()")]]
    assert methods.cycles(life)[-1] == (
        "(3 to 18) 8 times: Age(to=...), Recover(), with to = 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8"
    )
    assert methods.cycles(["A", "B"]) == ["(0) A", "(1) B"]


def test_the_report_opens_with_what_the_study_asks_in_its_own_words_escaped(tmp_path, timeline_only):
    about = "Does `Age` <hurt>?\n\n    lifespan simulate x\n    lifespan report x"
    (tmp_path / "study.json").write_text(json.dumps({"format": 1, "name": "bare", "about": about}))
    page = write_report([tmp_path]).read_text()
    assert "<p>Does Age &lt;hurt&gt;?</p>" in page
    assert "<pre>    lifespan simulate x\n    lifespan report x</pre>" in page


def test_many_groups_are_told_by_their_range(tmp_path, monkeypatch):
    import synthetic

    monkeypatch.setattr(synthetic, "GROUPS", ("control", *(f"group {i}" for i in range(15))))
    analysis = Analysis(write_record(tmp_path / "many"))
    assert "16 groups, listed below, of 4 individuals" in sentences.questions(analysis)[0]
    parts = dict(sentences.results(analysis))
    assert all(
        "groups lie between, see the table" in sentence for sentence in parts["Final scores"] if "mean final" in sentence
    )
    written = [sentence for sentence in parts["Against the control group"] if "paired difference" in sentence]
    assert len(written) <= sentences.DETAILED_UP_TO
    assert len(parts["Sparsity"]) == 1


def test_groups_are_chosen_and_another_control_is_taken(run, tmp_path, timeline_only):
    from lifespan.cli.simulate import report_on

    made = report_on([run], tmp_path / "some.html", groups=[GROUPS[2]], control="unstable")
    table = pd.read_csv(tmp_path / "tables" / "comparisons.csv")
    assert set(table["group"]) == {GROUPS[2]} and set(table["control"]) == {"unstable"}
    assert "--control unstable" in made.read_text() and ">healthy<" not in made.read_text()
    with pytest.raises(RecordError, match=r"group 'unstabel': is in none of the records. Did you mean 'unstable'"):
        report_on([run], tmp_path / "none.html", groups=["unstabel"])
    assert not (tmp_path / "none.html").exists()


def test_a_shared_store_stands_for_its_studies(tmp_path):
    from conftest import tiny_life, tiny_study

    from lifespan import simulate
    from lifespan.cli.simulate import report_on

    for name in ("one", "other"):
        simulate(tiny_study(life=tiny_life(), name=name), tmp_path / name, store=tmp_path / "states", threads=1)
    made = report_on([tmp_path / "states"])
    assert made == tmp_path / "states" / "report.html"
    assert "one: life" in made.read_text() and "other: life" in made.read_text()
