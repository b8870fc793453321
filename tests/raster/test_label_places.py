import numpy as np
import pytest

from latentviz.raster.label_places import label_places
from latentviz.scene import Box

PAGE = Box(0, 0, 400, 300)
NOWHERE = np.empty((0, 2))


def boxes_of(places, at_px, sizes_px):
    first = at_px[-1] + places.offsets_px
    return np.concatenate([first, first + sizes_px], -1)


def test_a_name_stands_to_the_right_of_its_point():
    places = label_places(
        np.array([[[100.0, 100.0]]]), np.array([[40.0, 10.0]]),
        distance_px=6, dots_px=NOWHERE, within=PAGE,
    )  # fmt: skip
    assert places.offsets_px.tolist() == [[6, -5]]


def test_a_name_stands_to_the_left_where_the_panel_ends():
    places = label_places(
        np.array([[[390.0, 100.0]]]), np.array([[40.0, 10.0]]),
        distance_px=6, dots_px=NOWHERE, within=PAGE,
    )  # fmt: skip
    assert places.offsets_px.tolist() == [[-46, -5]]


def test_a_name_avoids_dots():
    dots = np.array([[120.0, 100.0]])
    places = label_places(
        np.array([[[100.0, 100.0]]]), np.array([[40.0, 10.0]]),
        distance_px=6, dots_px=dots, within=PAGE,
    )  # fmt: skip
    assert places.offsets_px.tolist() == [[-46, -5]]


@pytest.mark.parametrize("n", [5, 60, 400])
def test_names_cover_neither_each_other_nor_the_edge_in_the_last_moment(n):
    rng = np.random.default_rng(n)
    at = rng.uniform((0, 0), (400, 300), (4, n, 2))
    sizes = np.stack([rng.uniform(10, 60, n), np.full(n, 12.0)], -1)
    places = label_places(at, sizes, distance_px=5, dots_px=at[-1], within=PAGE)
    shown = boxes_of(places, at, sizes)[places.has_room]
    assert len(shown) >= min(n, 20)
    assert (shown[:, :2] >= 0).all()
    assert (shown[:, 2:] <= [400, 300]).all()
    shared = np.minimum(shown[:, None, 2:], shown[:, 2:]) - np.maximum(
        shown[:, None, :2], shown[:, :2]
    )
    covers = (shared > 0).all(-1)
    np.fill_diagonal(covers, False)
    assert not covers.any()


def test_a_name_prefers_the_side_that_is_free_in_most_moments():
    # The second point passes to the right of the first one, but has left it at the end.
    first = np.tile([100.0, 100.0], (9, 1))
    second = np.stack([np.linspace(105, 125, 9), np.full(9, 100.0)], -1)
    second[-1] = [300, 200]
    at = np.stack([second, first], 1)
    places = label_places(
        at, np.array([[40.0, 10.0], [40.0, 10.0]]), distance_px=6, dots_px=NOWHERE, within=PAGE
    )
    assert places.offsets_px[1, 0] == -46


def test_a_point_that_is_nowhere_at_last_has_no_name():
    at = np.array([[[100.0, 100.0], [50.0, 50.0]], [[np.nan, np.nan], [50.0, 50.0]]])
    places = label_places(at, np.full((2, 2), 10.0), distance_px=5, dots_px=at[-1], within=PAGE)
    assert places.has_room.tolist() == [False, True]
