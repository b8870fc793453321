from dataclasses import replace

import numpy as np
import pytest

from latentviz import Run
from latentviz.palette import role_color
from latentviz.scene import Curve
from latentviz.theme import THEMES, Role
from latentviz.views import film_charts
from latentviz.views.curves import (
    carry_forward,
    curve_roles,
    same_scale,
    schedule_charts,
    smooth,
    smoothing_width,
)

DARK = THEMES["dark"]
nan, inf = np.nan, np.inf


def run_of(n_steps=5, **options):
    return Run.from_arrays(np.zeros((n_steps, 1, 2)), **options)


def charts_of(run, start=0, stop=None):
    return film_charts(run, start, len(run) if stop is None else stop)


@pytest.mark.parametrize(
    ("values", "gaps", "carried"),
    [
        ([1, 2, 3], [0, 0, 0], [1, 2, 3]),
        ([nan, 1, nan, nan, 2, nan], [1, 0, 1, 1, 0, 1], [nan, 1, 1, 1, 2, 2]),
        # What was given stays what it is, and a gap after it is like it.
        ([1, inf, nan, -inf, 2], [0, 0, 1, 0, 0], [1, inf, inf, -inf, 2]),
        ([1, nan, nan, 2], [0, 0, 1, 0], [1, nan, nan, 2]),
        ([nan, nan], [1, 1], [nan, nan]),
    ],
)
def test_gaps_carry_the_last_value_forward(values, gaps, carried):
    np.testing.assert_array_equal(
        carry_forward(np.array(values, float), np.array(gaps, bool)), carried
    )


def mean_around(values, width):
    """A window of its own for each step, as wide as the nearer end, or the nearer NaN, lets it."""
    out = np.full(len(values), nan)
    for i in np.flatnonzero(np.isfinite(values)):
        reach = 0
        while (
            reach < width // 2
            and i - reach - 1 >= 0
            and i + reach + 1 < len(values)
            and np.isfinite(values[[i - reach - 1, i + reach + 1]]).all()
        ):
            reach += 1
        out[i] = values[i - reach : i + reach + 1].mean()
    return out


@pytest.mark.parametrize("width", [1, 3, 25, 101])
@pytest.mark.parametrize("missing", [[], [0], range(30), [20, 21, 33], range(0, 60, 2), range(60)])
def test_smooth_is_the_mean_of_the_steps_around(width, missing):
    values = np.random.default_rng(width).lognormal(size=60)
    values[list(missing)] = nan
    np.testing.assert_allclose(smooth(values, width), mean_around(values, width))


@pytest.mark.parametrize("n", [1, 2, 3, 24, 25, 26, 200])
def test_smooth_keeps_a_straight_line_straight_up_to_its_ends(n):
    for slope in (-3, 0, 7):
        line = 1000.0 + slope * np.arange(n)
        np.testing.assert_array_equal(smooth(line, 25), line)


@pytest.mark.parametrize("rate", [0.003, 0.03, 0.3])
def test_smooth_keeps_an_exponential_parallel_to_itself_and_its_ends_where_they_are(rate):
    true = 16.4 * np.exp(-rate * np.arange(300))
    smoothed = smooth(true, 25)
    assert smoothed[[0, -1]].tolist() == true[[0, -1]].tolist()
    above = np.log(smoothed / true)
    np.testing.assert_allclose(above[12:-12], above[12])
    assert (above >= -1e-12).all()  # the more, the more steps are taken together
    assert (np.diff(above[:13]) > 0).all()
    assert (np.diff(above[-13:]) < 0).all()
    assert (np.diff(smoothed) < 0).all()  # no uptick anywhere, nor a kink at step 12
    # A window of 25 that shrinks on one side alone would draw its first steps far too low.
    assert smoothed[1] == pytest.approx(true[:3].mean())


def test_smooth_leaves_nothing_but_gaps_alone():
    assert np.isnan(smooth(np.full(4, nan), 25)).all()


