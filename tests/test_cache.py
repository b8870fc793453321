"""What is kept for the next time, and a painter in a process of its own."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from latentviz import FilmSpec, LatentvizWarning, open_run, plot_history, plot_slices, render_frame
from latentviz.beside import Beside
from latentviz.cache import cache_folder, kept
from latentviz.figures.painting import PAINT
from latentviz.figures.slices import SLICES
from latentviz.film.film import Film
from latentviz.raster.page import interleaved

SIZE = (480, 270)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where things are kept, however little time they took."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("LATENTVIZ_CACHE", str(folder))
    monkeypatch.setattr("latentviz.cache.WORTH_S", 0.0)
    return folder


def test_what_was_worked_out_is_not_worked_out_again(folder):
    worked = []

    def work():
        worked.append(1)
        return {"x": np.arange(3)}

    for key in ([1, "a"], [1, "a"], [2, "a"]):
        np.testing.assert_array_equal(kept("thing", key, work)["x"], [0, 1, 2])
    assert len(worked) == 2
    assert len(list(folder.iterdir())) == 2
    next(folder.iterdir()).write_bytes(b"damaged")
    for key in ([1, "a"], [2, "a"]):
        np.testing.assert_array_equal(kept("thing", key, work)["x"], [0, 1, 2])
    assert len(worked) == 3


def test_other_code_keeps_its_own(folder, monkeypatch):
    kept("thing", 1, lambda: {"x": np.zeros(1)})
    monkeypatch.setattr("latentviz.cache.code_digest", lambda: "another")
    assert kept("thing", 1, lambda: {"x": np.ones(1)})["x"] == 1


def test_the_oldest_go_first(folder, monkeypatch):
    monkeypatch.setattr("latentviz.cache.MOST_BYTES", 5000)
    rng = np.random.default_rng(0)
    for key in range(4):
        kept("thing", key, lambda: {"x": rng.integers(0, 256, 2000, dtype=np.uint8)})
    assert len(list(folder.iterdir())) == 2


def test_where_nothing_can_be_kept_all_goes_on(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("latentviz.cache.WORTH_S", 0.0)
    monkeypatch.setenv("LATENTVIZ_CACHE", str(tmp_path / "file" / "folder"))
    with pytest.warns(LatentvizWarning, match="nothing can be kept in .* LATENTVIZ_CACHE names"):
        assert kept("thing", 1, lambda: {"x": np.ones(1)})["x"] == 1
    # Where nobody has named a folder, nobody misses it.
    monkeypatch.delenv("LATENTVIZ_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert kept("thing", 1, lambda: {"x": np.ones(1)})["x"] == 1
    monkeypatch.setenv("LATENTVIZ_CACHE", "off")
    assert kept("thing", 1, lambda: {"x": np.ones(1)})["x"] == 1
    assert cache_folder() is None


def test_frames_are_the_same_from_what_was_kept(short_run, folder):
    looks = [{"dims": [(0, 1)]}, {"dims": [(0, 1)], "theme": "light"}, {"dims": [(0, 2)]}]
    drawn = [render_frame(short_run, step=40, size=SIZE, **look) for look in looks]
    names = sorted(path.name.split("-")[0] for path in folder.iterdir())
    assert names == ["chrome"] * 3 + ["reach"] * 2
    again = [render_frame(short_run, step=40, size=SIZE, **look) for look in looks]
    assert len(list(folder.iterdir())) == 5
    np.testing.assert_array_equal(again, drawn)


@pytest.mark.parametrize("look", [{}, {"ground": "transparent"}, {"theme": "light"}])
def test_a_painter_beside_draws_the_same(short_run, look):
    with open_run(short_run) as run, Beside(PAINT) as painter:
        film = Film(run, FilmSpec(size=SIZE, **look))
        painter.tell((film.stage, film.theme, film.has_ground))
        painter.tell((film.scene(7), ()))
        np.testing.assert_array_equal(painter.answer(), film.draw(7))


def test_a_painter_that_fails_says_none():
    with Beside(PAINT) as painter:
        painter.tell("no stage")
        assert painter.answer() is None


@pytest.mark.parametrize(("plot", "work"), [(plot_history, PAINT), (plot_slices, SLICES)])
def test_pictures_are_the_same_by_a_process_beside(short_run, plot, work):
    alone = plot(short_run, step=40)
    with Beside(work) as beside:
        drawn = plot(short_run, step=40, beside=beside)
    np.testing.assert_array_equal(drawn.pixels, alone.pixels)
    with Beside("latentviz.errors:nothing") as beside:
        np.testing.assert_array_equal(plot(short_run, step=40, beside=beside).pixels, alone.pixels)


@pytest.mark.parametrize("command", ["history", "slices"])
def test_commands_of_pictures_draw_beside(short_run, tmp_path, command):
    picture = tmp_path / "p.png"
    words = [command, short_run, "-o", picture, "--step", "40"]
    done = subprocess.run(
        [sys.executable, "-m", "latentviz", *map(str, words)], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    plot = {"history": plot_history, "slices": plot_slices}[command]
    np.testing.assert_array_equal(np.asarray(Image.open(picture)), plot(short_run, step=40).pixels)


def test_the_command_draws_by_a_painter_beside(short_run, tmp_path):
    picture = tmp_path / "f.png"
    words = ["frame", short_run, "-o", picture, "--step", "40", "--size", "480x270"]
    command = [sys.executable, "-m", "latentviz", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    with open_run(short_run) as run:
        film = Film(run, FilmSpec(size=SIZE))
        expected = interleaved(film.draw(film.frame_at(40)))
    np.testing.assert_array_equal(np.asarray(Image.open(picture)), expected)
