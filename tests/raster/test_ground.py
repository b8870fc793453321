"""White and transparent grounds."""

import subprocess
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from latentviz import Film, FilmSpec, LinearPace, OptionError, Run, render, render_frame
from latentviz.palette import contrast
from latentviz.raster.chrome import draw_chrome
from latentviz.raster.ground import transparent
from latentviz.raster.page import interleaved
from latentviz.theme import THEMES, on_white, rgb_bytes
from latentviz.video.ffmpeg import ffmpeg_path

RNG = np.random.default_rng(5)
SIZE = (640, 360)


def film(*, colors=False, **options):
    marks = {"colors": RNG.random((60, 3))} if colors else {"classes": np.arange(60) % 4}
    losses = {"loss": np.geomspace(1, 0.1, 12)}
    run = Run.from_arrays(RNG.normal(size=(12, 60, 4)) / 2, **marks, losses=losses)
    defaults = {"size": SIZE, "pace": LinearPace(4), "ground": "transparent"}
    return Film(run, FilmSpec(**(defaults | options)))


def laid_over(rgba, color):
    """(3, H, W) of (4, H, W), over a color."""
    ground = np.array(rgb_bytes(color), float)[:, None, None]
    share = rgba[3:] / 255
    return np.rint(rgba[:3] * share + ground * (1 - share))


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(
    "options", [{"colors": True}, {"label": "3,7", "highlight": ["1"], "trail": 2}]
)
def test_laid_over_a_color_it_is_what_is_drawn_on_that_color(theme, options):
    plan = film(theme=theme, **options)
    drawn = plan.draw(1)
    for color in ("#000000", "#ffffff", "#ff8000", "#123456"):
        drawn_on = draw_chrome(SIZE, plan.page.painters, color)
        page = replace(plan.page, background=drawn_on, on_white=None)
        expected = page.new_canvas()
        page.draw(plan.scene(1), expected)
        unlike = np.abs(laid_over(drawn, color) - expected)
        # Where letters, marks and dots lie over each other, each is rounded by itself.
        assert unlike.max() <= 2
        assert (unlike > 1).mean() < 1e-4


def test_alpha_of_grounds_by_hand():
    black = np.array([0, 255, 100, 0], np.uint8)
    white = np.array([255, 255, 227, 128], np.uint8)
    rgba = transparent(*(np.tile(each, (3, 1, 1)) for each in (black, white)))
    assert rgba[:, 0].T.tolist() == [[0] * 4, [255] * 4, [199, 199, 199, 128], [0, 0, 0, 127]]


def test_nothing_is_drawn_where_there_is_nothing():
    alpha = film().draw(0)[3]
    assert (alpha == 0).mean() > 0.5
    assert (alpha == 255).mean() > 0.01
    assert alpha[-1, -1] == alpha[0, 0] == 0


@pytest.mark.parametrize("theme", THEMES)
def test_white_has_colors_that_stand_out_from_it(theme):
    plan = film(theme=theme, ground="white")
    assert plan.page.background[:, 0, 0].tolist() == [255] * 3
    look = on_white(THEMES[theme])
    for ink in (look.text, look.muted, look.cursor, *look.curves, *look.categories):
        assert contrast(ink, "#ffffff") >= 3
    assert plan.draw(0).shape[0] == 3


def test_pictures_have_alpha(tmp_path):
    plan = film()
    pixels = render_frame(plan.run, frame=1, spec=plan.spec)
    np.testing.assert_array_equal(pixels, interleaved(plan.draw(1)))
    render(plan, tmp_path / "frames/%02d.png")
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "frames/01.png")), pixels)
    assert "data:image/png" in plan.html()


@pytest.mark.parametrize("suffix", [".webp", ".webm"])
def test_films_have_alpha(tmp_path, suffix):
    plan = film(colors=True, size=(320, 180), alpha=1.0)
    path = tmp_path / f"film{suffix}"
    render(plan, path, hold=0, **({"quality": 100} if suffix == ".webp" else {"crf": 5}))
    expected = interleaved(plan.draw(2)).astype(float)
    if suffix == ".webp":
        with Image.open(path) as film_:
            film_.seek(2)
            shown = np.asarray(film_.convert("RGBA"), float)
    else:
        # ffmpeg's own decoder of VP9 leaves alpha out.
        command = [ffmpeg_path(), "-loglevel", "error", "-c:v", "libvpx-vp9", "-i", str(path)]
        raw = subprocess.run(
            [*command, "-f", "rawvideo", "-pix_fmt", "rgba", "-"], capture_output=True, check=True
        )
        shown = np.frombuffer(raw.stdout, np.uint8).reshape(-1, 180, 320, 4)[2].astype(float)
    assert np.abs(shown[..., 3] - expected[..., 3]).mean() < 2
    solid = expected[..., 3] == 255
    inside = solid & np.roll(solid, 3, 0) & np.roll(solid, -3, 0)
    inside &= np.roll(solid, 3, 1) & np.roll(solid, -3, 1)
    assert inside.sum() > 100
    # Its color has half the resolution, and dots of all colors lie side by side.
    assert np.abs(shown - expected)[inside][:, :3].mean() < 8


@pytest.mark.parametrize("name", ["film.mp4", "film.gif", "film.mkv"])
def test_formats_without_alpha_refuse_it(tmp_path, name):
    with pytest.raises(OptionError, match=r"no transparent ground; .webm, .webp, .png have"):
        render(film().run, tmp_path / name, ground="transparent")
    assert list(tmp_path.iterdir()) == []


def test_the_command_takes_it(short_run, invoke, tmp_path):
    size = ["--size", "320x180", "--frames", "3"]
    path = tmp_path / "a.png"
    invoke("frame", short_run, "-o", path, *size, "--ground", "transparent")
    assert np.asarray(Image.open(path)).shape == (180, 320, 4)
    invoke("frame", short_run, "-o", path, *size, "--ground", "white")
    assert Image.open(path).getpixel((0, 0)) == (255, 255, 255)
    done = invoke(
        "render", short_run, "-o", tmp_path / "a.mp4", *size, "--ground", "transparent", status=2
    )
    assert done.stderr.count("\n") == 1
