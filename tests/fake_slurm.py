#!/usr/bin/env python3
"""A Slurm of one machine, as far as submitit and the engine use it; the first argument is the command.

State lies in $FAKE_SLURM: `<job>/state`, `<job>/pid` of its process group, `<job>/requeue` where it was asked for, and
`<job>/runs`, one line for each time that it was started. sbatch leaves a keeper behind for each job of the array, which
starts it, again where it was requeued, or where something took the whole node away (signal 9), as Slurm does.
"""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

HOME = Path(os.environ.get("FAKE_SLURM", "."))


def jobs():
    return sorted(path for path in HOME.iterdir() if (path / "state").exists())


def keep(script, job, output):
    """Start a job until it ends without being put back into the queue."""
    folder = HOME / job
    array, _, task = job.partition("_")
    known = {"SLURM_JOB_ID": array, "SLURM_JOB_NODELIST": "here"}
    if task:
        known |= {"SLURM_ARRAY_JOB_ID": array, "SLURM_ARRAY_TASK_ID": task}
    for _ in range(20):
        (folder / "requeue").unlink(missing_ok=True)
        with open(output, "ab") as log, open(folder / "runs", "a") as runs:
            known = {**os.environ, **known}
            process = subprocess.Popen(["bash", script], env=known, stdout=log, stderr=log, start_new_session=True)
            print(process.pid, file=runs)
        (folder / "pid").write_text(str(process.pid))
        (folder / "state").write_text("RUNNING")
        code = process.wait()
        if not (folder / "requeue").exists() and code not in (-9, 137):
            break
        (folder / "state").write_text("PENDING")
    (folder / "state").write_text("COMPLETED" if code == 0 else "FAILED")


def sbatch(script):
    text = Path(script).read_text()
    if os.environ.get("FAKE_SLURM_REFUSES"):
        sys.exit("sbatch: error: invalid partition specified: nowhere")
    number = str(100 + len(jobs()))
    (HOME / "submitted.sh").write_text(text)
    count = re.search(r"^#SBATCH --array='?0-(\d+)", text, re.MULTILINE)
    output = re.search(r"^#SBATCH --output=(\S+)", text, re.MULTILINE)[1]
    for task in [f"_{task}" for task in range(int(count[1]) + 1)] if count else [""]:
        (HOME / f"{number}{task}").mkdir()
        (HOME / f"{number}{task}" / "state").write_text("PENDING")
        log = output.replace("%A", number).replace("%a", task[1:]).replace("%j", number)
        keeper = [sys.executable, __file__, "keep", script, f"{number}{task}", log]
        nothing = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        subprocess.Popen(keeper, start_new_session=True, **nothing)
    print(f"Submitted batch job {number}")


def srun(*arguments):
    rest, logs = list(arguments), {}
    while rest[0].startswith("--"):
        if rest[0] in ("--output", "--error"):
            logs[rest[0]] = rest.pop(1)
        rest.pop(0)
    task = os.environ.get("SLURM_ARRAY_TASK_ID", "")
    names = {"%A": os.environ["SLURM_JOB_ID"], "%j": os.environ["SLURM_JOB_ID"], "%a": task, "%t": "0"}
    for option, number in (("--output", 1), ("--error", 2)):
        path = re.sub("%[Aajt]", lambda found: names[found[0]], logs[option])
        os.dup2(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT), number)
    os.execvpe(rest[0], rest, {**os.environ, "SLURM_PROCID": "0", "SLURM_NTASKS": "1"})


def squeue(*arguments):
    asked = next(each for each in arguments if each.startswith("--jobs=")).removeprefix("--jobs=").split(",")
    for job in jobs():
        if job.name.partition("_")[0] in asked and (job / "state").read_text() in ("PENDING", "RUNNING"):
            print(job.name)


def sacct(*arguments):
    print("JobID|State|NodeList")
    for job in jobs():
        print(f"{job.name}|{(job / 'state').read_text()}|here")


def scontrol(verb, job):
    assert verb == "requeue"
    (HOME / job / "requeue").touch()


def scancel(job, *arguments):
    """Signal every process of a job, as Slurm does, or end it."""
    name = arguments[1] if arguments else "SIGTERM"
    for path in jobs():
        if path.name == job or path.name.startswith(f"{job}_"):
            strike(path, getattr(signal, name if name.startswith("SIG") else f"SIG{name}"))


def strike(path, number):
    """Send a signal to the processes of a job, its workers' included, which have sessions of their own."""
    first, seen = int((path / "pid").read_text()), []
    waiting = [first]
    while waiting:
        pid = waiting.pop()
        seen.append(pid)
        told = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout
        waiting += [int(each) for each in told.split()]
    # Not to the shell of the batch script, which Slurm spares too, unless nothing is to be left.
    for pid in seen if number == signal.SIGKILL else seen[1:]:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
