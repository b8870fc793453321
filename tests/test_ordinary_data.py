"""Films of points that are no colors: frames, limits, discs, dots and keys."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from latentviz import Film, FilmSpec, Recorder, Run
from latentviz.scene import (
    Categories,
    Cloud,
    CloudPanel,
    Heading,
    KeyPanel,
    Ramp,
    Scene,
)
from latentviz.theme import THEMES, rgb_bytes

RNG = np.random.default_rng(8)
SPEC = FilmSpec(size=(640, 360), pace="linear")


def film_of(latents, *, spec=SPEC, colors=None, **options):
    latents = np.asarray(latents, np.float32)
    latents = latents if latents.ndim == 3 else np.tile(latents, (3, 1, 1))
    losses = {"loss": np.geomspace(1, 0.1, len(latents))}
    return Film(Run.from_arrays(latents, colors=colors, losses=losses), replace(spec, **options))


def clouds(film):
    return [panel for panel in film.stage.panels if isinstance(panel, CloudPanel)]


def on_a_sphere(n, dims):
    points = RNG.normal(size=(n, dims))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def ground_of(panel, width, height):
    """Where a panel's dots may be, (H, W)."""
    body, inside = panel.cell.body, np.zeros((height, width), bool)
    inside[int(body.y) : int(body.y + body.height), int(body.x) : int(body.x + body.width)] = True
    return inside


@pytest.mark.parametrize("size", [(640, 360), (360, 640), (320, 180)])
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_no_dot_or_mark_leaves_its_frame(size, theme):
    film = film_of(RNG.uniform(-3, 3, (60, 6)), size=size, theme=theme, dot_radius=0.5, limits=2)
    heading = Heading("step", "0")
    scene = film.scene(0)
    nothing = tuple(
        replace(part, xy=np.full_like(part.xy, np.nan)) if isinstance(part, Cloud) else part
        for part in scene.parts
    )
    canvas, empty = film.page.new_canvas(), film.page.new_canvas()
    film.page.draw(Scene(heading, scene.parts), canvas)
    film.page.draw(Scene(heading, nothing), empty)
    changed = (canvas != empty).any(0)
    inside = [ground_of(panel, *size) for panel in clouds(film)]
    assert all(changed[ground].any() for ground in inside)
    assert not changed[~np.any(inside, axis=0)].any()
    # Dots at an edge are cut there, not left out.
    first = clouds(film)[0].cell.body
    assert changed[int(first.y) : int(first.y + first.height), int(first.x)].any()


@pytest.mark.parametrize("offset", [0.0, 40.0, -1e4])
def test_every_panel_is_centred_on_its_points_and_holds_them(offset):
    points = RNG.uniform(-1, 1, (50, 4)) * [5, 1, 20, 3] + offset
    film = film_of(points, dims=[(0, 1), (2, 3)])
    first, second = clouds(film)
    for panel, dims in [(first, [0, 1]), (second, [2, 3])]:
        shown = points[:, dims]
        middle = (shown.min(0) + shown.max(0)) / 2
        assert panel.center == pytest.approx(middle, abs=1e-3)
        half = np.abs(shown - middle).max()
        assert half + panel.dot_radius < panel.limits < 1.2 * half
        assert panel.framed
        assert panel.plate_radius is None
    assert film.frames_beyond == 0


def test_points_in_one_place_are_seen():
    film = film_of(np.full((5, 2), 1234.5))
    (panel,) = clouds(film)
    assert panel.center == (1234.5, 1234.5)
    assert panel.limits == pytest.approx(1.2345, rel=0.2)
    body = panel.cell.body
    canvas = film.draw(0)
    middle = canvas[:, int(body.y + body.height / 2), int(body.x + body.width / 2)]
    assert np.abs(middle - panel.coloring.rgb[film.scene(0).parts[0].order[-1]] * 255).max() < 60


def test_given_limits_are_about_the_origin_in_all_panels():
    film = film_of(RNG.normal(7, 1, (50, 4)), limits=3, dims=[(0, 1), (2, 3)])
    assert [(p.limits, p.center) for p in clouds(film)] == [(3, (0, 0))] * 2
    assert film.frames_beyond == 3


@pytest.mark.parametrize(
    ("points", "drawn"),
    [
        pytest.param(on_a_sphere(300, 3), True, id="sphere"),
        pytest.param(RNG.uniform(-1, 1, (300, 8)), True, id="within 1.5"),
        pytest.param(RNG.uniform(-1, 1, (300, 9)), False, id="long vectors of many dimensions"),
        pytest.param(on_a_sphere(900, 9), True, id="sphere of many dimensions"),
        pytest.param(0.1 * on_a_sphere(300, 3), False, id="far too small for it"),
        pytest.param(4 * on_a_sphere(300, 3), False, id="far too large"),
    ],
)
def test_the_unit_disc_is_drawn_where_it_means_something(points, drawn):
    film = film_of(points, dims=[(0, 1)])
    (panel,) = clouds(film)
    assert panel.plate_radius == (1.0 if drawn else None)
    for plate in ("on", "off"):
        (panel,) = clouds(film_of(points, plate=plate, dims=[(0, 1)]))
        assert panel.plate_radius == {"on": 1.0, "off": None}[plate]
        if plate == "on":
            assert panel.center == (0, 0)
            assert panel.limits > 1


