"""What a measure declares reaches outcomes, tables, figures and sentences: planted rows, and a life with one of one's own."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

import numpy as np
import pytest
from conftest import tiny_life
from synthetic_looks import GROUPS, INDIVIDUALS, STAGES, write_looks

from lifespan import Meaning, Measure, Probe, Reading, Scenario, Study, read, simulate
from lifespan.analysis.analysis import Analysis
from lifespan.errors import ScenarioError
from lifespan.record import record
from lifespan.record.declarations import Declared, built_in
from lifespan.report import figures, findings

LAST = len(STAGES) - 1
SLUMBER = {
    "class": "sleep_lab:Slumber",
    "meaning": "How deep the sleep is.",
    "metrics": [
        asdict(Meaning("depth", "slow waves per minute", "[0, inf)", "above 10", "1/min", "lower", "depth of sleep")),
        asdict(Meaning("*@rest", "score after rest", "the metric's own", "high", "", "higher", "rested")),
        asdict(Meaning("wave/*", "power of one wave", "[0, 1]", "-", "", "neither", "wave")),
        asdict(Meaning("noise", "what is not looked at", "[0, 1]", "-")),
    ],
}
ELSEWHERE = {"healthy": 0.7, "ill": 0.5}
DEPTH = {"healthy": 12.0, "ill": 9.0}


def planted(directory):
    """The synthetic record with a measure of another package, and the skill of a on data from elsewhere."""
    write_looks(directory)
    rows = []
    for group in GROUPS:
        for individual in range(INDIVIDUALS):
            talent = float(np.random.default_rng([3, individual]).normal(0, 0.01))
            who = {"study": "looks", "group": group, "individual": individual, "seed": individual}

            def add(step, probe, metric, value, task="", who=who):
                row = {**who, "step": step, "stage": STAGES[step][1], "age": 20 * step, "split": "dev", "n": 100}
                rows.append({**row, "probe": probe, "task": task, "metric": metric, "value": value})

            for step in (2, LAST):
                add(step, "Slumber", "depth", DEPTH[group] + talent - (step == 2))
                add(step, "Slumber", "noise", 0.5)
                for metric in ("f1@rest", "accuracy@rest"):
                    add(step, "Slumber", metric, 0.6 + talent, "a")
                for wave in ("slow", "fast"):
                    add(step, "Slumber", f"wave/{wave}", 0.3 + talent)
                add(step, "a on style", "accuracy", ELSEWHERE[group] + talent, "a")
                add(step, "a on style", "accuracy@long", ELSEWHERE[group] - 0.1 + talent, "a")
                add(step, "a on style", "consistency", ELSEWHERE[group] - 0.2 + talent, "a")
    with (directory / "measurements.jsonl").open("ab") as file:
        file.write(record.as_lines(rows))
    (directory / "dictionary.json").write_text(json.dumps({"probes": {"Slumber": SLUMBER}}))
    return directory


@pytest.fixture(scope="module")
def analysis(tmp_path_factory):
    return Analysis(planted(tmp_path_factory.mktemp("declared") / "run"))


def test_what_a_measure_of_others_declares_becomes_an_outcome_with_its_direction(analysis):
    table = analysis.outcome_comparisons.set_index("outcome")
    depth = table.loc["depth of sleep"]
    assert depth["difference"] == pytest.approx(-3.0, abs=1e-9) and depth["direction"] == -1
    assert table["direction"]["rested on a"] == 1 and table["direction"]["wave slow"] == 0
    assert {"wave slow", "wave fast"} <= set(table.index)
    assert not any("noise" in name for name in table.index)
    sentences = dict(findings.further_results(analysis))["All outcomes (exploratory)"]
    assert any(
        text.startswith("ill, depth of sleep: better than its twins in healthy (difference −3.000") for text in sentences
    )


def test_of_a_tasks_metrics_the_primary_one_is_the_outcome(analysis):
    assert set(analysis.outcomes[analysis.outcomes["outcome"] == "rested on a"]["step"]) == {LAST}
    assert (analysis.outcomes["outcome"] == "rested on a").sum() == len(GROUPS) * INDIVIDUALS


def test_measures_of_others_have_a_table_a_figure_and_sentences(analysis):
    means = analysis.own_measure_means.set_index(["name", "group"])
    assert means.loc[("depth of sleep", "ill"), "mean"] == pytest.approx(9.0, abs=0.02)
    assert means.loc[("depth of sleep", "ill"), "unit"] == "1/min"
    drawn = figures.FIGURES["own_measures"].draw(analysis)
    assert drawn is not None
    panels = [axes.get_title(loc="left") for axes in drawn[0].axes if axes.get_visible()]
    assert panels[0].startswith("depth of sleep \N{DOWNWARDS ARROW}") and drawn[0].axes[0].get_ylabel() == "1/min"
    assert len(panels) == drawn[1]["name"].nunique() == 6
    sentences = dict(findings.further_results(analysis))["The study's own measures"]
    start = "depth of sleep (slow waves per minute; in 1/min; range [0, inf); lower is better; good: above 10) was last 1"
    assert sentences[0].startswith(start)


def test_built_in_measures_are_not_among_the_studys_own(analysis):
    assert set(analysis.own_measures["probe"]) == {"Slumber"}


def test_out_of_domain_results_are_compared_with_those_in_domain(analysis):
    means = analysis.out_of_domain_means.set_index(["metric", "part", "group"])
    healthy = means.loc[("accuracy", "", "healthy")]
    assert healthy["mean"] == pytest.approx(0.7, abs=0.02) and healthy["in_domain"] == pytest.approx(0.9, abs=0.02)
    assert healthy["change"] == pytest.approx(-0.2, abs=0.02) and healthy["change_high"] < 0
    assert means.loc[("accuracy", "long", "ill"), "mean"] == pytest.approx(0.4, abs=0.02)
    assert np.isnan(means.loc[("consistency", "", "ill"), "change"])
    assert set(analysis.out_of_domain_scores["step"]) == {LAST}


def test_out_of_domain_results_have_a_figure_of_domain_parts_and_pairs(analysis):
    figure, table = figures.FIGURES["out_of_domain"].draw(analysis)
    rows = ["in domain", "out of domain", "long", "edited pairs, all right"]
    assert list(dict.fromkeys(table["row"])) == rows
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == rows
    drawn = table.set_index(["row", "group"])["mean"]
    assert drawn["in domain", "healthy"] == pytest.approx(0.9, abs=0.02)
    assert drawn["edited pairs, all right", "ill"] == pytest.approx(0.3, abs=0.02)


def test_out_of_domain_results_have_sentences_and_an_outcome(analysis):
    sentences = dict(findings.further_results(analysis))["Out of domain"]
    start = (
        "On style, out of its domain, the accuracy of the skill a is 0.701 in healthy (95% interval 0.692 to 0.710, n = 10; "
    )
    assert sentences[0].startswith(f"{start}0.199 lower than in domain, change 95% interval −0.217 to −0.186)")
    assert sentences[1].startswith("Of edited pairs in style, the skill a has every row right in a share of 0.")
    assert sentences[2] == "1 part of the data has a score of its own: see the figure and tables/out_of_domain.csv."
    table = analysis.outcome_comparisons.set_index("outcome")
    assert table["difference"]["out of domain (style) on a"] == pytest.approx(-0.2, abs=1e-9)


def test_records_that_do_not_say_what_is_declared_fall_back_on_the_built_in_classes(tmp_path):
    directory = planted(tmp_path / "run")
    (directory / "dictionary.json").unlink()
    analysis = Analysis(directory)
    names = set(analysis.outcomes["outcome"])
    assert {"under WeightNoise on a", "dormant units on b", "out of domain (style) on a"} <= names
    assert not any("sleep" in name for name in names) and analysis.own_measures.empty
    assert figures.FIGURES["own_measures"].draw(analysis) is None


@pytest.mark.parametrize(
    ("title", "kind", "metric", "outcome"),
    [
        ("Response to WeightNoise", "lifespan:Response", "accuracy@area", "under WeightNoise"),
        ("Pruned by Random(scope='layers')", "lifespan:Pruned", "f1@area", "pruned by Random(scope='layers')"),
        ("FreshTask rte", "lifespan:FreshTask", "learning_curve_area", "learning {task} afresh"),
        ("Perplexity micro-text", "lifespan:Perplexity", "perplexity", "perplexity micro-text"),
        ("Calibration", "lifespan:Calibration", "ece", "calibration error"),
        ("Calibration/during", "lifespan:Calibration", "ece", "calibration error"),
        ("mrpc on paws", "lifespan:OutOfDomain", "accuracy", "out of domain (paws)"),
        ("MaskOverlap since 3", "lifespan:MaskOverlap", "jaccard", ""),
    ],
)
def test_titles_of_older_records_name_the_built_in_class(title, kind, metric, outcome):
    found = built_in(title)
    assert found is not None and found.kind == kind
    assert found.of(metric)[0].outcome == outcome


@pytest.mark.parametrize("title", ["Training", "Injury/WeightNoise", "Strategy/EWC", "Slumber", "Learn", "read", "errors"])
def test_titles_of_no_built_in_measure_declare_nothing(title):
    assert built_in(title) is None


def test_the_first_meaning_that_fits_holds_and_brackets_are_text():
    declared = Declared("x:Y", "", (Meaning("*@*", "a part", "", ""), Meaning("[a]*", "brackets", "", "")))
    assert declared.of("f1@long")[0].meaning == "a part" and declared.of("f1@long")[1] == ("f1", "long")
    assert declared.of("[a]b")[0].meaning == "brackets" and declared.of("ab") is None


def test_a_direction_that_is_none_is_refused():
    with pytest.raises(ScenarioError, match=r"Meaning\('depth', better='hihger'\).*Did you mean 'higher'"):
        Meaning("depth", "m", "", "", better="hihger")
    with pytest.raises(ScenarioError, match="must be the outcome's name"):
        Meaning("depth", "m", "", "", outcome=True)


@dataclass(frozen=True, kw_only=True)
class Slumber(Measure):
    """How deep the sleep is."""

    meanings = (Meaning("depth", "slow waves", "[0, inf)", "above 1", "1/min", "higher", "depth of {about} sleep"),)

    @property
    def about(self) -> str:
        return "night"

    def effort(self, tasks):
        return ()

    def read(self, subject, tasks: Mapping, streams) -> Iterable[Reading]:
        yield Reading("depth", 2.0 + subject.sparsity, 1)


def test_a_measure_of_ones_own_goes_from_its_class_through_the_record_to_an_outcome(tmp_path):
    life = tiny_life()
    probed = Scenario(name="slept", subject=life.subject, events=(*life.events, Probe(Slumber())))
    simulate(Study(name="own", groups={"one": probed, "two": probed}, individuals=1), out=tmp_path / "run", threads=1)
    entry = read(tmp_path / "run").dictionary()["probes"]["Slumber"]
    assert entry["class"].endswith(":Slumber") and entry["meaning"] == "How deep the sleep is."
    assert entry["metrics"][0]["outcome"] == "depth of night sleep" and entry["metrics"][0]["better"] == "higher"
    analysis = Analysis(tmp_path / "run")
    assert "depth of night sleep" in set(analysis.outcomes["outcome"])
    assert figures.FIGURES["own_measures"].draw(analysis)[1]["value"].min() >= 2.0
