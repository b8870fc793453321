import numpy as np
import pytest
from matplotlib import colormaps

from latentviz import OptionError
from latentviz.palette import RepeatedColorWarning
from latentviz.scene import Categories, Ramp
from latentviz.theme import THEMES, Role, rgb_bytes
from latentviz.views import coloring, drawing_order

DARK = THEMES["dark"]


def category(i):
    return [byte / 255 for byte in rgb_bytes(DARK.categories[i])]


def test_rgb_is_kept():
    rgb = np.array([[0, 0.5, 1], [0.25, 0.125, 0]])
    colors = coloring(rgb, 2, DARK).rgb
    assert colors.dtype == np.float32
    assert colors.tolist() == rgb.tolist()


@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.int8])
def test_labels_take_the_palette_in_sorted_order(kind):
    labels = np.array([7, 3, 7, 100], kind)
    expected = [category(i) for i in (1, 0, 1, 2)]
    assert coloring(labels, 4, DARK).rgb == pytest.approx(np.array(expected))


def test_a_key_says_what_colors_mean():
    roles = (Role("categories", 0), Role("categories", 1))
    labels = np.array([2, 0, 2])
    assert coloring(labels, 3, DARK).key == Categories(("0", "2"), roles)
    names = ("ant", "bee", "cat")
    assert coloring(labels, 3, DARK, class_names=names).key == Categories(("ant", "cat"), roles)
    scalars = np.array([-1.0, 4.0, 2.0])
    assert coloring(scalars, 3, DARK, "magma").key == Ramp(-1.0, 4.0, "magma")
    assert coloring(np.zeros((3, 3)), 3, DARK).key is None
    assert coloring(None, 3, DARK).key is None


def test_booleans_are_labels():
    expected = [category(1), category(0)]
    assert coloring(np.array([True, False]), 2, DARK).rgb == pytest.approx(np.array(expected))


def test_many_classes_all_have_colors_of_their_own():
    assert len({tuple(c) for c in coloring(np.arange(40), 40, DARK).rgb}) == 40


def test_classes_beyond_all_colors_are_not_given_one_silently():
    with pytest.warns(RepeatedColorWarning, match="200 classes share 41 colors"):
        colors = coloring(np.arange(200), 200, DARK).rgb
    assert colors[3].tolist() == colors[44].tolist()


def test_colors_are_drawn_in_their_own_order_and_all_others_shuffled():
    rgb, labels, scalars = np.zeros((500, 3)), np.repeat([0, 1, 2, 3], 125), np.arange(500.0)
    assert drawing_order(rgb, 500).tolist() == list(range(500))
    shuffled = drawing_order(labels, 500)
    assert sorted(shuffled) == list(range(500))
    assert shuffled.tolist() == drawing_order(scalars, 500).tolist()
    assert shuffled.tolist() == drawing_order(None, 500).tolist()
    # Of the topmost points each class has about its share.
    assert np.bincount(labels[shuffled[-100:]]).min() > 12


@pytest.mark.parametrize("name", ["viridis", "magma"])
def test_scalars_span_the_colormap(name):
    scalars = np.array([-5.0, 15.0, 5.0])
    expected = colormaps[name]([0.0, 1.0, 0.5])[:, :3]
    assert coloring(scalars, 3, DARK, name).rgb == pytest.approx(expected)


def test_equal_scalars_are_no_division_by_zero():
    expected = np.tile(colormaps["viridis"](0.0)[:3], (4, 1))
    assert coloring(np.full(4, 2.5), 4, DARK).rgb == pytest.approx(expected)


def test_no_colors_are_the_points_order():
    expected = coloring(np.arange(5.0), 5, DARK).rgb
    assert coloring(None, 5, DARK).rgb.tolist() == expected.tolist()
    assert coloring(None, 1, DARK).rgb.shape == (1, 3)


@pytest.mark.parametrize(
    ("colors", "message"),
    [
        (np.zeros((3, 4)), r"must be \(3, 3\) RGB or \(3,\) labels or scalars, got \(3, 4\)"),
        (np.zeros(4), r"got \(4,\)"),
        (np.full((3, 3), 255), "0..1; divide bytes by 255"),
        (np.full((3, 3), -0.1), "0..1"),
        (np.full((3, 3), np.nan), "0..1"),
        (np.array([0, np.nan, 1]), "must be finite"),
    ],
)
def test_refuses(colors, message):
    with pytest.raises(OptionError, match=message):
        coloring(colors, 3, DARK)


def test_an_unknown_colormap_is_refused():
    with pytest.raises(OptionError, match="no colormap 'virids'"):
        coloring(np.zeros(3), 3, DARK, "virids")
    # Also of points that take none: else the mistake would be found with another run.
    with pytest.raises(OptionError, match="no colormap 'virids'"):
        coloring(np.zeros((3, 3)), 3, DARK, "virids")
