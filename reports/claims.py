"""The claims of the essay as differences between twins: what was measured, and the rule that turns an interval into a verdict.

A quantity is one number for each individual of a kept record: a mean over tasks (and over groups, where a study has a group
for each task) of the first, the last or all readings of a metric. A test compares two quantities pair by pair, by a - b:

- "more": supported where the whole interval is above 0 and the sign-flip p of the pairs is below .05, too (an interval may be
  one individual's doing); refuted where all of it is below `margin`, the least that counts;
- "no less": supported where the whole interval is above -`margin`, refuted where all of it is below -`margin`;
- "below": supported where the whole interval is below `margin`, refuted where all of it is above; here `second` is nothing;
- "alike": supported where the whole interval is between -`margin` and `margin`, refuted where all of it is outside.

Anything else is undecided, and so is every test of fewer than six pairs, whose smallest possible p is above .05. A claim is
decided by its tests together: supported or refuted where all agree, "in part" where some support it and some refute it,
"supports in part" where the others are undecided; without its positive control nothing is decided. A test that no docstring
predicted, and that was written when its rows had been seen, is marked as `afterwards` and decides nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from lifespan import read
from lifespan.analysis.cohort import gather
from lifespan.analysis.examples import bits_needed
from lifespan.analysis.retention import lifetimes
from lifespan.analysis.scores import held_out
from lifespan.stats import inference as stats

HERE = Path(__file__).parent
FEWEST = 6
KEPT = "functions kept"
LASTED = "steps that functions lasted"
MARGIN = 0.02


@dataclass(frozen=True)
class Quantity:
    """A mean over `groups` and `tasks` (all, if none). In `metric`, "" and `*` stand for each task's primary one.

    KEPT is the share of functions, learned above chance, that were never lost: never below half of that at two looks in a row
    (`lifespan.analysis.retention`); LASTED the optimizer steps until then, or until the last look. With `over`,
    what the mean has above chance is divided by what the mean of `over` has.
    """

    groups: tuple[str, ...]
    metric: str = ""
    probe: str = "Score"
    stage: str = "*"
    at: str = "last"
    tasks: tuple[str, ...] = ()
    minus: Quantity | None = None
    over: Quantity | None = None


def of(*groups, **settings):
    """A quantity of these groups."""
    return Quantity(groups, **settings)


def rise(group):
    """The rise of the training loss from where learning ended to half a weight's length away, in nats."""
    place = of(group, metric="loss@0.5", probe="LossSlice")
    return replace(place, minus=replace(place, metric="loss@0"))


@dataclass(frozen=True)
class Test:
    """A predicted difference a - b between quantities.

    `control` marks the positive control of its study, `scores` that the difference is one of scores, `afterwards` that nobody
    had predicted it.
    """

    what: str
    first: Quantity
    second: Quantity | None
    predicted: str = "more"
    margin: float = MARGIN
    control: bool = False
    scores: bool = True
    afterwards: bool = False


@dataclass(frozen=True)
class Claim:
    """A claim, its study and its tests; `records` are the folders of kept records by what was lived in them."""

    number: int
    title: str
    claim: str
    study: str
    records: tuple[tuple[str, str], ...]
    tests: tuple[Test, ...]


@dataclass(frozen=True)
class Found:
    """What a test came to."""

    test: Test
    n: int
    estimate: float
    low: float
    high: float
    effect: float
    p: float
    verdict: str


@lru_cache(maxsize=4)
def rows_of(folder: str) -> tuple[pd.DataFrame, dict]:
    """The measured rows of a kept record, of individuals that lived to the end, and its tasks, with the metrics of each."""
    record = read(HERE / folder)
    rows, people = record.measurements(), record.participants()
    ended = people.loc[people["status"] == "done", ["group", "seed"]]
    return rows[rows["probe"] != "Training"].merge(ended, on=["group", "seed"]), dict(record.study["tasks"])


@lru_cache(maxsize=4)
def functions_of(folder: str) -> pd.DataFrame:
    """How long each function of a kept record was kept, and whether it was lost, in lives that came to their end."""
    table = lifetimes(gather([read(HERE / folder)]))
    return table[table["status"] == "done"]


def alike(names: pd.Series, pattern: str) -> pd.Series:
    """Where a name is of this pattern."""
    return names.map({name: fnmatchcase(name, pattern) for name in names.unique()}).astype(bool)


