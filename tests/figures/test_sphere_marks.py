"""Keys, names and highlights of latents in space."""

from contextlib import nullcontext

import numpy as np
import pytest
import torch
from graphics import needs_graphics

from latentviz import LatentvizWarning, OptionError, Recorder, Run, plot_sphere, render_orbit
from latentviz.figures import orbit, sphere, sphere_page
from latentviz.figures.sphere_page import page_of
from latentviz.raster.spheres import SphereRenderer
from latentviz.scene import Categories, Ramp
from latentviz.theme import Role, theme_named
from latentviz.views import coloring

N = 24
CLASSES = np.arange(N) % 3


@pytest.fixture(scope="module")
def renderer():
    needs_graphics()
    with SphereRenderer() as renderer:
        yield renderer


@pytest.fixture
def graphics(renderer, monkeypatch):
    """One process for all pictures: to start it takes longer than they do."""
    for module in (sphere, orbit):
        monkeypatch.setattr(module, "SphereRenderer", lambda: nullcontext(renderer))


def classes(n=N, dims=3):
    latents = np.random.default_rng(2).normal(scale=0.4, size=(1, n, dims))
    return Run.from_arrays(latents, classes=np.arange(n) % 3, class_names=["one", "two", "three"])


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    path = tmp_path_factory.mktemp("classes") / "run.npz"
    torch.manual_seed(1)
    model = torch.nn.Sequential(torch.nn.Linear(5, 3), torch.nn.Tanh())
    probe = 2 * torch.randn(N, 5)
    options = {"classes": CLASSES, "class_names": ["one", "two", "three"]}
    with Recorder(path, model, layer="1", probe=probe, **options) as recorder:
        recorder.step(batch=probe, losses={"loss": 0.0})
    return path


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_recorded_run_of_classes(graphics, recorded, tmp_path, invoke, latentviz_snapshot, theme):
    path = tmp_path / "sphere.png"
    marks = ["--label", "3,17", "--label", "5", "--highlight", "two,5"]
    options = ["--size", "900x350", "--theme", theme, *(marks if theme == "light" else [])]
    done = invoke("sphere", recorded, "-o", path, *options)
    assert done.stdout == f"{path}: Latents after the last update; 24 points\n"
    latentviz_snapshot(path)


def test_what_marks_mean_is_said_in_words(graphics):
    picture = plot_sphere(classes(), label="3,17", highlight="two", size=(320, 320))
    assert "Their colors are those of the classes one, two, three." in picture.alt
    assert "8 points stand out, and names stand beside 2 points." in picture.alt
    scalars = Run.from_arrays(np.eye(3)[None], colors=np.array([0.5, 1.0, 2.0]))
    picture = plot_sphere(scalars, size=(320, 320))
    assert "Their colors go from 0.5 to 2 in viridis." in picture.alt


def categories(n):
    names = tuple(f"a class {'with a long name ' * 3}of number {k}" for k in range(n))
    return Categories(names, tuple(Role("categories", k) for k in range(n)))


@pytest.mark.parametrize("size", [(160, 160), (1800, 700), (720, 720), (700, 1800), (8192, 3000)])
@pytest.mark.parametrize(
    "key", [categories(3), categories(10), categories(40), Ramp(0, 1, "magma")]
)
def test_a_key_stands_between_the_heading_and_the_views(size, key):
    for n_views in (1, 2, 3):
        page = page_of(size, n_views, theme_named("dark"), key=key)
        body, k = page.band.cell.body, page.scale
        assert body.y >= sphere_page.BASELINE_PX * k
        assert body.x >= 0
        assert body.x + body.width <= size[0]
        for x, y in page.corners:
            assert y - sphere_page.NAME_PX * k >= body.y + body.height - 1
            assert x + page.side <= size[0]
            assert y + page.side <= size[1]


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_sphere_that_stands_out_is_hidden_by_no_other(graphics, theme):
    # Two in one place as it is seen, the second nearer to the viewer.
    run = Run.from_arrays(np.array([[[0, 0, -0.5], [0, 0, 0.5]]]), classes=[0, 1])
    size, look = (300, 360), theme_named(theme)
    page = page_of(size, 1, look, key=coloring(run.colors, 2, look).key)
    (x, y), half = page.corners[0], page.side // 2
    colors = coloring(run.colors, 2, look).rgb * 255
    for highlight, expected in [((), 1), ("0", 0), ("1", 1)]:
        picture = plot_sphere(run, dims=[(0, 1, 2)], size=size, theme=theme, highlight=highlight)
        middle = picture.pixels[y + half, x + half]
        assert np.abs(middle - colors[expected]).max() < 8, highlight


def test_names_stand_beside_their_spheres(graphics):
    run, size, limit = classes(), (400, 460), 1.25
    options = {"dims": [(0, 1, 2)], "size": size}
    before, after = (plot_sphere(run, label=each, **options) for each in ((), "7"))
    assert before.data["limit"] == limit
    page = page_of(size, 1, theme_named("dark"), key=coloring(CLASSES, N, theme_named("dark")).key)
    rows, columns = np.nonzero((before.pixels != after.pixels).any(-1))
    x, y = run.latents(0)[7, :2] / limit * page.side / 2
    left, top = page.corners[0]
    at = np.array([left + page.side / 2 + x, top + page.side / 2 - y])
    assert np.hypot(columns.mean() - at[0], rows.mean() - at[1]) < 40


def test_names_that_have_no_room_are_told_of(graphics):
    run = Run.from_arrays(np.zeros((1, 40, 3)), classes=np.arange(40) % 2)
    with pytest.warns(LatentvizWarning, match="3. names beside points would cover others"):
        plot_sphere(run, label="all", size=(320, 320))


def test_an_orbit_has_the_key_and_no_names(graphics, recorded, tmp_path, invoke):
    path = tmp_path / "orbit.gif"
    options = ["--orbit", "--size", "160x200", "--seconds", "0.1"]
    done = invoke("sphere", recorded, "-o", path, *options, "--label", "3", status=2)
    assert "--label is for still pictures; an orbit has no names beside points" in done.stderr
    assert not path.exists()
    invoke("sphere", recorded, "-o", path, *options, "--highlight", "two")
    first = render_orbit(recorded, path, size=(160, 200), seconds=0.1, highlight="two")
    assert "8 points stand out." in first.alt
    still = plot_sphere(recorded, dims=[(1, 0, 2)], size=(160, 200), highlight="two")
    top = np.s_[: page_of((160, 200), 1, theme_named("dark"), key=categories(3)).corners[0][1] - 20]
    np.testing.assert_array_equal(first.pixels[top], still.pixels[top])


def test_marks_that_cannot_be(graphics, short_run):
    with pytest.raises(OptionError, match="label and highlight are of the run's own points"):
        plot_sphere(short_run, label="3")
    with pytest.raises(OptionError, match="label names no point: 'four'"):
        plot_sphere(classes(), label="four")


def test_a_transform_of_two_components_is_too_few(graphics):
    run = classes(dims=5)
    flat = np.eye(5)[:, :2]
    with pytest.raises(
        OptionError, match="the transform gives 2 dimensions, and a sphere needs th"
    ):
        plot_sphere(run, project=flat)
    with pytest.raises(OptionError, match="out of range: the transform gives 2 dimensions, 0 to 1"):
        plot_sphere(run, project=flat, dims=[(0, 1, 2)])
