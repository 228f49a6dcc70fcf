"""One example generator per miniature task: (speaker, answer) -> sentence, or pair of sentences, with that answer.

Whatever an answer does not depend on is chosen before the answer is looked at, and in the same way for every answer, so
that single words and counts of shared words say as little as possible about it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from lifespan.world.language import Clause, Phrase, Speaker, sentence
from lifespan.world.lexicon import ANIMALS, ARTEFACTS, PEOPLE, PLURAL, PRONOUNS, SINGULAR, third_person

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
    clause = speaker.deed("handling", many=False, adjective=0.3)
    if clause.object.many:
        clause = replace(clause, object=speaker.phrase(clause.object.noun, many=False))
    return clause.text() if correct else replace(clause, subject=clause.object, object=clause.subject).text()


def sentiment(speaker: Speaker, answer: int) -> Texts:
    """A judgement that is favourable (1) or not (0), possibly by negation, or by concession with the last word winning."""
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
    """Two sentences of one meaning (1), or alike but for one word or for who does what to whom (0).

    In both cases the same number of words is exchanged, for synonyms or for others.
    """
    clause, changeable = _changeable_clause(speaker)
    chosen = speaker.dice.shuffled(changeable)[: speaker.dice.pick((1, 2, 2))]
    other = clause
    for slot in chosen:
        other = _with(other, slot, speaker.synonym(_word(clause, slot), always=True))
    if not answer:
        slot = speaker.dice.pick(chosen)
        other = _with(other, slot, _different(speaker, _word(clause, slot)))
    return clause.text(), other.text()


def similarity(speaker: Speaker, answer: int) -> Texts:
    """Two sentences of five content words, of which `answer` (0 to 5) mean the same; the others are exchanged."""
    clause = speaker.located(speaker.deed(speaker.dice.pick(("meeting", "handling"))))
    clause = replace(clause, subject=speaker.phrase(speaker.noun(PEOPLE), adjective=1.0))
    if clause.object.noun in speaker.lexicon.kinds and not clause.object.determiner:
        clause = replace(clause, object=speaker.phrase(speaker.noun(ANIMALS)))
    other, slots = clause, speaker.dice.shuffled(("adjective", "subject", "verb", "object", "place"))
    for position, slot in enumerate(slots):
        word = _word(clause, slot)
        kept = speaker.synonym(word, always=speaker.dice.chance(0.6))
        other = _with(other, slot, kept if position < answer else speaker.unrelated(word))
    return clause.text(), other.text()


def inference(speaker: Speaker, answer: int) -> Texts:
    """A premise, and a hypothesis that follows (0), may or may not hold (1), or cannot hold with it (2)."""
    clause = _plain(speaker.deed() if speaker.dice.chance(0.7) else speaker.state())
    while clause.subject.determiner == "":
        clause = _plain(speaker.deed() if speaker.dice.chance(0.7) else speaker.state())
    slot = "quality" if clause.quality else "verb"
    word = _word(clause, slot)
    changes = (speaker.synonym(word, always=True), speaker.unrelated(word), speaker.antonym(word))
    other = _with(clause, slot, changes[answer])
    return clause.text(), _with(other, "subject", speaker.lexicon.kinds[clause.subject.noun]).text()


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
    clause = speaker.deed("meeting", many=False)
    if clause.object.many:
        clause = replace(clause, object=speaker.phrase(clause.object.noun, many=False))
    question = ["who", third_person(clause.verb), *clause.object.words()]
    reply = replace(clause, verb=speaker.synonym(clause.verb))
    if not answered:
        reply = replace(reply, subject=clause.object, object=clause.subject)
    return sentence(question, "?"), reply.text()


def entailment(speaker: Speaker, answer: int) -> Texts:
    """Two events told in one sentence, and a more general sentence that follows (1) or mixes the events up (0)."""
    many = speaker.dice.chance(0.3)
    kinds = speaker.dice.pick_two(PEOPLE + ANIMALS)
    left, right = (_plain(Clause(speaker.phrase(speaker.noun([kind]), many), speaker.verb("resting"))) for kind in kinds)
    while speaker.same_thing(left.verb, right.verb):
        right = replace(right, verb=speaker.verb("resting"))
    told, untold = (left, right) if speaker.dice.chance(0.5) else (right, left)
    actor = told if answer else untold
    verb = speaker.synonym(told.verb)
    concluded = Clause(replace(actor.subject, noun=speaker.lexicon.kinds[actor.subject.noun]), verb)
    return sentence([*left.words(), "and", *right.words()]), concluded.text()


def coreference(speaker: Speaker, answer: int) -> Texts:
    """A sentence with a pronoun, and a sentence that puts the right (1) or the wrong noun (0) in its place."""
    subject, verb, target = _two_genders(speaker)
    meant, other = (subject, target) if speaker.dice.chance(0.5) else (target, subject)
    pronoun = PRONOUNS.get(speaker.lexicon.kinds[meant.noun], "it")
    quality = speaker.quality()
    told = [*subject.words(), third_person(verb), *target.words(), "because", pronoun, "is", quality]
    put = meant if answer else other
    return sentence(told), Clause(put, quality=quality).text()


def _two_genders(speaker: Speaker) -> tuple[Phrase, str, Phrase]:
    if speaker.dice.chance(0.6):
        kinds, manner = speaker.dice.pick_two(PEOPLE), "meeting"
    else:
        kinds, manner = (speaker.dice.pick(PEOPLE), speaker.dice.pick(ARTEFACTS)), "handling"
    subject, target = (speaker.someone([kind], many=False) for kind in kinds)
    return subject, speaker.verb(manner), target


def _changeable_clause(speaker: Speaker) -> tuple[Clause, list[str]]:
    """A clause, and those of its slots whose word has a synonym: at least two."""
    while True:
        clause = speaker.deed(speaker.dice.pick(("meeting", "handling")), adjective=0.3)
        clause = speaker.located(clause) if speaker.dice.chance(0.3) else clause
        slots = ("subject", "verb", "object", "place")
        changeable = [slot for slot in slots if len(speaker.lexicon.synonyms.get(_word(clause, slot), ())) > 1]
        if len(changeable) > 1:
            return clause, changeable


def _different(speaker: Speaker, word: str) -> str:
    """A word of another meaning that, like the words of all exchanged slots, has a synonym."""
    rich = [peer for peer in speaker.peers(word) if len(speaker.lexicon.synonyms[peer]) > 1]
    return speaker.dice.pick([peer for peer in rich if not speaker.same_thing(word, peer)] or speaker.peers(word))


def _plain(clause: Clause) -> Clause:
    """The clause without `every`, whose subject cannot be generalised."""
    if clause.subject.determiner != "every":
        return clause
    return replace(clause, subject=replace(clause.subject, determiner="the"))


def _word(clause: Clause, slot: str) -> str:
    if slot == "subject":
        return clause.subject.noun
    if slot == "adjective":
        return clause.subject.adjective
    if slot == "object":
        return clause.object.noun
    return getattr(clause, slot)


def _with(clause: Clause, slot: str, word: str) -> Clause:
    if slot == "subject":
        return replace(clause, subject=replace(clause.subject, noun=word))
    if slot == "adjective":
        return replace(clause, subject=replace(clause.subject, adjective=word))
    if slot == "object":
        return replace(clause, object=replace(clause.object, noun=word))
    return replace(clause, **{slot: word})


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
