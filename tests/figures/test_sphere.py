import json
import os
import re
import signal
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from graphics import hide_graphics, needs_graphics
from imageio_ffmpeg import count_frames_and_secs
from PIL import Image

import latentviz
from latentviz import Recorder, Run, open_run, plot_sphere, render_orbit
from latentviz.cli import main
from latentviz.errors import ArchiveError, OptionError
from latentviz.figures import cloud, orbit, sphere, sphere_page
from latentviz.figures.cloud import limit_of, place_in_words
from latentviz.figures.sphere_page import page_of
from latentviz.figures.triples import DEFAULT_DIMS, parse_triple
from latentviz.raster.spheres import NO_GRAPHICS, NO_PYVISTA, SphereRenderer
from latentviz.theme import rgb_bytes, theme_named
from latentviz.video.formats import GIF, H264

COLORS = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [0, 1, 1], [1, 0, 1]], np.float32)
LATENTS = np.array(
    [
        [0.8, 0.1, 0.2, -0.4],
        [-0.1, 0.9, -0.3, 0.3],
        [-0.6, -0.5, 0.6, 0.9],
        [0.1, -0.4, -0.9, -0.8],
        [0.4, 0.5, 0.5, 0.1],
        [-0.7, 0.3, -0.6, 0.6],
    ],
    np.float32,
)
SMALL = ["--size", "600x240", "--probe", "rgb:8"]


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


@pytest.fixture(scope="module")
def recorded(short_run):
    with open_run(short_run) as run:
        yield run


@pytest.fixture
def folder(tmp_path, monkeypatch, short_run):
    (tmp_path / "run.npz").symlink_to(short_run)
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """A run of a model of pairs of numbers, whose points are colored by labels."""
    path = tmp_path_factory.mktemp("pairs") / "pairs.npz"
    model = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Linear(4, 2))
    probe = torch.rand(20, 2, generator=torch.Generator().manual_seed(0))
    with Recorder(path, model, layer="0", probe=probe, colors=torch.arange(20) % 3) as recorder:
        recorder.step(batch=probe, losses={"loss": 0.0})
    return path


def invoke(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args])


def arrays(latents=LATENTS, colors=COLORS):
    return Run.from_arrays(latents[None], colors=colors, steps=[7])


def place(page, limit, view, x, y):
    """Row and column of a place in a view."""
    left, top = page.corners[view]
    scale = page.side / 2 / limit
    return round(top + page.side / 2 - y * scale), round(left + page.side / 2 + x * scale)


def test_points_land_where_the_triples_say(graphics):
    picture = plot_sphere(arrays(), size=(1200, 500))
    assert picture.pixels.shape == (500, 1200, 3)
    assert picture.data["dims"] == [[1, 0, 2], [1, 2, 0], [3, 2, 0]]
    page = page_of((1200, 500), 3, theme_named("dark"))
    for view, (i, j, k) in enumerate(picture.data["dims"]):
        in_view = LATENTS[:, [i, j]]
        apart = np.hypot(*(in_view[:, None] - in_view[None]).transpose(2, 0, 1))
        nearer = LATENTS[None, :, k] > LATENTS[:, None, k]
        seen = np.flatnonzero(~(nearer & (apart < 0.25)).any(1))  # nothing is in front of it
        assert len(seen) >= 5
        for n in seen:
            row, column = place(page, picture.data["limit"], view, *in_view[n])
            expected = COLORS[n] * 255
            assert np.abs(picture.pixels[row, column] - expected).max() < 8, (view, n)


