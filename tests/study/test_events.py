"""What an event says of itself: whether it trains, its colour, its cost. An event of somebody else's says it, too."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from conftest import TASKS, TINY

from lifespan import (
    Age,
    Develop,
    HeadLoss,
    Learn,
    Magnitude,
    Masks,
    MicroText,
    Probe,
    Recover,
    Scenario,
    Score,
    Study,
    Suffer,
    UnstableOptimizer,
    Weights,
)
from lifespan.contracts import Task
from lifespan.errors import ScenarioError
from lifespan.execution.estimate import estimate
from lifespan.report.figures import timeline
from lifespan.study.costs import Gauge, Sizes, Work
from lifespan.study.events import Birth, Event, colors
from lifespan.study.plan import compile_study

SIZES = Sizes(parameters=1000, synapses=800, width=10)


@dataclass(frozen=True, kw_only=True)
class Nap(Event):
    """Somebody else's event: rest for some steps."""

    trains = True
    color = "#123456"

    steps: int = 7

    def work(self, met: Sequence[Task], gauge: Gauge) -> Work:
        return Work(self.steps, 2 * self.steps, 100.0, overhead=0.5)

    def stored(self, met: Sequence[Task], sizes: Sizes) -> int:
        return sizes.masks + len(met)


class Counting:
    """Four examples of 5 tokens, whatever is asked."""

    def task_tokens(self, task, split, length):
        return 4, 5.0

    def corpus_tokens(self, corpus, length):
        return 4, 5.0


def test_colours_are_those_of_the_classes():
    found = colors()
    assert found["Birth"] == Birth.color == "#949494" and found["Learn"] == "#029e73" and found["Treat"] == "#cc78bc"
    assert list(found)[:7] == ["Birth", "Develop", "Learn", "Age", "Recover", "Suffer", "Treat"]
    assert found["Nap"] == "#123456" and "Probe" not in found
    assert timeline.colors is colors


def test_a_strange_event_is_planned_by_what_it_says():
    events = (Learn(TASKS[0], by=Weights(steps=2)), Nap(), Probe(Score(), every=2))
    study = Study(name="nap", groups={"one": Scenario(name="one", subject=TINY, events=events)})
    plan = compile_study(study, precision="fp32")
    cost = estimate(plan).nodes[plan.lives[0].steps[-1].digest]
    synapses = TINY.size()["synapses"]
    assert (cost.optimizer_steps, cost.examples, cost.bytes) == (7, 14, synapses // 8 + 1)
    assert cost.seconds > 7 * 0.5
    assert "background:#123456cc" in study._repr_html_()


def test_a_look_inside_needs_an_event_that_trains():
    with pytest.raises(ScenarioError, match="which is no Develop, Learn or Recover"):
        Scenario(
            name="one",
            subject=TINY,
            events=(Learn(TASKS[0], by=Weights()), Age(to=0.5, by=Magnitude()), Probe(Score(), every=2)),
        )


@pytest.mark.parametrize(
    ("event", "steps", "examples", "tokens", "stored"),
    [
        (Develop(MicroText(), steps=3, batch_size=2), 3, 6, 30.0, 4000),
        (Develop(MicroText(), steps=3, batch_size=2, by=Masks()), 3, 6, 30.0, 100),
        (Learn(TASKS[0], by=Weights(steps=6, batch_size=3)), 6, 12, 60.0, 4000 + 4 * 132),
        (Learn(TASKS[0], by=Masks(steps=6, batch_size=3)), 6, 12, 60.0, 100 + 4 * 132),
        (Recover(steps=4, by=Weights(batch_size=4)), 4, 16, 80.0, 100 + 8 * 132),
        (Age(to=0.5, by=Magnitude()), 0, 0, 0.0, 100),
        (Suffer(HeadLoss()), 0, 0, 0.0, 4000),
        (Suffer(UnstableOptimizer()), 0, 0, 0.0, 0),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Event) else str(value),
)
def test_costs_by_hand(event, steps, examples, tokens, stored):
    """Heads of two classes at width 10: 10 x 11 + 2 x 11 parameters of 4 bytes."""
    work = event.work(TASKS, Counting())
    assert (work.optimizer_steps, work.examples, work.tokens) == (steps, examples, tokens)
    assert event.stored(TASKS, SIZES) == stored
    assert event.trains == (steps > 0)
