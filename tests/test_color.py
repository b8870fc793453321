import colorsys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentviz import OptionError, hsv_cube, hsv_from_rgb, rgb_cube, rgb_from_hsv, rgb_grid

unit = st.floats(0, 1)
triple = st.tuples(unit, unit, unit)


def turns_apart(a, b):
    return abs((a - b + 0.5) % 1 - 0.5)


@given(triple)
def test_rgb_from_hsv_is_colorsys_s(hsv):
    assert rgb_from_hsv(hsv) == pytest.approx(colorsys.hsv_to_rgb(*hsv), abs=1e-12)


@given(triple)
def test_hsv_from_rgb_is_colorsys_s(rgb):
    hue, *rest = hsv_from_rgb(rgb)
    expected_hue, *expected_rest = colorsys.rgb_to_hsv(*rgb)
    assert turns_apart(hue, expected_hue) < 1e-9
    assert rest == pytest.approx(expected_rest, abs=1e-12)


@given(triple)
def test_there_and_back(rgb):
    assert rgb_from_hsv(hsv_from_rgb(rgb)) == pytest.approx(rgb, abs=1e-12)


@given(unit, st.floats(0.01, 1), st.floats(0.01, 1))
def test_back_and_there(hue, saturation, value):
    back = hsv_from_rgb(rgb_from_hsv([hue, saturation, value]))
    assert turns_apart(back[0], hue) < 1e-9
    assert back[1:] == pytest.approx([saturation, value])


@given(unit, st.integers(-5, 5))
def test_hue_is_cyclic(hue, turns):
    expected = rgb_from_hsv([hue, 1, 1])
    assert rgb_from_hsv([hue + turns, 1, 1]) == pytest.approx(expected, abs=1e-12)


def test_greys_have_neither_hue_nor_saturation():
    assert hsv_from_rgb([[0, 0, 0], [0.4, 0.4, 0.4]]).tolist() == [[0, 0, 0], [0, 0, 0.4]]


def test_any_leading_shape():
    hsv = np.random.default_rng(0).random((2, 3, 4, 3))
    assert rgb_from_hsv(hsv).shape == hsv_from_rgb(hsv).shape == (2, 3, 4, 3)
    assert rgb_from_hsv(hsv)[1, 2, 3] == pytest.approx(rgb_from_hsv(hsv[1, 2, 3]))


def test_the_grid_has_blue_fastest_and_red_slowest():
    grid = rgb_grid(3)
    assert grid.shape == (27, 3)
    assert grid[:4].tolist() == [[0, 0, 0], [0, 0, 0.5], [0, 0, 1], [0, 0.5, 0]]
    assert grid[9].tolist() == [0.5, 0, 0]
    assert grid[-1].tolist() == [1, 1, 1]


def test_an_hsv_cube_of_36_hues():
    cube = hsv_cube(36, 10, 10)
    assert (cube.axes, cube.shape, len(cube)) == (
        ("hue", "saturation", "value"),
        (36, 10, 10),
        3600,
    )
    assert cube.coordinates["hue"] * 360 == pytest.approx(np.arange(0, 360, 10))
    for axis in ("saturation", "value"):
        assert cube.coordinates[axis] == pytest.approx(np.arange(10) / 9)
    hsv = np.stack([cube["hue"], cube["saturation"], cube["value"]], -1)
    np.testing.assert_array_equal(cube.rgb, rgb_from_hsv(hsv))


def test_repeated_colors_weigh_no_more_than_single_ones():
    cube = hsv_cube(36, 10, 10)
    saturation, value = cube["saturation"], cube["value"]
    # Black: 360 samples of 1/360. White: 36 samples of 1/36. A pure color: one sample of 1.
    assert cube.weights[value == 0].sum() == pytest.approx(1)
    assert cube.weights[(saturation == 0) & (value == 1)].sum() == pytest.approx(1)
    assert cube.slice(hue=0, saturation=9, value=9).weights == pytest.approx(1)


def test_weights_by_hand():
    # s = 1/2, v = 1/4, 2 hues, 4 saturations: (1/8)(3/4) + (1/2)(1/2)(1/4) + (1/2)(1/4).
    cube = hsv_cube([0.3, 0.8], [0, 0.5, 0.7, 1], [0.25])
    assert cube.slice(hue=0, saturation=1, value=0).weights == pytest.approx(
        0.09375 + 0.0625 + 0.125
    )


def test_an_rgb_cube_is_even_and_blue_runs_fastest():
    cube = rgb_cube(2, 3, [0.25, 0.5])
    assert cube.shape == (2, 3, 2)
    assert cube.points[:3].tolist() == [[0, 0, 0.25], [0, 0, 0.5], [0, 0.5, 0.25]]
    assert (cube.weights == 1).all()
    np.testing.assert_array_equal(rgb_cube(4, 4, 4).points, rgb_grid(4))


def test_permuting_carries_everything_along():
    cube = rgb_cube(2, 3, 4)
    cube = cube.assign(sum=cube.rgb.sum(-1), pair=cube.points[:, :2])
    turned = cube.permute("blue", "red", "green")
    assert turned.shape == turned["sum"].shape == (4, 2, 3)
    assert turned["pair"].shape == (4, 2, 3, 2)
    for name in ("red", "green", "blue", "sum"):
        np.testing.assert_array_equal(turned[name], cube[name].transpose(2, 0, 1))
    np.testing.assert_array_equal(turned["sum"], turned.rgb.sum(-1))


def test_slicing():
    cube = hsv_cube(6, 3, 5)
    cut = cube.slice(saturation=1, value=slice(None, None, -1), hue=[4, 0])
    assert (cut.axes, cut.shape) == (("hue", "value"), (2, 5))
    assert cut["saturation"].tolist() == [[0.5] * 5] * 2
    assert cut["value"][0].tolist() == [1, 0.75, 0.5, 0.25, 0]
    assert cut["hue"][:, 0] * 6 == pytest.approx([4, 0])
    np.testing.assert_array_equal(cut.weights, cube.weights[[4, 0], 1, ::-1])
    hsv = np.stack([cut["hue"], cut["saturation"], cut["value"]], -1)
    np.testing.assert_array_equal(cut.rgb, rgb_from_hsv(hsv))


@pytest.mark.parametrize(
    ("misuse", "message"),
    [
        (lambda cube: cube.permute("hue", "value"), "axes must be hue, saturation, value"),
        (lambda cube: cube.slice(red=0), "unknown axis 'red'; the cube has hue, sat"),
        (lambda cube: cube.slice(hue=0).slice(hue=0), "unknown axis 'hue'"),
        (lambda cube: cube.slice(hue=9), "hue has 4 places, 0 to 3; got 9"),
        (lambda cube: cube.assign(hue=0), "'hue' is an axis"),
        (lambda cube: cube.assign(x=np.zeros(3)), r"must be \(4, 2, 2\) or \(16,\).*got \(3,\)"),
        (lambda cube: cube["x"], "unknown variable 'x'.*it has hue, saturation, value"),
        (lambda cube: hsv_cube(0, 2, 2), "hue must be how many"),
        (lambda cube: hsv_cube([0.5, 1.5], 2, 2), "hue must be how many"),
        (lambda cube: rgb_cube(2, [[0.5]], 2), "green must be how many"),
    ],
)
def test_misuse_of_a_cube(misuse, message):
    with pytest.raises(OptionError, match=message):
        misuse(hsv_cube(4, 2, 2))
