"""`Analysis`: every table of one or several records, each computed once and handed down to whatever shows it.

The functions of the other modules here are pure: rows and tables in, a table out. This is the one place that knows which
table is made from which, and the one place that keeps them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import pandas as pd

from lifespan.analysis import (
    collapses,
    continual,
    controls,
    dose_effects,
    endpoints,
    exposures,
    forgetting,
    item_draws,
    out_of_domain,
    portraits,
    retention,
    run_settings,
    scores,
    sparsity,
    steps,
    study_measures,
    summaries,
    timelines,
)
from lifespan.analysis import verdicts as declared_verdicts
from lifespan.analysis.cohort import Cohort, gather, restricted
from lifespan.analysis.looks import looks_apart
from lifespan.record import record
from lifespan.record.record import Record
from lifespan.stats.dose_response import DoseFit

Source = Cohort | Record | Path | str


class Analysis:
    """The tables of one or several records; a table is computed when it is first asked for, and kept.

    `source` is a run directory, a record, or several of them, whose groups then stand side by side with twins paired by seed;
    or a `Cohort` gathered before. `groups` leaves out all others but the control, for which `control` names another group.
    Raises `RecordError` where a directory cannot be read, no directory is given, or a group is not in the records. Tables are
    for reading: nobody changes them in place.
    """

    def __init__(
        self, source: Source | Sequence[Record | Path | str], *, groups: Sequence[str] = (), control: str | None = None
    ):
        cohort = source if isinstance(source, Cohort) else gather(_records(source))
        self.cohort = restricted(cohort, groups, control)

    @cached_property
    def looks_apart(self) -> tuple[str, ...]:
        """What records say of the looks that were taken and their rows do not (`looks.looks_apart`), in sentences."""
        return tuple(text for each in self._records for text in looks_apart(each))

    @cached_property
    def verdicts(self) -> tuple[declared_verdicts.Verdicts, ...]:
        """Verdicts on what each study declared, of those that declared something (`verdicts.verdicts`)."""
        found = [declared_verdicts.verdicts(each) for each in self._records]
        return tuple(one for one in found if one is not None)

    @cached_property
    def statuses(self) -> pd.DataFrame:
        """Individuals per group and status (`scores.statuses`)."""
        return scores.statuses(self.cohort)

    @cached_property
    def steps_lived(self) -> pd.DataFrame:
        """Each group's steps with their event and cost (`steps.steps_lived`)."""
        return steps.steps_lived(self.cohort)

    @cached_property
    def parting_steps(self) -> dict[str, int]:
        """The step at which each group's lives first differ from the control's (`timelines.parting_steps`)."""
        return timelines.parting_steps(self.cohort)

    @cached_property
    def primary_scores(self) -> pd.DataFrame:
        """Every primary score on held-out examples (`scores.primary_scores`)."""
        return scores.primary_scores(self.cohort)

    @cached_property
    def task_controls(self) -> dict[str, str]:
        """The control group on each task (`controls.task_controls`)."""
        return controls.task_controls(self.cohort, self.primary_scores)

    @cached_property
    def arms(self) -> dict[str, tuple[str, ...]]:
        """Groups that live one life on different tasks (`controls.arms`)."""
        return controls.arms(self.cohort, self.primary_scores)

    @cached_property
    def final_scores(self) -> pd.DataFrame:
        """The last primary score of each individual that lived to the end, by task (`scores.final_scores`)."""
        return scores.final_scores(self.primary_scores)

    @cached_property
    def final_means(self) -> pd.DataFrame:
        """Mean final score by task and group, with its interval (`scores.final_means`)."""
        return scores.final_means(self.cohort, self.final_scores, self.item_draws)

    @cached_property
    def comparisons(self) -> pd.DataFrame:
        """Final scores of each group against the control twins, by task (`scores.comparisons`)."""
        return scores.comparisons(self.cohort, self.final_scores, self.task_controls, self.item_draws)

    @cached_property
    def highlighted(self) -> tuple[str, ...]:
        """Groups that figures and sentences single out, the control among them (`scores.highlighted_groups`)."""
        return scores.highlighted_groups(self.cohort, self.comparisons)

    @cached_property
    def retention(self) -> pd.DataFrame:
        """R[i, j] by individual: the score on task j once task i was learned (`forgetting.retention_matrix`)."""
        return forgetting.retention_matrix(self.cohort, self.primary_scores, self.final_scores)

    @cached_property
    def forgetting(self) -> pd.DataFrame:
        """Both kinds of forgetting by individual (`forgetting.forgetting_values`)."""
        return forgetting.forgetting_values(self.cohort, self.retention)

    @cached_property
    def forgetting_means(self) -> pd.DataFrame:
        """Forgetting by moment, metric and group (`summaries.forgetting_means`)."""
        return self._without_collapses(summaries.forgetting_means(self.forgetting))

    @cached_property
    def memories(self) -> pd.DataFrame:
        """Continual-learning metrics of every individual (`continual.memory_metrics`)."""
        return continual.memory_metrics(self.cohort, self.primary_scores)

    @cached_property
    def memory_means(self) -> pd.DataFrame:
        """Continual-learning metrics by task and group (`summaries.memory_means`)."""
        return self._without_collapses(summaries.memory_means(self.memories))

    @cached_property
    def half_lives(self) -> pd.DataFrame:
        """Half-lives of every individual's tasks, in optimizer steps (`continual.half_lives`)."""
        return continual.half_lives(self.memories)

    @cached_property
    def learned(self) -> pd.DataFrame:
        """What each individual had of each task right after it was learned (`retention.learned`)."""
        return retention.learned(self.cohort, self.primary_scores)

    @cached_property
    def too_little_learned(self) -> pd.DataFrame:
        """Groups and tasks of which too little was learned for a share (`retention.too_little_learned`)."""
        return retention.too_little_learned(self.learned)

    @cached_property
    def shares_kept(self) -> pd.DataFrame:
        """Share of what was learned that is left at each evaluation since (`retention.shares_kept`)."""
        return retention.shares_kept(self.cohort, self.primary_scores)

    @cached_property
    def lifetimes(self) -> pd.DataFrame:
        """How long each function was kept (`retention.lifetimes`)."""
        return retention.lifetimes(self.shares_kept)

    @cached_property
    def survivals(self) -> pd.DataFrame:
        """Functions lost by task and group, with the log-rank test (`retention.survivals`)."""
        return retention.survivals(self.lifetimes, self.task_controls)

    @cached_property
    def declines(self) -> pd.DataFrame:
        """How fast highlighted groups lose each task, against control twins (`retention.declines`)."""
        return retention.declines(self.shares_kept, self.parting_steps, self.highlighted, self.task_controls)

    @cached_property
    def sparsities(self) -> pd.DataFrame:
        """Measured sparsity of every individual over its life (`sparsity.sparsities`)."""
        return sparsity.sparsities(self.cohort)

    @cached_property
    def sparsity_reached(self) -> pd.DataFrame:
        """Last sparsity by group, and what the plan asks for (`sparsity.sparsity_reached`)."""
        return sparsity.sparsity_reached(self.cohort, self.sparsities)

    @cached_property
    def recoveries(self) -> pd.DataFrame:
        """Scores before and after every loss of synapses that a recovery followed (`sparsity.recoveries`)."""
        return sparsity.recoveries(self.cohort, self.primary_scores)

    @cached_property
    def recovery_means(self) -> pd.DataFrame:
        """What groups lost and regained, by task (`summaries.recovery_means`)."""
        return self._without_collapses(summaries.recovery_means(self.recoveries))

    @cached_property
    def exposures(self) -> pd.DataFrame:
        """Groups that differ from the control by one disorder alone (`exposures.single_exposures`)."""
        return exposures.single_exposures(self.cohort)

    @cached_property
    def exposed_scores(self) -> pd.DataFrame:
        """Final scores of these groups, with those of their control twins (`dose_effects.exposed_scores`)."""
        return dose_effects.exposed_scores(self.cohort, self.exposures, self.final_scores)

    @cached_property
    def severity_rows(self) -> dict[tuple[str, str, int], pd.DataFrame]:
        """Scores by severity, for each (disorder, task, step of the onset) (`dose_effects.severity_rows`)."""
        return dose_effects.severity_rows(self.cohort, self.exposed_scores, self.final_scores)

    @cached_property
    def severity_fits(self) -> dict[tuple[str, str, int], DoseFit]:
        """Dose-response fits to `severity_rows`, by the same keys."""
        return dose_effects.severity_fits(self.severity_rows)

    @cached_property
    def dose_curves(self) -> pd.DataFrame:
        """Scores under damage of rising dose that is tried and undone (`dose_effects.dose_curves`)."""
        return dose_effects.dose_curves(self.cohort)

    @cached_property
    def dose_fits(self) -> dict[tuple[str, str, str], DoseFit]:
        """Dose-response fits to `dose_curves` of highlighted groups, by (probe, task, group)."""
        return dose_effects.dose_fits(self.dose_curves, self.highlighted)

    @cached_property
    def ed50s(self) -> pd.DataFrame:
        """Every ED50 of the record (`dose_effects.ed50s`)."""
        return dose_effects.ed50s(self.dose_fits, self.severity_fits, self.severity_rows)

    @cached_property
    def outcomes(self) -> pd.DataFrame:
        """All outcomes, one value per individual (`endpoints.individual_outcomes`)."""
        return endpoints.individual_outcomes(self.cohort, self.final_scores, self.forgetting)

    @cached_property
    def outcome_comparisons(self) -> pd.DataFrame:
        """All outcomes against the control twins (`endpoints.outcome_comparisons`)."""
        table = endpoints.outcome_comparisons(self.cohort, self.outcomes, self.task_controls)
        return self._without_collapses(table, ("low", "high", "g_low", "g_high"))

    @cached_property
    def out_of_domain_scores(self) -> pd.DataFrame:
        """Learned skills on data from elsewhere, by individual (`out_of_domain.out_of_domain_scores`)."""
        return out_of_domain.out_of_domain_scores(self.cohort)

    @cached_property
    def out_of_domain_means(self) -> pd.DataFrame:
        """The same by task, data, metric, part and group (`out_of_domain.out_of_domain_means`)."""
        return out_of_domain.out_of_domain_means(self.out_of_domain_scores)

    @cached_property
    def own_measures(self) -> pd.DataFrame:
        """What measures of other packages, and of the scenario, declare and found (`study_measures.own_measures`)."""
        return study_measures.own_measures(self.cohort)

    @cached_property
    def own_measure_means(self) -> pd.DataFrame:
        """Their last values by group (`study_measures.own_measure_means`)."""
        return study_measures.own_measure_means(self.cohort, self.own_measures)

    @cached_property
    def chance_controls(self) -> pd.DataFrame:
        """The control's final score in each task against chance (`summaries.chance_controls`)."""
        return summaries.chance_controls(self.cohort, self.final_scores, self.task_controls)

    @cached_property
    def over_all_tasks(self) -> pd.DataFrame:
        """Final scores of each group over all tasks (`summaries.over_all_tasks`)."""
        return summaries.over_all_tasks(self.cohort, self.final_scores, self.chance_controls, self.arms)

    @cached_property
    def answers(self) -> pd.DataFrame:
        """Answers to single examples that `Outputs` kept; none for several records."""
        return self._records[0].examples("Outputs") if len(self._records) == 1 else pd.DataFrame()

    @cached_property
    def portraits(self) -> pd.DataFrame:
        """What `Portrait` kept of one individual and its twins; none for several records (`portraits.portraits`)."""
        return portraits.portraits(self.cohort)

    @cached_property
    def item_draws(self) -> dict[tuple[str, str], item_draws.ItemDraws]:
        """Final scores on resampled test items, by (task, group), where their answers were kept (`item_draws.item_draws`)."""
        return item_draws.item_draws(self.cohort, self.answers, self.final_scores)

    @cached_property
    def collapses(self) -> pd.DataFrame:
        """Individuals that collapsed, beside the others (`collapses.collapses`)."""
        return collapses.collapses(self.cohort, self.final_scores, self.task_controls)

    @cached_property
    def over_examples(self) -> pd.DataFrame:
        """Final accuracy over individuals and test examples at once (`summaries.over_examples`)."""
        table = self._without_collapses(summaries.over_examples(self.cohort, self.answers, self.task_controls))
        paired = table.assign(control=table["task"].map(self.task_controls))
        return self._without_collapses(paired, ("difference_low", "difference_high")).drop(columns="control")

    @cached_property
    def mask_overlaps(self) -> pd.DataFrame:
        """Every pair of masks that was compared (`summaries.mask_overlaps`)."""
        return summaries.mask_overlaps(self.cohort)

    @cached_property
    def overlap_means(self) -> pd.DataFrame:
        """Overlap above chance by kind of pair and group (`summaries.overlap_means`)."""
        return summaries.overlap_means(self.mask_overlaps)

    @cached_property
    def _records(self) -> tuple[Record, ...]:
        """The records, opened once: the description of a large study takes most of a second to read."""
        return tuple(record.read(directory) for directory in self.cohort.directories)

    @cached_property
    def _collapsed(self) -> frozenset[tuple[str, str]]:
        """(task, group) in which an individual collapsed (`collapses.places`)."""
        return collapses.places(self.cohort, self.final_scores)

    def _without_collapses(self, table: pd.DataFrame, ends: Sequence[str] = ("low", "high")) -> pd.DataFrame:
        return collapses.without_intervals(table, self._collapsed, ends)

    @cached_property
    def run_settings(self) -> pd.DataFrame:
        """Settings in which several runs differ (`run_settings.run_settings`); none for one run."""
        return run_settings.run_settings(self.cohort)

    @cached_property
    def run_scores(self) -> pd.DataFrame:
        """Final scores of groups by run (`run_settings.run_scores`); none for one run."""
        return run_settings.run_scores(self.cohort, self.final_means)

    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables that a report keeps beside it, by the name of their file."""
        return {
            "hypotheses": declared_verdicts.as_table(self.verdicts),
            "participants": self.cohort.participants,
            "statuses": self.statuses,
            "final_scores": self.final_means,
            "final_scores_individuals": self.final_scores,
            "comparisons": self.comparisons,
            "forgetting": self.forgetting,
            "forgetting_means": self.forgetting_means,
            "memories": self.memories,
            "memory_means": self.memory_means,
            "recovery_means": self.recovery_means,
            "overlap_means": self.overlap_means,
            "outcomes_individuals": self.outcomes,
            "outcomes": self.outcome_comparisons,
            "exposures": self.exposures,
            "recoveries": self.recoveries,
            "too_little_learned": self.too_little_learned,
            "lifetimes": self.lifetimes,
            "survivals": self.survivals,
            "declines": self.declines,
            "ed50s": self.ed50s,
            "out_of_domain": self.out_of_domain_means,
            "out_of_domain_individuals": self.out_of_domain_scores,
            "own_measures": self.own_measure_means,
            "overall": self.over_all_tasks,
            "chance_controls": self.chance_controls,
            "over_examples": self.over_examples,
            "collapses": self.collapses,
            "sparsity_reached": self.sparsity_reached,
            "steps_lived": self.steps_lived,
        } | ({"run_settings": self.run_settings, "run_scores": self.run_scores} if len(self.cohort.directories) > 1 else {})


def _records(source: Record | Path | str | Sequence[Record | Path | str]) -> list[Record]:
    sources = [source] if isinstance(source, Record | Path | str) else source
    return [part if isinstance(part, Record) else record.read(part) for part in sources]
