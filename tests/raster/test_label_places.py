import numpy as np
import pytest

from latentviz.raster.label_places import label_places
from latentviz.scene import Box

PAGE = Box(0, 0, 400, 300)
NOWHERE = np.empty((0, 2))


def test_a_name_stands_to_the_right_of_its_point():
    places = label_places(
        np.array([[[100.0, 100.0]]]), np.array([[40.0, 10.0]]),
        distance_px=6, gap_px=4, dots_px=NOWHERE, within=PAGE,
    )  # fmt: skip
    assert places.offsets_px.tolist() == [[6, -5]]


def test_a_name_stands_to_the_left_where_the_panel_ends():
    places = label_places(
        np.array([[[390.0, 100.0]]]), np.array([[40.0, 10.0]]),
        distance_px=6, gap_px=4, dots_px=NOWHERE, within=PAGE,
    )  # fmt: skip
    assert places.offsets_px.tolist() == [[-46, -5]]


def test_a_name_avoids_dots():
    dots = np.array([[120.0, 100.0]])
    places = label_places(
        np.array([[[100.0, 100.0]]]), np.array([[40.0, 10.0]]),
        distance_px=6, gap_px=4, dots_px=dots, within=PAGE,
    )  # fmt: skip
    assert places.offsets_px.tolist() == [[-46, -5]]


@pytest.mark.parametrize("n", [5, 60, 400])
def test_sides_are_chosen_for_as_many_names_as_there_is_room_for(n):
    rng = np.random.default_rng(n)
    at = rng.uniform((0, 0), (400, 300), (4, n, 2))
    sizes = np.stack([rng.uniform(10, 60, n), np.full(n, 12.0)], -1)
    places = label_places(at, sizes, distance_px=5, gap_px=4, dots_px=at[-1], within=PAGE)
    assert n - places.n_hidden_last >= min(n, 25)
    assert places.is_shown.sum() >= n - places.n_hidden_last


def test_a_name_prefers_the_side_that_is_free_in_most_moments():
    # The second point passes to the right of the first one, but has left it at the end.
    first = np.tile([100.0, 100.0], (9, 1))
    second = np.stack([np.linspace(105, 125, 9), np.full(9, 100.0)], -1)
    second[-1] = [300, 200]
    at = np.stack([second, first], 1)
    places = label_places(
        at,
        np.array([[40.0, 10.0], [40.0, 10.0]]),
        distance_px=6,
        gap_px=4,
        dots_px=NOWHERE,
        within=PAGE,
    )
    assert places.offsets_px[1, 0] == -46


def test_a_point_that_is_nowhere_at_last_has_its_name_before():
    at = np.array([[[100.0, 100.0], [50.0, 50.0]], [[np.nan, np.nan], [50.0, 50.0]]])
    sizes = np.full((2, 2), 10.0)
    places = label_places(at, sizes, distance_px=5, gap_px=4, dots_px=at[-1], within=PAGE)
    assert places.is_shown.tolist() == [True, True]
    assert places.n_hidden_last == 0


def test_a_name_that_others_always_hide_is_not_shown():
    at = np.full((3, 30, 2), 100.0)
    sizes = np.full((30, 2), 20.0)
    places = label_places(at, sizes, distance_px=5, gap_px=4, dots_px=at[-1], within=PAGE)
    n_shown = int(places.is_shown.sum())
    assert 2 <= n_shown <= 8
    assert places.n_hidden_last == 30 - n_shown
