"""One example generator per miniature task: (speaker, answer) -> sentence, or pair of sentences, with that answer.

Whatever an answer does not depend on is chosen before the answer is read, and in the same way for every answer, so
that single words and counts of shared words say as little as possible about it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from lifespan.tasks.world.language import Clause, Phrase, Speaker, sentence
from lifespan.tasks.world.lexicon import ANIMALS, ARTEFACTS, BLAME, PEOPLE, PLURAL, PRAISE, PRONOUNS, SINGULAR, third_person

Texts = tuple[str, str | None]
Exercise = Callable[[Speaker, int], Texts]


def acceptability(speaker: Speaker, answer: int) -> Texts:
    """A correct sentence (1), or one broken in agreement, determiner or choice of actor (0)."""
    trouble = speaker.dice.pick((_agreement, _determiner, _actor))
    return trouble(speaker, bool(answer)), None


def _agreement(speaker: Speaker, correct: bool) -> str:
    clause = speaker.deed(adjective=0.3)
    verb = clause.verb if clause.subject.many == correct else third_person(clause.verb)
    return sentence([*clause.subject.words(), verb, *clause.rest()])


def _determiner(speaker: Speaker, correct: bool) -> str:
    clause = speaker.deed(adjective=0.3)
    while not clause.subject.determiner:
        clause = speaker.deed(adjective=0.3)
    shown = PLURAL if clause.subject.many == correct else SINGULAR
    subject = replace(clause.subject, determiner=speaker.dice.pick_other(shown, "the"))
    return replace(clause, subject=subject).text()


def _actor(speaker: Speaker, correct: bool) -> str:
    clause, target = _one_to_one(speaker, "handling", adjective=0.3)
    return clause.text() if correct else replace(clause, subject=target, object=clause.subject).text()


def _one_to_one(speaker: Speaker, manner: str, adjective: float = 0.0) -> tuple[Clause, Phrase]:
    """What one actor does to one thing, and that thing: the two can change places and verbs still agree."""
    clause = speaker.deed(manner, many=False, adjective=adjective)
    target = clause.object
    assert target is not None
    if target.many:
        target = speaker.phrase(target.noun, many=False)
    return replace(clause, object=target), target


def sentiment(speaker: Speaker, answer: int) -> Texts:
    """A favourable judgement (1) or not (0), possibly by negation; after `but`, the last word wins."""
    fitting, unfitting = speaker.lexicon.negative, speaker.lexicon.positive
    if answer:
        fitting, unfitting = unfitting, fitting
    subject = speaker.someone(PEOPLE + ARTEFACTS, adjective=0.3)
    start = [*subject.words(), "are" if subject.many else "is"]
    very = ["very"] if speaker.dice.chance(0.3) else []
    form = speaker.dice.pick(("plain", "plain", "double", "not", "but"))
    if form == "double":
        return sentence([*start, *very, *_joined(speaker.dice.pick_two(fitting), "and")]), None
    if form == "not":
        return sentence([*start, "not", *very, speaker.dice.pick(unfitting)]), None
    if form == "but":
        return sentence([*start, speaker.dice.pick(unfitting), "but", *very, speaker.dice.pick(fitting)]), None
    return sentence([*start, *very, speaker.dice.pick(fitting)]), None


def _joined(words: tuple[str, str], by: str) -> list[str]:
    return [words[0], by, words[1]]


def paraphrase(speaker: Speaker, answer: int) -> Texts:
    """Two sentences of one meaning (1), or alike but for what is done (0). Either way two words may be exchanged."""
    clause = speaker.deed("resting")
    other = replace(clause, verb=_verb(speaker, clause.verb, bool(answer)))
    return clause.text(), _with_subject(other, speaker.synonym(clause.subject.noun)).text()


def similarity(speaker: Speaker, answer: int) -> Texts:
    """Two sentences: 3 points for the same deed, and 2 less one for each detail (place, time) that only one gives."""
    clause = speaker.deed("resting")
    same_deed, shared = divmod(answer, 3)
    other = replace(clause, verb=_verb(speaker, clause.verb, bool(same_deed)))
    other = _with_subject(other, speaker.synonym(clause.subject.noun))
    where = speaker.dice.chance(0.5)
    if shared == 0 or (shared == 1 and where):
        other = speaker.located(other)
    if shared == 0 or (shared == 1 and not where):
        other = speaker.timed(other)
    return clause.text(), other.text()


def inference(speaker: Speaker, answer: int) -> Texts:
    """A premise, and a hypothesis that follows (0), may or may not hold (1), or cannot hold with it (2)."""
    good, praised = speaker.dice.chance(0.5), speaker.dice.chance(0.5)
    kind, other_kind = speaker.dice.pick_two(tuple(speaker.lexicon.nouns))
    subject = _plain(speaker.phrase(speaker.noun([kind])))
    quality = speaker.dice.pick(speaker.lexicon.positive if good else speaker.lexicon.negative)
    praised = (good, praised, not good)[answer]
    verdict = speaker.dice.pick(PRAISE if praised else BLAME)
    concluded = replace(subject, noun=other_kind if answer == 1 else kind)
    return Clause(subject, quality=quality).text(), Clause(concluded, quality=verdict).text()


def answering(speaker: Speaker, answer: int) -> Texts:
    """A question, and a sentence that answers it (1) or does not (0)."""
    if speaker.dice.chance(0.6):
        return _where_or_when(speaker, bool(answer))
    return _who(speaker, bool(answer))


def _where_or_when(speaker: Speaker, answered: bool) -> Texts:
    clause = speaker.deed(speaker.dice.pick(("resting", "handling")))
    where = speaker.dice.chance(0.5)
    question = ["where" if where else "when", "do" if clause.subject.many else "does"]
    question += [*clause.subject.words(), clause.verb, *clause.rest()]
    reply = replace(clause, verb=speaker.synonym(clause.verb))
    reply = speaker.located(reply) if where == answered else speaker.timed(reply)
    return sentence(question, "?"), reply.text()


def _who(speaker: Speaker, answered: bool) -> Texts:
    clause, target = _one_to_one(speaker, "meeting")
    question = ["who", third_person(clause.verb), *target.words()]
    reply = replace(clause, verb=speaker.synonym(clause.verb))
    if not answered:
        reply = replace(reply, subject=target, object=clause.subject)
    return sentence(question, "?"), reply.text()


def entailment(speaker: Speaker, answer: int) -> Texts:
    """A sentence about something, and the same about the kind that it belongs to (1) or about another kind (0)."""
    clause = speaker.deed("resting") if speaker.dice.chance(0.5) else speaker.deed("handling")
    actor = clause.object is None
    group = PEOPLE + ANIMALS if actor else ARTEFACTS
    kind, other = speaker.dice.pick_two(group)
    phrase = _plain(speaker.phrase(speaker.noun([kind])))
    concluded = replace(phrase, noun=kind if answer else other)
    verb = speaker.synonym(clause.verb)
    if actor:
        return replace(clause, subject=phrase).text(), replace(clause, subject=concluded, verb=verb).text()
    return replace(clause, object=phrase).text(), replace(clause, object=concluded, verb=verb).text()


def coreference(speaker: Speaker, answer: int) -> Texts:
    """A sentence with a pronoun, and a sentence that puts the right (1) or the wrong noun (0) in its place."""
    subject, verb, target = _two_genders(speaker)
    meant, other = (subject, target) if speaker.dice.chance(0.5) else (target, subject)
    pronoun = PRONOUNS.get(speaker.lexicon.kinds[meant.noun], "it")
    quality = speaker.quality()
    words = [*subject.words(), third_person(verb), *target.words(), "because", pronoun, "is", quality]
    put = meant if answer else other
    return sentence(words), Clause(put, quality=quality).text()


def _two_genders(speaker: Speaker) -> tuple[Phrase, str, Phrase]:
    if speaker.dice.chance(0.6):
        kinds, manner = speaker.dice.pick_two(PEOPLE), "meeting"
    else:
        kinds, manner = (speaker.dice.pick(PEOPLE), speaker.dice.pick(ARTEFACTS)), "handling"
    subject, target = (speaker.someone([kind], many=False) for kind in kinds)
    return subject, speaker.verb(manner), target


def _verb(speaker: Speaker, verb: str, same: bool) -> str:
    return speaker.synonym(verb, always=True) if same else speaker.unrelated(verb)


def _with_subject(clause: Clause, noun: str) -> Clause:
    return replace(clause, subject=replace(clause.subject, noun=noun))


def _plain(phrase: Phrase) -> Phrase:
    """The phrase without `every`, which would not hold for the kind if it holds for one of its members."""
    return replace(phrase, determiner="the") if phrase.determiner == "every" else phrase


EXERCISES: dict[str, Exercise] = {
    "acceptability": acceptability,
    "sentiment": sentiment,
    "paraphrase": paraphrase,
    "similarity": similarity,
    "inference": inference,
    "answering": answering,
    "entailment": entailment,
    "coreference": coreference,
}

ANSWERS: dict[str, int] = {name: {"similarity": 6, "inference": 3}.get(name, 2) for name in EXERCISES}

__all__ = ["ANSWERS", "EXERCISES", "Exercise", "Texts"]