def test_smooth_adds_up_the_greatest_numbers():
    assert np.isfinite(smooth(np.full(100, 1.7e308), 25)).all()


@pytest.mark.parametrize(
    ("n_steps", "width"),
    [(1, 1), (59, 1), (60, 3), (99, 3), (100, 5), (499, 23), (500, 25), (10_001, 25)],
)
def test_short_runs_are_hardly_smoothed(n_steps, width):
    assert smoothing_width(n_steps) == width
    (losses,) = charts_of(run_of(n_steps, losses={"loss": np.ones(n_steps)}))
    assert losses.label == "losses"
    assert losses.note == (f", smoothed over {width} steps" if width > 1 else "")
    assert (losses.curves[0].raw is None) == (width == 1)


def test_steps_that_were_not_recorded_are_not_counted():
    steps = np.arange(100) * 10
    (losses,) = charts_of(run_of(100, steps=steps, losses={"loss": np.ones(100)}))
    assert losses.note == ", smoothed over 5 recorded steps"


def given(*values):
    """Values that are as they are, whatever they are."""
    return np.ma.masked_array(np.array(values, float), [False] * len(values))


def test_nan_and_infinity_break_a_curve_and_a_gap_does_not():
    odd = given(1, 1, nan, 2, inf, 3, 3)
    odd.mask[5] = True
    run = run_of(7, params={"odd": odd, "gaps": [nan, 1, nan, 2, nan, nan, 3]})
    (schedule,) = charts_of(run)
    odd, gaps = schedule.curves
    np.testing.assert_array_equal(odd.values, [1, 1, nan, 2, nan, nan, 3])
    assert odd.broken.tolist() == [2, 4]
    np.testing.assert_array_equal(gaps.values, [nan, 1, 1, 2, 2, 2, 3])
    assert gaps.broken.tolist() == []
    (part,) = charts_of(run, 3, 6)
    assert part.curves[0].broken.tolist() == [1]
    # A range takes a gap's value from before it.
    np.testing.assert_array_equal(part.curves[1].values, [2, 2, 2])


def test_a_broken_curve_is_smoothed_on_either_side_by_itself():
    values = np.concatenate([np.arange(300.0), [nan], 1000 - np.arange(299.0)])
    (losses,) = charts_of(run_of(600, losses={"loss": given(*values)}))
    (curve,) = losses.curves
    # Straight on either side: nothing of the one side is in the other.
    np.testing.assert_array_equal(curve.values, values)
    np.testing.assert_array_equal(curve.raw, values)
    assert curve.broken.tolist() == [300]


def test_smooth_forgets_a_spike_once_it_has_passed():
    values = np.full(100, 1e-6)
    values[3] = 1e9
    np.testing.assert_allclose(smooth(values, 25)[40:], 1e-6, rtol=1e-3)


def curve(name, *values):
    return Curve(name, np.array(values, float), np.empty(0, np.int64), Role("curves", 0))


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


def test_a_property_and_its_loss_term_share_a_color():
    flat = np.ones(5)
    run = run_of(
        params={"lr": flat, "reg-norm": flat, "reg-polar": flat},
        losses={"loss": flat, "reg-polar": flat, "reg-norm": flat},
    )
    schedule, losses = ({c.name: c.role for c in chart.curves} for chart in charts_of(run))
    assert schedule["reg-norm"] == losses["reg-norm"] != losses["reg-polar"]
    assert schedule["reg-polar"] == losses["reg-polar"] != losses["loss"]
    assert {role.palette for role in (*schedule.values(), *losses.values())} == {"curves"}


def test_many_curves_all_have_colors_of_their_own():
    roles = curve_roles([f"c{i}" for i in range(23)])
    colors = [role_color(roles[f"c{i}"], DARK) for i in range(23)]
    assert colors[:10] == list(DARK.curves)
    assert len(set(colors)) == 23


