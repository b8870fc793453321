"""Films through a shutter, and points that move between recorded steps."""

import numpy as np
import pytest

from latentviz import Film, FilmSpec, OptionError, Run, open_run, render
from latentviz.film.clock import SAMPLES, clock_of

SIZE = (640, 360)


def still(n_steps=40, n_points=20):
    places = np.random.default_rng(0).uniform(-0.9, 0.9, (n_points, 2))
    latents = np.repeat(places[None], n_steps, 0)
    return Run.from_arrays(latents, classes=np.arange(n_points) % 3)


def circle(n=8):
    angles = np.linspace(0, 2 * np.pi, n, endpoint=False)
    return Run.from_arrays(np.stack([np.cos(angles), np.sin(angles)], -1)[:, None])


@pytest.mark.parametrize("interpolate", [False, True])
@pytest.mark.parametrize("shutter", [360, 180, 20])
def test_a_still_film_is_the_same_whatever_the_shutter(shutter, interpolate):
    look = {"size": SIZE, "frames": 12, "interpolate": interpolate}
    stack = Film(still(), FilmSpec(**look))
    opened = Film(still(), FilmSpec(blur="shutter", shutter=shutter, **look))
    for frame in (0, 6, len(stack) - 1):
        assert np.abs(stack.draw(frame).astype(int) - opened.draw(frame)).max() <= 1


def test_a_shutter_that_closes_sooner_shows_the_end_of_a_frame():
    run = Run.from_arrays(np.linspace(-1, 1, 100)[:, None, None].repeat(2, 2))
    films = [
        Film(run, FilmSpec(size=SIZE, frames=4, charts="off", blur="shutter", shutter=degrees))
        for degrees in (360, 90)
    ]
    whole, part = (film.scene(2).parts[0].shares for film in films)
    assert (whole > 0).all()
    assert (part[: 3 * len(part) // 4 - 1] == 0).all()
    assert part.sum() == pytest.approx(1)
    assert (films[0].draw(2) != films[1].draw(2)).any()


@pytest.mark.parametrize("blur", ["stack", "shutter"])
def test_a_circle_of_eight_steps_stays_on_its_chords(blur):
    run = circle()
    film = Film(run, FilmSpec(size=SIZE, frames=100, interpolate=True, blur=blur, dims=[(0, 1)]))
    assert len(film) == 100
    corners = run.latents()[:, 0]
    seen = set()
    for frame in range(len(film)):
        for x in film.scene(frame).parts[0].xy[0]:
            # Its distance from the nearest of the seven chords.
            a, b = corners[:-1], corners[1:]
            share = np.clip(((x - a) * (b - a)).sum(1) / np.square(b - a).sum(1), 0, 1)
            distance = np.linalg.norm(a + share[:, None] * (b - a) - x, axis=1)
            assert distance.min() < 1e-6
            seen.add(int(distance.argmin()))
    assert seen == set(range(7))
    assert film.scene(0).heading.note == "between steps on straight lines"


def test_between_steps_no_recorded_step_is_dropped_and_time_has_no_gap():
    run = circle(60)
    film = Film(run, FilmSpec(size=SIZE, frames=50, interpolate=True))
    frames = list(film.frames)
    (span,) = clock_of([run], film.spec, [False])[1]
    shown = span.frames
    moments = np.concatenate(
        [np.array(f.between if f.between else range(f.start, f.stop)) for f in shown]
    )
    assert (np.diff(moments) > 0).all()
    assert set(range(60)) <= set(moments.tolist())
    assert len(frames) == 50
    assert max(np.diff(moments)) <= 1
    assert film.frame_at(7) == next(k for k, f in enumerate(shown) if 7 in (f.between or ()))
    assert SAMPLES > 1


def test_as_many_frames_as_steps_are_as_they_were():
    run = circle(60)
    plain = Film(run, FilmSpec(size=SIZE, frames=10, pace="geometric:2"))
    between = Film(run, FilmSpec(size=SIZE, frames=10, pace="geometric:2", interpolate=True))
    assert len(plain) <= len(between) <= 10


def test_two_runs_move_between_their_own_steps():
    fast = circle(8)
    slow = Run.from_arrays(fast.latents()[::2], steps=[0, 2, 4, 6], name="slow")
    film = Film([fast, slow], FilmSpec(size=SIZE, frames=64, interpolate=True, dims=[(0, 1)]))
    a, b = film.scene(20).parts[:2]
    assert a.xy.shape == b.xy.shape
    assert np.linalg.norm(b.xy[0, 0]) < np.linalg.norm(a.xy[0, 0]) < 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shutter": 90}, "shutter is of blur shutter"),
        ({"blur": "shutter", "shutter": 400}, "above 0 and at most 360"),
        ({"blur": "shutter", "ground": "transparent"}, "a shutter adds up light"),
        ({"interpolate": True, "pace": "linear"}, "bezier and geometric"),
    ],
)
def test_what_does_not_go_together_is_refused(options, message):
    with pytest.raises(OptionError, match=message):
        Film(still(), FilmSpec(**options))


def test_a_recorded_run_through_the_command(short_run, tmp_path, invoke):
    video, hashes = tmp_path / "f.mp4", tmp_path / "hashes"
    words = ["--blur", "shutter", "--shutter", "180", "--size", "640x360", "--frames", "30"]
    invoke("render", short_run, "-o", video, *words, "--frame-hashes", hashes, "--threads", "2")
    by_one = tmp_path / "by-one"
    words = [*words, "--threads", "1"]
    invoke("render", short_run, "-o", tmp_path / "g.mp4", *words, "--frame-hashes", by_one)
    assert hashes.read_text() == by_one.read_text()
    refused = invoke("frame", short_run, "-o", tmp_path / "f.svg", "--blur", "shutter", status=2)
    assert ".png" in refused.output


def test_python_renders_between_steps(short_run, tmp_path):
    options = {"size": (320, 180), "steps": (0, 12), "frames": 40}
    film = render(short_run, tmp_path / "f.gif", interpolate=True, **options)
    assert len(film) == 40
    with open_run(short_run) as run:
        assert len(Film(run, FilmSpec(**options))) <= 12
