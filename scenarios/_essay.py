"""The two worlds in which the studies of the essay are lived, with the recipes that were tuned in each.

"micro": the built-in subject after a childhood, its six miniatures, scores on the test split, which no recipe was tuned on.
"glue": MiniLM as it was pre-trained, six tasks of GLUE, scores on the dev split. In both, three hundred optimizer steps
teach a task; `few` thins the training rows of GLUE so that this is so for its large tasks, too.
"""

from dataclasses import dataclass, field

from lifespan import (
    Develop,
    Glue,
    HeadOnly,
    Learn,
    Masks,
    Micro,
    MicroTask,
    MicroText,
    MiniLM,
    Probe,
    Recover,
    Rewire,
    Score,
    Weights,
)


@dataclass(frozen=True)
class World:
    """What a study takes from its world. `easy` is a task that weights learn well, `three` are tasks of different kinds."""

    small: bool
    subject: object
    childhood: tuple
    length: int
    split: str | None
    epochs: float
    six: tuple[str, ...]
    three: tuple[str, ...]
    easy: str
    rates: dict[str, float] = field(hash=False)

    def task(self, name, rows=None):
        """A task by name, thinned to so many training rows."""
        return MicroTask(name, train_examples=rows) if self.small else Glue(name, train_examples=rows or 1_600)

    def weights(self, epochs=None, kind=Weights, **settings):
        """Learning by weights, or by another learner at their rates."""
        rates = {"rate": self.rates["weights"], "head_rate": self.rates["head"]}
        return kind(epochs=epochs or self.epochs, **{**rates, **settings})

    def masks(self, epochs=None, kind=Masks, **settings):
        """Learning by masks, which takes twice as long in the micro world."""
        own = {"rate": self.rates["masks"], "head_rate": self.rates["head"], **({"sparsity": 0.05} if kind is Masks else {})}
        return kind(epochs=epochs or self.epochs * (2 if self.small else 1), **{**own, **settings})

    def head(self, epochs=None):
        """The control without plasticity."""
        return HeadOnly(epochs=epochs or self.epochs, rate=self.rates["head"])

    def learn(self, task, by):
        return Learn(self.task(task) if isinstance(task, str) else task, by=by, length=self.length)

    def recover(self, steps):
        """Quick structural re-fine-tuning of all tasks."""
        return Recover(steps=steps, by=Rewire(rate=self.rates["masks"], head_rate=self.rates["head"]), length=self.length)

    def score(self):
        return Probe(Score(split=self.split, length=self.length))


def world(name, childhood_steps=3_000, epochs=None, subject=None):
    """The world of this name, "micro" or "glue"."""
    if name == "micro":
        return World(
            small=True,
            subject=subject or Micro(),
            childhood=(Develop(MicroText(), steps=childhood_steps, rate=3e-3, length=32),) if childhood_steps else (),
            length=32,
            split="test",
            epochs=epochs or 10.0,
            six=("acceptability", "sentiment", "paraphrase", "inference", "answering", "coreference"),
            three=("acceptability", "sentiment", "inference"),
            easy="inference",
            rates={"weights": 1e-3, "masks": 1e-3, "head": 1e-3},
        )
    return World(
        small=False,
        subject=subject or MiniLM(),
        childhood=(),
        length=128,
        split=None,
        epochs=epochs or 3.0,
        six=("cola", "sst2", "mrpc", "stsb", "rte", "qqp"),
        three=("sst2", "mrpc", "stsb"),
        easy="mrpc",
        rates={"weights": 1e-4, "masks": 3e-4, "head": 5e-4},
    )
