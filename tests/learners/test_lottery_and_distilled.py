"""Lottery tickets and the younger self as a teacher: textbook versions, invariants, lives that go back, and mistakes."""

from dataclasses import replace

import pytest
import torch
from conftest import TASKS, TINY, Listener, tiny_study, weights
from run_directories import KillAt, final_blobs, lines
from torch.nn.functional import cross_entropy, kl_div

from lifespan import (
    Age,
    Develop,
    Distilled,
    Learn,
    Lottery,
    Magnitude,
    Masks,
    MicroTask,
    MicroText,
    Recover,
    Rewire,
    Scenario,
    UserError,
    Weights,
    simulate,
)
from lifespan.learners._distillation import Teacher
from lifespan.model.forward import seeded
from lifespan.model.subject import Subject
from lifespan.pruning.selection import weakest
from lifespan.randomness import Streams
from lifespan.record.store import Store
from lifespan.report.references import REFERENCES
from lifespan.study.plan import compile_study
from lifespan.training.batches import task_source
from lifespan.training.loop import Interrupted, Recipe, train

STREAMS = Streams(3, "learn/test#0")
SCORE = MicroTask("similarity", train_examples=48, eval_examples=40)


def born(*tasks, origin=TINY, seed=0):
    subject = Subject(origin.build(Streams(seed, "birth")))
    for task in tasks or TASKS[:1]:
        subject.skill_for(task, "weights", Streams(seed, f"learn/{task.title}"))
    return subject


def learn(subject, by, steps, task=TASKS[0]):
    source = task_source(subject, task, length=128, batch_size=16, streams=STREAMS)
    plasticity = by.attach(subject, (task,), steps, STREAMS)
    trace = train(subject, plasticity, source, Recipe(steps, by.warmup, by.clip), STREAMS)
    return plasticity, trace


def copied(subject):
    return {name: p.data.clone() for name, p in subject.encoder.named_parameters()}


def batch_of(subject, task=TASKS[0]):
    return task_source(subject, task, length=128, batch_size=16, streams=STREAMS).batch(0)


class Remembered:
    """A past in which the subject was always the same."""

    def __init__(self, subject):
        self.subject, self.asked = subject, []

    def at(self, moment):
        self.asked.append(moment)
        return self.subject


def textbook_lottery(subject, by, per_round, rewound):
    """Train, prune the smallest of what is left, rewind, and so on, with one plain AdamW a round."""
    head = subject.skills[TASKS[0].title].head
    first_head = {name: p.data.clone() for name, p in head.named_parameters()}
    ticket = {name: torch.ones_like(w) for name, w in subject.synapses.items()}
    source = task_source(subject, TASKS[0], length=128, batch_size=16, streams=STREAMS)
    parameters = [*subject.encoder.parameters(), *head.parameters()]
    subject.encoder.train()
    head.train()
    for number in range(by.rounds + 1):
        optimizer = torch.optim.AdamW(
            [
                {"params": [p for p in parameters if p.dim() > 1], "weight_decay": by.weight_decay},
                {"params": [p for p in parameters if p.dim() == 1], "weight_decay": 0.0},
            ]
        )
        for step in range(per_round):
            batch = source.batch(number * per_round + step)
            labels = batch.pop("labels")
            with seeded(STREAMS.number("dropout", number * per_round + step), torch.device("cpu")):
                loss = cross_entropy(head(subject.encoder(**batch).last_hidden_state[:, 0]), labels)
            optimizer.zero_grad()
            loss.backward()
            for name, weight in subject.synapses.items():
                weight.grad *= ticket[name]
            torch.nn.utils.clip_grad_norm_(parameters, by.clip)
            for group in optimizer.param_groups:
                group["lr"] = by.rate * Recipe(per_round, by.warmup, by.clip).factor(step)
            optimizer.step()
        if number < by.rounds:
            left = torch.cat([w.data.abs()[ticket[name] > 0] for name, w in subject.synapses.items()])
            kept = round(subject.count * (1 - by.sparsity) ** ((number + 1) / by.rounds))
            cut = left.sort(descending=True).values[kept - 1]
            for name, p in subject.encoder.named_parameters():
                if name in ticket:
                    ticket[name] *= (p.data.abs() >= cut).float()
                p.data.copy_(rewound[name] * ticket.get(name, 1.0))
            for name, p in head.named_parameters():
                p.data.copy_(first_head[name])
    return ticket


