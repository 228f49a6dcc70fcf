"""Figures: tables to matplotlib and seaborn axes, one kind per drawing, in the order of the report.

Every `Drawing` takes an `Analysis` and returns the figure and a table of exactly what is drawn in it, or None where the
record holds nothing to draw. Thin lines are individuals, bold lines the mean over those measured, bands its 95%
bootstrap interval; a cross ends the line of an individual that failed or diverged.
"""

from lifespan.report.figures.canvas import INK, PAGE, RESAMPLES, Drawing, Drawn, line_style, pdf, svg
from lifespan.report.figures.doses import DOSES
from lifespan.report.figures.estimation import ESTIMATION
from lifespan.report.figures.forest import EVERYTHING, SCORES
from lifespan.report.figures.landscape import BARRIERS, SLICES
from lifespan.report.figures.lesions import MAPS, TARGETED
from lifespan.report.figures.out_of_domain import OUT_OF_DOMAIN
from lifespan.report.figures.overlap import OVERLAP
from lifespan.report.figures.own_measures import OWN_MEASURES
from lifespan.report.figures.plasticity import PLASTICITY
from lifespan.report.figures.portrait import PORTRAIT
from lifespan.report.figures.recovery import DECAY, RECOVERY
from lifespan.report.figures.retention import RETENTION
from lifespan.report.figures.severity import ONSET, RESPONSE
from lifespan.report.figures.sparsity import CURVE, PERFORMANCE
from lifespan.report.figures.survival import SURVIVAL
from lifespan.report.figures.timeline import TIMELINE
from lifespan.report.figures.trajectories import TRAINING, TRAJECTORIES

FIGURES: dict[str, Drawing] = {
    **{"timeline": TIMELINE, "trajectories": TRAJECTORIES, "differences": SCORES, "estimation": ESTIMATION},
    **{"severity": RESPONSE, "onset_map": ONSET},
    **{"retention": RETENTION, "forgetting_curves": DECAY, "survival": SURVIVAL},
    **{"sparsity": CURVE, "sparsity_performance": PERFORMANCE, "recovery": RECOVERY},
    **{"dose_response": DOSES},
    **{"mask_overlap": OVERLAP, "lesion_map": MAPS, "targeted_lesions": TARGETED},
    **{"loss_slices": SLICES, "loss_barriers": BARRIERS, "plasticity": PLASTICITY},
    **{"portrait": PORTRAIT},
    **{"out_of_domain": OUT_OF_DOMAIN, "own_measures": OWN_MEASURES},
    **{"outcomes": EVERYTHING, "training": TRAINING},
}

__all__ = ["FIGURES", "INK", "PAGE", "RESAMPLES", "Drawing", "Drawn", "line_style", "pdf", "svg"]