def test_colors_have_their_disc_wherever_they_lie_unless_told_otherwise():
    points, colors = RNG.normal(9, 1, (40, 4)), RNG.random((40, 3))
    assert {p.plate_radius for p in clouds(film_of(points, colors=colors))} == {1.0}
    film = film_of(points, colors=colors, plate="off")
    assert {p.plate_radius for p in clouds(film)} == {None}
    background = rgb_bytes(THEMES["dark"].background)
    assert film.draw(0)[:, 150, 100].tolist() == list(background)


def pixel_at(film, canvas, panel, right, up):
    body, scale = panel.cell.body, panel.cell.body.width / (2 * panel.limits)
    x = body.x + body.width / 2 + (right - panel.center[0]) * scale
    y = body.y + body.height / 2 - (up - panel.center[1]) * scale
    return canvas[:, int(y), int(x)]


def test_the_origin_lies_under_the_dots_and_over_the_disc():
    theme = THEMES["dark"]
    film = film_of([[0.5, 0], [0.9, -0.9], [-0.9, 0.9]], alpha=1.0, theme="dark", size=(1280, 720))
    (panel,) = clouds(film)
    canvas = film.draw(0)
    disc, line = (np.array(rgb_bytes(c)) for c in (theme.disc, theme.grid))
    assert (pixel_at(film, canvas, panel, -0.5, 0.3) == disc).all()
    pixel = 2 * panel.limits / panel.cell.body.width
    across = [pixel_at(film, canvas, panel, k * pixel, -0.5) for k in (-1, 0, 1)]
    assert np.max(across, axis=0).tolist() == line.tolist()
    # A dot covers it.
    dot = pixel_at(film, canvas, panel, 0, 0.5)
    assert np.abs(dot - 255 * panel.coloring.rgb[0]).max() <= 3
    far = film_of(RNG.normal(50, 1, (40, 2)))
    (panel,) = clouds(far)
    ground = far.page.background[:, ground_of(panel, 640, 360)]
    assert (ground == np.array(rgb_bytes(theme.background))[:, None]).all()


def test_two_numbers_stand_below_each_frame():
    film = film_of(RNG.normal(50, 1, (40, 2)))
    (panel,) = clouds(film)
    body = panel.cell.body
    below = film.page.background[:, int(body.y + body.height) + 3 :, : int(body.x + body.width)]
    ink = (below != np.array(rgb_bytes(THEMES["dark"].background))[:, None, None]).any((0, 1))
    columns = np.flatnonzero(ink)
    gaps = np.diff(columns)
    assert (gaps > 20).sum() == 1
    assert columns.min() >= int(body.x) - 2


def test_dots_and_their_alpha_depend_on_how_many_there_are():
    radii, alphas = [], []
    for n in (10, 500, 4000):
        film = film_of(RNG.uniform(-1, 1, (n, 2)))
        (panel,) = clouds(film)
        radii.append(panel.dot_radius / (2 * panel.limits))
        alphas.append(film.scene(0).parts[0].alpha)
    assert radii[0] == pytest.approx(0.025)
    assert radii[1] == pytest.approx(0.28 / 500**0.5)
    assert radii[1] > radii[2]
    assert alphas[0] == alphas[1] > alphas[2]
    colors = film_of(RNG.uniform(-1, 1, (4000, 2)), colors=np.ones((4000, 3)))
    assert colors.scene(0).parts[0].alpha == alphas[0]
    told = film_of(RNG.uniform(-1, 1, (4000, 2)), alpha=0.9)
    assert told.scene(0).parts[0].alpha == alphas[0]


@pytest.mark.parametrize(
    ("colors", "key"),
    [
        (np.array(["ant", "bee"] * 5), Categories),
        (np.arange(10) % 2, Categories),
        (np.linspace(0, 1, 10), Ramp),
        (None, None),
        (np.ones((10, 3)), None),
    ],
)
def test_a_film_has_a_key_where_colors_stand_for_something(colors, key):
    points = RNG.uniform(-1, 1, (10, 4))
    film = film_of(points, colors=colors)
    keys = [type(p.key) for p in film.stage.panels if isinstance(p, KeyPanel)]
    assert keys == ([] if key is None else [key])
    assert len(film.scene(0).parts) == len(film.stage.panels)
    film.draw(0)
    # Where charts could not be read, no key could.
    draft = film_of(points, colors=colors, size=(320, 180))
    assert {type(panel) for panel in draft.stage.panels} == {CloudPanel}


def test_a_film_of_a_recorded_run_of_classes(tmp_path, invoke):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 2))
    probe = torch.rand(30, 3)
    path, picture = tmp_path / "run.npz", tmp_path / "frame.png"
    labels = np.array(["cat", "größe", "dog"])[np.arange(30) % 3]
    with Recorder(path, model, layer="0", probe=probe, colors=labels) as recorder:
        for _ in range(4):
            recorder.step(losses={"loss": 1.0})
    for plate in ("on", "off"):
        invoke("frame", path, "-o", picture, "--size", "640x360", "--plate", plate)
        with Image.open(picture) as image:
            pixels = np.asarray(image.convert("RGB"))
        has_disc = (pixels == rgb_bytes(THEMES["dark"].disc)).all(-1).sum() > 1000
        assert has_disc == (plate == "on")
        for color in THEMES["dark"].categories[:3]:  # in the key
            seen = np.abs(pixels[:60].astype(int) - rgb_bytes(color)).max(-1) < 30
            assert seen.any()
    said = invoke("frame", path, "-o", picture, "--plate", "maybe", status=2)
    assert "maybe" in said.output
