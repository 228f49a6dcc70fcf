"""Training rows drawn for each individual: by its seed, the same in all its lives, and without a trace where not asked for."""

from dataclasses import dataclass, replace

import pytest
from conftest import TINY, weights

from lifespan import (
    Age,
    FreshTask,
    Glue,
    Items,
    Learn,
    Magnitude,
    MicroTask,
    Probe,
    Recover,
    Rehearsal,
    Scenario,
    Score,
    Study,
    TableTask,
    TaskText,
    TokenTask,
    read,
    simulate,
)
from lifespan.errors import DataError, ScenarioError
from lifespan.execution.individuals import own_rows, own_step
from lifespan.record.store import Store
from lifespan.study.plan import compile_study
from lifespan.training.loop import Interrupted

DRAWN = MicroTask("sentiment", train_examples=32, eval_examples=16, resample=True)
FIXED = MicroTask("entailment", train_examples=32, eval_examples=16)


def rows(task, seed, split="train"):
    return task.of_individual(seed).examples(split).first


def of_every_kind(tmp_path):
    lines = [f"word{number} good\t{number % 2}" for number in range(30)]
    (tmp_path / "table.tsv").write_text("\n".join(["text\tlabel", *lines]))
    (tmp_path / "tags.txt").write_text("\n\n".join(f"word{number} {'O' if number % 2 else 'B-X'}" for number in range(30)))
    return [
        DRAWN,
        TableTask(tmp_path / "table.tsv", name="table", first="text", train_examples=8, resample=True),
        TokenTask(tmp_path / "tags.txt", name="tags", train_examples=8, resample=True),
    ]


def test_twins_draw_the_same_rows_and_others_others_whatever_the_kind_of_task(tmp_path):
    for task in of_every_kind(tmp_path):
        assert rows(task, 3) == rows(task, 3) != rows(task, 4), task
        assert len(rows(task, 3)) == task.train_examples and set(rows(task, 3)) <= set(task.load("train").first)
        assert rows(task, 3, "dev") == rows(task, 4, "dev") == task.examples("dev").first, task


def test_draws_are_nested_and_cover_the_population():
    more = replace(DRAWN, train_examples=64)
    assert set(rows(DRAWN, 5)) <= set(rows(more, 5))
    everything = set(DRAWN.load("train").first)
    assert DRAWN.population().first == DRAWN.load("train").first
    assert set().union(*(rows(replace(DRAWN, train_examples=400), seed) for seed in range(40))) == everything


def test_the_inner_task_of_items_is_drawn():
    task = Items(DRAWN, share=0.5)
    one, other = task.of_individual(1), task.of_individual(2)
    assert set(one.examples("treated").first) | set(one.examples("untreated").first) == set(rows(DRAWN, 1))
    assert one.examples("treated").first != other.examples("treated").first
    with pytest.raises(ScenarioError, match="inner task's business"):
        Items(FIXED, resample=True)


def test_wherever_a_task_stands_in_a_spec_it_is_the_individuals():
    learn = own_rows(Learn(FIXED, also=(DRAWN,), by=weights(2)), 7)
    assert learn.task is FIXED and learn.also[0].examples("train").first == rows(DRAWN, 7)
    assert own_rows(TaskText(DRAWN), 7).passages() == list(rows(DRAWN, 7))
    assert own_rows(Probe(FreshTask(DRAWN, by=weights(2))), 7).measures[0].task.examples("train").first == rows(DRAWN, 7)
    plain = Learn(FIXED, by=weights(2))
    assert own_rows(plain, 7) is plain


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda: MicroTask("sentiment", resample=True), ScenarioError, "none are given. Say how many rows"),
        (lambda: replace(DRAWN, resample="yes"), ScenarioError, "must be True or False"),
        (lambda: replace(DRAWN, train_examples=10**6).examples("train"), DataError, "every individual would draw the same"),
    ],
)
def test_what_cannot_be_drawn_is_refused(make, error, said):
    with pytest.raises(error, match=said):
        make()


def school(task=DRAWN, name="life"):
    return Scenario(name=name, subject=TINY, events=(Learn(task, by=weights(6)), Probe(Score()), Probe(Score(split="train"))))