@pytest.mark.parametrize("rewind", ["start", "birth"])
def test_a_lottery_equals_the_textbook_loop(rewind):
    by = Lottery(rate=2e-3, sparsity=0.6, rounds=2, rewind=rewind)
    subject, plain, younger = born(), born(), born(seed=1)
    subject.past = Remembered(younger)
    rewound = copied(plain if rewind == "start" else younger)
    learn(subject, by, 12)
    ticket = textbook_lottery(plain, by, 4, rewound)
    mask = subject.skills[TASKS[0].title].mask
    for name, weight in subject.synapses.items():
        assert torch.equal(mask[name], ticket[name] > 0)
        torch.testing.assert_close(weight.data * mask[name], plain.synapses[name].data, atol=2e-6, rtol=1e-4)
        assert torch.equal(weight.data[~mask[name]], rewound[name][~mask[name]]), "outside the ticket are the rewound weights"
    others = dict(plain.encoder.named_parameters())
    for name, p in subject.encoder.named_parameters():
        if name not in mask:
            torch.testing.assert_close(p.data, others[name].data, atol=2e-6, rtol=1e-4)
    heads = [s.skills[TASKS[0].title].head.output.weight for s in (subject, plain)]
    torch.testing.assert_close(*heads, atol=2e-6, rtol=1e-4)


@pytest.mark.parametrize("sparsity", [0.0, 0.37, 0.9])
def test_a_ticket_is_exact_among_the_living_and_the_dead_keep_their_weight(sparsity):
    subject = born()
    strength = {name: w.data.abs() for name, w in subject.synapses.items()}
    subject.alive = weakest(strength, subject.alive, 0.3, scope="global")
    before, living = copied(subject), sum(int(m.sum()) for m in subject.alive.values())
    plasticity, trace = learn(subject, Lottery(rate=1e-2, sparsity=sparsity, rounds=3), 8)
    mask = subject.skills[TASKS[0].title].mask
    on = sum(int(m.sum()) for m in mask.values())
    assert living - on == round(sparsity * living)
    assert plasticity.report()["sparsity"] == pytest.approx(1 - on / subject.count)
    assert next(value for _, metric, value, _ in trace.points if metric == "sparsity") == pytest.approx(0.3, abs=1e-3)
    for name, alive in subject.alive.items():
        assert bool((mask[name] <= alive).all())
        assert torch.equal(subject.synapses[name].data[~alive], before[name][~alive])
        assert not torch.equal(subject.synapses[name].data[mask[name]], before[name][mask[name]])


def test_a_lottery_on_text_leaves_a_mask_of_the_language():
    subject = born()
    plasticity = Lottery(sparsity=0.25, rounds=1).attach(subject, (), 2, STREAMS)
    plasticity.advance(0)
    plasticity.settle()
    assert sum(int((~m).sum()) for m in subject.language_mask.values()) == round(0.25 * subject.count)


def test_a_lottery_counts_its_steps_by_the_round():
    assert Lottery(steps=5, rounds=2).steps_for(100) == 15
    assert Lottery(epochs=2.0, batch_size=10, rounds=3).steps_for(100) == 4 * 20
    with pytest.raises(UserError, match=r"learns 3 times for equally long, which 10 steps do not allow\..*steps=12"):
        Lottery(rounds=2).attach(born(), TASKS[:1], 10, STREAMS)


def taught(by, task=TASKS[0], teacher=None):
    """A subject, its teacher, and the plasticity between them; the teacher has a firm opinion."""
    subject, teacher = born(*TASKS, SCORE), teacher or born(*TASKS, SCORE, seed=1)
    for skill in teacher.skills.values():
        skill.head.output.bias.data[0] = 2.0
    subject.past = Remembered(teacher)
    return subject, subject.past.subject, by.attach(subject, (task,), 4, STREAMS)


