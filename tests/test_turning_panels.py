"""Panels of three dimensions that turn."""

import math

import numpy as np
import pytest

from latentviz import Film, FilmSpec, OptionError, Run, plot_history, view
from latentviz.scene import CloudPanel
from latentviz.theme import rgb_bytes, theme_named
from latentviz.views import Turntable, angle_of, frames_per_turn, nearest_last

SIZE = (640, 360)
PER_TURN = 12
BARE = {"size": SIZE, "heading": "off", "charts": "off", "titles": "off"}


def still(n_points=40, n_steps=60, *, seed=0, **known):
    places = np.random.default_rng(seed).normal(0, 0.5, (n_points, 3))
    known = {"colors": np.random.default_rng(1).uniform(0.2, 1, (n_points, 3)), **known}
    return Run.from_arrays(np.repeat(places[None], n_steps, 0), **known)


def film_of(run, **options):
    options = {**BARE, "pace": "linear", "turn": 1, "dims": [(1, 0, 2)], **options}
    return Film(run, FilmSpec(**options), fps=PER_TURN)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"dims": [(1, 0, 2), (0, 1)], "theme": "light"},
        {"project": "pca", "dims": [(0, 1, 2)]},
        {"blur": "shutter", "pace": "linear:2"},
    ],
)
def test_a_whole_turn_comes_back_to_the_same_pixels(options):
    film = film_of(still(), **options)
    first = film.draw(0).copy()
    half = film.draw(PER_TURN // 2)
    assert (first != half).any()
    np.testing.assert_array_equal(film.draw(PER_TURN), first)


def seen_by_hand(latents, angle):
    """(N, 3): right, up, and towards the viewer, of dims 1,0,2."""
    x, y, z = latents[:, 1], latents[:, 0], latents[:, 2]
    near = z * math.cos(angle) - x * math.sin(angle)
    return np.stack([x * math.cos(angle) + z * math.sin(angle), y, near], -1)


@pytest.mark.parametrize("frame", range(PER_TURN))
def test_the_nearest_is_on_top_at_every_angle(frame):
    run = still(60)
    film = film_of(run, alpha=1.0, plate="off")
    (panel,) = [panel for panel in film.stage.panels if isinstance(panel, CloudPanel)]
    body, limits = panel.cell.body, panel.limits
    scale = min(body.height / (2 * limits), body.width / (2 * 0.75 * limits))
    radius = panel.dot_radius * scale
    seen = seen_by_hand(run.latents(0).astype(np.float64), 2 * math.pi * frame / PER_TURN)
    centers = seen[:, :2] * (1, -1) * scale + (body.x + body.width / 2, body.y + body.height / 2)
    # Slowly, and exactly: of each pixel, the nearest point that covers it, if it covers it whole.
    ys, xs = np.mgrid[: SIZE[1], : SIZE[0]] + 0.5
    distance = np.hypot(xs[..., None] - centers[:, 0], ys[..., None] - centers[:, 1])
    depth = np.where(distance < radius + 1, seen[:, 2], -np.inf)
    nearest = depth.argmax(-1)
    is_whole = np.take_along_axis(distance, nearest[..., None], -1)[..., 0] < radius - 1
    ground = np.array(rgb_bytes(theme_named("dark").background)) / 255
    farthest = np.hypot(run.latents(0)[:, 1], run.latents(0)[:, 2]).max()
    shade = (0.35 + 0.65 * (seen[:, 2] / farthest + 1) / 2)[:, None]
    expected = 255 * (run.colors * shade + ground * (1 - shade))
    pixels = film.draw(frame).transpose(1, 2, 0).astype(float)
    assert is_whole.sum() > 2000
    wrong = np.abs(pixels - expected[nearest]).max(-1) > 4  # a dot is opaque to 0.99
    assert (wrong & is_whole).sum() == 0


def test_places_are_seen_by_parallel_rays():
    table = Turntable((0, 1, 2), (0.5, 0.0, -1.0), 2.0)
    xyz = np.array([[1.5, 7.0, -1.0]], np.float32).T
    for angle, right, near in [(0, 1, 0), (math.pi / 2, 0, -1), (math.pi, -1, 0)]:
        xy, depth = table.seen(xyz, angle)
        np.testing.assert_allclose(xy[:, 0], [right, 7], atol=1e-6)
        np.testing.assert_allclose(depth, [near], atol=1e-6)
    np.testing.assert_allclose(
        table.shade(np.array([-2, 0, 2, np.nan], np.float32)), [0.35, 0.675, 1, 1], atol=1e-6
    )


def test_the_farthest_come_first_and_those_that_stand_out_last():
    depth = np.array([0.5, -1, np.nan, 2, 0], np.float32)
    assert nearest_last(depth).tolist() == [2, 1, 4, 0, 3]
    high = np.array([False, True, False, False, False])
    assert nearest_last(depth, high).tolist() == [2, 4, 0, 3, 1]
    assert angle_of(24, 12) == 0.0
    assert frames_per_turn(12, 30) == 360


def test_all_points_are_within_the_frame_at_every_angle():
    run = still(classes=np.arange(40) % 3, colors=None)
    film = film_of(run, dims=[(1, 0, 2)])
    (panel, *_) = film.stage.panels
    assert panel.framed
    assert panel.turns
    for frame in range(PER_TURN):
        xy = film.scene(frame).parts[0].xy
        assert np.abs(xy[..., 0]).max() <= panel.limits
    assert film.frames_beyond == 0


def test_names_and_paths_turn_with_their_points():
    rng = np.random.default_rng(3)
    run = Run.from_arrays(rng.normal(size=(30, 12, 3)).cumsum(0) / 5, classes=np.arange(12) % 2)
    film = film_of(run, dims=[(0, 1, 2)], label=["3"], highlight=["3"], trail=5)
    cloud = film.scene(10).parts[0]
    np.testing.assert_allclose(cloud.trails.paths[0, -1], cloud.xy[3, -1], atol=1e-6)
    assert cloud.trails.paths.shape == (1, 6, 2)
    assert cloud.order[-1] == 3
    film.draw(10)
    (panel, *_) = film.stage.panels
    np.testing.assert_allclose(panel.labels.moments[0], film.scene(0).parts[0].xy[:, -1], atol=1e-6)


def test_runs_beside_each_other_turn_alike():
    run = still(classes=np.arange(40) % 3, colors=None)
    film = Film([run, run], FilmSpec(**{**BARE, "dims": [(0, 1, 2)]}))
    a, b = (part for part in film.scene(7).parts[:2])
    np.testing.assert_array_equal(a.xy, b.xy)


def test_points_that_are_nowhere_are_left_out():
    latents = np.random.default_rng(0).normal(size=(20, 10, 3))
    latents[5:, 4] = np.nan
    run = Run.from_arrays(latents, classes=np.arange(10) % 2)
    film = film_of(run, dims=[(0, 1, 2)])
    with pytest.warns(match="not finite"):
        film.draw(8)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dims": [(1, 0)], "turn": 3}, "turn is of panels of three dimensions"),
        ({"dims": [(1, 0, 3)]}, "dims 1,0,3 are out of range"),
        ({"dims": [(1, 0, 2, 1)]}, "dims must be pairs"),
        ({"dims": [(1, 0, 2)], "turn": 0.1}, "has 1 frames at 12 a second; it takes 8"),
    ],
)
def test_what_cannot_turn_is_refused(options, message):
    with pytest.raises(OptionError, match=message):
        film_of(still(), **{"turn": None, **options})


