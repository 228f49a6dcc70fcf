"""The joint reference of continual learning, as groups of a study."""

from __future__ import annotations

from dataclasses import replace

from lifespan.errors import ScenarioError
from lifespan.study.events import Event, Learn, Probe
from lifespan.study.scenario import Scenario


def joint_twins(scenario: Scenario, *, look: Probe) -> dict[str, Scenario]:
    """Groups in which the first k tasks of a life are learned together, for k = 2 to all of them.

    Add them to a study: `groups={"life": life, **joint_twins(life, look=Probe(Score()))}`.

    Each lives what stands before the first task is learned, then learns tasks 1 to k jointly by the k-th task's own recipe
    (steps as all take alone), and is probed by `look`. They are what intransigence compares with (Chaudhry et al. 2018):
    a*_k is the k-th task's score there. Names: "joint 2", "joint 3", ... Raises `ScenarioError` for a life of fewer than two
    tasks.

    >>> from lifespan import Micro, MicroTask, Score, Weights
    >>> by = Weights(steps=10)
    >>> school = tuple(Learn(MicroTask(name), by=by) for name in ("sentiment", "entailment"))
    >>> twins = joint_twins(Scenario(name="life", subject=Micro(), events=school), look=Probe(Score()))
    >>> [event.label for event in twins["joint 2"].events]
    ['learn micro-entailment with micro-sentiment', 'probe']
    """
    learned: list[Learn] = []
    before: list[Event] = []
    for event in scenario.events:
        if isinstance(event, Learn):
            if event.task.title not in {known.task.title for known in learned}:
                learned.append(event)
        elif not learned:
            before.append(event)
    if len(learned) < 2:
        rule = f"learns {len(learned)} task(s); there is something to learn jointly from two on."
        raise ScenarioError(f"joint_twins({scenario.name!r})", rule, "Give a life with two Learn events or more.")
    twins = {}
    for k in range(2, len(learned) + 1):
        last = learned[k - 1]
        together = replace(last, also=tuple(event.task for event in learned[: k - 1]))
        twins[f"joint {k}"] = replace(scenario, name=f"joint-{k}", events=(*before, together, look))
    return twins
