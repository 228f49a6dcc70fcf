"""Names of any Unicode: kept as they are in every file, table, terminal and figure, or refused where they are typed."""

import csv
import io
import json
import re
import unicodedata
import xml.etree.ElementTree as ElementTree

import html5lib
import pandas as pd
import pytest
from conftest import TINY
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from rich.table import Table
from rich.text import Text

from lifespan import Develop, MicroText, Scenario, Study, names
from lifespan.cli.printer import NeutralConsole
from lifespan.errors import RecordError, ScenarioError
from lifespan.record import record
from lifespan.record.record import Record
from lifespan.record.tables import neutral_cells
from lifespan.report.figures import canvas
from lifespan.report.markdown import escaped
from lifespan.study.scenario import LARGEST_SEED

ODD = (
    *(
        "noise    1",
        "noise\u00a01",
        "a\u2028b",
        "a\u0085b",
        "tab\tbed",
        "line\nend",
        "\r",
        " lead",
        "trail ",
        "\u3000",
        "",
        "   ",
    ),
    *(
        "[/x]",
        "[bold]x[/]",
        "[link=http://x]y[/link]",
        ":smile:",
        "\\",
        "a\\[",
        "<b>",
        "<script>x</script>",
        "&lt;",
        "](x",
        "`",
    ),
    *('=HYPERLINK("x")', "@SUM(A1)", "+SUM(A1)", "-1+cmd|' /C calc'!A0", "-10 dB", "+noise", "'quoted'", '"', ",", ";", "#"),
    *("\x1b[2J", "\x9b31m", "\x00", "\x7f", "\u202eevil", "\u2066x", "\ufeffbom", "\u200bzero", "e\u0301", "\u00e9", "\ufffe"),
    *("\ud800", "..", "../../x", "/etc/passwd", "a/b", "a-b", "CON", "nul.txt", "NaN", "None", "null", "1e5", "0x1", "true"),
    *(
        "_hidden",
        "$x^2$",
        "%s",
        "{}",
        "{0}",
        "a-000",
        "a-001",
        "\U0001f9e0",
        "\u05e9\u05dc\u05d5\u05dd",
        "\u4e2d\u6587",
        "x" * 300,
    ),
)
TEXTS = st.one_of(
    st.sampled_from(ODD),
    st.text(max_size=24),
    st.text(alphabet="ab-_ /.=[]<>\t\n\u00a0\u2028\x1b\u0301", min_size=1, max_size=12),
)
QUICK = settings(max_examples=50, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
LIFE = Scenario(name="one", subject=TINY, events=(Develop(MicroText(number=20), steps=1),))


def kept(name):
    assume(names.wrong_with(name) == "")
    return name


@given(TEXTS)
@QUICK
def test_a_group_is_kept_or_refused_with_its_rule(name):
    wrong = names.wrong_with(name)
    if wrong:
        with pytest.raises(ScenarioError, match="a group's name ") as said:
            Study(name="s", groups={name: LIFE})
        assert wrong in str(said.value) and str(said.value).isprintable()
    else:
        assert list(Study(name="s", groups={name: LIFE}).groups) == [name]


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("two\nlines", "must not hold U+000A: control characters and line ends break tables and terminals."),
        ("a\u2028b", "must not hold U+2028: control characters and line ends"),
        ("a\u0085b", "must not hold U+0085: control characters"),
        ("\u202eevil", "must not hold U+202E: it reorders the text around it."),
        ("\ud800", "must not hold U+D800: it is no character that files can hold."),
        ("=HYPERLINK()", "must not begin with '=': spreadsheets would compute it."),
        (" lead", "must not begin or end with white space."),
        ("x" * 201, "has 201 characters; at most 200 fit tables and figures."),
    ],
)
def test_the_rule_is_named(name, rule):
    with pytest.raises(ScenarioError) as said:
        Study(name="s", groups={name: LIFE})
    assert f"a group's name {rule}" in str(said.value)


@pytest.mark.parametrize(
    "pair", [("noise  1", "noise 1"), ("noise\u00a01", "noise 1"), ("e\u0301", "\u00e9"), ("a\u200bb", "ab")]
)
def test_groups_that_would_look_the_same_are_refused(pair):
    with pytest.raises(ScenarioError, match="would look the same in a report"):
        Study(name="s", groups=dict.fromkeys(pair, LIFE))


