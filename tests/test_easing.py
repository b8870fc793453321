from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentviz import MinimumJerk, OptionError, cubic_bezier

unit = st.floats(0, 1)


def test_bezier_on_the_diagonal_is_the_identity():
    times = np.linspace(0, 1, 11)
    assert cubic_bezier(times, (1 / 3, 1 / 3), (2 / 3, 2 / 3)) == pytest.approx(times)


# With both first coordinates at thirds, time is the parameter: 3(1-t)²t·y1 + 3(1-t)t²·y2 + t³.
@pytest.mark.parametrize(
    ("y1", "y2", "time", "progress"),
    [
        (0, 1, 0.5, 0.5),
        (0, 1, 0.25, 3 * 0.75 * 0.0625 + 0.015625),
        (0, 0, 0.5, 0.125),
        (1, 1, 0.5, 0.875),
        (2, -1, 0.25, 3 * 0.5625 * 0.25 * 2 - 3 * 0.75 * 0.0625 + 0.015625),
    ],
)
def test_bezier_by_hand(y1, y2, time, progress):
    assert cubic_bezier(time, (1 / 3, y1), (2 / 3, y2)) == pytest.approx(progress, abs=1e-4)


def test_bezier_bends_time_by_hand():
    # CSS's ease-in-out at the parameter 1/4: x = 3·(9/64)·0.42 + 3·(3/64)·0.58 + 1/64, y = 10/64.
    time = (27 * 0.42 + 9 * 0.58 + 1) / 64
    assert cubic_bezier(time, (0.42, 0), (0.58, 1)) == pytest.approx(10 / 64, abs=1e-4)


def test_bezier_keeps_the_shape_of_the_times():
    assert cubic_bezier(np.zeros((2, 3)), (0.4, 0), (0.9, 1)).shape == (2, 3)


@given(unit, unit, unit, unit)
def test_bezier_within_the_unit_square_rises_from_0_to_1(x1, y1, x2, y2):
    progress = cubic_bezier(np.linspace(0, 1, 50), (x1, y1), (x2, y2))
    assert (progress[0], progress[-1]) == (0, 1)
    if y1 <= y2:
        assert (np.diff(progress) >= -1e-12).all()


@given(st.floats(-1, 2), st.floats(-1, 2))
def test_bezier_refuses_exactly_the_curves_that_run_backwards(x1, x2):
    u = np.linspace(0, 1, 1001)
    slope = x1 * (1 - u) ** 2 + 2 * (x2 - x1) * (1 - u) * u + (1 - x2) * u**2
    if slope.min() < -1e-6:
        with pytest.raises(OptionError, match="monotonic"):
            cubic_bezier(0.5, (x1, 0), (x2, 1))
    elif slope.min() > 1e-6:
        cubic_bezier(0.5, (x1, 0), (x2, 1))


@pytest.mark.parametrize(
    ("cp1", "cp2"),
    [
        ((np.nan, 0), (0.9, 1)),
        ((0.4, np.nan), (0.9, 1)),
        ((0.4, 0), (0.9, np.inf)),
        ((0.4, -np.inf), (0.9, 1)),
        ((np.inf, 0), (0.9, 1)),
        ((0.4, 0), (-np.inf, 1)),
    ],
)
def test_bezier_refuses_what_is_not_finite(cp1, cp2):
    with pytest.raises(OptionError, match=r"keep both first coordinates within 0\.\.1"):
        cubic_bezier(0.5, cp1, cp2)


MOVES = [
    MinimumJerk(0, 1, 0, 1),
    MinimumJerk(10, 4, 2, -3, velocity=5, acceleration=-7),
    MinimumJerk(-3, 200, 1e-3, 8, velocity=-0.2, acceleration=0.01),
]


@pytest.mark.parametrize("move", MOVES)
def test_minimum_jerk_keeps_its_boundary_conditions(move):
    end = move.start + move.duration
    just = 1e-9 * move.duration
    leaves = move.at(move.start + just)
    assert leaves == pytest.approx((move.value, move.velocity, move.acceleration), abs=1e-5)
    assert move.at(end - just) == pytest.approx((move.target, 0, 0), abs=1e-5)
    assert move.at(move.start - 1)[0] == move.value
    assert move.at(end + 1) == (move.target, 0, 0)


@pytest.mark.parametrize("move", MOVES)
def test_minimum_jerk_s_velocity_and_acceleration_are_its_derivatives(move):
    h = 1e-4 * move.duration
    for share in (0.1, 0.5, 0.8):
        time = move.start + share * move.duration
        before, (_, velocity, acceleration), after = (move.at(time + d) for d in (-h, 0, h))
        assert (after[0] - before[0]) / (2 * h) == pytest.approx(velocity, rel=1e-4, abs=1e-5)
        assert (after[1] - before[1]) / (2 * h) == pytest.approx(acceleration, rel=1e-4, abs=1e-5)


def test_minimum_jerk_is_of_the_fifth_degree():
    move = MOVES[1]
    times = move.start + move.duration * np.linspace(0.01, 0.99, 9)
    values = [move.at(time)[0] for time in times]
    scale = np.abs(values).max()
    assert np.diff(values, n=6) == pytest.approx(np.zeros(3), abs=1e-10 * scale)
    assert np.abs(np.diff(values, n=5)).min() > 1e-3 * scale


def test_retargeted_again_and_again_it_never_jumps():
    moves, times = [MinimumJerk(0, 10, 0, 1)], [4, 7, 7.5, 13]
    for time, target in zip(times, [-2, 5, 0, 3], strict=True):
        moves.append(moves[-1].retarget(time, target, 6))
    for time, (before, after) in zip(times, pairwise(moves), strict=True):
        assert after.at(time) == before.at(time)
        assert after.at(time + 1e-9) == pytest.approx(before.at(time), abs=1e-6)
    assert moves[-1].at(19) == (3, 0, 0)
