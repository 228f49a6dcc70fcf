"""The command line: what each command prints, and the exit codes."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import tiny_study

from lifespan.cli import display
from lifespan.cli import main as cli
from lifespan.execution import estimate
from lifespan.record.leases import Leases
from lifespan.simulation import plan_for

LIFE = """\
\"\"\"Two groups of a very short life.\"\"\"
from lifespan import *

STEPS = 6
subject = Micro(layers=1, width=16, heads=2, feed_forward=32)
task = MicroTask("sentiment", train_examples=48, eval_examples=40)


def life(name, by):
    return Scenario(
        name=name,
        subject=subject,
        events=(
            Develop(MicroText(number=200), steps=STEPS, batch_size=8),
            Learn(task, by=by),
            Probe(Score(), Sparsity()),
            Age(to=0.5, by=Magnitude()),
            Recover(steps=4),
            Probe(Score(), Sparsity()),
        ),
    )


study = Study(
    name="short",
    groups={"masks": life("masks", Masks(steps=6, rate=5e-3)), "weights": life("weights", Weights(steps=6))},
)
"""


@pytest.fixture
def life(tmp_path, monkeypatch):
    """A scenario file in an empty working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(display.console, "width", 200)
    (tmp_path / "life.py").write_text(LIFE)
    return "life.py"


def simulate(run, *more):
    return run("simulate", "life.py", "--threads", 1, "--no-report", *more)


