import numpy as np
import pytest

from latentviz.raster.labels import PlacedLabel, PlacedLabels, placed_labels
from latentviz.raster.lettering import Sprite
from latentviz.raster.shapes import Letters
from latentviz.scene import Box, Labels
from latentviz.theme import THEMES

PAGE = Box(0, 0, 400, 300)
SIZE = np.array([40.0, 10.0])


def names(n):
    shape = Letters("name", 10, 0, 8, "left")
    sprite = Sprite(np.ones((10, 40), np.float32), 0, 0, (255, 255, 255), shape)
    labels = tuple(PlacedLabel(str(k), sprite, sprite) for k in range(n))
    offsets = np.tile([6.0, -5.0], (n, 1))
    return PlacedLabels(labels, np.arange(n), offsets, np.tile(SIZE, (n, 1)), 4.0, 10.0, 0)


def opacities(*points):
    seen = names(len(points)).seen(np.array(points, float), PAGE)
    found = {each.label.text: each.opacity for each in seen}
    return [found.get(str(k), 0) for k in range(len(points))]


@pytest.mark.parametrize(
    ("down", "opacity"), [(20, 1), (14, 1), (13, 0.75), (12, 0.5), (11, 0.25), (10, 0), (0, 0)]
)
def test_a_name_fades_as_an_earlier_one_comes_near(down, opacity):
    assert opacities((100, 100), (100, 100 + down)) == pytest.approx([1, opacity])


def test_a_name_that_is_gone_hides_none():
    assert opacities((100, 100), (100, 108), (100, 116)) == [1, 0, 1]


def test_a_name_is_pushed_back_into_the_panel():
    (seen,) = names(1).seen(np.array([[390.0, 2.0]]), PAGE)
    assert seen.corner_px == (360, 0)


def test_a_point_beyond_the_panel_has_no_name():
    assert opacities((100, 301), (np.nan, 20), (50, 50)) == [0, 0, 1]


def test_names_of_blanks_are_seen_as_such():
    at = np.array([[[20, 20], [20, 100], [20, 200]]], np.float32)
    labels = Labels(np.arange(3), (" ", "\n", "a b"), at)
    placed = placed_labels(
        labels, at.astype(float), radius_px=3, scale=1, within=PAGE, theme=THEMES["dark"]
    )
    assert [label.text for label in placed.labels] == ["' '", "'\\n'", "a b"]
