"""The open families: the few interfaces that methods implement. Read this folder first.

A method is one small final class in one file that implements one of these interfaces:

    Origin    where a subject comes from         -> a model and its tokenizer               (data.py)
    Task      labelled sentences or pairs        -> Examples of a split                     (data.py)
    Corpus    unlabelled text                    -> passages                                (data.py)
    Head      what a task's answer is            -> layers, loss, decoding                   (head.py)
    Objective what a development predicts        -> labels of batches, a loss                (objective.py)
    Learner   one kind of plasticity             -> a Plasticity, which the loop steps      (learning.py)
    Pruner    which synapses should live         -> masks, which the executor applies       (learning.py)
    Disorder  a perturbation with a severity     -> changes through a narrow set of hooks   (disorder.py; treatments too)
    Strategy  against forgetting                 -> a Guard, which the loop calls each step (strategy.py)
    Measure   a measurement of one subject       -> Readings, changing nothing              (measure.py)
    Contrast  a comparison of two subjects       -> Readings, changing nothing              (measure.py)

Every one is a `Spec` (spec.py): a frozen dataclass whose arguments are its configuration. Modules of the families import
torch inside their methods, so that a scenario can be read, planned and checked without it.
"""

from lifespan.contracts.data import Body, Corpus, Examples, Moment, Origin, Passage, Task, sequences, thinning
from lifespan.contracts.disorder import AETIOLOGIES, Course, Disorder, Regimen
from lifespan.contracts.head import Answered, ClassHead, Head, ScoreHead
from lifespan.contracts.learning import Learner, Plasticity, Pruner
from lifespan.contracts.length import STANDARD_LENGTH
from lifespan.contracts.measure import Bulk, Contrast, Effort, Meaning, Measure, Reading
from lifespan.contracts.objective import Objective, Predicted, Source
from lifespan.contracts.strategy import Guard, Lesson, Strategy

__all__ = [
    "AETIOLOGIES",
    "STANDARD_LENGTH",
    "Answered",
    "Body",
    "Bulk",
    "ClassHead",
    "Contrast",
    "Corpus",
    "Course",
    "Disorder",
    "Effort",
    "Examples",
    "Guard",
    "Head",
    "Learner",
    "Lesson",
    "Meaning",
    "Measure",
    "Moment",
    "Objective",
    "Origin",
    "Passage",
    "Plasticity",
    "Predicted",
    "Pruner",
    "Reading",
    "Regimen",
    "ScoreHead",
    "Source",
    "Strategy",
    "Task",
    "sequences",
    "thinning",
]
