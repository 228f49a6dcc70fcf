"""The methods say what differed between individuals and what did not."""

from dataclasses import replace

import pytest
from synthetic import write_record

from lifespan.analysis.analysis import Analysis
from lifespan.report import findings, methods
from lifespan.report.variation import is_resampled, population_note, variation

FOREIGN = {"class": "elsewhere.models:Own", "revision": 1}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return Analysis(write_record(tmp_path_factory.mktemp("varied") / "run")).cohort


def changed(cohort, subject=None, drawn=()):
    other = {"subject": subject} if subject else {}
    groups = {name: {**group, "scenario": {**group["scenario"], **other}} for name, group in cohort.groups.items()}
    spec = {"class": "lifespan:Glue", "revision": 1, "train_examples": 200}
    specs = {title: {**spec, **({"resample": True} if title in drawn else {})} for title in cohort.tasks}
    tasks = {title: {**task, "spec": specs[title]} for title, task in cohort.tasks.items()}
    return Analysis(replace(cohort, groups=groups, tasks=tasks))


def test_random_initialisation_varies_and_shared_rows_do_not(cohort):
    varied, same = variation(changed(cohort))
    assert "the initial weights (Micro())" in varied and "the words masked in development" in varied and "rows" not in varied
    assert "the training rows of mrpc and rte and the rows that are scored" in same and "checkpoint" not in same
    assert population_note(changed(cohort)) == ""


def test_a_checkpoint_and_drawn_rows_are_told_apart(cohort):
    from lifespan import MiniLM

    subject = MiniLM().to_data()
    varied, same = variation(changed(cohort, subject, drawn=["rte"]))
    assert "the training rows of rte, drawn for each individual by its seed" in varied and "initial weights (" not in varied
    assert "the weights at birth of MiniLM(), one checkpoint each" in same and "the training rows of mrpc and" in same
    note = population_note(changed(cohort, subject))
    assert note == (
        "All individuals of MiniLM() begin with one checkpoint and learn from the same training rows: n counts seeds of what "
        "came after it, not models or samples of data."
    )
    assert note in findings.sample_size_notes(changed(cohort, subject))
    assert "training rows" not in population_note(changed(cohort, subject, drawn=["rte"]))


def test_a_subject_that_cannot_be_found_again_is_not_guessed(cohort):
    varied, _ = variation(changed(cohort, FOREIGN))
    assert "as far as Own draws them (the record does not say)" in varied


def test_a_task_inside_another_counts(cohort):
    assert is_resampled({"spec": {"class": "lifespan:Items", "task": {"class": "lifespan:Glue", "resample": True}}})
    assert not is_resampled({"spec": {"class": "lifespan:Glue"}}) and not is_resampled({})


def test_the_methods_text_has_it(cohort):
    (design, *_), analysis = methods.paragraphs(changed(cohort), []), changed(cohort)
    assert variation(analysis)[0] in design[1]
