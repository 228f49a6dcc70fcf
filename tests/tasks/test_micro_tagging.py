"""The micro world's tagging task: known truth, disjoint splits, and nothing in it that single words tell."""

from collections import Counter

from lifespan import MicroTask, MicroText
from lifespan.stats.metrics import chance, span_f1, spans
from lifespan.tasks.world.vocabulary import all_tokens

TASK = MicroTask("tagging")


def test_every_word_has_its_tag_and_the_spans_are_whole():
    for split in TASK.splits:
        rows = TASK.load(split)
        for text, tags in zip(rows.first, rows.labels, strict=True):
            words = text.split(" ")
            assert len(words) == len(tags) and set(words) <= set(all_tokens()) and set(tags) <= set(TASK.labels)
            kinds = [kind for kind, _, _ in spans(tags)]
            assert kinds.count("ACTOR") == 1 and kinds[0] in ("PLACE", "TIME")
            for word, tag in zip(words, tags, strict=True):
                assert (tag == "B-TIME") == (words[words.index(word) - 1] == "at" and word != "at")


def test_splits_share_no_sentence_with_each_other_or_with_the_text_of_development():
    sentences = [set(TASK.load(split).first) for split in TASK.splits]
    assert [len(part) for part in sentences] == [2048, 512, 4096]
    assert not sentences[0] & sentences[1] and not sentences[1] & sentences[2] and not sentences[0] & sentences[2]
    texts = {
        text for passage in MicroText(number=5000).passages() for text in ((passage,) if isinstance(passage, str) else passage)
    }
    assert not texts & set.union(*sentences[1:])


def test_words_alone_do_not_tell_who_acts_on_whom():
    """The commonest tag of each word, learned from train: below what the place in the sentence tells."""
    train, dev = TASK.load("train"), TASK.load("dev")
    seen = {}
    for text, tags in zip(train.first, train.labels, strict=True):
        for word, tag in zip(text.split(" "), tags, strict=True):
            seen.setdefault(word, Counter())[tag] += 1
    guessed = [[seen[w].most_common(1)[0][0] if w in seen else "O" for w in text.split(" ")] for text in dev.first]
    assert chance("span_f1", dev.labels) < span_f1(guessed, dev.labels) < 0.7