def digests(task, individuals=1):
    plan = compile_study(Study(name="s", groups={"one": school(task)}, individuals=individuals), precision="fp32")
    return [step.digest for life in plan.lives for step in life.steps]


def test_a_digest_changes_only_where_rows_are_resampled():
    """Those of tasks that are not were written down before there was such an argument: see tests/golden."""
    shared = replace(DRAWN, resample=False)
    assert "resample" not in shared.to_data() and DRAWN.to_data()["resample"] is True
    assert digests(shared)[0] == digests(DRAWN)[0] and digests(shared)[1] != digests(DRAWN)[1]
    plan = compile_study(Study(name="s", groups={"one": school(DRAWN)}), precision="fp32")
    step = plan.lives[0].steps[-1]
    assert own_step(step).digest == step.digest and own_step(step).event.to_data() == step.event.to_data()


@dataclass(frozen=True, kw_only=True)
class Given(MicroTask):
    """A task whose training rows are those that one individual draws."""

    seed: int = 0

    def load(self, split):
        return DRAWN.of_individual(self.seed).examples("train") if split == "train" else super().load(split)


def ends(directory):
    steps = read(directory).steps().query("step == 1").set_index(["group", "individual"])
    return {key: Store(directory / "store").node(row["digest"])["blobs"] for key, row in steps.iterrows()}


def scores(directory):
    table = read(directory).measurements().query("probe == 'Score'")
    return table.set_index(["group", "individual", "split", "metric"])["value"]


def test_each_individual_learns_from_its_own_rows_bit_for_bit(tmp_path):
    """As from a task that holds these rows alone; twins of two groups from the same."""
    groups = {"one": school(), "other": school().with_events(after=1, add=Age(to=0.2, by=Magnitude()))}
    simulate(Study(name="drawn", groups=groups, individuals=2, seed=1), tmp_path / "drawn")
    found = ends(tmp_path / "drawn")
    assert found["one", 0] == found["other", 0] and found["one", 0] != found["one", 1]
    for individual in range(2):
        alone = school(Given("sentiment", eval_examples=16, seed=1 + individual))
        simulate(Study(name="given", groups={"one": alone}, seed=1 + individual), tmp_path / f"given{individual}")
        assert ends(tmp_path / f"given{individual}")["one", 0] == found["one", individual]
        drawn, given = scores(tmp_path / "drawn"), scores(tmp_path / f"given{individual}")
        for split in ("dev", "train"):
            assert drawn["one", individual, split, "accuracy"] == given["one", 0, split, "accuracy"]


def test_a_resampled_life_that_was_killed_goes_on_with_the_same_bits(tmp_path):
    """Rehearsal and recovery come back to rows of earlier events, by their places."""
    replay = Rehearsal(size=16)
    events = (
        Learn(DRAWN, by=weights(6), against_forgetting=replay),
        Learn(FIXED, by=weights(6), against_forgetting=replay),
        Age(to=0.3, by=Magnitude()),
        Recover(steps=6),
        Probe(Score()),
    )
    study = Study(name="killed", groups={"one": Scenario(name="life", subject=TINY, events=events)}, individuals=2)
    simulate(study, tmp_path / "whole", threads=1)
    for stop in (3, 9, 14):
        asked = iter([False] * stop + [True])
        with pytest.raises(Interrupted):
            simulate(study, tmp_path / "killed", threads=1, every=2, should_stop=lambda asked=asked: next(asked, True))
    simulate(study, tmp_path / "killed", threads=1, every=2)
    read_both = [(tmp_path / name / "measurements.jsonl").read_bytes() for name in ("whole", "killed")]
    assert read_both[0] == read_both[1]
    assert set(read(tmp_path / "killed").participants()["status"]) == {"done"}


def test_the_record_says_how_many_rows_each_drew_from_how_many(tmp_path):
    simulate(Study(name="told", groups={"one": school()}, individuals=2), tmp_path)
    study = read(tmp_path).study
    facts = study["data_checks"]["learned"][DRAWN.title]
    assert facts["rows"]["train"] == 32 and facts["drawn_from"] == len(DRAWN.load("train"))
    assert study["tasks"][DRAWN.title]["whole"]["resample"] is True


def test_glue_may_be_drawn_too():
    assert Glue("rte", train_examples=8, resample=True).to_data()["resample"] is True
