"""Hypotheses and designs as part of a study: what is refused where it is typed, and that they change no digest."""

from dataclasses import replace

import pytest
from planted import ENTAILMENT, SENTIMENT, study

from lifespan import (
    Hypothesis,
    Quantity,
    Sequential,
    UserError,
    equivalent,
    falling,
    non_inferior,
    ordered,
    rising,
    superior,
)
from lifespan.contracts.spec import digest_of
from lifespan.record.manifest import describe_study
from lifespan.record.specs import rebuilt
from lifespan.study.plan import compile_study

GROUPS = ("head", "masks", "weights")
HYPOTHESES = (
    superior("masks", over="head", margin=0.05),
    non_inferior("masks", to="weights", margin=0.03, assay=superior("weights", over="head")),
    equivalent("masks", "weights", margin=0.03, tasks=(SENTIMENT,), scale="raw", secondary=True),
    ordered("head", "masks", "weights"),
    rising({"head": 0, "masks": 0.5, "weights": 1}),
    falling({"weights": 0, "head": 1}, metric="accuracy", tasks=(ENTAILMENT,)),
)


def test_neither_hypotheses_nor_a_design_change_a_digest_or_the_tree():
    plain = study(*GROUPS)
    asked = study(*GROUPS, hypotheses=HYPOTHESES, design=Sequential(looks=(6, 10)))
    assert plain.digest() == asked.digest()
    plans = [compile_study(one, precision="fp32") for one in (plain, asked)]
    assert list(plans[0].nodes) == list(plans[1].nodes)
    said = [describe_study(plan, ["lifespan"], 1, {}) for plan in plans]
    assert said[0] == {name: value for name, value in said[1].items() if name not in ("hypotheses", "design")}
    assert said[0]["digest"] == digest_of([plain.to_data(), "fp32"])


def test_a_record_holds_hypotheses_whole_and_they_come_back():
    asked = study(*GROUPS, hypotheses=HYPOTHESES, design=Sequential(looks=(6, 10), bounds="pocock"))
    said = describe_study(compile_study(asked, precision="fp32"), ["lifespan"], 1, {})
    assert tuple(rebuilt(each, Hypothesis, "study.json") for each in said["hypotheses"]) == HYPOTHESES
    assert rebuilt(said["design"], Sequential, "study.json") == asked.design
    assert said["hypotheses"][0]["first"]["reading"] == "last", "defaults are written out"


def test_fractions_are_shares_of_the_last_look():
    assert Sequential(looks=(10, 16)).fractions == (0.625, 1.0)
    assert study("a", design=Sequential(looks=(4, 10))).looks == (4, 10) and study("a", individuals=7).looks == (7,)


def of(group, **settings):
    return Quantity((group,), **settings)


@pytest.mark.parametrize(
    ("hypothesis", "said"),
    [
        (
            lambda: superior("maks", over="head"),
            r"'maks above head': there is no group 'maks'. Did you mean 'masks'",
        ),
        (lambda: superior("masks", over="head", tasks=("sentiment",)), r"learn no task 'sentiment'. Did you mean 'micro-sent"),
        (lambda: superior("masks", over="head", probe="Scor"), r"group 'masks' has no probe 'Scor'. Did you mean 'Score'"),
        (lambda: superior("masks", over="head", metric="acuracy"), r"has no metric 'acuracy'. Did you mean 'accuracy'"),
        (lambda: superior("masks", over="head", scale="raw"), r"averages the raw scores of 2 tasks.*tasks=\(...,\)"),
        (lambda: superior("masks", over="head", assay=superior("x", over="head")), r"there is no group 'x'"),
        (lambda: superior(of("masks", minus=of("y")), over="head"), r"there is no group 'y'"),
        (lambda: non_inferior("masks", to="head", margin=0.0), r"margin=0 must be above 0"),
        (lambda: Hypothesis("x", of("masks"), of("head"), positive_control=True), r"positive_control=True is for claims"),
        (lambda: Hypothesis("x", of("masks"), of("head"), post_hoc=True), r"The record knows when"),
        (lambda: "masks above head", r"holds 'masks above head', no Hypothesis. For example: superior"),
    ],
)
def test_a_hypothesis_that_the_study_cannot_answer_is_refused(hypothesis, said):
    with pytest.raises(UserError, match=said):
        study(*GROUPS, hypotheses=(hypothesis(),))


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: ordered("old"), r"two or more groups.*For example: ordered\("),
        (lambda: ordered("old", "old"), r"each named once"),
        (lambda: rising("old"), r"takes the dose of each group.*rising\(\{"),
        (lambda: rising({"a": 1, "b": 1}), r"Give each group a number of its own"),
        (lambda: Hypothesis("x", Quantity(("a", "b")), None, "rising"), r"has 2 groups and doses=\(\)"),
        (
            lambda: superior("a", over="b", assay=equivalent("a", "b", margin=0.1)),
            r"assay must be a hypothesis of super",
        ),
        (lambda: superior(of("a"), over="b", metric="f1"), r"metric cannot be given beside a Quantity"),
        (lambda: of("a", scale="log"), r"scale='log' is not known"),
        (lambda: Sequential(looks=(10, 10)), r"must be rising numbers of individuals. For example: looks=\(10, 16\)"),
        (lambda: Sequential(looks=(10,), bounds="obrien"), r"Did you mean 'obrien-fleming'"),
        (lambda: study("a", individuals=20, design=Sequential(looks=(10, 16))), r"20 individuals, but the last look is at 16"),
        (lambda: study("a", hypotheses=[superior("a", over="a")]), r"is no tuple. Write a tuple"),
        (lambda: study("a", "b", hypotheses=(superior("a", over="b"),) * 2), r"two hypotheses are described as 'a above b'"),
    ],
)
def test_a_mistake_is_said_where_it_is_written(made, said):
    with pytest.raises(UserError, match=said):
        made()


def test_more_individuals_than_looks_are_refused_from_the_command_line_too():
    asked = study("a", "b", hypotheses=(superior("a", over="b"),), design=Sequential(looks=(4, 10)))
    with pytest.raises(UserError, match="the last look is at 10"):
        replace(asked, individuals=11)
