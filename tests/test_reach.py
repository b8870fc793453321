import numpy as np
import pytest

from latentviz import Run
from latentviz.pacing import Frame
from latentviz.raster.fitting import fitting_limits
from latentviz.raster.layout import page_layout
from latentviz.reach import Reach, framed_limits, measure_reach
from latentviz.runs.run import source_of
from latentviz.transforms import Axes

RNG = np.random.default_rng(3)


def test_reach_by_hand():
    latents = np.array(
        [[[1, 9, -2], [3, 9, 4]], [[-5, 9, 0], [2, 9, 1]], [[0, 9, 7], [0.5, 9, -8]]], float
    )
    frames = [Frame(0, 0, 2), Frame(1, 2, 3)]
    reach = measure_reach(source_of(Run.from_arrays(latents), Axes((0, 2), 4)), frames)
    assert reach.low.tolist() == [[-5, -2], [0, -8]]
    assert reach.high.tolist() == [[3, 4], [0.5, 7]]
    assert reach.most_high.tolist() == [[5, 4], [0.5, 8]]
    assert (reach.most_low == -reach.most_high).all()
    low, high = reach.kept([0, 1])
    assert (low.tolist(), high.tolist()) == ([-5, -8], [3, 7])


def test_two_of_512_points_may_run_away_and_three_may_not():
    latents = np.tile(RNG.uniform(-1, 1, (1, 512, 2)), (3, 1, 1))
    frames = [Frame(k, k, k + 1) for k in range(3)]
    for n, within in [(2, 1.0), (3, 100.0)]:
        latents[:, :n] = 100
        kept = measure_reach(source_of(Run.from_arrays(latents)), frames).kept([0, 1])
        assert np.abs(kept).max() == pytest.approx(within, abs=0.05)


def test_what_is_not_finite_does_not_count():
    latents = np.zeros((1, 6, 2))
    latents[0, 0] = np.nan
    latents[0, 1] = [np.inf, 2]
    reach = measure_reach(source_of(Run.from_arrays(latents)), [Frame(0, 0, 1)])
    assert (reach.low.tolist(), reach.high.tolist()) == ([[0, 0]], [[0, 0]])


def reach_of(most, farthest):
    """Of frames in which nearly all points lie within ``most``, and all within ``farthest``."""
    most, farthest = np.array(most, np.float32)[:, None], np.array(farthest, np.float32)[:, None]
    return Reach(-farthest, farthest, -most, most, np.zeros(1, bool))


def about_its_middle(latents):
    frames = [Frame(k, k, k + 1) for k in range(len(latents))]
    return measure_reach(source_of(Run.from_arrays(latents)), frames, about_origin=False)


def test_points_far_from_the_origin_have_a_middle():
    latents = np.tile(RNG.uniform((999, -8), (1001, -6), (1, 512, 2)), (3, 1, 1))
    latents[:, :2] = 5000, 0  # which run away
    reach = about_its_middle(latents)
    center = reach.center([0, 1])
    assert center == pytest.approx([1000, -7], abs=0.05)
    low, high = reach.kept([0, 1], center)
    assert low == pytest.approx([999, -8], abs=0.06)
    assert high == pytest.approx([1001, -6], abs=0.06)
    # One dimension alone has nothing to do with another.
    assert reach.center([1]) == pytest.approx([-7], abs=0.05)


def test_what_is_not_finite_lies_in_the_middle_of_the_others():
    latents = np.full((1, 7, 1), 90.0)
    latents[0, :3, 0] = [np.nan, 80, np.inf]
    reach = about_its_middle(latents)
    assert (reach.low.item(), reach.high.item()) == (80, 90)
    assert np.flatnonzero(reach.left_out).tolist() == [0, 2]


def test_limits_in_a_frame_hold_dots_and_some_air():
    assert framed_limits(9.6) == pytest.approx(10)
    assert framed_limits(8.6, dot_share=0.1) == pytest.approx(10)
    assert framed_limits(8.6, dot_radius=1.0) == pytest.approx(10)
    assert framed_limits(0.0) > 0
    assert framed_limits(1.0, dot_share=5.0) == 10


@pytest.mark.parametrize(
    ("most", "farthest", "kept"),
    [
        ([1] * 100, [2] * 100, 2),
        ([1] * 100, [2.01] * 100, 1),  # a few points of every frame run away
        ([1] * 99 + [50], [1] * 99 + [50], 1),  # all points, in one frame of a hundred
        ([1] * 98 + [50] * 2, [1] * 98 + [50] * 2, 50),  # in two
        ([0] * 100, [7] * 100, 7),  # nothing else is to be seen
        ([0], [0], 0),
    ],
)
def test_what_limits_are_to_hold(most, farthest, kept):
    low, high = reach_of(most, farthest).kept([0])
    assert (low[0], high[0]) == (-np.float32(kept), np.float32(kept))


def limits_of(right, up, *, n=1, **options):
    """Limits of n projections, whose points go so far to all sides."""
    far = np.tile([[right, up]], (n, 1)).astype(float)
    layout = page_layout((1920, 1080), [n], n_charts=2)
    bodies = [cell.body for cell in layout.cells[:n]]
    return fitting_limits(-far, far, bodies=bodies, page=layout.dots, **options)


@pytest.mark.parametrize(
    ("farthest", "limits"),
    # A dot's radius, 0.07 of the limits, has to fit in, too.
    [(0.3, 1.5), (1.41, 1.5), (1.6, 2), (1.85, 2), (1.87, 2.5), (7.4, 8), (9.4, 15), (460, 500)],
)
def test_limits_that_fit(farthest, limits):
    assert limits_of(0, farthest) == pytest.approx(limits)


def test_the_published_limits_hold_as_long_as_nothing_is_cut():
    # Three abreast: 1.41 to the left is 27 + 357 pixels from a center that is 384 from the edge.
    assert limits_of(1.41, 0.5, n=3) == 1.5
    # From there on, each projection's dots have to lie in its own share of the page, 576 pixels.
    assert limits_of(1.42, 0.5, n=3) == 2.5
    assert limits_of(0, 1.6, n=3) == 2
    # One alone has more room to its sides.
    assert limits_of(3.2, 0.5) == 1.5


def test_a_dot_s_own_radius_counts():
    assert limits_of(0, 1.4, dot_radius=0.3) == 2
    assert limits_of(0, 1.4, dot_radius=0.01) == 1.5


def test_absurd_distances_have_limits():
    assert limits_of(0, 1e30) == 1e6