def test_distillation_equals_the_textbook_for_classes():
    subject, teacher, plasticity = taught(Distilled(by=weights(), teacher=2, temperature=3.0, share=0.3))
    batch = batch_of(subject)
    inputs = {name: value for name, value in batch.items() if name != "labels"}
    student, master = (s.skills[TASKS[0].title].head(s.encoder(**inputs).last_hidden_state[:, 0]) for s in (subject, teacher))
    divergence = kl_div((student / 3).log_softmax(-1), (master / 3).softmax(-1), reduction="batchmean")
    expected = 0.7 * cross_entropy(student, batch["labels"]) + 0.3 * 9 * divergence
    plasticity.enter(TASKS[0].title)
    loss = plasticity.objective(TASKS[0].title, batch)
    assert float(loss.detach()) == pytest.approx(float(expected.detach()), rel=1e-5)
    assert float(divergence.detach()) > 0.01, "a teacher of the same mind proves nothing"
    loss.backward()
    assert all(p.grad is None for p in teacher.encoder.parameters()), "the teacher learns nothing"
    assert subject.past.asked == [2]


def test_distillation_equals_the_textbook_for_scores():
    subject, teacher, plasticity = taught(Distilled(by=weights(), teacher=2, share=0.3), SCORE)
    batch = batch_of(subject, SCORE)
    inputs = {name: value for name, value in batch.items() if name != "labels"}
    student, master = (
        s.skills[SCORE.title].head(s.encoder(**inputs).last_hidden_state[:, 0]).squeeze(-1) for s in (subject, teacher)
    )
    expected = 0.7 * (student - batch["labels"]).square().mean() + 0.3 * (student - master).square().mean()
    assert float(plasticity.objective(SCORE.title, batch).detach()) == pytest.approx(float(expected.detach()), rel=1e-5)


@pytest.mark.parametrize("by", [Masks(rate=5e-3), weights(), Lottery(rounds=1)])
def test_with_no_share_the_teacher_is_not_heard(by):
    subject, _, plasticity = taught(Distilled(by=by, teacher=2, share=0.0))
    alone = born(*TASKS, SCORE)
    source = task_source(subject, TASKS[0], length=128, batch_size=16, streams=STREAMS)
    assert plasticity.cycle == (2 if isinstance(by, Lottery) else None)
    train(subject, plasticity, source, Recipe(4, by.warmup, by.clip), STREAMS)
    learn(alone, by, 4)
    for group, tensors in alone.state().items():
        for name, value in tensors.items():
            assert torch.equal(value, subject.state()[group][name]), (group, name)


def test_a_teacher_wears_each_task_in_turn_and_answers_without_dropout():
    younger = born(*TASKS, origin=replace(TINY, dropout=0.5))
    for task, sparsity in zip(TASKS, (0.3, 0.8), strict=True):
        strength = {name: w.data.abs() for name, w in younger.synapses.items()}
        younger.skills[task.title].mask = weakest(strength, younger.alive, sparsity, scope="global")
    expected = {}
    younger.encoder.eval()
    for task in TASKS:
        head = younger.skills[task.title].head.eval()
        inputs = {name: value for name, value in batch_of(younger, task).items() if name != "labels"}
        with younger.wearing(task.title), torch.no_grad():
            expected[task.title] = head(younger.encoder(**inputs).last_hidden_state[:, 0])
        head.train()
    younger.encoder.train()
    teacher = Teacher(younger)
    for task in (*TASKS, *TASKS):
        torch.testing.assert_close(teacher.answer(task.title, batch_of(younger, task)), expected[task.title])
    assert not torch.equal(*expected.values())


