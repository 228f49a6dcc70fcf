"""Every built-in class of a family keeps the rules that plug-in authors are held to."""

from pathlib import Path

import pytest

from lifespan import (
    AvalancheStrategy,
    Bend,
    Contrast,
    Develop,
    Distilled,
    Fisher,
    FreshTask,
    Glue,
    GradientSaliency,
    GreedyForward,
    HeadLoss,
    Heads,
    Items,
    Learn,
    LoRA,
    LossPlane,
    Lottery,
    Magnitude,
    Masks,
    MatchedNoise,
    MicroPairs,
    MicroTask,
    MicroText,
    MinimalPairs,
    Movement,
    Neurons,
    OutOfDomain,
    Perplexity,
    Pruned,
    PublishedOverlap,
    RankCollapse,
    Readout,
    Replay,
    RepresentationSimilarity,
    Response,
    ScatteredLoss,
    Sharpness,
    Since,
    SkillMask,
    TableTask,
    TokenTask,
    Turnover,
    Typos,
    Wanda,
    Weights,
)
from lifespan.cli import catalog
from lifespan.testing import (
    check_contrast,
    check_disorder,
    check_learner,
    check_measure,
    check_pruner,
    check_strategy,
    check_task,
)
from lifespan.testing.lives import BY_MASKS, BY_WEIGHTS, DEVELOP, EVALUATION, FIRST, SECOND

BOTH_BY_MASKS = (DEVELOP, *(Learn(task, by=BY_MASKS) for task in (FIRST, SECOND)))
BOTH_BY_WEIGHTS = (DEVELOP, *(Learn(task, by=BY_WEIGHTS) for task in (FIRST, SECOND)), EVALUATION)


OPPOSITE = {"negative": "different", "positive": "equivalent"}

EXAMPLES = {
    "SkillMask": SkillMask(FIRST),
    "MatchedNoise": MatchedNoise(like=RankCollapse()),
    "ScatteredLoss": ScatteredLoss(like=HeadLoss()),
    "Replay": Replay(tasks=(FIRST,), batch_size=8),
    "Distilled": Distilled(by=Weights(), teacher=4),
    "Lottery": Lottery(rounds=1),
    "Fisher": Fisher(examples=16),
    "GradientSaliency": GradientSaliency(batches=2, batch_size=8),
    "GreedyForward": GreedyForward(batches=1, batch_size=8),
    "Heads": Heads(batches=2, batch_size=8),
    "Movement": Movement(steps=3, batch_size=8),
    "Neurons": Neurons(batches=2, batch_size=8),
    "Wanda": Wanda(batches=2, batch_size=8),
    "Items": Items(MicroTask("sentiment", train_examples=32)),
    "MicroTask": MicroTask("similarity"),
    "Since": Since("birth", Turnover()),
    "Bend": Bend(steps_learned=2, points=3, examples=8),
    "FreshTask": FreshTask(MicroTask("paraphrase", train_examples=32, eval_examples=16), by=Weights(steps=4), every=2),
    "LossPlane": LossPlane("birth", "development", points=3, examples=8),
    "OutOfDomain": OutOfDomain("micro-sentiment", MicroTask("paraphrase", eval_examples=16), meaning=OPPOSITE),
    "MinimalPairs": MinimalPairs(MicroPairs(number=6), examples=4),
    "Perplexity": Perplexity(MicroText(number=50)),
    "Pruned": Pruned(Magnitude(), sparsities=(0.5, 0.9)),
    "PublishedOverlap": PublishedOverlap(Path(__file__).parents[1] / "published_masks.npz"),
    "Readout": Readout((FIRST, MicroTask("similarity", train_examples=16, eval_examples=16))),
    "RepresentationSimilarity": RepresentationSimilarity(corpus=MicroText(number=20), examples=12),
    "Response": Response(Typos(), severities=(0.5, 1.0)),
    "Sharpness": Sharpness(draws=2, iterations=2, examples=8),
}
"""Objects of classes that need arguments, or do with fewer batches."""

SETTINGS = {
    "Replay": {"events": BOTH_BY_WEIGHTS},
    "Distilled": {"before": (Learn(SECOND, by=BY_WEIGHTS),)},
    "GreedyForward": {"sparsities": (0.2, 0.4)},
    "Heads": {"sparsities": (0.2,)},
    "Neurons": {"sparsities": (0.2, 0.4)},
    "NofM": {"sparsities": (0.5,)},
    "SkillMask": {"before": BOTH_BY_MASKS},
    "LanguageMask": {"before": (Develop(DEVELOP.corpus, steps=3, batch_size=8, by=Masks()), *BOTH_BY_WEIGHTS[1:3])},
    "Generalisation": {"before": (DEVELOP, Learn(Items(FIRST), by=BY_WEIGHTS))},
    "TaskInference": {"before": BOTH_BY_MASKS},
    "TaskOverlap": {"before": BOTH_BY_MASKS},
}
"""What else the check of a class is told."""


def family(*names):
    found = [entry for name in names for entry in catalog.entries(name)]
    kinds = [pytest.param(e.kind, id=e.name) for e in found]
    return pytest.mark.parametrize("kind", kinds)


def example(kind):
    if kind is AvalancheStrategy:
        pytest.importorskip("avalanche")
        return AvalancheStrategy("Replay", settings={"mem_size": 24})
    if kind is LoRA:
        pytest.importorskip("peft")
    known = EXAMPLES.get(kind.__name__)
    return kind() if known is None else known


def settings(kind):
    return SETTINGS.get(kind.__name__, {})


@family("disorders", "drugs")
def test_disorders(kind):
    check_disorder(example(kind), **settings(kind))


@family("learners")
def test_learners(kind):
    check_learner(example(kind), **settings(kind))


@family("pruners")
def test_pruners(kind):
    check_pruner(example(kind), **settings(kind))


@family("probes")
def test_measures(kind):
    check = check_contrast if issubclass(kind, Contrast) else check_measure
    check(example(kind), **settings(kind))


@pytest.mark.parametrize("name", ["Items", "MicroTask"])
def test_generated_tasks(name):
    check_task(EXAMPLES[name])


def test_tags(tmp_path):
    check_task(MicroTask("tagging"))
    (tmp_path / "tags.txt").write_text("\n".join(f"Ann B-PER\nnumber-{i} O\n" for i in range(10)))
    check_task(TokenTask(tmp_path / "tags.txt", name="tags"))


def test_tables(tmp_path):
    rows = [f"sentence {i},{'good' if i % 2 else 'bad'}" for i in range(20)]
    (tmp_path / "table.csv").write_text("\n".join(["text,label", *rows]))
    check_task(TableTask(tmp_path / "table.csv", name="table", first="text"))


def test_glue(tmp_path):
    (tmp_path / "RTE").mkdir()
    rows = [f"{i}\tpremise {i}\thypothesis {i}\t{'not_' * (i % 2)}entailment" for i in range(6)]
    for split in ("train", "dev"):
        (tmp_path / "RTE" / f"{split}.tsv").write_text("\n".join(["index\tsentence1\tsentence2\tlabel", *rows]) + "\n")
    check_task(Glue("rte", source=tmp_path))


@family("probes")
def test_every_metric_of_a_built_in_probe_is_explained(kind):
    told = example(kind)
    assert told.meanings and kind.cost, f"{kind.__name__} must say what its metrics mean and what it costs"
    assert all(meaning.meaning and meaning.range for meaning in told.meanings)


@pytest.mark.parametrize("kind", [entry.kind for entry in catalog.entries("strategies")], ids=lambda kind: kind.__name__)
def test_strategies(kind):
    check_strategy(kind())
