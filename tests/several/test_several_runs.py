"""Runs side by side: one clock, one basis, one look."""

import numpy as np
import pytest
from PIL import Image

import latentviz
from latentviz import Film, FilmSpec, OptionError, Run, open_run, render_frame
from latentviz.film.clock import clock_of
from latentviz.pacing import Frame
from latentviz.scene import CloudPanel, CurvesPanel
from latentviz.views import PARTS

SIZE = (1280, 720)
T, N, D = 12, 30, 4


def walk(n_steps=T, *, seed=0, n_points=N, n_dims=D, **known):
    rng = np.random.default_rng(seed)
    latents = rng.normal(size=(n_steps, n_points, n_dims)).cumsum(0) / 4
    known = {"classes": np.arange(n_points) % 3, "name": f"walk {seed}", **known}
    return Run.from_arrays(latents, **known)


def panels_of(film, kind):
    return [panel for panel in film.stage.panels if isinstance(panel, kind)]


def bodies(film):
    for panel in panels_of(film, CloudPanel):
        body = panel.cell.body
        left, top = round(body.x), round(body.y)
        yield np.s_[top : top + round(body.height), left : left + round(body.width)]


@pytest.mark.parametrize("options", [{"dims": [(0, 1)]}, {"project": "pca", "theme": "light"}, {}])
def test_a_run_beside_itself_is_two_equal_halves(options):
    run = walk(losses={"loss": np.exp(-np.arange(T))})
    film = Film([run, run], FilmSpec(size=SIZE, **options))
    pixels = film.draw(5).transpose(1, 2, 0)
    panels = [pixels[body] for body in bodies(film)]
    half = len(panels) // 2
    for first, second in zip(panels[:half], panels[half:], strict=True):
        assert (first != first[0, 0]).any()
        np.testing.assert_array_equal(first, second)
    losses, divergence = (panel.chart for panel in panels_of(film, CurvesPanel))
    assert [curve.name for curve in losses.curves] == ["walk 0 (1)", "walk 0 (2)"]
    np.testing.assert_array_equal(losses.curves[0].values, losses.curves[1].values)
    (distance,) = divergence.curves
    assert (distance.values == 0).all()


def test_a_run_beside_itself_through_the_command(short_run, tmp_path, invoke):
    frame = tmp_path / "frame.png"
    invoke("frame", short_run, short_run, "-o", frame, "--step", 40, "--dims", "0,1")
    with open_run(short_run) as run:
        film = Film([run, run], FilmSpec(dims=[(0, 1)]))
        first, second = bodies(film)
        pixels = np.asarray(Image.open(frame))
        np.testing.assert_array_equal(pixels[first], pixels[second])
        # By itself it is framed too, where its points are no colors; the film of one is another.
        assert len(film) == len(Film(run, FilmSpec(dims=[(0, 1)])))


@pytest.mark.parametrize("at", ["final", "all"])
def test_a_turned_run_is_registered_to_within_a_level(at):
    run = walk()
    latents = run.latents()
    turn, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(D, D)))
    turn[:, 0] *= -1  # mirrored, or not: either is allowed
    other = Run.from_arrays(latents @ turn.astype(np.float32), classes=run.classes, name="turned")
    apart = Film([run, other], FilmSpec(size=SIZE, dims=[(0, 1)], charts="off"))
    film = Film([run, other], FilmSpec(size=SIZE, dims=[(0, 1)], charts="off", register=at))
    for frame in (0, 6, len(film) - 1):
        pixels = film.draw(frame).transpose(1, 2, 0).astype(int)
        first, second = (pixels[body] for body in bodies(film))
        assert np.abs(first - second).max() <= 1
        pixels = apart.draw(frame).transpose(1, 2, 0).astype(int)
        first, second = (pixels[body] for body in bodies(apart))
        assert np.abs(first - second).max() > 50
    with_charts = Film([run, other], FilmSpec(size=SIZE, register=at))
    (divergence,) = (panel.chart for panel in panels_of(with_charts, CurvesPanel))
    assert divergence.curves[0].values.max() < 1e-5


