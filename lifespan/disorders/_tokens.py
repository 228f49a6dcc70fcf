"""Choice and exchange of a batch's tokens inside texts and segments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from lifespan.randomness import Streams

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Batch = dict[str, torch.Tensor]


def ordinary(batch: Batch, tokenizer: PreTrainedTokenizerBase) -> torch.Tensor:
    """Tokens of the texts themselves, (batch, length): read by the encoder, and none of the special ones."""
    special = torch.tensor(sorted(set(tokenizer.all_special_ids)), device=batch["input_ids"].device)
    return batch["attention_mask"].bool() & ~torch.isin(batch["input_ids"], special)


def framing(batch: Batch, tokenizer: PreTrainedTokenizerBase) -> torch.Tensor:
    """Tokens that begin, part, end and pad texts, (batch, length). Masked and unknown words are none of them."""
    kinds = ("cls", "sep", "pad", "bos", "eos")
    found = {getattr(tokenizer, f"{kind}_token_id", None) for kind in kinds} - {None}
    ids = torch.tensor(sorted(found), device=batch["input_ids"].device, dtype=torch.long)
    return torch.isin(batch["input_ids"], ids) | ~batch["attention_mask"].bool()


def drawn(shape: torch.Size | tuple[int, ...], like: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Uniform draws in [0, 1) on the device of `like`, the same on every device; float64, so that ties do not happen."""
    return torch.rand(tuple(shape), generator=generator, dtype=torch.float64).to(like.device)


def rearranged(batch: Batch, chosen: torch.Tensor, key: torch.Tensor, tokenizer: PreTrainedTokenizerBase) -> Batch:
    """The chosen tokens of each segment, (batch, length) boolean, put into the order of their `key` in their own places.

    The label of a token in a masked-language batch moves with it.
    """
    segment = framing(batch, tokenizer).long().cumsum(1)
    places = chosen.flatten().nonzero().squeeze(1)
    width = chosen.shape[1]
    group = (torch.arange(len(chosen), device=chosen.device)[:, None] * (width + 1) + segment).flatten()[places]
    order = key.flatten()[places].argsort(stable=True)
    source = places[order[group[order].argsort(stable=True)]]
    moved = dict(batch)
    for name in ("input_ids", "labels"):
        if batch[name].shape == chosen.shape:
            values = batch[name].flatten().clone()
            values[places] = batch[name].flatten()[source]
            moved[name] = values.view_as(batch[name])
    return moved


def lost_pieces(severity: float, tokenizer: PreTrainedTokenizerBase, streams: Streams) -> torch.Tensor:
    """The ids of a share `severity` of the word pieces, in random order, the same for a whole life; larger shares contain
    smaller ones. Special tokens are never among them."""
    generator = Streams(streams.seed, "disorder").child("vocabulary").torch("disorder")
    special = torch.tensor(sorted(set(tokenizer.all_special_ids)))
    order = torch.randperm(len(tokenizer), generator=generator)
    order = order[~torch.isin(order, special)]
    return order[: round(severity * len(order))]


def translated(batch: Batch, table: torch.Tensor, *, language: bool) -> Batch:
    """Every token replaced by a table of ids, and so the labels of a batch of language. Tags of words stay as they are."""
    table = table.to(batch["input_ids"].device)
    moved = {**batch, "input_ids": table[batch["input_ids"]]}
    if language:
        labels = batch["labels"]
        moved["labels"] = torch.where(labels >= 0, table.to(labels.device)[labels.clamp(min=0)], labels)
    return moved
