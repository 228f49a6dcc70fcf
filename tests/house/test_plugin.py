"""The plug-in author's path: the example package, the document, and references from outside this package."""

import json
import re
import runpy
import sys
from pathlib import Path

import pytest
from conftest import TASKS, TINY, tiny_study
from synthetic import write_record

from lifespan import Learn, Probe, Scenario, Score, Study, Suffer, Weights, simulate
from lifespan.report.bibtex import bibliography, brought, publication
from lifespan.report.html import write_report
from lifespan.report.references import REFERENCES, cited_by
from lifespan.study.loading import load
from lifespan.study.plan import compile_study
from lifespan.testing import check_disorder

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "lifespan-deafness"
TEXT = (
    "Moeller, Mary Pat; Tomblin, J. Bruce (2015). An Introduction to the Outcomes of Children with Hearing Loss Study. "
    "Ear and Hearing 36, 4S\u201313S."
)


@pytest.fixture
def deafness(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLE))
    monkeypatch.delitem(sys.modules, "lifespan_deafness", raising=False)
    import lifespan_deafness

    return lifespan_deafness.Deafness


def test_the_examples_own_tests_pass(deafness):
    tests = runpy.run_path(str(EXAMPLE / "tests" / "test_deafness.py"))
    own = [value for name, value in tests.items() if name.startswith("test_")]
    assert len(own) == 2
    for test in own:
        test()


def test_the_examples_scenario_is_a_study(deafness, tmp_path):
    code = re.search(r"```python\n(.*?)```", (EXAMPLE / "README.md").read_text(), flags=re.DOTALL)[1]
    (tmp_path / "deafness.py").write_text("\n".join(line.removeprefix("   ") for line in code.splitlines()))
    study = load(str(tmp_path / "deafness.py"))
    assert len(compile_study(study, precision="fp32").lives) == 20


def test_a_life_with_the_example_cites_it_in_its_report(deafness, tmp_path):
    school = (Learn(TASKS[0], by=Weights(steps=2, batch_size=8)), Probe(Score()))
    healthy = Scenario(name="hearing", subject=TINY, events=school)
    deaf = healthy.with_events(after=0, add=Suffer(deafness(severity=0.3)))
    simulate(tiny_study(hearing=healthy, deaf=deaf), tmp_path)
    cited = json.loads((tmp_path / "study.json").read_text())["citations"]
    assert cited["lifespan_deafness:Deafness"] == deafness.citation and cited["lifespan:Weights"] == "devlin2019bert"
    html = write_report([tmp_path]).read_text()
    assert TEXT in html and 'href="https://doi.org/10.1097/AUD.0000000000000210"' in html
    bib = (tmp_path / "references.bib").read_text()
    assert deafness.citation in bib and "devlin2019bert" in bib
    keys = re.findall(r"^@\w+\{(\w+),", bib, flags=re.MULTILINE)
    assert keys == sorted(keys)
    methods = (tmp_path / "methods.md").read_text()
    assert f"- {TEXT} https://doi.org/10.1097" in methods and "Moeller &amp; Tomblin, 2015" not in methods
    assert "Moeller & Tomblin, 2015" in methods


def test_the_document_shows_a_disorder_that_keeps_the_rules():
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "write-a-disorder.md").read_text(), flags=re.DOTALL)
    names = {}
    exec(blocks[0], names)
    assert "check_disorder(Fatigue(severity=0.4))" in blocks[1]
    check_disorder(names["Fatigue"](severity=0.4))


GOOD = [
    ('@misc{a1, author="Doe, Jane and Roe, Ann and Poe, E.", title={On {EEG}}, year=2020}', "Doe et al., 2020", "On EEG."),
    (
        "@Article{a1,\n author = {Jane Doe},\n title = {T},\n year = {2020},\n journal={J}, number={2},volume=7,}",
        "Doe, 2020",
        "T. J 7(2).",
    ),
    ("@book{a1, title={B}, publisher={P}, pages={1-2}, year={1999}, author={{The Group}}}", "Group, 1999", "B. P, 1\u20132."),
    ('  @phdthesis{a:1-b, author={Doe, J.}, title={"Quoted"}, school={S}, year={2001a}}\n', "Doe, 2001a", "S."),
]


@pytest.mark.parametrize(("text", "cited", "ends"), GOOD, ids=[text.strip()[:12] for text, _, _ in GOOD])
def test_entries_of_other_packages_are_read_leniently(text, cited, ends):
    found = publication(text)
    assert found.parsed and found.cited == cited and found.text.endswith(ends)
    assert found.bibtex() == text.strip() + "\n"


