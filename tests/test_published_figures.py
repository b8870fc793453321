"""The figures that a correct implementation reproduces, on a whole recorded run."""

import subprocess
import sys

import numpy as np
import pytest

from latentviz import Film, FilmSpec, open_run, rgb_from_hsv
from latentviz.raster.layout import window_in


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "run.npz"
    subprocess.run(
        [sys.executable, "-m", "trainers", "sparse-labels", "-o", path],
        check=True,
        capture_output=True,
    )
    return path


@pytest.fixture(scope="module")
def run(path):
    with open_run(path) as run:
        yield run


def test_every_step_and_a_state_of_263_values_are_recorded(run):
    assert run.steps.tolist() == list(range(10_001))
    assert sum(tensor.size for tensor in run.state(0).values()) == 263


def test_numpy_alone_reads_every_member(path):
    with np.load(path, allow_pickle=False) as archive:
        assert "manifest" in archive.files
        for name in archive.files:
            assert archive[name].dtype != object


def test_the_film_has_987_frames_with_the_published_strides(run):
    film = Film(run, FilmSpec())
    strides = [frame.stride for frame in film.frames]
    assert len(film) == 987
    assert (film.frames[0].start, film.frames[-1].start) == (0, 10_000)
    assert strides[:22] == [1] * 21 + [2]
    assert max(strides) == 15
    assert strides[-3:] == [3, 1, 1]


def test_no_dot_of_any_frame_is_cut(run):
    film = Film(run, FilmSpec())
    panels = film.stage.panels[:3]
    assert {panel.limits for panel in panels} == {1.5}
    windows = [window_in(panel.cell.body, panel.limits) for panel in panels]
    radius = panels[0].dot_radius * windows[0].px_per_unit
    assert radius == pytest.approx(27, abs=0.5)
    for frame in range(len(film)):
        scene = film.scene(frame)
        for window, cloud in zip(windows, scene.parts, strict=False):
            across = window.center[0] + cloud.xy[..., 0] * window.px_per_unit
            down = window.center[1] - cloud.xy[..., 1] * window.px_per_unit
            assert across.min() >= radius, frame
            assert across.max() <= 1920 - radius, frame
            assert down.min() >= radius, frame
            assert down.max() <= film.page.bottom - radius, frame
    assert film.frames_beyond == 0


def test_the_last_frame_is_what_training_left(run):
    film = Film(run, FilmSpec())
    scene = film.scene(986)
    assert (scene.heading.words, scene.heading.number) == ("after step", "10000")
    clouds = scene.parts[:3]
    assert [cloud.xy.shape for cloud in clouds] == [(512, 2, 2)] * 3
    final = run.final_latents()
    assert (clouds[0].xy[:, -1] == final[:, [1, 0]]).all()


def test_vibrant_hues_lie_in_cyclic_order_around_the_circle_and_red_at_its_pole(run):
    hues = np.arange(36) / 36
    colors = rgb_from_hsv(np.stack([hues, np.ones(36), np.ones(36)], -1)).astype(np.float32)
    latents = run.evaluate(colors).latents
    angles = np.arctan2(latents[:, 1], latents[:, 0])
    turns = (np.diff(np.append(angles, angles[0])) + np.pi) % (2 * np.pi) - np.pi
    assert len(set(np.sign(turns))) == 1
    assert abs(turns.sum()) == pytest.approx(2 * np.pi)
    radius = np.hypot(latents[:, 0], latents[:, 1])
    assert radius.min() > 0.85
    assert radius.max() < 1.15
    assert np.linalg.norm(latents[0] - [1, 0, 0, 0]) < 0.5


def test_the_space_is_not_tangled_and_reconstructs(run):
    evaluation = run.evaluate(run.probe)
    assert np.square(evaluation.outputs - run.probe).mean() < 1e-3
