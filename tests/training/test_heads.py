"""Heads and objectives: losses, decoding and places of words by hand, and kinds of a third party's own."""

import json
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from conftest import TASKS, TINY, Listener, rows_of
from torch.nn import functional

from lifespan import (
    Age,
    ClassHead,
    Develop,
    Examples,
    Head,
    Learn,
    Magnitude,
    MaskedLanguage,
    Masks,
    MicroTask,
    MicroText,
    Objective,
    Outputs,
    Perplexity,
    Probe,
    Recover,
    Scenario,
    Score,
    ScoreHead,
    Study,
    TagHead,
    Task,
    Weights,
    load_pack,
    read,
    save_pack,
    simulate,
)
from lifespan.contracts import Predicted, sequences
from lifespan.contracts.head import NO_ANSWER, head_of
from lifespan.errors import DataError, RecordError, ScenarioError
from lifespan.model.forward import batch_loss, first_states, head_outputs, token_states
from lifespan.model.subject import Subject
from lifespan.randomness import Streams
from lifespan.tasks.world.vocabulary import tokenizer
from lifespan.testing import check_task
from lifespan.training.batches import Labelled, Tokens, task_source, tokens_of, word_starts
from lifespan.training.evaluation import predictions, token_logits

STREAMS = Streams(0, "learn")
TAGGING = MicroTask("tagging", train_examples=48, eval_examples=24)
SIMILARITY = MicroTask("similarity", train_examples=48, eval_examples=24)


def born(*tasks):
    subject = Subject(TINY.build(Streams(0, "birth")))
    for task in tasks:
        subject.skill_for(task, "weights", Streams(1, task.title))
    return subject


def study(*events, name="heads"):
    return Study(name=name, groups={"one": Scenario(name="one", subject=TINY, events=events)})


@pytest.mark.parametrize("task", [TASKS[0], SIMILARITY, TAGGING], ids=lambda task: task.title)
def test_a_batch_loss_is_the_textbooks(task):
    subject = born(task)
    head = subject.skills[task.title].head
    batch = task_source(subject, task, length=32, batch_size=8, streams=STREAMS).batch(0)
    loss = batch_loss(subject, task.title, batch)
    if task is TAGGING:
        states, terms = token_states(subject, batch), []
        for row, place in (batch["labels"] != -100).nonzero().tolist():
            scores = head.output.weight @ states[row, place] + head.output.bias
            terms.append(-(scores - scores.exp().sum().log())[batch["labels"][row, place]])
        expected = torch.stack(terms).mean()
    else:
        first = first_states(subject, batch)
        outputs = torch.tanh(first @ head.dense.weight.T + head.dense.bias) @ head.output.weight.T + head.output.bias
        if task is SIMILARITY:
            expected = ((outputs[:, 0] - batch["labels"]) ** 2).mean()
        else:
            expected = -outputs.log_softmax(-1)[range(8), batch["labels"]].mean()
    assert float(loss.detach()) == pytest.approx(float(expected.detach()), rel=1e-5)


def test_scores_are_learned_between_0_and_1_and_said_in_their_range():
    head = SIMILARITY.head
    assert head == ScoreHead(low=0.0, high=5.0)
    assert head.targets(np.array([0.0, 2.5, 5.0])).tolist() == [0.0, 0.5, 1.0]
    assert head.answers(np.array([[0.5], [2.0], [-1.0]], dtype=np.float32)).tolist() == [2.5, 5.0, 0.0]


def test_labels_stand_at_the_first_token_of_each_word():
    rows = Examples(["the old owl sleeps .", "paul sleeps ."], None, sequences([("O", "O", "A", "B", "O"), ("A", "B", "O")]))

    @dataclass(frozen=True, kw_only=True)
    class Two(Task):
        """Two sentences."""

        title = "two"
        labels = ("O", "A", "B")
        metrics = ("tag_accuracy",)
        head = TagHead(labels=("O", "A", "B"))

        def load(self, split):
            return rows

    batch = Labelled(Two(), rows, tokens_of(Two(), rows, tokenizer(32), 32)).batch(np.array([0, 1]))
    ignored = -100
    assert batch["labels"].tolist() == [
        [ignored, 0, 0, 1, 2, 0, ignored, ignored],
        [ignored, 1, 2, 0, ignored, ignored, ignored, ignored],
    ]