def test_the_rim_is_what_the_model_makes_of_the_fill(graphics, recorded):
    size, triple = (600, 700), (1, 0, 2)
    picture = plot_sphere(recorded, step=20, dims=[triple], probe="rgb:2", size=size)
    page = page_of(size, 1, theme_named("dark"))
    inputs = latentviz.rgb_grid(2).astype(np.float32)
    answer = recorded.evaluate(inputs, 20)
    nearest = int(answer.latents[:, 2].argmax())
    x, y = answer.latents[nearest, [1, 0]]
    limit = picture.data["limit"]
    radius = cloud.MOST_SHARE * limit
    center = picture.pixels[place(page, limit, 0, x, y)]
    assert np.abs(center - inputs[nearest] * 255).max() < 8
    around = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    ring = [
        picture.pixels[
            place(page, limit, 0, x + 0.87 * radius * np.cos(a), y + 0.87 * radius * np.sin(a))
        ]
        for a in around
    ]
    assert np.abs(np.mean(ring, 0) - answer.outputs[nearest] * 255).max() < 12
    error = np.square(answer.outputs - inputs).mean(-1)
    assert picture.data["error_max"] == pytest.approx(error.max(), rel=1e-5)
    assert picture.data["error_median"] == pytest.approx(np.median(error), rel=1e-5)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_sphere(graphics, folder, latentviz_snapshot, theme):
    done = invoke("sphere", "run.npz", "-o", "out/s.png", *SMALL, "--theme", theme)
    assert (done.exit_code, done.stderr) == (0, "")
    assert re.fullmatch(
        r"out/s\.png: Latents after the last update; 512 points, error max [\d.e-]+, "
        r"median [\d.e-]+\n",
        done.stdout,
    )
    with Image.open("out/s.png") as image:
        pixels = np.asarray(image)
        assert image.text["Title"] == "Latents after the last update"
        assert image.text["Description"].startswith("The latents after the last update of 512 col")
    assert tuple(pixels[0, 0]) == rgb_bytes(theme_named(theme).background)
    latentviz_snapshot("out/s.png")


def test_json(folder):
    needs_graphics()
    options = [*SMALL, "--step", 3, "--dims", "3,1,0", "--layer", "encoder.0", "--json"]
    done = invoke("sphere", "run.npz", "-o", "out/s.png", *options)
    assert (done.exit_code, done.stderr) == (0, "")
    data = json.loads(done.stdout)
    assert data.pop("alt").startswith("The latents of layer encoder.0 at step 3 of 512 colors of ")
    numbers = {name for name, value in data.items() if isinstance(value, float)}
    assert numbers == {"distance_max", "distance_median", "error_max", "error_median", "limit"}
    assert {name: value for name, value in data.items() if name not in numbers} == {
        **{"picture": "out/s.png", "step": 3, "layer": "encoder.0", "probe": "rgb:8"},
        "source": "layer:encoder.0",
        **{"points": 512, "dims": [[3, 1, 0]]},
    }


def test_the_words(graphics, recorded):
    picture = plot_sphere(recorded, dims=[(1, 0, 2), (0, 2, 3)], probe="rgb:3", size=(600, 240))
    latents = recorded.evaluate(latentviz.rgb_grid(3).astype(np.float32)).latents
    radii = np.linalg.norm(latents, axis=1)
    assert f"have the median {np.median(radii):.2g} and reach {radii.max():.2g}. " in picture.alt
    assert "Each is filled with its true color, and its rim has the recon" in picture.alt
    assert (
        "Views: dimension 1 to the right, 0 up, 2 toward the viewer; dimension 0 to the right, "
        "2 up, 3 toward the viewer. [1,0,2] shows red "
    ) in picture.alt


def test_where_the_hues_are_in_words():
    # Of two colors a side: black, blue, green, cyan, red, magenta, yellow, white.
    up = np.array([0, -1, 1, 0, 1, -1, 0.1, 9], np.float32)
    right = np.array([0, 0, 1, -1, 0, -1, 0.2, 9], np.float32)
    latents = np.stack([up, right, np.zeros(8, np.float32)], 1)
    corners = cloud.Cloud(latents, np.zeros((8, 3), np.uint8), None, 2, "", "", {})
    assert corners.places((1, 0, 2)) == (
        "[1,0,2] shows red at the top, yellow in the middle, green at the upper right, cyan at the "
        "left, blue at the bottom, magenta at the lower left."
    )


def test_places_in_words():
    places = {
        (1, 0.1): "at the right",
        (0.7, 0.7): "at the upper right",
        (0, 1): "at the top",
        (-0.7, 0.7): "at the upper left",
        (-1, 0.01): "at the left",
        (-1, -0.01): "at the left",
        (-0.7, -0.7): "at the lower left",
        (0, -1): "at the bottom",
        (0.7, -0.7): "at the lower right",
        (0.1, 0.1): "in the middle",
    }
    assert {place: place_in_words(*place) for place in places} == places


def test_the_limit_grows_in_steps_until_a_sphere_fits_in():
    limits = {0: 1.25, 1.0: 1.25, 1.14: 1.25, 1.15: 1.5, 1.4: 1.75, 9: 10}
    assert {reach: limit_of(reach, share=0.084) for reach in limits} == limits


