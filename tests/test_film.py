import hashlib
import math
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch
from imageio_ffmpeg import count_frames_and_secs
from PIL import Image

from latentviz import Film, FilmSpec, Recorder, Run, open_run, render, render_frame
from latentviz.errors import ArchiveError, LatentvizError, LatentvizWarning, OptionError
from latentviz.raster.layout import window_in
from latentviz.raster.page import interleaved
from latentviz.runs.run import source_of
from latentviz.video.decode import sampled_frames
from latentviz.video.formats import GIF, VideoSettings
from latentviz.views import frame_positions

SIZE = (320, 180)
SMALL = FilmSpec(size=SIZE, frames=12)
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def path(short_run):
    return short_run


@pytest.fixture(scope="module")
def recorded(path):
    with open_run(path) as run:
        yield run


def walk(T=20, N=6, D=3, **options):
    """A random walk, with curves."""
    latents = np.cumsum(RNG.normal(0, 0.1, (T, N, D)), 0)
    curves = {"params": {"lr": np.ones(T)}, "losses": {"loss": np.geomspace(1, 0.1, T)}}
    return Run.from_arrays(latents, **curves | options)


def digest(pixels):
    return hashlib.sha256(pixels.data).hexdigest()


def test_the_frames_cover_every_step_once(recorded):
    for options in (SMALL, replace(SMALL, pace="linear:7"), replace(SMALL, pace="geometric")):
        film = Film(recorded, options)
        covered = [step for frame in film.frames for step in range(frame.start, frame.stop)]
        assert covered == list(range(150))
        assert [frame.index for frame in film.frames] == list(range(len(film)))
        assert all(
            film.frame_at(step) == frame.index
            for frame in film.frames
            for step in (frame.start, frame.stop - 1)
        )


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ({"frames": 1}, 1),
        ({"frames": 12}, 12),
        ({"frames": 5000, "pace": "bezier"}, 150),
        ({"pace": "linear"}, 150),
        ({"pace": "linear:7"}, 22),
        ({"pace": "linear:7", "steps": (10, 25)}, 3),
        ({"pace": "linear", "steps": (None, 10)}, 10),
        ({"pace": "linear", "steps": (140, None)}, 10),
        ({"pace": "linear", "steps": (140, 9999)}, 10),
    ],
)
def test_the_number_of_frames(recorded, options, count):
    assert len(Film(recorded, FilmSpec(size=SIZE, **options))) == count


def test_a_range_of_steps_shows_no_others(recorded):
    film = Film(recorded, replace(SMALL, steps=(10, 20)))
    assert (film.frames[0].start, film.frames[-1].stop) == (10, 20)
    assert film.frame_at(19) == len(film) - 1
    with pytest.raises(OptionError, match="step 25 is not in the film, which shows steps 10 to 19"):
        film.frame_at(25)
    with pytest.raises(OptionError, match="step 150 was not recorded"):
        film.frame_at(150)


def test_recorded_steps_with_gaps_are_named_by_their_numbers():
    run = walk(steps=np.arange(20) * 10)
    film = Film(run, replace(SMALL, pace="linear", steps=(50, 100)))
    assert [frame.start for frame in film.frames] == [5, 6, 7, 8, 9]
    assert film.frame_at(70) == 2
    with pytest.raises(OptionError, match="step 71 was not recorded"):
        film.frame_at(71)


def test_drawing_is_pure(recorded):
    film = Film(recorded, SMALL)
    whole = [digest(film.draw(i)) for i in range(len(film))]
    assert len(set(whole)) == len(film)
    dirty = film.page.new_canvas()
    for i in reversed(range(len(film))):
        dirty[...] = 200 - i
        assert digest(film.draw(i, dirty)) == whole[i]
    fresh = Film(recorded, SMALL)
    order = RNG.permutation(np.tile(np.arange(len(film)), 3))
    with ThreadPoolExecutor(4) as pool:
        assert [whole[i] for i in order] == list(pool.map(lambda i: digest(fresh.draw(i)), order))