def test_help_is_quick_and_loads_nothing_heavy():
    heavy = "{'torch', 'transformers', 'datasets', 'pandas', 'scipy', 'matplotlib'}"
    code = (
        "import sys, lifespan.cli.main as c\n"
        "try: c.main(['--help'])\n"
        f"except SystemExit as e: print('code', e.code, sorted(set(sys.modules) & {heavy}))"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert "simulate" in done.stdout and done.stdout.strip().endswith("code 0 []")


def test_version(run):
    code, out, _ = run("--version")
    assert code == 0 and re.fullmatch(r"lifespan \d+\.\d+\.\d+\n", out)


def test_simulate_writes_a_record_and_says_how_it_went(run, life):
    code, out, err = simulate(run)
    assert code == 0 and err == ""
    assert "short: 2 groups x 1 individual, 7 events to live (8 if nothing were shared)" in out
    assert "masks-000 event 2 of 4: learn micro-sentiment" in out
    assert "masks: 1 done, 50% sparse" in out and "micro-sentiment" in out
    assert "Record: runs/short" in out
    assert "\x1b" not in out
    assert Path("runs/short/measurements.jsonl").is_file()


def test_simulating_again_lives_nothing_again(run, life):
    simulate(run, "--out", "here")
    rows = Path("here/measurements.jsonl").read_bytes()
    code, out, _ = simulate(run, "--out", "here", "--resume")
    assert code == 0 and "7 of them lived already" in out and "event 2" not in out
    assert Path("here/measurements.jsonl").read_bytes() == rows


def test_settings_and_individuals_reach_the_run(run, life):
    code, out, _ = simulate(run, "--individuals", 2, "--set", "STEPS=3")
    assert code == 0 and "develop on micro-text" in out and ", 3 steps" in out
    assert "masks: 2 done" in out
    assert json.loads(Path("runs/short/study.json").read_text())["individuals"] == 2


def test_the_report_is_written_unless_refused(run, life):
    pytest.importorskip("lifespan.report.html")
    code, out, _ = run("simulate", life, "--threads", 1)
    assert code == 0 and "Report: runs/short/report.html" in out
    assert Path("runs/short/report.html").is_file()
    code, out, _ = run("report", "runs/short", "--out", "elsewhere")
    assert code == 0 and Path(out.removeprefix("Report: ").strip()).is_file()


def test_status_tells_how_far_each_individual_is(run, life):
    simulate(run)
    code, out, _ = run("status", "runs/short")
    assert code == 0 and "2 done" in out and "4/4" in out


def test_status_tells_who_lives_now_and_what_is_left(run, life, monkeypatch):
    simulate(run)
    store = Path("runs/short/store")
    lives = json.loads(Path("runs/short/study.json").read_text())["lives"]
    for digest in lives["masks-000"]["steps"][3:] + lives["weights-000"]["steps"][4:]:
        (store / digest / "node.json").unlink()
    code, out, _ = run("status", "runs/short")
    assert code == 0 and "2 pending" in out and re.search(r"nobody at work; 3 events left, about .* for one worker", out)
    assert re.search(r"masks-000 +pending +2/4 +next: age to 0.5", out)
    leases = Leases(store)
    lease = leases.take(lives["masks-000"]["steps"][3], stage="age", lives="masks-000")
    code, out, _ = run("status", "runs/short")
    assert "1 living, 1 pending" in out and "1 worker at work; 3 events left, about" in out
    assert re.search(rf"masks-000 +living +2/4 +age to 0.5, on \S+ \(process {os.getpid()}\)", out)
    leases.release(lease)
    Path(store / lives["masks-000"]["steps"][3] / "node.json").write_text("damaged")
    assert run("status", "runs/short")[0] == 0


@pytest.mark.slow
def test_workers_engine_and_a_shared_store_from_the_command_line(run, life):
    code, out, err = simulate(run, "--workers", 2, "--store", "shared")
    assert code == 0, err
    assert "masks-000 event 2 of 4: learn micro-sentiment" in out and Path("runs/short/store").is_symlink()
    told = json.loads(run("plan", life, "--out", "again", "--store", "shared", "--json")[1])
    assert told["remaining"]["events"] == 0 < told["shared"]["events"]
    code, out, _ = simulate(run, "--out", "again", "--store", "shared", "--engine", "inline")
    assert code == 0 and "7 of them lived already" in out and "event 2 of 4" not in out
    tables = [Path(place, "measurements.jsonl").read_bytes() for place in ("runs/short", "again")]
    assert tables[0] == tables[1]
    code, out, _ = run("gc", "shared")
    assert code == 0 and "shared is used by: short" in out and "0 steps and 0 other files" in out
    for wrong, said in (
        (("--engine", "lokal"), "--engine lokal: is not known here. Did you mean 'local'?"),
        (("--workers", 0), "--workers 0: must be a whole number, at least 1."),
        (("--engine", "inline", "--workers", 2), "inline has one worker. Use --engine local."),
    ):
        code, _, err = simulate(run, *wrong)
        assert code == 2 and said in " ".join(err.split())


def test_plan_tells_the_time_that_several_workers_take(run, life):
    times = []
    for workers in (1, 2, 50):
        told = json.loads(run("plan", life, "--individuals", 4, "--workers", workers, "--json")[1])
        times.append(told["wall_seconds"])
    assert times[0] == pytest.approx(estimate.START + told["remaining"]["seconds"], rel=0.1)
    assert times[0] > times[1] > times[2] >= max(node["seconds"] for node in told["nodes"])
    code, out, _ = run("plan", life, "--individuals", 4, "--workers", 2)
    assert code == 0 and re.search(r"with 2 workers", out)


@pytest.mark.slow
def test_a_failed_individual_gives_exit_code_1_and_its_reason(run, life):
    text = LIFE.replace("from lifespan import *", "from lifespan import *\nfrom dataclasses import dataclass").replace(
        "study = Study(",
        '''
@dataclass(frozen=True, kw_only=True)
class Broken(Disorder):
    """Fails."""

    def strike(self, subject, streams):
        raise RuntimeError("a hook broke")


study = Study(''',
    )
    text = text.replace(
        '"weights": life("weights", Weights(steps=6))',
        '"ill": life("ill", Weights(steps=6)).with_events(after=1, add=Suffer(Broken()))',
    )
    Path("life.py").write_text(text)
    code, out, err = simulate(run)
    assert code == 1
    assert "ill-000 failed: RuntimeError: a hook broke" in out
    assert "1 individual failed" in err and "Traceback" not in out + err
    code, out, _ = run("status", "runs/short")
    assert code == 0 and "1 done" in out and "1 failed" in out and "a hook broke" in out
    code, out, err = simulate(run)
    assert code == 1 and "--retry tries them again" in err
    assert simulate(run, "--retry")[0] == 1
    Path("life.py").write_text(text.replace('raise RuntimeError("a hook broke")', "return {}"))
    code, out, err = simulate(run)
    assert code == 0, f"the edited class is another, and nothing of the old one was lived: {err}"
    code, _, err = simulate(run, "--workers", 1, "--out", "crew")
    assert code == 0, f"a class of a scenario file did not reach a worker: {err}"
    assert Path("crew/measurements.jsonl").read_bytes() == Path("runs/short/measurements.jsonl").read_bytes()


def test_a_diverged_individual_is_an_outcome(run, life):
    text = LIFE.replace(
        'life("weights", Weights(steps=6))', 'life("weights", Weights(steps=6)).with_events(after=1, add=Suffer(Blow()))'
    ).replace(
        "study = Study(",
        '''
from dataclasses import dataclass

@dataclass(frozen=True, kw_only=True)
class Blow(Disorder):
    """Everything becomes infinite."""

    def strike(self, subject, streams):
        for weight in subject.synapses.values():
            weight.data.fill_(float("inf"))
        return {}


study = Study(''',
    )
    Path("life.py").write_text(text)
    code, out, _ = simulate(run)
    assert code == 0
    assert "weights-000 diverged: " in out and "weights: 1 diverged" in out


def test_plan_as_text_and_as_json(run, life):
    code, out, _ = run("plan", life, "--individuals", 2)
    assert code == 0
    assert "short: 2 groups x 2 individuals" in out and "learn micro-sentiment" in out and "rough" in out
    code, out, _ = run("plan", life, "--json")
    told = json.loads(out)
    assert code == 0
    assert (told["separate"]["events"], told["shared"]["events"]) == (8, 7)
    assert told["shared"]["optimizer_steps"] == 6 + 2 * (6 + 4)
    assert told["separate"]["optimizer_steps"] == 2 * (6 + 6 + 4)
    assert len(told["nodes"]) == 8


def test_plan_uses_measured_times_and_knows_what_is_lived(run, life):
    simulate(run)
    code, out, _ = run("plan", life, "--json")
    told = json.loads(out)
    assert code == 0 and told["basis"] == estimate.MEASURED
    assert told["remaining"]["events"] == 0 and told["remaining"]["seconds"] == 0


def test_estimated_steps_and_examples_are_those_lived(tmp_path):
    from lifespan import read, simulate

    study = tiny_study(individuals=2)
    found = estimate.estimate(plan_for(study))
    simulate(study, tmp_path / "run", threads=1)
    steps = read(tmp_path / "run").steps()
    assert found.separate.optimizer_steps == steps["optimizer_steps"].sum()
    assert abs(found.separate.examples - steps["examples"].sum()) <= 0.02 * steps["examples"].sum()
    stored = sum(path.stat().st_size for path in (tmp_path / "run" / "store" / "blobs").iterdir())
    assert stored / 4 < found.shared.bytes < stored * 4


def test_list_and_show(run):
    code, out, _ = run("list")
    assert code == 0 and all(word in out for word in ("Masks", "Magnitude", "WeightNoise", "Score", "first_life", "Age"))
    code, out, _ = run("list", "disorders")
    assert code == 0 and "UnstableOptimizer" in out and "Masks" not in out
    code, out, _ = run("show", "Masks")
    assert code == 0 and "sparsity: float = 0.05" in out and "Cite: Mallya" in out and "from lifespan import Masks" in out
    code, out, _ = run("show", "first_life")
    assert code == 0 and "--set" in out and "Develop(" in out


def test_doctor_finds_this_machine_fit(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIFESPAN_GLUE_DIR", str(tmp_path / "nowhere"))
    code, out, _ = run("doctor")
    assert code == 0
    assert re.search(r"ok +torch: ", out) and re.search(r"warn +GLUE: .*no such folder", out)


def test_doctor_fails_where_torch_is_broken(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    from lifespan.cli import doctor

    assert doctor._torch()[1] == "fail"


def test_tables_fit_80_columns(run, life, monkeypatch):
    simulate(run)
    monkeypatch.setattr(display.console, "width", 80)
    for command in (("status", "runs/short"), ("plan", life), ("list",), ("show", "Masks"), ("show", "first_life")):
        code, out, _ = run(*command)
        assert code == 0 and max(len(line) for line in out.splitlines()) <= 80, command


@pytest.mark.slow
def test_ctrl_c_saves_and_tells_how_to_go_on_and_the_rows_are_the_same(run, life):
    command = ["simulate", life, "--no-report", "--threads", "1", "--set", "STEPS=100", "--out"]
    program = [sys.executable, "-c", "from lifespan.cli.main import main; main()", *command, "cut"]
    running = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list(Path("cut/store").glob("*/node.json")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(running.pid, signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130, err
    assert "lifespan simulate life.py --no-report --threads 1 --set STEPS=100 --out cut --resume" in err
    assert "Traceback" not in out + err and "Finishing the current optimizer step" in out
    assert run(*command, "cut", "--resume")[0] == 0
    assert run(*command, "whole")[0] == 0
    assert Path("cut/measurements.jsonl").read_bytes() == Path("whole/measurements.jsonl").read_bytes()


def test_unexpected_errors_are_one_line_and_debug_shows_the_traceback(run, life, monkeypatch):
    monkeypatch.setattr("lifespan.cli.catalog.everything", lambda: 1 / 0)
    code, _, err = run("show", "Masks")
    assert code == 1 and "unexpected ZeroDivisionError" in err and "--debug" in err and "Traceback" not in err
    with pytest.raises(ZeroDivisionError):
        cli.main(["show", "Masks", "--debug"])


def test_the_status_of_a_record_without_its_states_is_that_of_its_individuals(run, life):
    assert run("simulate", life, "--no-report", "--out", "kept")[0] == 0
    shutil.rmtree("kept/store")
    code, out, _ = run("status", "kept")
    assert code == 0 and "done" in out and "states not kept" in out and "pending" not in out


def test_what_changed_under_a_record_is_said_and_asks_what_to_do(run, life):
    table = "text,label\n" + "a good film,1\na bad film,0\n" * 12
    Path("reviews.csv").write_text(table)
    task = 'TableTask("reviews.csv", name="reviews", first="text")'
    own = re.sub(r"MicroTask\(.*?\)", task, LIFE)
    Path("life.py").write_text(own)
    assert simulate(run)[0] == 0
    before = Path("runs/short/study.json").read_bytes()
    Path("reviews.csv").write_text(table.replace("a bad film,0", "a poor film,0", 1))
    said = "reviews.csv (task reviews, train) changed on"
    code, _, err = run("plan", "life.py")
    assert code == 0 and said in err and "7 of 7 events" not in err and "6 of 7 events are affected; 6 are lived anew" in err
    code, _, err = simulate(run)
    assert code == 2 and said in err and "--rerun-changed" in err and "--keep" in err
    code, _, err = simulate(run, "--keep")
    assert code == 0 and "Kept as it is" in err and Path("runs/short/study.json").read_bytes() == before
    code, _, err = simulate(run, "--keep", "--rerun-changed")
    assert code == 2 and "opposites" in err
    code, _, err = simulate(run, "--rerun-changed")
    assert code == 0 and said in err and Path("runs/short/study.json").read_bytes() != before
    assert "changed" not in run("plan", "life.py")[2]
    code, _, err = run("report", "runs/short", "--markdown")
    assert code == 0