def test_the_recipe_of_a_wrapped_learner_is_the_only_one():
    by = Lottery(steps=5, batch_size=7, rate=3e-4, warmup=0.3, clip=0.5, rounds=2, rewind="birth")
    taught = Distilled(by=by, teacher="development")
    for name in ("steps", "epochs", "batch_size", "rate", "head_rate", "warmup", "weight_decay", "clip"):
        assert getattr(taught, name) == getattr(by, name)
    assert taught.steps_for(50) == by.steps_for(50) == 15
    assert taught.plasticity == "both" and taught.moments == ("development", "birth")
    assert replace(taught, by=weights()).batch_size == weights().batch_size
    assert "steps" not in taught.to_data() and taught.digest() != replace(taught, by=replace(by, steps=6)).digest()


PAST = (
    Develop(MicroText(number=300), steps=6, batch_size=16),
    *(Learn(task, by=Masks(steps=6, rate=5e-3)) for task in TASKS),
)
"""A childhood of three events, after which both tasks are known."""


def old_life(name="old"):
    """Goes back three times: to birth, to its younger self in one task, and in both by turns."""
    ticket = Lottery(steps=2, rate=1e-3, sparsity=0.5, rounds=2, rewind="birth")
    return Scenario(
        name=name,
        subject=TINY,
        events=(
            *PAST,
            Learn(TASKS[0], by=ticket),
            Learn(TASKS[1], by=Distilled(by=Masks(steps=6, rate=5e-3), teacher=3)),
            Age(to=0.3, by=Magnitude()),
            Recover(steps=6, by=Distilled(by=Rewire(rate=5e-3), teacher=4)),
        ),
    )


@pytest.mark.parametrize("steps", [3, 4])
def test_a_life_that_goes_back_is_the_same_however_often_it_is_interrupted(tmp_path, steps):
    """Stopped, among others, in the middle of a ticket's round (3) and where a round is just over (4)."""
    study = tiny_study(old=old_life())
    assert simulate(study, tmp_path / "whole").done == 1
    killed = 0
    for _ in range(40):
        killer = KillAt(steps)
        try:
            simulate(study, tmp_path / "killed", observer=killer, should_stop=lambda k=killer: k.now)
            break
        except Interrupted:
            killed += 1
    assert killed >= 6
    assert lines(tmp_path / "whole") == lines(tmp_path / "killed")
    assert final_blobs(tmp_path / "whole", "old") == final_blobs(tmp_path / "killed", "old")


def test_going_back_reaches_the_moment_and_disturbs_nobody(tmp_path):
    """Also after its past was lived by another process, and whoever else lives in the study."""
    plain = Scenario(name="plain", subject=TINY, events=(*PAST, Learn(TASKS[0], by=weights())))
    both, alone = tiny_study(plain=plain, old=old_life()), tiny_study(plain=plain)
    digests = [[s.digest for s in compile_study(x, precision="fp32").lives[0].steps] for x in (both, alone)]
    assert digests[0] == digests[1]
    simulate(alone, tmp_path / "a")
    for out in ("a", "b"):
        simulate(both, tmp_path / out)
    assert lines(tmp_path / "a") == lines(tmp_path / "b")
    assert final_blobs(tmp_path / "a", "old") == final_blobs(tmp_path / "b", "old")
    store, steps = Store(tmp_path / "b" / "store"), compile_study(both, precision="fp32").lives[1].steps
    (birth, ticket) = (store.load_state(steps[i].digest)[1] for i in (0, 4))
    for name, mask in ticket[f"skill/{TASKS[0].title}"].items():
        assert torch.equal(ticket["encoder"][name][~mask], birth["encoder"][name][~mask])
        assert not torch.equal(ticket["encoder"][name][mask], birth["encoder"][name][mask])


def test_a_past_that_is_lost_is_lived_again(tmp_path):
    """The teacher's own checkpoint is corrupt when its pupil begins."""
    childhood = Scenario(name="x", subject=TINY, events=PAST)
    study = tiny_study(x=replace(childhood, events=(*PAST, Learn(TASKS[0], by=Distilled(by=weights(), teacher=2)))))
    simulate(study, tmp_path / "whole")
    simulate(tiny_study(x=childhood), tmp_path / "torn")
    store = Store(tmp_path / "torn" / "store")
    digest = compile_study(study, precision="fp32").lives[0].steps[2].digest
    blob = store._blob_path(store.node(digest)["blobs"]["alive"])
    blob.write_bytes(blob.read_bytes()[:-1] + b"\x00")
    listener = Listener()
    simulate(study, tmp_path / "torn", observer=listener)
    assert "does not match its checksum" in listener.said[0]
    assert lines(tmp_path / "whole") == lines(tmp_path / "torn")


