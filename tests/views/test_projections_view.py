import math

import numpy as np
import pytest

from latentviz import ArchiveError, OptionError, Run
from latentviz.pacing import Frame
from latentviz.projection import Projection
from latentviz.views import ProjectionsView
from latentviz.views.projections import substep_alpha


@pytest.mark.parametrize(
    ("n", "a", "expected"),
    [
        # base = 1 - (1-a)^(1/n), opaque = 0.99 / (1 + ln n), base + a^5 (opaque - base)
        (1, 0.5, 0.5 + 0.03125 * (0.99 - 0.5)),
        (1, 0.9, 0.9 + 0.59049 * (0.99 - 0.9)),
        (1, 1.0, 0.99),
        (2, 0.5, 0.2928932 + 0.03125 * (0.5847101 - 0.2928932)),
        (2, 0.9, 0.6837722 + 0.59049 * (0.5847101 - 0.6837722)),
        (2, 1.0, 0.99 / 1.6931472),
        (15, 0.5, 0.0451584 + 0.03125 * (0.2669867 - 0.0451584)),
        (15, 0.9, 0.1423042 + 0.59049 * (0.2669867 - 0.1423042)),
        (15, 1.0, 0.99 / 3.7080502),
    ],
)
def test_substep_alpha_by_hand(n, a, expected):
    assert substep_alpha(a, n) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("n", [1, 2, 7, 15])
@pytest.mark.parametrize("a", [0.01, 0.1, 0.2])
def test_a_faint_still_point_looks_alike_however_many_substeps(n, a):
    # Up to here the bend towards `opaque`, a⁵, is too weak to show: within a level of 255.
    opacity = 1 - (1 - substep_alpha(a, n)) ** n
    assert opacity == pytest.approx(a, abs=1 / 255)


@pytest.mark.parametrize("alpha", [0, -0.1, 1.1, math.nan])
def test_alpha_out_of_range_is_refused(alpha):
    with pytest.raises(OptionError, match="above 0 and at most 1"):
        ProjectionsView((Projection(0, 1),), alpha)


@pytest.fixture
def latents():
    return np.random.default_rng(5).normal(size=(6, 4, 3)).astype(np.float32)


def test_positions_are_projection_point_substep_and_right_up(latents):
    run = Run.from_arrays(latents, steps=[0, 10, 20, 30, 40, 50])
    view = ProjectionsView((Projection(1, 0), Projection(2, 2)), 0.5)
    scene = view(run, Frame(0, 2, 5))
    assert scene.positions.shape == (2, 4, 3, 2)
    assert scene.positions.dtype == np.float32
    for p, (right, up) in enumerate([(1, 0), (2, 2)]):
        for point in range(4):
            for substep in range(3):
                expected = latents[2 + substep, point, [right, up]]
                assert scene.positions[p, point, substep].tolist() == expected.tolist()


def test_a_scene_knows_its_step_stride_and_alpha(latents):
    run = Run.from_arrays(latents, steps=[0, 10, 20, 30, 40, 50])
    scene = ProjectionsView((Projection(1, 0),), 0.5)(run, Frame(3, 2, 5))
    assert (scene.step, scene.words, scene.number) == (40, "step", 40)
    assert (scene.speed, scene.alpha) == (30, substep_alpha(0.5, 3))


@pytest.mark.parametrize(
    ("steps", "frame", "speed"),
    [
        (range(6), Frame(0, 2, 3), 1),
        (range(6), Frame(0, 2, 5), 3),
        ([0, 10, 20, 30, 40, 50], Frame(0, 2, 3), None),  # a frame a recorded step
        ([0, 10, 20, 30, 40, 50], Frame(0, 5, 6), None),
        ([0, 10, 20, 30, 40, 50], Frame(0, 4, 6), 20),
    ],
)
def test_a_frame_a_recorded_step_says_nothing_of_speed_where_steps_are_missing(
    latents, steps, frame, speed
):
    run = Run.from_arrays(latents, steps=list(steps))
    assert ProjectionsView((Projection(1, 0),), 0.5)(run, frame).speed == speed


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_points_that_are_not_finite_are_left_out_and_counted(latents, bad):
    expected = ProjectionsView((Projection(1, 0),), 0.5)(
        Run.from_arrays(latents.copy()), Frame(0, 2, 4)
    )
    latents[3, 1, 0] = latents[2, 2, 1] = bad
    latents[3, 3, 2] = bad  # which no projection shows
    scene = ProjectionsView((Projection(1, 0),), 0.5)(Run.from_arrays(latents), Frame(0, 2, 4))
    assert scene.n_left_out == 2
    assert expected.n_left_out == 0
    positions = expected.positions.copy()
    positions[:, 1, 1] = positions[:, 2, 0] = np.nan
    np.testing.assert_array_equal(scene.positions, positions)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_latents_of_which_none_is_finite_are_named_by_step(latents, bad):
    latents[3, :, 0] = latents[4] = bad
    run = Run.from_arrays(latents, steps=[0, 10, 20, 30, 40, 50])
    view = ProjectionsView((Projection(1, 0),), 0.5)
    view(run, Frame(0, 0, 3))
    with pytest.raises(ArchiveError, match="at step 30 are not finite at 4 of 4 points"):
        view(run, Frame(0, 0, 6))