@pytest.mark.parametrize("source", ["recorded", "arrays"])
def test_threads_draw_the_same_film_and_single_frames_are_of_it(recorded, tmp_path, source):
    run = recorded if source == "recorded" else walk()
    hashes = {}
    for threads in (1, 2, 4):
        progress = []
        film = render(
            run,
            tmp_path / f"{threads}.mp4",
            spec=SMALL,
            threads=threads,
            preset="ultrafast",
            frame_hashes=tmp_path / f"{threads}.txt",
            hold=0,
            progress=lambda done, total, progress=progress: progress.append((done, total)),
        )
        hashes[threads] = (tmp_path / f"{threads}.txt").read_text().splitlines()
        assert progress == [(i + 1, len(film)) for i in range(len(film))]
        assert count_frames_and_secs(str(tmp_path / f"{threads}.mp4"))[0] == len(film)
    lines = hashes[1]
    assert hashes == dict.fromkeys((1, 2, 4), lines)
    assert len(set(lines)) == len(lines) == len(film)
    assert (tmp_path / "1.mp4").read_bytes() == (tmp_path / "4.mp4").read_bytes()
    assert len(list(tmp_path.iterdir())) == 6

    pixels = render_frame(run, frame=3, spec=SMALL)
    assert (pixels.shape, pixels.dtype) == ((180, 320, 3), np.uint8)
    assert digest(pixels) == lines[3]
    covering = film.frames[len(film) // 2]
    for step in (covering.start, covering.stop - 1):
        assert digest(render_frame(run, step=step, spec=SMALL)) == lines[covering.index]
    assert digest(render_frame(run, spec=SMALL)) == lines[-1]
    assert digest(render_frame(run, size=SIZE, frames=12)) == lines[-1]


@pytest.mark.parametrize("name", ["film.webm", "film.gif", "film.webp", "frames/%05d.png"])
def test_every_format_is_of_the_same_frames(recorded, tmp_path, name):
    progress = []
    film = render(
        recorded,
        tmp_path / name,
        spec=SMALL,
        threads=2,
        frame_hashes=tmp_path / "h.txt",
        hold=None if "%" in name else 0,
        progress=lambda done, total: progress.append((done, total)),
    )
    assert (tmp_path / "h.txt").read_text().split() == [
        digest(interleaved(film.draw(i))) for i in range(12)
    ]
    assert progress == [(i + 1, 12) for i in range(12)]
    if name == "film.webm":
        assert count_frames_and_secs(str(tmp_path / name)) == (12, pytest.approx(0.4, abs=0.01))
        return
    files = sorted((tmp_path / "frames").iterdir()) if "%" in name else [tmp_path / name]
    seen = []
    for file in files:
        with Image.open(file) as image:
            for index in range(image.n_frames):
                image.seek(index)
                seen.append(np.asarray(image.convert("RGB")).astype(int))
    wanted = np.stack([interleaved(film.draw(i)) for i in range(12)])
    off = np.abs(np.stack(seen) - wanted)
    assert off[:, :4, :4].max() <= {"film.gif": 0, "film.webp": 3}.get(name, 0)  # background
    assert off.mean() <= {"film.gif": 5, "film.webp": 4}.get(name, 0)


def test_a_run_by_its_path_is_closed_again(path, recorded):
    np.testing.assert_array_equal(
        render_frame(path, frame=2, spec=SMALL), render_frame(recorded, frame=2, spec=SMALL)
    )


@pytest.mark.parametrize("limits", [None, 1.5])
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_point_that_is_not_finite_is_left_out_and_counted(latentviz_snapshot, theme, limits):
    angles = np.linspace(0, 6, 40)[:, None] * np.ones(6) + np.arange(6)
    latents = np.stack([np.cos(angles), np.sin(angles), np.sin(angles) / 2], -1)
    without = Run.from_arrays(np.delete(latents, 3, 1), colors=np.eye(6)[[0, 1, 2, 4, 5], :3])
    latents[10:, 3, 1] = np.nan
    latents[20:, 3] = np.inf
    run = Run.from_arrays(latents, colors=np.eye(6)[:, :3])
    options = {"size": (640, 360), "theme": theme, "dims": [(1, 0), (2, 0)], "limits": limits}
    last = len(Film(run, FilmSpec())) - 1
    with pytest.warns(LatentvizWarning, match="1 of 6 points are not finite") as said:
        pixels = render_frame(run, frame=last, **options)
    assert len(said) == 1
    others = render_frame(without, frame=last, **options)
    np.testing.assert_array_equal(pixels[40:], others[40:])
    assert (pixels[:40, -200:] != others[:40, -200:]).any()
    if limits is None:
        latentviz_snapshot(pixels)


@pytest.mark.parametrize("options", [{"pace": "linear"}, {"frames": 4}])
def test_latents_that_are_not_finite_are_named_by_step(tmp_path, options):
    latents = np.zeros((20, 6, 3))
    latents[7, :, 1] = np.nan
    latents[9] = np.inf
    run = Run.from_arrays(latents, steps=np.arange(20) * 10)
    with pytest.raises(ArchiveError, match=r"step 70 are not finite at 6 of 6 points.*--steps"):
        render(run, tmp_path / "film.mp4", size=SIZE, frame_hashes=tmp_path / "h.txt", **options)
    assert list(tmp_path.iterdir()) == []
    render(run, tmp_path / "film.mp4", size=SIZE, steps=(0, 70), **options)


REFUSED = [
    ({"size": (321, 180)}, "must be even, got 321x180; use 322x180"),
    ({"size": (100, 180)}, "size must lie within 120 to 8192, got 100x180"),
    ({"size": (10**9, 10**9)}, "size must lie within"),
    ({"dims": [(0, 4)]}, "dims 0,4 are out of range: the latents have 4 dim"),
    ({"dims": [(0, -1)]}, "dims 0,-1 are out of range"),
    ({"dims": []}, "at least one pair"),
    ({"names": list("abcd")}, "4 names for 3 projections"),
    ({"frames": 0}, "frames must lie within 1 to 1000000, got 0"),
    ({"pace": "sine"}, "pace must be bezier, .* got 'sine'"),
    (
        {"steps": (20, 10)},
        "steps 20:10 hold no recorded step; they are .* and the run has 0 to",
    ),
    ({"steps": (900, None)}, "steps 900: hold no recorded step"),
    ({"dims": (0, 1)}, r"dims must be pairs of dimensions, .* got \(0, 1\)"),
    ({"dims": "0,1"}, "dims must be pairs of dimensions, .* got '0,1'"),
    ({"dims": [(0.0, 1.0)]}, "dims must be pairs of dimensions"),
    ({"size": "640x360"}, r"size must be \(width, height\), got '640x360'"),
    ({"steps": "0:10"}, r"steps must be \(first, stop\), .* got '0:10'"),
    ({"limits": "4"}, "limits must be a number, got '4'"),
    ({"frames": "3"}, "frames must be a whole number, got '3'"),
    ({"frame_hashes": "film.mp4"}, "would overwrite the film"),
    ({"alpha": 0}, "alpha must be above 0 and at most 1, got 0"),
    ({"alpha": 1.1}, "got 1.1"),
    ({"alpha": -0.1}, "got -0.1"),
    ({"alpha": math.nan}, "alpha must be"),
    ({"dot_radius": 0}, "a dot's radius must be above 0 and at most .*, got 0"),
    ({"limits": 0}, r"limits must lie within 1e-06 to 1e\+06, got 0"),
    ({"theme": "neon"}, "theme must be one of dark, light, got 'neon'"),
    ({"dmis": [(0, 1)]}, "unknown option dmis; its options are dims, names"),
    ({"spec": FilmSpec()}, "spec= or keywords, not both"),
    ({"fps": 0}, "fps must be above 0"),
    ({"fps": "x"}, "fps must be a number"),
    ({"crf": 99}, "crf must lie"),
    ({"preset": "x"}, "preset must be one of"),
    ({"threads": 0}, "threads must lie within 1 to 256, got 0"),
    ({"frame_hashes": "none/h.txt"}, "none does not exist"),
    ({"run": "none.npz"}, "none.npz does not exist"),
    ({"path": "film.avi"}, "extension must be one of .* got 'film.avi'"),
    ({"path": "film.gif", "crf": 9}, "crf is for .*, not for .gif"),
    ({"path": "film.gif", "fps": 60}, "a GIF's fps must lie within 0.01 to 50"),
    ({"path": "%d.png"}, "must have one number such as %05d"),
    ({"path": "%05d.png", "fps": 9}, "fps is for videos; frames have none"),
    ({"path": "%05d.png", "hold": 1}, "hold is for videos; frames have none"),
    ({"hold": -1}, "hold must be 0 to 3600 seconds, got -1"),
    ({"hold": float("nan")}, "hold must be 0 to 3600 seconds, got nan"),
    ({"hold": "2"}, "hold must be 0 to 3600 seconds, got '2'"),
    ({"frames": 10**13}, "frames must lie within 1 to 1000000, got 10000000000000"),
    ({"limits": 1e-300}, r"limits must lie within 1e-06 to 1e\+06, got 1e-300"),
    ({"limits": 1e300}, r"got 1e\+300"),
    ({"pace": "geometric:1e300"}, r"offset must be above 0 and at most 1e\+12, got 1e\+300"),
]


def test_a_film_that_cannot_be_leaves_nothing(recorded, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wrong = []
    for options, message in REFUSED:
        given = {"run": recorded, "path": "film.mp4", "size": SIZE, "frames": 3} | options
        try:
            said = f"rendered {render(**given)}"
        except LatentvizError as error:
            said = f"{type(error).__name__}: {error}"
        kind = "ArchiveError" if "run" in options else "OptionError"
        if not re.match(f"{kind}: .*{message}", said) or list(tmp_path.iterdir()):
            wrong.append((options, said, sorted(tmp_path.iterdir())))
    assert wrong == []


def test_a_frame_or_a_step_that_is_not_there(recorded):
    for where, message in {
        ("frame", 12): "frame must lie within 0 to 11, got 12",
        ("frame", -1): "frame must lie within 0 to 11, got -1",
        ("step", 150): "step 150 was not recorded",
    }.items():
        with pytest.raises(OptionError, match=message):
            render_frame(recorded, **dict([where]), spec=SMALL)
    with pytest.raises(OptionError, match="a frame or a step, not both"):
        render_frame(recorded, frame=0, step=0)


def test_an_error_leaves_an_existing_film_alone(recorded, tmp_path):
    film = tmp_path / "film.mp4"
    film.write_bytes(b"precious")

    def stop(done, total):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        render(recorded, film, spec=SMALL, progress=stop)
    assert film.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [film]
    render(recorded, film, spec=replace(SMALL, frames=2))
    assert film.read_bytes() != b"precious"
    assert list(tmp_path.iterdir()) == [film]


@pytest.mark.parametrize("dims", [1, 2, 3, 10])
def test_latents_of_any_dimensions(dims):
    film = Film(walk(D=dims), SMALL)
    assert film.draw(0).shape == (3, 180, 320)
    assert len(film.stage.panels) == {1: 1, 2: 1, 3: 2, 10: 3}[dims]


def test_every_projection_that_is_asked_for_is_drawn():
    film = Film(walk(D=10), replace(SMALL, dims=[(9, 0), (4, 4)], names=["hue"]))
    assert [panel.title for panel in film.stage.panels] == ["[9,0] hue", "[4,4]"]


@pytest.mark.parametrize(
    "colors",
    [
        pytest.param(None, id="none"),
        pytest.param(np.array([0, 0, 1, 1, 2, 2]), id="labels"),
        pytest.param(np.array([True, False] * 3), id="bool"),
        pytest.param(np.linspace(-1, 5, 6), id="scalars"),
        pytest.param(np.ones(6), id="equal scalars"),
        pytest.param(RNG.random((6, 3)), id="RGB"),
    ],
)
def test_colors_of_points(colors):
    latents = np.zeros((1, 6, 2))
    latents[:, :, 0] = [-1.25, -0.75, -0.25, 0.25, 0.75, 1.25]
    film = Film(Run.from_arrays(latents, colors=colors), replace(SMALL, dims=[(0, 1)], alpha=1))
    canvas, panel = film.draw(0), film.stage.panels[0]
    window = window_in(panel.cell.body, panel.limits)
    x, y = window.center
    seen = [
        canvas[:, round(y), round(x + window.px_per_unit * place)].astype(int)
        for place in latents[0, :, 0]
    ]
    # One sub-step of an opaque dot lets 1 % of what is below shine through: 2.55 levels at most.
    np.testing.assert_allclose(seen, panel.coloring.rgb * 255, atol=3)
    if colors is not None and colors.ndim == 1:
        same = colors[:, None] == colors
        alike = [[np.abs(a - b).max() <= 3 for b in seen] for a in seen]
        np.testing.assert_array_equal(alike, same)


@pytest.mark.parametrize(
    ("colors", "message"),
    [
        (np.zeros((5, 3)), r"colors must be \(6, 3\) RGB or \(6,\) labels, names or scalars, got"),
        (np.full((6, 3), 255), "divide bytes by 255"),
        (np.full(6, np.nan), "must be finite"),
    ],
)
def test_colors_that_do_not_fit(colors, message):
    with pytest.raises(OptionError, match=message):
        Film(walk(colors=colors), SMALL).draw(0)


def test_a_colormap_is_for_scalars():
    run = walk(colors=np.arange(6.0))
    viridis, magma = (
        Film(run, replace(SMALL, colormap=name)).draw(0) for name in ("viridis", "magma")
    )
    assert (viridis != magma).any()
    with pytest.raises(OptionError, match="no colormap 'nosuch'"):
        Film(run, replace(SMALL, colormap="nosuch")).draw(0)


@pytest.mark.parametrize(
    "curves",
    [
        {"params": {}, "losses": {}},
        {"params": {}},
        {"losses": {}},
        {"losses": {"loss": np.full(20, np.nan), "recon": np.zeros(20), "odd": -np.ones(20)}},
        {"params": {"lr": np.zeros(20), "w": np.full(20, np.nan)}},
        {"params": {str(i): np.full(20, i) for i in range(15)}, "keyframes": {"1": [0, 5]}},
    ],
)
def test_any_curves_or_none(curves):
    film = Film(walk(**curves), SMALL)
    assert (film.draw(0) != film.draw(5)).any()


def test_a_single_step():
    film = Film(walk(T=1), SMALL)
    assert len(film) == 1
    film.draw(0)


def test_themes_differ(recorded):
    dark, light = (
        render_frame(recorded, spec=replace(SMALL, theme=name)) for name in ("dark", "light")
    )
    assert dark.mean() < 100
    assert light.mean() > 150


def test_a_film_looks_at_every_step_that_it_shows():
    latents = np.zeros((1000, 100, 2), np.float32)
    latents[137:160] = 3.0
    run = Run.from_arrays(latents, colors=np.ones((100, 3)))
    # 3 and a dot's radius, 0.07 of the limits, make 4.
    assert Film(run, replace(SMALL, dims=[(0, 1)], frames=500)).stage.panels[0].limits == 4
    assert Film(run, replace(SMALL, dims=[(0, 1)], steps=(200, None))).stage.panels[0].limits == 1.5


def test_a_few_points_that_run_away_are_marked_and_do_not_shrink_all_others():
    latents = RNG.uniform(-1, 1, (40, 1000, 2)).astype(np.float32)
    latents[30:33, :3] = 1e9
    spec = replace(SMALL, pace="linear", dims=[(0, 1)])
    film = Film(Run.from_arrays(latents, colors=np.ones((1000, 3))), spec)
    assert film.stage.panels[0].limits == 1.5
    assert film.frames_beyond == 3
    film = Film(Run.from_arrays(latents + 7), spec)
    (panel,) = film.stage.panels
    assert panel.center == pytest.approx((7, 7), abs=0.01)
    assert 1 < panel.limits < 1.2
    assert film.frames_beyond == 3


def test_gaps_are_not_looked_at():
    latents = np.zeros((4, 10, 2), np.float32)
    latents[2, 5] = np.nan
    run = Run.from_arrays(latents, colors=np.ones((10, 3)))
    with pytest.warns(LatentvizWarning, match="1 of 10 points are not finite"):
        assert Film(run, SMALL).stage.panels[0].limits == 1.5


def test_the_last_frame_shows_what_followed_the_last_update(recorded):
    film = Film(recorded, SMALL)
    assert [frame.after for frame in film.frames] == [False] * (len(film) - 1) + [True]
    latents = frame_positions(source_of(recorded), film.frames[-1])
    np.testing.assert_array_equal(latents[-1], recorded.final_latents())
    shown = recorded.steps[-film.frames[-1].stride :]
    np.testing.assert_array_equal(latents[:-1], recorded.latents(shown))
    scene = film.scene(len(film) - 1)
    assert (scene.heading.words, scene.heading.number) == ("after step", "149")
    # Of a part of the run, and of one from arrays, it is not known.
    for other in (Film(recorded, replace(SMALL, steps=(0, 100))), Film(walk(), SMALL)):
        assert not any(frame.after for frame in other.frames)
        assert other.scene(len(other) - 1).heading.words == "step"


def test_what_followed_a_run_with_steps_left_out_has_no_number(tmp_path):
    path, model = tmp_path / "run.npz", torch.nn.Sequential(torch.nn.Linear(2, 2))
    with Recorder(path, model, layer="0", probe=torch.eye(2), every=10) as recorder:
        for _ in range(35):
            recorder.step()
    with open_run(path) as run:
        film = Film(run, SMALL)
        assert film.frames[-1].after
        heading = film.scene(len(film) - 1).heading
    assert (heading.words, heading.number) == ("after the last update", "")


@pytest.mark.parametrize(
    ("name", "hold", "fps", "seconds"),
    [
        ("a.mp4", None, 30, 3 / 30 + 1.5),
        ("a.mp4", 0, 30, 3 / 30),
        ("a.webm", 1, 30, 3 / 30 + 1),
        ("a.gif", None, None, 3 / 20 + 1.5),
        ("a.gif", 0, 10, 3 / 10),
        ("a.webp", 2, 10, 3 / 10 + 2),
    ],
)
def test_the_last_frame_is_held(recorded, tmp_path, name, hold, fps, seconds):
    path = tmp_path / name
    film = render(recorded, path, size=SIZE, frames=3, hold=hold, fps=fps)
    assert len(film) == 3
    if path.suffix in (".gif", ".webp"):
        with Image.open(path) as image:
            shown = 0
            for index in range(image.n_frames):
                image.seek(index)
                image.load()
                shown += image.info["duration"] / 1000
            last = np.asarray(image.convert("RGB")).astype(int)
        assert shown == pytest.approx(seconds)
    else:
        n_frames, shown = count_frames_and_secs(str(path))
        assert n_frames == round(seconds * fps)
        last = sampled_frames(path, 2)[-1].astype(int)
    assert np.abs(last - interleaved(film.draw(2))).mean() < 5


def test_a_film_that_is_planned_is_rendered_as_it_is(recorded, tmp_path):
    film = Film(recorded, SMALL)
    assert render(film, tmp_path / "f.mp4") is film
    assert film.path == tmp_path / "f.mp4"
    for options in ({"frames": 3}, {"options": SMALL}):
        with pytest.raises(OptionError, match="a planned film has its spec"):
            render(film, tmp_path / "g.mp4", **options)
    assert [path.name for path in tmp_path.iterdir()] == ["f.mp4"]


def test_a_gif_holds_its_last_frame_without_repeating_it(recorded, tmp_path):
    sizes = []
    for hold in (0, 600):
        path = tmp_path / f"{hold}.gif"
        render(recorded, path, size=SIZE, frames=3, hold=hold, fps="30000/1001")
        sizes.append(path.stat().st_size)
        with Image.open(path) as image:
            assert image.n_frames == 3
            durations = []
            for index in range(3):
                image.seek(index)
                durations.append(image.info["duration"])
    assert sizes[0] == sizes[1]
    assert durations == [30, 40, 600_030]
    assert VideoSettings(SIZE, Fraction(10), GIF()).holding_last(3, 6552)[1] == 0
    assert VideoSettings(SIZE, Fraction(10), GIF()).holding_last(3, 6553)[1] == 6553


def test_a_film_of_wide_latents_shows_them_by_default():
    latents = 8 * RNG.uniform(-1, 1, (5, 40, 2)).astype(np.float32)
    run = Run.from_arrays(latents, colors=np.ones((40, 3)))
    wide = Film(run, FilmSpec(size=(320, 180)))
    (panel,) = wide.stage.panels
    assert (panel.limits, panel.dot_radius) == (10, pytest.approx(0.7))
    told = FilmSpec(size=(320, 180), limits=1.5, dot_radius=0.105)
    for colors in (run.colors, None):
        narrow = Film(replace(run, colors=colors), told)
        (panel,) = narrow.stage.panels
        assert (panel.limits, panel.dot_radius, panel.center) == (1.5, 0.105, (0, 0))


def test_a_film_says_how_fast_it_goes_and_what_each_frame_shows(recorded):
    film = Film(recorded, replace(SMALL, pace="linear:7", steps=(None, 145)))
    assert film.shown == "steps 0 to 144"
    assert film.pacing == (
        "21 of 145 steps start a frame; steps a frame: 7 at the start, 7 at most, 5 at the end"
    )
    assert [film.frame_words(n) for n in (1, 21)] == [
        "step 6, 7 sub-frames",
        "step 144, 5 sub-frames",
    ]
    whole = Film(recorded, replace(SMALL, pace="linear"))
    assert whole.frame_words(1) == "step 0, 1 sub-frame"
    assert whole.frame_words(150) == "step 149, 2 sub-frames"  # and what followed it
