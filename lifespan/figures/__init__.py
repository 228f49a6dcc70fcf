"""Figures: evidence to matplotlib and seaborn axes, one kind per drawing, in the order of the report.

Every `Drawing` takes an `Evidence` and returns the figure and a table of exactly what is drawn in it, or None where the
record holds nothing to draw. Thin lines are individuals, bold lines the mean over those measured, bands its 95% BCa
bootstrap interval; a cross ends the line of an individual that failed or diverged.
"""

from lifespan.figures.canvas import INK, RESAMPLES, Drawing, Drawn, pdf, svg
from lifespan.figures.doses import DOSES
from lifespan.figures.estimation import ESTIMATION
from lifespan.figures.forest import EVERYTHING, SCORES
from lifespan.figures.landscape import BARRIERS, SLICES
from lifespan.figures.lesions import MAPS, TARGETED
from lifespan.figures.overlap import OVERLAP
from lifespan.figures.plasticity import PLASTICITY
from lifespan.figures.recovery import DECAY, RECOVERY
from lifespan.figures.retention import RETENTION
from lifespan.figures.severity import ONSET, RESPONSE
from lifespan.figures.sparsity import CURVE, PERFORMANCE
from lifespan.figures.survival import SURVIVAL
from lifespan.figures.timeline import TIMELINE
from lifespan.figures.trajectories import TRAINING, TRAJECTORIES

FIGURES: dict[str, Drawing] = {
    **{"timeline": TIMELINE, "trajectories": TRAJECTORIES, "differences": SCORES, "estimation": ESTIMATION},
    **{"severity": RESPONSE, "onset_map": ONSET},
    **{"retention": RETENTION, "forgetting_curves": DECAY, "survival": SURVIVAL},
    **{"sparsity": CURVE, "sparsity_performance": PERFORMANCE, "recovery": RECOVERY},
    **{"dose_response": DOSES},
    **{"mask_overlap": OVERLAP, "lesion_map": MAPS, "targeted_lesions": TARGETED},
    **{"loss_slices": SLICES, "loss_barriers": BARRIERS, "plasticity": PLASTICITY},
    **{"outcomes": EVERYTHING, "training": TRAINING},
}

__all__ = ["FIGURES", "INK", "RESAMPLES", "Drawing", "Drawn", "pdf", "svg"]
