"""The living model: its state, and nothing that learns or evaluates.

A subject is a body (encoder, language head, tokenizer), the alive masks of its synapses, the skills that its tasks left
behind, and an age. The weight that a task's forward pass sees is W x alive x skill; W itself is kept whole, so that a
synapse which `Recover` revives has the weight it died with.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import torch
from torch import nn

from lifespan.contracts import Body, Head, Task
from lifespan.contracts import subject as contract
from lifespan.contracts.head import head_data, head_of, outputs_of
from lifespan.contracts.subject import Factors, Masks, Past, Skill
from lifespan.randomness import Streams
from lifespan.subjects.bodies import limit_length

Factor = TypeVar("Factor", bound=torch.Tensor)


def flat(factors: Mapping[str, tuple[Factor, Factor]]) -> dict[str, Factor]:
    """Factors by "<matrix>/up" and "<matrix>/down", as they are stored."""
    return {f"{name}/{side}": value for name, two in factors.items() for side, value in zip(("up", "down"), two, strict=True)}


def true_entries(masks: Iterable[torch.Tensor]) -> int:
    """Number of true entries of all masks, read from their device once."""
    counts = [mask.sum() for mask in masks]
    return int(torch.stack(counts).sum()) if counts else 0


class Subject(contract.Subject):
    """The living model. Everything that survives a checkpoint is in `state()` and `facts()`.

    `language_mask` is what masked-language modelling by structure left behind, `remembered` what strategies against
    forgetting did. `past` is set by the executor.
    """

    past: Past | None = None

    def __init__(self, body: Body, *, device: str = "cpu", precision: str = "fp32") -> None:
        # Dropout is for the training loop alone, which switches it on and off again.
        self.encoder: Any = body.encoder.to(device).eval()  # type: ignore[arg-type]
        self.language: Any = body.language.to(device).eval()  # type: ignore[arg-type]
        self.tokenizer = body.tokenizer
        limit_length(self.encoder, self.tokenizer)
        self.pooler = body.pooler
        self.device = torch.device(device)
        self.precision = precision
        self.synapses: dict[str, nn.Parameter] = dict(find_synapses(self.encoder))
        self.alive: Masks = {name: torch.ones_like(weight, dtype=torch.bool) for name, weight in self.synapses.items()}
        self.skills: dict[str, Skill] = {}
        self.language_mask: Masks | None = None
        self.remembered: dict[str, torch.Tensor] = {}
        self.age = 0

    @property
    def width(self) -> int:
        """Size of a token's state."""
        return self.encoder.config.hidden_size

    @property
    def count(self) -> int:
        """Number of prunable synapses, dead ones included."""
        return sum(weight.numel() for weight in self.synapses.values())

    @property
    def sparsity(self) -> float:
        """Fraction of prunable synapses that are dead, in [0, 1)."""
        return 1 - self.living / self.count

    @property
    def living(self) -> int:
        """Number of synapses that live."""
        return true_entries(self.alive.values())

    @property
    def buffers(self) -> dict[str, torch.Tensor]:
        """Persistent buffers of the encoder and the language head, by name; training may change them."""
        return {**_persistent("encoder", self.encoder), **_persistent("language", self.language)}

    @property
    def language_parameters(self) -> list[nn.Parameter]:
        """Parameters of the language head that are not tied to the encoder's."""
        own = {id(parameter) for parameter in self.encoder.parameters()}
        return [parameter for parameter in self.language.parameters() if id(parameter) not in own]

    def skill_for(self, task: Task, plasticity: str, streams: Streams) -> Skill:
        """A task's skill, with a fresh head drawn from `streams` if the task is new."""
        known = self.skills.get(task.title)
        if known is None:
            form = task.head
            self.skills[task.title] = Skill(self.new_head(form, streams), outputs_of(form), plasticity, form=form)
        elif plasticity != "head":
            # A head re-tuned on weights that moved still needs those weights.
            known.plasticity, known.addition = plasticity, None
        return self.skills[task.title]

    def new_head(self, form: Head | int, streams: Streams) -> nn.Module:
        """Fresh layers of a head, drawn from `streams` ("init"); a number means so many classes, 0 a score."""
        form = head_of({"outputs": form}, "") if isinstance(form, int) else form
        head = self._blank_head(form)
        form.initialise(head, self.pooler, streams.torch("init"))
        return head.to(self.device)

    def effective(self, task: str | None) -> Masks | None:
        """The mask that a task's (None: the language's) forward pass sees. None when every synapse takes part."""
        skill = self.skills.get(task) if task is not None else None
        own = self.language_mask if task is None else skill.mask if skill is not None else None
        whole = all(bool(mask.all()) for mask in self.alive.values())
        if own is None:
            return None if whole else self.alive
        return own if whole else {name: own[name] & self.alive[name] for name in own}

    def worn(self, task: str | None, whole: Masks) -> Masks:
        """The effective weights of a task (None: of language), by matrix, computed from W, which is given as `whole`.

        They are W x alive x skill, plus what an adapter added, which belongs to the task and does not age; `whole` itself
        where nothing is masked or added.
        """
        mask = self.effective(task)
        worn = dict(whole) if mask is None else {name: weight * mask[name] for name, weight in whole.items()}
        for name, (up, down) in self.additions(task).items():
            worn[name] = worn[name] + up @ down
        return worn

    def additions(self, task: str | None) -> dict[str, Factors]:
        """What a task's adapter adds, by matrix; nothing without one."""
        skill = self.skills.get(task) if task is not None else None
        return (skill.addition if skill is not None else None) or {}

    @contextmanager
    def wearing(self, task: str | None) -> Iterator[None]:
        """Inside this block the encoder computes with a task's effective weights; afterwards W is back, bit for bit."""
        whole = {name: weight.data for name, weight in self.synapses.items()}
        try:
            for name, worn in self.worn(task, whole).items():
                self.synapses[name].data = worn
            yield
        finally:
            for name, weight in self.synapses.items():
                weight.data = whole[name]

    def state(self) -> dict[str, dict[str, torch.Tensor]]:
        """All tensors in named groups: encoder, language, alive, and head/ and skill/ of each task.

        The group `buffers` exists where the body has persistent ones, such as BatchNorm's running means.
        """
        groups: dict[str, dict[str, torch.Tensor]] = {
            "encoder": {name: value.data for name, value in self.encoder.named_parameters()},
            "language": self._language_state(),
            "alive": dict(self.alive),
        }
        if self.buffers:
            groups["buffers"] = self.buffers
        if self.language_mask is not None:
            groups["language_mask"] = dict(self.language_mask)
        if self.remembered:
            groups["remembered"] = dict(self.remembered)
        for title, skill in self.skills.items():
            groups[f"head/{title}"] = {name: value.data for name, value in skill.head.named_parameters()}
            if skill.mask is not None:
                groups[f"skill/{title}"] = dict(skill.mask)
            if skill.addition is not None:
                groups[f"addition/{title}"] = flat(skill.addition)
        return groups

    def facts(self) -> dict:
        """The part of the state that is not tensors."""
        skills = {t: {"outputs": s.outputs, "plasticity": s.plasticity, **head_data(s.form)} for t, s in self.skills.items()}
        return {"age": self.age, "skills": skills}

    def load(self, facts: Mapping, state: Mapping[str, Mapping[str, torch.Tensor]]) -> None:
        """Become the subject that wrote this state."""
        self.age = facts["age"]
        with torch.no_grad():
            for name, value in self.encoder.named_parameters():
                value.copy_(state["encoder"][name])
            language = self._language_state()
            for name, value in state["language"].items():
                language[name].copy_(value)
            kept = state.get("buffers", {})
            for name, value in self.buffers.items():
                if name in kept:
                    value.copy_(kept[name])
            self.alive = self._placed(state["alive"])
            language_mask = state.get("language_mask")
            self.language_mask = None if language_mask is None else self._placed(language_mask)
            self.remembered = {name: value.to(self.device) for name, value in state.get("remembered", {}).items()}
            self.skills = {}
            for title, kind in facts["skills"].items():
                form = head_of(kind, f"the state's skill {title!r}")
                head = self._blank_head(form).to(self.device)
                for name, value in head.named_parameters():
                    value.copy_(state[f"head/{title}"][name])
                mask = state.get(f"skill/{title}")
                own = None if mask is None else self._placed(mask)
                added = self._added(state.get(f"addition/{title}"))
                self.skills[title] = Skill(head, kind["outputs"], kind["plasticity"], own, added, form)

    def _placed(self, masks: Mapping[str, torch.Tensor]) -> Masks:
        return {name: masks[name].to(self.device) for name in self.synapses}

    def _added(self, sides: Mapping[str, torch.Tensor] | None) -> dict[str, Factors] | None:
        if sides is None:
            return None
        placed = {name: value.to(self.device) for name, value in sides.items()}
        return {name: (placed[f"{name}/up"], placed[f"{name}/down"]) for name in self.synapses if f"{name}/up" in placed}

    def _blank_head(self, form: Head) -> nn.Module:
        config = self.encoder.config
        dropout = getattr(config, "hidden_dropout_prob", getattr(config, "dropout", getattr(config, "mlp_dropout", 0.0)))
        # Building layers draws from torch's global generator, which must stay as it was.
        with torch.random.fork_rng(devices=[]):
            return form.module(self.width, float(dropout)).eval()

    def _language_state(self) -> dict[str, torch.Tensor]:
        own = {id(parameter) for parameter in self.language_parameters}
        return {name: p.data for name, p in self.language.named_parameters() if id(p) in own}


def _persistent(part: str, module: nn.Module) -> dict[str, torch.Tensor]:
    known = dict(module.named_buffers())
    return {f"{part}/{name}": known[name] for name in module.state_dict() if name in known}


def find_synapses(encoder: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """The prunable matrices: weights of linear layers inside the encoder's stack of layers, by parameter name.

    Names are the same while an adapter is learned, which wraps the layers (see `LoRA`); its own matrices are no synapses.
    """
    for path, module in encoder.named_modules():
        parts = path.split(".")
        adapter = any(part.startswith("lora_") for part in parts)
        if any(part.isdigit() for part in parts) and isinstance(module, nn.Linear) and not adapter:
            yield f"{path.removesuffix('.base_layer')}.weight", cast(nn.Parameter, module.weight)


def layer_of(synapse: str) -> str:
    """The layer to which a synapse matrix belongs: its name up to the first number.

    >>> layer_of("encoder.layer.3.attention.self.query.weight")
    'encoder.layer.3'
    """
    parts = synapse.split(".")
    last = next(i for i, part in enumerate(parts) if part.isdigit())
    return ".".join(parts[: last + 1])
