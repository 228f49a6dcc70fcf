"""No pickle is read that another may have written: folders of jobs are private, and what jobs say is JSON."""

import json
from types import SimpleNamespace

import pytest

from lifespan.engines import ray, slurm
from lifespan.errors import ScenarioError, UserError


def test_the_folder_of_jobs_is_of_the_user_alone(tmp_path):
    place = tmp_path / "run.slurm"
    assert slurm._private(place) == place and place.stat().st_mode & 0o777 == 0o700
    place.chmod(0o755)
    assert slurm._private(place).stat().st_mode & 0o777 == 0o700
    for mode in (0o770, 0o707, 0o722):
        place.chmod(mode)
        with pytest.raises(ScenarioError, match="others may write into"):
            slurm._private(place)


def test_a_folder_of_jobs_that_is_a_link_or_another_users_is_refused(tmp_path, monkeypatch):
    (tmp_path / "planted").mkdir()
    (tmp_path / "run.slurm").symlink_to(tmp_path / "planted")
    with pytest.raises(ScenarioError, match="is a link, or another user's"):
        slurm._private(tmp_path / "run.slurm")
    monkeypatch.setattr(slurm.os, "getuid", lambda: 10**6)
    with pytest.raises(ScenarioError, match="is a link, or another user's"):
        slurm._private(tmp_path / "planted")


def test_what_ended_a_job_is_read_as_json_and_never_from_its_pickle(tmp_path, monkeypatch):
    monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "100")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "1")
    slurm._write_error(tmp_path / "errors", RuntimeError("no such data"))
    assert slurm._error_of(tmp_path, "100_1") == "RuntimeError: no such data"
    assert slurm._error_of(tmp_path, "100_2") == ""

    def unpickled():
        raise AssertionError("a pickle was read")

    jobs = [SimpleNamespace(job_id=f"100_{task}", exception=unpickled, result=unpickled) for task in range(2)]
    monitor = SimpleNamespace(frontier=SimpleNamespace(open=["a"], failed=[], pairs_left=list))
    with pytest.raises(UserError, match="all 2 jobs have ended, and lives are left: RuntimeError: no such data"):
        slurm._explain(jobs, tmp_path, monitor, SimpleNamespace(fail_fast=False))


@pytest.mark.parametrize("number", ["../../x", "100;rm", "", 7, None, "100_1/x"])
def test_a_number_of_a_job_is_a_number(tmp_path, number, monkeypatch):
    from lifespan.record.files import write_sealed

    write_sealed(tmp_path / "jobs.json", {"jobs": [number]})
    assert slurm._earlier_jobs(SimpleNamespace(SlurmJob=None), tmp_path) == []


def test_a_worker_of_ray_answers_in_json(monkeypatch):
    def fails(work, should_stop, observer):
        observer.warns("slow")
        raise UserError("here", "is wrong.", "Change it.")

    monkeypatch.setattr(ray, "serve", fails)
    monkeypatch.setattr(ray.cloudpickle, "loads", lambda data: data)
    answer = ray._run_worker(b"")
    assert isinstance(answer, bytes) and json.loads(answer)["said"] == ["slow"]
    said = SimpleNamespace(warns=lambda text: None)
    with pytest.raises(UserError, match="here: is wrong"):
        ray._forward(answer, said)


def test_a_new_cluster_lives_in_a_private_folder():
    import os

    place = ray._private_folder()
    try:
        assert os.stat(place).st_mode & 0o777 == 0o700 and len(place) < 30
    finally:
        os.rmdir(place)