def test_the_schedule_shows_the_largest_group_without_the_learning_rate():
    flat = np.ones(5)
    run = run_of(
        params={"lr": 0.01 * flat, "a": flat, "b": 0.02 * flat, "c": 1e-4 * flat, "d": 1e6 * flat}
    )
    (schedule,) = charts_of(run)
    assert names(schedule.curves) == ["a", "b"]
    assert (schedule.label, schedule.log) == ("schedule", False)


def test_the_learning_rates_of_all_parameter_groups_are_apart():
    flat = np.ones(5)
    run = run_of(params={"lr": flat, "lr-1": flat, "lr-2": flat, "lr-decay": flat, "b": flat})
    (schedule,) = charts_of(run)
    assert names(schedule.curves) == ["lr-decay", "b"]
    assert [names(p.curves) for p in schedule_charts(run.schedule)] == [
        ["lr", "lr-1", "lr-2"],
        ["lr-decay", "b"],
    ]


def test_the_learning_rate_is_shown_where_it_is_alone():
    (schedule,) = charts_of(run_of(params={"lr": np.ones(5)}))
    assert names(schedule.curves) == ["lr"]


def test_keyframes_are_marked_on_the_schedule_only():
    run = run_of(
        steps=[0, 10, 20, 30, 40],
        params={"w": np.ones(5), "v": np.ones(5)},
        losses={"w": np.ones(5)},
        keyframes={"w": [0, 15, 30], "lr": [10]},
    )
    schedule, losses = charts_of(run)
    # As indices; step 15 was not recorded, and its keyframe stands at the next that was.
    assert [c.keyed.tolist() for c in schedule.curves] == [[0, 2, 3], []]
    assert [c.keyed.tolist() for c in losses.curves] == [[]]


def test_losses_are_smoothed_on_a_log_axis_and_the_schedule_is_not():
    values = np.zeros(600)
    values[300] = 25
    schedule, losses = charts_of(run_of(600, params={"w": values}, losses={"w": values}))
    np.testing.assert_array_equal(schedule.curves[0].values, values)
    assert schedule.curves[0].raw is None
    assert losses.curves[0].values[[287, 288, 300, 312, 313]] == pytest.approx([0, 1, 1, 1, 0])
    np.testing.assert_array_equal(losses.curves[0].raw, values)
    assert (losses.label, losses.log, losses.quantity) == ("losses", True, "loss")
    assert (schedule.log, schedule.quantity) == (False, "value")


def test_a_range_of_steps_carries_what_came_before_it():
    run = run_of(
        steps=[0, 2, 4, 6, 8],
        params={"w": [3, nan, nan, 5, nan]},
        losses={"loss": [7, nan, nan, 7, 1000]},
        keyframes={"w": [0, 6]},
    )
    schedule, losses = charts_of(run, 1, 4)
    assert schedule.steps.tolist() == losses.steps.tolist() == [2, 4, 6]
    assert schedule.curves[0].values.tolist() == [3, 3, 5]
    assert schedule.curves[0].keyed.tolist() == [2]
    assert losses.curves[0].values.tolist() == [7, 7, 7]


def test_a_range_is_smoothed_over_what_is_shown():
    values = np.where(np.arange(300) < 200, 1.0, 1000.0)
    (losses,) = charts_of(run_of(300, losses={"loss": values}), 0, 200)
    assert losses.note == ", smoothed over 9 steps"
    assert losses.curves[0].values.tolist() == [1.0] * 200


def test_a_run_without_curves_has_no_charts():
    assert charts_of(run_of()) == ()
    assert [p.label for p in charts_of(run_of(losses={"loss": np.ones(5)}))] == ["losses"]


