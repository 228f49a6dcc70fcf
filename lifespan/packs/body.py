"""A subject's architecture and tokenizer as plain data, and back. Nothing is downloaded, and no code comes with a pack."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lifespan.contracts import Body
from lifespan.errors import RecordError
from lifespan.packs.format import refuse, refusing
from lifespan.packs.tokenizer_checks import check_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

FORGOTTEN = {
    "architectures",
    "dtype",
    "id2label",
    "label2id",
    "num_labels",
    "output_attentions",
    "output_hidden_states",
    "problem_type",
    "return_dict",
    "torch_dtype",
    "transformers_version",
}
"""Settings that do not matter to an encoder whose weights and heads are in the pack."""

FOREIGN = {
    "auto_map",
    "custom_pipelines",
    "attn_implementation",
    "experts_implementation",
    "quantization_config",
    "trust_remote_code",
}
"""Settings that would load code, kernels or weights of others."""

FETCHING = {"mra", "yoso"}
"""Architectures of transformers that fetch compiled kernels from the hub when they are built."""

SIZES = re.compile(r"(size|dim|id|ids|embeddings|positions|length|theta|words|buckets|window)$")
LARGEST_SIZE, LARGEST_NUMBER = 2**24, 2**10
SPECIAL = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token", "bos_token", "eos_token")
INPUTS = ("input_ids", "token_type_ids", "attention_mask")
LONGEST = 2**20

Shapes = dict[str, tuple[int, ...]]


def config_data(encoder: PreTrainedModel, where: str) -> dict[str, Any]:
    """An encoder's configuration as data that `check_config` takes. Raises `RecordError` where it cannot be packed."""
    known = encoder.config.to_dict()
    data = {k: v for k, v in known.items() if k not in FORGOTTEN and not k.startswith("_")}
    remedy = "Only masked-language models whose code is part of transformers can be packed."
    try:
        data = json.loads(json.dumps(data, allow_nan=False))
        check_config(data, where)
    except (RecordError, TypeError, ValueError) as error:
        what = error.what if isinstance(error, RecordError) else f"its configuration is no plain data ({error})."
        raise RecordError(where, what, remedy) from None
    return data


def check_config(data: Mapping[str, Any], where: object) -> None:
    """Refuse a configuration that is not of a model of transformers, names foreign code, or has absurd numbers."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

    kind = data.get("model_type")
    if not isinstance(kind, str) or kind not in MODEL_FOR_MASKED_LM_MAPPING_NAMES:
        refuse(where, f"the model type {str(kind)[:40]!r} is no masked-language model of transformers.")
    if kind in FETCHING:
        refuse(where, f"the model type {kind!r} fetches code from elsewhere, which a pack must not.")
    built_in = CONFIG_MAPPING[kind]
    for key, value in data.items():
        if callable(getattr(built_in, key, None)):
            refuse(where, f"{key!r} is no setting of a model.")
        _check_value(key, value, where, depth=0)


def _check_value(key: str, value: Any, where: object, depth: int) -> None:
    if key.startswith("_") or key in FOREIGN:
        refuse(where, f"{key!r} could bring code from elsewhere, which a pack must not.")
    if depth > 3:
        refuse(where, f"{key!r} is nested too deeply.")
    if isinstance(value, dict):
        for inner, entry in value.items():
            _check_value(inner, entry, where, depth + 1)
    elif isinstance(value, list):
        if len(value) > LARGEST_NUMBER:
            refuse(where, f"{key!r} has {len(value)} entries.")
        for entry in value:
            _check_value(key, entry, where, depth + 1)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        most = LARGEST_SIZE if SIZES.search(key) or isinstance(value, float) else LARGEST_NUMBER
        if abs(value) > most:
            refuse(where, f"{key!r} is {value:.4g}, which no model needs (at most {most}).")


def skeleton(data: Mapping[str, Any], attention: str, where: object) -> Shapes:
    """Shapes of the encoder's parameters by name, without allocating them."""
    import torch

    with _building(where), torch.random.fork_rng(devices=[]), torch.device("meta"):
        language = _language(data, attention)
    encoder = language.base_model
    shapes = {name: tuple(value.shape) for name, value in encoder.named_parameters()}
    own = sum(value.numel() for value in encoder.parameters())
    everything = [*language.parameters(), *language.buffers()]
    if sum(value.numel() for value in everything) > 8 * own + LARGEST_SIZE:
        refuse(where, "describes a model that is many times as large as its encoder.")
    return shapes


