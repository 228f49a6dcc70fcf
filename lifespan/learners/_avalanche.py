"""An Avalanche strategy inside the training loop."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from avalanche.models import avalanche_forward
from torch import nn

from lifespan.contracts import Plasticity, Task
from lifespan.contracts.subject import Subject
from lifespan.integrations.avalanche import memory, strategies
from lifespan.integrations.avalanche.benchmarks import experience
from lifespan.integrations.avalanche.datasets import joined, packed, quiet, rows_of, unpacked
from lifespan.integrations.avalanche.model import Model
from lifespan.learners._weights import Group, WeightChange, decayed
from lifespan.model.forward import seeded
from lifespan.randomness import Streams
from lifespan.training.batches import Batch, TaskSource, TurnSource

if TYPE_CHECKING:
    from lifespan.learners.avalanche_strategy import AvalancheStrategy

PREFIX = "AvalancheStrategy/"


class Strategic(Plasticity):
    """Avalanche's callbacks in Avalanche's order; the step, its rate and its optimizer are the loop's.

    Weights move as `Weights` moves them: `inside` holds dead synapses at zero. The batches come from the strategy's own
    loader, so that rehearsal is as Avalanche does it.
    """

    resumable = False

    def __init__(self, subject: Subject, tasks: Sequence[Task], recipe: AvalancheStrategy, streams: Streams) -> None:
        self.subject, self.recipe, self.streams = subject, recipe, streams
        self.inside = WeightChange(subject, tasks, recipe)
        kept = {n.removeprefix(PREFIX): t for n, t in subject.remembered.items() if n.startswith(PREFIX)}
        self.outline = memory.outline(kept) if kept else None
        self.tensors = memory.tensors_of(kept)
        self.titles: list[str] = list(self.outline["titles"]) if self.outline else []
        self.titles += [task.title for task in tasks if task.title not in self.titles]
        self.numbers = [self.titles.index(task.title) for task in tasks]
        self.model = Model(subject, self.titles)
        with quiet():
            self.strategy = strategies.made(
                recipe.strategy,
                dict(recipe.settings),
                model=self.model,
                optimizer=torch.optim.SGD(self.model.parameters(), lr=recipe.rate),
                criterion=nn.CrossEntropyLoss(),
                train_mb_size=recipe.batch_size,
                device=subject.device,
                evaluator=None,
            )
        self.strategy.check_model_and_optimizer = self._adapt
        self.gradients: dict[str, torch.Tensor | None] = {}
        self.labels = torch.empty(0, dtype=torch.int64)

    def __deepcopy__(self, memo: dict[int, Any]) -> Plasticity:
        # An evaluation inside the learning needs the subject as it is, not the strategy.
        return copy.deepcopy(self.inside, memo)

    def feed(self, source: Any) -> Any:
        sources = source.sources if isinstance(source, TurnSource) else [source]
        x = [rows_of(each.tokens) for each in sources]
        kept = [rows.shape[-1] for rows in self.tensors if rows.dtype == torch.int32]
        length = max([*(part.shape[-1] for part in x), *kept])
        padding = self.subject.tokenizer.pad_token_id or 0
        y = [each.labels for each in sources]
        data = joined(list(zip(x, y, self.numbers, strict=True)), length, padding)
        with self._drawing("begin", 0):
            self._begin(data, length, padding)
        return _Loader(self, source)

    def _begin(self, data: Any, length: int, padding: int) -> None:
        strategy = self.strategy
        if self.outline is not None:
            reader = memory.Reader(self.tensors, self.model, length, padding)
            strategies.recall(strategy, self.recipe.strategy, {k: reader.read(v) for k, v in self.outline["values"].items()})
            clock = strategy.clock
            clock.train_exp_counter, clock.train_iterations, clock.total_iterations = self.outline["clock"]
            self.model.max_class_label, known = self.outline["classes"]
            self.model.known_train_tasks_labels = set(known)
        strategy.is_training, strategy._stop_training = True, False
        self.model.train()
        strategy.experience = experience(data, strategy.clock.train_exp_counter)
        strategy._before_training()
        strategy._before_training_exp()
        self._take_back()
        self._own()

    def _own(self) -> None:
        """Copy what Avalanche's synaptic intelligence keeps: on a CPU these are views of weights, which move with them."""
        if self.recipe.strategy == "SynapticIntelligence":
            plugin = strategies.owner(self.strategy, strategies.KEPT["SynapticIntelligence"][0])
            for entry in (*plugin.ewc_data[0].values(), *plugin.syn_data["old_theta"].values()):
                entry.data = entry.data.clone()

    def _adapt(self, **_: Any) -> None:
        """Do nothing more: heads exist already, and the optimizer is the loop's."""
        self.strategy.model.adaptation(self.strategy.experience)

    def _take_back(self) -> None:
        """Take weights back from a strategy that begins anew, which replaces the model by a copy or other weights."""
        if self.strategy.model is not self.model:
            with torch.no_grad():
                for own, other in zip(self.model.encoder.parameters(), self.strategy.model.encoder.parameters(), strict=True):
                    own.copy_(other)
            self.strategy.model = self.model
        for name in self.inside.held:
            self.subject.synapses[name].data.mul_(self.inside.moving[name])

    def groups(self) -> list[Group]:
        recipe = self.recipe
        return [
            *decayed(self.subject.encoder.parameters(), recipe.rate, recipe.weight_decay),
            *decayed(self.model.heads.parameters(), recipe.rate_of_heads, recipe.weight_decay),
        ]

    def objective(self, task: str | None, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
        strategy = self.strategy
        strategy.mbatch = [packed(dict(batch)), batch["labels"], self.labels]
        strategy._unpack_minibatch()
        strategy._before_training_iteration()
        self._own()
        self.model.zero_grad(set_to_none=True)
        strategy.loss = strategy._make_empty_loss()
        strategy._before_forward()
        strategy.mb_output = strategy.forward()
        rehearsed = self._rehearsed()
        strategy._after_forward()
        strategy.loss = strategy.loss + (strategy.criterion() if rehearsed is None else rehearsed)
        strategy._before_backward()
        loss: torch.Tensor = strategy.loss
        return loss

    def _rehearsed(self) -> torch.Tensor | None:
        """ER-ACE's loss, whose own training loop has it in this place."""
        strategy = self.strategy
        if getattr(strategy, "replay_loader", None) is None:
            return None
        x, y, t = (part.to(self.subject.device) for part in next(strategy.replay_loader))
        loss: torch.Tensor = strategy.ace_criterion(strategy.mb_output, strategy.mb_y, avalanche_forward(self.model, x, t), y)
        return loss

    def translate(self) -> None:
        self.inside.translate()
        self.strategy._after_backward()
        self.inside.translate()
        self.strategy._before_update()
        self.gradients = {name: p.grad for name, p in self.model.named_parameters()}

    def advance(self, step: int) -> None:
        # Synaptic intelligence reads the gradients of the step, which the loop has let go; heads that had none count as 0.
        for name, parameter in self.model.named_parameters():
            found = self.gradients[name]
            parameter.grad = torch.zeros_like(parameter) if found is None else found
        self.strategy._after_update()
        self.strategy._after_training_iteration()
        self.model.zero_grad(set_to_none=True)
        self.gradients = {}

    def settle(self) -> None:
        strategy = self.strategy
        with self._drawing("end", 0):
            strategy._after_training_exp()
            strategy._after_training()
        facts = {
            "titles": self.titles,
            "clock": [strategy.clock.train_exp_counter, strategy.clock.train_iterations, strategy.clock.total_iterations],
            "classes": [self.model.max_class_label, sorted(self.model.known_train_tasks_labels)],
        }
        self.model.eval()
        self.model.zero_grad(set_to_none=True)
        kept = memory.written(facts, strategies.remembered(strategy, self.recipe.strategy))
        others = {name: value for name, value in self.subject.remembered.items() if not name.startswith(PREFIX)}
        self.subject.remembered = others | {PREFIX + name: tensor for name, tensor in kept.items()}
        self.inside.settle()

    @contextmanager
    def _drawing(self, purpose: str, number: int) -> Iterator[None]:
        """Inside this block Avalanche, which draws from global generators, draws from the learning's own streams."""
        before = random.getstate()
        random.seed(self.streams.number(purpose, number))
        try:
            with quiet(), seeded(self.streams.number(purpose, number), self.subject.device):
                yield
        finally:
            random.setstate(before)


class _Loader:
    """The strategy's own loader, epoch after epoch, as batches of the loop."""

    def __init__(self, strategic: Strategic, source: TaskSource | TurnSource) -> None:
        first = source.sources[0] if isinstance(source, TurnSource) else source
        self.strategic, self.task = strategic, first.task
        self.epoch = 0
        self.left: Iterator[Any] = iter(())

    def batch(self, step: int) -> Batch:
        strategic = self.strategic
        found = next(self.left, None)
        if found is None:
            if self.epoch:
                strategic.strategy._after_training_epoch()
            with strategic._drawing("order", self.epoch):
                strategic.strategy._before_training_epoch()
                self.left = iter(list(strategic.strategy.dataloader))
            self.epoch += 1
            found = next(self.left)
        x, y, strategic.labels = found[0], found[1], found[-1]
        return {**unpacked(x), "labels": y}
