r"""Tables as LaTeX, read back by a small reader: as many cells as columns, and every text as it was, letter by letter."""

import re

import pandas as pd
import pytest
from synthetic import GROUPS, write_record

import lifespan
from lifespan.cli.main import main
from lifespan.errors import RecordError, ScenarioError
from lifespan.report.latex import MARK, escaped, latex

SIGNS = {r"\textbackslash{}": "\\", r"\textasciitilde{}": "~", r"\textasciicircum{}": "^", r"\textless{}": "<"}
SIGNS |= {r"\textgreater{}": ">", r"\textbar{}": "|", r"\textquotedbl{}": '"', "{[}": "[", "{]}": "]", "{-}": "-"}
SIGNS |= {r"\ldots{}": "\u2026", r"$\downarrow$": "\u2193", "$-$": "\u2212", r"\textasciigrave{}": "`"}
SIGNS |= {f"\\{character}": character for character in "&%$#_{}"}
READ = re.compile("|".join(map(re.escape, sorted(SIGNS, key=len, reverse=True))))
ODD = [
    r"a & b % c _ d # e $ f \ g ~ h ^ i { j } k",
    '[x] -- <y> | "z" `w`',
    "régime α, 数据 and ю",
    r"\input{/etc/passwd} \\ \end{tabular}",
    "\u2212 \u2026 \u2193",
]


def plain(cell):
    return READ.sub(lambda found: SIGNS[found[0]], cell)


def body(text):
    """(column sides, head, rows): cells split at the ampersands that are not escaped."""
    sides = re.search(r"\\begin\{tabular\}\{([lr]+)\}", text)[1]
    inside = text[text.index(r"\toprule") : text.index(r"\bottomrule")]
    lines = [line for line in inside.split("\n") if line.endswith(r" \\")]
    cells = [re.split(r"(?<!\\) & ", line.removesuffix(r" \\")) for line in lines]
    return sides, cells[0], cells[1:]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_record(tmp_path_factory.mktemp("run") / "lived")


@pytest.mark.parametrize("text", ODD)
def test_every_sign_comes_back(text):
    found = escaped(text)
    assert plain(found) == text
    rest = READ.sub("", found)
    assert not set(rest) & set("&%$#_{}\\~^"), "nothing is left that LaTeX would act on"
    assert not found.startswith("["), "a bracket after a line end is an argument"


def test_control_characters_and_line_ends_do_not_act():
    assert "\n" not in escaped("two\nlines\x1b[31m") and "\x1b" not in escaped("\x1b[31m")


def test_rows_have_as_many_cells_as_columns_and_odd_names_survive():
    table = pd.DataFrame({"group": ODD, "mean": [0.25, -0.5, float("nan"), 1.0, 2.0], "n": [3, 4, 5, 6, 7]})
    sides, head, rows = body(latex(table.assign(low=0.1, high=[0.2, 0.3, float("nan"), 0.4, 0.5])))
    assert sides == "lrrr" and head == ["group", "mean", "$n$", r"95\% interval"]
    assert all(len(row) == len(sides) for row in rows) and [plain(row[0]) for row in rows] == ODD
    assert [row[1] for row in rows] == ["$0.250$", "$-0.500$", "--", "$1.000$", "$2.000$"]
    assert rows[0][3] == "{[}$0.100$, $0.200${]}" and rows[2][3] == "--"


def test_small_p_values_are_never_zero():
    _, _, rows = body(latex(pd.DataFrame({"group": ["a", "b"], "p_holm": [1e-9, 0.0704]})))
    assert [row[1] for row in rows] == ["$< 0.001$", "$0.0704$"]


def test_every_table_of_a_report_is_well_formed(run):
    record = lifespan.read(run)
    for name in record.analysis.tables():
        sides, head, rows = body(record.latex(name))
        assert {len(cells) for cells in (head, *rows)} == {len(sides)}, name
        assert len(rows) == len(record.table(name))


def test_final_scores_have_n_and_intervals(run):
    record = lifespan.read(run)
    text = record.latex("final_scores", caption="50% & more", label="tab:final")
    assert r"\caption{50\% \& more}" in text and r"\label{tab:final}" in text
    assert text.count(r"\begin{table}") == text.count(r"\end{table}") == 1
    _, head, rows = body(text)
    first = record.table("final_scores").iloc[0]
    assert rows[0][head.index("$n$")] == str(first["n"]) and rows[0][head.index("mean")] == f"${first['mean']:.3f}$"
    assert rows[0][head.index(r"95\% interval")] == f"{{[}}${first['low']:.3f}$, ${first['high']:.3f}${{]}}"
    assert plain(rows[2][head.index("group")]) == GROUPS[2]


def test_a_wrong_label_or_table_is_said(run):
    with pytest.raises(ScenarioError, match="letters, digits"):
        latex(pd.DataFrame({"a": [1]}), label=r"x}\input{y")
    with pytest.raises(RecordError, match=r"none of the report's\. Did you mean 'final_scores'"):
        lifespan.read(run).table("final_score")


def called(*arguments):
    with pytest.raises(SystemExit) as done:
        main(["table", *map(str, arguments)])
    return done.value.code


def test_the_command_prints_writes_and_replaces_its_own_alone(run, tmp_path, capsys):
    expected = lifespan.read(run).latex("comparisons", caption="c")
    assert called(run, "--latex", "comparisons", "--caption", "c") == 0
    assert capsys.readouterr().out == expected
    out = tmp_path / "t.tex"
    assert called(run, "--latex", "comparisons", "--caption", "c", "--out", out) == 0 and out.read_text() == expected
    assert called(run, "--latex", "statuses", "--out", out) == 0 and out.read_text().startswith(MARK)
    out.write_text("my own")
    assert called(run, "--latex", "statuses", "--out", out) == 2 and out.read_text() == "my own"
    assert "no table that Lifespan wrote" in capsys.readouterr().err
    assert called(run, "--latex", "statuses", "--out", out, "--force") == 0
    assert called(run, "--latex", "statuses", "--out", tmp_path / "t.csv") == 2
    assert called(run, "--latex", "status") == 2 and "Did you mean 'statuses'" in capsys.readouterr().err
    assert called(run) == 2 and "--latex NAME" in capsys.readouterr().err