def test_other_pictures_say_that_films_turn():
    with pytest.raises(OptionError, match="films alone turn panels"):
        plot_history(still(), dims=[(1, 0, 2)])
    with pytest.raises(OptionError, match="a page turns its panels itself"):
        view(still(), dims=[(1, 0, 2)])


def test_the_command_turns_by_the_rate_of_its_frames(short_run, tmp_path, invoke):
    hashes = [tmp_path / "a", tmp_path / "b"]
    words = ["--dims", "1,0,2", "--dims", "0,1", "--turn", "2", "--size", "320x180"]
    for fps, path in zip((10, 20), hashes, strict=True):
        out = tmp_path / f"{fps}.mp4"
        invoke(
            "render", short_run, "-o", out, *words, "--frames", 12, "--fps", fps,
            "--frame-hashes", path,
        )  # fmt: skip
    slow, fast = (path.read_text().split() for path in hashes)
    assert slow[0] == fast[0]
    assert slow[1] != fast[1]
    jobs = tmp_path / "jobs.mp4"
    invoke("render", short_run, "-o", jobs, *words, "--frames", 12, "--fps", 10, "--jobs", 2)
    assert jobs.read_bytes() == (tmp_path / "10.mp4").read_bytes()
    svg = tmp_path / "f.svg"
    invoke("frame", short_run, "-o", svg, *words[:4])
    assert svg.stat().st_size > 1000
