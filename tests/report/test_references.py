"""The publications: one strict BibTeX file, nothing in it for nothing, and the schedule only where it was followed."""

from __future__ import annotations

import json
from importlib import resources

import pytest

import lifespan
from lifespan import Age, Magnitude, Recover, Regrow, accelerating, at_once, gradually, normative, steadily
from lifespan.contracts.spec import as_data
from lifespan.errors import LifespanError
from lifespan.report import citations, references
from lifespan.report.references import REFERENCES, bibliography, cited_by, parsed

TWO = """\
@article{adams1979guide,
  author = {Adams, Douglas},
  title = {{The Guide}},
  journal = {Megadodo 42},
  year = {1979},
  pages = {1--42},
  doi = {10.42/42}
}

@inproceedings{beeblebrox1980heart,
  author = {Beeblebrox, Zaphod and Prefect, Ford},
  title = {{A Heart of Gold}},
  booktitle = {Proceedings of Infinity},
  year = {1980}
}
"""


def test_the_file_stands_in_its_one_form():
    text = resources.files("lifespan.report").joinpath("references.bib").read_text(encoding="utf-8")
    assert bibliography(REFERENCES) == text
    assert list(REFERENCES) == sorted(REFERENCES)
    assert all(reference.link for reference in REFERENCES.values())


def test_every_publication_is_cited_by_something():
    classes = {getattr(getattr(lifespan, name), "citation", "") for name in lifespan.__all__}
    beside = {key for keys in references._BESIDE.values() for key in keys}
    report = {*citations.STATISTICS, *citations.FORGETTING, references._SCHEDULE, references._INSIDE}
    report |= {key for keys in citations.ANALYSES.values() for key in keys}
    assert beside | report <= set(REFERENCES)
    dead = set(REFERENCES) - classes - beside - report
    assert not dead, f"cite or remove from lifespan/report/references.bib: {sorted(dead)}"


def test_publications_beside_are_beside_known_classes():
    assert set(references._BESIDE) <= set(lifespan.__all__)


def test_entries_are_read_field_by_field():
    first, second = parsed(TWO).values()
    assert (first.key, first.kind, first.author, first.year) == ("adams1979guide", "article", "Adams, Douglas", 1979)
    assert (first.title, first.venue, first.pages, first.doi) == ("The Guide", "Megadodo 42", "1--42", "10.42/42")
    assert (second.venue, second.pages, second.link) == ("Proceedings of Infinity", "", "")
    assert second.cited == "Beeblebrox & Prefect, 1980"
    assert first.bibtex() + "\n" + second.bibtex() == TWO


@pytest.mark.parametrize(
    ("right", "wrong", "line", "said"),
    [
        ("@article{", "@book{", 1, "must open an entry"),
        ("@inproceedings{", "\n@inproceedings{", 10, "one empty line, then '@article{key,' or '@inproceedings{key,'"),
        ("adams1979guide", "Guide", 1, "with a key like 'zhu2017prune'"),
        ("beeblebrox1980heart", "adams1979guide", 10, "each key stands once"),
        ("beeblebrox1980heart", "aaa1980heart", 10, "in alphabetical order, and 'adams1979guide' came before"),
        ("  year = {1979}", "\tyear = {1979}", 5, "a field must read '  name = {value},'"),
        ("{1979}", '"1979"', 5, "a field must read '  name = {value},'"),
        ("{1--42}", "{1--42 }", 6, "no further brace or outer space"),
        ("Adams, Douglas}", "Adams, {Douglas}}", 2, "no further brace or outer space"),
        ("  pages", "  note", 6, "'@article' has author, title, journal, year, and perhaps pages and doi or url"),
        ("journal", "booktitle", 4, "'@article' has author, title, journal, year"),
        ("  pages = {1--42}", "  year = {1979}", 6, "each once"),
        ("  year = {1980}\n", "", 10, "the entry lacks year"),
        ("{1980}", "{soon}", 10, "the entry lacks a year in digits"),
        ("{{The Guide}}", "{The Guide}", 3, "has '  title = {{The Guide}},'"),
        ("{1979},", "{1979}", 5, "has '  year = {1979},'"),
        ("{1980}\n", "{1980},\n", 14, "has '  year = {1980}'"),
        ("  doi = {10.42/42}", "  doi = {10.42/42},\n  url = {https://a.b}", 7, "has '  doi = {10.42/42}'"),
        ("{1980}\n}", "{1980}\n)", 15, "has '}'"),
    ],
)
def test_anything_else_is_refused_with_its_line(right, wrong, line, said):
    assert TWO.count(right) == 1
    with pytest.raises(LifespanError) as refused:
        parsed(TWO.replace(right, wrong))
    assert str(refused.value).startswith(f"references.bib, line {line}: ") and said in str(refused.value)


def aged(sparsity):
    return Age(to=sparsity, by=Magnitude()), Recover(steps=3)


def schedule_cited(*events):
    scenario = {"class": "lifespan:Scenario", "events": json.loads(json.dumps(as_data(events)))}
    return "zhu2017prune" in cited_by([{}, scenario])


@pytest.mark.parametrize(
    "events",
    [
        gradually(to=0.6, in_steps=2, each=aged),
        gradually(to=0.9, in_steps=50, each=aged),
        (*aged(0.3), *gradually(to=0.7, start=0.3, in_steps=4, each=aged)),
        (*gradually(to=0.5, in_steps=3, each=aged), *aged(0.8)),
        normative(each=aged, by=Magnitude(), grow=lambda share: Regrow(severity=share)),
        # One treatment of the default severity, which data leaves out.
        normative(each=aged, by=Magnitude(), grow=lambda share: Regrow(severity=share), start=0.2, growing=1, in_steps=2),
    ],
    ids=["two", "fifty", "after-a-loss", "before-a-loss", "normative", "normative-default"],
)
def test_ageing_along_the_cubic_schedule_cites_it(events):
    assert schedule_cited(*events)


@pytest.mark.parametrize(
    "events",
    [
        at_once(to=0.6, each=aged),
        gradually(to=0.6, in_steps=1, each=aged),
        steadily(to=0.6, in_steps=6, each=aged),
        accelerating(to=0.6, in_steps=6, each=aged),
        (*aged(0.35), *aged(0.6)),
        (*aged(0.5), *aged(0.5), *aged(0.5)),
        (*gradually(to=0.6, in_steps=3, each=aged)[:2], *aged(0.6 * (1 - 1 / 27) - 1e-6), *aged(0.6)),
    ],
    ids=["at-once", "one-step", "steadily", "accelerating", "two-ages", "no-loss", "near"],
)
def test_other_ageing_does_not_cite_the_schedule(events):
    assert not schedule_cited(*events)


def test_an_age_without_its_sparsity_cites_no_schedule():
    assert cited_by([{"class": "lifespan:Scenario", "events": [{"class": "lifespan:Age"}] * 3}]) == []