def test_what_lies_far_out_is_shown(graphics):
    picture = plot_sphere(arrays(LATENTS * 3), dims=[(1, 0, 2)], size=(300, 350))
    assert picture.data["limit"] == 3.0
    page = page_of((300, 350), 1, theme_named("dark"))
    row, column = place(page, 3.0, 0, *(3 * LATENTS[1, [1, 0]]))
    assert picture.pixels[row, column].argmax() == 1


def test_the_more_points_the_smaller():
    def share(n):
        fill = np.zeros((n, 3), np.uint8)
        return cloud.Cloud(np.zeros((n, 3), np.float32), fill, None, None, "", "", {}).share

    assert share(512) == pytest.approx(0.105 / 1.25)  # as in the films
    assert share(8000) == pytest.approx(0.042 / 1.25)
    assert share(1) == share(512)
    assert share(64**3) >= cloud.LEAST_SHARE


@pytest.mark.parametrize("size", [(1800, 700), (720, 720), (700, 1800), (400, 300), (320, 320)])
def test_views_fit_on_the_page_and_do_not_touch(size):
    for n_views in (1, 2, 3, 4, 5, 7, 12):
        page = page_of(size, n_views, theme_named("dark"))
        assert len(page.corners) == n_views
        boxes = [(x, y, x + page.side, y + page.side) for x, y in page.corners]
        names = sphere_page.NAME_PX * page.scale
        for n, (left, top, right, bottom) in enumerate(boxes):
            assert left >= 0
            assert top >= names
            assert right <= size[0]
            assert bottom <= size[1]
            for other in boxes[:n]:
                assert left >= other[2] or other[0] >= right or top - names >= other[3] - 1
        rows = {top for _, top, _, _ in boxes}
        for top in rows:
            lefts = sorted(box[0] for box in boxes if box[1] == top)
            gaps = np.diff([0, *lefts]) - ([0] + [page.side] * (len(lefts) - 1))
            assert np.ptp(gaps) <= 2


def test_the_default_probe(graphics, recorded, pairs):
    small = {"size": (200, 240), "dims": [(1, 0, 2)]}
    assert plot_sphere(recorded, **small).data["probe"] == "rgb:20"
    assert plot_sphere(recorded, **small, probe="run").data["points"] == 512
    picture = plot_sphere(arrays(), **small)
    assert (picture.data["probe"], picture.data["step"]) == ("run", 7)
    assert picture.title == "Latents at step 7"
    assert "error_max" not in picture.data
    assert "true color" not in picture.alt
    with open_run(pairs) as run:  # its model is not registered: its latents were recorded
        picture = plot_sphere(run, **small)
        assert (picture.data["step"], picture.title) == (None, "Latents after the last update")
        assert plot_sphere(run, **small, step=0).title == "Latents at step 0"
    model = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Linear(4, 2))
    with open_run(pairs, model=model) as run:
        data = plot_sphere(run, **small).data
        assert (data["probe"], data["points"], data["step"]) == ("run", 20, None)
        assert "error_max" not in data


def test_the_run_s_own_points_are_evaluated_where_they_can_be(graphics, recorded):
    data = plot_sphere(recorded, probe="run", step=30, size=(200, 240), dims=[(1, 0, 2)]).data
    error = np.square(recorded.evaluate(recorded.probe, 30).outputs - recorded.probe).mean(-1)
    assert data["error_max"] == pytest.approx(error.max(), rel=1e-5)


def test_another_layer_whose_latents_were_recorded(graphics, tmp_path):
    model = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Linear(4, 3))
    with Recorder(tmp_path / "r.npz", model, layer=["0", "1"], probe=torch.rand(5, 2)) as recorder:
        recorder.step()
    picture = plot_sphere(tmp_path / "r.npz", layer="1", size=(200, 240), dims=[(1, 0, 2)])
    assert picture.title == "Latents of layer 1 after the last update"
    assert picture.data["layer"] == "1"


def test_a_probe_that_does_not_fit(pairs):
    model = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Linear(4, 2))
    with open_run(pairs, model=model) as run, pytest.raises(OptionError) as caught:
        plot_sphere(run, probe="rgb:4")
    assert str(caught.value) == (
        "probe rgb:4 is colors (N, 3), but the model's inputs are (N, 2); use run, the run's own "
        "points"
    )
    with open_run(pairs) as run, pytest.raises(OptionError) as caught:
        plot_sphere(run, layer="1")
    assert str(caught.value) == "no layer '1' was recorded; recorded: 0"
    with pytest.raises(ArchiveError, match="made from arrays and has no states"):
        plot_sphere(arrays(), probe="rgb:4")
    with pytest.raises(OptionError, match="made from arrays has one layer, 'latents', not '0'"):
        plot_sphere(arrays(), layer="0")


