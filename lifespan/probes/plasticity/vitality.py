"""Signs of plasticity: dormant units, rank of the states, size of the weights, Fisher information."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Effort, Meaning, Measure, Reading, Task
from lifespan.probes._task_measure import TaskMeasure

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class DormantUnits(TaskMeasure):
    """Share of feed-forward neurons that are tau-dormant on a task's sentences (Sokar et al. 2023, definition 3.1).

    A neuron's activity is its mean absolute activation over real tokens, divided by the mean of its layer; at most `tau` is
    dormant. Metrics by task: `dormant`, over all layers, and `dormant/<layer>`.
    """

    citation = "sokar2023dormant"
    meanings = (
        Meaning(
            "dormant",
            "neurons at most tau times as active as their layer's mean",
            "[0, 1]",
            "low, and not rising",
            better="lower",
            outcome="dormant units",
        ),
        Meaning("dormant/*", "the same inside one layer", "[0, 1]", "low", better="lower"),
    )
    cost = "1 forward pass over the split"

    tau: float = 0.025
    examples: int | None = 200

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_positive("tau", or_zero=True)

    def read(self, subject: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterable[Reading]:
        import torch

        from lifespan.model.anatomy import anatomy_of
        from lifespan.pruning.inputs import mean_inputs
        from lifespan.training.evaluation import by_tokens, tokenised

        for title, task, split in self.learned(subject, tasks):
            _, tokens = tokenised(task, split, self.length, subject.tokenizer, self.examples)
            batches = (tokens.collate(index) for index in by_tokens(subject, tokens.lengths))
            activity = mean_inputs(subject, title, batches)
            dormant = {}
            for layer in anatomy_of(subject.encoder):
                sizes = activity[layer.neurons.output]
                dormant[layer.path] = sizes <= self.tau * sizes.mean()
            every = torch.cat(list(dormant.values())).double()
            yield Reading("dormant", float(every.mean()), len(every), title, split)
            for path, found in dormant.items():
                yield Reading(f"dormant/{path}", float(found.double().mean()), len(found), title, split)


@dataclass(frozen=True, kw_only=True)
class EffectiveRank(TaskMeasure):
    """How many directions the body's states use: exp of the entropy of their normalised singular values (Roy & Vetterli 2007).

    Of the centred matrix of mean-pooled last states of a task's sentences, (examples, width): `effective_rank` = exp(-sum p
    log p), p = s / sum(s), and `stable_rank` = sum(s^2) / max(s^2). Both lie in [1, min(examples, width)]; representations
    that collapse have few directions left to learn with (Kumar et al. 2021).
    """

    citation = "roy2007effective"
    meanings = (
        Meaning(
            "effective_rank",
            "exp of the entropy of the states' singular values",
            "[1, width]",
            "high, and not falling",
            better="higher",
            outcome="effective rank",
        ),
        Meaning(
            "stable_rank", "squared singular values over the largest", "[1, width]", "high, and not falling", better="higher"
        ),
    )
    cost = "1 forward pass over the split"

    examples: int | None = 200

    def read(self, subject: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterable[Reading]:
        from lifespan.probes.representation.representation import pooled_states
        from lifespan.stats.metrics import effective_rank, stable_rank
        from lifespan.training.evaluation import tokenised

        for title, task, split in self.learned(subject, tasks):
            _, tokens = tokenised(task, split, self.length, subject.tokenizer, self.examples)
            last = pooled_states(subject, title, tokens, "mean")[-1]
            yield Reading("effective_rank", effective_rank(last), len(last), title, split)
            yield Reading("stable_rank", stable_rank(last), len(last), title, split)


@dataclass(frozen=True, kw_only=True)
class WeightNorm(Measure):
    """Root mean square of the living synapses' weights, of all (`rms`) and by layer and kind of matrix (`rms/<layer>/<kind>`).

    Weights that grow without end make a network slow to change (Dohare et al. 2024). Also `norm`, their Euclidean norm.
    """

    citation = "dohare2024plasticity"
    meanings = (
        Meaning("rms", "root mean square of living weights", "[0, inf)", "steady", outcome="size of weights"),
        Meaning("rms/*", "the same for one kind of matrix in one layer", "[0, inf)", "steady"),
        Meaning("norm", "Euclidean norm of living weights", "[0, inf)", "steady"),
    )
    cost = "negligible"

    def effort(self, tasks: Sequence[Task]) -> Iterable[Effort]:
        return ()

    def read(self, subject: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterable[Reading]:
        from lifespan.model.anatomy import anatomy_of, kinds_of
        from lifespan.stats.masks import KINDS

        def squares(names: Iterable[str]) -> tuple[float, int]:
            weights = [subject.synapses[name].data[subject.alive[name]].double() for name in names]
            return sum(float(part.square().sum()) for part in weights), sum(part.numel() for part in weights)

        total, count = squares(subject.synapses)
        yield Reading("rms", (total / max(1, count)) ** 0.5, count)
        yield Reading("norm", total**0.5, count)
        for layer in anatomy_of(subject.encoder):
            grouped: dict[str, list[str]] = {}
            for name, kinds in kinds_of(layer).items():
                grouped.setdefault(" and ".join(kind for kind in KINDS if kind in kinds), []).append(name)
            for kind, names in grouped.items():
                part, n = squares(names)
                yield Reading(f"rms/{layer.path}/{kind}", (part / max(1, n)) ** 0.5, n)


@dataclass(frozen=True, kw_only=True)
class FisherTrace(TaskMeasure):
    """Trace of the Fisher information of a task's answers in its effective synapses (Achille et al. 2019, section 3).

    F = E_x E_y|x |d log p(y|x) / dW|^2, with y drawn from the subject's own answer, one draw an example (the sampled Fisher,
    not the empirical one with true labels); for a score, log p is that of a normal law of variance 1. The derivative is
    taken at W x alive x skill and summed over living synapses in the task's mask. Metrics: `fisher_trace`, and
    `fisher_trace/se`, its standard error over examples. High while a network takes information in, low once it is rigid.
    """

    citation = "achille2019critical"
    meanings = (
        Meaning(
            "fisher_trace",
            "mean squared gradient of the log-likelihood of the subject's own answers",
            "[0, inf)",
            "-",
            outcome="Fisher trace",
        ),
        Meaning("fisher_trace/se", "standard error over examples", "[0, inf)", "far below the trace"),
    )
    cost = "1 forward and 1 backward pass for every example, one by one"

    examples: int | None = 64

    @property
    def passes(self) -> float:
        return 3.0

    def read(self, subject: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterable[Reading]:
        import numpy as np

        for title, task, _ in self.learned(subject, tasks):
            split = self.split or task.splits[0]
            values = list(self._squares(subject, task, split, streams))
            error = float(np.std(values, ddof=1) / len(values) ** 0.5) if len(values) > 1 else float("nan")
            yield Reading("fisher_trace", float(np.mean(values)), len(values), title, split)
            yield Reading("fisher_trace/se", error, len(values), title, split)

    def _squares(self, subject: Subject, task: Task, split: str, streams: Streams) -> Iterator[float]:
        """Squared gradient norm of every example's drawn answer."""
        import numpy as np
        import torch

        from lifespan.model.forward import head_states
        from lifespan.training.batches import Labelled
        from lifespan.training.evaluation import tokenised

        rows, tokens = tokenised(task, split, self.length, subject.tokenizer, self.examples)
        skill, mask = subject.skills[task.title], subject.effective(task.title)
        generator = streams.torch("evaluation")
        parameters, labelled = list(subject.synapses.values()), Labelled(task, rows, tokens)
        with subject.wearing(task.title):
            for position in range(len(tokens.lengths)):
                batch = labelled.batch(np.array([position]))
                answer = skill.head(head_states(subject, task.title, batch).float()).float()
                logs = skill.form.log_probabilities(answer, batch["labels"].to(answer.device))
                if logs is None:
                    log_likelihood = answer.sum()
                else:
                    drawn = torch.multinomial(logs.detach().exp().cpu(), 1, generator=generator).to(logs.device)
                    log_likelihood = logs.gather(1, drawn).sum()
                found = torch.autograd.grad(log_likelihood, parameters)
                masks = [True if mask is None else mask[name] for name in subject.synapses]
                yield sum(float((g * m).double().square().sum()) for g, m in zip(found, masks, strict=True))
