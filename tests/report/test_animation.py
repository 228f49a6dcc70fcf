"""The film of the lives: it ends with the report's own figures, begins before them, and is small."""

import io
import json
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image
from synthetic import write_record

import lifespan
from lifespan.analysis.analysis import Analysis
from lifespan.errors import RecordError
from lifespan.record.ownership import MARK
from lifespan.report import animation
from lifespan.report.figures import trajectories


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_record(tmp_path_factory.mktemp("run") / "lived")


@pytest.fixture(scope="module")
def film(run):
    return animation.gif(Analysis(run))


def pictures(data):
    film = Image.open(io.BytesIO(data))
    found = []
    for place in range(film.n_frames):
        film.seek(place)
        found.append((np.asarray(film.convert("RGB")).astype(int), film.info["duration"]))
    return found


def coloured(picture):
    """Pixels that are no shade of grey."""
    return int(((picture.max(2) - picture.min(2)) > 60).sum())


def test_it_grows_with_age_and_rests_at_the_end(film):
    frames = pictures(film)
    assert len(film) <= animation.MOST and len(frames) > 5 and frames[-1][1] == animation.END
    marks = [coloured(picture) for picture, _ in frames]
    assert marks[0] < 0.5 * marks[-1] and marks[len(marks) // 2] < marks[-1]
    assert all(later >= 0.97 * earlier for earlier, later in pairwise(marks))


def test_it_is_the_same_for_the_same_rows(run, film):
    assert animation.gif(Analysis(run)) == film


def test_too_large_a_film_has_fewer_frames(run, film, monkeypatch):
    monkeypatch.setattr(animation, "MOST", len(film) - 1)
    assert len(pictures(animation.gif(Analysis(run)))) < len(pictures(film))


def test_lives_of_other_lengths_advance_by_events_as_in_the_figure(run, monkeypatch):
    for module in (trajectories, animation):
        monkeypatch.setattr(module, "lengths_differ", lambda table: True)
    analysis = Analysis(run)
    tasks, by_event = animation._tasks(analysis)
    _, _, courses = animation._drawn(analysis, tasks, by_event)
    assert by_event and [axes.get_xlabel() for axes in courses] == ["", trajectories.EVENT], "sparsity is against age alone"
    ages, steps = animation._places(analysis, by_event)[0]
    assert ages == steps
    marks = [coloured(picture) for picture, _ in pictures(animation.gif(analysis))]
    assert marks == sorted(marks) and marks[0] < 0.5 * marks[-1]


def test_without_scores_over_age_there_is_nothing_to_animate(tmp_path):
    with pytest.raises(RecordError, match=r"nothing to animate\. Leave out --animate"):
        animation.gif(Analysis(write_record(tmp_path / "newborn", lived=0)))


def test_it_lies_among_the_figures_and_is_known_as_ours(run, tmp_path):
    lifespan.report(run, tmp_path / "out", animate=True)
    written = tmp_path / "out" / "figures" / "life.gif"
    assert written.read_bytes()[:6] == b"GIF89a"
    assert "figures/life.gif" in json.loads((tmp_path / "out" / MARK).read_text())["files"]
    written.write_bytes(b"mine")
    with pytest.raises(RecordError, match="holds files that this would replace"):
        lifespan.report(run, tmp_path / "out", animate=True)
    assert written.read_bytes() == b"mine"