def learned_buffers(encoder: PreTrainedModel) -> list[str]:
    """Names of persistent buffers that a configuration does not describe: those of modules that are not of transformers."""
    modules, kept = dict(encoder.named_modules()), set(encoder.state_dict())
    names = [name for name, _ in encoder.named_buffers() if name in kept]
    return [name for name in names if type(modules[name.rpartition(".")[0]]).__module__.partition(".")[0] != "transformers"]


def rebuild(data: Mapping[str, Any], attention: str, tokenizer: PreTrainedTokenizerBase, where: object) -> Body:
    """A newborn body of this architecture. Its weights, the language head's too, are drawn anew (always the same)."""
    import torch

    from lifespan.subjects.bodies import body_from

    with _building(where), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return body_from(_language(data, attention), tokenizer)


def tokenizer_data(tokenizer: PreTrainedTokenizerBase, where: str) -> tuple[bytes, dict[str, Any]]:
    """(the content of `tokenizer.json`, settings beside it). Raises `RecordError` for a tokenizer without such a form."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise RecordError(
            where,
            "the subject's tokenizer has no tokenizer.json form.",
            "Give its Origin a fast tokenizer, as AutoTokenizer does.",
        )
    content = json.loads(backend.to_str())
    # Settings of the latest call; every call sets its own.
    content.update(truncation=None, padding=None)
    settings = {
        "model_max_length": min(int(tokenizer.model_max_length), LONGEST),
        "model_input_names": [name for name in tokenizer.model_input_names if name in INPUTS],
        "padding_side": tokenizer.padding_side,
        "truncation_side": tokenizer.truncation_side,
        **{name: str(getattr(tokenizer, name)) for name in SPECIAL if getattr(tokenizer, name, None) is not None},
    }
    return json.dumps(content, ensure_ascii=False).encode(), settings


def rebuild_tokenizer(content: bytes, settings: Mapping[str, Any], path: Path) -> PreTrainedTokenizerBase:
    """The tokenizer of a `tokenizer.json` and its settings, both checked."""
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    check_tokenizer(content, path)
    _check_settings(settings, path)
    with refusing(path, "is no tokenizer"):
        return PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(content.decode("utf-8")), **settings)


def check_words(tokenizer: PreTrainedTokenizerBase, encoder: Any, path: Path) -> None:
    """Refuse a tokenizer whose tokens the encoder has no embedding for."""
    embeddings = encoder.get_input_embeddings().weight.shape[0]
    segments = max(1, int(getattr(encoder.config, "type_vocab_size", 0) or 2))
    with refusing(path, "does not work"):
        tried = [tokenizer("a"), tokenizer("a", "a")]
        top = max(tokenizer.get_vocab().values(), default=0)
        top = max([top, *(token for encoded in tried for token in encoded["input_ids"])])
        kinds = max(kind for encoded in tried for kind in encoded.get("token_type_ids", [0]))
    if top >= embeddings:
        refuse(path, f"knows a token {top}, but the encoder has {embeddings} embeddings.")
    if kinds >= segments:
        refuse(path, f"knows a segment {kinds}, which the encoder does not.")


def _check_settings(settings: Mapping[str, Any], path: Path) -> None:
    where = f"{path.parent / 'pack.json'}, 'tokenizer'"
    for key, value in settings.items():
        fine = {
            "model_max_length": isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LONGEST,
            "model_input_names": isinstance(value, list) and all(name in INPUTS for name in value),
            "padding_side": value in ("left", "right"),
            "truncation_side": value in ("left", "right"),
            **{name: isinstance(value, str) for name in SPECIAL},
        }
        if not fine.get(key, False):
            refuse(where, f"{key!r} is no setting that a tokenizer can have here.")


def _language(data: Mapping[str, Any], attention: str) -> Any:
    import torch
    from transformers import AutoConfig, AutoModelForMaskedLM

    from lifespan.subjects.dropping import ATTENTION, quicken

    settings = copy.deepcopy(dict(data))
    config = AutoConfig.for_model(settings.pop("model_type"), **settings)
    known = "sdpa" if attention == ATTENTION else attention
    model = AutoModelForMaskedLM.from_config(config, trust_remote_code=False, dtype=torch.float32, attn_implementation=known)
    return quicken(model) if attention == ATTENTION else model


@contextmanager
def _building(where: object) -> Iterator[None]:
    """Inside this block transformers logs nothing, and its errors on a stranger's configuration become `RecordError`s."""
    from lifespan.subjects._torchvision import mend_torchvision

    mend_torchvision()
    from transformers.utils import logging

    before = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        with refusing(where, "describes no model that can be built"):
            yield
    finally:
        logging.set_verbosity(before)
