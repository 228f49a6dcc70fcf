"""The vocabulary of the micro-language, and its tokenizer."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from lifespan.tasks.world.lexicon import EVERYTHING, FUNCTION_WORDS, plural, third_person

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


@cache
def all_tokens() -> tuple[str, ...]:
    """All tokens in order of their ids; the special ones are 0 to 4."""
    words = [*SPECIAL, *FUNCTION_WORDS, *EVERYTHING.positive, *EVERYTHING.negative]
    for kind, synsets in EVERYTHING.nouns.items():
        for noun in (kind, *(noun for synset in synsets for noun in synset)):
            words += [noun, plural(noun)]
    words += [name for names in EVERYTHING.names.values() for name in names]
    words += [word for synset in EVERYTHING.places + EVERYTHING.times for word in synset]
    for manner, pairs in EVERYTHING.opposites.items():
        for word in (word for pair in pairs for synset in pair for word in synset):
            words += [word] if manner == "quality" else [word, third_person(word)]
    return tuple(dict.fromkeys(words))


@cache
def tokenizer(max_length: int = 32) -> PreTrainedTokenizerFast:
    """A word-level tokenizer that frames one or two segments as BERT does."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    ids = {word: index for index, word in enumerate(all_tokens())}
    words = Tokenizer(models.WordLevel(ids, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    words.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0",
        pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[("[CLS]", ids["[CLS]"]), ("[SEP]", ids["[SEP]"])],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=words,
        model_max_length=max_length,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    )