def test_seeds_fit_their_column():
    assert Study(name="s", groups={"a": LIFE}, seed=LARGEST_SEED - 2, individuals=2).seed == LARGEST_SEED - 2
    for seed, individuals in ((LARGEST_SEED, 1), (LARGEST_SEED - 2, 3), (10**30, 1)):
        with pytest.raises(
            ScenarioError,
            match=r"seed below 2\*\*63|must be at most 9,223,372,036,854,775,807",
        ):
            Study(name="s", groups={"a": LIFE}, seed=seed, individuals=individuals)


def test_long_study_names_are_refused_before_they_are_paths():
    with pytest.raises(ScenarioError, match="must have at most 120 characters"):
        Study(name="x" * 121, groups={"a": LIFE})


def test_titles_of_foreign_probes_and_tasks_are_names_too():
    from lifespan import Probe, Score
    from lifespan.study.plan import compile_study

    class Loud(Score):
        @property
        def title(self):
            return "loud\x1b[31m"

    study = Study(name="s", groups={"a": Scenario(name="one", subject=TINY, events=(*LIFE.events, Probe(Loud())))})
    with pytest.raises(ScenarioError, match="its title must not hold U\\+001B"):
        compile_study(study, precision="fp32")


@given(st.lists(TEXTS, min_size=1, max_size=4, unique=True), st.text(max_size=20))
@QUICK
def test_participants_keep_groups_and_lives_whatever_the_reason_says(tmp_path, groups, reason):
    groups = [kept(name) for name in groups]
    assume(names.alike(groups) is None)
    people = [
        {"individual": f"{name}-{n:03d}", "group": name, "seed": n, "status": "failed", "steps": 0, "reason": reason}
        for name in groups
        for n in range(2)
    ]
    (tmp_path / "participants.tsv").write_bytes(record.as_table(people, record.PARTICIPANT_COLUMNS))
    found = Record(tmp_path, {"groups": {name: {} for name in groups}, "seed": 0}, {}).numbered()
    assert list(found["group"]) == [one["group"] for one in people]
    assert list(found["individual"]) == [one["seed"] for one in people]
    assert all(names.neutral(text) == text and "\n" not in text for text in found["reason"])


@given(st.dictionaries(TEXTS, TEXTS, max_size=3))
@QUICK
def test_rows_are_as_many_as_were_written(tmp_path, row):
    assume(not any("\ud800" <= c <= "\udfff" for text in [*row, *row.values()] for c in text))
    (tmp_path / "steps.jsonl").write_bytes(record.as_lines([row, {"group": "after"}]))
    assert Record(tmp_path, {}, {}).lines("steps.jsonl") == [row, {"group": "after"}]


def test_records_of_before_keep_their_groups_apart(tmp_path):
    (tmp_path / "participants.tsv").write_text(
        "individual\tgroup\tseed\tstatus\tsteps\treason\nnoise 1-000\tnoise 1\t0\tdone\t1\t\nother-000\tother\t0\tdone\t1\t\n"
    )
    study = {"groups": {"noise    1": {}, "other": {}}, "lives": {"noise    1-000": {}, "other-000": {}}}
    found = Record(tmp_path, study, {}).participants()
    assert list(found["group"]) == ["noise    1", "other"] and list(found["individual"]) == ["noise    1-000", "other-000"]


@given(TEXTS, TEXTS)
@QUICK
def test_a_row_is_found_by_its_name(tmp_path, group, probe):
    from lifespan.execution.row_names import find_row
    from lifespan.record.differences import short

    row = {"group": kept(group), "individual": 0, "step": 1, "probe": kept(probe), "metric": "f1", "task": "a, b"}
    (tmp_path / "measurements.jsonl").write_bytes(record.as_lines([{**row, "group": "other"}, row]))
    lives = {f"{name}-000": {"group": name, "steps": ["birth", f"step of {name}"]} for name in ("other", group)}
    assert find_row(Record(tmp_path, {"lives": lives}, {}), short(row)).digest == f"step of {group}"


@given(TEXTS)
@QUICK
def test_nothing_acts_in_a_terminal(name):
    out = io.StringIO()
    console = NeutralConsole(file=out, width=400)
    table = Table("group")
    table.add_row(Text(name))
    console.print(Text(name), soft_wrap=True)
    console.print(table)
    said = out.getvalue()
    assert all(c in "\n\t" or (unicodedata.category(c) not in ("Cc", "Cs") and c not in "\u202e\u2066") for c in said)
    if not names.wrong_with(name):
        assert said.startswith(f"{name}\n") and name in said.partition("\n")[2]