def life(*events):
    return Scenario(name="x", subject=TINY, events=events)


TEACH = Distilled(by=Weights(), teacher="development")


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Lottery(sparsity=1.0), r"Lottery\(sparsity=1\.0\): must be a number in \[0, 1\)"),
        (lambda: Lottery(rounds=0), r"Lottery\(rounds=0\): must be a whole number, at least 1"),
        (lambda: Lottery(rewind="brith"), r"Did you mean 'birth'\? Known: start, birth, development"),
        (lambda: Lottery(rewind=-1), r"Lottery\(rewind=-1\): must be a whole number, at least 0"),
        (lambda: Lottery(rewind=1.5), r"must be a whole number"),
        (lambda: Distilled(teacher=2), r"Distilled\(\.\.\.\): the argument 'by' is missing"),
        (lambda: Distilled(by=Masks(), teacher="start"), r"Known: birth, development"),
        (lambda: Distilled(by=Masks(), teacher="birth"), r"knows no task yet\. Name a moment after the task was learned"),
        (lambda: Distilled(by=Masks(), teacher=0), r"knows no task yet"),
        (lambda: Distilled(by=Masks(), teacher=True), r"must be a whole number"),
        (lambda: Distilled(by=Masks, teacher=2), r"is a class, not an object\. Write Masks\(\.\.\.\)"),
        (lambda: Distilled(by=3, teacher=2), r"Distilled\(by=3\): must be a Learner"),
        (lambda: Distilled(by=Masks(), teacher=2, steps=5), r"Distilled\(steps=\.\.\.\): there is no such argument"),
        (lambda: Distilled(by=Masks(), teacher=2, temperature=0), r"temperature=0\): must be a number above 0"),
        (lambda: Distilled(by=Masks(), teacher=2, share=3), r"share=3\): must be a number in \[0, 1\]"),
        (lambda: TEACH.attach(born(), (), 4, STREAMS), r"development has none\. Use it in Learn or Recover"),
        (
            lambda: TEACH.attach(born(), TASKS[:1], 4, STREAMS),
            r"goes back to 'development', but this subject has no recorded past",
        ),
        (
            lambda: taught(TEACH, teacher=born(TASKS[1])),
            r"teacher='development'\): the teacher cannot teach 'micro-sentiment'.*not learned yet by then\. Name a later",
        ),
        (
            lambda: life(Learn(TASKS[0], by=Lottery(rewind="development"))),
            r"learn micro-sentiment: .*no Develop stands before",
        ),
        (lambda: life(*PAST, Learn(TASKS[0], by=Lottery(rewind=4))), r"goes back to 4, but 3 events .* number from 0 to 3"),
        (lambda: life(*PAST[1:], Recover(steps=4, by=replace(TEACH, by=Rewire()))), r"recover: .*no Develop stands before"),
        (lambda: life(*PAST, Learn(TASKS[0], by=Distilled(by=Lottery(rewind=9), teacher=2))), r"goes back to 9"),
    ],
)
def test_mistakes_are_said(build, message):
    with pytest.raises(UserError, match=message):
        build()


def test_a_teacher_that_does_not_know_the_task_is_said_in_a_life(tmp_path):
    study = tiny_study(x=life(PAST[0], Learn(TASKS[0], by=TEACH)))
    with pytest.raises(UserError, match=r"cannot teach 'micro-sentiment', which was not learned yet by then"):
        simulate(study, tmp_path)


def test_every_method_here_is_cited():
    cited = {kind.citation for kind in (Lottery, Distilled)}
    assert cited <= set(REFERENCES) and "" not in cited
