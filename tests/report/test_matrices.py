"""Final scores and continual-learning metrics as groups by columns: the numbers of the tables, on the page."""

from xml.etree import ElementTree

import pandas as pd
import pytest
from synthetic import GROUPS, TASKS

from lifespan.analysis.analysis import Analysis
from lifespan.report.formatting import number
from lifespan.report.matrices import final_matrix, sequence_matrix


@pytest.fixture(scope="module")
def analysis(graceful):
    return Analysis(graceful)


def test_every_final_mean_has_its_cell(analysis):
    matrix = final_matrix(analysis)
    assert [name for name, _ in matrix.columns] == list(TASKS) and [what for _, what in matrix.columns] == ["F1", "accuracy"]
    assert [group for group, _ in matrix.rows] == list(GROUPS)
    cells = {(group, task): cell for group, row in matrix.rows for task, cell in zip(TASKS, row, strict=True)}
    for row in analysis.final_means.itertuples():
        assert (cells[row.group, row.task].mean, cells[row.group, row.task].n) == (number(row.mean), str(row.n))
    # One individual of the unstable diverged: n differs, so each cell says its own.
    assert matrix.n == "" and cells["unstable", "rte"].n == "3" and "1 lost" in cells["unstable", "rte"].note


def test_a_cell_of_a_task_that_a_group_did_not_learn_is_empty(analysis):
    table = analysis.final_means
    other = Analysis(analysis.cohort)
    other.final_means = table[~((table["group"] == GROUPS[1]) & (table["task"] == TASKS[0]))]
    rows = dict(final_matrix(other).rows)
    assert rows[GROUPS[1]][0] is None and rows[GROUPS[1]][1] is not None


def test_the_fields_metrics_are_in_one_table_with_their_scale(analysis):
    matrix = sequence_matrix(analysis)
    # The tasks have two metrics, so there is no mean of the scores themselves.
    assert {scale for _, scale in matrix.columns} == {"chance-normalised"}
    assert [name for name, _ in matrix.columns][:2] == ["Average accuracy (ACC)", "Backward transfer (BWT)"]
    means = analysis.memory_means.set_index(["metric", "task", "group"])["mean"]
    assert dict(matrix.rows)[GROUPS[0]][0].mean == number(means["acc_normalised", "", GROUPS[0]])


def test_the_page_shows_the_matrix_with_fixed_heads(graceful):
    source = (graceful / "report.html").read_text()
    assert ".matrix thead th { position: sticky; top: 0;" in source
    part = source[source.index('<div class="scroll matrix"') :]
    tree = ElementTree.fromstring(part[: part.index("</div>") + 6].replace("<br>", "<br/>"))
    heads = ["".join(head.itertext()) for head in tree.iter("th")][: 1 + len(TASKS)]
    assert heads == ["group", "mrpcF1", "rteaccuracy"]
    means = pd.read_csv(graceful / "tables" / "final_scores.csv").set_index(["group", "task"])["mean"]
    for row in list(tree.iter("tr"))[1:]:
        group, *shown = ["".join(cell.itertext()) for cell in row]
        assert [text[:5] for text in shown] == [number(means[group, task]) for task in TASKS]
