"""The two worlds in which the studies of the essay are lived, with the recipes that were tuned in each.

"micro": the built-in subject after a childhood, its six miniatures, scores on the test split. Its recipes were tuned on seeds
from 9000 on, which no study lives, by the dev split and an eighth of the test split.
"glue": MiniLM as it was pre-trained, six tasks of GLUE, scores on the dev split. Three to four hundred optimizer steps
teach a task: the large tasks of GLUE are thinned to 1,600 rows.
"""

from dataclasses import dataclass

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
    Pretrained,
    Probe,
    Recover,
    Rewire,
    Scenario,
    Score,
    Weights,
)


@dataclass(frozen=True)
class World:
    """What a study takes from its world.

    `three` are tasks of different kinds; `easy` is one of which the developed learn much that a head alone does not, and
    `simple` one that even a newborn learns by weights.
    """

    small: bool
    subject: object
    childhood: tuple
    length: int
    split: str | None
    epochs: float
    six: tuple[str, ...]
    three: tuple[str, ...]
    easy: str
    simple: str
    rates: dict[str, float]

    @property
    def newborn(self):
        """The subject before any development."""
        return self.subject if self.small else Pretrained(str(MiniLM().folder()), random=True)

    def task(self, name):
        """A task by name."""
        return MicroTask(name) if self.small else Glue(name, train_examples=1_600, eval_examples=2_000)

    def weights(self, epochs=None, kind=Weights, **settings):
        """Learning by weights, or by another learner at their rates."""
        rates = {"rate": self.rates["weights"], "head_rate": self.rates["head"]}
        return kind(epochs=epochs or self.epochs, **rates, **settings)

    def masks(self, kind=Masks, **settings):
        """Learning by masks, which takes twice as long in the micro world."""
        epochs = self.epochs * (2 if self.small else 1)
        return kind(epochs=epochs, rate=self.rates["masks"], head_rate=self.rates["head"], **settings)

    def head(self, epochs=None):
        """The control without plasticity."""
        return HeadOnly(epochs=epochs or self.epochs, rate=self.rates["head"])

    def learn(self, task, by):
        return Learn(self.task(task) if isinstance(task, str) else task, by=by, length=self.length)

    def school(self, tasks, by):
        """Tasks one after the other, each with its evaluation."""
        return [event for task in tasks for event in (self.learn(task, by), self.score())]

    def life(self, *events):
        """A life of these events after the childhood."""
        return Scenario(name="life", subject=self.subject, events=(*self.childhood, *events))

    def recover(self, steps):
        """Quick structural re-fine-tuning of all tasks."""
        return Recover(steps=steps, by=Rewire(rate=self.rates["masks"], head_rate=self.rates["head"]), length=self.length)

    def score(self):
        return Probe(Score(split=self.split, length=self.length))


def wide(width):
    """The micro subject at another width."""
    return Micro(width=width, feed_forward=2 * width)


def world(name, childhood_steps, epochs, subject=None):
    """The world of this name, "micro" or "glue"; no `epochs` are those that were tuned there.

    A micro subject that is wider than the usual one is taught at a rate that is lower by as much: at the usual rate it does
    not learn its language (Yang et al. 2021, Tensor Programs V, scale the rate of hidden weights so for Adam).
    """
    if name == "micro":
        subject = subject or Micro()
        pace = min(1.0, Micro().width / subject.width)
        return World(
            small=True,
            subject=subject,
            childhood=(Develop(MicroText(), steps=childhood_steps, rate=3e-3 * pace, masking=0.3, length=32),),
            length=32,
            split="test",
            epochs=epochs or 6.0,
            six=("acceptability", "sentiment", "paraphrase", "inference", "answering", "coreference"),
            three=("acceptability", "sentiment", "inference"),
            easy="inference",
            simple="sentiment",
            rates={"weights": 1e-3 * pace, "masks": 1e-3, "head": 1e-3},
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
        easy="stsb",
        simple="sst2",
        rates={"weights": 1e-4, "masks": 3e-4, "head": 5e-4},
    )
