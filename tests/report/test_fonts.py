"""Names in other scripts: figures have their characters, or it is said once which are missing."""

import warnings

import pytest
from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

from lifespan.report.figures import canvas, fonts


def drawn(name):
    with canvas.style():
        figure, (axes,) = canvas.canvas(2.0)
        axes.set_title(name)
        axes.plot([0, 1], [0, 1], label=name)
        canvas.legend(figure, axes.get_legend_handles_labels()[0])
    return figure


def test_characters_without_a_font_are_told_and_never_warned_of(monkeypatch):
    monkeypatch.setattr(fonts, "FALLBACKS", ())
    assert fonts.lacking(["control", "\u5bf9\u7167", "\u5bf9", "\u0416"]) == "\u5bf9\u7167"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "\u5bf9\u7167" in canvas.svg(drawn("\u5bf9\u7167"))
        assert canvas.pdf(drawn("\u5bf9\u7167")).startswith(b"%PDF")


def test_a_font_that_has_the_characters_is_used(monkeypatch):
    # STIX comes with matplotlib, and has signs that the main font lacks.
    path = next(entry.fname for entry in font_manager.fontManager.ttflist if entry.name == "STIXGeneral")
    sign = chr(min(code for code in FT2Font(path).get_charmap() if code > 255 and not fonts._has(fonts.MAIN, chr(code))))
    monkeypatch.setattr(fonts, "FALLBACKS", ("STIXGeneral",))
    assert fonts.lacking([sign]) == ""
    assert "STIXGeneral" in canvas.svg(drawn(f"a{sign}b")) and b"STIXGeneral" in canvas.pdf(drawn(f"a{sign}b"))
    assert "STIXGeneral" not in canvas.svg(drawn("ab"))


@pytest.mark.parametrize("name", ["control", "d\u00e9ficit", "\u03b1 = 0.5"])
def test_figures_of_names_that_the_main_font_has_are_as_ever(name):
    figure = drawn(name)
    families = [text.get_fontfamily() for text in figure.findobj(fonts.Text)]
    fonts.give_fonts(figure)
    assert [text.get_fontfamily() for text in figure.findobj(fonts.Text)] == families


def test_a_report_says_once_which_characters_its_pdf_lacks(tmp_path, monkeypatch, capsys):
    from lifespan.cli import simulate as command
    from lifespan.report import html

    (tmp_path / "study.json").write_text('{"name": "x", "groups": {"\u5bf9\u7167": {}}, "tasks": {"\u5bf9": {}}}', "utf-8")
    monkeypatch.setattr(fonts, "FALLBACKS", ())
    monkeypatch.setattr(html, "write_report", lambda *given, **more: tmp_path / "report.html")
    command.report_on([tmp_path])
    assert not any(capsys.readouterr())
    command.report_on([tmp_path], pdf=True)
    said = "".join(capsys.readouterr()).replace("\n", " ")
    assert said.count("No font here has \u5bf9\u7167") == 1 and "Noto Sans CJK" in said