def test_the_divergence_is_the_rms_distance_of_points():
    a, b = walk(seed=0), walk(seed=1)
    film = Film([a, b], FilmSpec(size=SIZE, project="pca"))
    (chart,) = (panel.chart for panel in panels_of(film, CurvesPanel))
    expected = np.sqrt(np.square(a.latents() - b.latents()).sum(-1).mean(-1))
    np.testing.assert_allclose(chart.curves[0].values, expected, rtol=1e-6)
    assert (chart.curves[0].name, chart.note) == ("walk 1", " from walk 0")


def test_the_divergence_goes_on_from_the_end_of_a_run_that_has_ended(short_run, tmp_path):
    with open_run(short_run) as run:
        run.save(tmp_path / "whole.npz")
        whole = run.latents()
        final = run.final_latents()
    short = Run.from_arrays(whole[:10], colors=np.ones((whole.shape[1], 3)), name="short")
    with open_run(tmp_path / "whole.npz") as saved:
        # The first has a final state, which the other stays without.
        film = Film([short, saved], FilmSpec(size=SIZE))
        (*_, divergence) = (panel.chart for panel in panels_of(film, CurvesPanel))
        back = Film([saved, saved, short], FilmSpec(size=SIZE))
        (*_, other) = (panel.chart for panel in panels_of(back, CurvesPanel))
    expected = np.sqrt(np.square(whole[-1] - whole[9]).sum(-1).mean())
    assert divergence.curves[0].values[-1] == pytest.approx(expected, rel=1e-6)
    assert other.curves[1].values[-1] == pytest.approx(expected, rel=1e-6)
    assert final.shape == whole[0].shape


def test_a_run_that_has_ended_is_compared_in_its_final_state(short_run):
    with open_run(short_run) as run:
        longer = Run.from_arrays(np.repeat(run.latents()[:1], 400, 0), name="longer")
        film = Film([longer, run], FilmSpec(size=SIZE))
        (*_, divergence) = (panel.chart for panel in panels_of(film, CurvesPanel))
        expected = np.sqrt(np.square(run.final_latents() - run.latents(0)).sum(-1).mean())
    assert divergence.curves[0].values[-1] == pytest.approx(expected, rel=1e-6)


def test_where_points_do_not_correspond_there_is_no_divergence():
    film = Film([walk(), walk(seed=1, n_points=20)], FilmSpec(size=SIZE))
    assert panels_of(film, CurvesPanel) == []
    with pytest.raises(
        OptionError, match=r"walk 1 onto walk 0, .* it has 20 points, and walk 0 30"
    ):
        Film([walk(), walk(seed=1, n_points=20)], FilmSpec(register="final"))


def spans(runs, has_final, **options):
    spec = FilmSpec(pace="linear", **options)
    clock, found = clock_of(runs, spec, has_final)
    return clock, [[(f.start, f.stop, f.after) for f in span.frames] for span in found]


def test_runs_of_three_and_six_steps_at_the_same_step():
    runs = [walk(6), walk(3)]
    clock, (long, short) = spans(runs, [True, True])
    assert clock.moments.tolist() == [0, 1, 2, 3, 4, 5]
    assert long == [(k, k + 1, k == 5) for k in range(6)]
    # What followed the last update of step 2 is the state at step 3, where it stays.
    assert short == [(0, 1, False), (1, 2, False), (2, 3, False), *[(3, 3, True)] * 3]
    _, (_, unknown) = spans(runs, [True, False])
    assert unknown == [(0, 1, False), (1, 2, False), *[(2, 3, False)] * 4]


