import os
import signal
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from graphics import hide_graphics, needs_graphics

from latentviz.color import hsv_from_rgb
from latentviz.errors import GraphicsError
from latentviz.raster.spheres import (
    FILL_SHARE,
    NO_GRAPHICS,
    NO_PYVISTA,
    SphereRenderer,
    Spheres,
    View,
    far_circles,
    turned,
)

BACKGROUND, DISC, LINE = (40, 10, 10), (10, 40, 10), (10, 10, 200)
VIEW = View(200, 1.25, *("#" + bytes(color).hex() for color in (BACKGROUND, DISC, LINE)))
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


@pytest.fixture(scope="module")
def renderer():
    needs_graphics()
    with SphereRenderer() as renderer:
        yield renderer


@pytest.fixture
def drawn(renderer):
    def draw(scene, view=VIEW):
        (pixels,) = renderer.draw(view, [scene])
        assert (pixels.shape, pixels.dtype) == ((view.side_px, view.side_px, 3), np.uint8)
        return pixels

    return draw


def spheres(points, fill, rim=None, radius=0.1, turn=0.0):
    fill = np.array(fill, np.uint8)
    rim = fill if rim is None else np.array(rim, np.uint8)
    return Spheres(np.array(points, np.float32), fill, rim, radius, turn)


def at(pixels, x, y, view=VIEW):
    """The color at a place in data units, as whole numbers."""
    scale = view.side_px / 2 / view.limit
    column, row = view.side_px / 2 + x * scale, view.side_px / 2 - y * scale
    return pixels[int(row), int(column)].astype(int)


def alike(color, expected, levels=4):
    return np.abs(np.asarray(color) - expected).max() <= levels


PLACES = [(0, 0, 0), (0.9, 0, 0.3), (-0.9, 0.1, -0.9), (0.2, 0.9, 0.5), (-0.5, -0.8, 0)]


def test_points_land_where_their_coordinates_say(drawn):
    rng = np.random.default_rng(0)
    fill = rng.integers(0, 256, (len(PLACES), 3))
    rim = rng.integers(0, 256, (len(PLACES), 3))
    pixels = drawn(spheres(PLACES, fill, rim))
    around = np.linspace(0.1, 2 * np.pi, 12)
    for (x, y, _), inner, outer in zip(PLACES, fill, rim, strict=True):
        assert alike(at(pixels, x, y), inner, 12)
        ring = [at(pixels, x + 0.087 * np.cos(a), y + 0.087 * np.sin(a)) for a in around]
        assert alike(np.mean(ring, 0), outer, 25)
        beyond = [at(pixels, x + 0.12 * np.cos(a), y + 0.12 * np.sin(a)) for a in around]
        clear = [any(alike(color, ground, 0) for ground in (BACKGROUND, DISC)) for color in beyond]
        assert sum(clear) >= 7  # the others are on the unit sphere's lines


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_what_is_nearer_is_in_front(drawn, order):
    points = np.array([(0, 0, -0.5), (0.05, 0, 0), (0.1, 0, 0.5)])
    colors = np.array([RED, GREEN, BLUE])
    pixels = drawn(spheres(points[list(order)], colors[list(order)]))
    assert at(pixels, 0.1, 0).argmax() == 2
    assert at(pixels, 0.02, 0).argmax() == 2  # where all three are
    assert at(pixels, -0.02, 0.0).argmax() == 1
    assert at(pixels, -0.08, 0.0).argmax() == 0


def test_spheres_bulge(drawn):
    """One that stands a little behind another hides the rim of that one with its middle."""
    points, colors = [(0, 0, 0.01), (0.09, 0, 0)], [RED, GREEN]
    pixels = drawn(spheres(points, colors))
    assert at(pixels, 0.085, 0).argmax() == 1
    assert at(pixels, 0.015, 0).argmax() == 0


