"""The open shutter's compositor, against slow and exact ways."""

from dataclasses import replace

import numpy as np
import pytest

from latentviz.raster.discs import Discs, draw_discs, plate, stacked
from latentviz.raster.shutter import LEVELS, level_table, light_of

SIZE = (160, 120)
GROUND = (36, 37, 43)


def light(levels):
    coded = np.asarray(levels, np.float64) / LEVELS
    return np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)


def coded(light):
    low, high = light * 12.92, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055
    return LEVELS * np.where(light <= 0.0031308, low, high)


def trails(n_points, n_steps, *, seed=0, alpha=0.2, shares=None, radius=7.5):
    rng = np.random.default_rng(seed)
    start = rng.uniform(0, SIZE, (n_points, 1, 2))
    xy = (start + rng.normal(0, 4, (n_points, n_steps, 2)).cumsum(1)).astype(np.float32)
    if shares is None:
        shares = np.full(n_steps, 1 / n_steps)
    return Discs(
        np.ascontiguousarray(xy[..., 0]),
        np.ascontiguousarray(xy[..., 1]),
        np.full(n_points, n_steps, np.int32),
        np.zeros(n_points, np.int32),
        rng.integers(0, 256, (n_points, 3)).astype(np.float32),
        np.array([radius], np.float32),
        np.array([alpha], np.float32),
        shares=np.asarray(shares, np.float32),
    )


def drawn(discs, box=(0, 0, *SIZE)):
    canvas = np.empty((3, SIZE[1], SIZE[0]), np.uint8)
    canvas[:] = np.array(GROUND)[:, None, None]
    draw_discs(canvas, discs, box=box)
    return canvas


def one_by_one(discs):
    """Each sub-step by the other compositor, as if all were in its place; their mean light."""
    total = 0.0
    for s, share in enumerate(discs.shares):
        at = replace(
            discs,
            xs=np.repeat(discs.xs[:, s : s + 1], discs.xs.shape[1], 1),
            ys=np.repeat(discs.ys[:, s : s + 1], discs.ys.shape[1], 1),
            shares=None,
        )
        total = total + float(share) * light(drawn(at))
    return coded(total)


@pytest.mark.parametrize("n_steps", [2, 3, 9])
@pytest.mark.parametrize("n_points", [1, 40])
def test_it_is_the_mean_light_of_its_sub_steps(n_points, n_steps):
    discs = trails(n_points, n_steps)
    assert np.abs(drawn(discs) - one_by_one(discs)).max() <= 1.6  # each way rounds once


def test_shares_weigh_the_light_and_nothing_is_seen_of_none():
    discs = trails(20, 4, shares=[0, 0.25, 0, 0.75])
    assert np.abs(drawn(discs) - one_by_one(discs)).max() <= 1.6
    moved = replace(discs, xs=discs.xs.copy())
    moved.xs[:, 0] += 40
    np.testing.assert_array_equal(drawn(moved), drawn(discs))


@pytest.mark.parametrize("n_steps", [2, 7, 100])
def test_still_points_look_as_if_they_were_stacked(n_steps):
    discs = trails(30, n_steps, alpha=0.15)
    discs = replace(
        discs,
        xs=np.repeat(discs.xs[:, :1], n_steps, 1),
        ys=np.repeat(discs.ys[:, :1], n_steps, 1),
    )
    for shares in (np.ones(n_steps), np.arange(n_steps) >= n_steps - 2):
        opened = replace(discs, shares=(shares / shares.sum()).astype(np.float32))
        stack = drawn(replace(discs, shares=None)).astype(int)
        assert np.abs(drawn(opened) - stack).max() <= 1


def test_a_point_that_crosses_the_frame_leaves_an_even_trail_of_its_light():
    n = 240
    xs = np.linspace(20, 140, n, dtype=np.float32)[None]
    discs = replace(
        trails(1, n, alpha=0.05),
        xs=xs,
        ys=np.full((1, n), 60.0, np.float32),
        colors=np.full((1, 3), 255, np.float32),
    )
    still = replace(discs, xs=np.full((1, n), 80.0, np.float32))
    ground = light(np.array(GROUND)).sum()

    def added(discs):
        return (light(drawn(discs)).sum(0) - ground).sum()

    assert added(discs) == pytest.approx(added(still), rel=0.01)
    middle = drawn(discs)[:, 60, 40:120].astype(int)
    assert np.ptp(middle, axis=1).max() <= 1
    assert (middle[0] > GROUND[0] + 20).all()


def test_a_plate_below_has_all_of_the_light():
    layers = [trails(10, 5), plate((80, 60), 40.0, (200, 10, 10))]
    discs = stacked(layers)
    assert discs.shares is not None
    below = drawn(plate((80, 60), 40.0, (200, 10, 10)))
    untouched = (drawn(layers[0]) == np.array(GROUND)[:, None, None]).all(0)
    np.testing.assert_array_equal(drawn(discs)[:, untouched], below[:, untouched])


def test_places_that_are_far_off_or_beyond_the_box_draw_nothing():
    discs = trails(4, 3)
    far = replace(discs, xs=np.full_like(discs.xs, 1e9))
    np.testing.assert_array_equal(drawn(far), drawn(replace(far, shares=None)))
    box = (40, 30, 90, 80)
    inside = drawn(discs, box)
    whole = drawn(discs)
    np.testing.assert_array_equal(inside[:, 30:80, 40:90], whole[:, 30:80, 40:90])
    inside[:, 30:80, 40:90] = np.array(GROUND)[:, None, None]
    assert (inside == np.array(GROUND)[:, None, None]).all()


def test_light_is_that_of_srgb_and_comes_back_as_its_level():
    levels = np.arange(256)
    found = light_of((levels / 255).astype(np.float32))
    np.testing.assert_allclose(found[1:], light(levels)[1:], rtol=1e-3)
    assert (np.diff(found) > 0).all()
    table = level_table()
    at = found * (len(table) - 2)
    assert np.abs(np.interp(at, np.arange(len(table)), table) - levels).max() < 0.05
