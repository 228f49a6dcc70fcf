"""The twelve claims of the essay as hypotheses about kept records; `build.py` evaluates them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lifespan.study.hypotheses import SHARE_RETAINED, STEPS_RETAINED, Claim, Hypothesis, Quantity


@dataclass(frozen=True, kw_only=True)
class EssayClaim(Claim):
    """A claim of the essay, the study that asks it, and the folders of its kept records by what was lived in them."""

    number: int
    study: str
    records: tuple[tuple[str, str], ...]


def of(*groups, **settings):
    """A quantity of these groups."""
    return Quantity(groups, **settings)


def rise(group):
    """The rise of the training loss from where learning ended to half a weight's length away, in nats."""
    place = of(group, metric="loss@0.5", probe="LossSlice")
    return replace(place, minus=replace(place, metric="loss@0"))


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
    return replace(lesion(kind, share, group), share_of=lesion("", 0, group))


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
    EssayClaim(
        number=1,
        title="Weights or structure",
        statement="Masks over frozen pre-trained weights learn a task about as well as fine-tuning does (figures 2 and 3).",
        study="masks_or_weights",
        records=(("micro world", "masks_or_weights"), ("MiniLM, GLUE", "masks_or_weights_on_glue")),
        hypotheses=(
            Hypothesis("masks - weights, as many steps", ways("masks"), ways("weights, as long"), "non-inferior", 0.03),
            Hypothesis("masks - weights (micro world: half the steps)", ways("masks"), ways("weights"), "non-inferior", 0.03),
            *(
                Hypothesis(
                    f"masks - weights, as many steps: {t}", ways("masks", t), ways("weights, as long", t), "non-inferior", 0.03
                )
                for t in SIX
            ),
            *(
                Hypothesis(f"masks - weights: {t}", ways("masks", t), ways("weights", t), "non-inferior", 0.03)
                for t in GLUE_SIX
            ),
            Hypothesis("masks - head alone", ways("masks"), ways("head"), margin=0.05),
            Hypothesis("masks - random mask", ways("masks"), ways("random"), margin=0.05),
            Hypothesis("weights - head alone", ways("weights"), ways("head"), positive_control=True),
        ),
    ),
    EssayClaim(
        number=2,
        title="Many good subnetworks",
        statement=(
            "A pre-trained network holds many good subnetworks, with few or most of its synapses removed (figure 5, left)."
        ),
        study="many_good_subnetworks",
        records=(("micro world", "many_good_subnetworks"), ("MiniLM, STS-B", "many_good_subnetworks_on_glue")),
        hypotheses=(
            Hypothesis(
                "mask of 30% - mask of 10%",
                of("masks 30%", reading="first"),
                of("masks 10%", reading="first"),
                "non-inferior",
                0.03,
            ),
            Hypothesis(
                "mask of 50% - mask of 10%",
                of("masks 50%", reading="first"),
                of("masks 10%", reading="first"),
                "non-inferior",
                0.03,
            ),
            Hypothesis(
                "mask of 50% - random mask of 50%", of("masks 50%", reading="first"), of("random 50%", reading="first")
            ),
            Hypothesis("second mask of 50% - first", of("masks 50%"), of("masks 50%", reading="first"), "equivalent", 0.03),
            Hypothesis(
                "overlap of two masks of 50%: 0 by chance, 1 alike", overlap("masks 50%", "corrected"), None, "below", 0.5
            ),
            Hypothesis(
                "mask of 70% - mask of 10%",
                of("masks 70%", reading="first"),
                of("masks 10%", reading="first"),
                "non-inferior",
                0.03,
                post_hoc=True,
            ),
            Hypothesis(
                "mask of 10% - mask of 90%",
                of("masks 10%", reading="first"),
                of("masks 90%", reading="first"),
                positive_control=True,
            ),
        ),
    ),
    EssayClaim(
        number=3,
        title="Graceful ageing",
        statement=(
            "Gradual loss with quick structural re-tuning keeps function, along a manifold of low loss (figure 5, right)."
        ),
        study="graceful_ageing",
        records=(("micro world", "graceful_ageing"), ("MiniLM, GLUE", "graceful_ageing_on_glue")),
        hypotheses=(
            Hypothesis("structural recovery - none, at 80%", of("structural"), of("none")),
            Hypothesis("structural recovery - heads alone", of("structural"), of("head")),
            Hypothesis("structural - dense recovery", of("structural"), of("dense"), "non-inferior", 0.03),
            Hypothesis("gradual - one-shot, as many steps after the loss", of("structural"), of("one-shot")),
            Hypothesis(
                "gradual - one-shot, as many steps before the loss",
                of("structural"),
                of("one-shot, practised"),
            ),
            Hypothesis(
                "highest loss barrier between neighbouring ages, in nats",
                of("structural", metric="barrier", probe="Barrier since *", reading="max"),
                None,
                "below",
                0.05,
                of_scores=False,
            ),
            Hypothesis(
                "gradual - one-shot, as many steps since the last loss",
                of("structural"),
                of("one-shot, briefly"),
                post_hoc=True,
            ),
            Hypothesis(
                "barrier, one-shot - highest of the gradual way",
                of("one-shot", metric="barrier", probe="Barrier since *"),
                of("structural", metric="barrier", probe="Barrier since *", reading="max"),
                of_scores=False,
                post_hoc=True,
            ),
            Hypothesis(
                "rise of the loss from the end of school to 80%, in nats",
                of(
                    "structural",
                    metric="loss@1",
                    probe="Barrier since *",
                    minus=of("structural", metric="loss@0", probe="Barrier since *", reading="first"),
                ),
                None,
                "below",
                0.05,
                of_scores=False,
                post_hoc=True,
            ),
            Hypothesis(
                "score at 80%, recovered - when learned",
                of("structural"),
                of("structural", reading="first"),
                "non-inferior",
                0.1,
                post_hoc=True,
            ),
            Hypothesis("before - after, without recovery", of("none", reading="first"), of("none"), positive_control=True),
        ),
    ),
    EssayClaim(
        number=4,
        title="A drug for every synapse",
        statement=(
            "A few bits per synapse carry the knowledge: masks over quantised pre-trained weights "
            "still solve the task (table 1)."
        ),
        study="drug_for_every_synapse",
        records=(
            ("micro world, width 64", "drug_for_every_synapse"),
            ("micro world, width 32", "drug_for_every_synapse_32"),
            ("micro world, width 128", "drug_for_every_synapse_128"),
            ("MiniLM, MRPC", "drug_for_every_synapse_on_mrpc"),
        ),
        hypotheses=(
            Hypothesis("8 bits before learning - undrugged", of("8 bits before"), of("undrugged"), "non-inferior", 0.03),
            Hypothesis("4 bits before learning - undrugged", of("4 bits before"), of("undrugged"), "non-inferior", 0.03),
            Hypothesis("3 bits before learning - undrugged", of("3 bits before"), of("undrugged"), "non-inferior", 0.03),
            Hypothesis(
                "2 bits, sigma grid, before - undrugged", of("2 bits before, sigma"), of("undrugged"), "non-inferior", 0.03
            ),
            Hypothesis("1 bit before learning - undrugged", of("1 bits before"), of("undrugged"), "non-inferior", 0.03),
            *(
                Hypothesis(f"{k} bit{'s' * (k > 1)}, before - after learning", of(f"{k} bits before"), of(f"{k} bits after"))
                for k in (4, 3, 2, 1)
            ),
            *(
                Hypothesis(
                    f"{k} bit{'s' * (k > 1)}, sigma grid, before - after learning",
                    of(f"{k} bits before, sigma"),
                    of(f"{k} bits after, sigma"),
                )
                for k in (2, 1)
            ),
            Hypothesis("undrugged - 1 bit after learning", of("undrugged"), of("1 bits after"), positive_control=True),
        ),
    ),
    EssayClaim(
        number=5,
        title="Two lotteries",
        statement=(
            "A ticket is structure that makes weights learnable; pre-training draws weights that make structure learnable."
        ),
        study="two_lotteries",
        records=(("micro world", "two_lotteries"), ("MiniLM, GLUE", "two_lotteries_on_glue")),
        hypotheses=(
            Hypothesis("newborn: ticket - random structure", of("newborn, ticket"), of("newborn, random structure")),
            Hypothesis(
                "newborn: ticket - with other weights", of("newborn, ticket"), of("newborn, ticket with other weights")
            ),
            Hypothesis(
                "newborn: ticket with other weights - random structure after a lottery",
                of("newborn, ticket with other weights"),
                of("newborn, random structure after a lottery"),
                post_hoc=True,
            ),
            Hypothesis(
                "newborn: another task's ticket - random structure",
                of("newborn, ticket of another task", tasks=("micro-sentiment", "sst2")),
                of("newborn, random structure"),
                post_hoc=True,
            ),
            Hypothesis(
                "developed: start by magnitude - at random",
                of("developed, start by magnitude"),
                of("developed, start at random"),
            ),
            Hypothesis(
                "developed: own weights - shuffled weights",
                of("developed, start by magnitude"),
                of("developed, shuffled weights"),
            ),
            Hypothesis(
                "developed: start at random - shuffled weights",
                of("developed, start at random"),
                of("developed, shuffled weights"),
            ),
            Hypothesis(
                "developed: another task's mask - random mask",
                of("developed, mask of another task", tasks=("micro-inference", "stsb")),
                of("developed, random mask"),
            ),
            Hypothesis(
                "newborn: dense - random structure",
                of("newborn, dense"),
                of("newborn, random structure"),
                positive_control=True,
            ),
            Hypothesis("newborn: dense - head", of("newborn, dense"), of("newborn, head"), positive_control=True),
            Hypothesis("developed: dense - head", of("developed, dense"), of("developed, head"), positive_control=True),
        ),
    ),
    EssayClaim(
        number=6,
        title="Is pre-training needed?",
        statement="A random network that is wide enough holds a subnetwork as good as a trained one (open question).",
        study="is_pretraining_needed",
        records=(("micro world", "is_pretraining_needed"),),
        hypotheses=(
            Hypothesis("random - head, width 256", of("random 256"), of("head 256")),
            Hypothesis("random, width 256 - width 32", of("random 256"), of("random 32")),
            Hypothesis(
                "gap to the developed, width 32 - width 256",
                of("developed 32", minus=of("random 32")),
                of("developed 256", minus=of("random 256")),
            ),
            Hypothesis("masks - weights, both over random 256", of("random 256"), of("weights 256"), "non-inferior", 0.03),
            Hypothesis("random - developed, width 256", of("random 256"), of("developed 256"), "non-inferior", 0.03),
            Hypothesis("developed - head, width 64", of("developed 64"), of("head 64"), positive_control=True),
            Hypothesis("developed - head, width 256", of("developed 256"), of("head 256"), positive_control=True),
            Hypothesis(
                "developed, width 256 - width 32",
                of("developed 256"),
                of("developed 32"),
                "non-inferior",
                0.03,
                positive_control=True,
            ),
            Hypothesis("gap to the developed, width 32", of("developed 32"), of("random 32"), positive_control=True),
            Hypothesis("weights - head, width 256", of("weights 256"), of("head 256"), positive_control=True),
        ),
    ),
    EssayClaim(
        number=7,
        title="Development flattens",
        statement=(
            "Fine-tuning after pre-training ends in closer and flatter optima, and lower layers move least (Hao et al. 2019)."
        ),
        study="development_flattens",
        records=(("micro world", "development_flattens"), ("MiniLM, SST-2", "development_flattens_on_glue")),
        hypotheses=(
            Hypothesis(
                "distance moved, newborn - developed",
                of("newborn", metric="distance", probe="Barrier since *"),
                of("developed", metric="distance", probe="Barrier since *"),
                margin=0.1,
                of_scores=False,
            ),
            Hypothesis(
                "trace of the Hessian, newborn - developed",
                of("newborn", metric="hessian_trace", probe="Sharpness"),
                of("developed", metric="hessian_trace", probe="Sharpness"),
                margin=1.0,
                of_scores=False,
            ),
            Hypothesis(
                "trace of the Hessian, newborn that learned ten times as long - developed",
                of("newborn, longer", metric="hessian_trace", probe="Sharpness"),
                of("developed", metric="hessian_trace", probe="Sharpness"),
                margin=1.0,
                of_scores=False,
            ),
            Hypothesis(
                "rise of the loss half a weight's length away, newborn - developed",
                rise("newborn"),
                rise("developed"),
                of_scores=False,
            ),
            Hypothesis("likeness to before (CKA), first - last layer", nearness("1"), nearness("last")),
            Hypothesis(
                "newborn, after - before weights moved", of("newborn"), of("newborn", reading="first"), positive_control=True
            ),
            Hypothesis(
                "developed, after - before weights moved",
                of("developed"),
                of("developed", reading="first"),
                positive_control=True,
            ),
        ),
    ),
    EssayClaim(
        number=8,
        title="Train large, then compress",
        statement=(
            "At equally many synapses in the end, a large network that was pruned beats one that was small (Li et al. 2020)."
        ),
        study="train_large_then_compress",
        records=(("micro world", "train_large_then_compress"),),
        hypotheses=(
            Hypothesis("large, compressed - small", of("large, compressed", reading="first"), of("small", reading="first")),
            Hypothesis(
                "pruned in childhood - after it",
                of("pruned in childhood", reading="first"),
                of("large, compressed", reading="first"),
                "non-inferior",
                0.03,
            ),
            Hypothesis(
                "pruned in childhood - sparse from birth",
                of("pruned in childhood", reading="first"),
                of("sparse from birth", reading="first"),
            ),
            Hypothesis(
                "large, whole - sparse from birth",
                of("large, whole", reading="first"),
                of("sparse from birth", reading="first"),
            ),
            Hypothesis(
                "large, compressed - small, in accuracy",
                of("large, compressed", reading="first", metric="accuracy"),
                of("small", reading="first", metric="accuracy"),
                post_hoc=True,
            ),
            Hypothesis(
                "large, compressed - small, at the end of school",
                of("large, compressed"),
                of("small"),
                post_hoc=True,
            ),
            Hypothesis(
                "large, whole - small",
                of("large, whole", reading="first"),
                of("small", reading="first"),
                positive_control=True,
            ),
        ),
    ),
    EssayClaim(
        number=9,
        title="Optimisational diseases",
        statement=(
            "Bad initialisation and unstable optimisers are developmental disorders: the age of onset decides the course."
        ),
        study="optimisational_diseases",
        records=(("micro world", "optimisational_diseases"), ("MiniLM, GLUE", "optimisational_diseases_on_glue")),
        hypotheses=(
            Hypothesis("healthy - unstable at school", of("healthy"), of("unstable at school")),
            Hypothesis("healthy - unstable in the first third", of("healthy"), of("unstable, early")),
            Hypothesis("healthy - unstable in the last third", of("healthy"), of("unstable, later")),
            Hypothesis("healthy - bad scale after childhood", of("healthy"), of("scale, after childhood")),
            Hypothesis("healthy - missing wiring after childhood", of("healthy"), of("wiring, after childhood")),
            Hypothesis("bad scale at birth - healthy", of("scale, at birth"), of("healthy"), "non-inferior", 0.03),
            Hypothesis("missing wiring at birth - healthy", of("wiring, at birth"), of("healthy"), "non-inferior", 0.03),
            Hypothesis("unstable, first third - last third", of("unstable, early"), of("unstable, later")),
            Hypothesis("bad scale, at birth - after childhood", of("scale, at birth"), of("scale, after childhood")),
            Hypothesis("missing wiring, at birth - after childhood", of("wiring, at birth"), of("wiring, after childhood")),
            Hypothesis("healthy - unstable throughout", of("healthy"), of("unstable throughout"), positive_control=True),
        ),
    ),
    EssayClaim(
        number=10,
        title="A whole life",
        statement="Function survives a changing structure, and is lost where optimisation or tissue fails.",
        study="a_whole_life",
        records=(("micro world", "a_whole_life"), ("MiniLM, GLUE", "a_whole_life_on_glue")),
        hypotheses=(
            Hypothesis(
                "at 80% - when learned, with recovery", of("healthy"), of("healthy", reading="first"), "non-inferior", 0.1
            ),
            Hypothesis(
                "at the end of school - when learned",
                of("healthy", stage="learn*"),
                of("healthy", reading="first"),
                "non-inferior",
                0.03,
            ),
            Hypothesis(
                "functions kept to 80%, with recovery",
                of("healthy", metric=SHARE_RETAINED),
                None,
                "non-inferior",
                -0.5,
                of_scores=False,
            ),
            Hypothesis(
                "functions kept, healthy - no recovery",
                of("healthy", metric=SHARE_RETAINED),
                of("no recovery", metric=SHARE_RETAINED),
                of_scores=False,
            ),
            Hypothesis(
                "functions kept, healthy - unstable",
                of("healthy", metric=SHARE_RETAINED),
                of("unstable", metric=SHARE_RETAINED),
                of_scores=False,
            ),
            Hypothesis(
                "steps that functions lasted, healthy - unstable",
                of("healthy", metric=STEPS_RETAINED),
                of("unstable", metric=STEPS_RETAINED),
                margin=10.0,
                of_scores=False,
            ),
            Hypothesis(
                "steps that functions lasted, healthy - noisy",
                of("healthy", metric=STEPS_RETAINED),
                of("noisy", metric=STEPS_RETAINED),
                margin=10.0,
                of_scores=False,
            ),
            Hypothesis("healthy - unstable recovery", of("healthy"), of("unstable")),
            Hypothesis("healthy - synapses perturbed in mid-life", of("healthy"), of("noisy")),
            Hypothesis("healthy - no recovery", of("healthy"), of("no recovery"), positive_control=True),
        ),
    ),
    EssayClaim(
        number=11,
        title="Weight-agnostic",
        statement="What is learned sits in the structure, whatever the strength of its synapses (Gaier & Ha 2019).",
        study="structure_alone",
        records=(("micro world", "structure_alone"), ("MiniLM, GLUE", "structure_alone_on_glue")),
        hypotheses=(
            Hypothesis("one strength for all: masks - head", agnostic("masks"), agnostic("head")),
            Hypothesis("one strength for all: masks - shuffled", agnostic("masks"), agnostic("masks, shuffled")),
            Hypothesis(
                "share kept with one strength for all, masks - weights",
                replace(agnostic("masks"), share_of=of("masks")),
                replace(agnostic("weights"), share_of=of("weights")),
                margin=0.05,
                of_scores=False,
            ),
            Hypothesis("masks, one strength - own strengths", agnostic("masks"), of("masks"), "non-inferior", 0.1),
            Hypothesis(
                "points lost by one strength for all, weights - masks",
                replace(of("weights"), minus=agnostic("weights")),
                replace(of("masks"), minus=agnostic("masks")),
                post_hoc=True,
            ),
            Hypothesis("masks - masks with shuffled weights", of("masks"), of("masks, shuffled"), positive_control=True),
        ),
    ),
    EssayClaim(
        number=12,
        title="Lesions",
        statement="Few heads matter much and most do not, and an aged network has less to spare (Michel et al. 2019).",
        study="lesions",
        records=(("micro world", "lesions"), ("MiniLM, GLUE", "lesions_on_glue")),
        hypotheses=(
            Hypothesis("random - targeted lesion of 25% of the heads", lesion("random", 0.25), lesion("targeted", 0.25)),
            Hypothesis("harmless lesion of 25% - none", lesion("harmless", 0.25), lesion("", 0), "non-inferior", 0.03),
            Hypothesis("harmless lesion of 50% - none", lesion("harmless", 0.5), lesion("", 0), "non-inferior", 0.03),
            Hypothesis("cost of a targeted lesion of 25%, aged - young", *aged_less_young("targeted", 0.25)),
            Hypothesis("cost of a random lesion of 25%, aged - young", *aged_less_young("random", 0.25)),
            Hypothesis(
                "share left by a targeted lesion of 25%, young - aged",
                left_over("targeted", 0.25, "young"),
                left_over("targeted", 0.25, "aged"),
                of_scores=False,
                post_hoc=True,
            ),
            Hypothesis(
                "share left by a random lesion of 25%, young - aged",
                left_over("random", 0.25, "young"),
                left_over("random", 0.25, "aged"),
                of_scores=False,
                post_hoc=True,
            ),
            Hypothesis("none - targeted lesion of 50%", lesion("", 0), lesion("targeted", 0.5), positive_control=True),
        ),
    ),
)
