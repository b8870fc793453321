"""Frames as lines and circles, held against their pixels."""

import re
import warnings

import numpy as np
import pytest

from latentviz import Film, FilmSpec, LinearPace, Run, plot_frame, plot_history
from latentviz.raster import vector
from latentviz.raster.chrome import figure_pixels, plain_style
from latentviz.theme import THEMES

RNG = np.random.default_rng(6)
SIZE = (640, 360)
N = 50
MARKED = {"label": "3,7", "highlight": ["1", "2"], "trail": 3, "captions": [((0, None), "text")]}


def run_of(marks):
    losses = {"loss": np.geomspace(1, 0.1, 12)}
    latents = RNG.normal(size=(1, N, 4)) / 2 + 0.05 * RNG.normal(size=(12, N, 4)).cumsum(0)
    return Run.from_arrays(latents, losses=losses, **marks)


def spec(**options):
    return FilmSpec(**({"size": SIZE, "pace": LinearPace(4)} | options))


CLASSES = {"classes": np.arange(N) % 4}
COLORS = {"colors": RNG.random((N, 3))}


def pixels_of(picture):
    """A picture's figure, drawn by matplotlib."""
    with plain_style():
        return figure_pixels(picture.as_lines())


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(
    ("marks", "options"),
    [
        pytest.param(CLASSES, {}, id="classes"),
        pytest.param(CLASSES, MARKED, id="marked"),
        pytest.param(COLORS, {"title": "A title"}, id="colors"),
        pytest.param(CLASSES, {"limits": 0.3, "dot_radius": 0.1}, id="beyond"),
        pytest.param({"colors": np.arange(N) / N}, {"ground": "white"}, id="scalars"),
    ],
)
def test_a_frame_of_lines_looks_like_its_pixels(marks, options, theme):
    picture = plot_frame(run_of(marks), frame=1, spec=spec(theme=theme, **options))
    unlike = np.abs(pixels_of(picture).astype(int) - picture.pixels).mean(-1)
    assert unlike.mean() < 0.6
    # Letters may stand half a pixel away.
    assert (unlike > 60).mean() < 2e-3


@pytest.mark.parametrize("marks", [CLASSES, COLORS], ids=["framed", "free"])
def test_dots_are_where_the_compositor_has_them(marks):
    run = run_of(marks)
    options = {"dims": [(0, 1)], "heading": "off", "titles": "off", "charts": "off", "plate": "off"}
    # One dot at a time, so that its middle can be told.
    for point in (0, 7, 19):
        lone = run.latents(run.steps)[:, point : point + 1]
        one = Run.from_arrays(lone[-1:], colors=np.ones((1, 3)) * 0.9)
        picture = plot_frame(one, spec=spec(limits=1.9, **options))
        middles = []
        for pixels in (picture.pixels, pixels_of(picture)):
            ink = np.abs(pixels.astype(float) - pixels[0, 0]).sum(-1)
            y, x = np.indices(ink.shape)
            middles.append([(ink * x).sum() / ink.sum(), (ink * y).sum() / ink.sum()])
        assert np.abs(np.subtract(*middles)).max() < 0.1


def test_dots_keep_to_their_frames():
    with_dots = plot_frame(run_of(CLASSES), spec=spec(limits=0.3, dot_radius=0.2, plate="off"))
    plan = Film(run_of(CLASSES), spec(limits=0.3, dot_radius=0.2, plate="off"))
    body = plan.stage.panels[0].cell.body
    column = round(body.x) - 4  # left of the line around it
    rows = slice(round(body.y), round(body.y + body.height))
    pixels = pixels_of(with_dots)
    assert np.ptp(pixels[rows, column].astype(int), axis=0).max() == 0


def test_files_have_circles_and_text(tmp_path):
    picture = plot_frame(run_of(CLASSES), frame=1, spec=spec(**MARKED))
    picture.save(tmp_path / "a.svg")
    picture.save(tmp_path / "b.svg")
    picture.save(tmp_path / "a.pdf")
    svg = (tmp_path / "a.svg").read_text()
    assert svg == (tmp_path / "b.svg").read_text()
    assert len(re.findall(r"<use [^>]*fill-opacity", svg)) > N
    assert "<image" not in svg
    assert "<text" not in svg  # outlines: the same wherever it is opened
    pdf = (tmp_path / "a.pdf").read_bytes()
    assert b"/CIDFontType2" in pdf
    assert b"/Type3" not in pdf
    assert b"/Subtype /Image" not in pdf


def test_too_many_circles_are_an_image(tmp_path, monkeypatch):
    monkeypatch.setattr(vector, "MOST_CIRCLES", 10)
    for marks in (CLASSES, COLORS):
        picture = plot_frame(run_of(marks), frame=1, spec=spec())
        picture.save(tmp_path / "a.svg")
        assert "<image" in (tmp_path / "a.svg").read_text()
        unlike = np.abs(pixels_of(picture).astype(int) - picture.pixels).mean(-1)
        assert unlike.mean() < 0.6


def test_a_transparent_ground_stays_so(tmp_path):
    picture = plot_frame(run_of(CLASSES), spec=spec(ground="transparent"))
    picture.save(tmp_path / "a.svg")
    svg = (tmp_path / "a.svg").read_text()
    first = re.search(r'<g id="patch_1">.*?</g>', svg, re.DOTALL)[0]
    assert "fill: none" in first or "opacity: 0" in first


def test_the_command_draws_a_figure_for_a_paper(short_run, invoke, tmp_path):
    options = ["--dims", "0,1", "--size", "360x360", "--ground", "white", "--heading", "off"]
    for suffix in ("pdf", "svg", "png"):
        path = tmp_path / f"a.{suffix}"
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            done = invoke("frame", short_run, "-o", path, *options, "--charts", "off")
        assert done.output == f"{path}: 360x360\n"
        assert path.stat().st_size > 1000


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("marks", [CLASSES, COLORS], ids=["classes", "colors"])
def test_a_history_of_lines_looks_like_its_pixels(marks, theme):
    picture = plot_history(run_of(marks), size=(800, 450), theme=theme)
    unlike = np.abs(pixels_of(picture).astype(int) - picture.pixels).mean(-1)
    assert unlike.mean() < 0.8
    assert (unlike > 60).mean() < 4e-3


def test_the_command_draws_a_history_of_lines(short_run, invoke, tmp_path):
    for suffix in ("pdf", "svg"):
        invoke("history", short_run, "-o", tmp_path / f"a.{suffix}", "--size", "800x450")
    assert b"/CIDFontType2" in (tmp_path / "a.pdf").read_bytes()
    assert "fill-opacity" in (tmp_path / "a.svg").read_text()
