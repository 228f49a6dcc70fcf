"""Small lives that every test can afford: a tiny subject, a tiny school, no download, one thread."""

import os
import shutil

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_DATASETS_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import pytest

from lifespan import (
    Age,
    Develop,
    Learn,
    Magnitude,
    Masks,
    Micro,
    MicroTask,
    MicroText,
    Probe,
    Recover,
    Scenario,
    Score,
    Sparsity,
    Study,
    Weights,
)
from lifespan.execution.observer import Observer
from lifespan.subjects._torchvision import mend_torchvision

# A torchvision that does not fit a CPU build of torch breaks the import of models, which some tests make themselves.
mend_torchvision()

TINY = Micro(layers=1, width=16, heads=2, feed_forward=32)
TASKS = tuple(MicroTask(name, train_examples=48, eval_examples=40) for name in ("sentiment", "entailment"))


@pytest.fixture(autouse=True)
def one_thread():
    import torch

    torch.set_num_threads(1)


@pytest.fixture
def run(capsys):
    """Run a command line in this process: (exit code, standard output, standard error)."""

    from lifespan.cli import main as cli

    def running(*arguments):
        with pytest.raises(SystemExit) as end:
            cli.main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return end.value.code, said.out, said.err

    return running


@pytest.fixture(scope="session")
def graceful(tmp_path_factory):
    """The synthetic record of three groups with its report, which nobody may change."""
    from synthetic import write_record

    from lifespan.report.html import write_report

    directory = write_record(tmp_path_factory.mktemp("runs") / "graceful")
    write_report([directory])
    return directory


@pytest.fixture(scope="session")
def ground(tmp_path_factory):
    """A small record to damage and to forge, and files of others beside it."""
    from harm import Ground

    return Ground(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="session")
def chromium():
    """One browser for all tests of the page; without one they are skipped, and say what to install."""
    program = os.environ.get("LIFESPAN_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    api = pytest.importorskip("playwright.sync_api", reason="needs the extra: pip install 'lifespan[browser]'")
    if not program:
        pytest.skip("needs Chromium on the path, or its path in LIFESPAN_CHROMIUM")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


class Listener(Observer):
    """Keeps every warning."""

    def __init__(self):
        self.said = []

    def warns(self, text):
        self.said.append(text)


def rows_of(directory):
    """The measured values and the individuals of a record, as they stand on disk."""
    return [(directory / name).read_bytes() for name in ("measurements.jsonl", "participants.tsv")]


def tiny_events(by=None):
    """Development, two tasks, two ages with recovery, probed all along."""
    by = by or Masks(steps=6, rate=5e-3)
    return (
        Develop(MicroText(number=300), steps=8, batch_size=16),
        *((Learn(task, by=by), Probe(Score(), Sparsity())) for task in TASKS),
        *((Age(to=to, by=Magnitude()), Recover(steps=6), Probe(Score(), Sparsity())) for to in (0.3, 0.6)),
    )


def tiny_life(name="tiny", by=None):
    return Scenario(name=name, subject=TINY, events=tiny_events(by))


def long_life():
    """Events long enough to be killed inside."""
    return Scenario(
        name="long",
        subject=TINY,
        events=(
            Develop(MicroText(number=300), steps=120, batch_size=16),
            Learn(TASKS[0], by=Masks(steps=120, rate=5e-3)),
            Age(to=0.4, by=Magnitude()),
            Recover(steps=120),
            Probe(Score(), Sparsity()),
        ),
    )


def tiny_study(name="tiny", individuals=1, **groups):
    return Study(name=name, groups=groups or {"masks": tiny_life()}, individuals=individuals)


def weights(steps=6):
    return Weights(steps=steps, rate=1e-3)
