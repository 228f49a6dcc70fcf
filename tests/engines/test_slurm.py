"""Workers as jobs of a Slurm cluster: a fake one on this machine, with real submitit. Skipped where submitit is missing."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from conftest import Listener, long_life, rows_of, tiny_life, tiny_study

from lifespan import Suffer, WeightNoise, simulate
from lifespan.engines import Slurm
from lifespan.errors import ScenarioError, UserError
from lifespan.record.leases import holders

COMMANDS = ("sbatch", "srun", "squeue", "sacct", "scontrol", "scancel")


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """The folder where the fake cluster keeps its jobs."""
    pytest.importorskip("submitit")
    home, commands = tmp_path / "cluster", tmp_path / "bin"
    home.mkdir()
    commands.mkdir()
    script = Path(__file__).parents[1] / "fake_slurm.py"
    for name in COMMANDS:
        (commands / name).write_text(f'#!/bin/sh\nexec {sys.executable} {script} {name} "$@"\n')
        (commands / name).chmod(0o755)
    monkeypatch.setenv("FAKE_SLURM", str(home))
    monkeypatch.setenv("PATH", str(commands), prepend=os.pathsep)
    monkeypatch.setattr("lifespan.engines.slurm.POLL", 0.2)
    monkeypatch.setattr("lifespan.engines.slurm.QUEUE", 1.0)
    yield home
    for job in home.glob("*_*"):
        subprocess.run(["scancel", job.name, "--signal", "SIGKILL"], check=False)


def study():
    healthy = long_life()
    ill = healthy.with_events(after=2, add=Suffer(WeightNoise(severity=0.5)))
    return tiny_study(individuals=2, healthy=healthy, ill=ill)


def when_saved(store, then):
    """Do something as soon as a worker has saved a state inside a step."""

    def wait():
        while not any(store.glob("*/partial*")) or not list(holders(store)):
            time.sleep(0.02)
        then()

    threading.Thread(target=wait, daemon=True).start()


def runs(job):
    return len((job / "runs").read_text().splitlines())


@pytest.mark.slow
def test_a_preempted_job_saves_is_requeued_and_the_rows_are_the_same(tmp_path, cluster):
    simulate(study(), tmp_path / "alone", threads=1)
    out, listener = tmp_path / "slurm", Listener()
    when_saved(out / "store", lambda: subprocess.run(["scancel", "100_0", "--signal", "USR2"], check=True))
    engine = Slurm(workers=3, packed=2, minutes=60, partition="short", memory=2, more={"constraint": "avx"})
    outcome = simulate(study(), out, threads=1, every=5, engine=engine, observer=listener)
    assert outcome.done == 4 and rows_of(out) == rows_of(tmp_path / "alone")
    assert runs(cluster / "100_0") == 2 and runs(cluster / "100_1") == 1
    asked = (cluster / "submitted.sh").read_text()
    for line in ("--array=0-1%2", "--cpus-per-task=2", "--partition=short", "--mem=2GB", "--constraint=avx", "--requeue"):
        assert f"#SBATCH {line}" in asked
    assert "submitted 2 jobs to Slurm" in listener.said[0]
    log = "".join(path.read_text() for path in (tmp_path / "slurm.slurm" / "jobs").glob("100_0_*_log.*"))
    assert "this job is preempted" in log and "Requeued job 100_0" in log
    assert not list(out.rglob("*.pkl"))


@pytest.mark.slow
def test_a_job_at_the_end_of_its_time_goes_on_and_one_lost_with_its_node_too(tmp_path, cluster):
    simulate(study(), tmp_path / "alone", threads=1)
    out = tmp_path / "slurm"

    def time_out_and_lose():
        subprocess.run(["scancel", "100_0", "--signal", "USR2"], check=True)
        subprocess.run(["scancel", "100_1", "--signal", "SIGKILL"], check=True)

    when_saved(out / "store", time_out_and_lose)
    # Under ten minutes submitit takes every signal for the end of the time.
    outcome = simulate(study(), out, threads=1, every=5, engine=Slurm(workers=2, minutes=5))
    assert outcome.done == 4 and rows_of(out) == rows_of(tmp_path / "alone")
    assert runs(cluster / "100_0") == 2 and runs(cluster / "100_1") == 2
    assert "this job is timed-out" in next((tmp_path / "slurm.slurm" / "jobs").glob("100_0_*_log.err")).read_text()


@pytest.mark.slow
def test_a_second_driver_joins_the_jobs_that_are_there(tmp_path, cluster):
    out, listener = tmp_path / "slurm", Listener()
    asked = []

    def second():
        asked.append(simulate(study(), out, threads=1, every=5, engine=Slurm(workers=1), observer=listener))

    when_saved(out / "store", second)
    first = simulate(study(), out, threads=1, every=5, engine=Slurm(workers=1))
    assert first.done == 4
    assert listener.said[0] == "1 jobs of an earlier command still run; this one joins them"


def test_what_the_jobs_could_not_do_is_told(tmp_path, cluster, monkeypatch):
    monkeypatch.setenv("FAKE_SLURM_REFUSES", "1")
    with pytest.raises(ScenarioError, match="sbatch refused the job: sbatch: error: invalid partition specified: nowhere"):
        simulate(tiny_study(life=tiny_life()), tmp_path / "refused", engine=Slurm(partition="nowhere"))
    monkeypatch.delenv("FAKE_SLURM_REFUSES")
    setup = ("export PYTHONPATH=", "cd /", "python() { exit 3; }", "exit 3")
    with pytest.raises(UserError, match="all 1 jobs have ended, and lives are left: none of them could say why"):
        simulate(tiny_study(life=tiny_life()), tmp_path / "broken", engine=Slurm(workers=1, setup=setup))


def test_without_submitit_or_slurm_the_way_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    if "submitit" in sys.modules or __import__("importlib.util").util.find_spec("submitit"):
        with pytest.raises(ScenarioError, match="no sbatch and srun: it belongs to no Slurm cluster"):
            simulate(tiny_study(life=tiny_life()), tmp_path, engine=Slurm())
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(ScenarioError, match=r"the package submitit is not installed\. pip install 'lifespan\[slurm\]'"):
        simulate(tiny_study(life=tiny_life()), tmp_path, engine=Slurm())


@pytest.mark.parametrize(("name", "value"), [("workers", 0), ("packed", 0), ("minutes", 1.5), ("timeouts", 0), ("gpus", 0)])
def test_wrong_numbers_are_refused(name, value):
    with pytest.raises(ScenarioError, match=f"{name}={value}: must be a whole number, at least 1"):
        Slurm(**{name: value})
    with pytest.raises(ScenarioError, match="memory=0: must be a number of gigabytes above 0"):
        Slurm(memory=0)


def test_settings_of_engines_on_the_command_line(run):
    from lifespan.cli.engines import engine_of

    assert engine_of("slurm", 8, ["packed=4", "partition=short", "more={'qos': 'low'}"]) == Slurm(
        workers=8, packed=4, partition="short", more={"qos": "low"}
    )
    code, _, said = run("simulate", "--engine", "slurm", "--engine-set", "partitoin=short")
    assert code == 2 and "partition" in said and "Did you mean" in said
    code, _, said = run("simulate", "--engine", "local", "--engine-set", "fast")
    assert code == 2 and "must read NAME=VALUE" in said
    code, _, said = run("simulate", "--engine-set", "a=1")
    assert code == 2 and "takes no settings" in said