@given(TEXTS)
@QUICK
def test_no_cell_computes_and_kept_names_come_back(name):
    assume(not any("\ud800" <= c <= "\udfff" for c in name))
    text = neutral_cells(pd.DataFrame({"group": [name], "value": [-0.5]})).to_csv(index=False)
    cell, value = list(csv.reader(io.StringIO(text, newline="")))[1]
    assert value == "-0.5" and not names.acts_in_a_cell(cell)
    if not names.wrong_with(name):
        assert cell == name


@given(st.lists(TEXTS, min_size=2, max_size=2, unique=True))
@QUICK
def test_file_names_are_plain_and_never_shared(pair):
    found = [names.file_name(name) for name in pair]
    assert len(set(found)) == 2
    for name in found:
        assert name and not name.startswith(".") and not set(name) & set('/\\:*?"<>|\0\n') and len(name.encode()) <= 130


@given(TEXTS)
@settings(QUICK, max_examples=6)
def test_figures_are_xml_and_name_their_groups(name):
    # Records that hold half a pair of surrogates are refused.
    assume(not any("\ud800" <= c <= "\udfff" for c in name))
    figure, (axes,) = canvas.canvas(1.0)
    axes.set_title(name)
    root = ElementTree.fromstring(canvas.svg(figure))
    if not names.wrong_with(name) and "\\" not in name:
        assert name in "".join(root.itertext())


@given(st.lists(TEXTS, min_size=2, max_size=6, unique=True), st.integers(7, 20))
@QUICK
def test_names_that_are_cut_stay_apart(found, room):
    cut = canvas.shorts(found, room)
    assert len(set(cut)) == len(found) and all(len(name) <= room + 4 for name in cut)


@given(TEXTS)
@QUICK
def test_markdown_brings_no_markup(name):
    said = escaped(name)
    assert "<" not in said and "](" not in said.replace("\\]", "")


def test_a_report_of_odd_groups_is_whole(tmp_path, monkeypatch):
    import synthetic

    from lifespan.report import figures
    from lifespan.report.html import write_report

    odd = ("noise    1", "[/x] <b>&amp;</b> $y$", "_\u05e9\u05dc\u05d5\u05dd :smile: -10 dB")
    assert not any(map(names.wrong_with, odd))
    monkeypatch.setattr(synthetic, "GROUPS", odd)
    monkeypatch.setattr(synthetic, "DIVERGED", (odd[1], 2))
    monkeypatch.setattr(figures, "FIGURES", {"timeline": figures.FIGURES["timeline"]})
    directory = synthetic.write_record(tmp_path / "odd")
    page = write_report([directory])
    tree = html5lib.HTMLParser(strict=True).parse(page.read_text(encoding="utf-8"))
    said = " ".join("".join(tree.itertext()).split())
    assert all(" ".join(name.split()) in said for name in odd)
    assert "4 did not finish" not in said and "11 of 12 individuals lived to the end" in said
    final = pd.read_csv(directory / "tables" / "final_scores.csv", keep_default_na=False)
    assert set(final["group"]) == set(odd)
    assert json.loads(json.dumps(list(odd))) == list(odd)
    ElementTree.fromstring((directory / "figures" / "timeline.svg").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        ({"group": ["x"]}, "line 2: is not a row of plain cells"),
        ({"individual": "x"}, "individual: has a row in which it is not a number below 2**63"),
        ({"step": 10**30}, "step: has a row in which it is not a number"),
        ({"probe": 7}, "probe: has a row in which it is not text"),
    ],
)
def test_a_row_of_another_kind_is_said(tmp_path, row, wanted):
    good = {"group": "a", "individual": 0, "step": 1, "probe": "Score", "metric": "f1", "value": 0.5}
    (tmp_path / "measurements.jsonl").write_bytes(record.as_lines([good, {**good, **row}]))
    with pytest.raises(RecordError, match=re.escape(wanted)):
        Record(tmp_path, {}, {}).measurements()
    (tmp_path / "measurements.jsonl").write_bytes(record.as_lines([good, {**good, "value": None}]))
    assert len(Record(tmp_path, {}, {}).measurements()) == 2