def test_metrics_have_a_chart_of_their_own_with_a_linear_axis():
    spike = np.where(np.arange(600) == 300, 1.0, 0.0)
    run = run_of(
        600, params={"w": spike + 1}, losses={"acc": spike + 1}, metrics={"acc": spike, "f1": spike}
    )
    schedule, losses, metrics = charts_of(run)
    assert [chart.label for chart in (schedule, losses, metrics)] == [
        *("schedule", "losses", "metrics"),
    ]
    assert (metrics.log, metrics.quantity, metrics.close_up) == (False, "value", True)
    assert metrics.note == losses.note == ", smoothed over 25 steps"
    assert names(metrics.curves) == ["acc", "f1"]
    np.testing.assert_array_equal(metrics.curves[0].raw, spike)
    assert metrics.curves[0].values[300] == pytest.approx(1 / 25)
    # The same name has the same color, and a run's others have those that they have without.
    roles = curve_roles(["acc", "w", "f1"])
    assert metrics.curves[0].role == losses.curves[0].role == roles["acc"]
    assert metrics.curves[1].role == roles["f1"]


def test_a_metric_that_is_measured_now_and_then_is_a_line_between_what_was_measured():
    values = np.full(600, nan)
    values[[100, 200, 300, 400, 500]] = [0, 1, 0.5, 0.5, inf]
    (metrics,) = charts_of(run_of(600, steps=np.arange(600) * 2, metrics={"a": values}))
    (curve,) = metrics.curves
    assert (metrics.note, curve.raw) == ("", None)
    assert curve.measured.tolist() == [100, 200, 300, 400]
    assert curve.broken.tolist() == [500]
    assert curve.values[[100, 125, 150, 200, 250, 400]].tolist() == [0, 0.25, 0.5, 1, 0.75, 0.5]
    assert np.isnan(curve.values[[0, 99, 401, 599]]).all()
    # A range shows the same.
    (part,) = charts_of(run_of(600, metrics={"a": values}), 120, 250)
    np.testing.assert_array_equal(part.curves[0].values, curve.values[120:250])
    assert part.curves[0].measured.tolist() == [80]


@pytest.mark.parametrize("every", [1, 2])
def test_a_metric_that_many_steps_have_is_smoothed_as_losses_are(every):
    values = np.where(np.arange(600) % every == 0, 1.0, nan)
    values[5] = 3.0
    (metrics,) = charts_of(run_of(600, metrics={"a": values}))
    assert metrics.curves[0].raw is not None
    assert len(metrics.curves[0].measured) == 0


def test_a_metric_without_any_value_has_a_place_in_the_legend_alone():
    (metrics,) = charts_of(run_of(600, metrics={"a": np.full(600, nan)}))
    assert np.isnan(metrics.curves[0].values).all()


def test_what_was_measured_after_the_last_update_ends_the_curves():
    run = replace(
        run_of(5, losses={"loss": np.ones(5)}),
        final_losses={"loss": 0.5, "test": inf},
        final_metrics={"accuracy": 0.9},
    )
    losses, metrics = charts_of(run)
    assert [(c.name, c.final, c.broken.tolist()) for c in losses.curves] == [
        ("loss", 0.5, []),
        ("test", inf, [4]),
    ]
    assert [(c.name, c.final) for c in metrics.curves] == [("accuracy", 0.9)]
    # Where the last step is not shown, nor is what followed it.
    (losses,) = charts_of(run, 0, 4)
    assert [(c.name, c.final) for c in losses.curves] == [("loss", None)]


def test_a_loss_that_is_measured_once_in_a_while_is_a_line_and_one_in_some_steps_carries_on():
    rare, now_and_then = np.full(500, np.nan), np.full(500, np.nan)
    rare[[100, 200, 300]] = [8, 4, 2]
    now_and_then[::10] = np.arange(50)
    losses = {"eval_loss": rare, "term": now_and_then}
    run = Run.from_arrays(np.zeros((500, 4, 2)), losses=losses)
    (chart,) = film_charts(run, 0, 500)
    line, stair = chart.curves
    assert line.measured.tolist() == [100, 200, 300]
    assert line.raw is None
    assert line.values[[99, 100, 150, 300, 301]].tolist() == pytest.approx(
        [np.nan, 8, 6, 2, np.nan], nan_ok=True
    )
    assert len(stair.measured) == 0
    assert stair.raw[:12].tolist() == [*[0] * 10, 1, 1]
