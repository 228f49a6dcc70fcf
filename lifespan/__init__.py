"""Lifespan simulates the life of a neural network: development, school, ageing, recovery, disorders, and probes all along."""

from lifespan.contracts import Corpus, Disorder, Examples, Learner, Measure, Origin, Plasticity, Pruner, Reading, Task
from lifespan.corpora import DatasetText, MicroText, TaskText, TextFiles
from lifespan.disorders import UnstableOptimizer, WeightNoise
from lifespan.errors import Diverged, LifespanError, UserError
from lifespan.learners import Both, HeadOnly, Masks, Rewire, Weights
from lifespan.probes import Score, Sparsity
from lifespan.pruning import Magnitude, Random
from lifespan.record import read
from lifespan.scenario import Age, Develop, Learn, Probe, Recover, Scenario, Study, Suffer, Treat, gradually
from lifespan.simulation import simulate
from lifespan.subjects import Micro, MiniLM, Pretrained
from lifespan.tasks import Glue, MicroTask, TableTask

__version__ = "0.1.0"

__all__ = [
    "Age",
    "Both",
    "Corpus",
    "DatasetText",
    "Develop",
    "Disorder",
    "Diverged",
    "Examples",
    "Glue",
    "HeadOnly",
    "Learn",
    "Learner",
    "LifespanError",
    "Magnitude",
    "Masks",
    "Measure",
    "Micro",
    "MicroTask",
    "MicroText",
    "MiniLM",
    "Origin",
    "Plasticity",
    "Pretrained",
    "Probe",
    "Pruner",
    "Random",
    "Reading",
    "Recover",
    "Rewire",
    "Scenario",
    "Score",
    "Sparsity",
    "Study",
    "Suffer",
    "TableTask",
    "Task",
    "TaskText",
    "TextFiles",
    "Treat",
    "UnstableOptimizer",
    "UserError",
    "WeightNoise",
    "Weights",
    "gradually",
    "read",
    "simulate",
]
