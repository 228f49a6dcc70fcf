"""Colours tell groups apart in any colour vision, on a light and a dark page; line styles and markers do without colour."""

import itertools

import numpy as np
import pytest

from lifespan.analysis.scores import HIGHLIGHTED
from lifespan.report.figures.canvas import FAINT, LINES, MARKERS, PALETTE
from lifespan.report.figures.timeline import fitted

# Machado, Oliveira & Fernandes (2009), severity 1, on linear RGB.
VISION = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
TO_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])
LIGHT, DARK = "#ffffff", "#14181d"


def linear(colour):
    parts = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    xyz = TO_XYZ @ np.clip(rgb, 0, 1) / np.array([0.95047, 1.0, 1.08883])
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast(one, other):
    low, high = sorted(float(TO_XYZ[1] @ linear(colour)) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("vision", VISION)
def test_colours_differ_in_any_colour_vision(vision):
    seen = {colour: lab(np.asarray(VISION[vision]) @ linear(colour)) for colour in (*PALETTE, FAINT)}
    for one, other in itertools.combinations(seen, 2):
        # CIE76: 2.3 is just noticeable side by side; lines lie apart.
        assert np.linalg.norm(seen[one] - seen[other]) > 12, (vision, one, other)


def test_red_and_green_alone_would_not_pass():
    seen = [lab(np.asarray(VISION["deuteranopia"]) @ linear(colour)) for colour in ("#949494", FAINT)]
    assert np.linalg.norm(seen[0] - seen[1]) < 12


@pytest.mark.parametrize("page", [LIGHT, DARK])
def test_colours_stand_out_from_the_page(page):
    assert min(contrast(colour, page) for colour in PALETTE) > 2.5


def test_without_colour_line_styles_and_markers_tell_all_highlighted_groups_apart():
    for shapes in (PALETTE, LINES, MARKERS):
        assert len(set(shapes)) >= HIGHLIGHTED and len(set(shapes)) == len(shapes)


def test_a_share_in_the_timeline_is_whole_or_left_out():
    for wide, high in itertools.product((0.05, 0.08, 0.12, 0.2, 0.4), (0.18, 0.34)):
        text, _ = fitted("100%", wide, high, whole=True)
        assert text in ("", "100%")
        shown, upright = fitted("acceptability", wide, high)
        assert len(shown) * 0.063 <= (high if upright else wide) + 1e-9