def test_latents_that_cannot_be_shown():
    hurt = LATENTS.copy()
    hurt[2, 1] = np.nan
    with pytest.raises(ArchiveError, match="the latents at step 7 are not finite at 1 of 6 points"):
        plot_sphere(arrays(hurt))
    with pytest.raises(OptionError, match="the latents have 2 dimensions, and a sphere needs th"):
        plot_sphere(arrays(LATENTS[:, :2]))
    with pytest.raises(OptionError, match="dims must name at least one triple"):
        plot_sphere(arrays(), dims=[])
    with pytest.raises(OptionError, match="40 views do not fit into 160x160"):
        plot_sphere(arrays(), dims=[(0, 1, 2)] * 40, size=(160, 160))


def test_three_dimensions_are_enough(graphics):
    picture = plot_sphere(arrays(LATENTS[:, :3]), size=(400, 240))
    assert picture.data["dims"] == [[1, 0, 2], [1, 2, 0]]


def test_an_orbit_begins_as_the_still_and_goes_around(graphics, tmp_path):
    told = []
    options = {"size": (200, 240), "probe": "run"}
    first = render_orbit(
        arrays(), tmp_path / "o.mp4", **options, seconds=0.5, fps=16,
        progress=lambda *done: told.append(done),
    )  # fmt: skip
    assert count_frames_and_secs(str(tmp_path / "o.mp4")) == (8, pytest.approx(0.5, abs=0.01))
    assert told == [(k, 8) for k in range(1, 9)]
    still = plot_sphere(arrays(), dims=[(1, 0, 2)], **options)
    assert (first.data["limit"], first.data["dims"]) == (1.25, [1, 0, 2])
    np.testing.assert_array_equal(first.pixels, still.pixels)
    assert first.title == "Latents at step 7, turning"
    assert "It turns once around dimension 0, in 0.5 seconds." in first.alt
    assert [path.name for path in tmp_path.iterdir()] == ["o.mp4"]


def test_the_orbit_of_the_command_line(graphics, folder):
    options = ["--orbit", "--seconds", "0.2", "--size", "160x200", "--probe", "run"]
    done = invoke("sphere", "run.npz", "-o", "out/o.mp4", *options, "--dims", "0,1,3")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith(
        "out/o.mp4: 6 frames, 0.2 s, 160x200, Latents after the last update, turning; 512 points"
    )
    # Of frames that are files, nobody knows how long they are shown; as of a film's.
    done = invoke("sphere", "run.npz", "-o", "f/%03d.png", *options)
    assert done.stdout.startswith("f/%03d.png: 6 frames, 160x200, Latents after the last update")
    done = invoke("sphere", "run.npz", "-o", "out/o.gif", *options, "--fps", "15", "--json")
    data = json.loads(done.stdout)
    assert (data["frames"], data["fps"], data["dims"]) == (3, 15, [1, 0, 2])
    with Image.open("out/o.gif") as image:
        assert (image.n_frames, image.size, image.info["loop"]) == (3, (160, 200), 0)
        durations = []
        for frame in range(3):
            image.seek(frame)
            durations.append(image.info["duration"])
    assert sum(durations) == 200
    assert max(durations) - min(durations) <= 10
    assert sorted(path.name for path in Path("out").iterdir()) == ["o.gif", "o.mp4"]


def test_a_gif_keeps_the_colors(graphics, tmp_path):
    first = render_orbit(arrays(), tmp_path / "o.gif", size=(200, 240), seconds=0.3)
    assert first.data["fps"] == 20
    with Image.open(tmp_path / "o.gif") as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    assert np.abs(pixels - first.pixels).mean() < 2
    assert np.abs(pixels[:20, :2] - rgb_bytes(theme_named("dark").background)).max() <= 4


