"""Is there an age at which a deficit does lasting harm, and does its length matter?

Source: Achille et al. (2019, Critical learning periods in deep networks): images blurred early in training, and sharp ever
after, leave a lasting deficit that grows with the length of the blur and fades with its onset; images upside down, which
lose no information, leave none. Constantinescu et al. (2025) find no such periods in language models unless they are built
in.

Here a childhood of masked-language learning is cut into equal windows, each with a schedule of rates of its own, so that no
window is privileged by the rate. In one window, or in the first ones, every text has its words in random order
(`WordOrderShuffle`: information is lost) or backwards (`WordOrderMirror`, the no-effect control: none is). Then all go to a
short school whose tasks, acceptability of word order and inference, need what the deficit hides; it teaches by masks over
frozen weights, so that what childhood left is used and not overwritten. Claim: early deficits harm more than late ones.
Prediction: harm falls with onset, grows with length, and is absent for the mirror. Refuted where harm does not fall with
onset: a harm that grows with onset is forgetting of what was learned before it, no critical period. Positive control: a
deficit over the whole childhood must harm. Control: healthy twins, with the same batches. Scores are on the test split.
"""

from lifespan import (
    Develop,
    Learn,
    Masks,
    Micro,
    MicroTask,
    MicroText,
    Probe,
    Scenario,
    Score,
    Study,
    Suffer,
    WordOrderMirror,
    WordOrderShuffle,
)

INDIVIDUALS = 10
WINDOWS = 5
WINDOW_STEPS = 800
TASKS = ("acceptability", "inference")
EPOCHS = 6.0

window = Develop(MicroText(), steps=WINDOW_STEPS, rate=3e-3, masking=0.3, length=32)
by = Masks(epochs=EPOCHS, rate=1e-3, head_rate=1e-3, sparsity=0.05)
evaluation = Probe(Score(split="test", length=32))
school = tuple((Learn(MicroTask(task), by=by, length=32), evaluation) for task in TASKS)


def life(deficit=None, *, onset=1, length=1):
    """A life whose windows from `onset` on, `length` of them, are lived under a deficit."""
    before, after = (window,) * (onset - 1), (window,) * (WINDOWS - onset + 1)
    begun = (Suffer(deficit, lasting=length),) if deficit is not None else ()
    return Scenario(name="life", subject=Micro(), events=(*before, *begun, *after, school))


deficits = {"shuffled": WordOrderShuffle(severity=1.0), "mirrored": WordOrderMirror(severity=1.0)}
courses = {f"in window {onset}": (onset, 1) for onset in range(1, WINDOWS + 1)}
courses |= {f"in the first {length}": (1, length) for length in range(2, WINDOWS + 1)}
groups = {
    f"{name} {course}": life(deficit, onset=onset, length=length)
    for name, deficit in deficits.items()
    for course, (onset, length) in courses.items()
}

study = Study(name="critical-period", individuals=INDIVIDUALS, groups={"healthy": life(), **groups})
