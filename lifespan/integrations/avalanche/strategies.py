"""The supported strategies of Avalanche, and what each keeps from one learning to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from avalanche.benchmarks.utils.data_loader import GroupBalancedInfiniteDataLoader
from avalanche.training import supervised
from avalanche.training.plugins import RWalkPlugin


@dataclass(frozen=True)
class Kept:
    """Where a strategy keeps what it remembers: attributes of a plugin (its class's name), or of the strategy (None)."""

    plugin: str | None
    attributes: tuple[str, ...]


KEPT: dict[str, tuple[Kept, ...]] = {
    "Naive": (),
    "Cumulative": (Kept(None, ("dataset",)),),
    "FromScratchTraining": (Kept("FromScratchTrainingPlugin", ("initial_weights",)),),
    "EWC": (Kept("EWCPlugin", ("saved_params", "importances")),),
    "SynapticIntelligence": (Kept("SynapticIntelligencePlugin", ("ewc_data", "syn_data")),),
    "MAS": (Kept("MASPlugin", ("params", "importance")),),
    "RWalk": (Kept("RWalkPlugin", ("iter_importance", "exp_scores", "exp_params", "exp_importance", "exp_penalties")),),
    "LwF": (Kept("LwFPlugin", ("lwf.prev_model", "lwf.expcount", "lwf.prev_classes_by_task")),),
    "Replay": (Kept("ReplayPlugin", ("storage_policy",)),),
    "GDumb": (Kept("GDumbPlugin", ("storage_policy", "init_model")),),
    "AGEM": (Kept("AGEMPlugin", ("buffers",)),),
    "GEM": (Kept("GEMPlugin", ("memory_x", "memory_y", "memory_tid")),),
    "ER_ACE": (Kept(None, ("storage_policy",)),),
}


def made(name: str, settings: Mapping[str, Any], **common: Any) -> Any:
    """A new strategy of this name; Riemannian walk exists only as a plugin."""
    if name == "RWalk":
        return supervised.Naive(plugins=[RWalkPlugin(**settings)], **common)
    return getattr(supervised, name)(**settings, **common)


def owner(strategy: Any, kept: Kept) -> Any:
    """The object whose attributes are kept."""
    if kept.plugin is None:
        return strategy
    return next(plugin for plugin in strategy.plugins if type(plugin).__name__ == kept.plugin)


def remembered(strategy: Any, name: str) -> dict[str, Any]:
    """What is kept, by attribute."""
    return {path: _get(owner(strategy, kept), path) for kept in KEPT[name] for path in kept.attributes}


def recall(strategy: Any, name: str, values: dict[str, Any]) -> None:
    """Put back what was kept."""
    for kept in KEPT[name]:
        for path in kept.attributes:
            holder, _, attribute = path.rpartition(".")
            setattr(_get(owner(strategy, kept), holder), attribute, values[path])
    if name == "AGEM":
        _reload(owner(strategy, KEPT[name][0]))


def _reload(plugin: Any) -> None:
    """A-GEM keeps an iterator over its buffers, which is made anew here as its `update_memory` makes it."""
    if plugin.buffers:
        size = plugin.sample_size // len(plugin.buffers)
        plugin.buffer_dataloader = GroupBalancedInfiniteDataLoader(plugin.buffers, batch_size=size)
        plugin.buffer_dliter = iter(plugin.buffer_dataloader)


def _get(holder: Any, path: str) -> Any:
    for part in path.split(".") if path else ():
        holder = getattr(holder, part)
    return holder