def test_runs_of_three_and_six_steps_at_the_same_fraction():
    clock, (long, short) = spans([walk(6), walk(3)], [True, True], align="fraction")
    assert clock.moments.tolist() == [PARTS * k // 6 for k in range(6)]
    assert long == [(k, k + 1, k == 5) for k in range(6)]
    # Every second moment is none of its own: it stays at its latest step.
    assert [span[:2] for span in short] == [(0, 1), (0, 1), (1, 2), (1, 2), (2, 3), (3, 3)]
    assert [span[2] for span in short] == [False] * 5 + [True]


def test_steps_of_different_strides_drop_none():
    runs = [walk(6), walk(3, steps=[0, 2, 7])]
    clock, (every, some) = spans(runs, [False, False])
    assert clock.moments.tolist() == [0, 1, 2, 3, 4, 5, 7]
    assert every == [(k, k + 1, False) for k in range(6)] + [(5, 6, False)]
    assert some == [(0, 1, False)] * 2 + [(1, 2, False)] * 4 + [(2, 3, False)]
    spec = FilmSpec(pace="linear:2")
    _, found = clock_of(runs, spec, [False, False])
    covered = [set(range(f.start, f.stop)) for f in found[0].frames]
    assert set().union(*covered) == set(range(6))


def test_of_one_run_the_clock_is_its_own():
    run = walk(20)
    clock, (span,) = clock_of([run], FilmSpec(frames=5, steps=(3, 15)), [True])
    assert span.frames == list(clock.frames)
    assert (clock.first, clock.stop) == (span.first, span.stop) == (3, 15)
    assert isinstance(clock.frames[0], Frame)


def notes(film, frame):
    return [part.note for part in film.scene(frame).parts if hasattr(part, "note")]


def test_a_run_that_has_ended_stays_and_says_so():
    film = Film([walk(6, seed=0), walk(3, seed=1)], FilmSpec(size=SIZE, dims=[(0, 1)]))
    assert [notes(film, k) for k in (2, 3, 5)] == [["", ""], *[["", "ended at step 2"]] * 2]
    before, after = film.scene(2), film.scene(5)
    np.testing.assert_array_equal(before.parts[1].xy, after.parts[1].xy)
    body = panels_of(film, CloudPanel)[1].cell.body
    bottom, left = round(body.y + body.height), round(body.x)
    corner = np.s_[:, bottom - 14 : bottom - 2, left + 2 : left + 90]
    assert (film.draw(5)[corner].max() > 200) != (film.draw(2)[corner].max() > 200)


def test_fractions_say_each_run_s_step():
    film = Film([walk(6), walk(3, seed=1)], FilmSpec(size=SIZE, align="fraction", dims=[(0, 1)]))
    assert notes(film, 3) == ["step 3", "step 1"]
    assert film.scene(3).heading.words == "50.0 % of each run"
    with pytest.raises(OptionError, match="name a frame in place of a step"):
        film.frame_at(2)
    assert film.shown == "the whole of each run"
    film.draw(3)


def test_runs_share_their_limits_and_their_widest_dimensions():
    near, far = walk(seed=0), walk(seed=1)
    wide = Run.from_arrays(far.latents() * np.array([1, 1, 1, 30], np.float32), name="wide")
    film = Film([near, wide], FilmSpec(size=SIZE, dims="auto"))
    panels = panels_of(film, CloudPanel)
    half = len(panels) // 2
    assert [p.limits for p in panels[:half]] == [p.limits for p in panels[half:]]
    assert [p.title for p in panels[:half]] == [p.title for p in panels[half:]]
    assert all("3" in p.title for p in panels[:2])


def test_runs_of_different_dimensions_are_shown_in_those_that_all_have():
    film = Film([walk(n_dims=4), walk(seed=1, n_dims=2)], FilmSpec(size=SIZE))
    assert {panel.title for panel in panels_of(film, CloudPanel)} == {"[1,0]"}
    film = Film([walk(n_dims=6), walk(seed=1, n_dims=3)], FilmSpec(size=SIZE))
    assert {panel.title for panel in panels_of(film, CloudPanel)} == {"[1,0]", "[1,2]"}
    film.draw(3)
    with pytest.raises(OptionError, match="walk 0: 6, walk 1: 3; for their own dimensions, give"):
        Film([walk(n_dims=6), walk(seed=1, n_dims=3)], FilmSpec(dims="auto"))


def test_where_one_run_has_no_point_that_stands_out_all_of_its_fade():
    few = walk(seed=1, n_points=20)
    film = Film([walk(), few], FilmSpec(size=SIZE, dims=[(0, 1)], highlight=["25"]))
    first, second = (panel.highlighted for panel in panels_of(film, CloudPanel))
    assert (first.sum(), second.sum()) == (1, 0)


def test_the_words_of_a_film_count_what_its_clock_counts():
    runs = [walk(6), walk(3, seed=1)]
    assert "of 6 moments start a frame" in Film(runs, FilmSpec(align="fraction")).pacing
    assert "of 6 steps start a frame" in Film(runs, FilmSpec()).pacing
    between = Film(runs, FilmSpec(interpolate=True, frames=30)).pacing
    assert between == "30 frames, between and at 6 recorded moments"
    last = Film(runs, FilmSpec(align="fraction", size=SIZE))
    assert last.scene(len(last) - 1).heading.words == "100.0 % of each run"
    with pytest.raises(OptionError, match="and walk 1 has 0 to 2"):
        Film(runs, FilmSpec(steps=(4, None)))


def test_names_are_given_or_told_apart(tmp_path):
    runs = [walk(), walk(seed=1)]
    film = Film(runs, FilmSpec(size=SIZE, run_names=["first", "second"]))
    assert film.names == "first, second"
    assert {p.row_name for p in panels_of(film, CloudPanel)} == {"", "first", "second"}
    wrong = [(["a"], "1 name for 2 runs"), (["a", "a"], "must differ"), (["", "b"], "letters")]
    for given, message in wrong:
        with pytest.raises(OptionError, match=message):
            Film(runs, FilmSpec(run_names=given))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"align": "fraction"}, "align is of several runs"),
        ({"register": "final"}, "register is of several runs"),
        ({"run_names": ["a"]}, "run_names are of several runs"),
    ],
)
def test_what_is_of_several_runs_is_refused_for_one(options, message):
    with pytest.raises(OptionError, match=message):
        Film(walk(), FilmSpec(**options))


