"""A small subject of every architecture whose units are known, its parameters all random, biases included."""

from __future__ import annotations

import torch

from lifespan.model.subject import Subject
from lifespan.subjects.bodies import body_from
from lifespan.subjects.dropping import quicken
from lifespan.tasks.world.vocabulary import tokenizer

SMALL = {"num_hidden_layers": 2, "num_attention_heads": 2, "hidden_size": 16, "intermediate_size": 24}
SIZES = {
    "bert": SMALL,
    "roberta": {**SMALL, "max_position_embeddings": 66},
    "distilbert": {"n_layers": 2, "n_heads": 2, "dim": 16, "hidden_dim": 24},
    "electra": {**SMALL, "embedding_size": 12},
    "albert": {**SMALL, "embedding_size": 12},
    "deberta-v2": {**SMALL, "relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_buckets": 8},
    "modernbert": {**SMALL, "global_attn_every_n_layers": 2},
}
LONGER = {**SMALL, "max_position_embeddings": 66}
KINDS = {**SIZES, "camembert": LONGER, "xlm-roberta": LONGER}


def saved(kind, root):
    """A folder in the hub's format of an architecture, randomly initialised, with the micro world's tokenizer."""
    from transformers import AutoConfig, AutoModelForMaskedLM

    words = tokenizer(32)
    ids = {f"{n}_token_id": getattr(words, f"{n}_token_id") for n in ("pad", "cls", "sep", "bos", "eos")}
    ids = {name: value for name, value in ids.items() if value is not None}
    config = AutoConfig.for_model(kind, vocab_size=len(words), **SIZES[kind], **ids)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        AutoModelForMaskedLM.from_config(config).save_pretrained(root / kind)
    words.save_pretrained(root / kind)
    return root / kind


def born(kind: str, *, quick: bool = False, **changes) -> Subject:
    """A subject of two layers of two heads and 24 neurons (ALBERT: one layer passed twice), `quick` as `Pretrained` is."""
    from transformers import AutoConfig, AutoModelForMaskedLM

    words = tokenizer(32)
    ids = {f"{name}_token_id": getattr(words, f"{name}_token_id") or 0 for name in ("pad", "cls", "sep", "bos", "eos")}
    config = AutoConfig.for_model(kind, vocab_size=len(words), **{**KINDS.get(kind, SMALL), **ids, **changes})
    with torch.random.fork_rng():
        torch.manual_seed(0)
        language = AutoModelForMaskedLM.from_config(config).eval()
        with torch.no_grad():
            for parameter in language.parameters():
                parameter.normal_(0.0, 0.3)
    return Subject(body_from(quicken(language) if quick else language, words))


def sentences():
    """Two sentences of unequal length: the second is padded."""
    return tokenizer(32)(["the father and the dog are lovely .", "the dog ."], return_tensors="pt", padding=True)


def states(encoder):
    """The token states that the attention mask lets through, (tokens, width)."""
    inputs = sentences()
    with torch.inference_mode():
        return encoder(**inputs).last_hidden_state[inputs["attention_mask"].bool()]