@pytest.mark.parametrize(
    "color", [(255, 0, 0), (240, 200, 30), (30, 90, 60), (128, 128, 128), (200, 40, 220)]
)
def test_light_changes_no_hue(drawn, color):
    pixels = drawn(spheres([(0, 0, 0)], [color], radius=0.8))
    assert alike(at(pixels, 0, 0), color, 1)
    y, x = np.mgrid[-1.25:1.25:200j, -1.25:1.25:200j]
    inside = pixels[np.hypot(x, y) < 0.8 * FILL_SHARE - 0.05]
    values = inside.max(-1) / max(color)
    assert values.max() <= 1.1  # no dazzling highlight
    assert values.max() - values.min() > 0.2  # but light and shade
    hsv, expected = hsv_from_rgb(inside / 255), hsv_from_rgb(np.array(color) / 255)
    apart = np.abs(hsv[:, 0] - expected[0])
    assert np.minimum(apart, 1 - apart).max() < 0.01
    assert np.abs(hsv[:, 1] - expected[1]).max() < 0.1


def test_a_rim_is_lit_about_as_its_fill(drawn):
    pixels = drawn(spheres([(0, 0, 0)], [(200, 100, 50)], [(50, 100, 200)], radius=0.8))
    y, x = np.mgrid[1.25:-1.25:200j, -1.25:1.25:200j]
    distance = np.hypot(x, y) / 0.8
    rim = pixels[(distance > FILL_SHARE + 0.03) & (distance < 0.97)]
    assert alike(rim.mean(0), (50, 100, 200), 12)
    assert (np.abs(rim.astype(int) - (50, 100, 200)) <= (10, 16, 30)).all()


@pytest.mark.parametrize("z", [-1, -30, 30])
def test_the_unit_sphere_stands_behind(drawn, z):
    pixels = drawn(spheres([(0.5, 0.5, z)], [RED]))
    assert alike(at(pixels, 0.5, 0.5), RED, 12)
    for angle in np.linspace(0.1, 2 * np.pi, 23):
        x, y = np.cos(angle), np.sin(angle)
        assert alike(at(pixels, 1.03 * x, 1.03 * y), BACKGROUND, 0)
        assert at(pixels, x, y)[2] > 60  # the outline
    assert alike(at(pixels, -0.4, 0.4), DISC, 0)
    assert at(pixels, 0, 0.8)[2] > 60  # the circle x = 0, from its edge
    assert at(pixels, -0.8, 0)[2] > 60


def test_a_turn_goes_around_the_upright_axis():
    points = np.array([(0, 0, 1), (1, 0, 0), (0, 1, 0), (0.6, 0.5, 0.8)], np.float32)
    quarter = [(1, 0, 0), (0, 0, -1), (0, 1, 0), (0.8, 0.5, -0.6)]
    np.testing.assert_allclose(turned(points, 0.25), quarter, atol=1e-6)
    np.testing.assert_allclose(turned(points, 1), points, atol=1e-6)
    assert turned(points, 0).tobytes() == points.tobytes()


def test_the_far_side_is_far():
    for turn in (0, 0.1, 0.7):
        ends = far_circles(turn)
        assert (ends[:, 2] <= 0).all()
        np.testing.assert_allclose(np.linalg.norm(ends, axis=1), 1, atol=1e-6)
        on_a_circle = np.abs(turned(ends, -turn)).min(1)
        np.testing.assert_allclose(on_a_circle, 0, atol=1e-6)


def test_a_turning_scene(renderer):
    scene = spheres([(0, 0.5, 0.8)], [RED])
    turns = np.arange(8) / 8
    pictures = list(renderer.draw(VIEW, [replace(scene, turn=turn) for turn in turns]))
    for turn, pixels in zip(turns, pictures, strict=True):
        assert alike(at(pixels, 0.8 * np.sin(2 * np.pi * turn), 0.5), RED, 12)


def test_the_same_pixels_again_and_in_another_process(drawn):
    rng = np.random.default_rng(1)
    colors = rng.integers(0, 256, (2, 500, 3))
    scene = spheres(rng.normal(0, 0.5, (500, 3)), *colors, radius=0.05)
    first = drawn(scene)
    drawn(spheres([(0, 0, 0)], [RED]), replace(VIEW, side_px=60))
    np.testing.assert_array_equal(drawn(scene), first)
    with SphereRenderer() as other:
        np.testing.assert_array_equal(next(other.draw(VIEW, [scene])), first)


