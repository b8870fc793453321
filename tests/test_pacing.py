from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentviz import BezierPace, GeometricPace, LinearPace, OptionError
from latentviz.pacing import frames, parse_pace


def test_the_published_film_s_pace():
    film = frames(BezierPace(), 10_001, 1000)
    strides = [frame.stride for frame in film]
    assert len(film) == 987
    assert (film[0].start, film[-1].start, film[-1].stop) == (0, 10_000, 10_001)
    assert strides[:22] == [1] * 21 + [2]
    assert max(strides) == 15
    assert strides[-2:] == [1, 1]


@pytest.mark.parametrize("n_steps", [1501, 10_001, 100_001])
def test_frames_start_where_the_published_films_do(n_steps):
    # As the notebooks have it, once more and otherwise: 200 samples of the curve, by de Casteljau,
    # read off by hand.
    samples = []
    for i in range(200):
        u, points = i / 199, [(0, 0), (0.42, 0), (0.95, 1), (1, 1)]
        while len(points) > 1:
            points = [
                tuple(a + u * (b - a) for a, b in zip(p, q, strict=True))
                for p, q in pairwise(points)
            ]
        samples.append(points[0])
    starts = []
    for k in range(1000):
        time = k / 999
        i = min(max(i for i, (x, _) in enumerate(samples) if x <= time), 198)
        (x0, y0), (x1, y1) = samples[i : i + 2]
        step = round((y0 + (time - x0) / (x1 - x0) * (y1 - y0)) * (n_steps - 1))
        if step not in starts[-1:]:
            starts.append(step)
    assert [frame.start for frame in frames(BezierPace(), n_steps, 1000)] == starts


unit = st.floats(0, 1)
paces = st.one_of(
    st.builds(
        BezierPace,
        st.tuples(unit, st.floats(-2, 2)),
        st.tuples(unit, st.floats(-2, 2)),
    ),
    st.builds(GeometricPace, st.floats(0.01, 1e4)),
    st.builds(LinearPace, st.integers(1, 500)),
)


@given(paces, st.integers(1, 3000), st.integers(1, 400))
def test_every_pace_shows_every_step_exactly_once(pace, n_steps, n_frames):
    film = frames(pace, n_steps, n_frames)
    shown = [step for frame in film for step in range(frame.start, frame.stop)]
    assert shown == list(range(n_steps))
    assert [frame.index for frame in film] == list(range(len(film)))
    assert all(frame.stride == frame.stop - frame.start >= 1 for frame in film)
    if not isinstance(pace, LinearPace):
        assert len(film) <= n_frames


def test_bezier_by_hand():
    # On the diagonal, 5 frames of 9 steps are evenly spaced; 9 frames of 5 steps fall together
    # (halves round to even: 0, 0.5, 1, 1.5, 2, ... become 0, 0, 1, 2, 2, ...).
    pace = BezierPace((1 / 3, 1 / 3), (2 / 3, 2 / 3))
    assert pace(9, 5).tolist() == [0, 2, 4, 6, 8]
    assert pace(5, 9).tolist() == [0, 1, 2, 3, 4]


def test_geometric_by_hand():
    # 90 steps, offset 10: from 10 to 100, end left out, in 4 frames: 10·10^(i/4), truncated.
    assert GeometricPace()(90, 4).tolist() == [0, 17 - 10, 31 - 10, 56 - 10]
    # 10·1.1^(i/10) stays at 10 all the way.
    assert GeometricPace(10)(1, 10).tolist() == [0]
    assert GeometricPace(1)(7, 3).tolist() == [0, 1, 3]


def test_linear_by_hand():
    assert LinearPace(3)(10, 2).tolist() == [0, 3, 6, 9]
    assert [frame.stride for frame in frames(LinearPace(4), 10, 1000)] == [4, 4, 2]


@pytest.mark.parametrize(
    ("text", "pace"),
    [
        ("bezier", BezierPace((0.42, 0), (0.95, 1))),
        ("bezier:0.1,0.2,0.3,1.5", BezierPace((0.1, 0.2), (0.3, 1.5))),
        ("geometric", GeometricPace(10)),
        ("geometric:2.5", GeometricPace(2.5)),
        ("linear", LinearPace(1)),
        ("linear:7", LinearPace(7)),
    ],
)
def test_parse_pace(text, pace):
    assert parse_pace(text) == pace


@pytest.mark.parametrize(
    "text",
    ["", "cubic", "bezier:1,2,3", "bezier:a,b,c,d", "geometric:1,2", "linear:1.5", "linear:x"],
)
def test_parse_pace_refuses_and_lists_the_choices(text):
    with pytest.raises(OptionError, match=r"bezier:X1,Y1,X2,Y2, geometric.*linear:STRIDE, got"):
        parse_pace(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bezier:1.5,0,-0.5,1", "monotonic"),
        ("bezier:nan,0,1,1", "monotonic"),
        ("geometric:0", "offset must be above 0 and at most 1e\\+12, got 0"),
        ("geometric:-1", "offset must be above 0"),
        ("geometric:inf", "offset must be above 0"),
        ("geometric:nan", "offset must be above 0"),
        ("linear:0", "stride must be 1 or more, got 0"),
    ],
)
def test_parse_pace_refuses_what_is_out_of_range(text, message):
    with pytest.raises(OptionError, match=message):
        parse_pace(text)


@pytest.mark.parametrize("n_frames", [0, -5])
def test_a_film_has_frames(n_frames):
    with pytest.raises(OptionError, match=f"frames must lie within 1 to 1000000, got {n_frames}"):
        frames(BezierPace(), 10, n_frames)


def test_a_single_step_is_a_single_frame():
    for pace in (BezierPace(), GeometricPace(), LinearPace(9)):
        assert [(f.start, f.stop) for f in frames(pace, 1, 1000)] == [(0, 1)]


def test_starts_are_whole_numbers():
    for pace in (BezierPace(), GeometricPace(), LinearPace()):
        assert pace(50, 10).dtype == np.int64
