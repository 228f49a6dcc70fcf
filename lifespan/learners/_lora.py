"""The plasticity of `LoRA`: low-rank adapters, by the layers of `peft`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

from lifespan.contracts import Plasticity, Task
from lifespan.contracts.subject import Factors, Subject
from lifespan.errors import ScenarioError
from lifespan.learners._weights import Group, decayed, head_parameters
from lifespan.model.subject import flat
from lifespan.randomness import Streams

if TYPE_CHECKING:
    from lifespan.learners.lora import LoRA

NAME = "task"


class Adapting(Plasticity):
    """`peft` puts its layers in the place of the encoder's linear ones; in the end those are back, and the factors kept."""

    def __init__(self, subject: Subject, tasks: Sequence[Task], recipe: LoRA, streams: Streams) -> None:
        if not tasks:
            raise ScenarioError(recipe.describe(), "adapts to tasks only, not to language.", "Develop by Weights().")
        self.subject, self.recipe = subject, recipe
        self.tasks = [task.title for task in tasks]
        for title in self.tasks:
            subject.skills[title].mask = subject.skills[title].addition = None
        self.heads = head_parameters(subject, tasks)
        self.whole = {name: weight.data for name, weight in subject.synapses.items()}
        for name, worn in subject.worn(self.tasks[0], self.whole).items():
            subject.synapses[name].data = worn
        _inject(subject, recipe, streams)
        self.layers = {name: subject.encoder.get_submodule(name.removesuffix(".weight")) for name in subject.synapses}
        self.factors = {name: (layer.lora_B[NAME].weight, layer.lora_A[NAME].weight) for name, layer in self.layers.items()}
        for parameter in (*subject.encoder.parameters(), *subject.language.parameters()):
            parameter.requires_grad_(False)
        for factor in flat(self.factors).values():
            factor.requires_grad_(True)

    def groups(self) -> list[Group]:
        recipe = self.recipe
        return [
            *decayed(flat(self.factors).values(), recipe.rate, recipe.weight_decay),
            *decayed(self.heads, recipe.rate_of_heads, recipe.weight_decay),
        ]

    def state(self) -> dict[str, torch.Tensor]:
        heads = {f"head/{i}": parameter.data for i, parameter in enumerate(self.heads)}
        return heads | {f"factor/{name}": factor.data for name, factor in flat(self.factors).items()}

    def load_state(self, state: Mapping[str, torch.Tensor]) -> None:
        for i, parameter in enumerate(self.heads):
            parameter.data.copy_(state[f"head/{i}"])
        for name, factor in flat(self.factors).items():
            factor.data.copy_(state[f"factor/{name}"])

    def settle(self) -> None:
        scale = self.recipe.alpha / self.recipe.rank
        added: dict[str, Factors] = {}
        for name, layer in self.layers.items():
            path, _, own = name.removesuffix(".weight").rpartition(".")
            setattr(self.subject.encoder.get_submodule(path), own, layer.base_layer)
            up, down = self.factors[name]
            added[name] = (up.data * scale, down.data)
        del self.subject.encoder.peft_config
        for name, weight in self.subject.synapses.items():
            weight.data = self.whole[name]
        for parameter in (*self.subject.encoder.parameters(), *self.subject.language.parameters()):
            parameter.requires_grad_(True)
        for title in self.tasks:
            self.subject.skills[title].addition = added


def _inject(subject: Subject, recipe: LoRA, streams: Streams) -> None:
    """Let peft wrap every linear layer of synapses. Its factors start from the learning's own draws."""
    from peft import LoraConfig, inject_adapter_in_model

    from lifespan.model.forward import seeded

    settings: dict[str, Any] = {
        "r": recipe.rank,
        "lora_alpha": recipe.alpha,
        "lora_dropout": recipe.dropout,
        "target_modules": [name.removesuffix(".weight") for name in subject.synapses],
    }
    # The head of this step is drawn from the first stream of this name.
    with seeded(streams.number("init", 1), subject.device):
        inject_adapter_in_model(LoraConfig(**settings), subject.encoder, adapter_name=NAME)