@lru_cache(maxsize=64)
def readings(folder: str, probe: str, metric: str) -> pd.DataFrame:
    """Rows of a record with these probes and this metric of each task, all on the split that was looked at most.

    A score that does not exist, as a correlation of equal answers, counts as that of the best constant answer. A metric that
    ends in "/last" is that of the last layer.
    """
    rows, tasks = rows_of(folder)
    if metric.endswith("/last"):
        layers = rows.loc[alike(rows["probe"], probe), "metric"].str.extract(rf"^{metric.removesuffix('last')}(\d+)$")[0]
        metric = metric.replace("last", str(layers.dropna().astype(int).max()))
    primary = {title: task["metrics"][0] for title, task in tasks.items()}
    wanted = {title: metric.replace("*", name) or name for title, name in primary.items()}
    rows = held_out(rows[alike(rows["probe"], probe) & (rows["metric"] == rows["task"].map(wanted))])
    scores = primary if not metric or "*" in metric else dict.fromkeys(tasks, metric)
    chance = {title: tasks[title].get("chance", {}).get(name) for title, name in scores.items()}
    return rows.assign(value=rows["value"].fillna(rows["task"].map(chance).astype(float)))


def each(folder: str, quantity: Quantity) -> pd.DataFrame:
    """A quantity before its mean: a row for each seed, a column for each group and task."""
    rows = readings(folder, quantity.probe, quantity.metric)
    rows = rows[rows["group"].isin(quantity.groups) & alike(rows["stage"], quantity.stage)]
    if quantity.tasks:
        rows = rows[rows["task"].isin(quantity.tasks)]
    return rows.groupby(["seed", "group", "task"])["value"].agg(quantity.at).unstack(["group", "task"]).dropna()


def values(folder: str, quantity: Quantity) -> pd.Series:
    """One number for each seed; a seed that lacks one of the readings is left out.

    The functions of KEPT and LASTED are those that a seed learned above chance.
    """
    if quantity.metric in (KEPT, LASTED):
        functions = functions_of(folder)
        own = functions[functions["group"].isin(quantity.groups)].groupby("seed")
        return 1.0 - own["lost"].mean() if quantity.metric == KEPT else own["time"].mean()
    found = each(folder, quantity).mean(axis=1)
    if quantity.over is not None:
        _, tasks = rows_of(folder)
        named = [task for title, task in tasks.items() if title in (quantity.tasks or tasks)]
        chances = [task["chance"][task["metrics"][0]] for task in named]
        return ((found - np.mean(chances)) / (values(folder, quantity.over) - np.mean(chances))).dropna()
    return found if quantity.minus is None else (found - values(folder, quantity.minus)).dropna()


def judge(predicted: str, margin: float, low: float, high: float, n: int, p: float = 0.0) -> str:
    """The verdict on one interval; `p` is that of no difference."""
    if n < FEWEST or not math.isfinite(low + high):
        return "undecided"
    if predicted == "alike":
        return "supports" if -margin < low and high < margin else "refutes" if low > margin or high < -margin else "undecided"
    if predicted == "below":
        low, high, predicted = -high, -low, "no less"
    least, most = (0.0, margin) if predicted == "more" else (-margin, -margin)
    if low > least and (predicted != "more" or p < 0.05):
        return "supports"
    return "refutes" if high < most else "undecided"


def paired(folder: str, test: Test) -> pd.DataFrame:
    """Both quantities of a test, "a" and "b", for every seed that has both."""
    first = values(folder, test.first)
    second = 0 * first if test.second is None else values(folder, test.second)
    return pd.concat([first, second], axis=1, keys=["a", "b"]).dropna()


def found(folder: str, test: Test) -> Found:
    """The paired difference of a test in a kept record."""
    pairs = paired(folder, test)
    if pairs.empty:
        return Found(test, len(pairs), *[math.nan] * 5, "undecided")
    told = stats.paired_difference(pairs["a"].to_numpy(), pairs["b"].to_numpy())
    estimate, low, high = told.difference.estimate, told.difference.low, told.difference.high
    if len(pairs) >= FEWEST and np.ptp(pairs["a"] - pairs["b"]) == 0:
        low = high = estimate
    says = judge(test.predicted, test.margin, low, high, len(pairs), told.p)
    return Found(test, len(pairs), estimate, low, high, told.hedges_g_av, told.p, says)