def test_edges_are_smooth(drawn):
    pixels = drawn(spheres([(0, 0, 0)], [(255, 255, 255)], radius=0.8))
    levels = np.unique(pixels[:, 100, 1])
    row = pixels[60, :, 1].astype(int)
    assert np.abs(np.diff(row)).max() < 255 - DISC[1]
    assert len(levels) > 20


def test_as_large_as_mesa_can(drawn):
    """A point of more pixels than Mesa draws is drawn smaller, and enlarged."""
    view = replace(VIEW, side_px=700)
    pixels = drawn(spheres([(0, 0, 0)], [RED], [GREEN], radius=1.0), view)
    assert at(pixels, 0.68, 0, view).argmax() == 0
    assert at(pixels, 0.8, 0, view).argmax() == 1
    assert at(pixels, 0.97, 0, view).argmax() == 1
    assert alike(at(pixels, 1.1, 0, view), BACKGROUND, 0)


def test_many_arrays_at_once_do_not_get_stuck(renderer):
    """More than fits into a pipe, both ways."""
    rng = np.random.default_rng(2)
    view = replace(VIEW, side_px=300)
    scenes = []
    for _ in range(3):
        points, colors = rng.normal(0, 0.5, (8000, 3)), rng.integers(0, 256, (8000, 3))
        scenes.append(spheres(points, colors, radius=0.02))
    pictures = renderer.draw(view, scenes)
    time.sleep(0.2)
    assert len({picture.tobytes() for picture in pictures}) == 3


def test_a_display_makes_no_difference(monkeypatch):
    needs_graphics()
    monkeypatch.setenv("DISPLAY", ":77")
    with SphereRenderer() as renderer:
        pixels = next(renderer.draw(VIEW, [spheres([(0, 0, 0)], [RED])]))
    assert alike(at(pixels, 0, 0), RED, 12)


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_nothing_is_left_running():
    scene = spheres([(0, 0, 0)], [RED])
    with SphereRenderer() as renderer:
        pid = renderer.process.pid
        renderer.draw(VIEW, [scene] * 50)
        assert is_running(pid)
    assert not is_running(pid)


def why(renderer):
    with renderer, pytest.raises(GraphicsError) as caught:
        list(renderer.draw(VIEW, [spheres([(0, 0, 0)], [RED])]))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.skipif(sys.platform != "linux", reason="hides libraries as Linux finds them")
def test_nothing_to_draw_with(tmp_path, monkeypatch):
    hide_graphics(tmp_path, monkeypatch)
    assert why(SphereRenderer()) == NO_GRAPHICS
    assert "apt install libegl1 libgl1-mesa-dri" in NO_GRAPHICS


@pytest.mark.parametrize("signum", [signal.SIGSEGV, signal.SIGABRT])
def test_a_crash_at_the_start_is_vtk_finding_nothing_to_draw_with(signum):
    renderer = SphereRenderer()
    renderer.process.send_signal(signum)
    assert why(renderer) == NO_GRAPHICS


def test_a_crash_later_says_what_happened():
    needs_graphics()
    renderer = SphereRenderer()
    list(renderer.draw(VIEW, []))
    renderer.process.send_signal(signal.SIGKILL)
    assert why(renderer) == "VTK ended with signal 9 while it drew"


def test_without_pyvista(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyvista", None)
    with pytest.raises(GraphicsError) as caught:
        SphereRenderer()
    assert str(caught.value) == NO_PYVISTA


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("raise ImportError('libX.so.1: no such file')", "cannot be imported: libX.so.1: no such"),
        ("raise RuntimeError('a fault')", "VTK ended with status 1 while it drew: RuntimeError: a"),
        ("import os; print('noise'); os._exit(3)", "VTK ended with status 3 while it drew: noise"),
    ],
)
def test_a_pyvista_that_does_not_work(tmp_path, monkeypatch, code, message):
    (tmp_path / "pyvista.py").write_text(code.replace("print('noise')", "print('noise', flush=1)"))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "pyvista", raising=False)
    assert message in why(SphereRenderer())
