import numpy as np
import pytest

from latentviz import Run
from latentviz.scene import Curve, same_scale
from latentviz.theme import THEMES
from latentviz.views import curve_panels
from latentviz.views.curves import carry_forward, curve_colors, schedule_panels, smooth

DARK = THEMES["dark"]
nan, inf = np.nan, np.inf


def run_of(n_steps=5, **options):
    return Run.from_arrays(np.zeros((n_steps, 1, 2)), **options)


def panels_of(run, start=0, stop=None):
    return curve_panels(run, start, len(run) if stop is None else stop, DARK)


@pytest.mark.parametrize(
    ("values", "carried"),
    [
        ([1, 2, 3], [1, 2, 3]),
        ([nan, 1, nan, nan, 2, nan], [nan, 1, 1, 1, 2, 2]),
        ([1, inf, -inf, 2], [1, 1, 1, 2]),
        ([nan, nan], [nan, nan]),
    ],
)
def test_gaps_carry_the_last_value_forward(values, carried):
    np.testing.assert_array_equal(carry_forward(np.array(values, float)), carried)


@pytest.mark.parametrize("width", [1, 3, 25, 101])
@pytest.mark.parametrize("n_leading_gaps", [0, 1, 30])
def test_smooth_is_the_mean_of_the_steps_around(width, n_leading_gaps):
    values = np.random.default_rng(width).lognormal(size=60)
    values[:n_leading_gaps] = nan
    given = values[n_leading_gaps:]
    half = width // 2
    means = [given[max(0, i - half) : i + half + 1].mean() for i in range(len(given))]
    expected = np.concatenate([values[:n_leading_gaps], means])
    np.testing.assert_allclose(smooth(values, width), expected)


def test_smooth_leaves_nothing_but_gaps_alone():
    assert np.isnan(smooth(np.full(4, nan), 25)).all()


def test_smooth_forgets_a_spike_once_it_has_passed():
    values = np.full(100, 1e-6)
    values[3] = 1e9
    np.testing.assert_allclose(smooth(values, 25)[40:], 1e-6, rtol=1e-3)


def curve(name, *values):
    return Curve(name, np.array(values, float), np.empty(0, np.int64), "#000000")


def names(curves):
    return [c.name for c in curves]


def test_same_scale_by_hand():
    curves = [
        curve("tiny", 0.001, nan),
        curve("big", -100, 5),
        curve("zero", 0, 0),
        curve("small", 0.02, 0.1),
        curve("large", 1, 30),
        curve("empty", nan, inf),
    ]
    groups = same_scale(curves, 100)
    assert [names(group) for group in groups] == [
        ["big", "large"],
        ["tiny", "small"],
        ["zero", "empty"],
    ]


def test_same_scale_s_ratio_is_inclusive():
    assert [names(g) for g in same_scale([curve("a", 1), curve("b", 100)], 100)] == [["a", "b"]]
    assert [names(g) for g in same_scale([curve("a", 1), curve("b", 101)], 100)] == [["b"], ["a"]]


def test_a_property_and_its_loss_term_share_a_colour():
    flat = np.ones(5)
    run = run_of(
        params={"lr": flat, "reg-norm": flat, "reg-polar": flat},
        metrics={"loss": flat, "reg-polar": flat, "reg-norm": flat},
    )
    schedule, losses = ({c.name: c.color for c in panel.curves} for panel in panels_of(run))
    assert schedule["reg-norm"] == losses["reg-norm"] != losses["reg-polar"]
    assert schedule["reg-polar"] == losses["reg-polar"] != losses["loss"]
    assert {*schedule.values(), *losses.values()} <= set(DARK.curves)


def test_many_curves_all_have_colours_of_their_own():
    colors = curve_colors([f"c{i}" for i in range(23)], DARK)
    assert [colors[f"c{i}"] for i in range(10)] == list(DARK.curves)
    assert len(set(colors.values())) == 23


def test_the_schedule_shows_the_largest_group_without_the_learning_rate():
    flat = np.ones(5)
    run = run_of(
        params={"lr": 0.01 * flat, "a": flat, "b": 0.02 * flat, "c": 1e-4 * flat, "d": 1e6 * flat}
    )
    (schedule,) = panels_of(run)
    assert names(schedule.curves) == ["a", "b"]
    assert (schedule.label, schedule.log) == ("schedule", False)


def test_the_learning_rates_of_all_parameter_groups_are_apart():
    flat = np.ones(5)
    run = run_of(params={"lr": flat, "lr-1": flat, "lr-2": flat, "lr-decay": flat, "b": flat})
    (schedule,) = panels_of(run)
    assert names(schedule.curves) == ["lr-decay", "b"]
    assert [names(p.curves) for p in schedule_panels(run.schedule, DARK)] == [
        ["lr", "lr-1", "lr-2"],
        ["lr-decay", "b"],
    ]


def test_the_learning_rate_is_shown_where_it_is_alone():
    (schedule,) = panels_of(run_of(params={"lr": np.ones(5)}))
    assert names(schedule.curves) == ["lr"]


def test_keyframes_are_marked_on_the_schedule_only():
    run = run_of(
        steps=[0, 10, 20, 30, 40],
        params={"w": np.ones(5), "v": np.ones(5)},
        metrics={"w": np.ones(5)},
        keyframes={"w": [0, 15, 30], "lr": [10]},
    )
    schedule, losses = panels_of(run)
    # As indices; step 15 was not recorded, and its keyframe stands at the next that was.
    assert [c.keyed.tolist() for c in schedule.curves] == [[0, 2, 3], []]
    assert [c.keyed.tolist() for c in losses.curves] == [[]]


def test_losses_are_smoothed_on_a_log_axis_and_the_schedule_is_not():
    values = np.zeros(60)
    values[30] = 25
    schedule, losses = panels_of(run_of(60, params={"w": values}, metrics={"w": values}))
    np.testing.assert_array_equal(schedule.curves[0].values, values)
    assert losses.curves[0].values[[17, 18, 30, 42, 43]] == pytest.approx([0, 1, 1, 1, 0])
    assert (losses.label, losses.log) == ("losses", True)


def test_a_short_run_s_losses_are_not_smoothed_flat():
    falling = 2.0 ** -np.arange(12)
    (losses,) = panels_of(run_of(12, metrics={"loss": falling}))
    assert losses.curves[0].values[0] > 20 * losses.curves[0].values[-1]
    (alone,) = panels_of(run_of(1, metrics={"loss": [3.0]}))
    assert alone.curves[0].values == [3.0]


def test_a_range_of_steps_carries_what_came_before_it():
    run = run_of(
        steps=[0, 2, 4, 6, 8],
        params={"w": [3, nan, nan, 5, nan]},
        metrics={"loss": [7, nan, nan, 7, 1000]},
        keyframes={"w": [0, 6]},
    )
    schedule, losses = panels_of(run, 1, 4)
    assert schedule.steps.tolist() == losses.steps.tolist() == [2, 4, 6]
    assert schedule.curves[0].values.tolist() == [3, 3, 5]
    assert schedule.curves[0].keyed.tolist() == [2]
    # Smoothed over what is shown: nothing of the 1000 after it.
    assert losses.curves[0].values.tolist() == [7, 7, 7]


def test_a_run_without_curves_has_no_panels():
    assert panels_of(run_of()) == ()
    assert [p.label for p in panels_of(run_of(metrics={"loss": np.ones(5)}))] == ["losses"]
