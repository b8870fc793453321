import numpy as np
import pytest

from latentviz import ArchiveError, Run
from latentviz.pacing import Frame
from latentviz.scene import Heading
from latentviz.views import clouds_of, heading, shown_of
from latentviz.views.clock import speed_words
from latentviz.views.clouds import substep_alpha


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


@pytest.fixture
def latents():
    return np.random.default_rng(5).normal(size=(6, 4, 3)).astype(np.float32)


def test_clouds_are_point_substep_and_right_up(latents):
    run = Run.from_arrays(latents, steps=[0, 10, 20, 30, 40, 50])
    clouds = clouds_of(shown_of(run, dims=[(1, 0), (2, 2)]), Frame(0, 2, 5), 0.5)
    for cloud, (right, up) in zip(clouds, [(1, 0), (2, 2)], strict=True):
        assert cloud.xy.shape == (4, 3, 2)
        assert cloud.xy.dtype == np.float32
        assert cloud.alpha == substep_alpha(0.5, 3)
        for point in range(4):
            for substep in range(3):
                expected = latents[2 + substep, point, [right, up]]
                assert cloud.xy[point, substep].tolist() == expected.tolist()


def test_a_heading_says_the_step_and_the_speed(latents):
    run = Run.from_arrays(latents, steps=[0, 10, 20, 30, 40, 50])
    assert heading(run.steps, Frame(3, 2, 5), 0) == Heading("step", "40", "▸▸30x")
    assert heading(run.steps, Frame(3, 2, 5), 1).note == "1 point not finite"
    assert heading(run.steps, Frame(3, 2, 5), 2).note == "2 points not finite"


@pytest.mark.parametrize(("speed", "words"), [(1, "▸1x"), (2, "▸▸2x"), (15, "▸▸15x")])
def test_one_step_a_frame_is_no_fast_forward(speed, words):
    assert speed_words(speed) == words


@pytest.mark.parametrize(
    ("steps", "frame", "speed"),
    [
        (range(6), Frame(0, 2, 3), "▸1x"),
        (range(6), Frame(0, 2, 5), "▸▸3x"),
        ([0, 10, 20, 30, 40, 50], Frame(0, 2, 3), ""),  # a frame a recorded step
        ([0, 10, 20, 30, 40, 50], Frame(0, 5, 6), ""),
        ([0, 10, 20, 30, 40, 50], Frame(0, 4, 6), "▸▸20x"),
    ],
)
def test_a_frame_a_recorded_step_says_nothing_of_speed_where_steps_are_missing(
    latents, steps, frame, speed
):
    run = Run.from_arrays(latents, steps=list(steps))
    assert heading(run.steps, frame, 0).speed == speed


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_points_that_are_not_finite_are_left_out_and_counted(latents, bad):
    def cloud_of(latents):
        return clouds_of(shown_of(Run.from_arrays(latents), dims=[(1, 0)]), Frame(0, 2, 4), 0.5)[0]

    expected = cloud_of(latents.copy())
    latents[3, 1, 0] = latents[2, 2, 1] = bad
    latents[3, 3, 2] = bad  # which no projection shows
    cloud = cloud_of(latents)
    assert cloud.n_left_out == 2
    assert expected.n_left_out == 0
    xy = expected.xy.copy()
    xy[1, 1] = xy[2, 0] = np.nan
    np.testing.assert_array_equal(cloud.xy, xy)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_latents_of_which_none_is_finite_are_named_by_step(latents, bad):
    latents[3, :, 0] = latents[4] = bad
    run = Run.from_arrays(latents, steps=[0, 10, 20, 30, 40, 50])
    shown = shown_of(run, dims=[(1, 0)])
    clouds_of(shown, Frame(0, 0, 3), 0.5)
    with pytest.raises(ArchiveError, match="at step 30 are not finite at 4 of 4 points"):
        clouds_of(shown, Frame(0, 0, 6), 0.5)