def by_task(folder: str, test: Test) -> dict[str, float]:
    """The mean difference on each task, where a test of scores has more than one; the tasks of a mean may weigh unequally."""
    if not test.scores or test.second is None or test.first.minus or test.second.minus:
        return {}
    sides = [each(folder, part).T.groupby(level="task").mean().T for part in (test.first, test.second)]
    shared = (sides[0] - sides[1]).dropna(axis=1, how="all")
    return {str(task): float(shared[task].mean()) for task in shared} if len(shared.columns) > 1 else {}


def verdict(results: list[Found]) -> str:
    """What the tests of one record say of their claim together."""
    controls = [result.verdict for result in results if result.test.control]
    others = [result.verdict for result in results if not result.test.control and not result.test.afterwards]
    if not controls or any(word != "supports" for word in controls):
        return "undecided"
    decided = sorted(set(others) - {"undecided"})
    if len(decided) != 1:
        return "in part" if decided else "undecided"
    return decided[0] if set(others) == set(decided) else f"{decided[0]} in part"


DOSED = {
    "drugged before learning, largest-weight grid": "{} bits before",
    "drugged before learning, sigma grid": "{} bits before, sigma",
    "drugged after learning, largest-weight grid": "{} bits after",
    "drugged after learning, sigma grid": "{} bits after, sigma",
}


def bits(folder: str) -> list[tuple[str, int, float, float, float]]:
    """Bits per synapse at which the mean score keeps 95% of what it is above chance: by order and grid, n, bits, low, high.

    The crossing is that of the mean curve, for a subject that learns anew at each dose scatters more than 5%; the interval is
    the percentile bootstrap over individuals.
    """
    _, tasks = rows_of(folder)
    (task,) = tasks.values()
    floor = float(task["chance"][task["metrics"][0]])
    whole = values(folder, of("undrugged"))
    told = []
    for what, pattern in DOSED.items():
        doses = {number: values(folder, of(pattern.format(number))) for number in (8, 4, 3, 2, 1)}
        curves = pd.DataFrame({32: whole, **{number: scores for number, scores in doses.items() if len(scores)}}).dropna()
        if len(curves.columns) < 2:
            continue
        chosen = np.random.default_rng(0).integers(len(curves), size=(2_000, len(curves)))
        needed = [bits_needed(list(curves), mean, floor=floor) for mean in curves.to_numpy()[chosen].mean(axis=1)]
        low, high = np.quantile(needed, [0.025, 0.975]) if len(curves) >= FEWEST else (math.nan, math.nan)
        told.append((what, len(curves), bits_needed(list(curves), curves.mean(), floor=floor), low, high))
    return told


def known(folder: str, test: Test) -> bool:
    """Whether a study has what a test compares: its groups, and a look that says this of anybody."""
    parts = [part for part in (test.first, test.second) if part is not None]
    groups = set(rows_of(folder)[0]["group"])
    return all(
        groups & set(part.groups) and (part.metric in (KEPT, LASTED) or len(readings(folder, part.probe, part.metric)))
        for part in parts
    )


SIX = ("acceptability", "sentiment", "paraphrase", "inference", "answering", "coreference")
GLUE_SIX = ("cola", "sst2", "mrpc", "stsb", "rte", "qqp")


def ways(way: str, *tasks: str) -> Quantity:
    """The groups of `masks_or_weights` that learned these tasks, or all of either world, in one way."""
    return of(*(f"{way} {task}" for task in tasks or (*SIX, *GLUE_SIX)))


def lesion(kind: str, share: float, group: str = "young") -> Quantity:
    """Scores with a share of the heads silenced."""
    return of(group, metric=f"*@{share:g}/{kind}" if share else "*@0", probe="TargetedLesions")


def aged_less_young(kind: str, share: float) -> tuple[Quantity, Quantity]:
    """What a lesion costs the aged, and the young."""
    aged, young = (
        of(group, metric="*@0", probe="TargetedLesions", minus=lesion(kind, share, group)) for group in ("aged", "young")
    )
    return aged, young


def left_over(kind: str, share: float, group: str) -> Quantity:
    """The share of what is above chance that a lesion leaves."""
    return replace(lesion(kind, share, group), over=lesion("", 0, group))


def agnostic(group: str) -> Quantity:
    """Scores with one strength for all synapses of the encoder: the mean of theirs."""
    return of(group, metric="weight_agnostic_*@1", probe="WeightAgnostic")


