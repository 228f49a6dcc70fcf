"""Packs of strangers: what would take memory or time without end is refused before it is made."""

import base64
import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

from lifespan import Micro
from lifespan.errors import RecordError
from lifespan.packs import tokenizer_checks as checks
from lifespan.packs.body import rebuild_tokenizer, tokenizer_data
from lifespan.packs.format import parsed
from lifespan.randomness import Streams

HERE = Path("pack/tokenizer.json")


def tokenizer(**parts):
    made = Tokenizer(models.WordLevel({"a": 0, "[CLS]": 1}, "a"))
    for name, part in parts.items():
        setattr(made, name, part)
    return json.loads(made.to_str())


def check(data):
    checks.check_tokenizer(json.dumps(data).encode(), HERE)


def doubling(times):
    return normalizers.Sequence([normalizers.Replace("a", "aa")] * times)


def nested(times):
    inner = {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 100}
    for _ in range(times):
        inner = {"type": "Sequence", "normalizers": [inner]}
    return inner


def charsmap(*texts):
    blob = b"\0".join(text.encode() for text in texts) + b"\0"
    return base64.b64encode((4).to_bytes(4, "little") + b"trie" + blob).decode()


BOMBS = {
    "doublings": (lambda t: t.update(tokenizer(normalizer=doubling(11))), "2048 times as long; at most 1024"),
    "many doublings": (lambda t: t.update(tokenizer(normalizer=doubling(40))), "at most 16 components"),
    "one long text": (lambda t: t.update(normalizer=nested(1) | {"normalizers": [nested(0)] * 2}), "10000 times as long"),
    "nesting": (lambda t: t.update(normalizer=nested(9)), "nested too deeply"),
    "a table of long texts": (
        lambda t: t.update(normalizer={"type": "Precompiled", "precompiled_charsmap": charsmap("x" * 2000)}),
        "2000 times as long",
    ),
    "no table": (lambda t: t.update(normalizer={"type": "Precompiled", "precompiled_charsmap": "!"}), "is not base64"),
    "padding": (lambda t: t.update(padding={"strategy": {"Fixed": 2**40}}), "settings for padding"),
    "truncation": (lambda t: t.update(truncation={"max_length": 1}), "settings for truncation"),
    "an unknown component": (lambda t: t.update(pre_tokenizer={"type": "Shell"}), "'Shell', which is not known here"),
    "components that are numbers": (lambda t: t.update(decoder=7), "its decoder is no component"),
    "a slow pattern": (
        lambda t: t.update(tokenizer(pre_tokenizer=pre_tokenizers.Split(Regex("(a+)+b"), "isolated"))),
        "with a repetition inside a repetition, which could run for ever",
    ),
    "a long template": (
        lambda t: t.update(
            tokenizer(post_processor=processors.TemplateProcessing("$A" + " $A" * 500, None, [("[CLS]", 1)])),
        ),
        "has a long 'single'",
    ),
    "words without end": (lambda t: t["model"].update(vocab=["x"] * (checks.MOST_WORDS + 1)), "at most 1048576 words"),
    "long words": (lambda t: t["model"].update(max_input_chars_per_word=10**9), "at most 1000 characters"),
    "another model": (lambda t: t["model"].update(type="Pickle"), "is no tokenizer"),
    "added tokens": (lambda t: t.update(added_tokens=[{"content": "x" * 2000}]), "no text of 1 to 1000"),
    "no object": (lambda t: t.update(added_tokens=7), "a list of at most"),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_before_a_tokenizer_is_made(bomb):
    data = tokenizer()
    check(data)
    change, why = BOMBS[bomb]
    change(data)
    with pytest.raises(RecordError, match=re.escape(why)):
        rebuild_tokenizer(json.dumps(data).encode(), {}, HERE)


def test_size_and_brackets_are_bounded_before_anything_is_parsed():
    for content in (b" " * (checks.LARGEST + 1), b"[" * (checks.MOST_BRACKETS + 1)):
        with pytest.raises(RecordError, match=r"is larger than|has more than"):
            checks.check_tokenizer(content, HERE)
    with pytest.raises(RecordError, match="lists and objects"):
        parsed(b"[" * 2**18, Path("config.json"))
    with pytest.raises(RecordError, match="is no tokenizer"):
        checks.check_tokenizer(b"[" * 50_000, HERE)


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        (r"(a+)+b", "inside a repetition"),
        (r"(?:a|b+)*", "inside a repetition"),
        (r"((a{2,})b)*", "inside a repetition"),
        (r"a{1000}", "more than 100 repetitions"),
        (r"(a)\1", "refers to itself"),
        (r"(?<name>a)\k<name>", "refers to itself"),
        (r"a*a*a*a*b", "more than 3 repetitions after each other"),
        (r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", ""),
        (r"(?i:'s|'t)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+", ""),
        (r" {2,}", ""),
        (r"[(+*]+", ""),
    ],
)
def test_patterns_that_could_run_for_ever_are_told_from_those_of_real_tokenizers(pattern, why):
    assert why in checks.hazard(pattern) and bool(why) == bool(checks.hazard(pattern))


def test_tokenizers_as_they_are_in_use_are_taken():
    usual = [
        tokenizer(normalizer=normalizers.BertNormalizer(), pre_tokenizer=pre_tokenizers.BertPreTokenizer()),
        tokenizer(normalizer=normalizers.NFC(), pre_tokenizer=pre_tokenizers.ByteLevel()),
        tokenizer(
            normalizer=normalizers.Sequence(
                [normalizers.Strip(), normalizers.Replace(Regex(" {2,}"), " "), normalizers.NFKC()]
            ),
            pre_tokenizer=pre_tokenizers.Metaspace(),
            post_processor=processors.TemplateProcessing("[CLS] $A", "[CLS] $A $B", [("[CLS]", 1)]),
        ),
    ]
    for data in usual:
        check(data)
    body = Micro(layers=1, width=16, heads=2, feed_forward=32).build(Streams(0, "birth"))
    content, settled = tokenizer_data(body.tokenizer, "here")
    assert rebuild_tokenizer(content, settled, HERE).get_vocab() == body.tokenizer.get_vocab()


LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["Sequence", "Replace", "NFC"])
KEYS = st.sampled_from(
    ["type", "normalizers", "pattern", "content", "model", "vocab", "normalizer", "decoder", "added_tokens"]
)
SHAPES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)


@given(SHAPES)
@settings(max_examples=80, deadline=None, derandomize=True)
def test_any_shape_is_refused_with_one_message_or_taken(data):
    try:
        check(data)
    except RecordError as error:
        assert str(error).startswith("pack/tokenizer.json: ")