def test_what_several_runs_cannot_have_is_refused():
    with pytest.raises(OptionError, match="1 to 6 of them, got 7"):
        Film([walk()] * 7, FilmSpec())
    with pytest.raises(OptionError, match="show explained is of one run"):
        Film([walk(), walk()], FilmSpec(show=["explained"], project="pca"))
    with pytest.raises(OptionError, match="captions are at steps"):
        FilmSpec(align="fraction", captions=[((0, 1), "x")])
    with pytest.raises(OptionError, match="as many dimensions each, got walk 0: 4, walk 1: 5"):
        Film([walk(), walk(seed=1, n_dims=5)], FilmSpec(project="pca"))


def test_films_of_several_runs_are_the_same_from_workers(short_run, tmp_path, invoke):
    other = tmp_path / "other.npz"
    other.write_bytes(short_run.read_bytes())
    words = ["render", short_run, other, "--size", "640x360", "--frames", "20", "--dims", "0,1"]
    here, there = tmp_path / "here.mp4", tmp_path / "there.mp4"
    invoke(*words, "-o", here)
    invoke(*words, "-o", there, "--jobs", "2")
    assert here.read_bytes() == there.read_bytes()


def test_python_takes_paths(short_run):
    pixels = render_frame([short_run, str(short_run)], step=40, size=SIZE, dims=[(0, 1)])
    assert pixels.shape == (720, 1280, 3)
    picture = latentviz.plot_frame([short_run, short_run], step=40, size=SIZE)
    assert picture.data["steps"][0] <= 40 <= picture.data["steps"][1]
