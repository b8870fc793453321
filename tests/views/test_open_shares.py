"""How long a shutter sees each sub-step."""

import numpy as np
import pytest

from latentviz.pacing import Frame
from latentviz.views.shutter import frame_times, open_shares

STEPS = np.array([0, 1, 2, 4, 8])


@pytest.mark.parametrize(
    ("frame", "degrees", "expected"),
    [
        (Frame(0, 0, 1), 90, [1]),
        (Frame(0, 0, 2), 360, [0.5, 0.5]),
        (Frame(0, 0, 2), 180, [0, 1]),
        (Frame(0, 0, 2), 270, [1 / 3, 2 / 3]),
        (Frame(0, 1, 4), 360, [1 / 7, 2 / 7, 4 / 7]),  # each until the next is recorded
        (Frame(0, 3, 5), 360, [0.5, 0.5]),  # the last lasts as long as the one before
        (Frame(0, 3, 5, after=True), 360, [1 / 3] * 3),
        (Frame(0, 5, 5, after=True), 360, [1]),
        (Frame(0, 0, 1, between=(0.0, 0.5), end=1.0), 360, [0.5, 0.5]),
        (Frame(0, 2, 4, between=(2.5, 3.0), end=3.5), 360, [1 / 3, 2 / 3]),
    ],
)
def test_a_sub_step_is_seen_until_the_next_one(frame, degrees, expected):
    np.testing.assert_allclose(open_shares(STEPS, frame, degrees), expected, atol=1e-6)


def test_times_are_in_steps():
    begins, end = frame_times(STEPS, Frame(0, 1, 4, between=(1.5, 2.0, 2.5), end=3.25))
    assert (begins.tolist(), end) == ([1.5, 2, 3], 5.0)