@pytest.mark.parametrize("name", ["o.webm", "o.webp", "o/%02d.png"])
def test_an_orbit_in_other_formats(graphics, tmp_path, name):
    options = {"size": (160, 200), "seconds": 0.4, "fps": 10}
    first = render_orbit(arrays(), tmp_path / name, **options)
    if name == "o.webm":
        assert count_frames_and_secs(str(tmp_path / name)) == (4, pytest.approx(0.4, abs=0.01))
    elif name == "o.webp":
        with Image.open(tmp_path / name) as image:
            assert (image.n_frames, image.size, image.info["loop"]) == (4, (160, 200), 0)
    else:
        assert sorted(file.name for file in (tmp_path / "o").iterdir()) == [
            f"{index:02d}.png" for index in range(4)
        ]
        with Image.open(tmp_path / "o" / "00.png") as image:
            np.testing.assert_array_equal(np.asarray(image), first.pixels)
        with pytest.raises(OptionError, match="holds frames of an earlier film, 4 of them"):
            render_orbit(arrays(), tmp_path / name, **options)
        render_orbit(arrays(), tmp_path / name, **options, overwrite=True)


def test_an_orbit_fits_in_from_all_sides(graphics, tmp_path):
    """What is far to the front will be far to the right."""
    far = LATENTS.copy()
    far[0, 2] = 2.0
    still = plot_sphere(arrays(far), dims=[(1, 0, 2)], size=(160, 200))
    turning = render_orbit(arrays(far), tmp_path / "o.gif", seconds=0.05, size=(160, 200))
    assert (still.data["limit"], turning.data["limit"]) == (1.25, 2.25)


SPHERE = "sphere run.npz -o out/s.png "
ORBIT = "sphere run.npz --orbit -o out/o.mp4 "
PROBE = "probe must be rgb:N, N colors a side, 2 to 64, or run, the run's own points; got "
ERRORS = {
    SPHERE + "--probe rgb:0": PROBE + "'rgb:0'",
    SPHERE + "--probe rgb:65": PROBE + "'rgb:65'",
    SPHERE + "--probe rgb:-3": PROBE + "'rgb:-3'",
    SPHERE + "--probe rgb:²": PROBE + "'rgb:²'",
    SPHERE + "--probe rgb": PROBE + "'rgb'",
    SPHERE + "--probe hsv:8": PROBE + "'hsv:8'",
    SPHERE + "--dims 1,0": "dims must be three dimensions such as 1,0,2, got '1,0'",
    SPHERE + "--dims 1,0,2,3": "dims must be three dimensions",
    SPHERE + "--dims a,b,c": "dims must be three dimensions",
    SPHERE + "--dims=-1,0,2": "dims must be three dimensions",
    SPHERE + "--dims 1,0,4": "dims 1,0,4 are out of range: the latents have 4 dimensions, 0 to 3",
    SPHERE + "--step 150": "step 150 was not recorded; the run has 150 steps, 0 to 149",
    SPHERE + "--step 150 --probe run": "step 150 was not recorded; the run has 150 steps, 0 to",
    SPHERE + "--layer nosuch": "the model has no layer 'nosuch'; its layers are: encoder, encoder",
    SPHERE + "--size 99x700": "a picture's sides must lie within 160 to 8192 pixels, got 99x700",
    SPHERE + "--size 99": "size must be WIDTHxHEIGHT such as 1920x1080, got '99'",
    SPHERE + "--seconds 3": "--seconds, --fps and --overwrite are for --orbit",
    SPHERE + "--fps 3": "--seconds, --fps and --overwrite are for --orbit",
    SPHERE + "--theme neon": "neon",
    ORBIT + "--dims 1,0,2 --dims 1,2,0": "an orbit shows one view, got 2 --dims",
    ORBIT + "--size 721x720": "both sides of a film's size must be even, got 721x720",
    ORBIT + "--seconds 0": "seconds must be above 0 and at most 600, got 0",
    ORBIT + "--seconds nan": "seconds must be above 0 and at most 600, got nan",
    ORBIT + "--fps 0": "fps must be above 0 and at most 240, got 0",
    ORBIT + "--fps x": "fps must be a number such as 30 or 30000/1001, got 'x'",
    ORBIT + "--step 150": "step 150 was not recorded",
    "sphere run.npz --orbit -o out/o.gif --fps 60": "a GIF's fps must lie within 0.01 to 50",
    "sphere run.npz --orbit -o out/o.png": "a video's extension must be one of .mp4, .mov, .mkv, ",
    "sphere run.npz -o out/%05d.png": "for %05d.png add --orbit; a still picture is a .png",
    SPHERE + "--overwrite": "--seconds, --fps and --overwrite are for --orbit",
    "sphere run.npz -o out/o.mp4": "for o.mp4 add --orbit; a still picture is a .png",
    "sphere run.npz -o out/o.svg": "the picture's extension must be .png, got 'o.svg'",
    "sphere run.npz -o none/o.png": "the folder none does not exist; create it first",
    "sphere run.npz --orbit -o none/o.mp4": "the folder none does not exist; create it first",
    "sphere none.npz -o out/o.png": "none.npz does not exist",
}