def overlap(group: str, metric: str) -> Quantity:
    """Overlap of the two masks that one network learned for one task."""
    return of(group, metric=metric, probe="MaskOverlap since *")


def nearness(layer: str) -> Quantity:
    """Likeness of a layer's representation to what it was before the weights moved, in the developed."""
    return of("developed", metric=f"cka/{layer}", probe="RepresentationSimilarity since *")


CLAIMS = (
    Claim(
        1,
        "Weights or structure",
        "Masks over frozen pre-trained weights learn a task about as well as fine-tuning does (figures 2 and 3).",
        "masks_or_weights",
        (("micro world", "masks_or_weights"), ("MiniLM, GLUE", "masks_or_weights_on_glue")),
        (
            Test("masks - weights, as many steps", ways("masks"), ways("weights, as long"), "no less", 0.03),
            Test("masks - weights (micro world: half the steps)", ways("masks"), ways("weights"), "no less", 0.03),
            *(
                Test(f"masks - weights, as many steps: {t}", ways("masks", t), ways("weights, as long", t), "no less", 0.03)
                for t in SIX
            ),
            *(Test(f"masks - weights: {t}", ways("masks", t), ways("weights", t), "no less", 0.03) for t in GLUE_SIX),
            Test("masks - head alone", ways("masks"), ways("head"), margin=0.05),
            Test("masks - random mask", ways("masks"), ways("random"), margin=0.05),
            Test("weights - head alone", ways("weights"), ways("head"), control=True),
        ),
    ),
    Claim(
        2,
        "Many good subnetworks",
        "A pre-trained network holds many good subnetworks, with few or most of its synapses removed (figure 5, left).",
        "many_good_subnetworks",
        (("micro world", "many_good_subnetworks"), ("MiniLM, STS-B", "many_good_subnetworks_on_glue")),
        (
            Test("mask of 30% - mask of 10%", of("masks 30%", at="first"), of("masks 10%", at="first"), "no less", 0.03),
            Test("mask of 50% - mask of 10%", of("masks 50%", at="first"), of("masks 10%", at="first"), "no less", 0.03),
            Test("mask of 50% - random mask of 50%", of("masks 50%", at="first"), of("random 50%", at="first")),
            Test("second mask of 50% - first", of("masks 50%"), of("masks 50%", at="first"), "alike", 0.03),
            Test("overlap of two masks of 50%: 0 by chance, 1 alike", overlap("masks 50%", "corrected"), None, "below", 0.5),
            Test(
                "mask of 70% - mask of 10%",
                of("masks 70%", at="first"),
                of("masks 10%", at="first"),
                "no less",
                0.03,
                afterwards=True,
            ),
            Test("mask of 10% - mask of 90%", of("masks 10%", at="first"), of("masks 90%", at="first"), control=True),
        ),
    ),
    Claim(
        3,
        "Graceful ageing",
        "Gradual loss with quick structural re-tuning keeps function, along a manifold of low loss (figure 5, right).",
        "graceful_ageing",
        (("micro world", "graceful_ageing"), ("MiniLM, GLUE", "graceful_ageing_on_glue")),
        (
            Test("structural recovery - none, at 80%", of("structural"), of("none")),
            Test("structural recovery - heads alone", of("structural"), of("head")),
            Test("structural - dense recovery", of("structural"), of("dense"), "no less", 0.03),
            Test("gradual - one-shot, as many steps after the loss", of("structural"), of("one-shot")),
            Test(
                "gradual - one-shot, as many steps before the loss",
                of("structural"),
                of("one-shot, practised"),
            ),
            Test(
                "highest loss barrier between neighbouring ages, in nats",
                of("structural", metric="barrier", probe="Barrier since *", at="max"),
                None,
                "below",
                0.05,
                scores=False,
            ),
            Test(
                "gradual - one-shot, as many steps since the last loss",
                of("structural"),
                of("one-shot, briefly"),
                afterwards=True,
            ),
            Test(
                "barrier, one-shot - highest of the gradual way",
                of("one-shot", metric="barrier", probe="Barrier since *"),
                of("structural", metric="barrier", probe="Barrier since *", at="max"),
                scores=False,
                afterwards=True,
            ),
            Test(
                "rise of the loss from the end of school to 80%, in nats",
                of(
                    "structural",
                    metric="loss@1",
                    probe="Barrier since *",
                    minus=of("structural", metric="loss@0", probe="Barrier since *", at="first"),
                ),
                None,
                "below",
                0.05,
                scores=False,
                afterwards=True,
            ),
            Test(
                "score at 80%, recovered - when learned",
                of("structural"),
                of("structural", at="first"),
                "no less",
                0.1,
                afterwards=True,
            ),
            Test("before - after, without recovery", of("none", at="first"), of("none"), control=True),
        ),
    ),
    Claim(
        4,
        "A drug for every synapse",
        "A few bits per synapse carry the knowledge: masks over quantised pre-trained weights still solve the task (table 1).",
        "drug_for_every_synapse",
        (
            ("micro world, width 64", "drug_for_every_synapse"),
            ("micro world, width 32", "drug_for_every_synapse_32"),
            ("micro world, width 128", "drug_for_every_synapse_128"),
            ("MiniLM, MRPC", "drug_for_every_synapse_on_mrpc"),
        ),
        (
            Test("8 bits before learning - undrugged", of("8 bits before"), of("undrugged"), "no less", 0.03),
            Test("4 bits before learning - undrugged", of("4 bits before"), of("undrugged"), "no less", 0.03),
            Test("3 bits before learning - undrugged", of("3 bits before"), of("undrugged"), "no less", 0.03),
            Test("2 bits, sigma grid, before - undrugged", of("2 bits before, sigma"), of("undrugged"), "no less", 0.03),
            Test("1 bit before learning - undrugged", of("1 bits before"), of("undrugged"), "no less", 0.03),
            *(
                Test(f"{k} bit{'s' * (k > 1)}, before - after learning", of(f"{k} bits before"), of(f"{k} bits after"))
                for k in (4, 3, 2, 1)
            ),
            *(
                Test(
                    f"{k} bit{'s' * (k > 1)}, sigma grid, before - after learning",
                    of(f"{k} bits before, sigma"),
                    of(f"{k} bits after, sigma"),
                )
                for k in (2, 1)
            ),
            Test("undrugged - 1 bit after learning", of("undrugged"), of("1 bits after"), control=True),
        ),
    ),
    Claim(
        5,
        "Two lotteries",
        "A ticket is structure that makes weights learnable; pre-training draws weights that make structure learnable.",
        "two_lotteries",
        (("micro world", "two_lotteries"), ("MiniLM, GLUE", "two_lotteries_on_glue")),
        (
            Test("newborn: ticket - random structure", of("newborn, ticket"), of("newborn, random structure")),
            Test("newborn: ticket - with other weights", of("newborn, ticket"), of("newborn, ticket with other weights")),
            Test(
                "newborn: ticket with other weights - random structure after a lottery",
                of("newborn, ticket with other weights"),
                of("newborn, random structure after a lottery"),
                afterwards=True,
            ),
            Test(
                "newborn: another task's ticket - random structure",
                of("newborn, ticket of another task", tasks=("micro-sentiment", "sst2")),
                of("newborn, random structure"),
                afterwards=True,
            ),
            Test(
                "developed: start by magnitude - at random",
                of("developed, start by magnitude"),
                of("developed, start at random"),
            ),
            Test(
                "developed: own weights - shuffled weights",
                of("developed, start by magnitude"),
                of("developed, shuffled weights"),
            ),
            Test(
                "developed: start at random - shuffled weights",
                of("developed, start at random"),
                of("developed, shuffled weights"),
            ),
            Test(
                "developed: another task's mask - random mask",
                of("developed, mask of another task", tasks=("micro-inference", "stsb")),
                of("developed, random mask"),
            ),
            Test("newborn: dense - random structure", of("newborn, dense"), of("newborn, random structure"), control=True),
            Test("newborn: dense - head", of("newborn, dense"), of("newborn, head"), control=True),
            Test("developed: dense - head", of("developed, dense"), of("developed, head"), control=True),
        ),
    ),
    Claim(
        6,
        "Is pre-training needed?",
        "A random network that is wide enough holds a subnetwork as good as a trained one (open question).",
        "is_pretraining_needed",
        (("micro world", "is_pretraining_needed"),),
        (
            Test("random - head, width 256", of("random 256"), of("head 256")),
            Test("random, width 256 - width 32", of("random 256"), of("random 32")),
            Test(
                "gap to the developed, width 32 - width 256",
                of("developed 32", minus=of("random 32")),
                of("developed 256", minus=of("random 256")),
            ),
            Test("masks - weights, both over random 256", of("random 256"), of("weights 256"), "no less", 0.03),
            Test("random - developed, width 256", of("random 256"), of("developed 256"), "no less", 0.03),
            Test("developed - head, width 64", of("developed 64"), of("head 64"), control=True),
            Test("developed - head, width 256", of("developed 256"), of("head 256"), control=True),
            Test("developed, width 256 - width 32", of("developed 256"), of("developed 32"), "no less", 0.03, control=True),
            Test("gap to the developed, width 32", of("developed 32"), of("random 32"), control=True),
            Test("weights - head, width 256", of("weights 256"), of("head 256"), control=True),
        ),
    ),
    Claim(
        7,
        "Development flattens",
        "Fine-tuning after pre-training ends in closer and flatter optima, and lower layers move least (Hao et al. 2019).",
        "development_flattens",
        (("micro world", "development_flattens"), ("MiniLM, SST-2", "development_flattens_on_glue")),
        (
            Test(
                "distance moved, newborn - developed",
                of("newborn", metric="distance", probe="Barrier since *"),
                of("developed", metric="distance", probe="Barrier since *"),
                margin=0.1,
                scores=False,
            ),
            Test(
                "trace of the Hessian, newborn - developed",
                of("newborn", metric="hessian_trace", probe="Sharpness"),
                of("developed", metric="hessian_trace", probe="Sharpness"),
                margin=1.0,
                scores=False,
            ),
            Test(
                "trace of the Hessian, newborn that learned ten times as long - developed",
                of("newborn, longer", metric="hessian_trace", probe="Sharpness"),
                of("developed", metric="hessian_trace", probe="Sharpness"),
                margin=1.0,
                scores=False,
            ),
            Test(
                "rise of the loss half a weight's length away, newborn - developed",
                rise("newborn"),
                rise("developed"),
                scores=False,
            ),
            Test("likeness to before (CKA), first - last layer", nearness("1"), nearness("last")),
            Test("newborn, after - before weights moved", of("newborn"), of("newborn", at="first"), control=True),
            Test("developed, after - before weights moved", of("developed"), of("developed", at="first"), control=True),
        ),
    ),
    Claim(
        8,
        "Train large, then compress",
        "At equally many synapses in the end, a large network that was pruned beats one that was small (Li et al. 2020).",
        "train_large_then_compress",
        (("micro world", "train_large_then_compress"),),
        (
            Test("large, compressed - small", of("large, compressed", at="first"), of("small", at="first")),
            Test(
                "pruned in childhood - after it",
                of("pruned in childhood", at="first"),
                of("large, compressed", at="first"),
                "no less",
                0.03,
            ),
            Test(
                "pruned in childhood - sparse from birth",
                of("pruned in childhood", at="first"),
                of("sparse from birth", at="first"),
            ),
            Test("large, whole - sparse from birth", of("large, whole", at="first"), of("sparse from birth", at="first")),
            Test(
                "large, compressed - small, in accuracy",
                of("large, compressed", at="first", metric="accuracy"),
                of("small", at="first", metric="accuracy"),
                afterwards=True,
            ),
            Test(
                "large, compressed - small, at the end of school",
                of("large, compressed"),
                of("small"),
                afterwards=True,
            ),
            Test("large, whole - small", of("large, whole", at="first"), of("small", at="first"), control=True),
        ),
    ),
    Claim(
        9,
        "Optimisational diseases",
        "Bad initialisation and unstable optimisers are developmental disorders: the age of onset decides the course.",
        "optimisational_diseases",
        (("micro world", "optimisational_diseases"), ("MiniLM, GLUE", "optimisational_diseases_on_glue")),
        (
            Test("healthy - unstable at school", of("healthy"), of("unstable at school")),
            Test("healthy - unstable in the first third", of("healthy"), of("unstable, early")),
            Test("healthy - unstable in the last third", of("healthy"), of("unstable, later")),
            Test("healthy - bad scale after childhood", of("healthy"), of("scale, after childhood")),
            Test("healthy - missing wiring after childhood", of("healthy"), of("wiring, after childhood")),
            Test("bad scale at birth - healthy", of("scale, at birth"), of("healthy"), "no less", 0.03),
            Test("missing wiring at birth - healthy", of("wiring, at birth"), of("healthy"), "no less", 0.03),
            Test("unstable, first third - last third", of("unstable, early"), of("unstable, later")),
            Test("bad scale, at birth - after childhood", of("scale, at birth"), of("scale, after childhood")),
            Test("missing wiring, at birth - after childhood", of("wiring, at birth"), of("wiring, after childhood")),
            Test("healthy - unstable throughout", of("healthy"), of("unstable throughout"), control=True),
        ),
    ),
    Claim(
        10,
        "A whole life",
        "Function survives a changing structure, and is lost where optimisation or tissue fails.",
        "a_whole_life",
        (("micro world", "a_whole_life"), ("MiniLM, GLUE", "a_whole_life_on_glue")),
        (
            Test("at 80% - when learned, with recovery", of("healthy"), of("healthy", at="first"), "no less", 0.1),
            Test(
                "at the end of school - when learned",
                of("healthy", stage="learn*"),
                of("healthy", at="first"),
                "no less",
                0.03,
            ),
            Test("functions kept to 80%, with recovery", of("healthy", metric=KEPT), None, "no less", -0.5, scores=False),
            Test(
                "functions kept, healthy - no recovery",
                of("healthy", metric=KEPT),
                of("no recovery", metric=KEPT),
                scores=False,
            ),
            Test(
                "functions kept, healthy - unstable",
                of("healthy", metric=KEPT),
                of("unstable", metric=KEPT),
                scores=False,
            ),
            Test(
                "steps that functions lasted, healthy - unstable",
                of("healthy", metric=LASTED),
                of("unstable", metric=LASTED),
                margin=10.0,
                scores=False,
            ),
            Test(
                "steps that functions lasted, healthy - noisy",
                of("healthy", metric=LASTED),
                of("noisy", metric=LASTED),
                margin=10.0,
                scores=False,
            ),
            Test("healthy - unstable recovery", of("healthy"), of("unstable")),
            Test("healthy - synapses perturbed in mid-life", of("healthy"), of("noisy")),
            Test("healthy - no recovery", of("healthy"), of("no recovery"), control=True),
        ),
    ),
    Claim(
        11,
        "Weight-agnostic",
        "What is learned sits in the structure, whatever the strength of its synapses (Gaier & Ha 2019).",
        "structure_alone",
        (("micro world", "structure_alone"), ("MiniLM, GLUE", "structure_alone_on_glue")),
        (
            Test("one strength for all: masks - head", agnostic("masks"), agnostic("head")),
            Test("one strength for all: masks - shuffled", agnostic("masks"), agnostic("masks, shuffled")),
            Test(
                "share kept with one strength for all, masks - weights",
                replace(agnostic("masks"), over=of("masks")),
                replace(agnostic("weights"), over=of("weights")),
                margin=0.05,
                scores=False,
            ),
            Test("masks, one strength - own strengths", agnostic("masks"), of("masks"), "no less", 0.1),
            Test(
                "points lost by one strength for all, weights - masks",
                replace(of("weights"), minus=agnostic("weights")),
                replace(of("masks"), minus=agnostic("masks")),
                afterwards=True,
            ),
            Test("masks - masks with shuffled weights", of("masks"), of("masks, shuffled"), control=True),
        ),
    ),
    Claim(
        12,
        "Lesions",
        "Few heads matter much and most do not, and an aged network has less to spare (Michel et al. 2019).",
        "lesions",
        (("micro world", "lesions"), ("MiniLM, GLUE", "lesions_on_glue")),
        (
            Test("random - targeted lesion of 25% of the heads", lesion("random", 0.25), lesion("targeted", 0.25)),
            Test("harmless lesion of 25% - none", lesion("harmless", 0.25), lesion("", 0), "no less", 0.03),
            Test("harmless lesion of 50% - none", lesion("harmless", 0.5), lesion("", 0), "no less", 0.03),
            Test("cost of a targeted lesion of 25%, aged - young", *aged_less_young("targeted", 0.25)),
            Test("cost of a random lesion of 25%, aged - young", *aged_less_young("random", 0.25)),
            Test(
                "share left by a targeted lesion of 25%, young - aged",
                left_over("targeted", 0.25, "young"),
                left_over("targeted", 0.25, "aged"),
                scores=False,
                afterwards=True,
            ),
            Test(
                "share left by a random lesion of 25%, young - aged",
                left_over("random", 0.25, "young"),
                left_over("random", 0.25, "aged"),
                scores=False,
                afterwards=True,
            ),
            Test("none - targeted lesion of 50%", lesion("", 0), lesion("targeted", 0.5), control=True),
        ),
    ),
)