WRONG = [
    "Doe 2020, personal communication",
    "@article{doe2020, author = {Doe, title = {T}, year = {2020}}",
    "@article{doe2020, author = {Doe}, title = {T}}",
    "@article{doe2020, author = {Doe}, title = {T}, year = {soon}}",
    "@article{doe2020, author = {Doe} title = {T}, year = {2020}}",
    "@article{doe2020, author = {Doe}, title = , year = {2020}}",
    "@article{doe2020, author = {Doe}, title = {T}, year = {2020}} trailing",
    "@article{a1, author={D}, title={T}, year={2020}}\n@article{a2, author={D}, title={T}, year={2020}}",
    "@comment{doe2020, author = {Doe}, title = {T}, year = {2020}}",
    '@article{doe2020, author = "Doe, title = {T}, year = {2020}}',
    "@article{",
    "@",
    "{}",
    "=" * 50,
    "@article{doe2020," + "{" * 500,
]


@pytest.mark.parametrize("text", WRONG, ids=range(len(WRONG)))
def test_what_is_no_entry_is_shown_as_it_is_and_opens_no_entry(text):
    found = publication(text)
    assert not found.parsed and found.text == found.cited == " ".join(text.split()) and found.link == ""
    assert "@" not in found.bibtex() and found.bibtex().startswith("% ") and found.bibtex().count("\n") == 1


@pytest.mark.parametrize(
    ("fields", "link"),
    [
        ("doi={10.1/x}", "https://doi.org/10.1/x"),
        ("doi={https://doi.org/10.1/x}, url={https://a.b}", "https://doi.org/10.1/x"),
        ("url={https://a.b/c}", "https://a.b/c"),
        ("url={javascript:alert(1)}", ""),
        ("doi={javascript:alert(1)}", ""),
        ("url={data:text/html;x}", ""),
    ],
)
def test_only_dois_and_web_addresses_are_links(fields, link):
    assert publication(f"@misc{{a, author={{D}}, title={{T}}, year=2020, {fields}}}").link == link


def report_of(tmp_path, citations):
    directory = write_record(tmp_path / "run", individuals=1)
    study = json.loads((directory / "study.json").read_text())
    (directory / "study.json").write_text(json.dumps({**study, "citations": citations}))
    return write_report([directory]).read_text(), (directory / "references.bib").read_text(), directory


@pytest.fixture
def timeline_only(monkeypatch):
    from lifespan.report import figures

    monkeypatch.setattr(figures, "FIGURES", {"timeline": figures.FIGURES["timeline"]})


def test_hostile_and_broken_citations_are_escaped_and_break_nothing(tmp_path, timeline_only):
    html, bib, directory = report_of(
        tmp_path,
        {
            "evil:A": "<script>alert(1)</script>",
            "evil:B": '@misc{b1, author={<b>Doe</b>, J.}, title={"><img src=x>}, year={2020}, url={javascript:alert(1)}}',
            "evil:C": "@article{broken, author = {",
            "evil:D": 5,
            "evil:E": "  ",
            "evil:F": "gale2019state",
            "evil:Score": "unknown2020key",
        },
    )
    assert "<script>alert" not in html and "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<img" not in html and 'href="javascript' not in html and "&lt;b&gt;Doe&lt;/b&gt;" in html
    assert "@article{broken, author = {" in html and "unknown2020key" in html
    entries = re.findall(r"^@\w+\{([\w:-]+),", bib, flags=re.MULTILINE)
    assert "b1" in entries and "gale2019state" in entries and "broken" not in entries
    assert "<script" not in (directory / "methods.md").read_text()


@pytest.mark.parametrize("citations", [None, 5, [], "x", {"a": None}, {}])
def test_records_without_citations_are_reported(tmp_path, citations, timeline_only):
    assert "References" in report_of(tmp_path, citations)[0]


def test_one_key_stands_once_in_the_file_and_equal_texts_once_in_the_list():
    entry = "@misc{a, author={D}, title={T}, year=2020}"
    other = "@misc{a, author={E}, title={U}, year=2021}"
    keys, own = brought([{"citations": {"x:A": entry, "x:B": f" {entry}\n", "x:C": other, "lifespan:D": "x"}}])
    assert keys == set() and [work.cited for work in own] == ["D, 2020", "E, 2021"]
    assert bibliography(own) == entry + "\n"


def test_an_entry_with_a_key_of_this_package_is_this_packages():
    text = "@article{gale2019state, author={X}, title={T}, year=2020}"
    assert brought([{"citations": {"x:A": text}}]) == ({"gale2019state"}, [])
    assert "gale2019state" in REFERENCES


def test_a_class_of_another_package_is_not_taken_for_a_namesake():
    scenario = {"class": "lifespan:Scenario", "events": [{"class": "other:Masks"}]}
    assert cited_by([scenario]) == [] and cited_by([{"class": "lifespan:Masks"}]) != []


def test_citations_are_found_wherever_a_spec_is_held(deafness):
    from lifespan.record.manifest import citations_of

    study = Study(name="x", groups={"a": Scenario(name="a", subject=TINY, events=(Suffer(deafness()),))})
    assert list(citations_of(study)) == ["lifespan_deafness:Deafness"]