def test_an_error_is_one_line_and_nothing_is_written(folder):
    wrong = {}
    for command, message in ERRORS.items():
        done = invoke(*command.split())
        is_line = re.fullmatch("Error: .*\n", done.stderr) and message in done.stderr
        if (done.exit_code, done.stdout) != (2, "") or not is_line or any(Path("out").iterdir()):
            wrong[command] = (done.exit_code, done.output, sorted(Path("out").iterdir()))
    assert wrong == {}


@pytest.mark.skipif(sys.platform != "linux", reason="hides libraries as Linux finds them")
def test_nothing_to_draw_with_is_one_line_and_nothing_is_written(folder, monkeypatch):
    (folder / "hidden").mkdir()
    hide_graphics(folder / "hidden", monkeypatch)
    command = [sys.executable, "-m", "latentviz", *SPHERE.split()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"Error: {NO_GRAPHICS}\n")
    done = invoke(*ORBIT.split())
    assert (done.exit_code, done.stderr) == (2, f"Error: {NO_GRAPHICS}\n")
    assert list(Path("out").iterdir()) == []


def test_without_pyvista_is_one_line(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyvista", None)
    done = invoke("sphere", "run.npz", "-o", "out/s.png")
    assert (done.exit_code, done.stderr) == (2, f"Error: {NO_PYVISTA}\n")


@pytest.mark.parametrize("name", ["o.mp4", "o.gif", "%05d.png"])
def test_a_failure_while_an_orbit_is_drawn_leaves_nothing(folder, monkeypatch, name):
    needs_graphics()

    def fail(*args, **options):
        raise OptionError("enough")

    monkeypatch.setattr(sphere_page.Page, "compose", fail)
    done = invoke("sphere", "run.npz", "--orbit", "-o", f"out/{name}", "--probe", "rgb:3")
    assert (done.exit_code, done.stderr) == (2, "Error: enough\n")
    assert list(Path("out").iterdir()) == []


ORBITS = """
import os, signal, sys, latentviz
from pathlib import Path

def end(done, total):
    print(*(path.name[:9] for path in Path("out").iterdir()), flush=True)
    os.kill(os.getpid(), int(sys.argv[1]))

latentviz.render_orbit("run.npz", "out/o.mp4", size=(160, 200), probe="run", progress=end)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_orbit_that_is_interrupted_leaves_nothing(folder, number):
    needs_graphics()
    command = [sys.executable, "-c", ORBITS, str(int(number))]
    root = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": str(root)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.stdout.startswith(".o.mp4.")  # it was under way
    assert done.returncode == -number
    assert list(Path("out").iterdir()) == []


def test_the_defaults_in_the_help_are_those_of_the_code():
    stated = {
        option.name: option.help.partition("Default: ")[2]
        for option in main.commands["sphere"].params
        if "Default: " in (getattr(option, "help", None) or "")
    }
    triples = [",".join(map(str, triple)) for triple in DEFAULT_DIMS]
    assert stated["dims"].startswith(f"{' and '.join(triples)}; with --orbit {triples[0]}; ")
    assert [parse_triple(triple) for triple in triples] == list(DEFAULT_DIMS)
    still, turning = ("{}x{}".format(*size) for size in (sphere.SIZE, orbit.SIZE))
    assert stated["size"] == f"{still}; with --orbit {turning}."
    assert stated["seconds"] == f"{orbit.SECONDS:g}."
    assert stated["fps"] == f"{H264.fps}; {GIF.fps} in a GIF."
    assert stated["probe"].startswith(f"{cloud.DEFAULT_PROBE} if ")


def test_a_sphere_of_components_names_them():
    needs_graphics()
    latents = np.random.default_rng(0).normal(size=(2, 30, 6)) * [1, 3, 0.1, 2, 0.2, 4]
    run = latentviz.Run.from_arrays(latents)
    picture = latentviz.plot_sphere(run, project="pca", dims=[(0, 1, 2)], size=(320, 320))
    assert "PC1 to the right, PC2 up, PC3 toward the viewer" in picture.alt
    assert picture.data["project"] == "pca"
    widest = latentviz.plot_sphere(run, size=(640, 240)).data["dims"]
    assert widest == [[5, 1, 3], [5, 3, 1], [1, 3, 5]]
