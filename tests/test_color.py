import colorsys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentviz import hsv_from_rgb, rgb_from_hsv, rgb_grid

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