def test_word_starts_are_those_of_word_ids():
    """Of a tokenizer that breaks words into pieces: the first piece of each word, as `word_ids` of the list of words says."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    pieces = {word: i for i, word in enumerate(["[UNK]", "[CLS]", "[SEP]", "un", "##do", "##ing", "it", "U", ".", "S", "now"])}
    inner = Tokenizer(models.WordPiece(pieces, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    inner.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)])
    words = PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]")
    sentence = ["undoing", "it", "U.S.", "now"]
    assert words.tokenize(" ".join(sentence)) == ["un", "##do", "##ing", "it", "U", ".", "S", ".", "now"]
    ids = words(sentence, is_split_into_words=True).word_ids()
    theirs = [ids.index(word) for word in range(4)]
    assert theirs == [1, 4, 5, 9]
    assert word_starts(words, [" ".join(sentence)], 64)[0].tolist() == theirs
    assert word_starts(words, [" ".join(sentence)], 8)[0].tolist() == [1, 4, 5, -1], "the last word was cut away"


def test_a_word_cut_away_is_answered_by_nothing():
    subject, rows = born(TAGGING), TAGGING.examples("dev")
    predicted, labels = predictions(subject, TAGGING, "dev", 8)
    longest = max(range(len(rows)), key=lambda i: len(labels[i]))
    assert len(predicted[longest]) == len(labels[longest]) > 6
    assert predicted[longest][6:] == ("",) * (len(labels[longest]) - 6)
    assert all(tag in TAGGING.labels for tag in predicted[longest][:6])


def test_batches_of_other_sizes_tag_alike(monkeypatch):
    subject, rows = born(TAGGING), TAGGING.examples("dev")
    tokens = tokens_of(TAGGING, rows, subject.tokenizer, 32)
    one = token_logits(subject, TAGGING.title, tokens)
    monkeypatch.setattr("lifespan.training.evaluation.TOKENS_PER_BATCH", 1)
    for own, other, text in zip(one, token_logits(subject, TAGGING.title, tokens), rows.first, strict=True):
        assert own.shape == (len(text.split(" ")), len(TAGGING.labels))
        assert own == pytest.approx(other, abs=1e-5)


def test_words_and_labels_must_be_as_many():
    rows = Examples(["the owl sleeps ."], None, sequences([("O", "O")]))
    with pytest.raises(DataError, match=r"row 1: has 4 words and 2 labels\. Give one label a word"):
        Labelled(TAGGING, rows, tokens_of(TAGGING, rows, tokenizer(32), 32))


def test_old_facts_are_classes_and_scores():
    assert head_of({"outputs": 3}, "here") == ClassHead(count=3)
    assert head_of({"outputs": 0}, "here") == ScoreHead()
    tags = TagHead(labels=("O", "B-X"))
    assert head_of({"outputs": 2, "head": json.loads(json.dumps(tags.to_data()))}, "here") == tags
    with pytest.raises(RecordError, match=r"here: has a head 'nobody:Head' that is not known here\. Import the module"):
        head_of({"outputs": 2, "head": {"class": "nobody:Head", "revision": 1}}, "here")


def test_classes_leave_the_facts_of_old():
    assert born(TASKS[0]).facts()["skills"] == {TASKS[0].title: {"outputs": 2, "plasticity": "weights"}}


def test_a_subject_with_every_kind_is_loaded_again():
    subject = born(TASKS[0], SIMILARITY, TAGGING)
    twin = Subject(TINY.build(Streams(5, "birth")))
    twin.load(json.loads(json.dumps(subject.facts())), subject.state())
    for task in (TASKS[0], SIMILARITY, TAGGING):
        assert twin.skills[task.title].form == task.head
        (one, _), (other, _) = (predictions(each, task, "dev", 32) for each in (subject, twin))
        assert list(one) == list(other)


# A kind of a third party's own: ordinal regression (Frank & Hall 2001) on the last token, from nothing but the contracts.


@dataclass(frozen=True, kw_only=True)
class Ordinal(Head):
    """Levels in order: one output for each threshold between two, "is it above?", and the level is how many say yes."""

    kind = "ordinal"
    reads = "last"
    metrics = ("accuracy", "spearman")

    levels: int

    @property
    def outputs(self):
        return self.levels - 1

    def targets(self, labels):
        return torch.from_numpy((labels[:, None] > np.arange(self.outputs)).astype(np.float32))

    def loss(self, answer, labels):
        return functional.binary_cross_entropy_with_logits(answer, labels)

    def answers(self, logits):
        return np.where(np.isfinite(logits).all(axis=1), (logits > 0).sum(axis=1), NO_ANSWER)

    def readable(self, answers, labels):
        return [f"level {level}" for level in answers]


@dataclass(frozen=True, kw_only=True)
class Length(Task):
    """How many adjectives are there?"""

    title = "length"
    labels = ("none", "one", "two")
    metrics = ("accuracy", "spearman")
    head = Ordinal(levels=3)

    def load(self, split):
        if split not in self.splits:
            raise DataError(self.describe(), f"has no split {split!r}.")
        start = 0 if split == "train" else 60
        counts = [n % 3 for n in range(start, start + 48)]
        nouns = ("owl", "crow", "hammer", "film")
        texts = [f"the {'big ' * count}{nouns[n % 4]} ." for n, count in enumerate(counts)]
        return Examples(texts, None, np.array(counts, dtype=np.int64))


def test_a_head_of_a_third_party_is_lived_end_to_end(tmp_path):
    task = Length()
    check_task(task)
    by = Weights(steps=60, batch_size=16, rate=5e-3)
    events = (
        *(Learn(task, by=by), Probe(Score(), Outputs())),
        *(Learn(TASKS[0], by=Masks(steps=4)), Age(to=0.3, by=Magnitude()), Recover(steps=4), Probe(Score(), Outputs())),
    )
    simulate(study(*events), tmp_path / "run", observer=Listener())
    record = read(tmp_path / "run")
    rows = record.measurements()
    scores = rows[(rows["task"] == "length") & (rows["metric"] == "accuracy")]["value"].tolist()
    assert len(scores) == 2 and scores[0] > 0.9
    assert record.study["tasks"]["length"]["kind"] == "ordinal"
    outputs = record.examples("Outputs")
    own = outputs[outputs["task"] == "length"]
    assert set(own["prediction"]) <= {0.0, 1.0, 2.0} and own["right"].isin([0, 1]).all()
    assert (own["prediction"] == (own[["logit_0", "logit_1"]] > 0).sum(axis=1)).all()


def test_a_pack_names_a_third_partys_head_and_takes_its_class_from_the_reader(tmp_path):
    task = Length()
    subject = born(task, TASKS[0])
    save_pack(subject, tmp_path / "pack", tasks=(task, TASKS[0]))
    said = json.loads((tmp_path / "pack" / "pack.json").read_text())
    assert said["version"] == 2 and [("head" in skill) for skill in said["skills"]] == [True, False]
    with pytest.raises(RecordError, match=r"'test_heads:Ordinal' that is not known here\. .* heads=\(Ordinal,\)\)"):
        load_pack(tmp_path / "pack")
    pack = load_pack(tmp_path / "pack", heads=(Ordinal,))
    found, _ = predictions(subject, task, "dev", 128)
    texts = task.examples("dev").first
    assert pack.answer("length", texts) == [f"level {level}" for level in found]


def test_a_life_with_a_third_partys_head_is_exported(run, tmp_path):
    simulate(study(Learn(Length(), by=Weights(steps=2))), tmp_path / "run", observer=Listener())
    code, out, err = run("export", tmp_path / "run", "--out", tmp_path / "pack")
    assert code == 0 and "length" in out, out + err
    assert load_pack(tmp_path / "pack", heads=(Ordinal,)).skill("length").form == Ordinal(levels=3)


def test_tags_in_a_pack(tmp_path):
    subject = born(TAGGING, TASKS[0])
    save_pack(subject, tmp_path / "pack", tasks=(TAGGING, TASKS[0]))
    pack = load_pack(tmp_path / "pack")
    predicted, _ = predictions(subject, TAGGING, "dev", 128)
    assert pack.answer("micro-tagging", TAGGING.examples("dev").first) == [list(tags) for tags in predicted]
    assert pack.answer("micro-tagging", "at noon paul sleeps .")[0].__len__() == 5


def test_classes_and_scores_are_packed_as_ever(tmp_path):
    subject = born(TASKS[0], SIMILARITY)
    save_pack(subject, tmp_path / "pack", tasks=(TASKS[0], SIMILARITY))
    said = json.loads((tmp_path / "pack" / "pack.json").read_text())
    assert said["version"] == 1 and not any("head" in skill for skill in said["skills"])
    pack = load_pack(tmp_path / "pack")
    first, second = "the owl sleeps .", "the owl dozes ."
    found = pack.answer("micro-similarity", first, second)[0]
    assert isinstance(found, float) and 0.0 <= found <= 5.0
    assert pack.skill("micro-similarity").form == SIMILARITY.head


def test_a_pack_does_not_make_what_a_head_should_not(tmp_path):
    """Arguments that do not fit are one message."""
    subject = born(TAGGING)
    save_pack(subject, tmp_path / "pack", tasks=(TAGGING,))
    from lifespan.contracts.spec import digest_of

    path = tmp_path / "pack" / "pack.json"
    data = json.loads(path.read_text())
    data.pop("digest")
    data["skills"][0]["head"]["tags"] = 3
    path.write_text(json.dumps({**data, "digest": digest_of(data)}))
    with pytest.raises(RecordError, match=r"arguments that do not fit 'lifespan:TagHead'"):
        load_pack(tmp_path / "pack")


# Objectives.


@dataclass(frozen=True, kw_only=True)
class NextWord(Objective):
    """What does each token's successor say? From token states alone: a third party's objective."""

    accuracy = "next_accuracy"

    def source(self, passages, tokenizer, *, length, batch_size, streams, tokens=None):
        from lifespan.training.batches import Shuffle, passage_tokens

        tokens = tokens or passage_tokens(tokenizer, passages, length)
        order = Shuffle(tokens.lengths, batch_size, streams)
        objective = self

        class Source:
            task = None

            def __len__(self):
                return len(tokens.lengths)

            def batch(self, step):
                batch = tokens.collate(order.index(step))
                labels = torch.full_like(batch["input_ids"], -100)
                labels[:, :-1] = batch["input_ids"][:, 1:].where(batch["attention_mask"][:, 1:].bool(), -100)
                return {**batch, "labels": labels}

            def loss(self, subject, batch):
                return objective.loss(subject, batch)

        return Source()

    def _logits(self, subject, batch):
        from lifespan.subjects.bodies import language_logits

        chosen = batch["labels"] != -100
        return language_logits(subject.language, token_states(subject, batch)[chosen]), batch["labels"][chosen]

    def loss(self, subject, batch):
        return functional.cross_entropy(*self._logits(subject, batch))

    def predicted(self, subject, batch):
        with torch.no_grad():
            logits, asked = self._logits(subject, batch)
        loss = float(functional.cross_entropy(logits, asked, reduction="sum"))
        return Predicted(loss, int((logits.argmax(-1) == asked).sum()), len(asked))


def test_an_objective_of_a_third_party_is_lived(tmp_path):
    text = MicroText(number=60)
    look = Probe(Perplexity(text, objective=NextWord(), examples=20))
    events = (
        *(Develop(text, steps=1, batch_size=16, objective=NextWord()), look),
        *(Develop(text, steps=60, batch_size=16, rate=3e-3, objective=NextWord()), look),
    )
    simulate(study(*events), tmp_path / "run", observer=Listener())
    rows = read(tmp_path / "run").measurements()
    values = rows[rows["metric"] == "perplexity"]["value"].tolist()
    assert values[1] < 0.7 * values[0]
    assert "next_accuracy" in set(rows["metric"]) and "masked_accuracy" not in set(rows["metric"])


def test_masked_language_is_what_development_does_by_itself(tmp_path):
    text = MicroText(number=60)
    plain, named = (Develop(text, steps=3, batch_size=8), Develop(text, steps=3, batch_size=8, objective=MaskedLanguage()))
    assert plain.to_data().keys() == {"class", "revision", "corpus", "steps", "batch_size"}
    for name, event in (("a", plain), ("b", named)):
        simulate(study(event, Probe(Perplexity(text, examples=20))), tmp_path / name, observer=Listener())
    assert rows_of(tmp_path / "a")[0] == rows_of(tmp_path / "b")[0]


def test_masking_belongs_to_one_objective():
    with pytest.raises(ScenarioError, match=r"Develop\(masking=0.3\): is the objective's business here"):
        Develop(MicroText(), steps=1, masking=0.3, objective=NextWord())
    with pytest.raises(ScenarioError, match=r"Develop\(objective=.*\): must be an Objective. For example: MaskedLanguage"):
        Develop(MicroText(), steps=1, objective="causal")
    with pytest.raises(ScenarioError, match=r"MaskedLanguage\(masking=0.0\): must be above 0"):
        MaskedLanguage(masking=0.0)


def test_the_last_token_is_that_before_the_padding():
    subject, head = born(Length()), Ordinal(levels=3)
    rows = Length().examples("train")
    batch = Tokens(subject.tokenizer, rows.first, None, 32).collate(np.arange(3))
    states = token_states(subject, batch)
    lengths = batch["attention_mask"].sum(1).tolist()
    assert len(set(lengths)) > 1, "texts of one length prove nothing"
    picked = head.pick(states, batch["attention_mask"])
    assert torch.equal(picked, torch.stack([states[i, length - 1] for i, length in enumerate(lengths)]))
    assert torch.equal(head_outputs(subject, "length", batch), subject.skills["length"].head(picked).float())
